"""模拟文件夹里的 ``instruments.json``：代码看不出来的事，由使用者按日期写明。

没有这个文件就都是普通证券。写错了抛 `SimulatorError`，说出哪一只、哪一项、应当怎么写；
不会悄悄跳过。进程启动时读一次。
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.rules import scope_of
from easytrader.sim.rules.facts import ORDINARY, Facts, Period
from easytrader.sim.subscribe.issues import FILE_NAME as ISSUES_NAME
from easytrader.sim.subscribe.issues import listings_of, load_issues
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FILE_NAME", "load_facts", "load_instruments", "parse_instruments"]

FILE_NAME: Final = "instruments.json"
_DATE: Final = "应为 2026-11-20 这样的日期。"
_FIRST_YEAR: Final = 1990  # 两个交易所开市的那一年
_PERIODS: Final = "应为若干段 [首日, 末日]，两头都算，末日可以是 null（至今），如 [[首日, null]]。"


class _BadEntryError(Exception):
    """内部用：值不对，正确的写法。"""


def load_instruments(folder: Path) -> dict[str, Facts]:
    """读 ``folder`` 里的清单；没有文件为空。

    Raises:
        SimulatorError: 读不懂，或有一项写得不对。
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as exc:
        raise SimulatorError(f"{path} 读不出来：{exc}") from exc
    try:
        return parse_instruments(text)
    except _BadEntryError as exc:
        raise SimulatorError(f"{path} 写得不对：{exc}") from exc


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


def parse_instruments(text: str) -> dict[str, Facts]:
    """清单的文字 → 厂商写法的代码与它的事实。"""
    try:
        body = json.loads(text, object_pairs_hook=_no_twins)
    except ValueError as exc:
        raise _BadEntryError(f"不是合法的 JSON：{exc}") from exc
    if not isinstance(body, dict):
        raise _BadEntryError("最外层应为对象，证券代码作键。")
    found: dict[str, Facts] = {}
    for code, entry in body.items():
        stock_code = _code(code)
        if stock_code in found:
            raise _BadEntryError(f"{stock_code} 出现了两次。")
        found[stock_code] = _facts(stock_code, entry)
    return found


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _BadEntryError(f"{key} 出现了两次。")
        found[key] = value
    return found


def _code(code: str) -> str:
    try:
        security = parse_security(code)
    except UsageError as exc:
        raise _BadEntryError(f"证券代码 {code!r}。{exc.expected}") from None
    if scope_of(security) is None:
        raise _BadEntryError(f"{code}：模拟柜台不交易这个品种（{security.kind.value}）。")
    return security.stock_code


def _facts(code: str, entry: object) -> Facts:
    if not isinstance(entry, dict):
        raise _BadEntryError(f'{code} 应为对象，如 {{"listed": "2026-11-16"}}。')
    values: dict[str, Any] = {}
    for key, value in entry.items():
        read = _READERS.get(key)
        if read is None:
            raise _BadEntryError(f"{code} 没有 {key!r} 这一项；有：{' '.join(_READERS)}。")
        try:
            values[key] = read(value)
        except _BadEntryError as exc:
            raise _BadEntryError(f"{code} 的 {key}：{value!r}。{exc}") from None
    facts = Facts(**values)
    if facts.listed and facts.delisted and facts.delisted <= facts.listed:
        raise _BadEntryError(f"{code} 的 delisted 不在 listed 之后。")
    return facts


def _date(value: object) -> date:
    if not isinstance(value, str) or len(value) != 10:
        raise _BadEntryError(_DATE)
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise _BadEntryError(_DATE) from None
    if found.year < _FIRST_YEAR:
        raise _BadEntryError(f"应为 {_FIRST_YEAR} 年以后的日期。")
    return found


def _periods(value: object) -> tuple[Period, ...]:
    if not isinstance(value, list):
        raise _BadEntryError(_PERIODS)
    return tuple(_period(item) for item in value)


def _period(item: object) -> Period:
    if not isinstance(item, list) or len(item) != 2:
        raise _BadEntryError(_PERIODS)
    start, end = _date(item[0]), None if item[1] is None else _date(item[1])
    if end is not None and end < start:
        raise _BadEntryError("末日在首日之前。")
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
