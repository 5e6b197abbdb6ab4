"""在途的异步请求：发出就走；应答、断线、到期，谁先到算谁的，只算一次。"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.errors import EasytraderError

MAX_IN_FLIGHT: Final = 256
"""一次会话里最多这么多笔在途；满了的等空位。厂商的上行队列 512 格，余下的留给查询和撤单。"""


_ROOMY: Final = MAX_IN_FLIGHT * 3 // 4
"""等空位的等到只剩这么多在途：一个一个放行的话，线程切换比请求本身还贵。"""

_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""


class Departed(NamedTuple):
    """厂商的同步方法从应答里取编号；异步发出时给它这个，取到的就是请求序号。"""

    order_id: int
    cancel_result: int


class Flight:
    """一个在途的请求。

    Args:
        departed: 请求序号定了、还没有发出时调用。
        landed: 有了结果时调用，恰好一次：(应答, None) 或 (None, 错误)。在别的线程上，不得阻塞。
        heard: 每来一个应答调用一次（过期之后才到的也算），在 ``landed`` 之后。
    """

    __slots__ = ("_gate", "deadline", "departed", "heard", "landed", "name", "release", "seq")

    def __init__(
        self,
        departed: Callable[[int], None],
        landed: Callable[[Any, EasytraderError | None], None],
        heard: Callable[[int, Any], None],
    ) -> None:
        self._gate = threading.Lock()
        self.deadline = math.inf
        """最晚等到什么时候（``time.monotonic``），发出的时候才定。"""
        self.departed = departed
        self.landed = landed
        self.heard = heard
        self.release: Callable[[], None] = _nothing
        self.name = ""
        self.seq = 0

    @property
    def is_over(self) -> bool:
        """已经有了结果。"""
        return self._gate.locked()

    def give_up(self) -> bool:
        """不再等，也不说结果；已经有了结果返回 False。"""
        if not self._gate.acquire(blocking=False):
            return False
        self.release()
        return True

    def put(self, value: Any) -> bool:
        """应答来了；已经有了结果返回 False。"""
        if not self.give_up():
            return False
        self.landed(value, None)
        return True

    def fail(self, error: EasytraderError) -> bool:
        """不会有应答了；已经有了结果返回 False。"""
        if not self.give_up():
            return False
        self.landed(None, error)
        return True


class Room:
    """一次会话里在途的有多少，满了等空位。"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._aloft = 0
        self._waiters = 0
        self._closed = False

    def take(self, limit_s: float) -> bool:
        """占一个空位，最多等 ``limit_s`` 秒；没有等到、或不会再有了返回 False。"""
        with self._lock:
            if self._aloft >= MAX_IN_FLIGHT and not self._wait(limit_s):
                return False
            self._aloft += 1
            return True

    def leave(self) -> None:
        """让出一个。"""
        with self._lock:
            self._aloft -= 1
            if self._waiters and self._aloft <= _ROOMY:
                self._freed.notify_all()

    def close(self) -> None:
        """不会再有空位了。"""
        with self._lock:
            self._closed = True
            self._freed.notify_all()

    def _wait(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        self._waiters += 1
        try:
            while not self._closed:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return self._aloft < MAX_IN_FLIGHT
                self._freed.wait(min(left_s, _SLICE_S))
                if self._aloft <= _ROOMY:
                    return True
            return False
        finally:
            self._waiters -= 1


class Clock:
    """看钟的线程，一次会话一个：第一笔异步请求时才起，会话断了就结束。

    Args:
        due: 了结到期的，返回下一个期限（``time.monotonic``），没有为无穷。
    """

    def __init__(self, due: Callable[[], float]) -> None:
        self._due = due
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._wake_at = math.inf
        self._roused = False
        self._stopped = False

    def watch(self, deadline: float) -> None:
        """有一笔到这时候期。它要先登记好，再来说。"""
        if deadline < self._wake_at:
            self._rouse()

    def stop(self) -> None:
        """结束。不阻塞，可重复调用。"""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _rouse(self) -> None:
        with self._changed:
            if self._stopped:
                return
            self._roused = True
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="easytrader-flights", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped:
            with self._changed:
                # 先放开再数：数的这会儿登记的，要么数得到，要么会来叫醒
                self._roused, self._wake_at = False, math.inf
            self._sleep_until(self._due())

    def _sleep_until(self, wake_at: float) -> None:
        with self._changed:
            if self._stopped or self._roused:
                return
            self._wake_at = wake_at
            left_s = wake_at - time.monotonic()
            self._changed.wait(None if left_s == math.inf else max(0.0, left_s))


def _nothing() -> None:
    """还没有占着空位。"""
