"""此刻是一天里的哪个时段，还能做多久。时间从 `basics.pace` 来：回放时是模拟的钟。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from easytrader import arguments
from easytrader.basics import pace
from easytrader.basics.beijing import day_of, midnight
from easytrader.errors import UsageError
from easytrader.market.calendar import is_trading_day
from easytrader.market.rules.phases import CONTINUOUS, EDGES, Phase, clock_phase
from easytrader.rebalance import slices

if TYPE_CHECKING:
    from easytrader.rebalance.model import Facade

CLOSE: Final = CONTINUOUS[-1][1]
"""15:00，当日零点起的秒。"""
ALWAYS_S: Final = 1800.0
"""全天开市的，没有给 ``deadline`` 就做这么久。"""


class Deadline(NamedTuple):
    """做到什么时候：``at`` 当日零点起的第几秒，``for`` 从现在起多少秒。"""

    how: Literal["at", "for"]
    seconds: float

    @classmethod
    def of(cls, value: object) -> Deadline | None:
        """``"14:56"``、秒数、None。

        Raises:
            UsageError: 写法不对。
        """
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return cls("at", slices.clock(value))
            except ValueError:
                form = '应为几点（"14:56"），或从现在起的秒数；不写是到 15:00'
                raise UsageError("deadline", value, form) from None
        return cls("for", arguments.seconds("deadline", value))


class Hours:
    """一次执行的那一天。

    Args:
        user: 交易口：它的市场是不是全天开着。
        assume_open: 当作一直开着。
    """

    def __init__(self, user: Facade, *, assume_open: bool) -> None:
        self._pace = pace.current()
        self.always = assume_open or user.capabilities.always_open
        today = day_of(self._pace.now())
        self.day = date.fromordinal(today)
        self._midnight = midnight(today)

    def clock(self, epoch_s: float) -> float:
        """那一刻是当日零点起的第几秒。"""
        return epoch_s - self._midnight

    def allowed_s(self, deadline: Deadline | None) -> float:
        """从现在起还能做多少秒。"""
        if deadline is None:
            return ALWAYS_S if self.always else self._until(CLOSE)
        return deadline.seconds if deadline.how == "for" else self._until(deadline.seconds)

    def phase(self) -> Phase:
        """哪个时段；不知道是不是交易日的当作是：今天该不该跑，由叫它的人定。"""
        if self.always:
            return Phase.CONTINUOUS
        if is_trading_day(self.day, past_end=True) is False:
            return Phase.CLOSED
        return clock_phase(self.clock(self._pace.now()))

    def change_s(self) -> float:
        """离下一个时段还有多少秒；今天没有了的是无穷。"""
        now = self.clock(self._pace.now())
        return next((edge - now for edge in EDGES if edge > now), float("inf"))

    def over_s(self) -> float:
        """离收盘还有多少秒；全天开市的没有收盘。"""
        return float("inf") if self.always else self._until(CLOSE)

    def _until(self, clock: float) -> float:
        return max(0.0, clock - self.clock(self._pace.now()))
