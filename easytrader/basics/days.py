"""一天从几点算起：委托编号、成交编号只在当天唯一，哪一天由后端的市场定。"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from easytrader.basics.beijing import BEIJING


@dataclass(frozen=True)
class DayBoundary:
    """怎样把一个时刻归到一天。

    Args:
        tz: 按哪里的时间。
        begins: 前一天几点起就算这一天：0 为零点，20 为前一晚八点（国内期货的夜盘）。
        weekends: 周末单独算一天；为假时并到下一个周一（周五的夜盘是周一的）。

    国内期货是 ``DayBoundary(begins=20, weekends=False)``，
    加密货币是 ``DayBoundary(timezone.utc)``。
    """

    tz: tzinfo = BEIJING
    begins: int = 0
    weekends: bool = True

    def day_of(self, epoch_s: float) -> int:
        """Unix 秒 → 那一天的公历序数（``date.toordinal()``）。"""
        moment = datetime.fromtimestamp(epoch_s, self.tz)
        day = (moment + self._ahead if self.begins else moment).toordinal()
        if not self.weekends:
            day += (0, 0, 0, 0, 0, 2, 1)[(day - 1) % 7]  # 序数 1 是周一
        return day

    def text(self, epoch_s: float) -> str:
        """Unix 秒 → 那一天，如 ``2026-11-30``。"""
        return date.fromordinal(self.day_of(epoch_s)).isoformat()

    def began(self, epoch_s: float) -> float:
        """这个时刻所在的那一天从何时开始，Unix 秒。"""
        day = date.fromordinal(self.day_of(epoch_s))
        if not self.weekends and day.weekday() == 0:
            day -= timedelta(days=2)
        return (datetime.combine(day, time(), self.tz) - self._ahead).timestamp()

    @property
    def _ahead(self) -> timedelta:
        return timedelta(hours=-self.begins % 24)


A_SHARES: Final = DayBoundary()
"""北京时间的日历日。"""
