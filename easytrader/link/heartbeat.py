"""脉搏：上一次得到应答是什么时候，各种请求花了多久。

心跳：客户端僵死时厂商从不通知，只能自己问一声。

忙的时候不问：一个间隔之内有过应答就算活着。有请求到期没有应答，不等间隔，马上问。
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Session
    from easytrader.basics.log import Log

_FAILURES: Final = 2
_AGAIN_S: Final = 0.2
"""一次没有应答之后，最多隔这么久再问一次。"""

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
    if name in ("submit", "cancel"):
        return name
    for prefix, kind in _KINDS:
        if name.startswith(prefix):
            return kind
    return "query"


class Heartbeat:
    """一个 trader 的心跳；只在看护线程上用。间隔为 0 就不做。"""

    def __init__(self, interval_s: float, vitals: Vitals, log: Log) -> None:
        self._interval_s = interval_s
        self._vitals = vitals
        self._log = log
        self._asked_at = float("-inf")
        self.asked = False
        """刚才问了，而且有应答。"""
        self.failures = 0
        """连续几次没有应答。"""

    @property
    def wait_s(self) -> float | None:
        """多久以后问下一次；None 不问。"""
        if not self._interval_s:
            return None
        if self.failures:
            return min(self._interval_s, _AGAIN_S)
        return max(0.01, self._interval_s - self._quiet_s)

    def is_dead(
        self, session: Session, is_current: Callable[[Session], bool], *, suspect: bool
    ) -> bool:
        """问一次（见 `asked`）；连续 2 次没有应答为真。

        Args:
            session: 问谁。
            is_current: 问完时它还是不是当前的会话。
            suspect: 刚有请求到期：不看忙不忙，一定要问。
        """
        self.asked = False
        if not self._interval_s:
            return False
        if not suspect and not self.failures and self._quiet_s < self._interval_s * 0.99:
            return False
        self._asked_at = time.monotonic()
        try:
            session.asset()
        except Exception as exc:  # noqa: BLE001  厂商抛什么都是「没有回答」
            if not is_current(session):
                return False
            self.failures += 1
            self._log.warning("心跳查询失败（连续 {} 次）：{}", self.failures, exc)
        else:
            self.failures = 0
            self.asked = True
        return self.failures >= _FAILURES

    @property
    def _quiet_s(self) -> float:
        return time.monotonic() - max(self._vitals.answered_at, self._asked_at)

    def reset(self) -> None:
        """换了会话，从头算。"""
        self.failures = 0
