"""在一次性的线程上调用：同形模块没有可以加期限的地方，到期只能丢下那个线程。

丢下的线程可能过一会儿才真正把委托发出去，所以记着：它回来之前，查不到这笔委托不说明什么。
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class AbandonedError(Exception):
    """到期（或断线）了还没有回来。"""


class Strays:
    """一个 trader 丢下的下单线程：标记 → 线程。"""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def add(self, tag: str, thread: threading.Thread) -> None:
        """丢下一个。"""
        for old, each in list(self._threads.copy().items()):
            if not each.is_alive():
                self._threads.pop(old, None)
        self._threads[tag] = thread

    def holds(self, tag: str) -> bool:
        """它还没有回来。"""
        thread = self._threads.get(tag)
        return thread is not None and thread.is_alive()


class Aside(Generic[_T]):
    """一次调用。"""

    def __init__(self, call: Callable[[], _T]) -> None:
        self._call = call
        self._results: list[_T] = []
        self._failures: list[BaseException] = []
        self._finished = threading.Event()
        self.thread = threading.Thread(target=self._run, name="easytrader-call", daemon=True)

    def result(self, limit_s: float, is_lost: Callable[[], bool]) -> _T:
        """等它回来，最多 ``limit_s`` 秒，断线就不等了。

        Raises:
            AbandonedError: 没有等到。
        """
        deadline = time.monotonic() + limit_s
        self.thread.start()
        while not self._finished.wait(min(0.2, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or is_lost():
                raise AbandonedError
        if self._failures:
            raise self._failures[0]
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as exc:  # noqa: BLE001  带回调用者的线程再抛
            self._failures.append(exc)
        finally:
            self._finished.set()
