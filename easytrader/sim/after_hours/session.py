"""15:05–15:30 的撮合：每半分钟一次，两边按时间先后对上，一律按收盘价。

别人走到了哪里记在 `Queue` 里（价位记作 0），同委托一起落盘；没有自己的委托的那几次，
别人之间照样对上，轮到有的时候补算，所以从哪一次看起都一样。
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from easytrader.basics.beijing import midnight
from easytrader.sim.after_hours.crowd import Crowd, Entry, cross, crowd_of, queue
from easytrader.sim.resting import Queue
from easytrader.sim.rules.after_hours import MATCHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.sim.ledger import Ledger
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.book import Quote
    from easytrader.sim.orders import SimOrder
    from easytrader.symbols import Security

__all__ = ["AfterHours", "within_close"]

_EVERY_S: Final = 30
_SAMPLES: Final = 64
"""全天成交量由这么多跳推出来。"""
_BOOKS: Final = 10
"""全天成交量至少当作盘口的多少倍：封了一天的没有成交，排队的人还在。"""
_WORK: Final = 15
_DAY_WORK: Final = 60
_OPEN: Final = 34200
_NEVER: Final = Queue(0, 0)


def within_close(buy: bool, limit_li: int, close_li: int) -> bool:
    """限价容得下收盘价。"""
    return limit_li >= close_li if buy else limit_li <= close_li


class AfterHours:
    """今天的盘后固定价格。只通过 `Ledger` 改状态。"""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._market = market
        self._start = 0
        self._close_tick = 0
        self._stops: list[int] = []
        self._crowds: dict[str, Crowd | None] = {}

    def start_day(self, day: int, close_tick: int) -> None:
        """今天在哪几跳撮合；``close_tick`` 是收盘的那一跳。"""
        self._start = midnight(day)
        self._close_tick = close_tick
        self._crowds.clear()
        start, end = MATCHING
        first = (self._first(self._start + each) for each in range(start, end, _EVERY_S))
        self._stops = sorted({tick for tick in first if self._second(tick) < end})

    def next_tick(self, after: int, last: int) -> int | None:
        """``after`` 之后、``last`` 以内（含）下一次撮合；没有自己的委托为 None。"""
        if not self._state.late:
            return None
        place = bisect_right(self._stops, after)
        found = self._stops[place : place + 1]
        return found[0] if found and found[0] <= last else None

    def ring(self, tick: int) -> int:
        """撮合一次；返回做了多少活。"""
        if not self._state.late or tick not in self._stops:
            return 0
        number = self._stops.index(tick) + 1
        work = 0
        for code in sorted(self._state.late):
            known = len(self._crowds)
            self._match(code, list(self._state.late[code].values()), tick, number)
            work += _WORK + _DAY_WORK * (len(self._crowds) - known)
        return work

    def _match(self, code: str, orders: list[SimOrder], tick: int, number: int) -> None:
        security = orders[0].security
        assert security is not None
        quote = self._market.quote(security, tick)
        crowd = self._crowd(security, quote)
        able = [each for each in orders if within_close(each.is_buy, each.limit_li, quote.last_li)]
        if crowd is None or not able:
            return
        gone = self._gone(code, crowd, number)
        buys, sells = (self._queue(crowd, able, buy, gone[buy], tick) for buy in (True, False))
        fills, bought, sold = cross(buys, sells)
        for buy, more in ((True, bought), (False, sold)):
            self._remember(code, buy, Queue(gone[buy] + more, number))
        ts = self._market.tick_time(tick)
        for order_id, volume in fills.items():
            order = self._state.orders[order_id]
            self._ledger.fill(order, quote.last_li, volume, ts, tick, passive=True)
            if not order.is_working:
                self._state.forget_late(order)

    def _queue(
        self, crowd: Crowd, orders: Sequence[SimOrder], buy: bool, gone: int, tick: int
    ) -> list[Entry]:
        mine = [
            (each.order_id, each.remaining, crowd.arrived(buy, each.order_time - self._start))
            for each in orders
            if each.is_buy is buy
        ]
        return queue(gone, crowd.arrived(buy, self._second(tick)), mine)

    def _gone(self, code: str, crowd: Crowd, number: int) -> dict[bool, int]:
        """这一次开始时两边各走掉了多少别人：上一次之后没有自己的委托的，别人之间对上。"""
        known = self._state.queues.get(code, {})
        found = {buy: known.get((buy, 0), _NEVER) for buy in (True, False)}
        gone = {buy: each.gone for buy, each in found.items()}
        if number - 1 > found[True].at_ppm:
            second = self._second(self._stops[number - 2])
            more = min(crowd.arrived(buy, second) - gone[buy] for buy in (True, False))
            gone = {buy: each + max(more, 0) for buy, each in gone.items()}
        return gone

    def _remember(self, code: str, buy: bool, found: Queue) -> None:
        """``at_ppm`` 记的是第几次撮合。"""
        self._state.queues.setdefault(code, {})[buy, 0] = found
        self._ledger.changes.queues[code, (buy, 0)] = (self._state.progress.day, found)

    def _shown(self, security: Security, quote: Quote) -> int | None:
        """收盘前后的盘口一共显示多少；两边都空是 15:00 还停着牌，为 None。"""
        if quote.suspended or self._ledger.rules(security).suspended:
            return None
        near = [self._market.quote(security, self._close_tick - back) for back in (0, 1)]
        levels = [level.volume for each in near for level in (*each.asks, *each.bids)]
        return sum(levels) if levels else None

    def _crowd(self, security: Security, quote: Quote) -> Crowd | None:
        """今天的别人；15:00 还停着牌、不做盘后的为 None。"""
        code = security.stock_code
        if code not in self._crowds:
            found = None
            shown = self._shown(security, quote)
            if shown is not None:
                found = crowd_of(
                    code,
                    self._state.progress.day,
                    max(self._turnover(security), shown * _BOOKS),
                    bought=quote.last_li > quote.limit_down_li,
                    sold=quote.last_li < quote.limit_up_li,
                )
            self._crowds[code] = found
        return self._crowds[code]

    def _turnover(self, security: Security) -> int:
        """全天成交量，均匀地取若干跳推出来；有的行情只会一跳一跳地说。"""
        first = self._first(self._start + _OPEN)
        span = self._close_tick - first
        ticks = (first + span * index // _SAMPLES for index in range(_SAMPLES))
        seen = sum(self._market.prints(security, tick).volume for tick in ticks)
        return seen * span // _SAMPLES

    def _second(self, tick: int) -> float:
        """这一跳是当日零点起的第几秒。"""
        return self._market.tick_time(tick) - self._start

    def _first(self, ts: float) -> int:
        """不早于 ``ts`` 开始的第一跳。"""
        tick = self._market.tick_at(ts)
        return tick if self._market.tick_time(tick) >= ts else tick + 1
