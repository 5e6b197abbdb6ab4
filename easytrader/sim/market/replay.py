"""回放行情：真实（或自己造）的快照与分钟线，整天整天地放，快慢由时钟定。满足 `Market`。

一根线占（结束 − 周期，结束］这一段，时间标在结束，与厂商相同；线与线之间没有盘口，当日没有数据的
证券算停牌。快照的盘口就是它自己的五档。停在哪一刻都看不到以后的价格。

线里的价格、盘口、成交见 `bar_model`：盘口都在最低、最高之间（只有一个价的线多出一个价位），
自己能成交的不超过成交量的一份。
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import SimulatorError, UsageError
from easytrader.market.rules import RuleBook, Rules, price_limits
from easytrader.sim.exchange.depth import Halt, Level, Market, Prints, Quote
from easytrader.sim.exchange.halting import found_in, halts_of, reaches
from easytrader.sim.exchange.screen import Ticks, ticks_of
from easytrader.sim.market.bar_model import (
    LEAST_TICKS,
    BarModel,
    anchors,
    book_at,
    day_lots_at,
    lots_at,
    price_at,
    side_at,
    spread,
)
from easytrader.sim.market.columns import PERIODS
from easytrader.sim.market.noise import hash01, salt_of
from easytrader.sim.market.script import NOTHING, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.hours import Bells, MarketHours
    from easytrader.sim.market.columns import Bar
    from easytrader.sim.market.library import Library
    from easytrader.sim.market.tables import Tape


_Sides = tuple[tuple[Level, ...], tuple[Level, ...]]
_EMPTY: _Sides = ((), ())
_MODEL: Final = BarModel()
_NEVER: Final = 2**62
_MINUTE_S: Final = 60
_LATE_S: Final = 10
"""交易所的成交在撮合之后两三秒发出来，快照再晚一点。"""


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
    times: list[float]
    lows: list[int]
    highs: list[int]
    done: list[int]
    """线的：到每一根之前累计成交了多少，最后还有全天的。"""
    ticks: Ticks | None
    opening: int
    """从哪一跳起最近价是开盘价（第一根线从开盘起）；没有的从没有。"""
    closing: tuple[int, int]
    """收盘集合竞价从哪一跳（含）到撮合的那一跳（不含）；没有的是空的。"""
    halts: tuple[Halt, ...]
    official_li: int
    """没有收盘集合竞价的收盘价：最后一笔之前一分钟（含它）的均价；有的、没有成交的、日线为 0。"""

    @property
    def end(self) -> int:
        """连续竞价到哪一跳为止。"""
        if self.ticks is None:
            return _NEVER
        return self.ticks.late_close if self.rules.late_close else self.ticks.close_call


def _on_the_bell(bells: Bells | None, at: int) -> float:
    """快照的时刻；撮合之后几秒才拍到的，算在撮合那一刻。"""
    calls = () if bells is None else (bells.open_call, bells.close_call)
    return next((bell for bell in calls if bell < at <= bell + _LATE_S), at)


def _flatten(rows: Sequence[Bar], lows: list[int], highs: list[int], pre_close: int) -> None:
    """没有成交的线，最近价是上一根的收盘，不是线里写的。"""
    for index, row in enumerate(rows):
        if not row.volume:
            lows[index] = highs[index] = rows[index - 1].close_li if index else pre_close


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
        self.shows_calls = not self._period_s
        self._daily = period == "1d"
        self.cell_s = 7200 if self._daily else 1800
        """成交额按这么多秒一格的价格累计：线里没有更细的，几百只一起看也快。"""
        if self._period_s and tick_s * LEAST_TICKS > self._period_s:
            most = self._period_s / LEAST_TICKS
            raise UsageError("tick_s", tick_s, f"回放 {period} 时应不大于 {most:g} 秒。")
        self._days: dict[str, _Day] = {}
        self._latest: dict[str, Quote] = {}

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口。"""
        known = self._latest.get(security.stock_code)
        if known is None or known.tick != tick:  # 快照、合约信息、撮合常问同一跳
            known = self._latest[security.stock_code] = self._quote(security, tick)
        return known

    def _quote(self, security: Security, tick: int) -> Quote:
        day = self._day_at(security, tick)
        asks, bids = self._sides(day, tick)
        closed = day.official_li and tick >= day.end
        return Quote(
            tick,
            day.pre_close_li,
            day.official_li if closed else self._last(day, tick),
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
        if day.halts and (found_in(day.halts, tick) or found_in(day.halts, tick - 1)):
            return none
        if not self._period_s:
            return self._snapshots(day, tick, before_li, now_li)
        place = self._place(day, tick)
        if place is None or now_li >= day.limit_up_li or now_li <= day.limit_down_li:
            return none  # 封死之后，排在前面的多得成交不到自己
        bar, at, count = place
        before_li = now_li if at == 1 else min(max(before_li, bar.low_li), bar.high_li)
        _, lots = self._lots(day, bar, at, count)
        low, high = min(before_li, now_li), max(before_li, now_li)
        volume = lots * day.lot
        return Prints(low, high, volume, self._model.touched)

    def traded(self, security: Security, tick: int) -> int:
        """当日到这一跳为止的成交量：数据里的，一根线里按走过的跳数摊；开盘竞价先摊到一跳的。"""
        day = self._day_at(security, tick)
        halt = found_in(day.halts, tick) if day.halts else None
        if halt is not None:
            tick = halt.start - 1
        if day.closing[0] <= tick < day.closing[1]:
            tick = day.closing[0] - 1
        if day.opening <= tick <= self._open_tick(day):
            tick = self._open_tick(day) + 1
        index = bisect_right(day.times, self.tick_time(tick))
        if not self._period_s:
            return int(day.rows[index - 1].volume) if index else 0
        done = day.done[index]
        place = self._place(day, tick)
        if place is not None and index < len(day.rows) and place[0] is day.rows[index]:
            done += place[0].volume // day.lot * place[1] // place[2] * day.lot
        return int(done)

    def swing(self, security: Security, first: int, last: int) -> tuple[int, int] | None:
        """各跳的最近成交价（`path`）的最低与最高，不一跳一跳地看；快照、盘中停过牌的为 None。"""
        day = self._day_at(security, last)
        if not self._period_s or day.halts or not day.rows:
            return None
        shut, opened = day.closing
        if first < shut <= last:
            if last >= opened:
                return None
            last = shut - 1  # 收盘集合竞价里最近价不动
        found = [self._last(day, tick) for tick in (first, last)]
        start = bisect_left(day.times, self.tick_time(first))
        stop = bisect_left(day.times, self.tick_time(last))
        if stop - start > 1:  # 当中整根的线，四个价都走到了
            found += min(day.lows[start + 1 : stop]), max(day.highs[start + 1 : stop])
        for index in range(start, min(stop + 1, len(day.rows)), max(stop - start, 1)):
            found += self._reached(day, day.rows[index], first, last)
        return min(found), max(found)

    def _reached(self, day: _Day, bar: Bar, first: int, last: int) -> list[int]:
        """一根线里，从 ``first`` 到 ``last`` 跳走到的那几个价。"""
        if self._daily:
            start, stop = self._day_place(day, bar, first), self._day_place(day, bar, last)
            if stop is None:
                return []
            at, until, count = 1 if start is None else start[1], stop[1], stop[2]
        else:
            before = self._start(bar)
            count = self.tick_at(bar.at) - before
            at, until = first - before, last - before
        if not bar.volume:
            return []
        return [
            self._price(day, bar, each, count) for each in anchors(count) if at <= each <= until
        ]

    def official_close(self, security: Security, tick: int) -> int | None:
        """``tick`` 那一天的收盘价，与最后一笔不同的（没有收盘集合竞价的）才有。"""
        return self._day_at(security, tick).official_li or None

    def halts(self, security: Security, tick: int) -> tuple[Halt, ...]:
        """``tick`` 那一天的各次盘中停牌。"""
        return self._day_at(security, tick).halts

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """成交价的保守范围。"""
        day = self._day_at(security, last)
        for halt in day.halts:
            if halt.start < first <= halt.stop:
                first = halt.start
        if self._daily:
            return self._day_span(day, first, last)
        start = bisect_left(day.times, self.tick_time(first - 1))
        stop = bisect_right(day.times, self.tick_time(last)) + 1
        before = self._last(day, first - 1)
        return (min([before, *day.lows[start:stop]]), max([before, *day.highs[start:stop]]))

    def _day_span(self, day: _Day, first: int, last: int) -> tuple[int, int]:
        """日线的价格一段一段是单调的：看两头与其间的四个价。"""
        ends = [self._last(day, tick) for tick in (first - 1, last)]
        places = [self._place(day, tick) for tick in (first - 1, last)]
        if places[1] is not None:
            bar, stop, count = places[1]
            start = 0 if places[0] is None else places[0][1]
            ends += [
                self._price(day, bar, at, count) for at in anchors(count) if start < at <= stop
            ]
        elif day.rows:
            ends += [day.lows[0], day.highs[0]]
        return min(ends), max(ends)

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
        if self._daily:
            rows = self._day_row(security, number, rows)
        pre_close = rows[0].pre_close_li if rows else 0
        pre_close = pre_close or self._before(security, number, tape, rules)
        if not pre_close and rows:  # 数据的第一天，又没有昨收那一列
            pre_close = rows[0].open_li if self._period_s else rows[0].last_li
        if not pre_close:
            raise SimulatorError(f"回放数据里 {code} 还没有开始：{date.fromordinal(number)}。")
        low, high = price_limits(pre_close, rules)
        bars = bool(self._period_s)
        bells = self._hours.bells(number)
        ticks = None if bells is None else ticks_of(self, bells)
        opening, closing = _NEVER, (0, 0)
        if ticks is not None and bars:
            whole = self._daily or (rows and self._start(rows[0]) == ticks.continuous)
            if rows and rows[0].volume and whole:
                opening = ticks.open_call
            if rules.closing_call:
                closing = ticks.closing_start, ticks.close_call
        if bars and rows:
            times, _, highs, lows, _, volumes, _ = map(list, zip(*rows, strict=True))
            done = list(accumulate(volumes, initial=0))
            _flatten(rows, lows, highs, pre_close)
        else:
            done = [0]
            times = [_on_the_bell(bells, row.at) for row in rows]
            lows = highs = [row.last_li for row in rows]
        day = _Day(
            number,
            salt_of(0, code),
            rules,
            rules.lot.step if rules.lot.step > 1 else 100,
            pre_close,
            low,
            high,
            rows,
            times,
            lows,
            highs,
            done,
            ticks,
            opening,
            closing,
            (),
            0,
        )
        return day._replace(halts=self._halts(day), official_li=self._official(rules, rows))

    def _official(self, rules: Rules, rows: Sequence[Any]) -> int:
        """见 `_Day.official_li`。线里只有四个价，均价照 `bar_model` 的走法与分法算。"""
        if rules.closing_call or self._daily:
            return 0
        parts: list[tuple[int, int]] = []  # 价格，数量
        if self._period_s:
            bar = next((row for row in reversed(rows) if row.volume), None)
            if bar is not None:
                count = self.tick_at(bar.at) - self._start(bar)
                low_first = self._model.low_first(bar, rules.same_day_sale)
                parts = [
                    (price_at(bar, at, count, rules.tick_li, low_first), share)
                    for at in range(1, count + 1)
                    if (share := spread(bar.volume, at, count))
                ]
        else:
            after = 0
            for index in range(len(rows) - 1, 0, -1):
                size = rows[index].volume - rows[index - 1].volume
                if size <= 0:
                    continue
                after = after or rows[index].at - _MINUTE_S
                if rows[index].at <= after:
                    break
                parts.append((rows[index].last_li, size))
        whole = sum(size for _, size in parts)
        if not whole:
            return 0
        unit = whole * rules.tick_li
        worth = sum(price * size for price, size in parts)
        return (2 * worth + unit) // (2 * unit) * rules.tick_li

    def _halts(self, day: _Day) -> tuple[Halt, ...]:
        """数据里的价格（快照的最近价）触发的停牌；真实的快照那时本来就站着不动，两边说的一样。"""
        halting, ticks = day.rules.halting, day.ticks
        if halting is None or ticks is None or not day.rows:
            return ()
        base_li = self._open_price(day, ticks) if halting.from_open else day.pre_close_li
        if not reaches(halting, base_li, min(day.lows), max(day.highs)):
            return ()
        path = [self._last(day, tick) for tick in range(ticks.continuous, ticks.closing_start)]
        return halts_of(halting, base_li, path, ticks, self)

    def _open_price(self, day: _Day, ticks: Ticks) -> int:
        """当日开盘价：快照的是 9:25 起第一笔成交的价格，成交量没有记的是 9:25 起的第一个最近价。"""
        if self._period_s:
            return int(day.rows[0].open_li)
        opened = day.rows[bisect_left(day.times, self.tick_time(ticks.open_call)) :]
        traded = (row.last_li for row in opened if row.volume)
        return next(traded, opened[0].last_li if opened else day.pre_close_li)

    def _before(self, security: Security, number: int, tape: Tape, rules: Rules) -> int:
        """数据里没有昨收：上一个收盘价，除过其后的权；上市以来还没有数据的是发行价；都没有为 0。"""
        code = security.stock_code
        listing, last = self._script.listing(code), tape.last_before(number)
        if listing is not None and (
            listing.day == number or (last is None and listing.day < number)
        ):
            return self._script.carried(code, listing.price_li, listing.day, number, rules.tick_li)
        if last is None:
            return 0
        close_li = last.close_li if self._period_s else last.last_li
        before = self._hours.day(last.at)
        then = self._book.rules(security, date.fromordinal(before))
        if then is not None and not then.closing_call:
            close_li = self._official(then, tape.day(before)) or close_li
        return self._script.carried(code, close_li, before, number, rules.tick_li)

    def _day_row(self, security: Security, number: int, rows: Sequence[Any]) -> list[Any]:
        """一天的那一根：占整个交易时间，收盘时结束；没有成交的是停牌。"""
        if len(rows) > 1:
            day = date.fromordinal(number)
            raise SimulatorError(f"回放数据里 {security.stock_code} {day} 有 {len(rows)} 根日线。")
        bells = self._hours.bells(number)
        assert bells is not None  # 回放总是按交易所的时间
        return [row._replace(at=int(bells.close_call)) for row in rows if row.volume]

    @staticmethod
    def _open_tick(day: _Day) -> int:
        """9:30 那一跳。"""
        return 0 if day.ticks is None else day.ticks.continuous

    def _start(self, row: Any) -> int:
        """一根线从哪一跳（不含）开始。"""
        return self.tick_at(row.at - self._period_s)

    def _place(self, day: _Day, tick: int) -> tuple[Any, int, int] | None:
        """这一跳落在哪根线里、第几跳、一共几跳；不在线里为 None。"""
        index = bisect_left(day.times, self.tick_time(tick))
        if index == len(day.times):
            return None
        row = day.rows[index]
        if self._daily:
            return self._day_place(day, row, tick)
        before = self._start(row)
        if tick <= before:
            return None
        return row, tick - before, self.tick_at(row.at) - before

    def _day_place(self, day: _Day, row: Any, tick: int) -> tuple[Any, int, int] | None:
        """日线只在交易的时候走：午休不动，收盘集合竞价开始之前走完。"""
        ticks = day.ticks
        assert ticks is not None
        end = ticks.closing_start - 1 if day.rules.closing_call else ticks.close_call
        morning = ticks.lunch - ticks.continuous
        at = min(tick, ticks.lunch) - ticks.continuous
        at += max(min(tick, end) - ticks.afternoon, 0)
        return (row, at, morning + end - ticks.afternoon) if at > 0 else None

    def _last(self, day: _Day, tick: int) -> Any:
        """最近成交价。"""
        halt = found_in(day.halts, tick) if day.halts else None
        if halt is not None:
            return halt.price_li
        if day.closing[0] <= tick < day.closing[1]:
            tick = day.closing[0] - 1
        if self._period_s:
            if day.opening <= tick <= self._open_tick(day):
                return day.rows[0].open_li
            place = self._place(day, tick)
            if place is not None and place[0].volume:
                return self._price(day, *place)
            index = bisect_left(day.times, self.tick_time(tick))
            return day.rows[index - 1].close_li if index else day.pre_close_li
        index = bisect_right(day.times, self.tick_time(tick))
        return day.rows[index - 1].last_li if index else day.pre_close_li

    def _lots(self, day: _Day, bar: Bar, at: int, count: int) -> tuple[int, int]:
        lots = self._model.lots(bar, day.lot)
        if self._daily:
            return day_lots_at(lots, at, count, max(round(60 / self._tick_s), 1))
        return lots_at(lots, at, count)

    def _price(self, day: _Day, bar: Bar, at: int, count: int) -> int:
        low_first = self._model.low_first(bar, day.rules.same_day_sale)
        return price_at(bar, at, count, day.rules.tick_li, low_first)

    def _sides(self, day: _Day, tick: int) -> _Sides:
        if not self._period_s:
            if found_in(day.halts, tick):
                return _EMPTY
            index = bisect_right(day.times, self.tick_time(tick))
            return (day.rows[index - 1].asks, day.rows[index - 1].bids) if index else _EMPTY
        if day.ticks is not None:
            if tick == day.ticks.continuous and day.opening <= tick:
                tick += 1  # 开盘价 9:25 就有了，9:30 整就有盘口
            elif day.ticks.lunch < tick <= day.ticks.afternoon:
                tick = day.ticks.lunch
        if day.halts and found_in(day.halts, tick):
            return _EMPTY
        place = self._place(day, tick)
        if place is None:
            return _EMPTY
        bar, at, count = place
        price = self._price(day, bar, at, count)
        lots, _ = self._lots(day, bar, at, count)
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
