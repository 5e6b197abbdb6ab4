"""交易大厅：刚到的委托与盘口成交，挂着的委托随市场一跳一跳往前走，到点一次处理一批。

到点的有 9:25 与 15:00 的集合竞价、9:30 静默期里收下的申报与撤单、盘后固定价格，都发生在一跳之末，
与这一跳的其他撮合同在一个事务里。没有集合竞价的时间安排（``clock=always``）里没有。
"""

from __future__ import annotations

import math
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from easytrader.codes import PriceType
from easytrader.sim.business.after_hours import AfterHours
from easytrader.sim.counter.sweep import Sweep
from easytrader.sim.exchange.auction import TIE_RULES, Interest, clear
from easytrader.sim.exchange.crowd import auction_crowd, auction_price, queue_ahead
from easytrader.sim.exchange.depth import Level
from easytrader.sim.exchange.halting import found_in
from easytrader.sim.exchange.matching import Arrival, arrive
from easytrader.sim.exchange.screen import Own, netted
from easytrader.sim.ledger.checks import LIMIT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.counter.sweep import Budget
    from easytrader.sim.exchange.depth import Halt, Market, Quote
    from easytrader.sim.exchange.hours import Bells, MarketHours
    from easytrader.sim.exchange.screen import Screen, Ticks
    from easytrader.sim.ledger.ledger import Ledger
    from easytrader.sim.ledger.orders import SimOrder
    from easytrader.sim.ledger.resting import RestingBook

    Arrive = Callable[[SimOrder, Quote, float], None]
    Cross = Callable[[RestingBook, Quote, float], None]


_DAY: Final = 86400.0
_WORK: Final = 15
"""一只证券的一次集合竞价要多少活，见 `sweep.Budget`。"""


