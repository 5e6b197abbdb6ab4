"""分发线程：用户的回调只在这一个线程上跑。

回调里可以下单、撤单、查询、`close()`：应答在别的线程上收，这里怎么等都不会互相卡住。
回调抛异常记进日志（带回溯），分发继续。
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.log import Log

_STOP: Final = object()


class Dispatcher:
    """先进先出地执行交给它的任务。

    Args:
        log: 日志口。
        name: 线程名。
    """

    def __init__(self, log: Log, name: str = "easytrader-callbacks") -> None:
        self._log = log
        self._jobs: SimpleQueue[object] = SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Callable[[], None]) -> None:
        """排队；关闭之后忽略。不阻塞。"""
        if not self._closed.is_set():
            self._jobs.put(job)

    @property
    def on_this_thread(self) -> bool:
        """当前是不是正在回调里。"""
        return threading.current_thread() is self._thread

    def close(self, timeout_s: float) -> bool:
        """做完已排队的任务后结束；在回调里调用时不等自己。

        Returns:
            线程是否已经（或即将，当在回调里调用时）结束；False 表示某个回调还没有返回。
        """
        if not self._closed.is_set():
            self._closed.set()
            self._jobs.put(_STOP)
        if self.on_this_thread:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not _STOP:
            try:
                job()  # type: ignore[operator]  # 队列里除了 _STOP 都是任务
            except BaseException:  # noqa: BLE001, PERF203  边界：用户的回调做什么（包括 sys.exit）分发都不停
                self._log.exception("回调出错，已跳过，后续回调照常")
