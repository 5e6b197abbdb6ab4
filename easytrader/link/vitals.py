"""脉搏：上一次得到应答是什么时候，各种请求最近一次花了多久。"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: Final = (
    ("orderStock", "submit"),
    ("cancelOrder", "cancel"),
    ("order_stock", "submit"),
    ("cancel_order", "cancel"),
)


class Vitals:
    """一个 trader 的脉搏，跨会话延续。写只有赋值，哪个线程都可以，不加锁。"""

    def __init__(self) -> None:
        self._took: dict[str, float] = {}
        self.answered_at = float("-inf")
        """最近一次应答，``time.monotonic``。"""
        self.answered_epoch = 0.0
        self.unanswered = 0
        """连续多少个请求到期没有应答。"""
        self.on_expired: Callable[[], None] | None = None
        """有请求到期没有应答时调用：客户端可能僵死了。"""

    def answered(self, name: str, took_s: float) -> None:
        """一个请求有了应答。"""
        self._took[_kind(name)] = took_s
        self.answered_at = time.monotonic()
        self.answered_epoch = time.time()
        self.unanswered = 0

    def expired(self) -> None:
        """一个请求到期没有应答。"""
        self.unanswered += 1
        if self.on_expired is not None:
            self.on_expired()

    def latency_ms(self) -> dict[str, float]:
        """最近一次各花了多久，毫秒：``submit cancel query``，没有过的不在里面。"""
        return {kind: round(took_s * 1000, 3) for kind, took_s in self._took.copy().items()}


@lru_cache(maxsize=256)
def _kind(name: str) -> str:
    for prefix, kind in _KINDS:
        if name.startswith(prefix):
            return kind
    return "query"
