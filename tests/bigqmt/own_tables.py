"""自己写表的终端：真的中转在一个线程上一格一格地跑，委托、成交、回调都由测试说。"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from agent_world import ACCOUNT, Rig, Row, order_row
from agent_world import settings as rig_settings

import easytrader
from easytrader.basics.beijing import stamp
from easytrader.bigqmt import agent as product

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.trader import Trader

__all__ = ["CODE", "OwnTables", "account_row", "deal", "order"]

CODE = "600036"
_TICK_S = 0.005


def today() -> str:
    return stamp(time.time(), "%Y%m%d")


def account_row(**changes: Any) -> Row:
    """资金。"""
    values: dict[str, Any] = dict.fromkeys(product.COLUMNS["ACCOUNT"], 0.0)
    values |= {"m_strAccountID": ACCOUNT, "m_dBalance": 1e6, "m_dAvailable": 1e6}
    return Row(**{**values, "m_strStatus": "登录成功", **changes})


def order(number: int, tag: str = "", **changes: Any) -> Row:
    """一笔今天的委托；``tag`` 是备注。"""
    return order_row(
        number,
        **{
            "m_strRemark": tag, "m_strInsertDate": today(), "m_strInsertTime": "093000",
            "m_nErrorID": 2147483647, "m_strErrorMsg": "", "m_strSource": "", "m_nRef": number,
            "m_strOptName": "限价买入", "m_eEntrustType": 48, "m_nOrderPriceType": 50,
            "m_nOrderSubmitStatus": 51, "m_dLimitPrice": 10.0, **changes,
        },
    )  # fmt: skip


def deal(trade: str, number: int, **changes: Any) -> Row:
    """一笔今天的成交，``number`` 是委托的合同编号。"""
    values: dict[str, Any] = dict.fromkeys(product.COLUMNS["DEAL"], 0)
    values |= {
        "m_strAccountID": ACCOUNT, "m_strInstrumentID": CODE, "m_strExchangeID": "SH",
        "m_strTradeID": trade, "m_strOrderSysID": str(number), "m_nOffsetFlag": 48,
        "m_dPrice": 10.0, "m_nVolume": 100, "m_dTradeAmount": 1000.0, "m_strTradeDate": today(),
        "m_strTradeTime": "093001", "m_strRemark": "", "m_strOptName": "限价买入",
    }  # fmt: skip
    return Row(**{**values, **changes})


class OwnTables(Rig):
    """见模块说明。用完要 `close`。

    Attributes:
        paused: 为真时定时器不响：客户端卡住了。
        place: 交易口的 ``miniqmt_path``。
    """

    def __init__(self, place: Path, **told: Any) -> None:
        self.paused = False
        self._ending = threading.Event()
        self._busy = threading.RLock()
        super().__init__(rig_settings(**told))
        self.tables["ACCOUNT"] = [account_row()]
        self.place = place / "国金 QMT"
        (self.place / "bin.x64").mkdir(parents=True)
        (self.place / "bin.x64" / "XtItClient.exe").write_bytes(b"")
        (self.place / "userdata" / "log").mkdir(parents=True)
        self.agent_file = place / "agent.py"
        self._users: list[Trader] = []
        self._thread = threading.Thread(target=self._run, name="own-tables", daemon=True)
        self._thread.start()

    def load(self) -> None:
        super().load()
        self.module["_clock"] = time.monotonic

    def _run(self) -> None:
        while not self._ending.wait(_TICK_S):
            if not self.paused:
                with self._busy:
                    self.module["_et_tick"](self.context)

    def user(self, callback: Any = None, **options: Any) -> Trader:
        """连好的交易口。"""
        trader = easytrader.use("bigqmt")
        self._users.append(trader)
        self.reach(trader, callback, **options)
        return trader

    def reach(self, trader: Trader, callback: Any = None, **options: Any) -> None:
        """连。"""
        told = self.settings._replace(ports=(*self.ports, 0, 0, 0, 0)[:5])
        text = self.source.replace(f"PORTS = {self.settings.ports}", f"PORTS = {told.ports}")
        self.agent_file.write_text(text, "ascii")
        settings = {"timeout": 3, "row_wait": 0.4, "reconnect_interval": 0.1, **options}
        trader.connect(str(self.place), ACCOUNT, callback, agent=self.agent_file, **settings)

    def says(self, name: str, *args: Any) -> None:
        """终端的回调。"""
        with self._busy:
            self.call_back(name, *args)

    def refuses(self, tag: str, why: str) -> None:
        """``orderError_callback``。"""
        told = Row(strategyName=f"s_&&&_{tag}", opType=23, orderType=1101, accountID=ACCOUNT,
                   orderCode="600036.SH", prType=11, modelPrice=10.0, modelVolume=100)  # fmt: skip
        self.call_back("orderError_callback", told, why)

    def shows(self, *rows: Row, kind: str = "ORDER") -> None:
        """列表里现在有这些。"""
        with self._busy:
            self.tables[kind] = list(rows)

    def restart(self) -> None:
        """客户端没了又起来：换一个进程，什么都不记得。"""
        with self._busy:
            self.forget()
            self.load()

    def answer_with(self, act: Callable[[str], Any]) -> None:
        """每次下单时做什么；参数是标记（终端的 ``userOrderId``）。"""
        self.on_passorder = lambda: act(self.calls[-1][9])

    def close(self) -> None:
        for trader in self._users:
            trader.close()
        self._ending.set()
        self._thread.join(5)
        self.forget()
        for name in [each for each in sys.modules if each.startswith("_easytrader_agent_")]:
            del sys.modules[name]
