"""委托意向的记录：带 ``client_order_id`` 的委托，发出之前先落盘，有了结果再补上。

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
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.model import Number, OrderId

_T = TypeVar("_T")

SENDING: Final = "sending"
"""正在发，或发的进程中途没了。"""
UNKNOWN: Final = "unknown"
"""发出了，没有应答。"""
PLACED: Final = "placed"
"""柜台有这笔委托，编号已知。"""
REFUSED: Final = "refused"
"""当场被拒绝，没有委托。"""
UNSENT: Final = "unsent"
"""没有发出。"""
ABSENT: Final = "absent"
"""核对过，柜台没有。"""

FREE: Final = frozenset({REFUSED, UNSENT, ABSENT})
"""没有委托存在：同一个 id 可以再发。"""

FILE_NAME: Final = "orders.sqlite"

_APPLICATION_ID: Final = 0x45544A4C  # "ETJL"
_VERSION: Final = 1
_BUSY_S: Final = 0.02
"""别的进程占着文件时，SQLite 一次等这么久；要等更久由我们按期限再试。"""
_FLUSH_S: Final = 1.0
_CLOSE_S: Final = 1.5
_KEEP_ROWS: Final = 500_000
"""只留最近这么多行。按行数而不按日期：系统时间错了也不会把该记得的忘掉。"""
_CHECKPOINT_PAGES: Final = 2000
_BATCH_S: Final = 0.02
_AGAIN_S: Final = 1.0
"""结果写不下去时，隔这么久再试。"""

_SCHEMA: Final = """
CREATE TABLE intents (
    client_order_id TEXT PRIMARY KEY, tag TEXT NOT NULL, state TEXT NOT NULL,
    order_id INTEGER NOT NULL, attempt INTEGER NOT NULL, owner TEXT NOT NULL,
    created REAL NOT NULL, stock_code TEXT NOT NULL, order_type INTEGER NOT NULL,
    price_type INTEGER NOT NULL, price REAL NOT NULL, volume INTEGER NOT NULL
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
    " WHERE client_order_id=? AND attempt=? AND state IN ('sending', 'unknown')"
)
_FIND: Final = "SELECT * FROM intents WHERE client_order_id=?"
_FIND_TAG: Final = "SELECT * FROM intents WHERE tag=?"
_TAG_LENGTH: Final = 9
_UNSETTLED: Final = "SELECT * FROM intents WHERE state IN ('sending', 'unknown') ORDER BY created"
_PLACED_SINCE: Final = (
    "SELECT order_id FROM intents WHERE state='placed' AND created >= ?"
    " ORDER BY created DESC LIMIT 1"
)
_FORGET: Final = (
    "DELETE FROM intents WHERE state NOT IN ('sending', 'unknown') AND created <"
    " (SELECT created FROM intents ORDER BY created DESC LIMIT 1 OFFSET ?)"
)


class Intent(NamedTuple):
    """一行意向。

    Attributes:
        client_order_id: 用户给的 id。
        tag: 备注里的标记。
        stock_code: 证券。
        order_type: 23 买入、24 卖出。
        price_type: 报价类型。
        price: 委托价，元；市价为 0。
        volume: 数量。
        owner: 谁发的（见 `owners.Owner`）。
        state: 见本模块的常量。
        order_id: 委托编号；还不知道为 0。
        attempt: 第几次发。
        created: 这一次发的时刻，Unix 秒。
    """

    client_order_id: str
    tag: str
    stock_code: str
    order_type: int
    price_type: int
    price: Number
    volume: Number
    owner: str
    state: str = SENDING
    order_id: OrderId = 0
    attempt: int = 1
    created: float = 0.0

    @property
    def wish(self) -> tuple[Any, ...]:
        """要做的事：同一个 id 前后两次必须相同。"""
        return (self.stock_code, self.order_type, self.price_type, self.price, self.volume)


