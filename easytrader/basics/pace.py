"""时间怎样过：平常是真的；把一年的行情回放给脚本看时，由模拟的钟走。

会等上几秒、几分钟的（`user.wait`、`user.events`、调仓的执行）都从这里问时间、从这里等，
所以回放时它们照模拟的钟等，一秒真的时间也不花。等应答、等锁的几毫秒不归它。
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from easytrader.basics import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Pace:
    """真的时间。"""

    def now(self) -> float:
        """现在，Unix 秒。"""
        return time.time()

    def monotonic(self) -> float:
        """只增不减的秒数：期限用它。"""
        return time.monotonic()

    def until(
        self,
        step: Callable[[float], bool],
        limit_s: float,
        *,
        stop: Callable[[], bool] | None = None,
        slice_s: float = waits.SLICE_S,
    ) -> bool:
        """等到 ``step`` 为真，参数与返回同 `waits.sliced`。"""
        return waits.sliced(step, limit_s, stop=stop, slice_s=slice_s)

    def sleep(self, seconds: float, *, stop: Callable[[], bool] | None = None) -> None:
        """过这么久；``stop`` 为真就不等了。"""
        self.until(threading.Event().wait, seconds, stop=stop)


_real = Pace()
_current: Pace = _real


def current() -> Pace:
    """此刻用的。"""
    return _current


@contextmanager
def replaced(pace: Pace) -> Iterator[None]:
    """在这一段里时间由 ``pace`` 走，全进程。"""
    global _current
    before, _current = _current, pace
    try:
        yield
    finally:
        _current = before
