"""委托意向的记录：带 ``client_order_id`` 的委托，发出之前先落盘，有了结果再补上。

同一个 id 能不能发、发过没有，以这里为准：一个 id 一行，谁先插进去谁发。几个进程可以同时打开。

「成为委托了」这一种结果晚几十毫秒成批落盘，不让每笔委托为它多等一次：这之前进程没了也不要紧，
那一行还是「正在发」，下次连接按标记认出来。其余的结果当场落盘。

``synchronous=NORMAL``：进程随时被杀都不丢；整机断电可能丢最后几行，那时委托备注里的标记
（由 id 算出，见 `tags.tag_for`）还在柜台上，连接时会认出来。
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

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
_BUSY_S: Final = 2.0
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
_DOUBT: Final = (
    "UPDATE intents SET state='unknown' WHERE client_order_id=? AND attempt=? AND state='sending'"
)
_FORGET: Final = (
    "DELETE FROM intents WHERE state NOT IN ('sending', 'unknown') AND created <"
    " (SELECT created FROM intents ORDER BY created DESC LIMIT 1 OFFSET ?)"
)


@dataclass(frozen=True, slots=True)
class Intent:
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
    price: float
    volume: int
    owner: str
    state: str = SENDING
    order_id: int = 0
    attempt: int = 1
    created: float = 0.0

    @property
    def wish(self) -> tuple[Any, ...]:
        """要做的事：同一个 id 前后两次必须相同。"""
        return (self.stock_code, self.order_type, self.price_type, self.price, self.volume)


class Journal:
    """一个账号的意向记录。任何线程都可以用，每个操作最多几秒。

    Args:
        path: SQLite 文件；目录不存在就建。

    Raises:
        JournalError: 打不开、不是本库的文件，或版本太新。
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.db = self._open()
        # client_order_id → (成为了委托、还没有落盘的, 委托编号)
        self._placed: dict[str, tuple[Intent, int]] = {}
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write, name="easytrader-journal", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """把没有落盘的写完，关闭；可重复调用。"""
        self._closed.set()
        self._wake.set()
        if self._writer is not threading.current_thread():
            self._writer.join(2 * _BUSY_S)
        with self.lock:
            self.db.close()

    def begin(self, intent: Intent) -> Intent | None:
        """记下要发的这一笔；None 表示记下了、可以发，否则是这个 id 已有的那一行。"""
        if intent.client_order_id in self._placed:
            return self._just_placed(intent.client_order_id)
        values = (
            intent.client_order_id,
            intent.tag,
            intent.owner,
            time.time(),
            *intent.wish,
        )
        with self._using("写不进去") as db:
            if db.execute(_INSERT, values).rowcount == 1:
                return None
            return self._just_placed(intent.client_order_id) or self._row(
                db, intent.client_order_id
            )

    def reopen(self, found: Intent, intent: Intent) -> bool:
        """``found`` 那一次没有成为委托，再发一次；被别人抢先返回 False。"""
        values = (
            intent.tag,
            intent.owner,
            time.time(),
            *intent.wish,
            found.client_order_id,
            found.attempt,
            found.state,
        )
        with self._using("写不进去") as db:
            return db.execute(_REOPEN, values).rowcount == 1

    def place(self, intent: Intent, order_id: int) -> None:
        """这一次成为委托了；稍后落盘。"""
        self._placed[intent.client_order_id] = intent, order_id
        if not self._wake.is_set():
            self._wake.set()

    def doubt(self, intent: Intent) -> None:
        """这一次发出了而没有应答。"""
        with self._using("写不进去") as db:
            db.execute(_DOUBT, (intent.client_order_id, intent.attempt))

    def settle(self, intent: Intent, state: str, order_id: int = 0) -> bool:
        """补上这一次的结果；已经有了结果的不动，返回 False。"""
        values = (state, order_id, intent.client_order_id, intent.attempt)
        with self._using("写不进去") as db:
            return db.execute(_SETTLE, values).rowcount == 1

    def find(self, client_order_id: str) -> Intent | None:
        """这个 id 的那一行。"""
        with self._using("读不出来") as db:
            return self._just_placed(client_order_id) or self._row(db, client_order_id)

    def unsettled(self) -> list[Intent]:
        """结果还不知道的，先发的在前。"""
        with self._using("读不出来") as db:
            rows = db.execute(
                "SELECT * FROM intents WHERE state IN ('sending', 'unknown') ORDER BY created"
            ).fetchall()
            placed = set(self._placed)
        return [_intent(row) for row in rows if row[0] not in placed]

    def placed_since(self, epoch_s: float) -> int:
        """这个时刻以来成为了委托的随便一笔的编号；没有为 0。"""
        with self._using("读不出来") as db:
            row = db.execute(
                "SELECT order_id FROM intents WHERE state='placed' AND created >= ?"
                " ORDER BY created DESC LIMIT 1",
                (epoch_s,),
            ).fetchone()
        return int(row[0]) if row else 0

    # ---- 内部

    def _just_placed(self, client_order_id: str) -> Intent | None:
        """成为了委托、还没有落盘的。"""
        intent, order_id = self._placed.get(client_order_id, (None, 0))
        if intent is None:
            return None
        created = intent.created or time.time()
        return replace(intent, state=PLACED, order_id=order_id, created=created)

    def _write(self) -> None:
        """写的线程：攒一小会儿，一批落盘。"""
        while not self._closed.is_set():
            self._wake.wait()
            self._closed.wait(_BATCH_S)
            self._wake.clear()
            try:
                self._flush()
            except JournalError as exc:
                logger.warning("{}；稍后再试", exc)
                self._closed.wait(_AGAIN_S)
                self._wake.set()
        with suppress(JournalError):
            self._flush()

    def _flush(self) -> None:
        batch = list(self._placed.values())
        if not batch:
            return
        values = [
            (PLACED, order_id, intent.client_order_id, intent.attempt) for intent, order_id in batch
        ]
        with self._using("写不进去") as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.executemany(_SETTLE, values)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            for intent, _ in batch:
                del self._placed[intent.client_order_id]

    def _row(self, db: sqlite3.Connection, client_order_id: str) -> Intent | None:
        found = db.execute(
            "SELECT * FROM intents WHERE client_order_id=?", (client_order_id,)
        ).fetchone()
        return None if found is None else _intent(found)

    def _using(self, failure: str) -> _Using:
        return _Using(self, failure)

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # 第一次打开要改成 WAL，几个程序同时改会报「锁住了」而不肯等，所以排队
            with FileLock(f"{self.path}.lock", timeout=2 * _BUSY_S):
                return self._connect()
        except (OSError, Timeout) as exc:
            raise JournalError(f"委托记录 {self.path} 打不开：{exc}") from exc

    def _connect(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(
                str(self.path), timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as exc:
            raise JournalError(f"委托记录 {self.path} 打不开：{exc}") from exc
        try:
            _prepare(db, self.path)
        except sqlite3.Error as exc:
            db.close()
            raise JournalError(
                f"委托记录 {self.path} 打不开：{exc}；文件坏了的话，核对当日委托之后把它移走"
            ) from exc
        except BaseException:
            db.close()
            raise
        return db


class _Using:
    """拿着锁用数据库；出错说清楚是哪个文件。写成类：每笔委托都要经过，生成器的上下文要慢几微秒。"""

    __slots__ = ("_failure", "_journal")

    def __init__(self, journal: Journal, failure: str) -> None:
        self._journal = journal
        self._failure = failure

    def __enter__(self) -> sqlite3.Connection:
        journal = self._journal
        if not journal.lock.acquire(timeout=2 * _BUSY_S):
            raise JournalError(f"委托记录 {journal.path} {self._failure}：别的线程占着它太久")
        return journal.db

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        self._journal.lock.release()
        if isinstance(exc, sqlite3.Error):
            told = f"委托记录 {self._journal.path} {self._failure}：{exc}"
            raise JournalError(told) from exc


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


def _intent(row: tuple[Any, ...]) -> Intent:
    client_order_id, tag, state, order_id, attempt, owner, created, *wish = row
    stock_code, order_type, price_type, price, volume = wish
    return Intent(
        client_order_id,
        tag,
        stock_code,
        order_type,
        price_type,
        price,
        volume,
        owner,
        state,
        order_id,
        attempt,
        created,
    )
