"""回放行情：真实（或自己造）的快照与分钟线，整天整天地放，快慢由时钟定。满足 `Market`。

一根线占（结束 − 周期，结束］这一段，时间标在结束，与厂商相同；线与线之间没有盘口，当日没有数据的
证券算停牌。快照的盘口就是它自己的五档。停在哪一刻都看不到以后的价格。

线里的价格、盘口、成交见 `bar_model`：盘口都在最低、最高之间，自己能成交的不超过成交量的一份。
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.exchange.depth import Level, Market, Prints, Quote
from easytrader.sim.market.bar_model import (
    LEAST_TICKS,
    BarModel,
    book_at,
    lots_at,
    price_at,
    side_at,
)
from easytrader.sim.market.columns import PERIODS
from easytrader.sim.market.noise import hash01, salt_of
from easytrader.sim.market.script import NOTHING, Script
from easytrader.sim.rules import RuleBook, Rules, price_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.market.columns import Bar
    from easytrader.sim.market.library import Library


_Sides = tuple[tuple[Level, ...], tuple[Level, ...]]
_EMPTY: _Sides = ((), ())
_MODEL: Final = BarModel()


class _Day(NamedTuple):
    """一只证券的一天：各行，它们的时刻，最低与最高（快照的就是最近价）。"""

    day: int
    salt: int
    rules: Rules
    lot: int
    pre_close_li: int
    limit_down_li: int
    limit_up_li: int
    rows: Sequence[Any]
    times: list[int]
    lows: list[int]
    highs: list[int]


class ReplayMarket(Market):
    """见模块说明。

    ``tick_s`` 秒一跳，一根线至少四跳；``script`` 写明的除权除息与新股，数据里有昨收的以数据为准。
    """

    def __init__(
        self,
        library: Library,
        period: str,
        hours: MarketHours,
        tick_s: float = 3.0,
        book: RuleBook | None = None,
        script: Script = NOTHING,
        model: BarModel = _MODEL,
    ) -> None:
        self._model = model
        self._library = library
        self._script = script
        self._book = RuleBook(previous=hours.previous) if book is None else book
        self._hours = hours
        self._tick_s = tick_s
        self._period_s = PERIODS[period]
        if self._period_s and tick_s * LEAST_TICKS > self._period_s:
            most = self._period_s / LEAST_TICKS
            raise UsageError("tick_s", tick_s, f"回放 {period} 时应不大于 {most:g} 秒。")
        self._days: dict[str, _Day] = {}

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口。"""
        day = self._day_at(security, tick)
        asks, bids = self._sides(day, tick)
        return Quote(
            tick,
            day.pre_close_li,
            self._last(day, tick),
            day.limit_down_li,
            day.limit_up_li,
            asks,
            bids,
            not day.rows,
        )

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """各跳的最近成交价；都按 ``last`` 那一天算。"""
        day = self._day_at(security, last)
        return [self._last(day, tick) for tick in range(first, last + 1)]

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """已知前后两跳的价格时的成交。"""
        day = self._day_at(security, tick)
        none = Prints(now_li, now_li, 0)
        if not self._hours.is_open(self.tick_time(tick), *day.rules.hours):
            return none
        if not self._period_s:
            return self._snapshots(day, tick, before_li, now_li)
        place = self._place(day, tick)
        if place is None or now_li >= day.limit_up_li or now_li <= day.limit_down_li:
            return none  # 封死之后，排在前面的多得成交不到自己
        bar, at, count = place
        before_li = now_li if at == 1 else min(max(before_li, bar.low_li), bar.high_li)
        _, lots = lots_at(self._model.lots(bar, day.lot), at, count)
        low, high = min(before_li, now_li), max(before_li, now_li)
        volume = lots * day.lot
        return Prints(low, high, volume, self._model.touched)

    def traded(self, security: Security, tick: int) -> int:
        """当日到这一跳为止的成交量：数据里的，一根线里按走过的跳数摊。"""
        day = self._day_at(security, tick)
        index = bisect_right(day.times, self.tick_time(tick))
        if not self._period_s:
            return int(day.rows[index - 1].volume) if index else 0
        done = sum(row.volume for row in day.rows[:index])
        place = self._place(day, tick)
        if place is not None and index < len(day.rows) and place[0] is day.rows[index]:
            done += place[0].volume // day.lot * place[1] // place[2] * day.lot
        return int(done)

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """成交价的保守范围。"""
        day = self._day_at(security, last)
        start = bisect_left(day.times, self.tick_time(first - 1))
        stop = bisect_right(day.times, self.tick_time(last)) + 1
        before = self._last(day, first - 1)
        return (min([before, *day.lows[start:stop]]), max([before, *day.highs[start:stop]]))

    def _day_at(self, security: Security, tick: int) -> _Day:
        number = self._hours.day(self.tick_time(tick))
        cached = self._days.get(security.stock_code)
        if cached is None or cached.day != number:
            cached = self._days[security.stock_code] = self._load(security, number)
        return cached

    def _load(self, security: Security, number: int) -> _Day:
        code = security.stock_code
        rules = self._book.rules(security, date.fromordinal(number))
        tape = None if rules is None else self._library.tape(security)
        if rules is None or tape is None:
            raise SimulatorError(f"回放数据里没有 {code}。")
        rows = tape.day(number)
        pre_close = rows[0].pre_close_li if rows else 0
        pre_close = pre_close or self._before(security, number, tape.last_before(number), rules)
        if not pre_close and rows:  # 数据的第一天，又没有昨收那一列
            pre_close = rows[0].open_li if self._period_s else rows[0].last_li
        if not pre_close:
            raise SimulatorError(f"回放数据里 {code} 还没有开始：{date.fromordinal(number)}。")
        low, high = price_limits(pre_close, rules)
        bars = bool(self._period_s)
        return _Day(
            number,
            salt_of(0, code),
            rules,
            rules.lot.step if rules.lot.step > 1 else 100,
            pre_close,
            low,
            high,
            rows,
            [row.at for row in rows],
            [row.low_li if bars else row.last_li for row in rows],
            [row.high_li if bars else row.last_li for row in rows],
        )

    def _before(self, security: Security, number: int, last: Any | None, rules: Rules) -> int:
        """数据里没有昨收：上一个收盘价，除过其后的权；上市以来还没有数据的是发行价；都没有为 0。"""
        code = security.stock_code
        listing = self._script.listing(code)
        if listing is not None and (
            listing.day == number or (last is None and listing.day < number)
        ):
            return self._script.carried(code, listing.price_li, listing.day, number, rules.tick_li)
        if last is None:
            return 0
        close_li = last.close_li if self._period_s else last.last_li
        return self._script.carried(code, close_li, self._hours.day(last.at), number, rules.tick_li)

    def _place(self, day: _Day, tick: int) -> tuple[Any, int, int] | None:
        """这一跳落在哪根线里、第几跳、一共几跳；不在线里为 None。"""
        index = bisect_left(day.times, self.tick_time(tick))
        if index == len(day.times):
            return None
        end = day.times[index]
        before = self.tick_at(end - self._period_s)
        if tick <= before:
            return None
        return day.rows[index], tick - before, self.tick_at(end) - before

    def _last(self, day: _Day, tick: int) -> Any:
        """最近成交价。"""
        if self._period_s:
            place = self._place(day, tick)
            if place is not None and place[0].volume:
                return self._price(day, *place)
            index = bisect_left(day.times, self.tick_time(tick))
            return day.rows[index - 1].close_li if index else day.pre_close_li
        index = bisect_right(day.times, self.tick_time(tick))
        return day.rows[index - 1].last_li if index else day.pre_close_li

    def _price(self, day: _Day, bar: Bar, at: int, count: int) -> int:
        low_first = self._model.low_first(bar, day.rules.same_day_sale)
        return price_at(bar, at, count, day.rules.tick_li, low_first)

    def _sides(self, day: _Day, tick: int) -> _Sides:
        if not self._period_s:
            index = bisect_right(day.times, self.tick_time(tick))
            return (day.rows[index - 1].asks, day.rows[index - 1].bids) if index else _EMPTY
        place = self._place(day, tick)
        if place is None:
            return _EMPTY
        bar, at, count = place
        price = self._price(day, bar, at, count)
        lots, _ = lots_at(self._model.lots(bar, day.lot), at, count)
        units = day.rules.tick_li, day.lot
        if price >= day.limit_up_li:  # 涨停没有卖盘，它就是买一
            return (), side_at(bar, price, -1, lots, units)
        if price <= day.limit_down_li:
            return side_at(bar, price, 1, lots, units), ()
        return book_at(bar, price, hash01(day.salt, tick) < 0.5, lots, units)

    def _snapshots(self, day: _Day, tick: int, before_li: int, now_li: int) -> Prints:
        """两跳之间的快照：价格的范围，累计成交量之差。"""
        start = bisect_right(day.times, self.tick_time(tick - 1))
        stop = bisect_right(day.times, self.tick_time(tick))
        if start == stop:
            return Prints(now_li, now_li, 0)
        done = day.rows[start - 1].volume if start else 0
        volume = max(day.rows[stop - 1].volume - done, 0)
        prices = [before_li, *day.lows[start:stop]] if start else day.lows[:stop]
        return Prints(min(prices), max(prices), volume)
