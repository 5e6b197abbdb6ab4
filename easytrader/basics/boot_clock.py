"""睡着的时候也走的单调时钟：合上盖子、虚拟机挂起之后，期限照样算过了。"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

if sys.platform == "linux":
    _CLOCK: Final = time.CLOCK_BOOTTIME

    def now() -> float:
        """开机以来的秒数，连同睡着的；同一台机器上的几个进程看到的是同一个。"""
        return time.clock_gettime(_CLOCK)

else:  # Windows 的 monotonic（QueryPerformanceCounter）睡着也走

    def now() -> float:
        """开机以来的秒数，连同睡着的；同一台机器上的几个进程看到的是同一个。"""
        return time.monotonic()


def boot_name() -> str:
    """这一次开机的名字，每次开机、每台机器不同；这个系统说不出来为空。"""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
