"""等着交付的推送：先进先出，有上限，不丢成交。

上限以内原样排着。超过上限（用户的回调太慢）之后，同一笔委托只留最新的状态，账号、资金、持仓的推送
也只留最新的；成交一条不丢。所以最多是上限 + 当天的委托数 + 当天的成交数。
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import (
    AccountChanged,
    AssetChanged,
    HealthChanged,
    OrderChanged,
    PositionChanged,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import PushEvent

Item = tuple["PushEvent | Callable[[], None]", float]
"""(推送或要做的事, 入队时刻)"""

_ONE_OF_EACH: Final = (AssetChanged, AccountChanged, HealthChanged)


class Backlog:
    """见模块说明。任何线程都可以放，一个线程取。

    Args:
        capacity: 超过这么多条就开始合并。
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.merged = 0
        """合并掉多少条。"""
        self._items: OrderedDict[Any, Item] = OrderedDict()
        self._number = 0
        self._ready = threading.Condition(threading.Lock())
        self._waiting = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, what: PushEvent | Callable[[], None]) -> int:
        """放进去；返回现在排着几条。"""
        now = time.monotonic()
        with self._ready:
            self._number += 1
            key: Any = self._number
            depth = len(self._items)
            if depth >= self.capacity:
                key = _merge_key(what) or key
                if self._items.pop(key, None) is not None:
                    self.merged += 1
            self._items[key] = (what, now)
            if self._waiting:
                self._ready.notify()
            return depth + 1

    def take(self, timeout_s: float | None) -> Item | None:
        """取最早的一条；到期没有返回 None。"""
        with self._ready:
            if not self._items:
                self._waiting = True
                try:
                    self._ready.wait(timeout_s)
                finally:
                    self._waiting = False
            return self._items.popitem(last=False)[1] if self._items else None

    def oldest_s(self) -> float:
        """最早的一条排了多久，秒。"""
        with self._ready:
            first = next(iter(self._items.values()), None)
        return 0.0 if first is None else time.monotonic() - first[1]


def _merge_key(what: PushEvent | Callable[[], None]) -> Any:
    if isinstance(what, OrderChanged):
        return OrderChanged, what.order.order_id
    if isinstance(what, PositionChanged):
        return PositionChanged, what.position.stock_code
    return type(what) if isinstance(what, _ONE_OF_EACH) else None
