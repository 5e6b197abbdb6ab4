"""交易大厅：刚到的委托与盘口成交，挂着的委托随市场一跳一跳往前走。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.sim.checks import LIMIT_TYPES
from easytrader.sim.market.book import Level
from easytrader.sim.matching import Arrival, arrive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.sim.ledger import Ledger
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.book import Quote
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.resting import RestingBook
    from easytrader.sim.sessions import MarketHours

__all__ = ["Floor"]

_BLOCK: Final = 64
"""追赶时一次看多少跳：这一段里价格碰不到任何挂单，就整段跳过。"""


class Floor:
    """撮合。只通过 `Ledger` 改状态。"""

    def __init__(self, ledger: Ledger, market: Market, hours: MarketHours) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._market = market
        self._hours = hours

    def arrive(self, order: SimOrder, quote: Quote, now: float) -> None:
        """刚收下的委托：能成的成，剩余挂单或撤销。"""
        buy = order.is_buy
        opposite = self._left(order.stock_code, quote, lifting=buy)
        own = quote.bids if buy else quote.asks
        execution = arrive(
            order.price_type,
            Arrival(buy, order.volume, order.limit_li, opposite, own[0].price_li if own else None),
        )
        for price_li, volume in execution.fills:
            self._ledger.fill(order, price_li, volume, now, quote.tick, passive=False)
        if order.remaining == 0:
            return
        if execution.rest_li is None:
            self._ledger.finish(order)
            return
        if order.price_type not in LIMIT_TYPES:
            self._ledger.reprice(order, execution.rest_li)
        self._state.rest(order)

    def _left(self, stock_code: str, quote: Quote, *, lifting: bool) -> Sequence[Level]:
        """对手盘减去自己这一跳已经吃掉的。"""
        levels = quote.asks if lifting else quote.bids
        used = self._state.used(stock_code, quote.tick)
        if not used:
            return levels
        left = ((price, volume - used.get((lifting, price), 0)) for price, volume in levels)
        return [Level(price, volume) for price, volume in left if volume > 0]

    def catch_up(self, last: int) -> None:
        """挂单撮合到第 ``last`` 跳为止。"""
        progress = self._state.progress
        tick = progress.tick + 1
        while tick <= last and self._state.resting:
            tick = self._next_open(tick)
            end = min(tick + _BLOCK - 1, last)
            if end < tick:
                break
            books = self._reachable(tick, end)
            for step in range(tick, end + 1) if books else ():
                for book in books:
                    self._match(book, step)
            tick = end + 1
        progress.tick = max(progress.tick, last)

    def _next_open(self, tick: int) -> int:
        """休市的时段整段跳过。"""
        ts = self._market.tick_time(tick)
        if self._hours.is_open(ts):
            return tick
        return max(tick, self._market.tick_at(self._hours.next_change(ts)))

    def _reachable(self, first: int, last: int) -> list[RestingBook]:
        """这一段里可能有成交的挂单；按代码排，重启前后次序相同。"""
        books = [self._state.resting[code] for code in sorted(self._state.resting)]
        if first == last:
            return books
        found = []
        for book in books:
            low, high = self._market.span(book.security, first, last)
            buy, sell = book.best()
            if (buy is not None and buy >= low) or (sell is not None and sell <= high):
                found.append(book)
        return found

    def _match(self, book: RestingBook, tick: int) -> None:
        if book.empty:
            return
        prints = self._market.prints(book.security, tick)
        ts = self._market.tick_time(tick)
        for order, volume in book.match(prints):
            self._ledger.fill(order, order.limit_li, volume, ts, tick, passive=True)
        self._state.prune(book.security.stock_code)
