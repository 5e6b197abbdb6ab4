"""行情来源要回答的几个问题。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from easytrader.sim.market.book import Prints, Quote
    from easytrader.symbols import Security

__all__ = ["Market"]


class Market(Protocol):
    """按「跳」给出盘口与成交；同样的问题永远得到同样的回答。"""

    def tick_at(self, ts: float) -> int:
        """``ts`` 属于第几跳。"""
        ...

    def tick_time(self, tick: int) -> float:
        """第 ``tick`` 跳开始的时刻。"""
        ...

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口；休市时是收盘时的样子。"""
        ...

    def prints(self, security: Security, tick: int) -> Prints:
        """这一跳里市场的成交；休市时成交量为 0。"""
        ...

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """``first`` 到 ``last`` 跳（同一交易日）各跳的最近成交价。"""
        ...

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """`prints`，前一跳与这一跳的最近成交价已经由 `path` 知道。"""
        ...

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """``first`` 到 ``last`` 跳（同一交易日）成交价的一个保守范围：实际的成交不会在它之外。"""
        ...
