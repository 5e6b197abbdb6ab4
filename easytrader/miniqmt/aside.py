"""丢下的下单线程：同形模块没有可以加期限的地方，到期只能丢下那个线程（`basics.threads`）。

它可能过一会儿才真正把委托发出去，所以记着：它回来之前，查不到这笔委托不说明什么。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


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
