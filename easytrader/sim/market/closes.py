"""合成行情的收盘价：平静时是噪声的函数；有跳空、涨跌停、停牌（由种子、代码、日期定下）时另推。

涨跌停与跳空会改变收盘价，而次日的前收盘就是它：收盘价在一段（`BLOCK` 个日历日）之内从头推，
每段最后 `QUIET` 个交易日什么都不出，收盘回到噪声给出的价格，所以不必追到更早。
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.market.rules import RuleBook, price_limits
from easytrader.market.rules.exrights import reference_price
from easytrader.sim.market.noise import Octaves, hash01, value
from easytrader.sim.market.script import NOTHING

if TYPE_CHECKING:
    from easytrader.market.rules import Rules
    from easytrader.market.rules.exrights import Change
    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.market.anchors import Profile
    from easytrader.sim.market.script import Script


BLOCK: Final = 128
QUIET: Final = 3
"""一字板连着停牌，最多离开噪声价两成，三个交易日的涨跌幅足够走回来。"""

_HALF_HOUR: Final = 1800
_HALT_STARTS: Final = (36000, 37800, 48600, 50400)  # 10:00、10:30、13:30、14:00


class Conditions(NamedTuple):
    """各种日子所占的比例，0 到 1；全是 0 就是一直平静的行情。"""

    gap_days: float = 0.0
    limit_days: float = 0.0
    halt_days: float = 0.0
    thin_books: float = 0.0

    @property
    def moves_closes(self) -> bool:
        """会改变收盘价：收盘价要从一段的开头推起。"""
        return bool(self.gap_days or self.limit_days or self.halt_days)


class Fate(NamedTuple):
    """一只证券某一天的遭遇。

    Attributes:
        gap: 开盘比前收盘高多少（比例），没有跳空为 0。
        seal: 走到一天的几分之几时封住涨跌停，0 为一字板；不是涨跌停的日子为 None。
        suspended: 全天停牌。
        halt: 盘中临时停牌从零点后几秒到几秒；没有为 None。
        thin: 盘口稀薄。
        surge: 不设涨跌幅的日子盘中大起（负的是大落）到几成，再走回来；没有为 0。
    """

    gap: float = 0.0
    seal: float | None = None
    suspended: bool = False
    halt: tuple[int, int] | None = None
    thin: bool = False
    surge: float = 0.0


_CALM: Final = Conditions()
_ORDINARY: Final = Fate()


def fate_of(conditions: Conditions, salt: int, number: int, *, quiet: bool) -> Fate:
    """``number``（序数）这一天的遭遇；停牌先于涨跌停，涨跌停先于跳空。"""
    if conditions == _CALM:
        return _ORDINARY
    thin = hash01(salt ^ 0x71, number) < conditions.thin_books
    if quiet:
        return Fate(thin=thin)
    if hash01(salt ^ 0x72, number) < conditions.halt_days:
        if hash01(salt ^ 0x73, number) < 0.5:
            return Fate(suspended=True, thin=thin)
        start = _HALT_STARTS[int(hash01(salt ^ 0x74, number) * len(_HALT_STARTS))]
        return Fate(halt=(start, start + _HALF_HOUR), thin=thin)
    if hash01(salt ^ 0x75, number) < conditions.limit_days:
        when = hash01(salt ^ 0x76, number)
        return Fate(seal=0.0 if when < 0.3 else when * 0.8, thin=thin)
    if hash01(salt ^ 0x77, number) < conditions.gap_days:
        size = 0.01 + 0.04 * hash01(salt ^ 0x78, number)
        return Fate(gap=size if hash01(salt ^ 0x79, number) < 0.5 else -size, thin=thin)
    return Fate(thin=thin)


_DAILY: Final[Octaves] = ((20, 0.60), (7, 0.28), (3, 0.12))


class Closes:
    """各证券各日的前收盘、收盘与遭遇。缓存只为快。"""

    def __init__(
        self,
        hours: MarketHours,
        conditions: Conditions,
        book: RuleBook | None = None,
        script: Script = NOTHING,
    ) -> None:
        self._hours = hours
        self._script = script
        self._conditions = conditions
        self._rulebook = RuleBook() if book is None else book
        self._chains: dict[tuple[str, int], dict[int, tuple[int, Fate]]] = {}
        self._scales: dict[tuple[str, int], float] = {}
        self._latest: dict[str, tuple[int, tuple[int, Fate]]] = {}

    def of(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> tuple[int, int, Fate]:
        """``number`` 这一天的前收盘（除权除息日是参考价）、收盘、遭遇。"""
        before = self._hours.previous(number)
        code = security.stock_code
        known, found = self._latest.get(code, (0, None))
        if found is None or known != number:
            found = self._close(security, salt, profile, number)
        close, fate = found
        found = self._close(security, salt, profile, before)
        self._latest[code] = before, found  # 往回一天一天地问时，下一次就要它
        last = found[0]
        return self._carried(security, last, before, number), close, fate

    def _close(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> tuple[int, Fate]:
        listing = self._script.listing(security.stock_code)
        if listing is not None and number < listing.day:
            return listing.price_li, Fate(suspended=True)
        if not self._conditions.moves_closes:
            return self._calm_close(security, salt, profile, number)
        key = security.stock_code, number // BLOCK
        chain = self._chains.get(key)
        if chain is None or number not in chain:
            chain = self._chains[key] = self._chain(security, salt, profile, number)
        return chain[number]

    def _calm_close(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> tuple[int, Fate]:
        """平静的收盘价就是噪声；只有清单里写明停牌的日子停在停牌前，复牌那天不出涨跌停。"""
        rules = self._rules(security, number)
        fate = fate_of(self._conditions, salt, number, quiet=False)
        before = self._hours.previous(number)
        frozen = self._rules(security, before).suspended
        noise = self._noise_close(security, salt, profile, number)
        if not (rules.suspended or frozen):
            return noise, fate
        while self._rules(security, before).suspended:
            before = self._hours.previous(before)
        close = self._close(security, salt, profile, before)[0]
        close = self._carried(security, close, before, number)
        return _next_close(close, _held(fate, rules), rules, noise)

    def _chain(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> dict[int, tuple[int, Fate]]:
        """从这一段的第一个交易日（新股从上市首日）推到 ``number``。"""
        listing = self._script.listing(security.stock_code)
        first = 0 if listing is None else listing.day
        days = [number]
        while (before := self._hours.previous(days[-1])) // BLOCK == number // BLOCK:
            if before < first:
                break
            days.append(before)
        quiet = self._quiet_days(number // BLOCK)
        if before < first or self._rules(security, before).suspended:
            close = self._close(security, salt, profile, before)[0]
        else:
            close = self._noise_close(security, salt, profile, before)
        chain = {}
        for day in reversed(days):
            fate = fate_of(self._conditions, salt, day, quiet=day in quiet)
            rules = self._rules(security, day)
            noise = self._noise_close(security, salt, profile, day)
            close = self._carried(security, close, before, day)
            close, fate = _next_close(close, _held(fate, rules), rules, noise)
            chain[day] = close, fate
            before = day
        return chain

    def _noise_close(self, security: Security, salt: int, profile: Profile, number: int) -> int:
        """平静时的收盘价，除过权的。"""
        price = profile.anchor_li * (1.0 + profile.drift * value(salt ^ 0xDA, _DAILY, number))
        for change in self._script.changes(security.stock_code, 0, number):
            price *= self._scale(security, salt, profile, change)
        return _rounded(price, self._rules(security, number).tick_li)

    def _scale(self, security: Security, salt: int, profile: Profile, change: Change) -> float:
        """一次除权除息使以后的价格成为原来的几分之几：参考价比前收盘，涨跌的比例不变。"""
        key = security.stock_code, change.day
        if key not in self._scales:
            before = self._hours.previous(change.day)
            close = self._close(security, salt, profile, before)[0]
            close = self._carried(security, close, before, change.day - 1)
            tick_li = self._rules(security, change.day).tick_li
            self._scales[key] = reference_price(close, change, tick_li) / close
        return self._scales[key]

    def _carried(self, security: Security, close_li: int, after: int, upto: int) -> int:
        """``after`` 的收盘价，除过到 ``upto`` 为止的权息。"""
        code = security.stock_code
        if not self._script.changes(code, after, upto):
            return close_li
        return self._script.carried(
            code, close_li, after, upto, self._rules(security, upto).tick_li
        )

    def _rules(self, security: Security, number: int) -> Rules:
        rules = self._rulebook.rules(security, date.fromordinal(number))
        assert rules is not None  # 没有规则的品种在这之前就拦下了
        return rules

    def _quiet_days(self, block: int) -> set[int]:
        """一段最后的几个交易日。"""
        last = self._hours.previous((block + 1) * BLOCK)
        found = {last}
        while len(found) < QUIET:
            last = self._hours.previous(last)
            found.add(last)
        return found


def _next_close(before: int, fate: Fate, rules: Rules, noise: int) -> tuple[int, Fate]:
    """前收盘、遭遇与噪声价 → 收盘；没有涨跌幅限制的品种没有涨跌停的日子。"""
    if fate.suspended:
        return before, fate
    low, high = price_limits(before, rules)
    if fate.seal is not None:
        if high < 2 * before:
            return (high if before <= noise else low), fate  # 朝着噪声价的方向，走不远
        size = 0.35 + 0.6 * fate.seal
        fate = fate._replace(seal=None, surge=size if before <= noise else -size)
    price = _rounded(noise * (1.0 + fate.gap / 2), rules.tick_li)
    return min(max(price, low), high), fate


def _rounded(price: float, tick_li: int) -> int:
    return max(math.floor(price / tick_li + 0.5) * tick_li, tick_li)


def _held(fate: Fate, rules: Rules) -> Fate:
    """清单里写明停牌的日子。"""
    return Fate(suspended=True, thin=fate.thin) if rules.suspended else fate
