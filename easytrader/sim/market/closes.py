"""合成行情的收盘价：平静时是噪声的函数；有跳空、涨跌停、停牌时从一段的开头推起。"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.sim.market.conditions import BLOCK, QUIET, Conditions, Fate, fate_of
from easytrader.sim.market.noise import Octaves, value
from easytrader.sim.rules import RuleBook, price_limits

if TYPE_CHECKING:
    from easytrader.sim.market.anchors import Profile
    from easytrader.sim.rules import Rules
    from easytrader.sim.sessions import MarketHours
    from easytrader.symbols import Security

__all__ = ["Closes"]

_DAILY: Final[Octaves] = ((20, 0.60), (7, 0.28), (3, 0.12))


class Closes:
    """各证券各日的前收盘、收盘与遭遇。缓存只为快。"""

    def __init__(
        self, hours: MarketHours, conditions: Conditions, book: RuleBook | None = None
    ) -> None:
        self._hours = hours
        self._conditions = conditions
        self._rulebook = RuleBook() if book is None else book
        self._chains: dict[tuple[str, int], dict[int, tuple[int, Fate]]] = {}

    def of(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> tuple[int, int, Fate]:
        """``number`` 这一天的前收盘、收盘、遭遇。"""
        before = self._hours.previous(number)
        close, fate = self._close(security, salt, profile, number)
        return self._close(security, salt, profile, before)[0], close, fate

    def _close(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> tuple[int, Fate]:
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
        if not (rules.suspended or frozen):
            return _noise_close(profile, salt, number, rules.tick_li), fate
        while self._rules(security, before).suspended:
            before = self._hours.previous(before)
        close = self._calm_close(security, salt, profile, before)[0]
        return _next_close(close, _held(fate, rules), rules, profile, (salt, number))

    def _chain(
        self, security: Security, salt: int, profile: Profile, number: int
    ) -> dict[int, tuple[int, Fate]]:
        """从这一段的第一个交易日推到 ``number``。"""
        days = [number]
        while (before := self._hours.previous(days[-1])) // BLOCK == number // BLOCK:
            days.append(before)
        quiet = self._quiet_days(number // BLOCK)
        first = self._rules(security, before)
        if first.suspended:
            close = self._close(security, salt, profile, before)[0]
        else:
            close = _noise_close(profile, salt, before, first.tick_li)
        chain = {}
        for day in reversed(days):
            fate = fate_of(self._conditions, salt, day, quiet=day in quiet)
            rules = self._rules(security, day)
            fate = _held(fate, rules)
            close, fate = _next_close(close, fate, rules, profile, (salt, day))
            chain[day] = close, fate
        return chain

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


def _next_close(
    before: int, fate: Fate, rules: Rules, profile: Profile, seed: tuple[int, int]
) -> tuple[int, Fate]:
    """前收盘与遭遇 → 收盘；没有涨跌幅限制的品种没有涨跌停的日子。"""
    if fate.suspended:
        return before, fate
    noise = _noise_close(profile, *seed, rules.tick_li)
    low, high = price_limits(before, rules)
    if fate.seal is not None:
        if high < 2 * before:
            return (high if before <= noise else low), fate  # 朝着噪声价的方向，走不远
        fate = fate._replace(seal=None)
    price = _rounded(noise * (1.0 + fate.gap / 2), rules.tick_li)
    return min(max(price, low), high), fate


def _noise_close(profile: Profile, salt: int, number: int, tick_li: int) -> int:
    """平静时的收盘价。"""
    price = profile.anchor_li * (1.0 + profile.drift * value(salt ^ 0xDA, _DAILY, number))
    return _rounded(price, tick_li)


def _rounded(price: float, tick_li: int) -> int:
    return max(math.floor(price / tick_li + 0.5) * tick_li, tick_li)


def _held(fate: Fate, rules: Rules) -> Fate:
    """清单里写明停牌的日子。"""
    return Fate(suspended=True, thin=fate.thin) if rules.suspended else fate
