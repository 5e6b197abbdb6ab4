"""心跳：客户端僵死时厂商从不通知，只能自己问一声。

忙的时候不问：一个间隔之内有过应答就算活着。有请求到期没有应答，不等间隔，马上问。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Session
    from easytrader.basics.log import Log
    from easytrader.link.vitals import Vitals

_FAILURES: Final = 2
_AGAIN_S: Final = 0.2
"""一次没有应答之后，最多隔这么久再问一次。"""


class Heartbeat:
    """一个 trader 的心跳；只在看护线程上用。

    Args:
        interval_s: 间隔，秒；0 不做心跳。
        vitals: 脉搏。
        log: 日志口。
    """

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
