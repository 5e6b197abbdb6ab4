"""模拟文件夹里的 ``instruments.json``：代码看不出来的事，由使用者按日期写明。

没有这个文件就都是普通证券。写错了抛 `SimulatorError`，说出哪一只、哪一项、应当怎么写；
不会悄悄跳过。进程启动时读一次。
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError
from easytrader.market.rules import RuleBook, scope_of
from easytrader.market.rules.accrual import Coupon
from easytrader.market.rules.bands import Rounding
from easytrader.market.rules.choices import BY_TABLE, Choices
from easytrader.market.rules.facts import ORDINARY, Facts, Period
from easytrader.market.rules.tables import Scope
from easytrader.sim.config.convertibles import load_convertibles
from easytrader.sim.config.corporate_actions import load_actions
from easytrader.sim.config.files import (
    EntryError,
    day_of,
    fields_of,
    load,
    micro,
    security_named,
)
from easytrader.sim.config.ipo import FILE_NAME as ISSUES_NAME
from easytrader.sim.config.ipo import listings_of, load_issues
from easytrader.sim.market import universe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "instruments.json"
RULES_NAME: Final = "rules.json"
_PERIODS: Final = "应为若干段 [首日, 末日]，两头都算，末日可以是 null（至今），如 [[首日, null]]。"


def load_instruments(folder: Path) -> dict[str, Facts]:
    """读 ``folder`` 里的清单；没有文件为空；有一项写得不对抛 `SimulatorError`。"""
    return load(folder, FILE_NAME, _parse) or {}


def load_book(folder: Path, previous: Callable[[int], int], *, warned: bool = True) -> RuleBook:
    """这个文件夹的规则：`load_facts` 的事实，``rules.json`` 里选定的。

    ``warned``：清单里没有的，照 `universe.warned_since` 有风险警示的；回放真实数据时没有。

    Raises:
        SimulatorError: 哪个文件读不懂，或有一项写得不对。
    """
    choices = load(folder, RULES_NAME, _choices)
    return RuleBook(
        load_facts(folder),
        previous,
        BY_TABLE if choices is None else choices,
        _usual if warned else None,
    )


@lru_cache(maxsize=32_768)
def _usual(code: str) -> Facts | None:
    """清单里没有的一只：名称带 ST 的是风险警示股票，别的没有特别的事。"""
    since = universe.warned_since(code)
    return None if since is None else Facts(risk_warning=(Period(since),))


def load_facts(folder: Path) -> dict[str, Facts]:
    """清单里的，加上别的文件里写明的上市日与停牌。

    上市日是 ``ipo.json`` 里各只新股的；停牌是配股从登记日之后到除权日之前，
    赎回的可转债最后交易日之后。

    Raises:
        SimulatorError: 读不懂，有一项写得不对，或同一只的上市日写得不一样。
    """
    found = load_instruments(folder)
    for code, listing in listings_of(load_issues(folder)).items():
        day = date.fromordinal(listing.day)
        facts = found.get(code, ORDINARY)
        if facts.listed not in (None, day):
            raise SimulatorError(
                f"{folder / FILE_NAME} 里 {code} 的 listed 是 {facts.listed}，"
                f"{ISSUES_NAME} 里的 listing 是 {day}：改成一样，或去掉前者。"
            )
        found[code] = replace(facts, listed=day)
    for action in load_actions(folder):
        if action.rights:
            first, last = (date.fromordinal(day) for day in (action.record + 1, action.ex - 1))
            facts = found.get(action.code, ORDINARY)
            found[action.code] = replace(facts, suspended=(*facts.suspended, Period(first, last)))
    for code, terms in load_convertibles(folder).items():
        if terms.redeem is not None:
            facts, after = found.get(code, ORDINARY), date.fromordinal(terms.redeem.start + 1)
            found[code] = replace(facts, suspended=(*facts.suspended, Period(after)))
    return found


def _parse(body: object) -> dict[str, Facts]:
    """清单 → 厂商写法的代码与它的事实。"""
    if not isinstance(body, dict):
        raise EntryError("最外层应为对象，证券代码作键。")
    found: dict[str, Facts] = {}
    for code, entry in body.items():
        security = security_named(code)
        if scope_of(security) is None:
            raise EntryError(f"{code}：模拟柜台不交易这个品种（{security.kind.value}）。")
        if security.stock_code in found:
            raise EntryError(f"{security.stock_code} 出现了两次。")
        found[security.stock_code] = _facts(security.stock_code, entry)
    return found


def _facts(code: str, entry: object) -> Facts:
    facts = Facts(**fields_of(code, entry, _READERS, '{"listed": "2026-11-16"}'))
    if facts.coupon is not None and scope_of(security_named(code)) is not Scope.BOND:
        raise EntryError(f"{code} 不是净价交易的债券，没有 coupon。")
    if facts.listed and facts.delisted and facts.delisted <= facts.listed:
        raise EntryError(f"{code} 的 delisted 不在 listed 之后。")
    return facts


def _date(value: object) -> date:
    return date.fromordinal(day_of(value))


def _periods(value: object) -> tuple[Period, ...]:
    if not isinstance(value, list):
        raise EntryError(_PERIODS)
    return tuple(_period(item) for item in value)


def _period(item: object) -> Period:
    if not isinstance(item, list) or len(item) != 2:
        raise EntryError(_PERIODS)
    start, end = _date(item[0]), None if item[1] is None else _date(item[1])
    if end is not None and end < start:
        raise EntryError("末日在首日之前。")
    return Period(start, end)


def _coupon(value: object) -> Coupon:
    found = fields_of("coupon", value, _COUPON_READERS, _COUPON)
    if not {"rate", "starts"} <= found.keys():
        raise EntryError(f"coupon 要有 rate（年利率，%）与 starts（起息日），如 {_COUPON}。")
    return Coupon(found["rate"] // 100, found["starts"], found.get("per_year", 1))


def _per_year(value: object) -> int:
    if value not in (1, 2, 4) or isinstance(value, bool):
        raise EntryError("应为 1、2 或 4：一年付几次息。")
    return int(str(value))


def _rounding(value: object) -> Rounding:
    found = {"half_up": Rounding.HALF_UP, "inward": Rounding.INWARD}.get(str(value))
    if found is None:
        raise EntryError('应为 "half_up"（四舍五入）或 "inward"（上限截断、下限进位）。')
    return found


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise EntryError("应为 true 或 false。")
    return value


def _tick(value: object) -> int:
    li = value * 1000 if isinstance(value, Decimal) else None
    if li not in (1, 5, 10):
        raise EntryError("应为 0.001、0.005 或 0.01。")
    return int(li)


def _choices(body: object) -> Choices:
    found = fields_of(RULES_NAME, body, _CHOICE_READERS, '{"bse_cage": "inward"}')
    if "sz_repo_tick" in found:
        found["sz_repo_tick_li"] = found.pop("sz_repo_tick")
    return Choices(**found)


_CHOICE_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "bse_cage": _rounding,
    "convertible_first_call": _switch,
    "sz_bonds_late": _switch,
    "bse_after_hours": _date,
    "bse_protected": _switch,
    "no_limit_calls": _switch,
    "sz_repo_tick": _tick,
}
_COUPON: Final = '{"rate": 2.5, "starts": "2024-05-16", "per_year": 1}'
_COUPON_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "rate": micro(50, 4),
    "starts": _date,
    "per_year": _per_year,
}
_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "listed": _date,
    "delisted": _date,
    "risk_warning": _periods,
    "delisting_period": _periods,
    "suspended": _periods,
    "wide_band": _date,
    "same_day_sale": _date,
    "coupon": _coupon,
}
