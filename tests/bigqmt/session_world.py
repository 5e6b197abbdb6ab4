"""交易口连着一个自己写表的终端：委托、成交、资金、持仓一行一行由测试给，定时器在线程上真的响。"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agent_world import ACCOUNT, Rig, Row, order_row, settings

import easytrader
from easytrader.basics.beijing import stamp
from easytrader.bigqmt import agent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Recorder

PERIOD_S = 0.003


def day(shift: int = 0) -> str:
    """北京的今天（往后几天），``20261130``。"""
    return stamp(time.time() + shift * 86400, "%Y%m%d")


def order(number: int, **changes: Any) -> Row:
    """一行委托；合同编号是它，备注空着（别人的）。"""
    plain = {
        "m_strInsertDate": day(), "m_strInsertTime": "093000", "m_nErrorID": 2147483647,
        "m_strErrorMsg": "", "m_strSource": "", "m_strOptName": "限价买入", "m_eEntrustType": 48,
        "m_nOrderSubmitStatus": 51, "m_nRef": number, "m_nOrderPriceType": 50, "m_strRemark": "",
        "m_dLimitPrice": 10.0,
    }  # fmt: skip
    return order_row(number, **{**plain, **changes})


def deal(trade_id: str, sysid: str, **changes: Any) -> Row:
    """一行成交。"""
    plain: dict[str, Any] = dict.fromkeys(agent.COLUMNS["DEAL"], 0)
    plain |= {
        "m_strAccountID": ACCOUNT, "m_strInstrumentID": "600036", "m_strExchangeID": "SH",
        "m_strTradeID": trade_id, "m_strOrderSysID": sysid, "m_nOffsetFlag": 48, "m_dPrice": 10.0,
        "m_nVolume": 100, "m_dTradeAmount": 1000.0, "m_strTradeDate": day(),
        "m_strTradeTime": "093001", "m_strRemark": "", "m_strOptName": "限价买入",
    }  # fmt: skip
    return Row(**{**plain, **changes})


def account(**changes: Any) -> Row:
    """资金那一行。"""
    plain: dict[str, Any] = dict.fromkeys(agent.COLUMNS["ACCOUNT"], 0.0)
    plain |= {"m_strAccountID": ACCOUNT, "m_dBalance": 1e6, "m_dAvailable": 1e6}
    return Row(**{**plain, "m_strStatus": "登录成功", **changes})


class Site(Rig):
    """一个终端与它的文件夹；定时器在自己的线程上响。"""

    def __init__(self, place: Path, **told: Any) -> None:
        super().__init__(settings(**told))
        self.tables["ACCOUNT"] = [account()]
        self.folder = place / "国金 QMT"
        (self.folder / "bin.x64").mkdir(parents=True)
        (self.folder / "bin.x64" / "XtItClient.exe").write_bytes(b"")
        (self.folder / "userdata" / "log").mkdir(parents=True)
        self.file = place / "agent.py"
        self.file.write_text(self.source, "ascii")
        self._gate = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ring, name="big-site", daemon=True)
        self._thread.start()

    def load(self) -> None:
        super().load()
        self.module["_clock"] = time.monotonic

    @contextmanager
    def still(self) -> Iterator[None]:
        """这一段里定时器不响（客户端卡住了）。"""
        with self._gate:
            yield

    def cut(self) -> None:
        """线都断开；在 `still` 里用。"""
        for channel in list(self.agent._channels):
            channel.close()

    def restart(self) -> None:
        """进程换了一个；在 `still` 里用。"""
        self.forget()
        self.load()

    def push(self, kind: str, row: Any) -> None:
        """终端的一个回调。"""
        self.call_back(f"{kind}_callback", row)

    def refuse(self, tag: str, why: str) -> None:
        """终端不收：``orderError_callback``。"""
        self.call_back("orderError_callback", Row(strategyName=f"s_&&&_{tag}", opType=23), why)

    @property
    def tag(self) -> str:
        """最近一次下单的标记。"""
        return str(self.calls[-1][9])

    def connect(self, ears: Recorder | None = None, **options: Any) -> Any:
        """一个连着的交易口。"""
        user = easytrader.use("bigqmt")
        plain = {"timeout": 4, "row_wait": 0.3, "reconnect_interval": 0.05, "agent": str(self.file)}
        user.connect(str(self.folder), ACCOUNT, ears, **{**plain, **options})
        return user

    def close(self) -> None:
        """收掉。"""
        self._over.set()
        self._thread.join(10)
        self.forget()

    def _ring(self) -> None:
        while not self._over.wait(PERIOD_S):
            with self._gate:
                self.module["_et_tick"](self.context)
