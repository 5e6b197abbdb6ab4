"""主线程以外的：交易回调的线程，解释器锁的占与放。

真的客户端里，回调来自一个 C++ 线程；主线程空闲时也占着解释器锁，Python 自己的线程一跳才走一步。
"""

import ctypes
import heapq
import itertools
import os
import threading

from .link import Killed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Tuple

    from .timers import Clock

_PUMP_S = 60.0


class NativeThread:
    """交易回调的线程：按时间的先后做，一件做完再做下一件。

    真实的钟到点自己做；手动的钟只在 `pump` 时做，并且等它做完。

    Args:
        clock: 客户端的钟。
        complain: 做的时候抛出来的异常交给它记。
    """

    def __init__(self, clock: "Clock", complain: "Callable[[BaseException], None]") -> None:
        self._clock = clock
        self._complain = complain
        self._heap: "List[Tuple[float, int, Callable[..., Any], Tuple[Any, ...]]]" = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._until = -1.0
        self._busy = False
        self._stopped = False
        self._thread = threading.Thread(
            target=self._run, name="easytrader-terminal-native", daemon=True
        )
        self._thread.start()

    def is_current(self) -> bool:
        """现在是不是在这个线程上。"""
        return threading.get_ident() == self._thread.ident

    def at(self, due: float, do: "Callable[..., Any]", *args: "Any") -> None:
        """单调钟走到 ``due`` 时在这个线程上做 ``do(*args)``。哪个线程都可以登记。"""
        with self._wake:
            heapq.heappush(self._heap, (due, next(self._numbers), do, args))
            self._wake.notify_all()

    def next_due(self) -> float:
        """最近的一件在什么时候；没有是无穷远。"""
        with self._wake:
            return self._heap[0][0] if self._heap else float("inf")

    def pump(self) -> None:
        """手动的钟：到点的都做完才回来。"""
        with self._wake:
            self._until = self._clock.monotonic()
            if self._ready():
                self._wake.notify_all()
                self._wake.wait_for(self._settled, _PUMP_S)

    def stop(self) -> None:
        """不再做；正在做的那一件做完（在这个线程自己上叫的不等）。"""
        with self._wake:
            self._stopped = True
            del self._heap[:]
            self._wake.notify_all()
        if not self.is_current():
            self._thread.join(10)

    def _settled(self) -> bool:
        return self._stopped or not (self._busy or self._ready())

    def _ready(self) -> bool:
        if not self._heap:
            return False
        until = self._until if self._clock.manual else self._clock.monotonic()
        return self._heap[0][0] <= until

    def _patience(self) -> "float | None":
        if self._clock.manual or not self._heap:
            return None
        return max(0.0, self._heap[0][0] - self._clock.monotonic())

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and not self._ready():
                    self._wake.wait(self._patience())
                if self._stopped:
                    return
                _, _, do, args = heapq.heappop(self._heap)
                self._busy = True
            try:
                do(*args)
            except Killed:
                pass
            except Exception as error:  # 客户端自己的线程不因为一件事死掉，记下来接着做
                self._complain(error)
            with self._wake:
                self._busy = False
                self._wake.notify_all()


def hold_gil(seconds: float) -> None:
    """睡 ``seconds`` 秒而不放开解释器锁：这期间别的 Python 线程一步也走不了。"""
    if os.name == "nt":
        ctypes.PyDLL("kernel32").Sleep(int(seconds * 1000))
    else:
        ctypes.PyDLL(None).usleep(int(min(seconds, 0.999) * 1e6))
