"""`Meter`：一个账号的程序化交易计数，本进程里同一账号的 trader 共用一个，几个进程共用一个文件。"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, TypeVar

from easytrader.errors import RiskRefusedError
from easytrader.records.guarded import DeadlineLock
from easytrader.records.storage import Counted, DayFull, SecondFull
from easytrader.records.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.basics.log import Log
    from easytrader.records.storage import Counters

_T = TypeVar("_T")

__all__ = ["Kind", "Meter", "Taken"]

Kind = Literal["order", "cancel"]

_NAMES: Final = {"order": "委托", "cancel": "撤单"}
_LEAST_LOCK_S: Final = 0.05
_MOST_LOCK_S: Final = 10.0
"""占着锁的人最慢零点几秒就放；期限再远也只等这么久。"""
_READ_S: Final = 0.2
_TROUBLE: Final = (sqlite3.Error, OSError, ValueError, TypeError, OverflowError)
"""读写不了；后三个是坏掉的文件里读出来的东西不成样子。"""


class Taken(NamedTuple):
    """拿到一个名额。

    Attributes:
        day: 北京日期的序号。
        today: 今天第几次（委托与撤单合计）；数不了为 0。
        waited_s: 为此等了几秒。
        trouble: 计数文件出了什么问题；没有为空。
    """

    day: int = 0
    today: int = 0
    waited_s: float = 0.0
    trouble: str = ""


class Meter:
    """见模块说明。所有方法可以在任意线程上调用。

    Args:
        counters: 记在哪里；给路径就是一个 SQLite 文件，文件夹会自动建。
        clock: 单调时钟，秒。
        wall: Unix 秒，定哪一天、哪一格。
        pause: 等几秒。
        log: 日志口。
    """

    _registry: ClassVar[dict[str, Meter]] = {}
    _registry_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        counters: str | os.PathLike[str] | Counters,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], object] | None = None,
        log: Log | None = None,
    ) -> None:
        self._clock = clock
        self._pause = pause or _wait
        self._log = log
        if isinstance(counters, (str, os.PathLike)):
            counters = Tally(os.path.realpath(counters), wall)
        self._tally: Counters = counters
        self.path = counters.where
        self._lock = DeadlineLock()
        self._recent: deque[float] = deque()
        self._cancels_waiting: list[float] = []
        self._users = 0

    @classmethod
    def open(cls, counters: str | os.PathLike[str] | Counters, log: Log | None = None) -> Meter:
        """本进程里这个地方的计数，同一个地方是同一个；用完 `close()`。"""
        made = cls(counters, log=log)
        with cls._registry_lock:
            meter = cls._registry.setdefault(os.path.normcase(made.path), made)
            meter._users += 1  # noqa: SLF001  自己的类
        return meter

    @classmethod
    def forget_parent(cls) -> None:
        """在 fork 来的进程里：父进程的锁可能正被占着，连接也不能用，从头来。"""
        for meter in cls._registry.values():
            meter._tally.close()  # noqa: SLF001  自己的类
        cls._registry = {}
        cls._registry_lock = threading.Lock()

    def take(
        self,
        kind: Kind,
        limit_s: int | None,
        limit_day: int | None,
        deadline: float,
        rate_wait: float | None = None,
    ) -> Taken:
        """拿一个名额；这一秒满了就等，等待时不占着锁和文件。

        Args:
            kind: ``order`` 或 ``cancel``；等着的撤单优先于委托。
            limit_s: 任意一秒里最多几次；None 不管。
            limit_day: 今天最多几次；None 不管。
            deadline: 最晚到什么时候（``clock`` 的时间）。
            rate_wait: 最多等几秒；None 等到 ``deadline``。

        Raises:
            RiskRefusedError: 没有名额，或者数不了；没有拿走名额。数不了时撤单照常放行。
        """
        began = self._clock()
        patience = deadline if rate_wait is None else min(deadline, began + rate_wait)
        waiting = False
        try:
            while True:
                found = self._attempt(kind, limit_s, limit_day, deadline)
                if isinstance(found, Taken):
                    return found._replace(waited_s=self._clock() - began) if waiting else found
                if self._clock() + found.wait_s > patience:
                    raise _second_full(kind, found.sent, limit_s)
                if not waiting:
                    waiting = True
                    if kind == "cancel":
                        self._cancels_waiting.append(began)
                self._pause(found.wait_s)
        finally:
            if waiting and kind == "cancel":
                self._cancels_waiting.remove(began)

    def read(self) -> dict[str, Any]:
        """此刻的数：``day today second error``；数不了时数为 None，``error`` 说原因。"""
        try:
            counted = self._with_tally(_READ_S, self._tally.read)
        except _TROUBLE as exc:
            return {"day": None, "today": None, "second": None, "error": self._told(exc)}
        return {**counted._asdict(), "error": ""}

    def seed(self, count: int) -> None:
        """把今天的数抬到至少 ``count``（柜台的当日委托数）；记不下来只在日志里说。"""
        try:
            self._with_tally(_READ_S, lambda deadline: self._tally.seed(count, deadline))
        except _TROUBLE as exc:
            if self._log is not None:
                self._log.warning("{}", self._told(exc))

    def close(self) -> None:
        """不用了；最后一个用它的人关上文件。再用会重新打开。"""
        key = os.path.normcase(self.path)
        with self._registry_lock:
            self._users = max(0, self._users - 1)
            last = not self._users
            if last and self._registry.get(key) is self:
                del self._registry[key]
        if last:
            with suppress(TimeoutError):
                self._with_tally(_READ_S, lambda _: self._tally.close())

    # ---- 内部

    def _attempt(
        self, kind: Kind, limit_s: int | None, limit_day: int | None, deadline: float
    ) -> Taken | SecondFull:
        lock_s = min(max(deadline - self._clock(), _LEAST_LOCK_S), _MOST_LOCK_S)
        try:
            found = self._with_tally(lock_s, self._add, kind, limit_s, limit_day)
        except _TROUBLE as exc:
            return self._cannot_count(kind, limit_s, limit_day, exc)
        if isinstance(found, DayFull):
            raise _day_full(kind, found.sent, limit_day)
        return Taken(found.day, found.today) if isinstance(found, Counted) else found

    def _add(
        self, deadline: float, kind: Kind, limit_s: int | None, limit_day: int | None
    ) -> Counted | SecondFull | DayFull:
        """拿着锁：本进程按单调时钟再数一遍，墙上的时钟怎么拨都不会多发。"""
        recent = self._recent
        now = self._clock()
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if limit_s is not None:
            if kind == "order":
                limit_s = max(1, limit_s - len(self._cancels_waiting))
            if len(recent) >= limit_s:
                # 先到的过了一秒，名额就空出来
                return SecondFull(len(recent), recent[len(recent) - limit_s] + 1.0 - now)
        try:
            found = self._tally.add(limit_s, limit_day, deadline)
        except _TROUBLE:
            if kind == "cancel":
                recent.append(now)
            raise
        if isinstance(found, Counted):
            recent.append(self._clock())
        return found

    def _cannot_count(
        self, kind: Kind, limit_s: int | None, limit_day: int | None, exc: Exception
    ) -> Taken:
        """数不了：委托不许，撤单放行；两条线都没有要求时也放行。"""
        trouble = self._told(exc)
        if kind == "cancel" or (limit_s is None and limit_day is None):
            return Taken(trouble=trouble)
        raise RiskRefusedError(
            f"风控拒绝（程序化交易计数）：{trouble}。数不了就不下单；什么都没有发出",
            rule="max_per_second" if limit_day is None else "max_per_day",
            limit=limit_s if limit_day is None else limit_day,
        ) from exc

    def _with_tally(self, within_s: float, work: Callable[..., _T], *told: Any) -> _T:
        """拿着锁做一件事（第一个参数是期限），锁与文件合计最多等这么久。"""
        deadline = time.monotonic() + within_s
        return self._lock.run(deadline, partial(work, deadline, *told))

    def _told(self, exc: Exception) -> str:
        text = str(exc)
        if "locked" in text or "busy" in text:
            return f"计数文件 {self.path} 被别的进程占着（{text}）"
        if isinstance(exc, TimeoutError):
            return f"计数文件 {self.path} 被别的线程占着"
        return f"计数文件 {self.path} 读写不了（{text}）；文件损坏时删掉它，重新连接即可"


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _second_full(kind: Kind, sent: int, limit: int | None) -> RiskRefusedError:
    return RiskRefusedError(
        f"风控拒绝（max_per_second）：这一秒已经发了 {sent} 次委托与撤单，上限 {limit} 次，"
        f"等不到名额；这笔{_NAMES[kind]}什么都没有发出",
        rule="max_per_second",
        actual=sent,
        limit=limit,
    )


def _day_full(kind: Kind, sent: int, limit: int | None) -> RiskRefusedError:
    kept = "，余下的留给撤单" if kind == "order" else ""
    return RiskRefusedError(
        f"风控拒绝（max_per_day）：今天已经发了 {sent} 次委托与撤单，"
        f"{_NAMES[kind]}到 {limit} 次为止{kept}；什么都没有发出",
        rule="max_per_day",
        actual=sent,
        limit=limit,
    )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Meter.forget_parent)
