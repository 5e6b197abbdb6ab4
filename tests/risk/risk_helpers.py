"""风控测试用的：假的时钟、假的行情、委托。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from easytrader.backend.records import OrderRequest
from easytrader.basics.log import Log
from easytrader.codes import OrderType, PriceType
from easytrader.market.symbols import parse_security
from easytrader.risk import GuardPost, Meter

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.risk import Guard

NOON = 1_800_072_000.0
"""2027-01-16 12:00 北京时间。"""


class Clock:
    """单调时钟与墙上的时钟一起走；墙上的可以单独拨。"""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall_offset = NOON - 1000.0
        self.pauses: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wall_offset

    def pause(self, seconds: float) -> None:
        with self._lock:
            self.pauses.append(seconds)
            self.now += seconds

    def walk(self, seconds: float) -> None:
        self.now += seconds

    def jump(self, seconds: float) -> None:
        """只拨墙上的时钟。"""
        self.wall_offset += seconds

    def meter(self, path: Path) -> Meter:
        return Meter(path, clock=self, wall=self.wall, pause=self.pause)


class View:
    """行情与资金；给异常就抛。记下问过几次。"""

    def __init__(self, price: Any = 10.0, asset: Any = 1_000_000.0) -> None:
        self.price, self.asset = price, asset
        self.asked: list[str] = []

    def last_price(self, stock_code: str) -> float | None:
        self.asked.append(stock_code)
        return self._give(self.price)

    def multiplier(self, stock_code: str) -> int:
        return 1

    def limit_up(self, stock_code: str) -> float | None:
        raise AssertionError("规则按最新价，不问涨停价")

    def total_asset(self) -> float:
        self.asked.append("asset")
        return self._give(self.asset)

    @staticmethod
    def _give(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value


def order(
    code: str = "600036", volume: int = 100, price: float = 10.0, side: int = OrderType.BUY
) -> OrderRequest:
    return OrderRequest(
        parse_security(code), side, volume, PriceType.FIX, price, "", "remark", "tag"
    )


def market_order(code: str = "600036", volume: int = 100) -> OrderRequest:
    return OrderRequest(
        parse_security(code),
        OrderType.BUY,
        volume,
        PriceType.PEER_PRICE_FIRST,
        0.0,
        "",
        "remark",
        "tag",
    )


def post_of(guard: Guard, path: Path, clock: Clock) -> GuardPost:
    return GuardPost(guard, clock.meter(path), Log(), clock)
