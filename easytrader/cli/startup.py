"""起得快、退得快：导入的几十万个对象，不让垃圾回收一遍遍地数。

起动与退出时的回收要占一条短命令的三分之一，而那时几乎没有垃圾。只在命令自己的进程里这样做：
在别人的进程里调用 ``main([...])`` 的，什么都不改。
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_own_process = False


def own_process() -> None:
    """这个进程只为这一条命令。"""
    global _own_process
    _own_process = True


@contextmanager
def quickly() -> Iterator[None]:
    """这一段尽是导入：不回收；做完了把现有的对象划到一边，以后的回收不再数它们。"""
    if not _own_process:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def leaving() -> None:
    """就要退出了：不必再回收。"""
    if _own_process:
        gc.freeze()
