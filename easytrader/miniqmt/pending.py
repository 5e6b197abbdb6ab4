"""厂商的异步接口：当场只给一个序号，应答过一会儿才从回调里来。按序号对上，交给回执。"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import OutcomeUnknownError

if TYPE_CHECKING:
    from easytrader.orders import Receipt

_EARLY: Final = 1000
"""不是经 easytrader 发出的异步请求也有应答：只留最近这么多条等人来认。"""


class Pending:
    """一次会话里还没有应答的异步请求。应答可能比序号先到，所以没有人认的先留着。"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.waiting: dict[int, Receipt[Any]] = {}
        """序号 → 回执；外面只数一数。"""
        self._early: OrderedDict[int, Any] = OrderedDict()
        self._lost = ""

    def add(self, receipt: Receipt[Any]) -> None:
        """登记刚发出的；应答已经到了的当场给它。"""
        with self._lock:
            early = self._early.pop(receipt.seq, None)
            if early is None:
                self.waiting[receipt.seq] = receipt
        if early is not None:
            receipt.put(early)
        elif self._lost:  # 登记与断线擦肩而过的，补上失败
            self.lose(self._lost)

    def arrived(self, answer: Any) -> None:
        """来了一条异步应答。任何线程，不阻塞。"""
        seq = getattr(answer, "seq", None)
        if not isinstance(seq, int):
            return
        with self._lock:
            found = self.waiting.pop(seq, None)
            if found is None:
                self._early[seq] = answer
                if len(self._early) > _EARLY:
                    self._early.popitem(last=False)
        if found is not None:
            found.put(answer)

    def lose(self, reason: str) -> None:
        """会话断了：等着的都不会有应答了。"""
        with self._lock:
            self._lost = self._lost or reason or "连接已断开"
            left = list(self.waiting.values())
            self.waiting.clear()
        for receipt in left:
            receipt.fail(OutcomeUnknownError(self._lost))
