"""委托记录的手柄：用到 ``client_order_id`` 时才打开，没用过的账号什么文件都不建。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from easytrader.errors import ClosedError, JournalError, QueryFailedError
from easytrader.once.journal import FILE_NAME, PLACED, Intent, Journal
from easytrader.once.owners import Owner

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.log import Log


_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""


class Records:
    """一个账号的委托记录，和我们在里面的身份。

    Args:
        folder: 账号的文件夹。
        log: 日志口。
    """

    def __init__(self, folder: Path, log: Log) -> None:
        self._folder = folder
        self._log = log
        self._lock = threading.Lock()
        self._opened: tuple[Journal, Owner] | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._waiters = 0

    def open(self) -> tuple[Journal, Owner]:
        """打开（第一次时建）。

        Raises:
            JournalError: 打不开。
            ClosedError: 已经关闭。
        """
        opened = self._opened
        if opened is not None:
            return opened
        with self._lock:
            if self._closed:
                raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
            if self._opened is None:
                journal = Journal(self._folder / FILE_NAME)
                try:
                    self._opened = journal, Owner(self._folder)
                except BaseException:
                    journal.close()
                    raise
            return self._opened

    @property
    def exist(self) -> bool:
        """这个账号用过 ``client_order_id``。"""
        return self._opened is not None or (self._folder / FILE_NAME).exists()

    def find(self, client_order_id: str) -> Intent | None:
        """这个 id 的那一行；没有用过的账号不建文件。"""
        if not self.exist:
            return None
        try:
            return self.open()[0].find(client_order_id)
        except JournalError as exc:
            raise QueryFailedError(f"核对不了 {client_order_id}：{exc}") from exc

    def settle(self, intent: Intent, state: str, order_id: int = 0) -> bool:
        """补上结果；写不下来返回 False：标记在柜台上，下次核对认得出来。"""
        try:
            journal = self.open()[0]
            if state == PLACED:
                journal.place(intent, order_id)
            else:
                journal.settle(intent, state, order_id)
        except (JournalError, ClosedError) as exc:
            self._log.warning("委托 {} 的结果没有记下来：{}", intent.client_order_id, exc)
            return False
        finally:
            self.tell()
        return True

    def doubt(self, intent: Intent) -> None:
        """记下结果未知；写不下来也不碍事，本来就记着「正在发」。"""
        try:
            self.open()[0].doubt(intent)
        except (JournalError, ClosedError) as exc:
            self._log.warning("委托 {} 结果未知，没有记下来：{}", intent.client_order_id, exc)
        finally:
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
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].close()
            opened[1].close()
        self.tell()
