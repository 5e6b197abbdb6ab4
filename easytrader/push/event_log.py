"""`user.events()`：不想写回调的脚本，用一个循环收事件。

连上就开始留存，留在哪里、没有人取的时候留多少由存储定（默认见 `records.memory.MemoryEvents`）；
真丢了的会用一个 ``gap`` 事件说清楚。
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.basics import pace, waits
from easytrader.push.table import TABLE, contents, of
from easytrader.records.memory import MOST, MemoryEvents
from easytrader.records.storage import Stored

if TYPE_CHECKING:
    from easytrader.backend.records import PushEvent
    from easytrader.records.storage import Events
    from easytrader.types import Event

_STEP_S: Final = 1.0
"""存储记一条、取一条最多这么久。"""

EVENT_NAMES: Final[dict[str, str]] = {
    **{each.kind: each.title for each in TABLE if each.kind},
    "gap": "有遗漏",
}
"""事件的种类 → 中文名。"""


class _Part:
    """一个账号的事件：记到了几号，取到了几号。"""

    __slots__ = ("last", "store", "taken")

    def __init__(self, store: Events) -> None:
        self.store = store
        self.last = self.taken = 0

    def read(self, most: int) -> list[Stored]:
        return self.store.read(self.taken, most, time.monotonic() + _STEP_S)

    @property
    def left(self) -> int:
        """没有取走的，连同丢了还没有说的。"""
        return self.last - self.taken


class EventLog:
    """取走一条少一条；留在哪里、留多少是 `records.storage.Events` 的事。"""

    def __init__(self) -> None:
        # 换过账号的，旧账号的取完了再取新的；记在最后一份里
        self._parts: deque[_Part] = deque([_Part(MemoryEvents())])
        self._held: deque[Stored] = deque()
        """取到手上、还没有交给用户的。"""
        self._missed = 0
        """没有记下来、没有留住的。"""
        self._wanted = False
        self._closed = False
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)

    def open(self, store: Events) -> None:
        """以后的记在 ``store`` 里。"""
        with self._lock:
            parts = self._parts = deque(part for part in self._parts if part.left)
            while sum(part.left for part in parts) > MOST:
                self._missed += parts.popleft().left  # 一个接一个地换账号，也不能把内存吃光
            parts.append(_Part(store))
            if self._wanted:
                with contextlib.suppress(Exception):  # 读不了的，取的时候会说
                    parts[-1].read(0)

    def add(self, event: PushEvent) -> None:
        """交付了一条。存储抛的原样抛出，那一条算丢了。"""
        known = of(event)
        if known is None or not known.kind:
            return
        with self._lock:
            part = self._parts[-1]
            try:
                now, deadline = time.time(), time.monotonic() + _STEP_S
                part.last = part.store.append(known.kind, now, _Row(event), deadline)
            except BaseException:
                self._missed += 1
                raise
            finally:
                if self._wanted:
                    self._ready.notify_all()

    def close(self) -> None:
        """不会再有了：正在等的循环取完剩下的就结束。"""
        with self._lock:
            self._closed = True
            self._ready.notify_all()

    def read(self, timeout_s: float, keep: object = None) -> Iterator[Event]:
        """取走事件，安静 ``timeout_s`` 秒或关闭之后结束；循环没有完，``keep`` 就留着。"""
        with self._lock:
            self._wanted = True
            self._parts[-1].read(0)
        return _Reader(self, timeout_s, keep)

    def take(self, timeout_s: float) -> Event | None:
        """取一条；到期或关闭为 None。"""
        clock = pace.current()
        deadline = clock.monotonic() + timeout_s
        came = True
        while came:  # 来了而没有取到，是别的循环取走了：接着等
            left_s = max(0.0, deadline - clock.monotonic())
            came = clock.until(self._has_one, left_s, stop=lambda: self._closed)
            with self._lock:
                if self._held or self._fetch():
                    return _shown(self._held.popleft())
        return None

    def _has_one(self, limit_s: float) -> bool:
        """手上有一条了；没有的最多等 ``limit_s`` 秒，等一次通知。"""
        with self._lock:
            if self._held or self._fetch():
                return True
            if not self._closed:
                waits.change(self._ready, limit_s)
            return bool(self._held) or self._fetch()

    def _fetch(self) -> bool:
        """取一条到手上；前面有丢了的，先说丢了几条。"""
        while not (found := self._parts[0].read(1)) and len(self._parts) > 1:
            self._missed += self._parts.popleft().left
        for each in found:
            self._missed += each.number - self._parts[0].taken - 1
            self._parts[0].taken = each.number
        if self._missed:
            self._held.append(Stored(0, "gap", time.time(), {"missed": self._missed}))
            self._missed = 0
        self._held += found
        return bool(self._held)


def _shown(stored: Stored) -> Event:
    _, kind, at, row = stored
    data = dict(row.made if isinstance(row, _Row) else row)
    made = {"event": kind, "event_name": EVENT_NAMES[kind], "time": at, "data": data}
    return cast("Event", made)  # 哪种事件配哪种 data，由 `_Row` 照着表保证


class _Row(Mapping[str, Any]):
    """一条事件的内容。读它的时候才写成字典：只用回调的脚本不必为它花时间。"""

    __slots__ = ("_it",)

    def __init__(self, event: PushEvent) -> None:
        self._it: Any = event

    @property
    def made(self) -> dict[str, Any]:
        """字典，每次都是同一个。"""
        it = self._it
        if not isinstance(it, dict):
            known = of(it)
            build: Any = None if known is None else known.row
            self._it = it = {} if build is None else build(*contents(it))
        found: dict[str, Any] = it
        return found

    def __getitem__(self, key: str) -> Any:
        return self.made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


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
