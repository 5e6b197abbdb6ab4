"""追赶：从一跳走到另一跳，只在价格碰得到挂单的地方停下来撮合。

每只证券一个游标。离挂单远的时候一大步一大步地跨（整段的价格范围碰不到就跨过去），近了才缩小步子，
最后一跳一跳地看。游标按（跳，代码）的先后排在堆里，成交的次序因此与逐跳逐只地看完全一样；
做到哪里停下都行，停几次都不影响结果。
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.ledger.resting import RestingBook

    Match = Callable[[RestingBook, int, int, int], int]
    Hours = tuple[bool, bool]  # 有收盘集合竞价；连续到 15:30


_LEAF: Final = 32
"""不超过这么多跳就一跳一跳地看。"""
_SHRINK: Final = 8
_GROW: Final = 4

# 各种活的分量，以 10 微秒左右为一份
_SPAN_WORK: Final = 2
_LEAF_WORK: Final = 3
_TICKS_PER_WORK: Final = 3
_FILL_WORK: Final = 6


class Budget:
    """一次最多做多少活，一份约 10 微秒。数活不数时间：同样的输入在哪台机器上都停在同一处。"""

    __slots__ = ("left",)

    def __init__(self, work: int) -> None:
        self.left = work


class _Cursor:
    """一只证券看到了哪里。``path`` 是从 ``origin`` 跳起各跳的价格，看细的时候才有。"""

    __slots__ = ("at", "book", "hours", "open_until", "origin", "path", "size")

    def __init__(self, book: RestingBook, hours: Hours, first: int, size: int) -> None:
        self.book = book
        self.hours = hours
        self.at = first
        self.size = size
        self.open_until = first - 1
        self.origin = 0
        self.path: list[int] = []

    @property
    def detailed(self) -> bool:
        """这一跳的价格已经算好。"""
        return self.at < self.origin + len(self.path)

    def next_hit(self) -> int:
        """算好的这一段里，从 ``at`` 起第一个碰到挂单的跳；没有则为这一段之后的那一跳。"""
        buy, sell = self.book.best()
        floor = -1 if buy is None else buy
        ceiling = math.inf if sell is None else sell
        path, origin = self.path, self.origin
        for index in range(self.at - origin, len(path)):
            now, before = path[index], path[index - 1]
            if now <= floor or before <= floor or now >= ceiling or before >= ceiling:
                return origin + index
        return origin + len(path)


class Sweep:
    """``first`` 到 ``last`` 跳的追赶，可以分几次做完；其间不能有新的挂单。"""

    def __init__(
        self,
        market: Market,
        hours: MarketHours,
        books: Iterable[tuple[RestingBook, Hours]],
        first: int,
        last: int,
    ) -> None:
        self._market = market
        self._hours = hours
        self._last = last
        self.reached = self._matched = first - 1
        size = last - first + 1
        self._heap = [
            (first, book.security.stock_code, _Cursor(book, kept, first, size))
            for book, kept in books
        ]
        heapq.heapify(self._heap)

    def run(self, match: Match, budget: Budget) -> bool:
        """做到头，或做完 ``budget``；做到了头为真。``reached`` 是全部证券都看过的最后一跳。"""
        heap = self._heap
        while heap and heap[0][0] <= self._last:
            at, code, cursor = heap[0]
            if budget.left <= 0 and at > self._matched:  # 停在两跳之间，不停在一跳的半当中
                self.reached = at - 1
                return False
            if self._look(cursor, budget):
                self._matched = at
                index = at - cursor.origin
                fills = match(cursor.book, at, cursor.path[index - 1], cursor.path[index])
                budget.left -= _SPAN_WORK + fills * _FILL_WORK
                cursor.at += 1
            if cursor.book.empty:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (cursor.at, code, cursor))
        self.reached = self._last
        return True

    def _look(self, cursor: _Cursor, budget: Budget) -> bool:
        """往前看一段；此刻这一跳就碰到挂单为真，否则游标已经前移或步子已经缩小。"""
        at = cursor.at
        if not cursor.detailed:
            if at > cursor.open_until and not self._enter(cursor):
                return False
            end = min(at + cursor.size - 1, self._last, cursor.open_until)
            if end - at >= _LEAF:
                self._stride(cursor, end, budget)
                return False
            cursor.path = self._market.path(cursor.book.security, at - 1, end)
            cursor.origin = at - 1
            cursor.size = 2 * _LEAF
            budget.left -= _LEAF_WORK + (end - at) // _TICKS_PER_WORK
        cursor.at = cursor.next_hit()
        return cursor.at == at and cursor.detailed

    def _stride(self, cursor: _Cursor, end: int, budget: Budget) -> None:
        """整段碰不到就跨过去，步子放大；碰得到就缩小步子。"""
        budget.left -= _SPAN_WORK
        low, high = self._market.span(cursor.book.security, cursor.at, end)
        buy, sell = cursor.book.best()
        length = end - cursor.at + 1
        if (buy is not None and buy >= low) or (sell is not None and sell <= high):
            cursor.size = max(length // _SHRINK, _LEAF)
        else:
            cursor.at = end + 1
            cursor.size = length * _GROW

    def _enter(self, cursor: _Cursor) -> bool:
        """这一跳开着市为真，并记下开到哪一跳；没有开就移到下一个可能开市的跳。"""
        tick = cursor.at
        ts = self._market.tick_time(tick)
        change = self._hours.next_change(ts)
        if self._hours.is_open(ts, *cursor.hours):
            until = self._market.tick_at(math.nextafter(change, -math.inf))
            cursor.open_until = max(until, tick)
            return True
        cursor.at = max(tick + 1, self._market.tick_at(change))
        return False
