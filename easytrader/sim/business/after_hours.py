"""盘后固定价格（15:05–15:30，按收盘价）：收哪些委托，到点怎样成交，别人排多少。

没有集合竞价的时间安排（``clock=always``）里没有这一场。
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics.beijing import midnight
from easytrader.codes import AFTER_HOURS_TYPES, PriceType
from easytrader.market.rules.after_hours import MATCHING, most, windows
from easytrader.market.rules.phases import Phase
from easytrader.market.rules.quantities import Size
from easytrader.market.symbols import Kind
from easytrader.sim.ledger.checks import CLOSED, NO_CANCEL, NO_SUCH, Ticket, check
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.plugin import QuietBusiness
from easytrader.sim.ledger.resting import Queue
from easytrader.sim.market.noise import hash01, salt_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Market, Quote
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Ledger, Surroundings
    from easytrader.sim.ledger.orders import SimOrder


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
        first = (
            self._market.first_tick(self._start + each) for each in range(start, end, _EVERY_S)
        )
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
        first = self._market.first_tick(self._start + _OPEN)
        span = self._close_tick - first
        ticks = (first + span * index // _SAMPLES for index in range(_SAMPLES))
        seen = sum(self._market.prints(security, tick).volume for tick in ticks)
        return seen * span // _SAMPLES

    def _second(self, tick: int) -> float:
        """这一跳是当日零点起的第几秒。"""
        return self._market.tick_time(tick) - self._start


_ALWAYS: Final = "clock=always没有盘后定价"
_NONE: Final = Reject(12314, "该证券没有盘后固定价格交易")
_LIMIT_ONLY: Final = Reject(1224, "盘后固定价格只收限价")
_BEYOND: Final = Reject(1221, "委托价格比收盘价差，不能按收盘价成交")


class AfterHoursBusiness(QuietBusiness):
    """盘后固定价格的收单与撤单；没有成交的由柜台到期。

    守恒律同普通买卖：钱和券都在账户里，这项业务不另外拿着什么。
    """

    def __init__(self, seen: Surroundings) -> None:
        self._seen = seen
        self._ledger = seen.ledger

    def claims(self, order: SimOrder, account: Account) -> bool:
        """1043、1044。"""
        return order.order_type in AFTER_HOURS_TYPES

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """查一遍，收下，等着。"""
        order.limit_li = order.price_li
        reject = self._refused(order, account, whole, now)
        if reject is None:
            self._ledger.accept(order)
        else:
            self._ledger.reject(order, reject)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """收单的时候都能撤。"""
        assert order.security is not None
        return None if self._second(order.security, now) is not None else NO_CANCEL

    def _refused(self, order: SimOrder, account: Account, whole: bool, now: float) -> Reject | None:
        security = order.security
        if self._seen.hours.bells(self._today) is None:
            return CLOSED._replace(detail=_ALWAYS)
        if security is None or security.kind is Kind.OTHER or not security.tradable:
            return NO_SUCH
        instrument = self._ledger.instrument(security)
        if instrument is None or not instrument.rules.after_hours:
            return _NONE
        second = self._second(security, now)
        if second is None:
            return CLOSED._replace(detail=self._told(security, now))
        if order.price_type != PriceType.FIX:
            return _LIMIT_ONLY
        reject = check(self._ticket(order, security, account, whole))
        if reject is not None or second < MATCHING[0]:  # 收盘价还没有出来，或刚刚出来
            return reject
        close = self._seen.quote(security).last_li
        return None if within_close(order.is_buy, order.limit_li, close) else _BEYOND

    @property
    def _today(self) -> int:
        return self._ledger.state.progress.day

    def _second(self, security: Security, now: float) -> float | None:
        """此刻收这只证券的单：当日零点起的秒；不收（或不是交易日）为 None。"""
        second = now - midnight(self._today)
        spans = windows(security, date.fromordinal(self._today))
        return second if any(start <= second < end for start, end in spans) else None

    def _told(self, security: Security, now: float) -> str:
        """什么时候收。"""
        spans = windows(security, date.fromordinal(self._today))
        shown = "、".join(f"{_clock(start)}-{_clock(end)}" for start, end in spans)
        return self._seen.hours.closed_reason(now) or f"收单{shown}"

    def _ticket(self, order: SimOrder, security: Security, account: Account, whole: bool) -> Ticket:
        """同普通限价委托一样查；单笔上限另有规定，没有价格笼子（不在连续竞价）。"""
        instrument = self._ledger.instrument(security)
        assert instrument is not None
        size = most(security, date.fromordinal(self._today))
        rules = replace(instrument.rules, size=Size(size, size), protects=False)
        quote = self._seen.quote(security)
        instrument = instrument._replace(rules=rules)
        return self._ledger.ticket(order, account, instrument, quote, whole, Phase.AFTER_HOURS)


def _clock(second: int) -> str:
    return f"{second // 3600}:{second % 3600 // 60:02d}"


_LEAST_PPM: Final = 1_000
_MOST_PPM: Final = 6_000
"""别人每边的申报合计，是全天成交量的百万分之几：没有公开的统计可依，取 0.1%–0.6%。"""
_LOT: Final = 100

_CLOSE: Final = 54000
_END: Final = 55800
_BEFORE_CLOSE: Final = 40
"""收盘以前先到的占百分之几；其余在 15:00–15:30 均匀地到。"""


class Crowd(NamedTuple):
    """别人一天的买入与卖出申报，股、份。"""

    buys: int
    sells: int

    def arrived(self, buy: bool, second: float) -> int:
        """到这一秒（当日零点起）为止，这一边一共来了多少。"""
        total = self.buys if buy else self.sells
        at = min(max(int(second), _OPEN), _END)
        early = min(at, _CLOSE) - _OPEN
        late = max(at - _CLOSE, 0)
        share = early * _BEFORE_CLOSE * (_END - _CLOSE) + late * (100 - _BEFORE_CLOSE) * (
            _CLOSE - _OPEN
        )
        return total * share // (100 * (_CLOSE - _OPEN) * (_END - _CLOSE)) // _LOT * _LOT


class Entry(NamedTuple):
    """队里的一段：``order`` 为 0 的是别人。"""

    order: int
    volume: int


def crowd_of(stock_code: str, day: int, turnover: int, *, bought: bool, sold: bool) -> Crowd:
    """由代码、日期、全天成交量定下；封着涨跌停的那一边没有人（``bought``、``sold`` 为假）。"""
    salt = salt_of(turnover, stock_code)
    totals = []
    for side, there in ((0xA1, bought), (0xA2, sold)):
        ppm = _LEAST_PPM + int((_MOST_PPM - _LEAST_PPM) * hash01(salt ^ side, day))
        totals.append(turnover * ppm // 1_000_000 // _LOT * _LOT if there else 0)
    return Crowd(*totals)


def queue(gone: int, arrived: int, orders: Iterable[tuple[int, int, int]]) -> list[Entry]:
    """一边的队：自己的插在各自到的时候。

    Args:
        gone: 别人已经走掉多少。
        arrived: 别人一共来了多少。
        orders: 自己的（编号，剩余，它到的时候别人来了多少），按到的先后。
    """
    found, at = [], gone
    for order, volume, before in orders:
        if before > at:
            found.append(Entry(0, before - at))
            at = before
        found.append(Entry(order, volume))
    if arrived > at:
        found.append(Entry(0, arrived - at))
    return found


def cross(buys: list[Entry], sells: list[Entry]) -> tuple[dict[int, int], int, int]:
    """两边从队头对起：（委托编号 → 成交数量，按轮到的先后）、走掉的别人的买入、卖出。"""
    fills: dict[int, int] = {}
    gone = [0, 0]
    sides = (buys, sells)
    places = [0, 0]
    left = [side[0].volume if side else 0 for side in sides]
    while all(left):
        volume = min(left)
        for index, side in enumerate(sides):
            order = side[places[index]].order
            if order:
                fills[order] = fills.get(order, 0) + volume
            else:
                gone[index] += volume
            left[index] -= volume
            if not left[index]:
                places[index] += 1
                more = places[index] < len(side)
                left[index] = side[places[index]].volume if more else 0
    return fills, gone[0], gone[1]
