"""重连的节奏：两次尝试之间等多久，以及说不说。

间隔从上一次开始算。不是交易日时，头几次之后放慢，只说一次，不让日志写满。
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from easytrader.basics.beijing import BEIJING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from easytrader.basics.log import Log

_EAGER_ATTEMPTS: Final = 3
_HOLIDAY_INTERVAL_S: Final = 300.0
_LAST_TRY_S: Final = 0.25
"""connect(wait=…) 剩下的时间不到这么多就不再试。"""


@dataclass(frozen=True, slots=True)
class ReconnectOptions:
    """重连的选项。

    Attributes:
        enabled: 断线后是否自动重连。
        interval_s: 两次尝试的间隔，秒（从上一次开始算）。
        max_attempts: 一次断线最多尝试几次，0 不限。
        heartbeat_s: 每隔多少秒用一次轻查询确认客户端没有僵死，0 不查。
        trading_day: 给日期，答是不是交易日；None 表示不知道。不是交易日时重连放慢。
    """

    enabled: bool = True
    interval_s: float = 5.0
    max_attempts: int = 0
    heartbeat_s: float = 30.0
    trading_day: Callable[[datetime], bool | None] | None = None


class Pace:
    """一轮尝试的节奏。"""

    def __init__(self, options: ReconnectOptions, log: Log, limit_s: float) -> None:
        self._options = options
        self._log = log
        self._first = self._started = time.monotonic()
        self._limit_s = limit_s
        self.slow = False
        self._told = ""

    def started(self) -> None:
        """又开始一次尝试。"""
        self._started = time.monotonic()

    def say_attempt(self, number: int) -> None:
        """说一声第几次。"""
        say = self._log.debug if self.slow else self._log.warning
        say("第 {} 次重连尝试 (间隔 {:g} 秒)...", number, self._options.interval_s)

    def failed(self, state: RetryCallState) -> None:
        """说一声为什么没连上；同样的原因只细说一次。"""
        if self.slow or state.outcome is None:
            return
        reason = str(state.outcome.exception())
        headline = reason.splitlines()[0]
        if headline == self._told:
            self._log.warning("连接失败，原因同上")
        else:
            self._log.warning("连接失败：{}", reason)
            self._told = headline

    def wait(self, state: RetryCallState) -> float:
        """从上一次开始算的间隔；不是交易日时，头几次之后放慢并只说一次。"""
        interval = self._options.interval_s
        if state.attempt_number >= _EAGER_ATTEMPTS and self._is_holiday():
            interval = max(interval, _HOLIDAY_INTERVAL_S)
            if not self.slow:
                self._log.warning(
                    "今天不是交易日：重连放慢到每 {:g} 秒一次，期间不再逐次打印", interval
                )
            self.slow = True
        else:
            self.slow = False
        rest = interval - (time.monotonic() - self._started)
        return max(0.0, min(rest, self.left_s - _LAST_TRY_S))

    @property
    def left_s(self) -> float:
        """还剩多少秒。"""
        return self._limit_s - (time.monotonic() - self._first)

    def is_over(self) -> bool:
        """剩下的时间不够再试一次。"""
        return self.left_s < _LAST_TRY_S

    def _is_holiday(self) -> bool:
        trading_day = self._options.trading_day
        if trading_day is None:
            return False
        try:
            return trading_day(datetime.now(BEIJING)) is False
        except Exception as exc:  # noqa: BLE001  日历坏了不该影响重连：当作不知道
            self._log.debug("查不了交易日历：{!r}", exc)
            return False
