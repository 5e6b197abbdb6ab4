"""厂商的异步接口：当场只给一个序号，应答过一会儿才从回调里来。按序号对上，交给回执。"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.errors import OutcomeUnknownError, WaitTimeoutError
from easytrader.ordering import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

_EARLY: Final = 1000
"""不是经 easytrader 发出的异步请求也有应答：只留最近这么多条等人来认。"""


_Row = TypeVar("_Row")


class AsyncReceipt(Receipt[_Row]):
    """异步业务的回执；用法同 `easytrader.Receipt`。期限过了才来的应答照样收得到。"""

    __slots__ = ()

    def result(self, timeout: float | None = None) -> _Row:
        """等应答，返回它的字典；异常同 `Receipt.result`。"""
        try:
            return super().result(timeout)
        except WaitTimeoutError as exc:
            if time.monotonic() < self._deadline:
                raise
            raise OutcomeUnknownError(f"{exc}，结果未知，不要重发，请先核对") from None


class Pending:
    """一次会话里还没有应答的异步请求。应答可能比序号先到，所以没有人认的先留着。"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[Receipt[Any], Callable[[Any], Any]]] = {}
        self._early: OrderedDict[int, Any] = OrderedDict()
        self._lost = ""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, receipt: Receipt[_Row], build: Callable[[Any], _Row]) -> None:
        """登记刚发出的；应答已经到了的当场给它。``build`` 把厂商的应答变成字典。"""
        seq = receipt.seq
        with self._lock:
            if seq not in self._early:
                self._waiting[seq] = receipt, build
                lost = self._lost
            else:
                receipt.put(build(self._early.pop(seq)))
                return
        if lost:  # 登记与断线擦肩而过的，补上失败
            self.lose(lost)

    def arrived(self, answer: Any) -> None:
        """来了一条异步应答。任何线程，不阻塞。"""
        seq = getattr(answer, "seq", None)
        if not isinstance(seq, int):
            return
        with self._lock:
            found = self._waiting.pop(seq, None)
            if found is None:
                self._early[seq] = answer
                if len(self._early) > _EARLY:
                    self._early.popitem(last=False)
                return
        receipt, build = found
        receipt.put(build(answer))

    def lose(self, reason: str) -> None:
        """会话断了：等着的都不会有应答了。"""
        with self._lock:
            self._lost = self._lost or reason or "连接已断开"
            left = [receipt for receipt, _ in self._waiting.values()]
            self._waiting.clear()
        for receipt in left:
            receipt.fail(
                OutcomeUnknownError(
                    f"请求 {receipt.seq} 已发出而没有应答（{self._lost}），"
                    "结果未知，不要重发，请先核对"
                )
            )
