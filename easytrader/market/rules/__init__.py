"""交易规则的带日期表：问某一天，得到那一天的规则。

- `sources` 出处；`tables` 表的样子；`quantities` 价位与数量；`bands` 涨跌幅与取整；
  `cage` 有效申报价格范围；`trading` 市价类型、时段、回转；`repo` 逆回购；
  `accrual` 应计利息；`facts` 代码看不出来的事实；`choices` 没有定论的怎样取。
- 每一行有编号、起始日、出处；没有定论的标 ``sure=False``。程序不读的是 `tables.Note`。
- 集合竞价的撮合、一天的时段不在这里。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from easytrader.market.rules import bands, repo, trading
from easytrader.market.rules.accrual import accrued_e8, coupon_e8
from easytrader.market.rules.after_hours import has_after_hours
from easytrader.market.rules.cage import (
    CAGE_ROUNDINGS,
    CAGES,
    CALL_RANGES,
    FIRST_CALLS,
    Cage,
    CallRange,
)
from easytrader.market.rules.choices import BY_TABLE, Choices
from easytrader.market.rules.facts import ORDINARY, Facts
from easytrader.market.rules.halts import HALTINGS, Halting
from easytrader.market.rules.quantities import BUY_CAPS, LOTS, SIZES, TICKS, Lot, Size
from easytrader.market.rules.tables import (
    BOND_RULES,
    BONDS,
    FUNDS,
    REPOS,
    SHARES,
    Scope,
    era,
    find,
    pick,
    scope_of,
)
from easytrader.market.symbols import Kind, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

__all__ = ["Lot", "RuleBook", "Rules", "Size", "price_limits", "rules_for", "scope_of"]

_MOST_FREE: Final = max(row.value for row in bands.FREE_SESSIONS)
_NO_MARKET: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """某只证券某一天的规则，查一次用一天。

    Attributes:
        tick_li: 最小变动价位，厘。
        lot: 数量单位。
        size: 单笔上限。
        band: 涨跌幅；None 为不设。
        cage: 连续竞价限价委托的笼子；None 为不设。
        call_range: 集合竞价的范围（不设涨跌幅的，上市首日的可转债）；None 为不限。
        same_day_sale: 当日买入当日可卖。
        market_types: 收哪些市价类型。
        protects: 市价委托带保护限价。
        closing_call: 14:57 起是收盘集合竞价。
        buy_cap: 每人每天买入上限；None 为没有。
        risk_warned: 风险警示股票。
        exists: 已上市、未摘牌。
        suspended: 全天停牌。
        late_close: 连续竞价到 15:30。
        halting: 盘中临时停牌；None 为没有。
        rounding: 涨跌停价怎样取整；``cage_rounding``：笼子的边界。
        accrued_e8: 一张的应计利息，亿分之一元；不是净价交易的为 0。
        leaving: 在退市整理期。
        after_hours: 有盘后固定价格交易。
    """

    tick_li: int
    lot: Lot
    size: Size
    band: bands.Band | None
    cage: Cage | None
    call_range: CallRange | None
    same_day_sale: bool
    market_types: frozenset[int]
    protects: bool
    closing_call: bool
    buy_cap: int | None
    risk_warned: bool
    exists: bool
    suspended: bool
    late_close: bool = False
    halting: Halting | None = None
    rounding: bands.Rounding = bands.Rounding.HALF_UP
    cage_rounding: bands.Rounding = bands.Rounding.HALF_UP
    accrued_e8: int = 0
    leaving: bool = False
    after_hours: bool = False

    @property
    def hours(self) -> tuple[bool, bool]:
        """问 `sessions.MarketHours` 时的两个参数：有收盘集合竞价，连续到 15:30。"""
        return self.closing_call, self.late_close

    @property
    def band_bp(self) -> int | None:
        """涨幅，万分之几；不设为 None。"""
        return None if self.band is None else self.band.up_bp


def rules_for(
    security: Security,
    day: date,
    facts: Facts = ORDINARY,
    session: int | None = None,
    choices: Choices = BY_TABLE,
) -> Rules | None:
    """``day`` 这一天适用于 ``security`` 的规则；模拟柜台不做的品种为 None。

    Args:
        security: 证券。
        day: 交易日。
        facts: 代码看不出来的事实，缺省是一只普通的、上市已久的证券。
        session: 从上市（或进入退市整理期）算起的第几个交易日，首日为 1；None 为早已过了。
        choices: 没有定论的怎样取。
    """
    scope = scope_of(security)
    if scope is None:
        return None
    warned = scope in SHARES and facts.warned(day)
    band = _band(security, scope, day, facts, session)
    return Rules(
        tick_li=_tick(scope, day, choices),
        lot=pick(LOTS, scope, day, Lot(100, 100)),
        size=pick(SIZES, scope, day, Size(1_000_000, 1_000_000)),
        band=band,
        cage=pick(CAGES, scope, day, None),
        call_range=_call_range(scope, day, band, session, choices),
        same_day_sale=_same_day(security, scope, day, facts),
        market_types=pick(trading.MARKET_TYPES, scope, day, _NO_MARKET),
        protects=_protects(scope, day, choices),
        closing_call=_closing_call(security, scope, day, choices),
        buy_cap=pick(BUY_CAPS, scope, day, None) if warned else None,
        risk_warned=warned,
        exists=_exists(security, scope, day, facts),
        suspended=facts.halted(day),
        halting=_halting(scope, day, band),
        late_close=_late_close(security, scope, day, choices),
        rounding=pick(bands.ROUNDINGS, scope, day, bands.Rounding.HALF_UP),
        cage_rounding=_cage_rounding(scope, day, choices),
        accrued_e8=accrued_e8(scope, day, facts.coupon),
        leaving=facts.delisting_since(day) is not None,
        after_hours=has_after_hours(security, day, choices),
    )


_HEADS: Final = tuple(
    {
        *(head for row in bands.WIDE_FUNDS for head in row.value.codes),
        *(head for row in trading.RETIRED for head in row.value),
        *(code[:6] for row in trading.SAME_DAY for code in row.value.codes),
        *(code[:6] for code in repo.TERMS),
    }
)


@lru_cache(maxsize=32_768)
def _kin(security: Security) -> tuple[object, ...]:
    """没有特别事实的证券里，同类的规则都一样；表里提到代码的各自一类。"""
    code = security.stock_code if security.code.startswith(_HEADS) else ""
    return security.kind, security.board, security.exchange, code


def _band(
    security: Security, scope: Scope, day: date, facts: Facts, session: int | None
) -> bands.Band | None:
    """先看是不是不设涨跌幅的日子，再看首日的特别幅度，最后是平日的幅度。"""
    leaving = facts.delisting_since(day)
    if session is not None:
        # 新规则只管施行以后上市（进入退市整理期）的
        free, since = (bands.DELISTING, leaving) if leaving else (bands.FREE_SESSIONS, facts.listed)
        if session <= pick(free, scope, since or day, 0):
            return None
        special = bands.REIT_FIRST_DAY if security.kind is Kind.REIT else bands.FIRST_DAY
        row = find(special, scope, day) if session == 1 else None
        if row is not None:
            return row.value
    # 退市整理期按板块的幅度，不论此前是不是风险警示
    if not leaving and facts.warned(day) and (risky := find(bands.RISK_BANDS, scope, day)):
        return risky.value
    wide = find(bands.WIDE_FUNDS, scope, day)
    if wide is not None:
        listed = facts.wide_band is not None and day >= facts.wide_band
        if listed or security.code.startswith(wide.value.codes):
            return wide.value.band
    return pick(bands.BANDS, scope, day, None)


def _tick(scope: Scope, day: date, choices: Choices) -> int:
    if scope is Scope.SZ_REPO and choices.sz_repo_tick_li is not None:
        return choices.sz_repo_tick_li
    return pick(TICKS, scope, day, 10)


def _protects(scope: Scope, day: date, choices: Choices) -> bool:
    if scope is Scope.BSE and not choices.bse_protected:
        return False
    return pick(trading.PROTECTED, scope, day, False)


def _exists(security: Security, scope: Scope, day: date, facts: Facts) -> bool:
    if scope in REPOS and security.stock_code not in repo.TERMS:
        return False
    return facts.exists(day) and not security.code.startswith(pick(trading.RETIRED, scope, day, ()))


def _call_range(
    scope: Scope, day: date, band: bands.Band | None, session: int | None, choices: Choices
) -> CallRange | None:
    if band is None:
        return pick(CALL_RANGES, scope, day, None) if choices.no_limit_calls else None
    if session == 1 and choices.convertible_first_call:
        return pick(FIRST_CALLS, scope, day, None)
    return None


def _cage_rounding(scope: Scope, day: date, choices: Choices) -> bands.Rounding:
    if scope is Scope.BSE and choices.bse_cage is not None:
        return choices.bse_cage
    return pick(CAGE_ROUNDINGS, scope, day, bands.Rounding.HALF_UP)


def _closing_call(security: Security, scope: Scope, day: date, choices: Choices) -> bool:
    if scope not in BONDS:
        return pick(trading.CLOSING_CALLS, scope, day, False)
    if security.exchange != "SZ":
        return False
    if not choices.sz_bonds_late:
        day = min(day, BOND_RULES - timedelta(days=1))  # 照以前的
    return pick(trading.SZ_BOND_CALLS, scope, day, False)


def _halting(scope: Scope, day: date, band: bands.Band | None) -> Halting | None:
    found = pick(HALTINGS, scope, day, None)
    return None if found is None or (found.free_only and band is not None) else found


def _late_close(security: Security, scope: Scope, day: date, choices: Choices) -> bool:
    if scope is Scope.BOND and security.exchange == "SZ" and not choices.sz_bonds_late:
        return False
    return pick(trading.LATE_CLOSES, scope, day, False)


def _same_day(security: Security, scope: Scope, day: date, facts: Facts) -> bool:
    if scope in FUNDS and facts.same_day_sale is not None and day >= facts.same_day_sale:
        return True
    return any(
        scope in row.scopes
        and day >= row.since
        and (security.kind in row.value.kinds or security.stock_code in row.value.codes)
        for row in trading.SAME_DAY
    )


class RuleBook:
    """规则加上一份事实清单。

    Args:
        facts: 厂商写法的代码 → 事实；没有的是普通证券。
        previous: 交易日（序数）→ 上一个交易日，数「上市第几天」用。
        choices: 没有定论的怎样取。
        usual: 清单里没有的代码 → 事实，没有特别的为 None。
    """

    def __init__(
        self,
        facts: Mapping[str, Facts] | None = None,
        previous: Callable[[int], int] = lambda day: day - 1,
        choices: Choices = BY_TABLE,
        usual: Callable[[str], Facts | None] | None = None,
    ) -> None:
        self._usual = usual
        self._facts = dict(facts or {})
        self._previous = previous
        self._choices = choices
        self._ordinary: dict[tuple[object, date | None], Rules | None] = {}

    def facts(self, security: Security) -> Facts:
        """这只证券的事实。"""
        return self._known(security) or ORDINARY

    def _known(self, security: Security) -> Facts | None:
        found = self._facts.get(security.stock_code)
        return (
            found if found is not None or self._usual is None else self._usual(security.stock_code)
        )

    def rules(self, security: Security, day: date) -> Rules | None:
        """``day`` 这天的规则；模拟柜台不做的品种为 None。"""
        facts = self._known(security)
        if facts is None:
            return self._plain(security, day)
        since = facts.delisting_since(day) or facts.listed
        return rules_for(security, day, facts, self._session(since, day), self._choices)

    def _plain(self, security: Security, day: date) -> Rules | None:
        """没有特别事实的；合成行情从很多天以前推起，一天一天、一只一只地问，同类同时期的只查一次。"""
        since = self._choices.bse_after_hours
        alone = security.kind is Kind.BOND or since is not None  # 应计利息天天不同
        key = _kin(security), day if alone else era(day)
        if key not in self._ordinary:
            self._ordinary[key] = rules_for(security, day, choices=self._choices)
        return self._ordinary[key]

    def coupon_e8(self, security: Security, after: date, until: date) -> int:
        """``after``（不含）到 ``until``（含）之间付的利息，一张，亿分之一元。"""
        scope = scope_of(security)
        return 0 if scope is None else coupon_e8(scope, after, until, self.facts(security).coupon)

    def _session(self, since: date | None, day: date) -> int | None:
        """从 ``since`` 数起的第几个交易日；太久以前、还没到或不知道为 None。"""
        if since is None or day < since:
            return None
        number, at, first = 1, day.toordinal(), since.toordinal()
        while (at := self._previous(at)) >= first:
            number += 1
            if number > _MOST_FREE:
                return None
        return number


def price_limits(pre_close_li: int, rules: Rules) -> tuple[int, int]:
    """跌停价与涨停价（厘），见 `bands.limits`。"""
    return bands.limits(pre_close_li, rules.band, rules.tick_li, rules.rounding)
