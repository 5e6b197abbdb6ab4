"""慢的、会等的，在一次性的线程上做：循环不等它。"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from easytrader.basics.threads import Aside

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_DONE_S: Final = 5.0
"""做完了的线程，最多等这么久收尾。"""


async def aside(work: Callable[[], _T], name: str) -> _T:
    """做完；异常照抛。``work`` 自己有期限。"""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> _T:
        try:
            return work()
        finally:
            with contextlib.suppress(RuntimeError):  # 循环正好关了
                loop.call_soon_threadsafe(done.set)

    thread = Aside(run, name).start()
    await done.wait()
    return thread.result(_DONE_S)