class Rounds:
    """一天里的几次到点。

    ``arrive`` 是连续竞价里一笔委托到达时做的事；``cross`` 是竞价没有成交完的进连续竞价时做的事。
    """

    def __init__(
        self,
        ledger: Ledger,
        market: Market,
        hours: MarketHours,
        screen: Screen,
        arrive: Arrive,
        cross: Cross,
    ) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._market = market
        self._hours = hours
        self._screen = screen
        self._arrive = arrive
        self._cross = cross
        self._day = -1
        self._bells: Bells | None = None
        self._ticks: Ticks | None = None
        self._after = AfterHours(ledger, market)
        self._scanned: set[str] = set()
        self._resumes: list[tuple[int, str, Halt]] = []
        """今天挂着的证券里，哪一跳复牌的是哪一只。"""

    def next_tick(self, after: int, last: int) -> int | None:
        """``after`` 之后、``last`` 以内（含）要停下来的那一跳；没有为 None。"""
        ticks = self._today()
        if ticks is None:
            return None
        stops = (ticks.open_call, ticks.continuous, ticks.close_call)
        found = next((tick for tick in stops if after < tick <= last), None)
        if found is None:
            found = self._after.next_tick(after, last)
        if self._state.resting.keys() - self._scanned:
            self._scan(after)
        place = bisect_right(self._resumes, after, key=itemgetter(0))
        resumes = self._resumes[place : place + 1]
        if resumes and resumes[0][0] <= last and (found is None or resumes[0][0] < found):
            return resumes[0][0]
        return found

    def _scan(self, tick: int) -> None:
        """新挂上的证券今天几时复牌；停到收盘集合竞价的，由那一次撮合。"""
        ticks = self._today()
        assert ticks is not None
        for code in self._state.resting.keys() - self._scanned:
            security = self._state.resting[code].security
            for halt in self._market.halts(security, tick):
                if halt.stop < ticks.closing_start or not self._ledger.rules(security).closing_call:
                    self._resumes.append((halt.stop, code, halt))
            self._scanned.add(code)
        self._resumes.sort()

    def last_tick(self, tick: int) -> int:
        """今天撮合到哪一跳为止；``tick`` 是连续竞价的最后一跳。"""
        ticks = self._today()
        return tick if ticks is None else max(tick, ticks.close_call)

    def next_time(self, now: float) -> float:
        """下一次到点的时刻；今天没有了为无穷。"""
        ticks = self._today()
        if ticks is None:
            return math.inf
        at = self._market.tick_at(now)
        late = self._after.next_tick(at, at + self._market.tick_at(_DAY))
        stops = (ticks.open_call, ticks.continuous, ticks.closing_start, ticks.close_call)
        times = [self._market.tick_time(tick) for tick in (*stops, *filter(None, (late,)))]
        return min((ts for ts in times if ts > now), default=math.inf)

    def ring(self, tick: int) -> int:
        """到点了；返回做了多少活。"""
        ticks = self._today()
        assert ticks is not None
        books = [self._state.resting[code] for code in sorted(self._state.resting)]
        if tick == ticks.open_call:
            for book in books:
                self._open(book, tick, ticks.continuous)
        if tick == ticks.continuous:
            for book in books:
                quote = self._market.quote(book.security, tick)
                self._cross(book, quote, self._market.tick_time(tick))
                self._release(book, tick)
        if tick == ticks.close_call:
            for book in books:
                self._close(book, tick, ticks.closing_start - 1)
        for stop, code, halt in self._resumes:
            if stop == tick and code in self._state.resting:
                self._resume(self._state.resting[code], halt)
        for book in books:
            self._state.prune(book.security.stock_code)
        return len(books) * _WORK + self._after.ring(tick)

    def _today(self) -> Ticks | None:
        day = self._state.progress.day
        if day != self._day:
            self._day = day
            self._bells = self._hours.bells(day)
            self._ticks = self._screen.ticks(day)
            self._scanned.clear()
            self._resumes.clear()
            if self._ticks is not None:
                self._after.start_day(day, self._ticks.close_call)
        return self._ticks

    def _open(self, book: RestingBook, tick: int, continuous: int) -> None:
        bells = self._bells
        assert bells is not None
        orders = [each for each in book.orders() if each.order_time < bells.open_call]
        quote = self._market.quote(book.security, continuous)
        start, end = int(bells.call_start), int(bells.open_call)
        self._auction(orders, quote, quote.pre_close_li, tick, (start, end))
        for order in orders:
            if order.is_working:  # 没有成交的接着排队：来得越早，前面的人越少
                crowd = queue_ahead(quote, order.is_buy, order.limit_li)
                waited = min(max(order.order_time - start, 0), end - start)
                book.queue_up(order, crowd * waited // (end - start))
                self._ledger.changes.orders[order.order_id] = order

    def _resume(self, book: RestingBook, halt: Halt) -> None:
        """复牌：停牌前挂着的、停牌时收下的一起撮合一次，没有成交的接着排队。"""
        start, stop = (int(self._market.tick_time(tick)) for tick in halt[:2])
        quote = self._market.quote(book.security, halt.stop)
        self._auction(book.orders(), quote, halt.price_li, halt.stop, (start, stop))
        for order in book.orders():
            if order.order_time >= start:
                book.queue_up(order, queue_ahead(quote, order.is_buy, order.limit_li))
                self._ledger.changes.orders[order.order_id] = order
        self._cross(book, quote, self._market.tick_time(halt.stop))

    def _close(self, book: RestingBook, tick: int, before: int) -> None:
        bells = self._bells
        assert bells is not None
        if not self._ledger.rules(book.security).closing_call:
            return
        quote = self._market.quote(book.security, tick)
        last = self._market.quote(book.security, before).last_li
        window = int(bells.closing_start), int(bells.close_call)
        self._auction(book.orders(), quote, last, tick, window)

    def _auction(
        self,
        orders: list[SimOrder],
        quote: Quote,
        reference_li: int,
        tick: int,
        window: tuple[int, int],
    ) -> None:
        """自己的委托与别人的一起撮合；停牌的不撮合。"""
        if quote.suspended or not orders:
            return
        price_li = auction_price(quote)
        crowd = [] if price_li is None else auction_crowd(quote, price_li, *window)
        security = orders[0].security
        assert security is not None
        mine = [
            Interest(each.is_buy, each.limit_li, each.remaining, (each.order_time, each.order_id))
            for each in orders
        ]
        cleared = clear(
            [*mine, *crowd],
            TIE_RULES[security.exchange],
            reference_li,
            self._ledger.rules(security).tick_li,
        )
        if cleared is None:
            return
        ts = self._market.tick_time(tick)
        for order, volume in zip(orders, cleared.filled, strict=False):
            if volume:
                self._ledger.fill(order, cleared.price_li, volume, ts, tick, passive=True)

    def _release(self, book: RestingBook, tick: int) -> None:
        """静默期里收下的：撤单先了结，申报按到的先后进场。"""
        waiting, book.waiting = sorted(book.waiting, key=lambda each: each.order_id), []
        ts = self._market.tick_time(tick)
        for order in waiting:
            order.waiting = False
            self._ledger.changes.orders[order.order_id] = order
            if order.is_working:
                self._arrive(order, self._market.quote(book.security, tick), ts)
            else:
                self._ledger.finish(order)


def _merged(levels: Sequence[Level], rivals: list[SimOrder], buy: bool) -> list[Level]:
    """盘口加上别的账户的挂单；``buy``：是卖盘。"""
    found = {level.price_li: level.volume for level in levels}
    for each in rivals:
        found[each.limit_li] = found.get(each.limit_li, 0) + each.remaining
    return [Level(price, found[price]) for price in sorted(found, reverse=not buy)]


class Floor:
    """撮合。只通过 `Ledger` 改状态。

    ``impact_s``：自己吃掉的盘口多少秒补回来。
    """

    def __init__(
        self,
        ledger: Ledger,
        market: Market,
        hours: MarketHours,
        screen: Screen,
        impact_s: float = 0.0,
    ) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._market = market
        self._hours = hours
        self._screen = screen
        self._recovery = max(market.tick_at(impact_s), 1)
        self.rounds = Rounds(ledger, market, hours, screen, self.arrive, self.cross)
        self._sweep: Sweep | None = None  # 没做完的追赶

    def quote(self, security: Security) -> Quote:
        """走到的那一刻看得见的盘口。"""
        progress = self._state.progress
        return self._screen.quote(security, progress.day, progress.tick)

    def books(self) -> dict[str, Own]:
        """各证券上文件夹里挂着的，吃掉还没有补回来的，今天成交的。"""
        state = self._state
        # 回放的成交量取自数据，自己的成交已经在里面分了一份
        printed = {} if hasattr(self._market, "traded") else state.printed
        found = {}
        for code in sorted({*state.resting, *state.consumed, *printed}):
            book = state.resting.get(code)
            rests = () if book is None else (book.levels(True), book.levels(False))
            used = state.taken(code, state.progress.tick, self._recovery)
            done = printed.get(code, ())
            if used or done or any(rests):
                bids, asks = rests or ((), ())
                taken = [(*key, volume) for key, volume in used.items()]
                found[code] = Own(bids, asks, taken, done)
        return found

    def halted(self, security: Security) -> bool:
        """走到的那一刻盘中停着牌。"""
        tick = self._state.progress.tick
        return found_in(self._market.halts(security, tick), tick) is not None

    def arrive(self, order: SimOrder, quote: Quote, now: float) -> None:
        """刚收下的委托：能成的成，剩余挂单或撤销。"""
        buy = order.is_buy
        levels, rivals = self._left(order, quote), self._rivals(order)
        own = quote.bids if buy else quote.asks
        best = self._own_best(order, own[0].price_li if own else None)
        opposite = _merged(levels, rivals, buy) if rivals else levels
        execution = arrive(
            order.price_type, Arrival(buy, order.volume, order.limit_li, opposite, best)
        )
        for price_li, volume in execution.fills:
            if rivals:
                shown = next((each.volume for each in levels if each.price_li == price_li), 0)
                there = [each for each in rivals if each.limit_li == price_li]
                volume -= self._meet(order, there, max(volume - shown, 0), now, quote.tick)
            if volume:
                self._ledger.fill(order, price_li, volume, now, quote.tick, passive=False)
        if rivals:
            self._state.prune(order.stock_code)
        if order.remaining == 0:
            return
        if execution.rest_li is None:
            self._ledger.finish(order)
            return
        if order.price_type not in LIMIT_TYPES:
            self._ledger.reprice(order, execution.rest_li)
        self._state.rest(order, queue_ahead(quote, buy, order.limit_li))

    def cross(self, book: RestingBook, quote: Quote, now: float) -> None:
        """竞价没有成交完的进连续竞价：价格优先、时间优先，碰得到盘口的先吃，剩下的接着挂。"""
        for buy in (True, False):
            levels = quote.asks if buy else quote.bids
            if not levels:
                continue
            for order in book.against(not buy, levels[0].price_li, ""):
                left = self._left(order, quote, reserved=False)
                arrival = Arrival(buy, order.remaining, order.limit_li, left, None)
                for price_li, volume in arrive(PriceType.FIX, arrival).fills:
                    self._ledger.fill(order, price_li, volume, now, quote.tick, passive=False)

    def join(self, order: SimOrder) -> None:
        """集合竞价里收下的委托：先挂着，到点一起撮合。"""
        self._state.rest(order, 0)

    def wait(self, order: SimOrder) -> None:
        """9:25–9:30 收下的申报或撤单：9:30 才处理。"""
        if not order.waiting:
            self._state.wait(order)

    def _left(self, order: SimOrder, quote: Quote, *, reserved: bool = True) -> Sequence[Level]:
        """对手盘减去自己吃掉、还没有补回来的，和排在前面、碰得到它的挂单要的（``reserved``）。"""
        lifting = order.is_buy
        levels = quote.asks if lifting else quote.bids
        used = self._state.taken(order.stock_code, quote.tick, self._recovery)
        ahead = self._ahead(order, levels) if reserved else ()
        if not used and not ahead:
            return levels
        assert order.security is not None
        step = self._ledger.rules(order.security).lot.step
        there = {price: volume - used.get((lifting, price), 0) for price, volume in levels}
        if ahead:
            there, _ = netted(there, ahead, buy=lifting)
        left = ((price, there.get(price, 0)) for price, _ in levels)
        return [Level(price, volume // step * step) for price, volume in left if volume >= step]

    def _ahead(self, order: SimOrder, levels: Sequence[Level]) -> list[Level]:
        """同一边已经碰得到对手盘 ``levels``、还没有轮到成交的挂单。"""
        book = self._state.resting.get(order.stock_code)
        if book is None or not levels:
            return []
        edge = levels[0].price_li
        best = book.best()[0 if order.is_buy else 1]
        if best is None or (best < edge if order.is_buy else best > edge):
            return []
        return book.levels(order.is_buy)

    def _rivals(self, order: SimOrder) -> list[SimOrder]:
        """碰得到的、同一文件夹里别的账户的挂单。自己的互相跳过：柜台事前就拦自成交。"""
        book = self._state.resting.get(order.stock_code)
        if book is None or len(self._state.accounts) < 2:
            return []
        return book.against(order.is_buy, order.limit_li, order.account_id)

    def _own_best(self, order: SimOrder, shown_li: int | None) -> int | None:
        """本方最优价：行情的，与文件夹里挂着的。"""
        book = self._state.resting.get(order.stock_code)
        if book is None or len(self._state.accounts) < 2:
            return shown_li
        mine = book.best()[0 if order.is_buy else 1]
        prices = [each for each in (shown_li, mine) if each is not None]
        return (max if order.is_buy else min)(prices, default=None)

    def _meet(
        self, order: SimOrder, rivals: list[SimOrder], volume: int, now: float, tick: int
    ) -> int:
        """与别的账户的挂单成交 ``volume`` 以内，按先后；返回成交了多少。没有吃盘口。"""
        left = volume
        for rival in rivals:
            size = min(left, rival.remaining)
            if size:
                for side in (order, rival):
                    self._ledger.fill(side, rival.limit_li, size, now, tick, passive=True)
                left -= size
        return volume - left

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
            self._ledger.fill(order, order.limit_li, volume, ts, tick, passive=True)
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
