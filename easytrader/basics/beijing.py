"""北京时间：东八区，1991 年后没有夏令时。日子用公历序数（``date.toordinal()``）表示。"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

OFFSET_S: Final = 8 * 3600
BEIJING: Final = timezone(timedelta(seconds=OFFSET_S))
_DAY_S: Final = 86400
_EPOCH: Final = date(1970, 1, 1).toordinal()


def day_of(epoch_s: float) -> int:
    """Unix 秒 → 那一天的序数。"""
    return int((epoch_s + OFFSET_S) // _DAY_S) + _EPOCH


def beijing_day(epoch_s: float) -> date:
    """Unix 秒 → 那一天。"""
    return date.fromordinal(day_of(epoch_s))


def midnight(day: int) -> int:
    """序数 → 那一天零点，Unix 秒。"""
    return (day - _EPOCH) * _DAY_S - OFFSET_S


def stamp(epoch_s: float, form: str = "%Y%m%d%H%M%S") -> str:
    """Unix 秒 → 文字。"""
    return datetime.fromtimestamp(epoch_s, BEIJING).strftime(form)


def moment(text: str) -> float:
    """``YYYY-MM-DD HH:MM[:SS]`` → Unix 秒；写错了抛 ValueError。"""
    found = datetime.fromisoformat(text.strip())
    if found.tzinfo is None:
        found = found.replace(tzinfo=BEIJING)
    return found.timestamp()


def beijing_now() -> datetime:
    """现在。"""
    return datetime.now(BEIJING)
