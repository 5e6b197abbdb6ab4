"""不是 `Note` 的每一行都有程序在读：把它的值一项一项地改掉，柜台的规则、费用、口径就跟着变。

改的是表里那一行本身，问的是产品自己的函数；改了没有变化，那一行就是写给人看的，应当是 `Note`。
"""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from datetime import date, timedelta
from enum import Enum
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rules_page import all_rows

import easytrader.sim
from easytrader.errors import EasytraderError
from easytrader.market.rules import Rules, accrual, after_hours, credit, repo, rules_for
from easytrader.market.rules.choices import Choices
from easytrader.market.rules.facts import Facts, Period
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.rules.issues import Unit
from easytrader.market.rules.tables import BOURSES, Dated, Note, Scope, scope_of
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.business.credit.margin import Policy
from easytrader.sim.business.dividend_tax import Lot, tax_li
from easytrader.sim.business.subscribe import Quotas
from easytrader.sim.config.corporate_actions import parse_actions
from easytrader.sim.config.credit import CreditSettings
from easytrader.sim.config.files import EntryError
from easytrader.sim.config.folder import SimConfig
from easytrader.sim.config.ipo import parse_issues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODES = """
600036.SH 688981.SH 000001.SZ 300750.SZ 920002.BJ 430047.BJ 830799.BJ 870204.BJ 888001.BJ
510300.SH 588000.SH 589000.SH 511010.SH
508000.SH 501018.SH 518880.SH 159783.SZ 159901.SZ 159915.SZ 159949.SZ 159967.SZ 159985.SZ
162411.SZ 159005.SZ 000002.SZ 510050.SH 603999.SH 113050.SH 123107.SZ 019547.SH 102100.SZ
"""
SECURITIES = [
    *map(parse_security, CODES.split()),
    *map(parse_security, repo.TERMS),
    replace(parse_security("510300.SH"), kind=Kind.COMMODITY_ETF),  # 沪市还没有这样的代码段
]
ROWS = [row for row in all_rows() if not isinstance(row, Note)]


def _changed(value: Any) -> Iterator[Any]:
    """``value`` 的各种改法：元组的每一项各改一次。"""
    if isinstance(value, tuple):
        for index, each in enumerate(value):
            for other in _changed(each):
                parts = (*value[:index], other, *value[index + 1 :])
                yield type(value)(*parts) if hasattr(value, "_fields") else parts
    else:
        change = next(change for kind, change in _CHANGES if isinstance(value, kind))
        yield change(value)


_CHANGES: list[tuple[type, Callable[[Any], Any]]] = [
    (Enum, lambda value: next(each for each in type(value) if each is not value)),
    (bool, lambda value: not value),
    (int, lambda value: value + 1),
    (date, lambda value: value + timedelta(days=1)),
    (frozenset, lambda value: frozenset() if value else frozenset({Kind.STOCK})),
    (str, lambda _: "999999"),
]


def _means_something(row: Dated[Any], value: Any) -> bool:
    """改成的样子有意义。"""
    if row.rule == "I5":  # 可转债不要市值
        return value.value_li == row.value.value_li
    codes = getattr(row.value, "codes", None)
    if codes == frozenset() and value.codes:  # 没有代码表的，写的是品种
        return False
    return not (codes and not row.value.kinds and value.kinds) if row.rule == "D6" else True


def _answers(row: Dated[Any], since: date) -> Iterator[Any]:
    """``row`` 施行前后，各种处境下柜台的口径。"""
    yield _allowed(3001)
    for day in (since - timedelta(days=1), since, since + timedelta(days=200)):
        for security in SECURITIES:
            if scope_of(security) in row.scopes:
                yield from _of(security, day)
    if row.rule == "X2":
        yield from _taxes(since)
    if isinstance(row.value, Unit):
        yield from _offers(row.scopes, since)


_AS_WRITTEN: dict[int, list[Any]] = {}
"""没有改过的行的口径，算一次：改法有好几种。"""


def _as_written(row: Dated[Any]) -> list[Any]:
    if id(row) not in _AS_WRITTEN:
        _AS_WRITTEN[id(row)] = list(_answers(row, row.since))
    return _AS_WRITTEN[id(row)]


def _departs(row: Dated[Any], since: date, before: list[Any]) -> bool:
    """口径与 ``before`` 不一样；看到头一处就够了。"""
    missing = object()
    return any(
        now is missing or was is missing or now != was
        for now, was in zip_longest(_answers(row, since), before, fillvalue=missing)
    )


