"""行情文件里的时刻 → Unix 秒；行情的周期与数量单位。"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from easytrader.basics.beijing import midnight

__all__ = ["PERIODS", "VOLUME_UNITS", "seconds_of"]

_MS_DIGITS: Final = 13
_TEXT_DIGITS: Final = 14


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


PERIODS: Final = {"tick": 0, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
"""周期 → 一根线多少秒；快照是 0。"""

VOLUME_UNITS: Final = ("hand", "share")
"""手（厂商的样子），股（张）。"""
