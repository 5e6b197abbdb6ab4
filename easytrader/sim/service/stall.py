"""主机停住一会儿，像一个没有反应的客户端（故障 ``hang``）。"""

from __future__ import annotations

import threading

__all__ = ["Stall"]


class Stall:
    """`ask` 与 `pause` 只由主机线程调用，`rouse` 谁都可以。"""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._roused = threading.Event()

    def ask(self, seconds: float) -> None:
        """下一次 `pause` 停这么久；先回答正在办的这条命令，再停。"""
        self._seconds = seconds

    def pause(self) -> None:
        """有人要求过就停住，到时或被叫醒为止。"""
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            self._roused.wait(seconds)
        self._roused.clear()

    def rouse(self) -> None:
        """叫醒。"""
        self._roused.set()
