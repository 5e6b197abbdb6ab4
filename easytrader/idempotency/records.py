"""委托记录的手柄：用到 ``client_order_id`` 时才打开，没用过的账号不建它的文件。"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from easytrader.basics import waits
from easytrader.errors import ClosedError, JournalError, QueryFailedError
from easytrader.records.guarded import DeadlineLock

if TYPE_CHECKING:
    from easytrader.basics.numbers import OrderId
    from easytrader.records.storage import Intent, Intents, Owner, Storage

_PATIENCE_S: Final = 0.5
"""没有说期限的，最多等这么久。"""
_REMEMBER_S: Final = 0.5
"""打不开之后，这么久之内不再试。"""


class Records:
    """一个账号的委托记录，和我们在里面的身份。"""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = DeadlineLock()
        self._opened: tuple[Intents, Owner] | None = None
        self._closed = False
        # 刚打不开过：(为什么, 到什么时候之前不再试)
        self._failed: tuple[str, float] = ("", 0.0)
        # with 直接拿锁（C 里一步），不经 Condition：Ctrl-C 打断在哪里都会放开
        self._gate = threading.Lock()
        self._changed = threading.Condition(self._gate)
        self._waiters = 0

    def open(self, deadline: float | None = None) -> tuple[Intents, Owner]:
        """打开（第一次时建），最晚到 ``deadline``（``time.monotonic``，默认一小会儿）。

        Raises:
            JournalError: 打不开。
            ClosedError: 已经关闭。
        """
        opened = self._opened
        if opened is not None and not self._closed:
            return opened
        if deadline is None:
            deadline = time.monotonic() + _PATIENCE_S
        until = deadline
        try:
            return self._lock.run(until, lambda: self._open(until))
        except TimeoutError as exc:
            told = f"委托记录 {self._storage.where} 打不开：{exc}，它还在打开"
            raise JournalError(told) from None

    def _open(self, deadline: float) -> tuple[Intents, Owner]:
        if not self._closed and self._opened is None:
            why, until = self._failed
            if time.monotonic() < until:  # 许多线程同时来：不必一个一个都等到期
                raise JournalError(why)
            try:
                self._opened = self._storage.open(deadline)
            except JournalError as exc:
                self._failed = (str(exc), time.monotonic() + _REMEMBER_S)
                raise
        if self._closed:  # 也许是正在打开的时候关的
            self._let_go()
        if self._closed or self._opened is None:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
        return self._opened

    @property
    def exist(self) -> bool:
        """这个账号用过 ``client_order_id``。"""
        return self._opened is not None or self._storage.has_intents()

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
            with self._gate:
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """等本进程里有一笔有了结果，最多这么多秒；可能早醒，也可能漏醒，所以不要等太久。"""
        with self._gate:
            self._waiters += 1
            try:
                waits.change(self._changed, timeout_s)
            finally:
                self._waiters -= 1

    def close(self) -> None:
        """关闭；可重复调用，上一次被 Ctrl-C 打断的接着做完。"""
        self._closed = True
        with suppress(TimeoutError):  # 正在打开的，等它开完；等不到的，它开完自己会放手
            self._lock.run(time.monotonic() + 2 * _PATIENCE_S, self._let_go)
        self.tell()

    def _let_go(self) -> None:
        if self._opened is not None:
            intents, owner = self._opened
            intents.close()
            owner.close()  # 主人没了，别的程序才能核对他发的：写完了再走
            self._opened = None
