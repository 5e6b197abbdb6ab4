"""合成行情：价格是（种子，代码，第几跳）的纯函数。

模型：各交易日的收盘价 = 锚价 ×（1 + drift × 日噪声），围着锚价来回；当日的价格从前收盘走到收盘，
路上叠加两头为零的日内噪声。任何一跳都直接算得出来，不需要历史。每日最多变动约 1.7%，日内再加 1.2%，
所以总在涨跌停以内；仍按涨跌停截断。跳空、涨跌停、停牌、稀薄的盘口要另外要，见 `closes`。
写明了的除权除息与新股上市见 `script`。
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics.beijing import midnight
from easytrader.errors import SimulatorError
from easytrader.market.rules import RuleBook, Rules, price_limits
from easytrader.sim.exchange.depth import DISPLAYED, Halt, Level, Market, Prints, Quote
from easytrader.sim.exchange.halting import found_in, halts_of
from easytrader.sim.exchange.screen import ticks_of
from easytrader.sim.market.anchors import Profile, profile_of
from easytrader.sim.market.closes import Closes, Conditions, Fate
from easytrader.sim.market.noise import Octaves, bounds, hash01, salt_of, value, values
from easytrader.sim.market.script import NOTHING, Script

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.hours import Bells, MarketHours


_INTRADAY: Final[Octaves] = ((1200, 0.48), (240, 0.26), (48, 0.14), (10, 0.08), (2, 0.04))
_DEPTH: Final = 2 * DISPLAYED
_CALM: Final = Conditions()
_NO_CALL: Final = (0, 0)
_TRADED: Final = 0.275
"""一跳平均成交一档的这么多。"""
_NEVER: Final = 2**62
_KEPT: Final = 8192
"""眼下这一天之外，还记住这么多个「证券 × 日」：取历史时同样的日子要问几遍。"""
_THIN: Final = 50
"""盘口稀薄：每档的钱是平常的几分之一。"""
_THIN_SPREAD: Final = 3
"""盘口稀薄：档与档隔开几倍。"""
_EDGE: Final = 48.0  # 一天头尾各 1/48 的时间里，日内噪声由零展开、收回到零


class _Day(NamedTuple):
    """一只证券的一天。"""

    day: int
    salt: int
    profile: Profile
    rules: Rules
    pre_close_li: int
    open_li: int
    close_li: int
    limit_down_li: int
    limit_up_li: int
    gap_li: int
    depth_li: int
    fate: Fate
    halts: tuple[Halt, ...]
    """盘中停牌。"""
    open_call: int
    """开盘集合竞价在哪一跳撮合；没有的从没有。"""
    closing: tuple[int, int]
    """收盘集合竞价从哪一跳（含）到撮合的那一跳（不含）；没有的是空的。"""
    end: float
    """连续竞价走到一天的几分之几为止：日内噪声到这里收回到零。"""

    @property
    def unit(self) -> int:
        """盘口的数量是它的倍数。"""
        lot = self.rules.lot
        return max(lot.step, lot.minimum) if lot.step > 1 else 100

    def halted(self, tick: int) -> bool:
        """这一跳停着牌。"""
        return self.fate.suspended or found_in(self.halts, tick) is not None

    def sealed(self, progress: float) -> bool:
        """封着涨跌停。"""
        return self.fate.seal is not None and progress >= self.fate.seal

    @property
    def opening_li(self) -> int:
        """开盘集合竞价的成交价。"""
        return self.close_li if self.sealed(0.0) else self.open_li


class SyntheticMarket(Market):
    """满足 `Market`。缓存只为快：有没有缓存，答案相同。"""

    def __init__(
        self,
        seed: int,
        hours: MarketHours,
        tick_s: float = 3.0,
        conditions: Conditions = _CALM,
        book: RuleBook | None = None,
        script: Script = NOTHING,
    ) -> None:
        self.seed = self._seed = seed
        self._script = script
        self._hours = hours
        self._tick_s = tick_s
        self._rulebook = RuleBook(previous=hours.previous) if book is None else book
        self._closes = Closes(hours, conditions, self._rulebook, script)
        self._days: dict[str, _Day] = {}
        self._framed = -1
        self._frame: tuple[Bells | None, int, tuple[int, int], float] = None, _NEVER, _NO_CALL, 1.0
        self._kept: dict[tuple[str, int], _Day] = {}
        self._quotes: dict[str, Quote] = {}

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口。"""
        cached = self._quotes.get(security.stock_code)
        if cached is not None and cached.tick == tick:
            return cached
        day = self._day_at(security, self.tick_time(tick))
        last, asks, bids = self._book(day, tick)
        if day.closing[0] <= tick < day.closing[1] and not day.halted(tick):
            last = self._last_at(day, day.closing[0] - 1)
        quote = Quote(
            tick,
            day.pre_close_li,
            last,
            day.limit_down_li,
            day.limit_up_li,
            asks,
            bids,
            day.fate.suspended,
        )
        self._quotes[security.stock_code] = quote
        return quote

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """各跳的最近成交价；都按 ``last`` 那一天算。"""
        day = self._day_at(security, self.tick_time(last))
        if first == last:
            start, stop = day.closing
            return [self._last_at(day, start - 1 if start <= first < stop else first)]
        found = []
        for tick, noise in enumerate(values(day.salt, _INTRADAY, first, last), first):
            progress = self._progress(day, tick)
            found.append(self._last(day, self._bid(day, progress, noise), progress, tick))
        for halt in day.halts:
            _freeze(found, first, halt.start, halt.stop, halt.price_li)
        start, stop = day.closing
        if first < stop and start <= last:
            _freeze(found, first, start, stop, self._last_at(day, start - 1))
        return found

    def halts(self, security: Security, tick: int) -> tuple[Halt, ...]:
        """``tick`` 那一天的各次盘中停牌。"""
        return self._day_at(security, self.tick_time(tick)).halts

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """已知前后两跳的价格时的成交。"""
        ts = self.tick_time(tick)
        day = self._day_at(security, ts)
        if not self._hours.is_open(ts, *day.rules.hours):
            return Prints(now_li, now_li, 0)
        if day.halted(tick) or day.halted(tick - 1) or day.sealed(self._progress(day, tick)):
            return Prints(now_li, now_li, 0)  # 封死之后，排在前面的多得成交不到自己
        share = 0.05 + 0.45 * hash01(day.salt ^ 0x7A, tick)
        # 两份整手：挂单分得一半时也是整手
        volume = 2 * self._lots(day, int(day.depth_li * share) // 2, now_li)
        return Prints(min(before_li, now_li), max(before_li, now_li), volume)

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """成交价的保守范围。"""
        day = self._day_at(security, self.tick_time(last))
        for start, stop in (*(each[:2] for each in day.halts), day.closing):
            if start < first <= stop:
                first = start  # 停着的时候、收盘集合竞价里，是那之前的价
        low, high = bounds(day.salt, _INTRADAY, first - 1, last)
        rise, fall = max(1.0 + day.fate.surge, 1.0), min(1.0 + day.fate.surge, 1.0)
        begin, end = (self._base(day, self._progress(day, tick)) for tick in (first - 1, last))
        if self._progress(day, first - 1) <= 0.0:  # 开盘之前是前收盘，跳空是从它跳的
            low, high = min(low, 0.0), max(high, 0.0)
            begin, end = min(begin, end, day.pre_close_li), max(begin, end, day.pre_close_li)
        swing = day.profile.swing
        least = min(begin, end) * (1.0 + swing * min(low, 0.0)) * fall
        most = max(begin, end) * (1.0 + swing * max(high, 0.0)) * rise
        margin = day.gap_li + day.rules.tick_li
        return (
            max(int(least) - margin, day.limit_down_li),
            min(int(most) + 1 + margin, day.limit_up_li),
        )

    def outline(self, security: Security, tick: int) -> tuple[int, float | None]:
        """``tick`` 那天的前收盘；平常一跳成交多少，有停牌、封板的日子为 None。"""
        day = self._day_at(security, self.tick_time(tick))
        fate = day.fate
        if fate.suspended or fate.seal is not None or fate.halt is not None:
            return day.pre_close_li, None
        return day.pre_close_li, day.depth_li * _TRADED / day.pre_close_li

    def closing(self, security: Security, number: int) -> int:
        """``number`` 这一天（序数）的收盘价。"""
        return self._closes.of(security, *self._character(security), number)[1]

    def _character(self, security: Security) -> tuple[int, Profile]:
        """盐与走法；写明了上市的新股围着发行价走。"""
        salt = salt_of(self._seed, security.stock_code)
        profile = profile_of(security, salt)
        listing = self._script.listing(security.stock_code)
        if listing is not None:
            profile = profile._replace(anchor_li=listing.price_li)
        return salt, profile

    def _day_at(self, security: Security, ts: float) -> _Day:
        number = self._hours.day(ts)
        cached = self._days.get(security.stock_code)
        if cached is None or cached.day != number:
            found = self._kept.get((security.stock_code, number))
            if cached is not None:
                if len(self._kept) >= _KEPT:
                    self._kept.clear()
                self._kept[security.stock_code, cached.day] = cached
            cached = found or self._build(security, number)
            self._days[security.stock_code] = cached
        return cached

    def _build(self, security: Security, number: int) -> _Day:
        rules = self._rulebook.rules(security, date.fromordinal(number))
        if rules is None:
            raise SimulatorError(f"{security.stock_code}（{security.kind.value}）没有合成行情。")
        salt, profile = self._character(security)
        pre_close, close, fate = self._closes.of(security, salt, profile, number)
        low, high = price_limits(pre_close, rules)
        close = min(max(close, low), high)
        # 贵的股票盘口不是一分一档
        gap = max(1, round(pre_close * 0.0001 / rules.tick_li)) * rules.tick_li
        depth = profile.depth_li
        if fate.thin:
            gap, depth = gap * _THIN_SPREAD, depth // _THIN
        opened = min(max(_rounded(pre_close * (1.0 + fate.gap), rules.tick_li), low), high)
        if self._framed != number:
            self._framed, self._frame = number, self._frame_of(number)
        bells, open_call, closing, end = self._frame
        if not rules.closing_call:
            closing, end = _NO_CALL, 1.0
        day = _Day(
            number,
            salt,
            profile,
            rules,
            pre_close,
            opened,
            close,
            low,
            high,
            gap,
            depth,
            fate,
            (),
            open_call,
            closing,
            end,
        )
        return day._replace(halts=self._halts(day, bells))

    def _frame_of(self, number: int) -> tuple[Bells | None, int, tuple[int, int], float]:
        """这一天的各个时刻，开盘、收盘集合竞价各在哪几跳，后者从一天的几分之几起。"""
        bells = self._hours.bells(number)
        if bells is None:
            return None, _NEVER, _NO_CALL, 1.0
        closing = self.first_tick(bells.closing_start), self.first_tick(bells.close_call)
        end = self._hours.progress(bells.closing_start, number)
        return bells, self.first_tick(bells.open_call), closing, end

    def _halts(self, day: _Day, bells: Bells | None) -> tuple[Halt, ...]:
        """遇上的停牌；没有遇上的看规则。"""
        if day.fate.halt is not None:
            start, stop = (self.tick_at(midnight(day.day) + each) for each in day.fate.halt)
            return (Halt(start, stop, self._last_at(day, start - 1)),)
        halting = day.rules.halting
        wild = day.fate.surge or day.fate.seal is not None or day.fate.gap
        if halting is None or bells is None or day.fate.suspended or not wild:
            return ()  # 平静的日子走不了那么远
        ticks = ticks_of(self, bells)
        base_li = day.opening_li if halting.from_open else day.pre_close_li
        path = [self._last_at(day, tick) for tick in range(ticks.continuous, ticks.closing_start)]
        return halts_of(halting, base_li, path, ticks, self)

    def _book(self, day: _Day, tick: int) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """最近成交价、卖盘、买盘。"""
        if day.halted(tick):
            return self._last_at(day, tick), (), ()
        progress = self._progress(day, tick)
        gap = day.gap_li
        if day.sealed(progress):
            last = self._last(day, day.close_li, progress, tick)
            if day.close_li > day.pre_close_li:
                return last, (), self._levels(day, tick, day.close_li, -gap)
            return last, self._levels(day, tick, day.close_li, gap), ()
        bid = self._bid(day, progress, value(day.salt, _INTRADAY, tick))
        last = self._last(day, bid, progress, tick)
        asks = self._levels(day, tick, bid + gap, gap)
        return last, asks, self._levels(day, tick, bid, -gap)

    def _last_at(self, day: _Day, tick: int) -> int:
        """开盘以后这一跳的最近成交价；停牌时是停牌之前的那一笔。"""
        halt = found_in(day.halts, tick)
        if halt is not None:
            return halt.price_li
        progress = self._progress(day, tick)
        if not 0.0 < progress < 1.0:
            return self._last(day, day.close_li, progress, tick)
        bid = self._bid(day, progress, value(day.salt, _INTRADAY, tick))
        return self._last(day, bid, progress, tick)

    def _base(self, day: _Day, progress: float) -> float:
        if day.fate.seal is not None:
            progress = 1.0 if progress >= day.fate.seal else progress / day.fate.seal
        base = day.open_li + (day.close_li - day.open_li) * progress
        return base * (1.0 + day.fate.surge * _bump(progress)) if day.fate.surge else base

    def _progress(self, day: _Day, tick: int) -> float:
        return self._hours.progress(tick * self._tick_s, day.day, day.rules.late_close)

    def _bid(self, day: _Day, progress: float, noise: float) -> int:
        """买一价。"""
        base = self._base(day, progress)
        end = day.end if day.fate.seal is None else day.fate.seal
        edge = min(1.0, _EDGE * progress, _EDGE * (end - progress))
        if edge > 0.0:
            base *= 1.0 + day.profile.swing * edge * noise
        unit = day.rules.tick_li
        price = math.floor(base / unit + 0.5) * unit
        return min(max(price, day.limit_down_li), day.limit_up_li)

    def _last(self, day: _Day, bid: int, progress: float, tick: int) -> int:
        """最近一笔成交在买一还是卖一；收盘以后就是收盘价。"""
        if day.fate.suspended:
            return day.pre_close_li
        if progress <= 0.0:
            return day.opening_li if tick >= day.open_call else day.pre_close_li
        if progress >= 1.0 or day.sealed(progress):
            return day.close_li
        lifted = hash01(day.salt ^ 0x3C, tick) < 0.5
        return min(bid + day.gap_li, day.limit_up_li) if lifted else bid

    def _levels(self, day: _Day, tick: int, start: int, gap: int) -> tuple[Level, ...]:
        side = 0x51 if gap > 0 else 0x52
        found = []
        for depth in range(_DEPTH):
            price = start + depth * gap
            if not day.limit_down_li <= price <= day.limit_up_li:
                break
            share = 0.3 + 0.9 * hash01(day.salt ^ side, tick * _DEPTH + depth) + 0.1 * depth
            money = int(day.depth_li * share)
            found.append(Level(price, self._lots(day, money, price)))
        return tuple(found)

    def remember(self, code: str, quote: Quote) -> None:
        """别处一起算好的盘口，逐位相同的。"""
        self._quotes[code] = quote

    @staticmethod
    def _lots(day: _Day, money_li: int, price_li: int) -> int:
        """这些钱能买的整手，至少两手。"""
        unit = day.unit
        return max(money_li // (price_li * unit), 2) * unit


def _freeze(path: list[int], first: int, start: int, stop: int, price_li: int) -> None:
    """``path`` 从 ``first`` 跳起；``start`` 到 ``stop``（不含）停在 ``price_li``。"""
    start, stop = max(start - first, 0), min(stop - first, len(path))
    if start < stop:
        path[start:stop] = [price_li] * (stop - start)


def _bump(progress: float) -> float:
    """大起大落：一天过了四分之一时走到头，过了一半时走回来。"""
    return max(1.0 - abs(4.0 * progress - 1.0), 0.0)


def _rounded(price: float, tick_li: int) -> int:
    return max(math.floor(price / tick_li + 0.5) * tick_li, tick_li)
