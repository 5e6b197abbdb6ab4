"""交易日历：某一天沪深北是否开市。三家交易所用同一份日历，没有半日市。

休市的周一至周五记在同目录的 ``closed_weekdays.json`` 里，有出处，有到哪天为止；过了那天，
先看连着的客户端自己的日历（`learn`），再没有就回答「不知道」而不是猜。

交易所公布了新一年的休市安排、或临时改了某一天，写进改正文件就行，不必等新版本：
`override_path` 说它在哪里，`_Table` 说怎么写，格式与内置的表一样。写错了，整份日历都答「不知道」，
`explain` 说出错在哪里：宁可不开市，也不按一份读不懂的日历开市。
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.paths import home

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FILE_NAME", "coverage", "ending", "explain", "is_trading_day", "last_trading_day", "learn",
    "next_trading_day", "override_path", "reload", "remedy", "trouble",
]  # fmt: skip

FILE_NAME: Final = "trading_days.json"
PATH_VARIABLE: Final = "EASYTRADER_TRADING_DAYS"
SOON: Final = timedelta(days=60)
"""还剩这么多天就提醒。"""
_KEYS: Final = ("source", "as_of", "covers", "closed", "open")
_SATURDAY: Final = 5
_YEAR_END: Final = timedelta(days=5)
_LONGEST_BREAK: Final = 60
_CLOSURES: Final = range(10, 31)
"""一年里休市的周一至周五有多少天；差得太远的一年不能信。"""
_DATE: Final = "应为 2027-01-04 这样的日期"
_Span = tuple[date, date]


class _BadOverrideError(Exception):
    """内部用：改正文件写得不对。"""


@dataclass(frozen=True, slots=True)
class _Table:
    """内置的表、改正文件，或它们合成的日历。

    Attributes:
        covers: 这一段由它说了算：周一至周五开市，除了 ``closed`` 里的；改正文件的要接着内置的。
        closed: 休市的日子。
        opened: 开市的日子。
        wrong: 改正文件的毛病；没有为空。
    """

    covers: _Span | None = None
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    wrong: str = ""


_FIXED: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""元旦、劳动节、国庆节：国务院令第 795 号（2024），2025 年起；5 月 2 日以前不在里面。"""
_learned: _Table | None = None
"""连着的客户端说的。"""


def override_path() -> Path:
    """改正文件在哪里：环境变量 ``EASYTRADER_TRADING_DAYS``，否则在用户数据目录下。"""
    told = os.environ.get(PATH_VARIABLE, "").strip()
    if not told:
        return home() / FILE_NAME
    return Path(os.path.abspath(os.path.expanduser(told)))  # noqa: PTH100, PTH111  不认识的 ~ 也不抛


@lru_cache(maxsize=1)
def _built_in() -> _Table:
    text = (files("easytrader.market") / "closed_weekdays.json").read_text(encoding="utf-8")
    return _parsed(json.loads(text))


@lru_cache(maxsize=1)
def _calendar() -> _Table:
    known = _built_in()
    if _learned is not None:
        known = _merged(known, _learned)
    try:
        override = _read(override_path())
        return known if override is None else _merged(known, override)
    except _BadOverrideError as exc:
        return _Table(wrong=f"{override_path()} 写得不对：{exc}")


def _merged(known: _Table, over: _Table) -> _Table:
    """``over`` 盖在 ``known`` 上面。"""
    assert known.covers is not None
    start, end = known.covers
    closed, opened = known.closed, known.opened
    if over.covers is not None:
        first, last = over.covers
        if first > end + _YEAR_END or last < start - _YEAR_END:
            raise _BadOverrideError(f"covers 要接着内置的日历（{start} 到 {end}）")
        closed, opened = (
            frozenset(day for day in days if not first <= day <= last) for days in (closed, opened)
        )
        # 两段之间至多隔着周末与元旦，都不开市
        closed |= _between(end, first) | _between(last, start)
        start, end = min(start, first), max(end, last)
    for day in sorted(over.closed | over.opened):
        if not start <= day <= end:
            raise _BadOverrideError(f"{day} 在日历覆盖之外，要先用 covers 覆盖到它")
    closed, opened = (closed | over.closed) - over.opened, (opened - over.closed) | over.opened
    return _Table((start, end), closed, opened)


def _between(last: date, first: date) -> frozenset[date]:
    """两天之间的日子，不含两头。"""
    return _span((last + timedelta(days=1), first - timedelta(days=1)))


def _read(path: Path) -> _Table | None:
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


