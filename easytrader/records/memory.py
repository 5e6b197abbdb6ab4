# ruff: noqa: D102  每个方法见 storage 的协议
"""`MemoryStorage`：全在本进程的内存里，给测试和示例后端用；进程没了就没了。"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import OFFSET_S
from easytrader.records import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.basics.numbers import OrderId

_KEPT: Final = 10_000


class MemoryStorage:
    """见 `storage.Storage`。同一个对象给几个 trader，就像几个程序共用一处记录。"""

    def __init__(self, where: str = "内存") -> None:
        self.where = where
        self._intents = MemoryIntents()
        self._owners: set[str] = set()
        self._events = MemoryEvents()
        self._counters: MemoryCounters | None = None

    def has_intents(self) -> bool:
        return bool(self._intents.rows)

    def open(self, deadline: float) -> tuple[MemoryIntents, MemoryOwner]:
        return self._intents, MemoryOwner(self._owners)

    def counters(self, wall: Callable[[], float]) -> MemoryCounters:
        if self._counters is None:
            self._counters = MemoryCounters(f"{self.where}#{id(self):x}", wall)
        return self._counters

    def events(self) -> MemoryEvents:
        return self._events


class MemoryIntents:
    """见 `storage.Intents`。"""

    def __init__(self) -> None:
        self.rows: dict[str, storage.Intent] = {}
        self._lock = threading.Lock()

    def begin(self, intent: storage.Intent, deadline: float) -> storage.Intent | None:
        made = intent._replace(state=storage.SENDING, order_id=0, attempt=1, created=time.time())
        found = self.rows.setdefault(intent.client_order_id, made)
        return None if found is made else found

    def reopen(self, found: storage.Intent, intent: storage.Intent, deadline: float) -> bool:
        name = found.client_order_id
        attempt = found.attempt + 1
        made = intent._replace(
            state=storage.SENDING, order_id=0, attempt=attempt, created=time.time()
        )
        with self._lock:
            now = self.rows.get(name)
            if now is None or (now.attempt, now.state) != (found.attempt, found.state):
                return False
            self.rows[name] = made
        return True

    def settle(self, intent: storage.Intent, state: str, order_id: OrderId = 0) -> None:
        with self._lock:
            now = self.rows.get(intent.client_order_id)
            mine = now is not None and (now.owner, now.attempt) == (intent.owner, intent.attempt)
            if now is not None and mine and now.state in storage.OPEN:
                self.rows[now.client_order_id] = now._replace(state=state, order_id=order_id)

    def find(self, name: str, deadline: float) -> storage.Intent | None:
        found = self.rows.get(name)
        if found is None:
            found = next((each for each in self.rows.copy().values() if each.tag == name), None)
        return found

    def unsettled(self, deadline: float) -> list[storage.Intent]:
        left = [each for each in self.rows.copy().values() if each.state in storage.OPEN]
        return sorted(left, key=lambda each: each.created)

    def placed_since(self, epoch_s: float, deadline: float) -> OrderId:
        for each in reversed(self.rows.copy().values()):
            if each.state == storage.PLACED and each.created >= epoch_s:
                return each.order_id
        return 0

    def close(self) -> None: ...


class MemoryOwner:
    """见 `storage.Owner`：名单里有就是在。"""

    def __init__(self, alive: set[str]) -> None:
        self._alive = alive
        self.name = secrets.token_hex(8)
        alive.add(self.name)

    def is_alive(self, name: str, since: float = 0.0) -> bool:
        return name in self._alive

    def close(self) -> None:
        self._alive.discard(self.name)


class MemoryCounters:
    """见 `storage.Counters`：记下每次的时刻。"""

    def __init__(self, where: str, wall: Callable[[], float]) -> None:
        self.where = where
        self._wall = wall
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._day = (0, 0)

    def add(
        self, limit_s: int | None, limit_day: int | None, deadline: float
    ) -> storage.Counted | storage.SecondFull | storage.DayFull:
        with self._lock:
            now = self._count()
            if limit_s is not None and now.second >= limit_s:
                free_at = self._sent[now.second - limit_s] + 1.0
                return storage.SecondFull(now.second, max(0.001, free_at - self._wall()))
            if limit_day is not None and now.today >= limit_day:
                return storage.DayFull(now.today)
            self._sent.append(self._wall())
            self._day = now.day, now.today + 1
            return storage.Counted(now.day, now.today + 1, now.second + 1)

    def seed(self, count: int, deadline: float) -> None:
        with self._lock:
            now = self._count()
            self._day = now.day, max(now.today, count)

    def read(self, deadline: float) -> storage.Counted:
        with self._lock:
            return self._count()

    def close(self) -> None: ...

    def _count(self) -> storage.Counted:
        wall = self._wall()
        while self._sent and not wall - 1.0 < self._sent[0] <= wall:  # 后一半：时钟往回拨过
            self._sent.popleft()
        day = int((wall + OFFSET_S) // 86400)
        return storage.Counted(day, self._day[1] if self._day[0] == day else 0, len(self._sent))


class MemoryEvents:
    """见 `storage.Events`：只留最近 10,000 条。"""

    def __init__(self, most: int = _KEPT) -> None:
        self._rows: deque[storage.Stored] = deque(maxlen=most)
        self._number = 0
        self._lock = threading.Lock()

    def append(self, kind: str, at: float, row: Mapping[str, Any], deadline: float) -> int:
        with self._lock:
            self._number += 1
            self._rows.append(storage.Stored(self._number, kind, at, row))
            return self._number

    def read(self, after: int, most: int, deadline: float) -> list[storage.Stored]:
        with self._lock:
            skip = max(0, after - (self._rows[0].number - 1)) if self._rows else 0
            return list(self._rows)[skip : skip + most]
