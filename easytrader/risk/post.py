"""`GuardPost`：一个 trader 的风控岗。每笔委托、撤单发出之前来问一声，不许就抛异常。"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import RiskRefusedError
from easytrader.market.symbols import parse_security
from easytrader.risk.rules import NOTHING_SENT, Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import OrderRequest
    from easytrader.basics.log import Log
    from easytrader.market.symbols import Security
    from easytrader.risk.limits import Guard
    from easytrader.risk.meter import Meter, Taken
    from easytrader.risk.rules import MarketView

__all__ = ["GuardPost"]

_MINUTE_S: Final = 60.0
_EPOCH: Final = date(1970, 1, 1)


class GuardPost:
    """见模块说明。所有方法可以在任意线程上调用。

    Args:
        guard: 规则。
        meter: 这个账号的程序化交易计数。
        log: 日志口。
        clock: 单调时钟，秒，与 ``deadline`` 同一个。
        security: 后端怎样认证券代码，见 `Guard.blocked`。
    """

    def __init__(
        self,
        guard: Guard,
        meter: Meter,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        security: Callable[[object], Security] = parse_security,
    ) -> None:
        self.guard = guard
        self.meter = meter
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._minute: deque[float] = deque()
        self._rules = Rules(guard, security)
        self._refusals = 0
        self._last_refusal = ""
        self._spoken: dict[str, float] = {}
        self._warned = (0, 0)
        self._trouble = ""
        per_day = guard.max_per_day
        self._orders_line = guard.max_orders_per_day
        self._marks = () if per_day is None else _marks(per_day)

    def check_order(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """一笔委托能不能发；一秒的量用完时可能等一会儿，最晚到 ``deadline``。

        Raises:
            RiskRefusedError: 不许；没有占用任何名额，什么都没有发出。
        """
        try:
            self._rules.check(request, view)
            if self.guard.max_orders_per_minute is None:
                taken = self._take_order(deadline)
            else:
                taken = self._take_minute(self.guard.max_orders_per_minute, deadline)
        except RiskRefusedError as exc:
            self._note_refusal(exc)
            raise
        self._after(taken)

    def check_cancel(self, target: object, deadline: float) -> None:
        """一笔撤单能不能发：只看程序化交易的两条线；一秒的量用完时等到 ``deadline`` 为止。

        Raises:
            RiskRefusedError: 今天满了，或到期也没有名额；什么都没有发出。
        """
        guard = self.guard
        try:
            taken = self.meter.take("cancel", guard.max_per_second, guard.max_per_day, deadline)
        except RiskRefusedError as exc:
            self._note_refusal(exc)
            self._log.debug("撤单 {} 没有发出", target)
            raise
        self._after(taken)

    def rename(self, security: Callable[[object], Security]) -> None:
        """后端现在认得全代码了：禁止名单照它的写法，连同写的原样。"""
        self._rules.rename(security, self._log)

    def status(self) -> dict[str, Any]:
        """此刻的样子，都是普通的值。"""
        guard = self.guard
        counted = self.meter.read()
        with self._lock:
            self._forget_minute()
            minute, refused, last = len(self._minute), self._refusals, self._last_refusal
        day = counted["day"]
        return {
            "limits": guard.limits(),
            "kill_switch": bool(self._rules.switch_says()),
            "orders_this_minute": minute,
            "sent_this_second": counted["second"],
            "sent_today": counted["today"],
            "day": None if day is None else (_EPOCH + timedelta(days=day)).isoformat(),
            "second_used": _used(counted["second"], guard.max_per_second),
            "day_used": _used(counted["today"], guard.max_per_day),
            "meter_file": self.meter.path,
            "meter_error": counted["error"],
            "refused": refused,
            "last_refusal": last,
        }

    # ---- 名额

    def _take_minute(self, limit: int, deadline: float) -> Taken:
        """先占一分钟的名额，再拿一秒与一天的；后者拿不到就退回。"""
        with self._lock:
            self._forget_minute()
            if len(self._minute) >= limit:
                raise RiskRefusedError(
                    "风控拒绝（max_orders_per_minute）：一分钟里已经有 "
                    f"{len(self._minute)} 笔委托，上限 {limit} 笔；{NOTHING_SENT}",
                    rule="max_orders_per_minute",
                    actual=len(self._minute),
                    limit=limit,
                )
            mark = self._clock()
            self._minute.append(mark)
        try:
            taken = self._take_order(deadline)
        except BaseException:
            self._move_mark(mark, sent=False)
            raise
        if taken.waited_s:
            self._move_mark(mark, sent=True)
        return taken

    def _move_mark(self, mark: float, *, sent: bool) -> None:
        """等过的从发出的那一刻算起；没有发出的退回名额。"""
        with self._lock:
            if mark in self._minute:
                self._minute.remove(mark)
            if sent:
                self._minute.append(self._clock())

    def _forget_minute(self) -> None:
        before = self._clock() - _MINUTE_S
        while self._minute and self._minute[0] <= before:
            self._minute.popleft()

    def _take_order(self, deadline: float) -> Taken:
        guard = self.guard
        return self.meter.take(
            "order", guard.max_per_second, self._orders_line, deadline, guard.rate_wait
        )

    # ---- 记录与提醒

    def _note_refusal(self, exc: RiskRefusedError) -> None:
        with self._lock:
            self._refusals += 1
            self._last_refusal = str(exc)
        if self._may_speak(exc.rule):
            self._log.warning("{}", exc)
        else:
            self._log.debug("{}", exc)

    def _after(self, taken: Taken) -> None:
        if taken.waited_s and self._may_speak("pacing"):
            limit = self.guard.max_per_second
            self._log.warning(
                "每秒 {} 次委托与撤单的量用完了，开始排队；这一次等了 {:.2f} 秒",
                limit,
                taken.waited_s,
            )
        if taken.trouble != self._trouble:
            self._trouble = taken.trouble
            if taken.trouble:
                self._log.warning("{}；撤单照常放行", taken.trouble)
        if self._marks and taken.today >= self._marks[0][0]:
            self._warn_day(taken)

    def _warn_day(self, taken: Taken) -> None:
        per_day = self.guard.max_per_day
        level = sum(taken.today >= mark for mark, _ in self._marks)
        with self._lock:
            if (taken.day, level) <= self._warned:
                return
            self._warned = (taken.day, level)
        self._log.warning(
            "今天已经发了 {} 次委托与撤单，到了每天 {} 次的 {}；到 {} 次不再收委托，余下的留给撤单",
            taken.today,
            per_day,
            self._marks[level - 1][1],
            self.guard.max_orders_per_day,
        )

    def _may_speak(self, what: str) -> bool:
        """同一件事一分钟只提醒一次。"""
        now = self._clock()
        with self._lock:
            if now < self._spoken.get(what, -math.inf):
                return False
            self._spoken[what] = now + _MINUTE_S
        return True


def _marks(per_day: int) -> tuple[tuple[int, str], ...]:
    return ((math.ceil(per_day * 4 / 5), "80%"), (math.ceil(per_day * 9 / 10), "90%"))


def _used(sent: int | None, limit: int | None) -> float | None:
    return None if sent is None or limit is None else round(sent / limit, 4)
