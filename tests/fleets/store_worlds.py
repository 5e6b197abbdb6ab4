"""两种存储，一样用：打开几个（当作几个程序），拨快存储的钟，让主人死掉。"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from easytrader.basics import boot_clock
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.words import Held, Lease, NewEvent, Outcome, Question, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from easytrader.fleets.store import Store

_TABLES = (
    "holder", "account", "tail", "face", "command", "past", "tombstone", "spool_mark", "event",
    "question", "budget", "taken", "draw", "switch", "note", "audit",
)  # fmt: skip
_AGO = """
UPDATE fleet.holder SET lease_until = lease_until - {0};
UPDATE fleet.account SET quiet_at = quiet_at - {0}, ended_at = ended_at - {0};
UPDATE fleet.command SET valid_until = valid_until - {0};
UPDATE fleet.question SET until = until - {0}, asked_at = asked_at - {0};
UPDATE fleet.face SET glance_at = glance_at - {0};
"""


def soon(seconds: float = 5.0) -> float:
    """期限：从现在起几秒。"""
    return time.monotonic() + seconds


class World:
    """一份存储。"""

    kind = ""

    def __init__(self) -> None:
        self.opened: list[Any] = []
        self._ids = itertools.count(1)

    def open(self) -> Any:
        """再打开一个，当作另一个程序。"""
        store = self._open()
        self.opened.append(store)
        return store

    def advance(self, seconds: float) -> None:
        """存储的钟往前走几秒。"""
        raise NotImplementedError

    def kill(self, store: Any) -> bool:
        """这个程序死了：什么都没来得及说。返回别人看不看得出来。"""
        raise NotImplementedError

    def hold(self) -> Callable[[], None]:
        """别人占着存储不放，谁也写不了；返回放开的办法。"""
        raise NotImplementedError

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """查视图；真假写成 0、1，JSON 写成文字。"""
        raise NotImplementedError

    def close(self) -> None:
        """都关掉。"""
        for each in self.opened:
            each.close()

    def wish(self, account: str = "A", **changed: Any) -> Wish:
        """一个心愿，编号、请求号都是新的。"""
        n = next(self._ids)
        told = {
            "account": account, "command_id": f"c{n}", "request": f"r{n}", "verb": "buy",
            "effect": "order", "arguments": '{"args":[],"kwargs":{}}', "digest": "d",
            "valid_s": 30.0, "host": "H",
        }  # fmt: skip
        return Wish(**{**told, **changed})

    def _open(self) -> Store:
        raise NotImplementedError


class SqliteWorld(World):
    """SQLite 的文件，钟是拨得动的。"""

    kind = "sqlite"

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__()
        self.path = folder / "机 队.sqlite"
        self.ahead_s = 0.0
        self.wall_ahead_s = 0.0
        self._options = options

    def _open(self) -> SqliteStore:
        return SqliteStore(
            self.path,
            clock=lambda: boot_clock.now() + self.ahead_s,
            wall=lambda: time.time() + self.wall_ahead_s,
            **self._options,
        )

    def advance(self, seconds: float) -> None:
        self.ahead_s += seconds

    def kill(self, store: Any) -> bool:
        if store._owner is not None:
            store._owner._lock.release()  # 进程没了就是这样：锁开了，文件还在
        return True

    def hold(self) -> Callable[[], None]:
        import sqlite3

        other = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")

        def let_go() -> None:
            other.execute("ROLLBACK")
            other.close()

        return let_go

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        import sqlite3

        db = sqlite3.connect(self.path)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()


_idle: dict[str, list[Any]] = defaultdict(list)


def close_idle() -> None:
    """留着的都关掉。"""
    for stores in _idle.values():
        for each in stores:
            each.close()
    _idle.clear()


@lru_cache(None)
def _admin(dsn: str) -> Any:
    """管理员的一条连接，一直用着。"""
    import psycopg

    return psycopg.connect(dsn, autocommit=True)


class PostgresWorld(World):
    """PostgreSQL 的一个库；拨钟是把记着的时刻都往前挪。"""

    kind = "postgres"

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn
        self._admin = _admin(dsn)
        self._before = set(threading.enumerate())
        empty = "".join(f"DELETE FROM fleet.{each};" for each in _TABLES)
        # 留底只能添，触发器不许删：这一个事务里不让触发器起作用
        self._admin.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {empty} COMMIT")

    def _open(self) -> Store:
        from easytrader.fleets.address import open_store

        return _idle[self.dsn].pop() if _idle[self.dsn] else open_store(self.dsn)

    def close(self) -> None:
        ours = {each for each in threading.enumerate() if each.name.startswith("easytrader")}
        if ours <= self._before:  # 没有起过线程的，连接留给下一个测试：连一次要服务器 50 毫秒 CPU
            _idle[self.dsn] += self.opened
        else:
            super().close()

    def advance(self, seconds: float) -> None:
        self._admin.execute(_AGO.format(f"interval '{seconds} seconds'"))

    def kill(self, store: Any) -> bool:
        return False

    def hold(self) -> Callable[[], None]:
        self._admin.execute("BEGIN")
        for table in ("command", "holder", "account", "tail"):
            self._admin.execute(f"LOCK TABLE fleet.{table} IN ACCESS EXCLUSIVE MODE")
        return lambda: self._admin.execute("ROLLBACK") and None

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        rows = self._admin.execute(sql.replace(" v_", " fleet.v_")).fetchall()
        plain = {bool: int, dict: json.dumps}
        return [tuple(plain.get(type(one), lambda same: same)(one) for one in row) for row in rows]


def asking(store: Any, account: str = "A", **changed: Any) -> Lease | Held:
    """去做主人：没有说的照常。"""
    told = {
        "owner": f"o-{id(store)}", "box": "box1", "broker": "sim", "groups": (),
        "takeover": "manual", "previous": "", "address": "", "deadline": soon(),
    }  # fmt: skip
    return store.acquire(account, **{**told, **changed})  # type: ignore[no-any-return]


def leased(store: Any, account: str = "A", **changed: Any) -> Lease:
    """做成了主人。"""
    got = asking(store, account, **changed)
    assert isinstance(got, Lease), got
    return got


def held(store: Any, account: str = "A", **changed: Any) -> Held:
    """没有做成。"""
    got = asking(store, account, **changed)
    assert isinstance(got, Held), got
    return got


def outcome(command: Any, state: str = "placed", **changed: Any) -> Outcome:
    """领到的一条有了结果。"""
    told = {"order_id": "7", "answer": '{"result":{"entrust_no":7}}'} if state == "placed" else {}
    return Outcome(
        command.account, command.command_id, command.attempt, state, **{**told, **changed}
    )


def event(n: int, account: str = "A", **changed: Any) -> NewEvent:
    """待传的第 ``n`` 条。"""
    told = {"kind": "order", "data": f'{{"n":{n}}}', "spool": "s1", "n": n}
    return NewEvent(account, **{**told, **changed})


def question(account: str = "A", **changed: Any) -> Question:
    """一个问题。"""
    told = {"number": 0, "verb": "balance", "arguments": "{}", "host": "H", "left_s": 5.0}
    return Question(account=account, **{**told, **changed})


def claimed(store: Any, leases: Sequence[Lease], most: int = 100, **told: Any) -> list[Any]:
    """领到的。"""
    found: list[Any] = store.claim(leases, most, soon(), **told)
    return found
