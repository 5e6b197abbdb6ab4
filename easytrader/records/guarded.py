"""SQLite 文件的几样护具：等得有期限、Ctrl-C 也卡不死的锁；按期限再试；文件还在不在原处。"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_T = TypeVar("_T")

_BUSY_S: Final = 0.02
_OPEN_PAUSE_S: Final = 0.01
_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""
LEFT_BEHIND: Final[list[sqlite3.Connection]] = []
"""不能关的：关文件已不在原处的会按名字删掉别人的 -wal，fork 来的是父进程的。"""


class DeadlineLock:
    """一把锁。

    ``with lock`` 没有期限，``acquire(timeout)`` 与 ``try`` 之间来的 Ctrl-C 会让锁再也放不开。
    这里两样都不会：拿锁也在 ``try`` 里，没拿到时 ``RLock`` 的 ``release`` 只会抛 RuntimeError。
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = 0

    def run(self, deadline: float, work: Callable[[], _T]) -> _T:
        """拿着锁做一件事。

        Args:
            deadline: 最晚等到什么时候（``time.monotonic``）；锁空着时总能拿到。
            work: 做什么。

        Raises:
            TimeoutError: 没有等到；什么都没有做。
        """
        me = threading.get_ident()
        nested = self._inside == me  # 信号处理函数打断了同一个线程，它永远等不到自己
        if nested:
            raise TimeoutError("这个线程正在做到一半")
        try:
            if not self._lock.acquire(blocking=False):
                while not self._lock.acquire(timeout=_slice_s(deadline)):
                    if time.monotonic() >= deadline:
                        raise TimeoutError("别的线程一直占着")
            self._inside = me
            return work()
        finally:
            if self._inside == me:
                self._inside = 0
            try:
                self._lock.release()
                while self._lock._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001
                    self._lock.release()  # 上一次放锁之前被打断的，一并放开
            except RuntimeError:
                pass


def _slice_s(deadline: float) -> float:
    return min(_SLICE_S, max(0.0, deadline - time.monotonic()))


def connect(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """打开；别的进程占着时 SQLite 只等一小会儿，要等更久由 `patiently` 按期限再试。"""
    return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


def patiently(work: Callable[[], _T], deadline: float) -> _T:
    """别的进程占着文件就再试，到期为止。"""
    while True:
        try:
            return work()
        except sqlite3.OperationalError as exc:  # noqa: PERF203  占着才会再来
            if "locked" not in str(exc) or time.monotonic() >= deadline:
                raise


def prepare(db: sqlite3.Connection, schema: Iterable[str], deadline: float) -> None:
    """换成预写日志，建好表；别的进程占着就等，到期为止。"""

    def wal() -> None:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:  # 两个进程同时第一次打开：换日志方式不理会等待的期限
            threading.Event().wait(_OPEN_PAUSE_S)
            raise

    def tables() -> None:
        for statement in schema:
            db.execute(statement)

    patiently(wal, deadline)
    db.execute("PRAGMA synchronous = NORMAL")
    patiently(tables, deadline)


class Unmoved:
    """打开着的 SQLite 文件（连同 -wal、-shm）还在不在原处。

    POSIX 上文件被移走、删掉之后照样写得进去，而别的程序会另建一个：两边谁也看不见谁。

    Args:
        path: 主文件；此刻打开着。
        beside: 一起看着的，名字的后缀。
    """

    def __init__(
        self, path: str | os.PathLike[str], beside: tuple[str, ...] = ("-wal", "-shm")
    ) -> None:
        self._files: list[tuple[str, tuple[int, int]]] = []
        for each in ("", *beside):
            self.also(os.fspath(path) + each)

    def also(self, path: str | os.PathLike[str]) -> None:
        """这个文件也看着。"""
        identity = _identity(os.fspath(path))
        if identity is not None:
            self._files.append((os.fspath(path), identity))

    def missing(self) -> str:
        """不在原处的那个文件；都在为空。"""
        for name, identity in self._files:
            now = _identity(name)
            if now != identity and now != _UNREADABLE:
                return name
        return ""


_UNREADABLE: Final = (0, 0)


def _identity(name: str) -> tuple[int, int] | None:
    """文件的身份；没有这个文件为 None，这个系统说不出来为 `_UNREADABLE`。"""
    try:
        found = os.stat(name)  # noqa: PTH116  每笔委托都要看，不建 Path
    except FileNotFoundError:
        return None
    except OSError:
        return None if os.name == "posix" else _UNREADABLE
    return (found.st_dev, found.st_ino) if found.st_ino else _UNREADABLE