class _Outcome(NamedTuple):
    """一次的结果。每笔委托一个，所以不用 dataclass 的 replace：用到时才拼成行。"""

    intent: Intent
    state: str
    order_id: OrderId

    @property
    def values(self) -> tuple[Any, ...]:
        intent = self.intent
        return (self.state, _stored(self.order_id), intent.client_order_id, intent.attempt)

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
        self.lock = threading.Lock()
        self.db = _open(path, deadline)
        # client_order_id → 有了结果、还没有落盘的
        self._fresh: dict[str, _Outcome] = {}
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write, name="easytrader-journal", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """把没有落盘的写完（最多等一小会儿），关闭；可重复调用。"""
        self._closed.set()
        self._wake.set()
        if self._writer is not threading.current_thread():
            self._writer.join(_CLOSE_S)
        with self.lock:
            self.db.close()

    def begin(self, intent: Intent, deadline: float) -> Intent | None:
        """记下要发的这一笔；None 表示记下了、可以发，否则是这个 id 已有的那一行。"""
        fresh = self._fresh.get(intent.client_order_id)
        if fresh is not None:
            return fresh.row
        values = (intent.client_order_id, intent.tag, intent.owner, time.time(), *_wish(intent))

        def insert(db: sqlite3.Connection) -> Intent | None:
            if db.execute(_INSERT, values).rowcount == 1:
                return None
            return self._row(db, intent.client_order_id)

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
            if fresh is not None and self._fresh.get(name) is fresh:
                del self._fresh[name]
            return done

        return self._do("写不进去", deadline, update)

    def settle(self, intent: Intent, state: str, order_id: OrderId = 0) -> None:
        """这一次有了结果（或者说不清）；稍后成批落盘，本进程里马上算数。不阻塞。"""
        self._fresh[intent.client_order_id] = _Outcome(intent, state, order_id)
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

        def once() -> _T:
            # 一次最多占 _BUSY_S。with 拿锁：Ctrl-C 打断在哪里都会放开
            with self.lock:
                if self.db.in_transaction:  # 上一次被打断在半路
                    self.db.execute("ROLLBACK")
                return work(self.db)

        try:
            return _patiently(once, deadline)
        except sqlite3.Error as exc:
            raise JournalError(f"委托记录 {self.path} {failure}：{exc}") from exc

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


def _open(path: Path, deadline: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # 第一次打开要改成 WAL，几个程序同时改会报「锁住了」而不肯等，所以排队
        with FileLock(f"{path}.lock", timeout=max(0.0, deadline - time.monotonic())):
            return _connect(path, deadline)
    except (OSError, Timeout) as exc:
        raise JournalError(f"委托记录 {path} 打不开：{exc}") from exc


def _connect(path: Path, deadline: float) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(
            str(path), timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as exc:
        raise JournalError(f"委托记录 {path} 打不开：{exc}") from exc
    try:
        _patiently(lambda: _prepare(db, path), deadline)
    except sqlite3.Error as exc:
        db.close()
        raise JournalError(
            f"委托记录 {path} 打不开：{exc}；文件坏了的话，核对当日委托之后把它移走"
        ) from exc
    except BaseException:
        db.close()
        raise
    return db


def _patiently(work: Callable[[], _T], deadline: float) -> _T:
    """别的进程占着文件就再试，到期为止。"""
    while True:
        try:
            return work()
        except sqlite3.OperationalError as exc:  # noqa: PERF203  占着才会再来
            if "locked" not in str(exc) or time.monotonic() >= deadline:
                raise


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
            raise JournalError(f"{path} 不是 easytrader 的委托记录，把它移走再来")
        if version > _VERSION:
            raise JournalError(f"委托记录 {path} 是较新的版本 {version}，请升级 easytrader")
        if version == 0:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={_VERSION}")
        (rows,) = db.execute("SELECT count(*) FROM intents").fetchone()
        if rows > 1.2 * _KEEP_ROWS:
            db.execute(_FORGET, (_KEEP_ROWS,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _wish(intent: Intent) -> tuple[Any, ...]:
    stock_code, order_type, price_type, price, volume = intent.wish
    return (stock_code, order_type, price_type, _stored(price), _stored(volume))


def _stored(value: OrderId | Number) -> int | float | str:
    """存进数字列：文字的编号、Decimal 前面加「=」，免得 SQLite 把 ``007``、0.10 改成 7、0.1。"""
    return f"={value}" if isinstance(value, (str, Decimal)) else value


def _loaded(value: Any, kind: Callable[[str], Any]) -> Any:
    return kind(value[1:]) if isinstance(value, str) else value


def _intent(row: tuple[Any, ...]) -> Intent:
    client_order_id, tag, state, order_id, attempt, owner, created, *wish = row
    stock_code, order_type, price_type, price, volume = wish
    return Intent(
        client_order_id,
        tag,
        stock_code,
        order_type,
        price_type,
        _loaded(price, Decimal),
        _loaded(volume, Decimal),
        owner,
        state,
        _loaded(order_id, str),
        attempt,
        created,
    )
