"""测试用的回放数据与柜台。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.basics.beijing import moment
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.exchange.hours import ExchangeHours
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery, Outcome, SubmitOrder
from easytrader.sim.market.library import Library
from easytrader.sim.market.replay import ReplayMarket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ACCOUNT = "880000001"
CODE = "600036.SH"
SECURITY = parse_security(CODE)
DAY = "2026-03-02"
HEADER = "time,open,high,low,close,volume,amount,preClose"
TICK_HEADER = "time,lastPrice,open,high,low,lastClose,amount,volume,askPrice,bidPrice,askVol,bidVol"
BUY, SELL = 23, 24


def at(clock: str, day: str = DAY) -> float:
    return moment(f"{day} {clock}")


def stamp(clock: str, day: str = DAY) -> str:
    return (day + clock).replace("-", "").replace(":", "").ljust(14, "0")


def minute_stamps(count: int, day: str = DAY) -> list[str]:
    """一天里头 ``count`` 根一分钟线结束的时刻。"""
    found = []
    for index in range(count):
        minute = 9 * 60 + 31 + index if index < 120 else 13 * 60 + 1 + index - 120
        found.append(stamp(f"{minute // 60:02d}:{minute % 60:02d}:00", day))
    return found


def bar_line(time: str, bar: Sequence[float], volume: int = 1000, pre_close: object = 35.0) -> str:
    opened, high, low, close = bar
    return f"{time},{opened:.2f},{high:.2f},{low:.2f},{close:.2f},{volume},0,{pre_close}"


def write(path: Path, lines: Iterable[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def market(root: Path, period: str = "1m", tick_s: float = 3.0, unit: str = "hand") -> ReplayMarket:
    return ReplayMarket(Library(root, period, unit), period, ExchangeHours(), tick_s)


class Desk:
    """手动时钟的柜台，行情回放自 ``data``。"""

    def __init__(self, path: Path, data: Path, **settings: Any) -> None:
        self.clock = ManualClock(at("09:30"))
        positions = settings.pop("positions", ())
        account = in_li(ACCOUNT, 2, 10**13, positions)
        self.folder = create(
            path, [account], clock="step", start=f"{DAY} 09:30", replay=str(data), **settings
        )
        self.engine = Engine(self.folder, self.clock)

    def submit(self, side: int, volume: int, price: float, kind: int = 11) -> Outcome:
        return self.engine.submit(SubmitOrder(2, ACCOUNT, CODE, side, volume, kind, price, "", ""))

    def go(self, clock: str, day: str = DAY) -> None:
        self.clock.set(at(clock, day))
        while self.engine.advance().answer:
            pass

    def orders(self) -> list[Any]:
        found: list[Any] = self.engine.orders(OrdersQuery(2, ACCOUNT)).answer
        return found

    def trades(self) -> list[Any]:
        found: list[Any] = self.engine.trades(AccountQuery(2, ACCOUNT)).answer
        return found
