"""委托记录的手柄：用到 ``client_order_id`` 时才打开，没用过的账号什么文件都不建。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from easytrader.errors import ClosedError, JournalError, QueryFailedError
from easytrader.once.journal import FILE_NAME, Journal
from easytrader.once.owners import Owner

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.model import OrderId
    from easytrader.once.journal import Intent


_PATIENCE_S: Final = 0.5
"""没有说期限的，最多等这么久。"""
_REMEMBER_S: Final = 0.5
"""打不开之后，这么久之内不再试。"""
_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""


class Records:
    """一个账号的委托记录，和我们在里面的身份。

    Args:
        folder: 账号的文件夹。
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._opened: tuple[Journal, Owner] | None = None
        self._closed = False
        # 刚打不开过：(为什么, 到什么时候之前不再试)
        self._failed: tuple[str, float] = ("", 0.0)
        self._changed = threading.Condition()
        self._waiters = 0

    def open(self, deadline: float | None = None) -> tuple[Journal, Owner]:
        """打开（第一次时建），最晚到 ``deadline``（``time.monotonic``，默认一小会儿）。

        Raises:
            JournalError: 打不开。
            ClosedError: 已经关闭。
        """
        opened = self._opened
        if opened is not None:
            return opened
        if deadline is None:
            deadline = time.monotonic() + _PATIENCE_S
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise JournalError(f"委托记录 {self._folder / FILE_NAME} 打不开：别的线程还在打开它")
        try:
            if self._closed:
                raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
            if self._opened is None:
                self._opened = self._open(deadline)
            return self._opened
        finally:
            self._lock.release()

    def _open(self, deadline: float) -> tuple[Journal, Owner]:
        why, until = self._failed
        if time.monotonic() < until:  # 许多线程同时来：不必一个一个都等到期
            raise JournalError(why)
        try:
            journal = Journal(self._folder / FILE_NAME, deadline)
        except JournalError as exc:
            self._failed = (str(exc), time.monotonic() + _REMEMBER_S)
            raise
        try:
            return journal, Owner(self._folder)
        except BaseException:
            journal.close()
            raise

    @property
    def exist(self) -> bool:
        """这个账号用过 ``client_order_id``。"""
        if self._opened is not None:
            return True
        try:
            return (self._folder / FILE_NAME).exists()
        except OSError:
            return True  # 看不了不等于没有；打开时再说清楚

    def find(self, client_order_id: str, deadline: float | None = None) -> Intent | None:
        """这个 id 的那一行；没有用过的账号不建文件。"""
        if not self.exist:
            return None
        if deadline is None:
            deadline = time.monotonic() + _PATIENCE_S
        try:
            return self.open(deadline)[0].find(client_order_id, deadline)
        except JournalError as exc:
            raise QueryFailedError(f"核对不了 {client_order_id}：{exc}") from exc

    def settle(self, intent: Intent, state: str, order_id: OrderId = 0) -> None:
        """这一次有了结果（或者说不清）。不阻塞，不会失败：标记在柜台上，下次核对认得出来。"""
        opened = self._opened
        if opened is not None:
            opened[0].settle(intent, state, order_id)
        self.tell()

    def tell(self) -> None:
        """叫醒在等结果的线程。"""
        if self._waiters:
            with self._changed:
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """等本进程里有一笔有了结果，最多这么多秒；可能早醒，也可能漏醒，所以不要等太久。"""
        with self._changed:
            self._waiters += 1
            try:
                self._changed.wait(min(timeout_s, _SLICE_S))
            finally:
                self._waiters -= 1

    def close(self) -> None:
        """关闭；可重复调用。"""
        self._closed = True
        if self._lock.acquire(timeout=2 * _PATIENCE_S):
            self._lock.release()  # 正在打开的，等它开完
        opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].close()
            opened[1].close()
        self.tell()
