"""一个任务总共能跑多久：到期叫它停，叫不停的硬退，绝不一直挂着。"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics.log import Log
from easytrader.jobs import codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from typing_extensions import Self

GRACE_S: Final = 30.0
"""叫停之后，收尾最多这么久。"""
_LAST_S: Final = 10.0
"""硬退之前的交代最多这么久。"""


class JobExpired(KeyboardInterrupt):
    """任务到了期限；主线程像收到 Ctrl-C 那样停下来。"""


class Watchdog:
    """``with Watchdog(600): ...``：这一段最多 600 秒。

    到期：先 `ask`（有的话）请任务自己停下；主线程收到 `JobExpired`，像 Ctrl-C。再过 ``grace_s``
    秒还没有走出这一段，`last_words` 交代一句，进程以 `codes.FAILED` 硬退。

    不在主线程上用时只有 `ask`，不打断、不硬退：那个进程还有别的事。

    Args:
        limit_s: 总共多少秒；None 不限。
        grace_s: 叫停之后，收尾最多多少秒。
        ask: 到期时在看门的线程上调用一次。
        last_words: 硬退之前在看门的线程上调用一次，最多 10 秒：写下结果、送出通知。
        interrupt: 到期时是否打断主线程；假的只 `ask`，由任务自己看着停。

    Raises:
        UsageError: 秒数不对。
    """

    def __init__(
        self,
        limit_s: float | None,
        *,
        grace_s: float = GRACE_S,
        ask: Callable[[], object] | None = None,
        last_words: Callable[[], object] | None = None,
        interrupt: bool = True,
    ) -> None:
        self._limit_s = None if limit_s is None else arguments.seconds("timeout", limit_s)
        self._grace_s = grace_s
        self._ask = ask
        self._last_words = last_words
        self._interrupt = interrupt
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._expired = False
        self._in_main = False
        self._before: Any = None
        self._thread: threading.Thread | None = None

    @property
    def expired(self) -> bool:
        """到期了没有。"""
        return self._expired

    def __enter__(self) -> Self:
        if self._limit_s is None:
            return self
        self._in_main = threading.current_thread() is threading.main_thread()
        if self._in_main and self._interrupt:
            # 后台起的、nohup 的忽略 Ctrl-C：这一段里由我们接
            self._before = signal.signal(signal.SIGINT, self._heard)
        self._thread = threading.Thread(target=self._watch, name="easytrader-watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is None:
            return
        with self._lock:  # 正要打断的打断完：不能落在这一段的外面
            pass
        if self._in_main and self._interrupt:
            before = signal.SIG_DFL if self._before is None else self._before  # 不是 Python 装的
            signal.signal(signal.SIGINT, before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._over.is_set():
            return  # 已经走出来了
        if self._expired:
            raise JobExpired(f"任务到了 {self._limit_s:g} 秒的期限")
        before = self._before
        if before is signal.SIG_IGN:
            return
        if not callable(before):
            raise KeyboardInterrupt
        before(number, frame)

    def _watch(self) -> None:
        assert self._limit_s is not None
        if self._over.wait(self._limit_s):
            return
        Log().error("任务到了 {:g} 秒的期限，叫它停", self._limit_s)
        self._expired = True
        if self._ask is not None:
            self._ask()
        if self._in_main and self._interrupt:
            with self._lock:
                if not self._over.is_set():
                    _interrupt_main()
        if self._over.wait(self._grace_s) or not self._in_main:
            return
        self._leave()

    def _leave(self) -> None:
        """叫不停：交代一句，硬退。"""
        Log().error("叫停之后又过了 {:g} 秒还没有停下，退出", self._grace_s)
        if self._last_words is not None:
            words = threading.Thread(
                target=self._last_words, name="easytrader-watchdog-words", daemon=True
            )
            words.start()
            words.join(_LAST_S)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        os._exit(codes.FAILED)


def _interrupt_main() -> None:
    """像 Ctrl-C 那样叫主线程；正卡在系统调用里的也叫得醒。"""
    ident = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and ident is not None:
        signal.pthread_kill(ident, signal.SIGINT)
    else:
        _thread.interrupt_main()
