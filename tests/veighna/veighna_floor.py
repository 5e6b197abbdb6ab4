"""一个 VeighNa 主引擎，加上我们的接口，记下它报的每一件事；用的测试先 importorskip。"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import ACCOUNT, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping


def _import_vnpy() -> None:
    """VeighNa 导入时在工作目录（没有就是用户目录）里找 ``.vntrader``，默认把日志写到屏幕和那里。"""
    if "vnpy.trader.engine" in sys.modules:
        return
    before, place = Path.cwd(), Path(tempfile.mkdtemp(prefix="veighna-"))
    (place / ".vntrader").mkdir()
    os.chdir(place)
    try:
        from vnpy.trader.setting import SETTINGS

        SETTINGS.update({"log.active": False, "log.file": False, "log.console": False})
        import vnpy.trader.engine  # noqa: F401
    finally:
        os.chdir(before)


_import_vnpy()

from vnpy.event import Event, EventEngine  # noqa: E402
from vnpy.trader.constant import Direction, Exchange, Offset, OrderType, Status  # noqa: E402
from vnpy.trader.engine import MainEngine  # noqa: E402
from vnpy.trader.object import CancelRequest, OrderRequest, SubscribeRequest  # noqa: E402

from easytrader.veighna import EasytraderGateway  # noqa: E402

EXCHANGES = {"SH": Exchange.SSE, "SZ": Exchange.SZSE, "BJ": Exchange.BSE}
_KINDS = {
    "order": "eOrder.", "trade": "eTrade.", "position": "ePosition.", "account": "eAccount.",
    "contract": "eContract.", "tick": "eTick.", "log": "eLog",
}  # fmt: skip


class Floor:
    """一个主引擎；``seen[种类]`` 是按次序收到的。"""

    def __init__(self) -> None:
        before = Path.cwd()
        self.events = EventEngine(interval=0.05)
        self.seen: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
        for kind, name in _KINDS.items():
            self.events.register(name, lambda event, kind=kind: self._take(kind, event))
        self.main = MainEngine(self.events)
        os.chdir(before)  # MainEngine 换了工作目录

    def _take(self, kind: str, event: Event) -> None:
        self.seen[kind].append(event.data)

    def add(self, setting: Mapping[str, Any], name: str = "QMT", *, ready: bool = True) -> Any:
        """加一个接口，连上；给出接口。"""
        gateway = self.main.add_gateway(EasytraderGateway, name)
        self.main.connect(dict(setting), name)
        if ready:
            eventually(lambda: gateway.connected)
        return gateway

    def send(
        self,
        code: str,
        volume: float,
        price: float | None,
        *,
        sells: bool = False,
        offset: Any = Offset.NONE,
        kind: Any = None,
        name: str = "QMT",
        reference: str = "floor",
    ) -> str:
        """发一笔，给出 ``vt_orderid``；没有价格的是市价。"""
        symbol, _, suffix = code.partition(".")
        direction = Direction.SHORT if sells else Direction.LONG
        kind = kind or (OrderType.MARKET if price is None else OrderType.LIMIT)
        request = OrderRequest(
            symbol, EXCHANGES[suffix], direction, kind, volume, price or 0, offset, reference
        )
        found: str = self.main.send_order(request, name)
        return found

    def cancel(self, vt_orderid: str, code: str) -> None:
        name, orderid = vt_orderid.split(".")
        symbol, _, suffix = code.partition(".")
        self.main.cancel_order(CancelRequest(orderid, symbol, EXCHANGES[suffix]), name)

    def subscribe(self, code: str, name: str = "QMT") -> None:
        symbol, _, suffix = code.partition(".")
        self.main.subscribe(SubscribeRequest(symbol, EXCHANGES[suffix]), name)

    def statuses(self, vt_orderid: str) -> list[Any]:
        """这一笔报过的状态，接连相同的算一次。"""
        found: list[Any] = []
        for each in list(self.seen["order"]):
            if each.vt_orderid == vt_orderid and each.status not in found[-1:]:
                found.append(each.status)
        return found

    def until(self, vt_orderid: str, status: Any) -> Any:
        """等它到这个状态，给出委托。"""
        eventually(lambda: (self.statuses(vt_orderid) or [None])[-1] is status)
        return self.main.get_order(vt_orderid)

    def told(self, text: str) -> list[str]:
        """带着这几个字的日志。"""
        return [each.msg for each in list(self.seen["log"]) if text in each.msg]

    def hears(self, text: str) -> str:
        """等到一行带着这几个字的日志。"""
        eventually(lambda: self.told(text))
        return self.told(text)[-1]

    def position(self, code: str, name: str = "QMT") -> Any:
        """此刻的持仓；没有报过为 None。"""
        symbol, _, suffix = code.partition(".")
        value = Direction.NET.value
        return self.main.get_position(f"{name}.{symbol}.{EXCHANGES[suffix].value}.{value}")

    def close(self) -> None:
        self.main.close()


def sim_setting(folder: Path, **more: Any) -> dict[str, Any]:
    """连一个模拟文件夹；不报几千个合约。"""
    return {"后端": "sim", "路径": str(folder), "资金账号": ACCOUNT, "合约": "600036", **more}


__all__ = [
    "CancelRequest", "Direction", "EasytraderGateway", "Exchange", "Floor", "Offset", "OrderType",
    "Status", "sim_setting",
]  # fmt: skip
