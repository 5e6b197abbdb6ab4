"""`wait()`：等一笔委托到终态。推送来了马上看，没有推送也隔一会儿看一眼。"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics import pace
from easytrader.codes import FINAL_STATUSES, OrderStatus
from easytrader.errors import NotConnectedError, QueryFailedError, UsageError, WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from easytrader.types import Entrust

_WAIT_POLL_S: Final = 0.5
"""等委托时，即使没有推送也隔这么久查一次。"""

_REASON_S: Final = 0.3
"""废单的原因在另一条推送里，状态先到的话最多再等这么久。"""

_CACHE_LAG_S: Final = 6.0
"""客户端的查询是缓存，刚下的委托最慢几秒后才查得到（厂商文档：无推送的柜台 1–6 秒）。"""


class Waiting:
    """一个 trader 的等待口。

    Args:
        find: (委托编号, 最晚到什么时候) → 它的行。
        recent: 自己最近下的委托：查不到是缓存慢，不是编号错。
        check_id: 校验委托编号。
        reason: 这笔委托为什么废了；还不知道为空。
    """

    def __init__(
        self,
        find: Callable[[Any, float | None], Entrust | None],
        recent: Container[Any],
        check_id: Callable[[object], Any],
        reason: Callable[[Any], str],
    ) -> None:
        self._check_id = check_id
        self._find = find
        self._recent = recent
        self._reason = reason
        self._changed = threading.Condition()
        self._changes = 0

    def note_change(self) -> None:
        """有委托或成交的推送。"""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(self, entrust_no: object, timeout: object) -> Entrust:
        """见 `Trader.wait`。"""
        number = self._check_id(entrust_no)
        clock = pace.current()
        began = clock.monotonic()
        deadline = began + (limit_s := arguments.seconds("timeout", timeout, allow_zero=True))
        patience = began + _CACHE_LAG_S if number in self._recent else began
        row: Entrust | None = None
        while True:
            seen = self._changes
            try:
                limit = max(deadline - clock.monotonic(), 0.05)
                row = self._find(number, time.monotonic() + limit)
            except (NotConnectedError, QueryFailedError) as exc:
                # 没有应答而看到过它的样子，就说等到期了
                seen_before = row is not None and isinstance(exc, QueryFailedError)
                if clock.monotonic() >= deadline and not seen_before:
                    raise
            else:
                if row is None and clock.monotonic() >= patience:
                    raise UsageError("entrust_no", entrust_no, "当日没有这个委托编号")
                if row is not None and row["order_status"] in FINAL_STATUSES:
                    return self._explained(row, deadline)
            left = deadline - clock.monotonic()
            if left <= 0:
                status = row["order_status_name"] if row else "未知"
                told = f"等了 {limit_s:g} 秒，委托 {number} 还是「{status}」"
                raise WaitTimeoutError(told, row)
            clock.until(partial(self._changed_since, seen), min(left, _WAIT_POLL_S))

    def _changed_since(self, seen: int, limit_s: float) -> bool:
        """最多等 ``limit_s`` 秒：数到 ``seen`` 之后又有推送为真。"""
        with self._changed:
            return self._changed.wait_for(lambda: self._changes != seen, limit_s)

    def _explained(self, row: Entrust, deadline: float) -> Entrust:
        """废单等一等它的原因。"""
        number = row["order_id"]
        if row["order_status"] == OrderStatus.JUNK:
            clock = pace.current()
            limit_s = min(_REASON_S, deadline - clock.monotonic())
            clock.until(partial(self._told_why, number), max(limit_s, 0.0))
            row["status_msg"] = self._reason(number) or row["status_msg"]
        return row

    def _told_why(self, number: Any, limit_s: float) -> bool:
        """最多等 ``limit_s`` 秒：知道这笔为什么废了为真。"""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._reason(number)), limit_s)
