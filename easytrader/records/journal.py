"""SQLite 文件里的委托意向（`storage.Intents`）：发出之前先落盘，有了结果再补上。

同一个 id 能不能发、发过没有，以这里为准：一个 id 一行，谁先插进去谁发。几个进程可以同时打开。

结果晚几十毫秒成批落盘，不让每笔委托为它多等一次，磁盘慢、文件被占着也拖不住已经发出的委托。
这之前进程没了也不要紧：那一行还是「正在发」，下次连接按标记核对。

``synchronous=NORMAL``：进程随时被杀都不丢；整机断电可能丢最后几行，那时委托备注里的标记
（由 id 算出，见 `tags.tag_for`）还在柜台上，连接时会认出来。
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.basics import waits
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError
from easytrader.records.guarded import LEFT_BEHIND, DeadlineLock, Unmoved, connect, patiently
from easytrader.records.storage import PLACED, STATES, UNKNOWN, Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.basics.numbers import Number, OrderId

_T = TypeVar("_T")

FILE_NAME: Final = "orders.sqlite"

_APPLICATION_ID: Final = 0x45544A4C  # "ETJL"
_VERSION: Final = 1
_FLUSH_S: Final = 1.0
_CLOSE_S: Final = 1.5
_KEEP_ROWS: Final = 500_000
"""只留最近这么多行。按行数而不按日期：系统时间错了也不会把该记得的忘掉。"""
_CHECKPOINT_PAGES: Final = 2000
_CHECKED_PAGES: Final = 1000
_BATCH_S: Final = 0.02
_AGAIN_S: Final = 1.0
"""结果写不下去时，隔这么久再试。"""
_BROKEN: Final = (sqlite3.Error, ValueError, OverflowError)
"""文件坏了会抛的：坏在文字里的是 UnicodeDecodeError。"""
MOVE_AWAY: Final = (
    "先关掉每一个用这个账号的程序，核对当日委托，再把它（连同 -wal、-shm）移走，然后重新启动"
)

_SCHEMA: Final = """
CREATE TABLE intents (
    client_order_id TEXT PRIMARY KEY, tag TEXT NOT NULL, state TEXT NOT NULL,
    order_id NOT NULL, attempt INTEGER NOT NULL, owner TEXT NOT NULL,
    created REAL NOT NULL, stock_code TEXT NOT NULL, order_type INTEGER NOT NULL,
    price_type INTEGER NOT NULL, price REAL NOT NULL, volume NOT NULL
) WITHOUT ROWID;
"""

_INSERT: Final = (
    "INSERT INTO intents VALUES (?, ?, 'sending', 0, 1, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (client_order_id) DO NOTHING"
)
_REOPEN: Final = (
    "UPDATE intents SET tag=?, state='sending', order_id=0, attempt=attempt+1, owner=?, created=?,"
    " stock_code=?, order_type=?, price_type=?, price=?, volume=?"
    " WHERE client_order_id=? AND attempt=? AND state=?"
)
_SETTLE: Final = (
    "UPDATE intents SET state=?, order_id=?"
    " WHERE client_order_id=? AND attempt=? AND owner=? AND state IN ('sending', 'unknown')"
)
_FIND: Final = "SELECT * FROM intents WHERE client_order_id=?"
_FIND_TAG: Final = "SELECT * FROM intents WHERE tag=?"
_TAG_LENGTH: Final = 9
_UNSETTLED: Final = "SELECT * FROM intents WHERE state IN ('sending', 'unknown') ORDER BY created"
_PLACED_SINCE: Final = (
    "SELECT order_id FROM intents WHERE state='placed' AND created >= ?"
    " ORDER BY created DESC LIMIT 1"
)
_BETWEEN: Final = "SELECT * FROM intents WHERE created >= ? AND created < ? ORDER BY created"
_FORGET: Final = (
    "DELETE FROM intents WHERE state NOT IN ('sending', 'unknown') AND created <"
    " (SELECT created FROM intents ORDER BY created DESC LIMIT 1 OFFSET ?)"
)


class _Outcome(NamedTuple):
    """一次的结果。每笔委托一个，所以不用 dataclass 的 replace：用到时才拼成行。"""

    intent: Intent
    state: str
    order_id: OrderId

    @property
    def values(self) -> tuple[Any, ...]:
        intent = self.intent
        name = intent.client_order_id
        return (self.state, _stored(self.order_id), name, intent.attempt, intent.owner)

    def same_try(self, intent: Intent) -> bool:
        mine = self.intent
        return (mine.owner, mine.attempt) == (intent.owner, intent.attempt)

    @property
    def row(self) -> Intent:
        created = self.intent.created or time.time()
        return self.intent._replace(state=self.state, order_id=self.order_id, created=created)


class Journal:
    """一个账号的意向记录。任何线程都可以用，每个操作都有期限。

    Args:
        path: SQLite 文件；目录不存在就建。
        deadline: 最晚打开到什么时候（``time.monotonic``）。

    Raises:
        JournalError: 打不开、不是本库的文件，或版本太新。
    """

    def __init__(self, path: Path, deadline: float) -> None:
        self.path = path
        self._lock = DeadlineLock()
        self.db, self.files = _open(path, deadline)
        # client_order_id → 有了结果、还没有落盘的
        self._fresh: dict[str, _Outcome] = {}
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._done = False
        self._writer = threading.Thread(target=self._write, name="easytrader-journal", daemon=True)
        try:
            self._writer.start()
        except BaseException:  # Ctrl-C、开不出线程：没有人会来关
            self.close()
            raise

    def close(self) -> None:
        """把没有落盘的写完（最多等一小会儿），关闭；可重复调用。"""
        self._closed.set()
        self._wake.set()
        waits.join(self._writer, _CLOSE_S)
        if self._done:
            return
        if self.files.missing():
            LEFT_BEHIND.append(self.db)
        else:
            with suppress(TimeoutError):
                self._lock.run(time.monotonic() + _CLOSE_S, self.db.close)
        self._done = True

    def begin(self, intent: Intent, deadline: float) -> Intent | None:
        """记下要发的这一笔；None 表示记下了、可以发，否则是这个 id 已有的那一行。"""
        fresh = self._fresh.get(intent.client_order_id)
        if fresh is not None:
            return fresh.row
        values = (intent.client_order_id, intent.tag, intent.owner, time.time(), *_wish(intent))

        def insert(db: sqlite3.Connection) -> Intent | None:
            new = db.execute(_INSERT, values).rowcount == 1
            found = None if new else self._row(db, intent.client_order_id)
            if found is None or found.state != PLACED:  # 别人没有发成的，不要等它
                self._check_unmoved()
            return found

        return self._do("写不进去", deadline, insert)

    def reopen(self, found: Intent, intent: Intent, deadline: float) -> bool:
        """``found`` 那一次没有成为委托，再发一次；被别人抢先返回 False。"""
        name = found.client_order_id
        values = (
            *(intent.tag, intent.owner, time.time(), *_wish(intent)),
            *(name, found.attempt, found.state),
        )

        def update(db: sqlite3.Connection) -> bool:
            with _transaction(db):
                fresh = self._fresh.get(name)
                if fresh is not None:
                    db.execute(_SETTLE, fresh.values)
                done = db.execute(_REOPEN, values).rowcount == 1
            self._check_unmoved()
            if fresh is not None and self._fresh.get(name) is fresh:
                del self._fresh[name]
            return done

        return self._do("写不进去", deadline, update)

    def settle(self, intent: Intent, state: str, order_id: OrderId = 0) -> None:
        """这一次有了结果（或者说不清）；稍后成批落盘，本进程里马上算数。不阻塞。"""
        name = intent.client_order_id
        told = self._fresh.get(name)
        if state == UNKNOWN and told is not None and told.same_try(intent):
            return  # 已经有了结果（Ctrl-C 打断在落盘之前），说不清的不盖过它
        self._fresh[name] = _Outcome(intent, state, order_id)
        if not self._wake.is_set():
            self._wake.set()

    def find(self, client_order_id: str, deadline: float) -> Intent | None:
        """这个 id 的那一行。"""
        return self._do("读不出来", deadline, lambda db: self._row(db, client_order_id))

    def unsettled(self, deadline: float) -> list[Intent]:
        """结果还不知道的，先发的在前。"""
        rows = self._do("读不出来", deadline, lambda db: db.execute(_UNSETTLED).fetchall())
        found = [_intent(row) for row in rows]
        return [each for each in found if each.client_order_id not in self._fresh]

    def placed_since(self, epoch_s: float, deadline: float) -> OrderId:
        """这个时刻以来成为了委托的随便一笔的编号；没有为 0。"""
        row = self._do(
            "读不出来", deadline, lambda db: db.execute(_PLACED_SINCE, (epoch_s,)).fetchone()
        )
        found: OrderId = _loaded(row[0], str) if row else 0
        return found

    def between(self, start_s: float, end_s: float, deadline: float) -> list[Intent]:
        """这一段里发的，先发的在前。"""
        fresh = self._fresh.copy()  # 先抄：读的时候落了盘的，两处都有
        rows = self._do(
            "读不出来", deadline, lambda db: db.execute(_BETWEEN, (start_s, end_s)).fetchall()
        )
        found = [_intent(row) for row in rows]
        told = [fresh.get(each.client_order_id) for each in found]
        return [
            each if outcome is None else outcome.row._replace(created=each.created)
            for each, outcome in zip(found, told, strict=True)
        ]

    # ---- 内部

    def _row(self, db: sqlite3.Connection, client_order_id: str) -> Intent | None:
        fresh = self._fresh.get(client_order_id)
        if fresh is not None:
            return fresh.row
        found = db.execute(_FIND, (client_order_id,)).fetchone()
        if found is None and len(client_order_id) == _TAG_LENGTH:  # 也许是标记
            found = db.execute(_FIND_TAG, (client_order_id,)).fetchone()
        return None if found is None else _intent(found)

    def _do(self, failure: str, deadline: float, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """拿着锁做一件事；别的进程占着文件就再试，到期为止。"""

        def step() -> _T:
            if self.db.in_transaction:  # 上一次被打断在半路
                self.db.execute("ROLLBACK")
            return work(self.db)

        try:
            return patiently(partial(self._lock.run, deadline, step), deadline)
        except (*_BROKEN, TimeoutError) as exc:
            raise JournalError(f"委托记录 {self.path} {failure}：{exc}{_remedy(exc)}") from exc

    def _check_unmoved(self) -> None:
        """记下之后、发出之前：记在一个别的程序看不见的文件里，等于没有记。"""
        missing = self.files.missing()
        if missing:
            raise JournalError(
                f"委托记录 {missing} 在打开着的时候被移走、删掉或换掉了；什么都没有发出。"
                f"先关掉每一个用这个账号的程序，再把它放回去（或者不要了），然后重新启动"
            )

    def _write(self) -> None:
        """写的线程：攒一小会儿，一批落盘。"""
        while not self._closed.is_set():
            self._wake.wait()
            self._closed.wait(_BATCH_S)
            self._wake.clear()
            try:
                self._flush()
            except JournalError as exc:
                logger.warning("{}；稍后再试，标记在柜台上，不会重复", exc)
                self._closed.wait(_AGAIN_S)
                self._wake.set()
        with suppress(JournalError):
            self._flush()

    def _flush(self) -> None:
        batch = list(self._fresh.copy().items())  # copy 一步做完，别的线程改不到一半
        if not batch:
            return

        def update(db: sqlite3.Connection) -> None:
            with _transaction(db):
                db.executemany(_SETTLE, [outcome.values for _, outcome in batch])
            for name, outcome in batch:
                if self._fresh.get(name) is outcome:
                    del self._fresh[name]

        self._do("写不进去", time.monotonic() + _FLUSH_S, update)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _open(path: Path, deadline: float) -> tuple[sqlite3.Connection, Unmoved]:
    try:
        private_folder(path.parent, tighten=True)
        # 第一次打开要改成 WAL，几个程序同时改会报「锁住了」而不肯等，所以排队
        with FileLock(f"{path}.lock", timeout=max(0.0, deadline - time.monotonic())):
            private_file(path)
            db = _connect(path, deadline)
            return db, Unmoved(path)
    except (OSError, Timeout, NotImplementedError) as exc:  # 最后一个：文件系统不会上锁
        raise JournalError(f"委托记录 {path} 打不开：{exc}") from exc


def _connect(path: Path, deadline: float) -> sqlite3.Connection:
    db: sqlite3.Connection | None = None
    try:
        db = connect(path)
        opened = db
        patiently(lambda: _prepare(opened, path), deadline)
    except BaseException as exc:
        if db is not None:
            db.close()
        if isinstance(exc, _BROKEN):
            raise JournalError(f"委托记录 {path} 打不开：{exc}{_remedy(exc)}") from exc
        raise
    return db


def _remedy(exc: Exception) -> str:
    told = str(exc)
    if isinstance(exc, TimeoutError) or "locked" in told or "full" in told:
        return ""
    return f"。文件坏了的话：{MOVE_AWAY}"


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    db.execute("BEGIN IMMEDIATE")  # 两个进程同时第一次打开：只有一个建表
    try:
        (kind,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if kind != _APPLICATION_ID and (kind or tables):
            raise JournalError(f"{path} 不是 easytrader 的委托记录：{MOVE_AWAY}")
        if version > _VERSION:
            raise JournalError(f"委托记录 {path} 是较新的版本 {version}，请升级 easytrader")
        if version == 0:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={_VERSION}")
        db.execute(_FIND, ("",))  # 建表语句坏了的，现在就说
        _check_sound(db)
        (rows,) = db.execute("SELECT count(*) FROM intents").fetchone()
        if rows > 1.2 * _KEEP_ROWS:
            db.execute(_FORGET, (_KEEP_ROWS,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _check_sound(db: sqlite3.Connection) -> None:
    """截断、坏了一页的文件里，有的行会悄悄没有了。大的不查：柜台上的标记还认得出今天的。"""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    if pages <= _CHECKED_PAGES:
        (told,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise sqlite3.DatabaseError(f"检查没有通过（{told.splitlines()[-1]}）")


def _wish(intent: Intent) -> tuple[Any, ...]:
    stock_code, order_type, price_type, price, volume = intent.wish
    return (stock_code, order_type, price_type, _stored(price), _stored(volume))


def _stored(value: OrderId | Number) -> int | float | str:
    """存进数字列：文字的编号、Decimal 前面加「=」，免得 SQLite 把 ``007``、0.10 改成 7、0.1。"""
    return f"={value}" if isinstance(value, (str, Decimal)) else value


def _loaded(value: Any, kind: Callable[[str], Any]) -> Any:
    """`_stored` 的反面；读不懂的原样返回。"""
    if not isinstance(value, str):
        return value
    try:
        return kind(value.removeprefix("="))
    except ArithmeticError:
        return value


def _intent(row: tuple[Any, ...]) -> Intent:
    name, tag, state, order_id, attempt, owner, created, code, kind, how, price, volume = row
    price, volume, order_id = (
        _loaded(price, Decimal),
        _loaded(volume, Decimal),
        _loaded(order_id, str),
    )
    texts, numbers = (name, tag, owner, code), (attempt, created, kind, how, price, volume)
    sound = all(isinstance(each, str) for each in texts)
    sound = sound and all(isinstance(each, (int, float, Decimal)) for each in numbers)
    sound = sound and isinstance(order_id, (int, str))
    if not sound or state not in STATES:
        raise ValueError(f"{name!r} 那一行读不懂")
    wish = (code, kind, how, price, volume)
    return Intent(name, tag, *wish, owner, state, order_id, attempt, created)
