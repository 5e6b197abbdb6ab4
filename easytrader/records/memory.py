# ruff: noqa: D102  每个方法见 storage 的协议
"""`MemoryStorage`：全在本进程的内存里，给测试和示例后端用；进程没了就没了。"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import OFFSET_S
from easytrader.records import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from easytrader.basics.numbers import OrderId

EARLY: Final = 1_000
CAPACITY: Final = 10_000
MOST: Final = 200_000
"""成交也算在内的上限：没有人取的话，几天的成交也不能把内存吃光。"""


class MemoryStorage:
    """见 `storage.Storage`。同一个对象给几个 trader，就像几个程序共用一处记录。"""

    def __init__(self, where: str = "内存") -> None:
        self.where = where
        self._intents = MemoryIntents()
        self._owners: set[str] = set()
        self._counters: MemoryCounters | None = None
        self._days = MemoryDays()
        self._numbers = MemoryNumbers()

    def has_intents(self) -> bool:
        return bool(self._intents.rows)

    def open(self, deadline: float) -> tuple[MemoryIntents, MemoryOwner]:
        return self._intents, MemoryOwner(self._owners)

    def counters(self, wall: Callable[[], float]) -> MemoryCounters:
        if self._counters is None:
            self._counters = MemoryCounters(f"{self.where}#{id(self):x}", wall)
        return self._counters

    def events(self) -> MemoryEvents:
        return MemoryEvents()

    def days(self) -> MemoryDays:
        return self._days

    def numbers(self) -> MemoryNumbers:
        return self._numbers


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

    def between(self, start_s: float, end_s: float, deadline: float) -> list[storage.Intent]:
        found = [each for each in self.rows.copy().values() if start_s <= each.created < end_s]
        return sorted(found, key=lambda each: each.created)

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
    """见 `storage.Events`：还没有读走的。

    第一次读之前，成交留最近 ``CAPACITY`` 条，其余的留最近 ``EARLY`` 条；之后留到读走为止，
    积到 ``CAPACITY`` 条，同一笔委托只留最新的状态，成交不丢；积到 ``MOST`` 条，丢最旧的。
    """

    def __init__(self) -> None:
        self._items: OrderedDict[Any, tuple[str, float, Mapping[str, Any]]] = OrderedDict()
        # 还没有读过的时候：成交的、其余的，各有哪些键，旧的在前
        self._trades: deque[Any] = deque()
        self._others: deque[Any] = deque()
        self._key = 0
        self._gone = 0
        """读走的与丢了的；往后数就是序号。"""
        self._wanted = False

    def append(self, kind: str, at: float, row: Mapping[str, Any], deadline: float) -> int:
        self._key += 1
        key: Any = self._key
        items = self._items
        if self._wanted and kind == "order" and len(items) >= CAPACITY:
            key = kind, row["order_id"]
            items.pop(key, None)
        items[key] = kind, at, row
        if not self._wanted:
            keys, most = (self._trades, CAPACITY) if kind == "trade" else (self._others, EARLY)
            keys.append(key)
            if len(keys) > most:
                del items[keys.popleft()]
                self._gone += 1
        elif len(items) > MOST:
            items.popitem(last=False)
            self._gone += 1
        return self._gone + len(items)

    def read(self, after: int, most: int, deadline: float) -> list[storage.Stored]:
        self._wanted = True
        self._trades.clear()
        self._others.clear()
        found: list[storage.Stored] = []
        while self._items and len(found) < most:
            self._gone += 1
            found.append(storage.Stored(self._gone, *self._items.popitem(last=False)[1]))
        return found


class MemoryDays:
    """见 `storage.Days`。"""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], storage.Kept] = {}
        self._lock = threading.Lock()

    def put(self, rows: Sequence[storage.Kept], deadline: float) -> None:
        with self._lock:
            for each in rows:
                key = each.day, each.kind, each.key
                now = self._rows.get(key)
                if now is None or each.rank >= now.rank:
                    self._rows[key] = each

    def read(self, first: str, last: str, deadline: float) -> list[storage.Kept]:
        with self._lock:
            found = [each for each in self._rows.values() if first <= each.day <= last]
        return sorted(found, key=lambda each: (each.day, each.kind, each.at))

    def close(self) -> None: ...


class MemoryNumbers:
    """见 `storage.Numbers`。"""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], storage.Numbered] = {}
        self._taken: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def claim(
        self, rows: Sequence[storage.Numbered], deadline: float, *, inherit: bool = False
    ) -> list[storage.Numbered]:
        with self._lock:
            return [self._claim(each, inherit) for each in rows]

    def change(self, row: storage.Numbered, deadline: float) -> None:
        with self._lock:
            now = self._rows.get((row.day, row.key))
            if now is not None:
                self._rows[row.day, row.key] = row._replace(number=now.number, alias=now.alias)

    def of_day(self, day: str, deadline: float) -> list[storage.Numbered]:
        with self._lock:
            return [each for each in self._rows.values() if each.day == day]

    def latest(self, key: str, deadline: float) -> storage.Numbered | None:
        with self._lock:
            return self._latest(key)

    def close(self) -> None: ...

    def _claim(self, row: storage.Numbered, inherit: bool) -> storage.Numbered:
        found = self._rows.get((row.day, row.key))
        if found is not None:
            return found
        before = self._latest(row.key) if inherit else None
        if before is not None:
            row = before._replace(day=row.day, alias=True)
        number = row.number
        while not row.alias and (row.day, number) in self._taken:
            number = number % storage.MAX_NUMBER + 1
        made = row._replace(number=number)
        if not row.alias:
            self._taken.add((row.day, number))
        self._rows[row.day, row.key] = made
        return made

    def _latest(self, key: str) -> storage.Numbered | None:
        found = [each for each in self._rows.values() if each.key == key]
        return max(found, key=lambda each: each.day, default=None)