def _of(security: Any, day: date) -> Iterator[Any]:
    forever = (Period(date(1990, 1, 1)),)
    situations = [Facts(), Facts(risk_warning=forever), Facts(listed=day)]
    situations.append(Facts(listed=day, delisting_period=(Period(day),)))
    policies = Policy(CreditSettings()), Policy(CreditSettings(no_earnings={"600036.SH": True}))
    for facts in situations:
        for session in (None, 1, 2, 6, 7):
            yield rules_for(security, day, facts, session)
        yield rules_for(security, day, facts, choices=Choices(bse_after_hours=date.min))
        rules = rules_for(security, day, facts)
        assert rules is not None
        for policy in policies:
            yield policy.haircut(security, rules, day), policy.can_finance(security, rules, day)
    for buy in (True, False):
        rates = FeeSchedule().rates(security, buy, day)
        yield rates, [rates.total(amount) for amount in (10**7, 10**9, 10**13)]
    yield after_hours.has_after_hours(security, day), after_hours.windows(security, day)
    yield after_hours.most(security, day)
    yield repo.interest_li(1_500 * 1_000_000, 3) if security.kind is Kind.REPO else None
    scope = scope_of(security)
    assert scope is not None
    yield accrual.coupon_e8(scope, day - timedelta(days=400), day, None)
    yield credit.returns_next_day(scope, day), credit.has_price_floor(scope, day)
    policy = policies[0]
    yield policy.fin_margin(security, day), policy.slo_margin(security, day)
    yield policy.term_days(day), policy.withdraw_ppm(day)


def _taxes(day: date) -> Iterator[Any]:
    """红利税：哪天登记的要补扣，持有多久补多少。"""
    entry = {"record": str(day), "ex": str(day + timedelta(days=1)), "cash": 1}
    yield parse_actions({"600036.SH": [entry]})[0].taxed
    bought = date(2026, 1, 15).toordinal()
    lot = Lot(bought, 10**6, 1_000_000)
    yield [tax_li(lot, 10**6, bought + days) for days in (20, 40, 300, 380, 500)]


def _allowed(ppm: int) -> bool:
    """佣金的上限。"""
    try:
        SimConfig(commission_ppm=ppm)
    except EasytraderError:
        return False
    return True


class _Rich(Quotas):
    """市值正好 20 万元的账户。"""

    def __init__(self) -> None:
        super().__init__(
            SimpleNamespace(ledger=SimpleNamespace(state=SimpleNamespace(records={}))), {}
        )  # type: ignore[arg-type]

    def _average(self, account: Any, exchange: str, day: int) -> int:
        return 200_000_000


_OFFERS = {
    Scope.SH_MAIN: ("SH", "730001.SH", "600001.SH"),
    Scope.STAR: ("KCB", "787801.SH", "688801.SH"),
    Scope.SZ_MAIN: ("SZ", "001999.SZ", "001999.SZ"),
    Scope.CHINEXT: ("", "301999.SZ", "301999.SZ"),
    Scope.CONVERTIBLE: ("", "754801.SH", "113801.SH"),
}


def _offers(scopes: tuple[Scope, ...], day: date) -> Iterator[Any]:
    """申购单位，与市值给的额度。"""
    for scope in scopes:
        market, code, listed = _OFFERS[scope]
        entry = {"name": "模拟", "listed_code": listed, "price": 100, "date": str(day)}
        entry |= {"max": 9000, "wins": 1, "listing": str(day + timedelta(days=20))}
        if code == listed:
            del entry["listed_code"]
        try:
            yield parse_issues({"issues": {code: entry}}).issues[code].step
        except EntryError as exc:
            yield str(exc)
        yield _Rich().of(None, market, day.toordinal()) if market else None  # type: ignore[arg-type]


def _differs(row: Dated[Any], value: Any) -> bool:
    """改成 ``value``，口径就变了；改完放回去。"""
    kept, before = row.value, _as_written(row)
    object.__setattr__(row, "value", value)
    try:
        return _departs(row, row.since, before)
    except KeyError:  # 期限的天数改得没有了
        return True
    finally:
        object.__setattr__(row, "value", kept)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.scopes[0].value}")
def test_every_row_is_read(row: Dated[Any]) -> None:
    others = [each for each in _changed(row.value) if _means_something(row, each)]
    assert others
    for value in others:
        assert _differs(row, value), f"{row.rule}：{row.value} 改成 {value}，什么都没有变"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.scopes[0].value}")
def test_every_row_takes_effect_on_its_day(row: Dated[Any]) -> None:
    """起始日往后挪一天，施行的那天就不一样；有的行与前一行的值相同，改掉值再看。"""
    if row.since == BOURSES or row.rule in _ANY_DAY:
        return
    other = next(each for each in _changed(row.value) if _means_something(row, each))
    assert any(_starts(row, value) for value in (row.value, other))


def _starts(row: Dated[Any], value: Any) -> bool:
    kept, since = row.value, row.since
    object.__setattr__(row, "value", value)
    try:
        before = _as_written(row) if value is kept else list(_answers(row, since))
        object.__setattr__(row, "since", since + timedelta(days=1))
        return _departs(row, since, before)
    finally:
        object.__setattr__(row, "value", kept)
        object.__setattr__(row, "since", since)


_ANY_DAY = {"R1", "F5", "F6", "F7", "F11"}
"""不分日子：逆回购的利息另有不收委托的日子，佣金一向如此。"""


def test_notes_are_text_and_the_rest_is_not() -> None:
    for row in all_rows():
        assert isinstance(row.value, str) is isinstance(row, Note), row.rule


def test_every_rule_of_a_security_is_used_by_the_counter() -> None:
    """`Rules` 的每一项，规则这一间之外有人读。"""
    room = Path(easytrader.sim.__file__).parent
    read = {
        node.attr
        for path in room.rglob("*.py")
        if room / "rules" not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    inside = {"rounding"}  # 由 `price_limits` 读
    assert {each.name for each in fields(Rules)} - read <= inside
