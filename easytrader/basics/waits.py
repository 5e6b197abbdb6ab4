"""怎样等。分段：Windows 上一次长的等待，Ctrl-C 打断不了，所以一次最多等 ``SLICE_S``。"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE_S: Final = 0.5


class _Lock(Protocol):
    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool: ...


def sliced(
    step: Callable[[float], bool],
    limit_s: float,
    *,
    stop: Callable[[], bool] | None = None,
    slice_s: float = SLICE_S,
) -> bool:
    """一段一段地等，至少看一眼。

    Args:
        step: 最多等这么多秒；等到了为真。
        limit_s: 一共最多等多少秒，可以是无穷。
        stop: 每一段之后问一次，为真就不等了。
        slice_s: 一段多长，秒。

    Returns:
        等到了没有。
    """
    deadline = time.monotonic() + limit_s
    while True:
        left_s = max(0.0, deadline - time.monotonic())
        if step(min(left_s, slice_s)):
            return True
        if not left_s or (stop is not None and stop()):
            return False


def acquire(lock: _Lock, limit_s: float) -> bool:
    """拿一把锁（或信号量）。"""
    return sliced(lambda s: lock.acquire(timeout=s), limit_s)


def event(happened: threading.Event, limit_s: float) -> bool:
    """等一个事件。"""
    return sliced(happened.wait, limit_s)


def change(condition: threading.Condition, limit_s: float) -> bool:
    """等一次通知（拿着它的锁），最多一段：可能早醒，放在查条件的循环里用。"""
    return condition.wait(max(0.0, min(limit_s, SLICE_S)))


def join(thread: threading.Thread, limit_s: float) -> bool:
    """等一个线程结束；是自己、还没有开始的不等。结束了（或不必等）为真。"""
    if thread.ident is None or thread is threading.current_thread():
        return True

    def step(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    return sliced(step, limit_s)


class Bell:
    """叫醒一个等着的线程；没有人等时响的也算数。"""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """响一声。哪里都可以，包括信号处理与垃圾回收的半当中：不拿 Python 的锁。"""
        self._rings.put(None)

    def wait(self, limit_s: float | None) -> bool:
        """等到响，最多 ``limit_s`` 秒（None 不限）；响过几声都算一声。"""
        try:
            self._rings.get(timeout=limit_s)
        except Empty:
            return False
        with suppress(Empty):
            while True:
                self._rings.get_nowait()
        return True