def _parsed(body: dict[str, Any]) -> _Table:
    for name in ("source", "as_of"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise _BadOverrideError(f"要有 {name}：出处（文号）与发布日期")
    _date("as_of", body["as_of"])
    covers = body.get("covers")
    closed, opened = (_days(name, body.get(name, [])) for name in ("closed", "open"))
    if closed & opened:
        raise _BadOverrideError(f"{min(closed & opened)} 既在 closed 又在 open 里")
    return _Table(None if covers is None else _pair("covers", covers), closed, opened)


def _date(name: str, value: object) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2027-01-04"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _BadOverrideError(f"{name} 里的 {value!r} {_DATE}")


def _pair(name: str, value: object) -> _Span:
    if not isinstance(value, list) or len(value) != 2:
        raise _BadOverrideError(f"{name} 里的 {value!r} 应为 [首日, 末日]")
    first, last = (_date(name, each) for each in value)
    if not first <= last <= first + timedelta(days=36600):
        raise _BadOverrideError(f"{name} 里的 {value!r} 应为首日在前的 [首日, 末日]，一百年以内")
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


def _span(ends: _Span) -> frozenset[date]:
    first, last = ends
    return frozenset(first + timedelta(days=n) for n in range((last - first).days + 1))


def coverage() -> _Span | None:
    """日历知道的首日与末日；改正文件写错时为 None。"""
    return _calendar().covers


def trouble() -> str:
    """改正文件哪里写错了；没有这个文件、没有写错为空。"""
    found = _calendar().wrong
    return f"交易日历的改正文件 {found}" if found else ""


def ending(today: date) -> date | None:
    """日历的末日，离 ``today`` 不到 `SOON` 或已经过了；还够用为 None。"""
    known = coverage()
    return known[1] if known is not None and known[1] - today < SOON else None


def remedy() -> str:
    """日历不够用时怎么办。"""
    return f"升级 easytrader，或把交易所公布的休市安排写进 {override_path()}"


def explain(day: date) -> str:
    """为什么不知道这一天是否开市；知道的为空。"""
    known = coverage()
    if known is None:
        return trouble()
    if known[0] <= day <= known[1]:
        return ""
    if day < known[0]:
        return f"交易日历从 {known[0]} 开始，不知道 {day} 是否开市"
    return f"交易日历只到 {known[1]}，不知道 {day} 是否开市；{remedy()}"


def learn(first: date, last: date, trading: Iterable[date]) -> bool:
    """记下客户端自己的日历，只在本进程里有效。内置的表与改正文件说过的，不由它改。

    Args:
        first: 它说的这一段从哪天起，要接着日历的末日。
        last: 到哪天为止。
        trading: 其中的交易日。

    Returns:
        记下了没有；没有接上、交易日落在周末、一年休市的天数不像话，都不收。
    """
    global _learned
    built = _built_in().covers
    assert built is not None
    if last <= built[1] or first > built[1] + _YEAR_END:
        return False
    span = _span((built[1] + timedelta(days=1), last))
    found = span & set(trading)
    closed = frozenset(day for day in span - found if day.weekday() < _SATURDAY)
    if any(day.weekday() >= _SATURDAY for day in found):
        return False
    for year in {day.year for day in span}:
        if sum(day.year == year for day in closed) not in _CLOSURES:
            return False
    _learned = _Table((min(span), last), closed)
    reload()
    return True


@lru_cache(maxsize=4096)
def is_trading_day(day: date, past_end: bool = False) -> bool | None:
    """这一天是否交易日。

    Args:
        day: 上海时间的日期。
        past_end: 日历的末日之后，周一至周五都算（模拟盘）；否则答不知道。

    Returns:
        True / False；超出日历覆盖的范围、或改正文件写错时为 None（不知道）。
    """
    known = _calendar()
    if known.covers is None or day < known.covers[0]:
        return None
    if day > known.covers[1]:
        return day.weekday() < _SATURDAY if past_end else None
    return day in known.opened or (day.weekday() < _SATURDAY and day not in known.closed)


def never_opens(day: date) -> bool:
    """不用等公布也知道不开市：周末，与《全国年节及纪念日放假办法》里公历的几天。"""
    return day.weekday() >= _SATURDAY or (day.month, day.day) in _FIXED


@lru_cache(maxsize=4096)
def last_trading_day(day: date, past_end: bool = False) -> date | None:
    """``day`` 当天或之前最近的、日历知道的交易日；没有则为 None。``past_end`` 同上。"""
    known = coverage()
    if known is None:
        return None
    found = day if past_end else min(day, known[1])
    while found >= known[0]:
        if is_trading_day(found, past_end):
            return found
        found -= timedelta(days=1)
    return None


@lru_cache(maxsize=4096)
def next_trading_day(day: date, past_end: bool = False) -> date | None:
    """``day`` 之后最近的、日历知道的交易日；超出覆盖为 None。``past_end`` 同上。"""
    later = (day + timedelta(days=n) for n in range(1, _LONGEST_BREAK))
    return next((each for each in later if is_trading_day(each, past_end)), None)


def reload() -> None:
    """改正文件改过之后重新读；平常一个进程只读一次。"""
    for cached in (_calendar, is_trading_day, last_trading_day, next_trading_day):
        cached.cache_clear()
