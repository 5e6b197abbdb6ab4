"""行情文件与设置里的时刻 → Unix 秒。"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from easytrader.basics.beijing import BEIJING, midnight

__all__ = ["moment", "seconds_of"]

_MS_DIGITS: Final = 13
_TEXT_DIGITS: Final = 14


def moment(text: str) -> float:
    """``YYYY-MM-DD HH:MM[:SS]`` → Unix 秒；写错了抛 ValueError。"""
    found = datetime.fromisoformat(text.strip())
    if found.tzinfo is None:
        found = found.replace(tzinfo=BEIJING)
    return found.timestamp()


def seconds_of(value: object) -> int:
    """厂商的时间（毫秒，或 ``YYYYMMDDHHMMSS``）→ Unix 秒，不足一秒的进上去；不对抛 ValueError。"""
    text = str(value).strip()
    if len(text) == _TEXT_DIGITS and text.isdecimal():
        return _day_of(text[:8]) + _clock_of(text[8:])
    milliseconds = int(text) if text.isdecimal() else int(float(text))
    if len(str(milliseconds)) != _MS_DIGITS:
        raise ValueError(text)
    return -(-milliseconds // 1000)


@lru_cache(maxsize=1024)
def _day_of(text: str) -> int:
    return midnight(date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal())


@lru_cache(maxsize=20_000)
def _clock_of(text: str) -> int:
    hour, minute, second = int(text[:2]), int(text[2:4]), int(text[4:])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    return hour * 3600 + minute * 60 + second
