"""单步：模拟柜台的时钟由脚本来走（文件夹的 ``clock`` 是 ``step``）。

::

    user = easytrader.use("sim")
    user.connect("backtest")
    while user.sim.now() < user.sim.at("2026-03-03 15:00"):
        user.sim.step(minutes=1)  # 返回时，这一分钟里的成交都已经交给回调了
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import numbers
from easytrader.basics.beijing import BEIJING, moment
from easytrader.basics.keywords import guarded_class
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable


_LATEST: Final = 2**32
"""2106 年。"""
_MOST_STEP_S: Final = 400 * 86400
_MOMENT: Final = "应为 'YYYY-MM-DD HH:MM' 或 datetime"


class Stepper:
    """一个模拟文件夹的时钟。

    Args:
        path: 文件夹，正嵌在本进程里，或被 ``easytrader sim serve`` 服务着。
        before: 走之前问一声，不许走就抛异常。
        settle: 走完之后等推送都交付；`user.sim` 会等自己的回调。
        host: 这个文件夹嵌在本进程里的柜台（没有为 None）；不给就每次按路径找。
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        before: Callable[[], None] | None = None,
        settle: Callable[[], None] | None = None,
        host: Callable[[], Any] | None = None,
    ) -> None:
        self._path = path
        self._host = host
        self._before = before
        self._settle = settle

    def __repr__(self) -> str:
        return f"<Stepper {self._path} {self.now():%Y-%m-%d %H:%M:%S}>"

    def now(self) -> datetime:
        """市场的现在，上海时间。"""
        return _shown(self._ask({}))

    @staticmethod
    def at(when: str | datetime) -> datetime:
        """``'2026-03-02 09:30'`` → 上海时间。"""
        return _shown(_moment(when))

    def step(self, minutes: float = 0, *, seconds: float = 0) -> datetime:
        """走这么久的**交易时间**（午休、夜里、休市日不算），返回走到的时刻。

        返回时，其间的成交、撤单、换日都已经发生，推送都已交给回调。
        """
        length = _length("minutes", minutes) * 60 + _length("seconds", seconds)
        if not 0 < length <= _MOST_STEP_S:
            raise UsageError("minutes", minutes, "应为大于 0 的时间，一次最多 400 天。")
        return self._go({"trading_s": length})

    def goto(self, when: str | datetime) -> datetime:
        """走到 ``when``（上海时间）；时间不能倒着走。"""
        return self._go({"to": _moment(when)})

    def next_day(self) -> datetime:
        """走到下一个交易日的 09:30。"""
        return self._go({"next_day": True})

    def _go(self, spec: dict[str, Any]) -> datetime:
        if self._before is not None:
            self._before()
        found = self._ask(spec)
        if self._settle is not None:
            self._settle()
        return _shown(found)

    def _ask(self, spec: dict[str, Any]) -> float:
        from easytrader.sim.host.faults import control
        from easytrader.sim.host.hub import HUB

        host = HUB.embedded(self._path) if self._host is None else self._host()
        ask = partial(control, self._path) if host is None else host.control
        answer = ask("step", spec)
        while answer["more"]:  # 走得远就分段：一段一个回答，别的请求照办
            answer = ask("step", {"to": answer["to"]})
        return float(answer["now"])


guarded_class(Stepper)


def _length(name: str, value: object) -> float:
    number = numbers.real(value)
    if number is None or number < 0:
        raise UsageError(name, value, "应为不小于 0 的数。")
    return number


def _moment(when: object) -> float:
    try:
        if isinstance(when, datetime):
            found = (when if when.tzinfo else when.replace(tzinfo=BEIJING)).timestamp()
        else:
            found = moment(str(when))
    except Exception:  # noqa: BLE001  边界：用户的东西写成文字时抛什么都可能
        found = -1.0
    if not 0 <= found < _LATEST:  # NaT 也算 datetime，它是 nan
        raise UsageError("when", when, _MOMENT)
    return found


def _shown(ts: float) -> datetime:
    return datetime.fromtimestamp(ts, BEIJING)
