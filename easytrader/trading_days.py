"""交易日历：某一天沪深北是否开市。三家交易所用同一份日历，没有半日市。

数据来自 exchange_calendars 的 XSHG（4.13.2 的最后一个交易日是 2026-12-31；此后没有公开的权威
数据，回答「不知道」而不是猜）。它会带进 pandas，所以用到时才导入，逐日结果记住。

交易所公布了新一年的休市安排、或临时改了某一天，写进改正文件就行，不必等它升级：
`override_path` 说它在哪里，`_Override` 说怎么写。写错了，整份日历都答「不知道」，
`explain` 说出错在哪里：宁可不开市，也不按一份读不懂的日历开市。
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from easytrader.records.paths import home

__all__ = [
    "FILE_NAME",
    "coverage",
    "explain",
    "is_trading_day",
    "last_trading_day",
    "override_path",
    "reload",
    "trouble",
]

FILE_NAME: Final = "trading_days.json"
PATH_VARIABLE: Final = "EASYTRADER_TRADING_DAYS"
_KEYS: Final = ("source", "as_of", "covers", "closed", "open")
_SATURDAY: Final = 5
_YEAR_END: Final = timedelta(days=5)
_DATE: Final = "应为 2027-01-04 这样的日期"


class _BadOverrideError(Exception):
    """内部用：改正文件写得不对。"""


@dataclass(frozen=True, slots=True)
class _Override:
    """改正文件。

    Attributes:
        covers: 这一段由本文件说了算：周一至周五开市，除了 ``closed`` 里的；要接着内置的日历。
        closed: 休市的日子。
        opened: 开市的日子。
    """

    covers: tuple[date, date] | None = None
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()


def override_path() -> Path:
    """改正文件在哪里：环境变量 ``EASYTRADER_TRADING_DAYS``，否则在用户数据目录下。"""
    told = os.environ.get(PATH_VARIABLE, "").strip()
    return Path(told).expanduser().absolute() if told else home() / FILE_NAME


@lru_cache(maxsize=1)
def _built_in() -> frozenset[date] | None:
    """内置的全部交易日；没有装 exchange_calendars 时为 None。"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 它内部触发的 pandas 弃用警告，与使用者无关
        try:
            import exchange_calendars
        except ImportError:
            return None
        calendar = exchange_calendars.get_calendar("XSHG")
    return frozenset(session.date() for session in calendar.sessions)


@lru_cache(maxsize=1)
def _calendar() -> tuple[tuple[date, date] | None, frozenset[date], str]:
    """覆盖的首日与末日（None 为没有日历）、其中的交易日、改正文件的毛病（没有为空）。"""
    days = _built_in() or frozenset()
    known = (min(days), max(days)) if days else None
    try:
        override = _read(override_path())
        if override is None:
            return known, days, ""
        known = _stretched(known, override.covers)
        _inside(known, override)
    except _BadOverrideError as exc:
        return None, frozenset(), f"{override_path()} 写得不对：{exc}"
    if override.covers is not None:
        days = days - _span(override.covers) | frozenset(
            day for day in _span(override.covers) if day.weekday() < _SATURDAY
        )
    days = (days - override.closed) | override.opened
    return known, days, ""


def _read(path: Path) -> _Override | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if os.environ.get(PATH_VARIABLE, "").strip():
            raise _BadOverrideError(f"{PATH_VARIABLE} 指的文件不存在") from None
        return None
    except (OSError, UnicodeError) as exc:
        raise _BadOverrideError(f"读不出来（{exc}）") from exc
    try:
        body = json.loads(text)
    except ValueError as exc:
        raise _BadOverrideError(f"不是合法的 JSON（{exc}）") from exc
    if not isinstance(body, dict) or not set(body) <= set(_KEYS):
        raise _BadOverrideError(f"最外层应为对象，只能有 {' '.join(_KEYS)}")
    return _parsed(body)


