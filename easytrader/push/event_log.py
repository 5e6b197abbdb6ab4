"""`user.events()`：不想写回调的脚本，用一个循环收事件。

连上就开始留存。第一次调用 `events()` 之前，成交留最近 ``CAPACITY`` 条，其余的留最近 ``EARLY`` 条；
之后留到取走为止，积到 ``CAPACITY`` 条还没有人取，同一笔委托只留最新的状态，成交不丢；
真丢了（几十万条都没有人取）会用一个 ``gap`` 事件说清楚。
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.backend.records import OrderChanged
from easytrader.basics import waits
from easytrader.push.table import TABLE, contents, of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.backend.records import PushEvent
    from easytrader.types import Event

EARLY: Final = 1_000
CAPACITY: Final = 10_000
_MOST: Final = 200_000
"""成交也算在内的上限：没有人取的话，几天的成交也不能把内存吃光。"""

EVENT_NAMES: Final[dict[str, str]] = {
    **{each.kind: each.title for each in TABLE if each.kind},
    "gap": "有遗漏",
}
"""事件的种类 → 中文名。"""

_ROWS: Final = {each.kind: each.row for each in TABLE}


class EventLog:
    """还没有被 `events()` 取走的事件。"""

    def __init__(self) -> None:
        self._items: OrderedDict[Any, tuple[str, float, PushEvent]] = OrderedDict()
        # 还没有人取的时候：成交的、其余的，各有哪些键，旧的在前
        self._trades: deque[Any] = deque()
        self._others: deque[Any] = deque()
        self._number = 0
        self._missed = 0
        self._wanted = False
        self._closed = False
        self._ready = threading.Condition(threading.Lock())

    def add(self, event: PushEvent) -> None:
        """交付了一条。不阻塞。"""
        known = of(event)
        if known is None or not known.kind:
            return
        kind = known.kind
        with self._ready:
            self._number += 1
            key: Any = self._number
            if self._wanted and isinstance(event, OrderChanged) and len(self._items) >= CAPACITY:
                key = event.order.order_id, kind
                self._items.pop(key, None)
            self._items[key] = kind, time.time(), event
            if not self._wanted:
                self._trim(self._trades if kind == "trade" else self._others, key, kind)
            elif len(self._items) > _MOST:
                self._items.popitem(last=False)
                self._missed += 1
            if self._wanted:
                self._ready.notify_all()

    def _trim(self, keys: deque[Any], key: Any, kind: str) -> None:
        """还没有人取过：成交多留，其余的只留最近一些。"""
        keys.append(key)
        if len(keys) > (CAPACITY if kind == "trade" else EARLY):
            self._items.pop(keys.popleft(), None)
            self._missed += 1

    def close(self) -> None:
        """不会再有了：正在等的循环取完剩下的就结束。"""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def read(self, timeout_s: float, keep: object = None) -> Iterator[Event]:
        """取走事件，安静 ``timeout_s`` 秒或关闭之后结束；循环没有完，``keep`` 就留着。"""
        with self._ready:
            self._wanted = True
            self._trades.clear()
            self._others.clear()
        return _Reader(self, timeout_s, keep)

    def take(self, timeout_s: float) -> Event | None:
        """取一条；到期或关闭为 None。"""
        deadline = time.monotonic() + timeout_s
        with self._ready:
            while not self._items and not self._missed:
                left_s = deadline - time.monotonic()
                if self._closed or left_s <= 0:
                    return None
                waits.change(self._ready, left_s)
            missed, self._missed = self._missed, 0
            if missed:
                return _row("gap", time.time(), {"missed": missed})
            kind, at, event = self._items.popitem(last=False)[1]
        return _row(kind, at, _data(kind, contents(event)))


class _Reader:
    """`events()` 返回的迭代器。"""

    def __init__(self, log: EventLog, timeout_s: float, keep: object) -> None:
        self._log = log
        self._keep = keep
        self._timeout_s = timeout_s

    def __iter__(self) -> _Reader:
        return self

    def __next__(self) -> Event:
        row = self._log.take(self._timeout_s)
        if row is None:
            raise StopIteration
        return row


def _row(kind: str, at: float, data: object) -> Event:
    row = {"event": kind, "event_name": EVENT_NAMES[kind], "time": at, "data": data}
    return cast("Event", row)  # 哪种事件配哪种 data，由下面的表保证


def _data(kind: str, args: tuple[Any, ...]) -> object:
    build = _ROWS[kind]
    return {} if build is None else build(args[0])
