"""行情板：一个模拟文件夹的市场，按厂商行情接口的问题回答。

只要「行情走到几点」这一个数（``now``，由柜台给），其余都在这里算，不占柜台的线程。
可以在任意线程上用；实时的与历史的各有一把锁，取很长的历史不耽误取快照。
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight, stamp
from easytrader.errors import SimulatorError
from easytrader.market.rules.after_hours import MATCHING
from easytrader.market.rules.facts import ORDINARY
from easytrader.market.symbols import Kind
from easytrader.market.units import units_of
from easytrader.sim.config.corporate_actions import load_actions
from easytrader.sim.config.instruments import load_book, load_facts
from easytrader.sim.config.ipo import load_issues
from easytrader.sim.config.market import library_of, market_for
from easytrader.sim.exchange.depth import Printed
from easytrader.sim.exchange.halting import found_in
from easytrader.sim.exchange.hours import hours_for
from easytrader.sim.exchange.screen import Own, Screen
from easytrader.sim.market import universe
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes.bars import (
    DAILY,
    LONG,
    MINUTES,
    Adjustment,
    Bar,
    adjusted,
    minute_bars,
    regroup,
)
from easytrader.sim.quotes.calendar import MINUTE_DAYS, Calendar, moment
from easytrader.sim.quotes.details import (
    AFTER_DONE,
    CLOSED,
    CONTINUOUS,
    HALTED,
    PRE_OPEN,
    STATUSES,
    SUSPENDED,
    known,
    to_detail,
    to_factor,
    to_issue,
    to_tick,
)
from easytrader.sim.quotes.indices import INDICES, IndexedMarket
from easytrader.sim.quotes.sectors import FILE_NAME as SECTORS_NAME
from easytrader.sim.quotes.sectors import MARKETS, Sectors
from easytrader.sim.quotes.tape import DayTape, Paths, ranges, with_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from easytrader.market.rules import RuleBook
    from easytrader.market.symbols import Security
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.exchange.depth import Market, Quote
    from easytrader.sim.exchange.hours import MarketHours


PERIODS: Final = ("tick", *MINUTES, DAILY, *LONG)
_TAPES: Final = 20_000
"""记住这么多个「证券 × 日」；一个约 1 KB。"""
_MANY: Final = 20
_DAY_S: Final = 86400
_NOTHING: Final[dict[str, Own]] = {}
"""这么多只以上一起算。"""
_BLOCK: Final = 250
"""取历史时一次算这么多天。"""
_LIMIT_S: Final = 150.0
"""取一次历史最多算这么久，与厂商 xtdata.ini 的 requestTimeoutSecond 相同。"""


class Board:
    """一个文件夹的行情。"""

    def __init__(self, folder: SimFolder) -> None:
        self._hours = hours_for(folder.config.clock)
        self.calendar = Calendar(self._hours)
        config = folder.config
        self.tick_s = config.tick_s
        self._seed = config.seed
        self._details: dict[str, tuple[int, dict[str, Any]]] = {}
        self._actions = load_actions(folder.path)
        self._facts = load_facts(folder.path)
        self._replayed = frozenset(library_of(config, folder.path).codes() if config.replay else ())
        self._path = folder.path
        shunned = {action.code for action in self._actions} | set(self._facts)
        self._live = _market_of(folder, self.calendar, self._hours, shunned)
        self._past = _market_of(folder, self.calendar, self._hours, shunned)

    @cached_property
    def sectors(self) -> Sectors:
        """板块；用到才列出全部证券。"""
        codes = {*self._replayed} or {*universe.codes(), *INDICES, *self._facts}
        return Sectors(sorted(codes), self._seed, self._path / SECTORS_NAME)

    # ---- 实时

    def snapshot(
        self, codes: list[str], now: float, books: Mapping[str, Own] = _NOTHING
    ) -> dict[str, dict[str, Any]]:
        """各代码（也可以是市场）的快照；不认识的、没有行情的代码不在里面。

        ``books``：各证券上文件夹里挂着的、吃掉的，画进盘口。
        """
        self._hours.day(now)  # 日历的毛病不算哪一只的
        found = {}
        with self._live.lock:
            named = [self.find(code) for code in self.spread(codes, now)]
            securities = [security for security in named if security is not None]
            if len(securities) >= _MANY:
                self._live.prime(securities, now)
            for security in securities:
                with suppress(SimulatorError):  # 回放数据还没有开始
                    own = books.get(security.stock_code)
                    found[security.stock_code] = self._live.tick(security, now, own=own)
        return found

    def detail(self, code: str, now: float) -> dict[str, Any] | None:
        """合约信息；不认识的代码为 None。"""
        security = self.find(code)
        if security is None:
            return None
        day = self._hours.day(now)
        with self._live.lock:
            found = self._details.get(code)
            if found is None or found[0] != day:
                try:
                    quote = self._live.market.quote(security, self._live.market.tick_at(now))
                except SimulatorError:
                    return None
                facts = self._facts.get(code, ORDINARY)
                made = to_detail(
                    security, quote, day, self._seed, self.listed(security), facts.delisted
                )
                found = self._details[code] = day, made
            halted = self._live.halted(security, now)
        shown = {**found[1], "ExtendInfo": dict(found[1]["ExtendInfo"])}
        if halted:
            shown.update(InstrumentStatus=1, IsTrading=False)
        return shown

    def listed(self, security: Security) -> date:
        """上市日：清单写了的照清单。"""
        facts = self._facts.get(security.stock_code, ORDINARY)
        return facts.listed or universe.opened(security.stock_code)

    def spread(self, codes: list[str], now: float) -> list[str]:
        """市场代码换成它的全部证券。"""
        today = date.fromordinal(self._hours.day(now))
        found: dict[str, None] = {}
        for code in codes:
            whole = self.sectors.members(code, today) if code in MARKETS else [code]
            found.update(dict.fromkeys(whole))
        return list(found)

    def find(self, code: object) -> Security | None:
        """代码 → 证券；不认识，或模拟行情里没有为 None。"""
        security = known(code)
        if security is not None and self._replayed and security.stock_code not in self._replayed:
            return None
        return security

    # ---- 历史

    def bars(
        self,
        code: str,
        period: str,
        span: tuple[Any, Any, int],
        now: float,
        deadline: float,
        dividend: str | None = "none",
    ) -> list[Bar]:
        """K 线，由早到晚；不认识的代码为空。

        Args:
            code: 代码。
            period: 周期，`PERIODS` 里 tick 以外的。
            span: ``(起, 止, 根数)``，厂商的写法；根数 -1 为全部。
            now: 行情走到的时刻。
            deadline: 最晚算到这时（``time.monotonic``）。
            dividend: 除权方式，厂商的写法。

        Raises:
            SimulatorError: 看不懂的时间、算得太久。
        """
        security = self.find(code)
        first, last, count = _range(span)
        found: list[Bar] = []
        if count == 0 or security is None:
            return found
        groups: set[object] = set()
        actions = self._adjusting(code, now) if dividend not in ("none", None) else []
        with self._past.lock:
            days = self._days(security, now, first, last, period)
            for number, day in enumerate(days):
                _check(deadline)
                if number % _BLOCK == 0:
                    most = _BLOCK
                    if count > 0 and period not in LONG:  # 一天至少一根；分钟线一天至少四根
                        most = count if period == DAILY else count // 4 + 2
                    self._past.prime_days(security, days[number : number + most][:_BLOCK], now)
                try:
                    bars = self._day_bars(security, day, period, now)
                except SimulatorError:
                    break  # 回放数据从这里开始
                bars = [bar for bar in bars if _inside(bar.time, period, first, last)]
                found[:0] = [adjusted(bar, day, actions, dividend) for bar in bars]
                if period in LONG:
                    groups.add(LONG[period](date.fromordinal(day)))
                if 0 < count <= (len(groups) - 1 if period in LONG else len(found)):
                    break
        if period in LONG:
            found = regroup(found, lambda bar: _date(bar.time), period)
        return found[-count:] if count > 0 else found

    def ticks(
        self, code: str, span: tuple[Any, Any, int], now: float, deadline: float
    ) -> list[dict[str, Any]]:
        """分笔，由早到晚；参数同 `bars`。"""
        security = self.find(code)
        first, last, count = _range(span)
        found: list[dict[str, Any]] = []
        if security is None:
            return found
        with self._past.lock:
            for day in self._days(security, now, first, last, "tick") if count else ():
                kept = [
                    tick
                    for tick in self._past.day_ticks(security, day, now)
                    if _inside(self._past.market.tick_time(tick), "tick", first, last)
                ]
                kept = kept[-(count - len(found)) :] if count > 0 else kept
                try:
                    tape = self._past.new_tape(security, day)
                except SimulatorError:
                    break  # 回放数据从这里开始
                rows = []
                for tick in kept:
                    _check(deadline)
                    at = self._past.market.tick_time(tick)
                    rows.append(self._past.tick(security, at, tape))
                found[:0] = rows
                if 0 < count <= len(found):
                    break
        return found

    def factors(self, code: str, start: Any, end: Any, now: float) -> dict[str, dict[str, float]]:
        """已经到了的各次除权除息，由早到晚。"""
        first, last = moment(start, last=False), moment(end, last=True)
        found = {}
        for action, day, row in self._known_factors(code, now):
            at = midnight(action.ex)
            if (first is None or at >= first) and (last is None or at <= last):
                found[day] = row
        return found

    def issues(self, start: Any, end: Any) -> list[dict[str, Any]]:
        """申购日在 ``start`` 到 ``end`` 之间的新股，厂商的字段；写明了才有的几项。"""
        first, last = moment(start, last=False), moment(end, last=True)
        return [
            to_issue(issue)
            for issue in sorted(load_issues(self._path).issues.values(), key=lambda each: each.day)
            if (first is None or midnight(issue.day) >= first)
            and (last is None or midnight(issue.day) <= last)
        ]

    def _known_factors(self, code: str, now: float) -> list[tuple[Action, str, dict[str, float]]]:
        security = self.find(code)
        today = self._hours.day(now)
        found = []
        with self._past.lock:
            for action in self._actions:
                if security is not None and action.code == code and action.ex <= today:
                    close = self._past.close_before(security, action.ex)
                    tick_li = units_of(security, action.ex).tick_li
                    found.append((action, *to_factor(action, close, tick_li)))
        return found

    def _adjusting(self, code: str, now: float) -> list[Adjustment]:
        """已经到了的除权除息，由早到晚，复权用。"""
        return [
            Adjustment(
                action.ex, row["interest"] * 1000, row["stockBonus"] + row["stockGift"], row["dr"]
            )
            for action, _, row in sorted(self._known_factors(code, now), key=lambda row: row[1])
        ]

    def _days(
        self, security: Security, now: float, first: float | None, last: float | None, period: str
    ) -> list[int]:
        """取历史要看的日子，由晚到早；上市以前、摘牌以后没有，分钟线与分笔只有近两年的。"""
        days = self.calendar.days(now, first, last)
        today = self._hours.day(now)
        facts = self._facts.get(security.stock_code, ORDINARY)
        start, gone = self.listed(security).toordinal(), facts.delisted
        if facts.listed is None and start > today:  # 凭空造的上市日管不着更早的日子
            start = 0
        if period == "tick" or period in MINUTES:
            start = max(start, today - MINUTE_DAYS)
        return [day for day in days if day >= start and (gone is None or day < gone.toordinal())]

    def _day_bars(self, security: Security, day: int, period: str, now: float) -> list[Bar]:
        if period in MINUTES:
            return self._past.minutes(security, day, now, MINUTES[period])
        return self._past.daily(security, day, now)


class _Market:
    """一个市场实例和它的缓存；只在锁里用。"""

    def __init__(
        self,
        market: Market,
        calendar: Calendar,
        hours: MarketHours,
        book: RuleBook,
        shunned: Collection[str],
    ) -> None:
        self.lock = threading.RLock()
        self.market = market
        self._calendar = calendar
        self._hours = hours
        self._spans: dict[tuple[int, bool], list[tuple[int, int]]] = {}
        self._tapes: OrderedDict[tuple[str, int], DayTape] = OrderedDict()
        self._known_paths: Paths | None = None
        self._synthetic = isinstance(market, SyntheticMarket)
        if isinstance(market, SyntheticMarket):
            seconds = calendar.pattern()
            self.market = IndexedMarket(market, market.seed, seconds, self._edges, shunned)
        self._screen = Screen(self.market, hours, book)

    def _edges(self, day: int) -> tuple[int, int]:
        """这一天的首跳与末跳。"""
        spans = self._spans_of(day, late=False)
        return spans[0][0], spans[-1][1]

    def tick(
        self,
        security: Security,
        now: float,
        tape: DayTape | None = None,
        own: Own | None = None,
    ) -> dict[str, Any]:
        """此刻的快照；往回看时另给一份还没有走到那里的 ``tape``。"""
        day = self._calendar.day(now)
        asked = self.market.tick_at(now)
        mine = () if own is None else own.interests()
        quote = self._screen.quote(security, day, asked, mine)
        status = self._status(security, day, now, quote)
        tick = self._seen_tick(day, now, self._late(security, day))
        last_li = quote.last_li if quote.tick == tick and self._synthetic else None
        if own is not None and status == CONTINUOUS:
            quote = own.drawn(quote)
        stats = None if tick is None else (tape or self.tape(security, day)).at(tick, last_li)
        if own is not None and own.printed and stats is not None:
            stats = stats.joined(Printed(*own.printed), asked if status == CONTINUOUS else None)
        called = self._screen.in_call(security, day, asked)
        shown = asked if called or tick is None else tick
        return to_tick(security, quote, stats, int(self.market.tick_time(shown) * 1000), status)

    def halted(self, security: Security, now: float) -> bool:
        """盘中停着牌。"""
        tick = self.market.tick_at(now)
        return found_in(self.market.halts(security, tick), tick) is not None

    def _status(self, security: Security, day: int, now: float, quote: Quote) -> int:
        rules = self._screen.rules(security, day)
        closing, late = (True, False) if rules is None else rules.hours
        after = rules is not None and rules.after_hours
        status = STATUSES[self._hours.phase(now, closing, after, late)]
        if quote.suspended:
            return SUSPENDED
        if status == CLOSED and after and self._screen.ticks(day) is not None:
            second = now - midnight(day)
            return AFTER_DONE if MATCHING[1] <= second < _DAY_S else self._closed(day, now)
        if status == CONTINUOUS and not (quote.asks or quote.bids or security.kind is Kind.INDEX):
            return HALTED
        return self._closed(day, now) if status == CLOSED else status

    def _closed(self, day: int, now: float) -> int:
        """休市：还没有开盘，或已经收盘。"""
        return PRE_OPEN if self._last_tick(day, now) is None else CLOSED

    def _seen_tick(self, day: int, now: float, late: bool) -> int | None:
        """走势看到了哪一跳；还没有开盘价为 None。"""
        last = self._last_tick(day, now, late)
        ticks = self._screen.ticks(day)
        if last is None and ticks is not None and self.market.tick_at(now) >= ticks.open_call:
            return ticks.open_call
        return last

    def prime(self, securities: list[Security], now: float) -> None:
        """许多只一起走到此刻：一只一只地走要慢十几倍。"""
        day = self._calendar.day(now)
        if not self._synthetic:
            return
        tradable = [each for each in securities if each.kind is not Kind.INDEX]
        shown: dict[int, list[Security]] = {}
        for each in tradable:
            at = self._screen.shown_tick(each, day, self.market.tick_at(now))
            shown.setdefault(at, []).append(each)
        for at, group in shown.items():
            self._paths().prime_quotes(group, at)
        seen = [self._seen_tick(day, now, late) for late in (False, True)]
        ticks = ((each, seen[self._late(each, day)]) for each in tradable)
        self._paths().prime((self.tape(each, day), at) for each, at in ticks if at is not None)

    def prime_days(self, security: Security, days: list[int], now: float) -> None:
        """一只的许多天一起走完。"""
        if isinstance(self.market, IndexedMarket) and security.kind is not Kind.INDEX:
            tick = self.market.tick_at(now)
            ends = ((day, self.spans(security, day)[-1][1]) for day in days)
            self._paths().prime((self.tape(security, day), at) for day, at in ends if at <= tick)

    def daily(self, security: Security, day: int, now: float) -> list[Bar]:
        """日线：还没有开盘为空。"""
        tick = self._seen_tick(day, now, self._late(security, day))
        if tick is None:
            return []
        tape = self.tape(security, day)
        stats = tape.at(tick)
        close = self._close(security, day, now) or stats.last_li
        official: Callable[[Security, int], int | None] | None
        official = getattr(self.market, "official_close", None)
        if official is not None and tick == self.spans(security, day)[-1][1]:
            close = official(security, tick) or close
        return [
            Bar(
                midnight(day),
                stats.open_li,
                max(stats.high_li, close),
                min(stats.low_li, close),
                close,
                stats.volume,
                stats.amount,
                tape.pre_close_li,
                stats.volume == 0,
            )
        ]

    def _close(self, security: Security, day: int, now: float) -> int | None:
        """已经过完的一天的收盘价：全天开市时，最后一跳还不是收盘，次日的前收盘才是。"""
        end = self._segments(security, day)[-1][1]
        if now < end or self._calendar.day(end) == day:
            return None
        closing: Callable[[Security, int], int] | None = getattr(self.market, "closing", None)
        if closing is not None:  # 次日除权除息时，前收盘不是收盘价
            return closing(security, day)
        return self.market.quote(security, self.market.tick_at(end)).pre_close_li

    def close_before(self, security: Security, day: int) -> int:
        """``day`` 前一个交易日的收盘价。"""
        before = self._hours.previous(day)
        closing: Callable[[Security, int], int] | None = getattr(self.market, "closing", None)
        if closing is not None:
            return closing(security, before)
        end = self._segments(security, before)[-1][1]
        return self.market.quote(security, self.market.tick_at(end)).last_li

    def minutes(self, security: Security, day: int, now: float, minutes: int) -> list[Bar]:
        """分钟线。"""
        tick = self._last_tick(day, now, self._late(security, day))
        if tick is None:
            return []
        segments = self._segments(security, day)
        sections = [
            (start, end, *span)
            for (start, end), span in zip(segments, self.spans(security, day), strict=True)
        ]
        tape = self.tape(security, day)
        bars = minute_bars(self.market, self._paths(), security, tape, sections, tick, minutes)
        close = self._close(security, day, now)
        if close is not None:
            last = bars[-1]
            high, low = max(last.high_li, close), min(last.low_li, close)
            bars[-1] = last._replace(high_li=high, low_li=low, close_li=close)
        return bars

    def day_ticks(self, security: Security, day: int, now: float) -> list[int]:
        """这一天到此刻为止的各跳，集合竞价里的也在内。"""
        last = self.market.tick_at(now)
        spans = self.spans(security, day)
        ticks = self._screen.ticks(day)
        if ticks is not None:
            spans = [(ticks.call_start, ticks.open_call), *spans]
        return [tick for first, stop in spans for tick in range(first, min(stop, last) + 1)]

    def tape(self, security: Security, day: int) -> DayTape:
        """一天的走势；用得最久的先忘掉。"""
        key = security.stock_code, day
        tape = self._tapes.get(key)
        if tape is None:
            tape = self._tapes[key] = self.new_tape(security, day)
            if len(self._tapes) > _TAPES:
                self._tapes.popitem(last=False)
        else:
            self._tapes.move_to_end(key)
        return tape

    def new_tape(self, security: Security, day: int) -> DayTape:
        """一天的走势，从开盘起。"""
        rules = self._screen.rules(security, day)
        closing = rules is not None and rules.closing_call
        spans = with_calls(self.spans(security, day), self._screen.ticks(day), closing)
        return DayTape(self.market, self._paths(), security, day, spans)

    def _paths(self) -> Paths:
        if self._known_paths is None:
            patterns = self._calendar.pattern(), self._calendar.pattern(late=True)
            self._known_paths = Paths(self.market, *patterns)
        return self._known_paths

    def _late(self, security: Security, day: int) -> bool:
        """连续到 15:30。"""
        rules = self._screen.rules(security, day)
        return rules is not None and rules.late_close

    def _segments(self, security: Security, day: int) -> tuple[tuple[int, int], ...]:
        """这只证券这一天连续交易的各段。"""
        return self._calendar.segments(day, self._late(security, day))

    def spans(self, security: Security, day: int) -> list[tuple[int, int]]:
        """这只证券这一天各段的跳号。"""
        return self._spans_of(day, self._late(security, day))

    def _spans_of(self, day: int, late: bool) -> list[tuple[int, int]]:
        found = self._spans.get((day, late))
        if found is None:
            segments = self._calendar.segments(day, late)
            same_day = self._calendar.day(segments[-1][1]) == day
            found = self._spans[day, late] = ranges(self.market, segments, same_day)
        return found

    def _last_tick(self, day: int, now: float, late: bool = False) -> int | None:
        """走到 ``now`` 时这一天的最后一跳；还没有开盘为 None。"""
        spans = self._spans_of(day, late)
        tick = min(self.market.tick_at(now), spans[-1][1])
        return max((min(tick, last) for first, last in spans if tick >= first), default=None)


def _market_of(
    folder: SimFolder, calendar: Calendar, hours: MarketHours, shunned: Collection[str]
) -> _Market:
    """与柜台同一个市场：同样的设置，同样的价格。"""
    book = load_book(folder.path, hours.previous, warned=not folder.config.replay)
    market = market_for(folder.config, folder.path, hours, book)
    return _Market(market, calendar, hours, book, shunned)


def new_deadline() -> float:
    """一次取历史的期限。"""
    return time.monotonic() + _LIMIT_S


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise SimulatorError(f"取历史行情超过 {_LIMIT_S:g} 秒：请少取一些代码、日子，或分几次取。")


def _range(span: tuple[Any, Any, int]) -> tuple[float | None, float | None, int]:
    first, last, count = span
    if not isinstance(count, int) or isinstance(count, bool):
        raise SimulatorError(f"count 应为整数，得到 {count!r}。")
    return moment(first, last=False), moment(last, last=True), count


def _inside(at: float, period: str, first: float | None, last: float | None) -> bool:
    if period == DAILY or period in LONG:
        first = None if first is None else midnight(_date(first).toordinal())
    return (first is None or at >= first) and (last is None or at <= last)


def _date(ts: float) -> date:
    return date.fromisoformat(stamp(ts, "%Y-%m-%d"))
