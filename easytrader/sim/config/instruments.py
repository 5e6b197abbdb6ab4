"""模拟文件夹里的 ``instruments.json``：代码看不出来的事，由使用者按日期写明。

没有这个文件就都是普通证券。写错了抛 `SimulatorError`，说出哪一只、哪一项、应当怎么写；
不会悄悄跳过。进程启动时读一次。
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError
from easytrader.sim.config.files import EntryError, day_of, fields_of, load, security_named
from easytrader.sim.config.ipo import FILE_NAME as ISSUES_NAME
from easytrader.sim.config.ipo import listings_of, load_issues
from easytrader.sim.rules import scope_of
from easytrader.sim.rules.facts import ORDINARY, Facts, Period

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "instruments.json"
_PERIODS: Final = "应为若干段 [首日, 末日]，两头都算，末日可以是 null（至今），如 [[首日, null]]。"


def load_instruments(folder: Path) -> dict[str, Facts]:
    """读 ``folder`` 里的清单；没有文件为空；有一项写得不对抛 `SimulatorError`。"""
    return load(folder, FILE_NAME, _parse) or {}


def load_facts(folder: Path) -> dict[str, Facts]:
    """清单里的，加上 ``ipo.json`` 里各只新股的上市日。

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


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "listed": _date,
    "delisted": _date,
    "risk_warning": _periods,
    "delisting_period": _periods,
    "suspended": _periods,
    "wide_band": _date,
    "same_day_sale": _date,
}
