"""盘口：一只证券此刻的买卖各档、这一跳的成交，和给出它们的行情（`Market`）的样子。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from easytrader.market.symbols import Security


DISPLAYED: Final = 5
"""对外展示、「最优五档」所指的档数；更深的档位只有能扫穿五档的委托碰得到。"""


class Level(NamedTuple):
    """一档。"""

    price_li: int
    volume: int


class Prints(NamedTuple):
    """一跳之内市场自己的成交：价格范围与成交量。

    ``touched``：价格只碰到、没有穿过限价时，成交在这个价位的；不说是一半。
    """

    low_li: int
    high_li: int
    volume: int
    touched: int | None = None

    def reach(self, through: bool) -> int:
        """穿过（或只碰到）一个价位时，成交在那里的。"""
        if through:
            return self.volume
        return (self.volume + 1) // 2 if self.touched is None else self.touched


class Printed(NamedTuple):
    """自己（文件夹里各账户）今天在一只证券上的成交：数量、金额（厘）、最低最高，最后一笔与它在哪一跳。"""

    volume: int
    worth_li: int
    low_li: int
    high_li: int
    last_li: int
    tick: int


class Halt(NamedTuple):
    """停着的是 ``start`` 到 ``stop``（不含）各跳，价格停在 ``price_li``；``stop`` 那一跳复牌。"""

    start: int
    stop: int
    price_li: int


class Quote(NamedTuple):
    """某只证券在某一跳的盘口。

    ``asks`` 由低到高、``bids`` 由高到低；前 `DISPLAYED` 档是展示的五档。涨停时 ``asks`` 为空，
    跌停时 ``bids`` 为空；停牌时两边都空，全天停牌的 ``suspended`` 为真。
    """

    tick: int
    pre_close_li: int
    last_li: int
    limit_down_li: int
    limit_up_li: int
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    suspended: bool = False


class Market(Protocol):
    """按「跳」给出盘口与成交；同样的问题永远得到同样的回答。"""

    _tick_s: float
    shows_calls: bool = False
    """集合竞价里的样子数据里就有（回放的快照），不用另造。"""

    def tick_at(self, ts: float) -> int:
        """``ts`` 属于第几跳。"""
        return int(ts // self._tick_s)

    def tick_time(self, tick: int) -> float:
        """第 ``tick`` 跳开始的时刻。"""
        return tick * self._tick_s

    def first_tick(self, ts: float) -> int:
        """不早于 ``ts`` 开始的第一跳。"""
        tick = self.tick_at(ts)
        return tick if self.tick_time(tick) >= ts else tick + 1

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口；看得见的是哪一跳、集合竞价里看见什么，见 `screen`。"""
        ...

    def prints(self, security: Security, tick: int) -> Prints:
        """这一跳里市场的成交；休市时成交量为 0。"""
        before, now = self.path(security, tick - 1, tick)
        return self.printed(security, tick, before, now)

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """``first`` 到 ``last`` 跳（同一交易日）各跳的最近成交价。

        9:25 起是开盘价；收盘集合竞价里停在它开始之前，到撮合的那一跳是收盘价。
        """
        ...

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """`prints`，前一跳与这一跳的最近成交价已经由 `path` 知道。"""
        ...

    def halts(self, security: Security, tick: int) -> tuple[Halt, ...]:
        """``tick`` 那一天的各次盘中停牌；复牌那一跳没有连续的成交，先集中撮合一次。"""
        return ()

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """``first`` 到 ``last`` 跳（同一交易日）成交价的一个保守范围：实际的成交不会在它之外。"""
        ...
