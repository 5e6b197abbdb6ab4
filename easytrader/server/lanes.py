"""工作线程与循环之间：会阻塞的活在道上做，做完了回到循环上。

一个账号几条道（委托、撤单、查询），一条道几个线程、一个有界的队；一条道全卡住了，别的照走。
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

from loguru import logger

from easytrader.basics import waits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


THREAD: Final = "easytrader-lane"
"""线程名的开头。"""


class Mailbox:
    """别的线程交给循环做的；一批只叫醒循环一次。"""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._jobs: deque[Callable[[], None]] = deque()
        self._rung = False

    def put(self, job: Callable[[], None]) -> None:
        """任何线程；循环已经关了的丢掉。"""
        self._jobs.append(job)
        if self._rung:
            return
        self._rung = True
        try:
            self.loop.call_soon_threadsafe(self._run)
        except RuntimeError:  # 循环关了：没有人要了
            self._jobs.clear()

    def _run(self) -> None:
        self._rung = False  # 先放下再看：此后放进来的会再叫一次
        for _ in range(len(self._jobs)):
            try:
                self._jobs.popleft()()
            except Exception:  # noqa: BLE001, PERF203  边界：一件出错不连累同一批的别的
                logger.error("服务器的循环上出错，已跳过：\n{}", traceback.format_exc())


class Job(Protocol):
    """一件活。

    Attributes:
        latest: 到这时（``time.monotonic``）还没有做完的，算卡住了。
    """

    latest: float

    def run(self) -> None:
        """在道上做。"""


class Lane:
    """一条道。`put`、`close` 在循环的线程上调用。

    Args:
        name: 给人看的，也是线程名的一部分。
        threads: 最多几个线程。
        depth: 队里最多排几件。
    """

    def __init__(self, name: str, threads: int, depth: int) -> None:
        self.name = name
        self._most = threads
        self._depth = depth
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        # 没有做完的、其中正在做的：放进去、拿出来都是一步，哪个线程都可以
        self._jobs: set[Job] = set()
        self._doing: set[Job] = set()
        self._closed = False

    @property
    def stuck(self) -> bool:
        """每个线程都卡着：排队没有用。"""
        doing = list(self._doing) if len(self._doing) >= self._most else []
        now = time.monotonic()
        return bool(doing) and all(each.latest <= now for each in doing)

    def put(self, job: Job) -> str:
        """排上一件；排不上的返回为什么，排上了为空。"""
        if self._closed:
            return "服务器正在停止"
        if self.stuck:
            return f"{self.name}的 {self._most} 个线程都卡在柜台的接口里"
        waiting = self._queue.qsize()
        if waiting >= self._depth:
            return f"{self.name}的队满了，排着 {waiting} 个"
        self._jobs.add(job)
        self._queue.put(job)
        if len(self._threads) < min(len(self._jobs), self._most):
            self._hire()
        return ""

    def close(self, limit_s: float) -> bool:
        """做完已经排着的，结束；还有线程没有回来的为假，丢下它（守护线程）。"""
        self._closed = True
        deadline = time.monotonic() + limit_s
        for _ in self._threads:
            self._queue.put(None)
        left = [each for each in self._threads if not waits.join(each, _left_s(deadline))]
        return not left

    def _hire(self) -> None:
        name = f"{THREAD}-{self.name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._doing.add(job)
            try:
                job.run()
            except BaseException:  # noqa: BLE001  边界：后端抛什么（包括 SystemExit）线程都不能少一个
                logger.error("服务器的工作线程上出错，已跳过：\n{}", traceback.format_exc())
            finally:
                self._doing.discard(job)
                self._jobs.discard(job)
            del job


def _left_s(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
