"""原生客户端的 io 线程：默认应答与 set_timeout 到期的应答从这里送出，从不在调用者的线程里。"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

if TYPE_CHECKING:
    from collections.abc import Callable


_JOIN_S: Final = 2.0
_Item = tuple[float, int, "Callable[[], None]"]


def call_quietly(callback: Callable[..., Any], *args: Any) -> None:
    """调用厂商绑定的函数：它抛什么（例如执行器已经关了）都不许伤到我们的线程。"""
    try:
        callback(*args)
    except Exception as error:  # noqa: BLE001  绑定的是别人的代码
        logger.trace("绑定的回调抛出 {}：{}", type(error).__name__, error)


class IoThread:
    """按时辰执行小任务的线程；用到才启动。"""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def post(self, task: Callable[[], None], delay_s: float = 0.0) -> None:
        """``delay_s`` 秒后在 io 线程里执行；已经停了就当没有发生。"""
        if self._thread is None:
            self._launch()
        self._queue.put((time.monotonic() + delay_s, next(self._numbers), task))

    def _launch(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped:
                # 线程只认队列，不认客户端：客户端没人要了就能被回收，回收时叫线程停下
                thread = threading.Thread(
                    target=_run, args=(self._queue,), name=self._name, daemon=True
                )
                thread.start()
                self._thread = thread

    def ask_stop(self) -> None:
        """叫它停下，不等。"""
        with self._lock:
            self._stopped = True
        self._queue.put(None)

    def stop(self) -> None:
        """叫它停下并等它走完（在 io 线程自己里调用则不等）。没到点的任务作废。"""
        self.ask_stop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)


def _run(queue: SimpleQueue[_Item | None]) -> None:
    waiting: list[_Item] = []
    while _step(queue, waiting):
        pass


def _step(queue: SimpleQueue[_Item | None], waiting: list[_Item]) -> bool:
    """等一件事并做掉；单独成函数，做完的任务才不会被局部变量留着。"""
    pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
    try:
        item = queue.get(timeout=pause) if pause != 0.0 else queue.get_nowait()
    except Empty:
        call_quietly(heapq.heappop(waiting)[2])
        return True
    if item is not None:
        heapq.heappush(waiting, item)
    return item is not None