def _parsed(body: dict[str, Any]) -> _Override:
    for name in ("source", "as_of"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise _BadOverrideError(f"要有 {name}：出处（文号）与发布日期")
    _date("as_of", body["as_of"])
    covers = body.get("covers")
    closed, opened = (_days(name, body.get(name, [])) for name in ("closed", "open"))
    if closed & opened:
        raise _BadOverrideError(f"{min(closed & opened)} 既在 closed 又在 open 里")
    return _Override(None if covers is None else _pair("covers", covers), closed, opened)


def _date(name: str, value: object) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2027-01-04"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _BadOverrideError(f"{name} 里的 {value!r} {_DATE}")


def _pair(name: str, value: object) -> tuple[date, date]:
    if not isinstance(value, list) or len(value) != 2:
        raise _BadOverrideError(f"{name} 里的 {value!r} 应为 [首日, 末日]")
    first, last = (_date(name, each) for each in value)
    if not first <= last <= first + timedelta(days=3660):
        raise _BadOverrideError(f"{name} 里的 {value!r} 应为首日在前的 [首日, 末日]，十年以内")
    return first, last


def _days(name: str, value: object) -> frozenset[date]:
    """一串日子，每项是一天或者 [首日, 末日]。"""
    if not isinstance(value, list):
        raise _BadOverrideError(f"{name} 应为一串日子")
    found: set[date] = set()
    for each in value:
        if isinstance(each, list):
            found |= _span(_pair(name, each))
        else:
            found.add(_date(name, each))
    return frozenset(found)


def _span(ends: tuple[date, date]) -> frozenset[date]:
    first, last = ends
    return frozenset(first + timedelta(days=n) for n in range((last - first).days + 1))


def _stretched(
    known: tuple[date, date] | None, covers: tuple[date, date] | None
) -> tuple[date, date] | None:
    """两段合成一段。内置的末日是最后一个交易日，到新的首日之间至多隔着周末与元旦。"""
    if known is None or covers is None:
        return known or covers
    first, last = covers
    if first > known[1] + _YEAR_END or last < known[0] - _YEAR_END:
        raise _BadOverrideError(f"covers 要接着内置的日历（{known[0]} 到 {known[1]}）")
    return min(known[0], first), max(known[1], last)


def _inside(known: tuple[date, date] | None, override: _Override) -> None:
    for day in sorted(override.closed | override.opened):
        if known is None or not known[0] <= day <= known[1]:
            raise _BadOverrideError(f"{day} 在日历覆盖之外，要先用 covers 覆盖到它")


def coverage() -> tuple[date, date] | None:
    """日历知道的首日与末日；没有日历数据（或改正文件写错）时为 None。"""
    return _calendar()[0]


def trouble() -> str:
    """改正文件哪里写错了；没有这个文件、没有写错为空。"""
    found = _calendar()[2]
    return f"交易日历的改正文件 {found}" if found else ""


def explain(day: date) -> str:
    """为什么不知道这一天是否开市；知道的为空。"""
    known = coverage()
    if wrong := trouble():
        return wrong
    if known is None:
        return "交易日历没有安装（pip install exchange_calendars）"
    if known[0] <= day <= known[1]:
        return ""
    if day < known[0]:
        return f"交易日历从 {known[0]} 开始，不知道 {day} 是否开市"
    return (
        f"交易日历只到 {known[1]}，不知道 {day} 是否开市；"
        f"升级 exchange_calendars，或把交易所公布的休市安排写进 {override_path()}"
    )


@lru_cache(maxsize=4096)
def is_trading_day(day: date) -> bool | None:
    """这一天是否交易日。

    Args:
        day: 上海时间的日期。

    Returns:
        True / False；超出日历覆盖的范围、或没有日历数据时为 None（不知道）。
    """
    known, days, _ = _calendar()
    if known is None or not known[0] <= day <= known[1]:
        return None
    return day in days


@lru_cache(maxsize=4096)
def last_trading_day(day: date) -> date | None:
    """``day`` 当天或之前最近的、日历知道的交易日；没有则为 None。"""
    known = coverage()
    if known is None or day < known[0]:
        return None
    found = min(day, known[1])
    while not is_trading_day(found):
        found -= timedelta(days=1)
        if found < known[0]:
            return None
    return found


@lru_cache(maxsize=4096)
def next_trading_day(day: date) -> date | None:
    """``day`` 之后最近的、日历知道的交易日；超出覆盖为 None。"""
    known = coverage()
    found = day + timedelta(days=1)
    while known is not None and found <= known[1]:
        if is_trading_day(found):
            return found
        found += timedelta(days=1)
    return None


def reload() -> None:
    """改正文件改过之后重新读；平常一个进程只读一次。"""
    for cached in (_calendar, is_trading_day, last_trading_day, next_trading_day):
        cached.cache_clear()
