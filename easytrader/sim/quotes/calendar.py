"""行情用的日历：一天里哪几段在交易，历史有哪些交易日，时刻怎么写。时间一律是上海时间。"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import BEIJING, midnight, stamp
from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from easytrader.sim.exchange.hours import MarketHours


HISTORY_DAYS: Final = 500
"""模拟行情的历史有多少个交易日（含今天）。"""

_DAY_S: Final = 86400
_MINUTE_S: Final = 60
_FORMS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def moment(text: Any, *, last: bool) -> float | None:
    """厂商接口的时间参数 → Unix 秒；空为 None。只有日期时，``last`` 取那一天的最后一刻。

    Raises:
        SimulatorError: 看不懂。
    """
    if text in ("", None) or (isinstance(text, int) and text <= 0):
        return None
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text) / 1000
    form = _FORMS.get(len(text)) if isinstance(text, str) else None
    try:
        if form is None:
            raise ValueError
        at = datetime.strptime(text, form).replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise SimulatorError(f"时间 {text!r} 看不懂：写成 20261121 或 20261121093000") from None
    return at + _DAY_S - 0.001 if last and len(text) == 8 else at


class Calendar:
    """一种开市时间的日历。"""

    def __init__(self, hours: MarketHours) -> None:
        self._hours = hours
        self._pattern: tuple[tuple[int, int], ...] = ()

    def day(self, ts: float) -> int:
        """``ts`` 所属的交易日。"""
        return self._hours.day(ts)

    def segments(self, day: int) -> tuple[tuple[int, int], ...]:
        """这一天连续交易的各段 ``(起, 止)``，Unix 秒；午休不在其中。"""
        start = midnight(day)
        if not self._pattern:
            self._pattern = self._learn(start)
        return tuple((start + a, start + b) for a, b in self._pattern)

    def days(self, now: float, first: float | None = None, last: float | None = None) -> list[int]:
        """``first`` 到 ``last`` 之间、历史范围之内的交易日，由近到远。"""
        day = self._hours.day(now if last is None else min(last, now))
        oldest = self.oldest(now)
        floor = oldest if first is None else max(oldest, self._hours.day(first))
        found = []
        while day >= floor:
            if first is None or midnight(day) + _DAY_S > first:
                found.append(day)
            day = self._hours.previous(day)
        return found

    def holidays(self, now: float) -> list[int]:
        """历史范围之内、周一到周五而不开市的日子，YYYYMMDD。"""
        first, last = self.oldest(now), self._hours.day(now)
        return [
            int(f"{day:%Y%m%d}")
            for day in map(date.fromordinal, range(first, last + 1))
            if day.weekday() < 5 and self._hours.day(midnight(day.toordinal())) != day.toordinal()
        ]

    def oldest(self, now: float) -> int:
        """历史的第一个交易日。"""
        day = self._hours.day(now)
        for _ in range(HISTORY_DAYS - 1):
            day = self._hours.previous(day)
        return day

    def _learn(self, start: int) -> tuple[tuple[int, int], ...]:
        """一分钟一分钟地问哪几段开着；所有交易日都一样，问一天就够了。"""
        found: list[tuple[int, int]] = []
        for second in range(0, _DAY_S, _MINUTE_S):
            if not self._hours.is_open(start + second):
                continue
            if found and found[-1][1] == second:
                found[-1] = (found[-1][0], second + _MINUTE_S)
            else:
                found.append((second, second + _MINUTE_S))
        if not found:
            raise SimulatorError(f"{stamp(start, '%Y-%m-%d')} 没有交易时段，算不出行情。")
        return tuple(found)
