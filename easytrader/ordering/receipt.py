"""`Receipt`：异步下单、撤单的回执。"""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from typing import Final, Generic, TypeVar

from easytrader import arguments
from easytrader.errors import EasytraderError, OutcomeUnknownError, WaitTimeoutError

_Row = TypeVar("_Row")

_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""

_GRACE_S: Final = 1.0
"""结果总会来：期限到了是「结果未知」。多等这么久还没有来，就不再等它。"""


class Receipt(Generic[_Row]):
    """异步下单、撤单的回执。任何线程都可以用，包括回调里；可以几处同时等。

    Attributes:
        seq: 这次请求的序号，异步应答的回调与事件里是同一个；0 是这次什么都没有发出
            （同一个 ``client_order_id`` 早就下好了）。厂商的序号在一次会话里不重复，重连后从头数。
    """

    __slots__ = ("_deadline", "_error", "_latch", "_row", "_timeout_s", "_what", "seq")

    def __init__(self, what: object, timeout_s: float) -> None:
        self.seq = 0
        self._what = what
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + 2 * timeout_s  # 发出之前最多等一个期限
        self._row: _Row | None = None
        self._error: EasytraderError | None = None
        # 锁着的是还没有结果；等到的人拿了马上放开，下一个接着拿
        self._latch = threading.Lock()
        self._latch.acquire()

    def done(self) -> bool:
        """有结果了没有（包括结果未知）。"""
        return self._row is not None or self._error is not None

    def result(self, timeout: float | None = None) -> _Row:
        """等到有结果，返回与同步方法同样的字典。可以调用多次。

        Args:
            timeout: 最多等多少秒；不给就等到有结果为止，
                最晚是发出之后 ``connect`` 的 ``timeout`` 秒。

        Raises:
            UsageError: 秒数不对。
            WaitTimeoutError: 到了这里给的 ``timeout`` 还没有结果；委托还在路上，可以接着等。
            OutcomeUnknownError: 已发出而没有应答（到期、断线），**不可重试**，先核对。
        """
        limit_s = self._deadline + _GRACE_S - time.monotonic()
        if timeout is not None:
            limit_s = min(limit_s, arguments.seconds("timeout", timeout, allow_zero=True))
        if not self.done() and not self._wait(limit_s):
            raise WaitTimeoutError(f"{self._what} 已发出，{max(limit_s, 0):.3g} 秒内还没有应答")
        if self._error is not None:
            raise self._error.with_traceback(None)  # 不然每取一次，回溯长一截
        assert self._row is not None
        return copy.copy(self._row)

    def __repr__(self) -> str:
        shown = "等待应答" if not self.done() else self._error or self._row
        return f"<Receipt seq={self.seq} {self._what}：{shown}>"

    # ---- 给发出的那一方

    def depart(self, seq: int) -> None:
        """序号定了，就要发出。"""
        self.seq = seq
        self._deadline = time.monotonic() + self._timeout_s

    def put(self, row: _Row) -> None:
        """有结果了。"""
        if not self.done():
            self._row = row
            self._open()

    def fail(self, error: BaseException) -> None:
        """没有结果了。"""
        if self.done():
            return
        if not isinstance(error, EasytraderError):
            error = OutcomeUnknownError(f"{self._what}：发出的时候被打断（{error!r}），结果未知")
        self._error = error
        self._open()

    def _open(self) -> None:
        with contextlib.suppress(RuntimeError):  # 正好两边同时来：已经开了
            self._latch.release()

    def _wait(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            if self._latch.acquire(timeout=min(left_s, _SLICE_S)):
                self._latch.release()
                return True
            if not left_s:
                return False
