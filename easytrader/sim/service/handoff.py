"""请另一个线程代办一件事，等它办完取回结果。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Handoff"]


class Handoff:
    """一件代办的事：办的线程调 `run`，请的线程等 `done`。"""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._taken = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """办；请的一方已经不等了就不办。"""
        if not self.take():
            return
        try:
            self.result = self._function()
        except Exception as error:  # noqa: BLE001  交给请的线程去抛
            self.error = error
        self.done.set()

    def fail(self, error: BaseException) -> None:
        """不办了，说明原因。"""
        if self.take():
            self.error = error
            self.done.set()

    def take(self) -> bool:
        """开始办（或作废）只能有一次：返回真的那一方说了算。"""
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken
