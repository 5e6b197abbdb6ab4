"""时间从哪里来：真实时钟，和测试里一步一步走的手动时钟。"""

from __future__ import annotations

import math
import time
from typing import Protocol

from easytrader.basics.beijing import moment
from easytrader.errors import UsageError


class Clock(Protocol):
    """给出现在的 Unix 秒。"""

    def now(self) -> float:
        """现在，Unix 秒。"""
        ...

    def resume(self, seen: float) -> None:
        """账本上一次走到了 ``seen``。"""
        ...


class WallClock:
    """本机的真实时间。"""

    def now(self) -> float:
        """现在，Unix 秒。"""
        return time.time()

    def resume(self, seen: float) -> None:
        """真实时间不归账本管。"""


class ManualClock:
    """只有人推才走的时钟，用于测试与单步。"""

    def __init__(self, start: float) -> None:
        self._now = float(start)

    def now(self) -> float:
        """现在，Unix 秒。"""
        return self._now

    def advance(self, seconds: float) -> None:
        """往前走 ``seconds`` 秒。"""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise UsageError("seconds", seconds, "应为不小于 0 的秒数。")
        self._now += seconds

    def set(self, now: float) -> None:
        """拨到 ``now``（Unix 秒）；可以往回拨，柜台自己会拒绝倒流。"""
        self._now = float(now)

    def resume(self, seen: float) -> None:
        """测试自己说了算。"""


class StepClock(ManualClock):
    """文件夹 ``clock=step`` 的时钟：从设置的那一刻开始，重新打开时接着账本走到的地方。"""

    def resume(self, seen: float) -> None:
        """接着走。"""
        self.set(max(self.now(), seen))


class ShiftedClock:
    """在另一个时钟上拨快或拨慢若干秒，故障 ``clock_jump`` 用。"""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._now = base.now
        self.offset_s = 0.0

    def now(self) -> float:
        """现在，Unix 秒。"""
        return self._now() + self.offset_s

    def resume(self, seen: float) -> None:
        """交给下面那个。"""
        self._base.resume(seen)


def clock_for(clock: str, start: str) -> Clock:
    """配置里的 ``clock`` 与 ``start`` → 时间来源。"""
    return StepClock(moment(start)) if clock == "step" else WallClock()
