"""行情用的日历：一天里哪几段在交易，历史有哪些交易日，时刻怎么写。时间一律是上海时间。"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import BEIJING, day_of, midnight, stamp
from easytrader.errors import SimulatorError
from easytrader.market import calendar
from easytrader.sim.exchange.hours import AlwaysOpen

if TYPE_CHECKING:
    from easytrader.sim.exchange.hours import MarketHours


HISTORY_DAYS: Final = 3_660
"""日线往回有多少个日历日：十年多。"""
MINUTE_DAYS: Final = 740
"""分钟线、分笔往回有多少个日历日：两年多。"""

_SOME_DAY: Final = date(2020, 6, 1).toordinal()
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
        self._patterns: dict[bool, tuple[tuple[int, int], ...]] = {}
        self._known: tuple[int, ...] = ()

    def day(self, ts: float) -> int:
        """``ts`` 所属的交易日。"""
        return self._hours.day(ts)

    def segments(self, day: int, late: bool = False) -> tuple[tuple[int, int], ...]:
        """这一天连续交易的各段 ``(起, 止)``，Unix 秒；没有午休。``late``：连续到 15:30 的。"""
        start = midnight(day)
        return tuple((start + a, start + b) for a, b in self.pattern(late))

    def pattern(self, late: bool = False) -> tuple[tuple[int, int], ...]:
        """连续交易的各段，零点起的秒；所有交易日都一样。"""
        if late not in self._patterns:
            self._patterns[late] = self._learn(midnight(_SOME_DAY), late)
        return self._patterns[late]

    def days(self, now: float, first: float | None = None, last: float | None = None) -> list[int]:
        """``first`` 到 ``last`` 之间、历史范围之内的交易日，由近到远。"""
        history = self._history(self._hours.day(now))
        start = 0 if first is None else bisect_left(history, day_of(first))
        stop = len(history) if last is None else bisect_right(history, day_of(last))
        return list(reversed(history[start:stop]))

    def holidays(self, now: float) -> list[int]:
        """周一到周五而不开市的日子，YYYYMMDD，由早到晚：历史里的，和已经公布的。

        厂商的日历要求它不为空、末一个不早于今年：缺了就添一个元旦；天天开市的添明年的。
        """
        today = self._hours.day(now)
        year = date.fromordinal(today).year
        known = calendar.coverage()
        always = isinstance(self._hours, AlwaysOpen)
        found: list[int] = []
        if known is not None and not always:
            first = max(today - HISTORY_DAYS, known[0].toordinal())
            days = map(date.fromordinal, range(first, known[1].toordinal() + 1))
            found = [
                int(f"{day:%Y%m%d}")
                for day in days
                if day.weekday() < 5 and calendar.is_trading_day(day) is False
            ]
        if not found or found[-1] // 10_000 < year:
            found.append((year + always) * 10_000 + 101)
        return found

    def coming(self, now: float, count: int = 250) -> list[int]:
        """今天之后的交易日，由早到晚。"""
        day, found = self._hours.day(now), []
        for _ in range(count):
            day = self._hours.following(day)
            found.append(day)
        return found

    def _history(self, today: int) -> tuple[int, ...]:
        """到 ``today`` 为止的交易日，由早到晚。"""
        if self._known[-1:] != (today,):
            found = [today]
            oldest = today - HISTORY_DAYS
            known = calendar.coverage()
            if known is not None and not isinstance(self._hours, AlwaysOpen):
                oldest = max(oldest, known[0].toordinal())
            while (day := self._hours.previous(found[-1])) >= oldest:
                found.append(day)
            self._known = tuple(reversed(found))
        return self._known

    def _learn(self, start: int, late: bool) -> tuple[tuple[int, int], ...]:
        """一分钟一分钟地问哪几段开着，问一天就够了。"""
        found: list[tuple[int, int]] = []
        for second in range(0, _DAY_S, _MINUTE_S):
            if not self._hours.is_open(start + second, late=late):
                continue
            if found and found[-1][1] == second:
                found[-1] = (found[-1][0], second + _MINUTE_S)
            else:
                found.append((second, second + _MINUTE_S))
        if not found:
            raise SimulatorError(f"{stamp(start, '%Y-%m-%d')} 没有交易时段，算不出行情。")
        return tuple(found)
