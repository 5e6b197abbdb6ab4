"""单步：控制命令 ``step`` 拨动时钟，行情跟着走到那里。只在主机线程上使用。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError
from easytrader.sim.clock import ManualClock
from easytrader.sim.sessions import hours_for, later_open, trading_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.sim.clock import Clock
    from easytrader.sim.dispatch import Dispatcher
    from easytrader.sim.events import Outcome
    from easytrader.sim.folder import SimFolder

__all__ = ["Walk"]

_NOT_STEP: Final = (
    "{} 的时钟不归脚本走：要单步，建文件夹时 --clock step --start '2026-03-02 09:30'"
    "（或改 easytrader_sim.json）"
)


class Walk:
    """一个文件夹的单步。"""

    def __init__(self, folder: SimFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._hours = hours_for(folder.config.clock)

    def go(
        self, spec: Mapping[str, Any], dispatcher: Dispatcher, publish: Callable[[Outcome], None]
    ) -> dict[str, Any]:
        """走一段，推送都送出；``more`` 为真时还没有走到 ``to``，应当再来。

        Args:
            spec: ``trading_s`` 走多久交易时间，``to`` 走到哪一刻，``next_day`` 下一个交易日开盘；
                空的只问现在。
            dispatcher: 柜台。
            publish: 送出推送。
        """
        clock = self._clock
        if not isinstance(clock, ManualClock):
            raise SimulatorError(_NOT_STEP.format(self._folder.path))
        now = clock.now()
        if not spec:
            return {"now": now, "to": now, "more": False}
        to = self._target(spec, now)
        if to < now:
            raise SimulatorError("时间不能倒着走：已经走过那一刻了。")
        clock.set(to)
        outcome = dispatcher.advance()
        publish(outcome)
        more = bool(outcome.answer)
        if not more:
            dispatcher.keep_time()
        return {"now": to, "to": to, "more": more}

    def _target(self, spec: Mapping[str, Any], now: float) -> float:
        if "trading_s" in spec:
            return trading_time(self._hours, now, float(spec["trading_s"]))
        if "next_day" in spec:
            return later_open(self._hours, now)
        return float(spec["to"])
