"""交易日历：某一天沪深北是否开市。三家交易所用同一份日历，没有半日市。

数据来自 exchange_calendars 的 XSHG（4.13.2 的最后一个交易日是 2026-12-31；此后没有公开的权威
数据，回答「不知道」而不是猜）。它会带进 pandas，所以用到时才导入，逐日结果记住。
"""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from functools import lru_cache

__all__ = ["coverage", "is_trading_day", "last_trading_day"]


@lru_cache(maxsize=1)
def _sessions() -> frozenset[int] | None:
    """全部交易日的序数；没有装 exchange_calendars 时为 None。"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 它内部触发的 pandas 弃用警告，与使用者无关
        try:
            import exchange_calendars
        except ImportError:
            return None
        calendar = exchange_calendars.get_calendar("XSHG")
    return frozenset(session.date().toordinal() for session in calendar.sessions)


@lru_cache(maxsize=1)
def coverage() -> tuple[date, date] | None:
    """日历知道的第一个与最后一个交易日；没有日历数据时为 None。"""
    sessions = _sessions()
    if not sessions:
        return None
    return date.fromordinal(min(sessions)), date.fromordinal(max(sessions))


@lru_cache(maxsize=4096)
def is_trading_day(day: date) -> bool | None:
    """这一天是否交易日。

    Args:
        day: 上海时间的日期。

    Returns:
        True / False；超出日历覆盖的范围、或没有日历数据时为 None（不知道）。
    """
    known, sessions = coverage(), _sessions()
    if known is None or sessions is None or not known[0] <= day <= known[1]:
        return None
    return day.toordinal() in sessions


@lru_cache(maxsize=4096)
def last_trading_day(day: date) -> date | None:
    """``day`` 当天或之前最近的、日历知道的交易日；没有则为 None。"""
    known = coverage()
    if known is None or day < known[0]:
        return None
    found = min(day, known[1])
    while not is_trading_day(found):
        found -= timedelta(days=1)
    return found
