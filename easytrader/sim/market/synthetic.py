"""合成行情：价格是（种子，代码，第几跳）的纯函数。

模型：各交易日的收盘价 = 锚价 ×（1 + drift × 日噪声），围着锚价来回；当日的价格从前收盘走到收盘，
路上叠加两头为零的日内噪声。任何一跳都直接算得出来，不需要历史。每日最多变动约 1.7%，日内再加 1.2%，
所以总在涨跌停以内；仍按涨跌停截断。不模拟：停牌、一字板、除权除息、隔夜跳空、新股。
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.errors import SimulatorError
from easytrader.sim.market.anchors import Profile, profile_of
from easytrader.sim.market.book import DISPLAYED, Level, Prints, Quote
from easytrader.sim.market.noise import Octaves, bounds, hash01, salt_of, value, values
from easytrader.sim.rules import Rules, price_limits, rules_for

if TYPE_CHECKING:
    from easytrader.sim.sessions import MarketHours
    from easytrader.symbols import Security

__all__ = ["SyntheticMarket"]

_DAILY: Final[Octaves] = ((20, 0.60), (7, 0.28), (3, 0.12))
_INTRADAY: Final[Octaves] = ((1200, 0.48), (240, 0.26), (48, 0.14), (10, 0.08), (2, 0.04))
_DEPTH: Final = 2 * DISPLAYED
_EDGE: Final = 48.0  # 一天头尾各 1/48 的时间里，日内噪声由零展开、收回到零


class _Day(NamedTuple):
    """一只证券的一天。"""

    day: int
    salt: int
    profile: Profile
    rules: Rules
    pre_close_li: int
    close_li: int
    limit_down_li: int
    limit_up_li: int
    gap_li: int


class SyntheticMarket:
    """满足 `Market`。缓存只为快：有没有缓存，答案相同。"""

    def __init__(self, seed: int, hours: MarketHours, tick_s: float = 3.0) -> None:
        self._seed = seed
        self._hours = hours
        self._tick_s = tick_s
        self._days: dict[str, _Day] = {}
        self._quotes: dict[str, Quote] = {}

    def tick_at(self, ts: float) -> int:
        """``ts`` 属于第几跳。"""
        return int(ts // self._tick_s)

    def tick_time(self, tick: int) -> float:
        """第 ``tick`` 跳开始的时刻。"""
        return tick * self._tick_s

    def quote(self, security: Security, tick: int) -> Quote:
        """这一跳的盘口。"""
        cached = self._quotes.get(security.stock_code)
        if cached is not None and cached.tick == tick:
            return cached
        day = self._day_at(security, self.tick_time(tick))
        progress = self._progress(day, tick)
        bid = self._bid(day, progress, value(day.salt, _INTRADAY, tick))
        last = self._last(day, bid, progress, tick)
        quote = Quote(
            tick,
            day.pre_close_li,
            last,
            day.limit_down_li,
            day.limit_up_li,
            self._levels(day, tick, bid + day.gap_li, day.gap_li),
            self._levels(day, tick, bid, -day.gap_li),
        )
        self._quotes[security.stock_code] = quote
        return quote

    def prints(self, security: Security, tick: int) -> Prints:
        """这一跳里市场的成交。"""
        before, now = self.path(security, tick - 1, tick)
        return self.printed(security, tick, before, now)

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """各跳的最近成交价；都按 ``last`` 那一天算。"""
        day = self._day_at(security, self.tick_time(last))
        found = []
        for tick, noise in enumerate(values(day.salt, _INTRADAY, first, last), first):
            progress = self._progress(day, tick)
            found.append(self._last(day, self._bid(day, progress, noise), progress, tick))
        return found

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """已知前后两跳的价格时的成交。"""
        ts = self.tick_time(tick)
        day = self._day_at(security, ts)
        if not self._hours.is_open(ts, day.rules.closing_call):
            return Prints(now_li, now_li, 0)
        share = 0.05 + 0.45 * hash01(day.salt ^ 0x7A, tick)
        # 两份整手：挂单分得一半时也是整手
        volume = 2 * self._lots(day, int(day.profile.depth_li * share) // 2, now_li)
        return Prints(min(before_li, now_li), max(before_li, now_li), volume)

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """成交价的保守范围。"""
        day = self._day_at(security, self.tick_time(last))
        low, high = bounds(day.salt, _INTRADAY, first - 1, last)
        start, stop = (
            self._base(day, self._hours.progress(self.tick_time(tick), day.day))
            for tick in (first - 1, last)
        )
        swing = day.profile.swing
        least = min(start, stop) * (1.0 + swing * min(low, 0.0))
        most = max(start, stop) * (1.0 + swing * max(high, 0.0))
        margin = day.gap_li + day.rules.tick_li
        return (
            max(int(least) - margin, day.limit_down_li),
            min(int(most) + 1 + margin, day.limit_up_li),
        )

    def _day_at(self, security: Security, ts: float) -> _Day:
        number = self._hours.day(ts)
        cached = self._days.get(security.stock_code)
        if cached is None or cached.day != number:
            cached = self._days[security.stock_code] = self._build(security, number)
        return cached

    def _build(self, security: Security, number: int) -> _Day:
        rules = rules_for(security, date.fromordinal(number))
        if rules is None:
            raise SimulatorError(f"{security.stock_code}（{security.kind.value}）没有合成行情。")
        salt = salt_of(self._seed, security.stock_code)
        profile = profile_of(security, salt)
        pre_close = _close(profile, salt, self._hours.previous(number), rules.tick_li)
        low, high = price_limits(pre_close, rules)
        close = min(max(_close(profile, salt, number, rules.tick_li), low), high)
        # 贵的股票盘口不是一分一档
        gap = max(1, round(pre_close * 0.0001 / rules.tick_li)) * rules.tick_li
        return _Day(number, salt, profile, rules, pre_close, close, low, high, gap)

    def _base(self, day: _Day, progress: float) -> float:
        return day.pre_close_li + (day.close_li - day.pre_close_li) * progress

    def _progress(self, day: _Day, tick: int) -> float:
        return self._hours.progress(tick * self._tick_s, day.day)

    def _bid(self, day: _Day, progress: float, noise: float) -> int:
        """买一价。"""
        base = self._base(day, progress)
        edge = min(1.0, _EDGE * progress, _EDGE * (1.0 - progress))
        if edge > 0.0:
            base *= 1.0 + day.profile.swing * edge * noise
        unit = day.rules.tick_li
        price = math.floor(base / unit + 0.5) * unit
        return min(max(price, day.limit_down_li), day.limit_up_li)

    def _last(self, day: _Day, bid: int, progress: float, tick: int) -> int:
        """最近一笔成交在买一还是卖一；收盘以后就是收盘价。"""
        if progress <= 0.0:
            return day.pre_close_li
        if progress >= 1.0:
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
            money = int(day.profile.depth_li * share)
            found.append(Level(price, self._lots(day, money, price)))
        return tuple(found)

    @staticmethod
    def _lots(day: _Day, money_li: int, price_li: int) -> int:
        """这些钱能买的整手，至少两手。"""
        lot = day.rules.lot
        unit = max(lot.step, lot.minimum) if lot.step > 1 else 100
        return max(money_li // (price_li * unit), 2) * unit


def _close(profile: Profile, salt: int, number: int, tick_li: int) -> int:
    """某日收盘价。"""
    price = profile.anchor_li * (1.0 + profile.drift * value(salt ^ 0xDA, _DAILY, number))
    return max(math.floor(price / tick_li + 0.5) * tick_li, tick_li)
