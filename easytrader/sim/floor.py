"""交易大厅：刚到的委托与盘口成交，挂着的委托随市场一跳一跳往前走，到点一次处理一批（`rounds`）。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.checks import LIMIT_TYPES
from easytrader.sim.crowd import queue_ahead
from easytrader.sim.market.book import Level
from easytrader.sim.matching import Arrival, arrive
from easytrader.sim.rounds import Rounds
from easytrader.sim.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.sim.ledger import Ledger
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.book import Quote
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.resting import RestingBook
    from easytrader.sim.sessions import MarketHours
    from easytrader.sim.sweep import Budget

__all__ = ["Floor"]


class Floor:
    """撮合。只通过 `Ledger` 改状态。"""

    def __init__(self, ledger: Ledger, market: Market, hours: MarketHours) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._market = market
        self._hours = hours
        self.rounds = Rounds(ledger, market, hours, self.arrive)
        self._sweep: Sweep | None = None  # 没做完的追赶

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
        self._state.rest(order, queue_ahead(quote, buy, order.limit_li))

    def join(self, order: SimOrder) -> None:
        """集合竞价里收下的委托：先挂着，到点一起撮合。"""
        self._state.rest(order, 0)

    def wait(self, order: SimOrder) -> None:
        """9:25–9:30 收下的申报或撤单：9:30 才处理。"""
        if not order.waiting:
            self._state.wait(order)

    def _left(self, stock_code: str, quote: Quote, *, lifting: bool) -> Sequence[Level]:
        """对手盘减去自己这一跳已经吃掉的。"""
        levels = quote.asks if lifting else quote.bids
        used = self._state.used(stock_code, quote.tick)
        if not used:
            return levels
        left = ((price, volume - used.get((lifting, price), 0)) for price, volume in levels)
        return [Level(price, volume) for price, volume in left if volume > 0]

    def catch_up(self, last: int, budget: Budget) -> bool:
        """挂单撮合到第 ``last`` 跳为止；``budget`` 做完了先停下，返回假，下次接着做。"""
        progress = self._state.progress
        while progress.tick < last and (self._state.resting or self._state.late):
            stop = self.rounds.next_tick(progress.tick, last)
            if self._sweep is None:
                self._sweep = self._new_sweep(progress.tick + 1, last if stop is None else stop)
            done = self._sweep.run(self._match, budget)
            progress.tick = self._sweep.reached
            if not done:
                return False
            self._sweep = None
            if progress.tick == stop:
                budget.left -= self.rounds.ring(stop)
        progress.tick = max(progress.tick, last)
        return True

    def runs_late(self) -> bool:
        """挂着的里面有没有连续到 15:30 的，有没有等盘后固定价格的。"""
        if self._state.late:
            return True
        books = self._state.resting.values()
        return any(self._ledger.rules(book.security).late_close for book in books)

    def _new_sweep(self, first: int, last: int) -> Sweep:
        books = [
            (book, self._ledger.rules(book.security).hours) for book in self._state.resting.values()
        ]
        return Sweep(self._market, self._hours, books, first, last)

    def _match(self, book: RestingBook, tick: int, before_li: int, now_li: int) -> int:
        """这一跳的成交分给挂单；返回成交了几笔。"""
        prints = self._market.printed(book.security, tick, before_li, now_li)
        ts = self._market.tick_time(tick)
        fills = 0
        for order, volume in book.match(prints, self._elapsed(ts), self._elapsed):
            price_li = prints.fill_price(order.limit_li)
            self._ledger.fill(order, price_li, volume, ts, tick, passive=True)
            fills += 1
        stock_code = book.security.stock_code
        for key in book.touched:
            today = self._state.progress.day
            self._ledger.changes.queues[stock_code, key] = (today, book.queues[key])
        book.touched.clear()
        self._state.prune(stock_code)
        return fills

    def _elapsed(self, ts: float) -> int:
        """今天的交易时间走到了百万分之几。"""
        return int(self._hours.progress(ts, self._state.progress.day) * 1_000_000)
