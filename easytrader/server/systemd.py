"""对 systemd 说的话：就绪、还活着、在停。不在 systemd 底下跑就什么也不做。"""

from __future__ import annotations

import os
import socket
import sys
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
ALIVE: Final = "WATCHDOG=1"

_SEND_S: Final = 1.0


def notify(state: str) -> bool:
    """说一句；没有人听、说不出去为假，不抛异常。"""
    told = os.environ.get("NOTIFY_SOCKET", "")
    if sys.platform != "win32" and told:
        address = f"\0{told[1:]}" if told.startswith("@") else told
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.settimeout(_SEND_S)
                line.sendto(state.encode(), address)
        except OSError:
            return False
        return True
    return False


def watchdog_s() -> float | None:
    """隔多久 systemd 听一次「还活着」，秒：说得比它要的勤一倍；没有要求为 None。"""
    try:
        period_us = int(os.environ.get("WATCHDOG_USEC", ""))
        whose = int(os.environ.get("WATCHDOG_PID", "") or os.getpid())
    except ValueError:
        return None
    if period_us <= 0 or whose != os.getpid() or not os.environ.get("NOTIFY_SOCKET"):
        return None
    return period_us / 2 / 1_000_000
