"""会改变什么的请求，一个请求号一行，落在盘上：断了再问、重启再问，都是同一个答案。

一行的来历：交给交易口之前记下（`PASSED_ON`），有了答案补上（`DONE`）；没有来过而有人问起的，
记成作废（`TOMBSTONE`），它要是还在路上，到了也不再做。谁先插进那一行谁算数，数据库说了算。

只留两个交易日。更早的只记得「有过」（每个 8 字节），答「太旧」，绝不答「没有来过」。

``synchronous=NORMAL``：进程随时被杀都不丢；整机断电可能丢最后几行，那时委托备注里的标记还在柜台上。
转账柜台上没有标记，所以记它的时候等到落盘（``FULL``）。
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.basics import beijing
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError
from easytrader.market import calendar
from easytrader.records.guarded import LEFT_BEHIND, DeadlineLock, Unmoved, connect, patiently

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")

FILE_NAME: Final = "requests.sqlite"

PASSED_ON: Final = "passed_on"
"""交给交易口了（或者就要交）：这次启动的还在办；以前启动的、有答案的，结果未知。"""
DONE: Final = "done"
"""有答案，或者没有做（也是答案）。"""
TOMBSTONE: Final = "tombstone"
"""作废：没有做过，以后也不做。"""
FORGOTTEN: Final = "forgotten"
"""有过，太旧了，别的都不记得。"""

_APPLICATION_ID: Final = 0x45545251  # "ETRQ"
_VERSION: Final = 1
_OPEN_S: Final = 2.0
_FINISH_S: Final = 1.0
_CLOSE_S: Final = 1.5
_REMEMBER_S: Final = 0.5
"""打不开之后，这么久之内不再试。"""
_UNKNOWN_CALENDAR: Final = timedelta(days=14)
"""日历读不懂的时候，留这么多天。"""
_CHECKED_PAGES: Final = 1000
_CHECKPOINT_PAGES: Final = 2000
_BROKEN: Final = (sqlite3.Error, ValueError, OverflowError)

_SCHEMA: Final = (
    "CREATE TABLE requests ("
    " token TEXT NOT NULL, request TEXT NOT NULL, digest BLOB NOT NULL, verb TEXT NOT NULL,"
    " state TEXT NOT NULL, client_order_id TEXT NOT NULL, entrust_no, answer BLOB NOT NULL,"
    " boot TEXT NOT NULL, created REAL NOT NULL, day INTEGER NOT NULL,"
    " PRIMARY KEY (token, request)) WITHOUT ROWID",
    "CREATE TABLE forgotten (mark INTEGER PRIMARY KEY)",
)
_COLUMNS: Final = (
    "token, request, digest, verb, state, client_order_id, entrust_no, answer, boot, created"
)
_INSERT: Final = (
    "INSERT INTO requests SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
    " WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE mark = ?) ON CONFLICT DO NOTHING"
)
_FIND: Final = f"SELECT {_COLUMNS} FROM requests WHERE token=? AND request=?"  # noqa: S608  常数
_SETTLE: Final = (
    "UPDATE requests SET state=?, answer=? WHERE token=? AND request=? AND state='passed_on'"
)
_UNKNOWN: Final = f"SELECT {_COLUMNS} FROM requests WHERE state='passed_on' ORDER BY created"  # noqa: S608
_RECENT: Final = (
    f"SELECT {_COLUMNS} FROM requests WHERE created >= ? AND state <> 'tombstone' ORDER BY created"  # noqa: S608
)
_OTHERS: Final = "SELECT 1 FROM requests WHERE request=? AND token<>? AND state<>'tombstone'"
_OLD: Final = "SELECT token, request FROM requests WHERE day < ?"
_FORGET: Final = "INSERT OR IGNORE INTO forgotten VALUES (?)"
_DROP: Final = "DELETE FROM requests WHERE day < ?"


class Row(NamedTuple):
    """一个请求。

    Attributes:
        token: 令牌的名字；请求号在一个令牌之内唯一。
        request: 请求号。
        digest: 动词与参数的摘要：同一个号两次要做的必须相同。
        verb: 动词。
        state: 见本模块的常量。
        client_order_id: 这笔委托用的；不是委托为空。
        entrust_no: 要撤的那一笔；不是撤单、说不出来为 None。
        answer: 答案，线上的 JSON；还没有为空。
        boot: 哪一次启动记下的。
        created: 什么时候，Unix 秒。
    """

    token: str
    request: str
    digest: bytes = b""
    verb: str = ""
    state: str = PASSED_ON
    client_order_id: str = ""
    entrust_no: int | str | None = None
    answer: bytes = b""
    boot: str = ""
    created: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """主键。"""
        return self.token, self.request


class Requests:
    """一个账号的请求。任何线程都可以用，每个操作都有期限；用到才打开。

    读写不了都抛 `JournalError`：这一步什么都没有改。

    Args:
        folder: 放在哪个文件夹；没有就建。
        wall: Unix 秒的时钟。
    """

    def __init__(self, folder: Path, wall: Callable[[], float] = time.time) -> None:
        self.path = folder / FILE_NAME
        self._wall = wall
        self._lock = DeadlineLock()
        self._opened: tuple[sqlite3.Connection, Unmoved] | None = None
        self._failed: tuple[str, float] = ("", 0.0)
        self._closed = False
        self._tidied = 0
        # 有了答案而没有写下去的：本进程里马上算数，下一次写之前先补
        self._unwritten: dict[tuple[str, str], tuple[str, bytes]] = {}

    def begin(self, row: Row, deadline: float, *, durable: bool = False) -> Row | None:
        """记下这个请求；None 是记下了、可以做，否则是这个号已有的那一行。原子。

        Args:
            row: 要记的；``state`` 是 `DONE` 的连答案一起。
            deadline: 最晚到什么时候（``time.monotonic``）。
            durable: 等到落盘。
        """
        now = self._wall()
        values = (*row._replace(created=now), beijing.day_of(now), _mark(*row.key))

        def insert(db: sqlite3.Connection) -> Row | None:
            new = db.execute(_INSERT, values).rowcount == 1
            if new:
                self._check_unmoved()
                return None
            return self._row(db, row.key) or row._replace(state=FORGOTTEN, answer=b"", boot="")

        return self._do("写不进去", deadline, insert, durable=durable)

    def forbid(self, row: Row, deadline: float) -> Row | None:
        """没有来过的作废，返回 None（早就作废的也是）；来过的返回那一行。原子。"""
        found = self.begin(row._replace(state=TOMBSTONE), deadline)
        return None if found is None or found.state == TOMBSTONE else found

    def finish(self, row: Row, state: str, answer: bytes = b"", *, durable: bool = False) -> None:
        """有了答案（或者核对清楚了）；`PASSED_ON` 的才改得动。不抛异常：写不下去的记着，下次补。"""
        values = (state, answer, *row.key)
        try:
            deadline = time.monotonic() + _FINISH_S
            self._do("写不进去", deadline, lambda db: db.execute(_SETTLE, values), durable=durable)
        except JournalError as exc:
            self._unwritten[row.key] = state, answer
            logger.error("{}；请求 {} 的答案暂时只在内存里，以后补写", exc, row.request)

    def find(self, token: str, request: str, deadline: float) -> Row | None:
        """这个号的那一行；没有来过为 None。"""

        def look(db: sqlite3.Connection) -> Row | None:
            found = self._row(db, (token, request))
            if found is None and _is_forgotten(db, token, request):
                return Row(token, request, state=FORGOTTEN)
            return found

        return self._read_only(deadline, look)

    def done_by_others(self, token: str, request: str, deadline: float) -> bool:
        """别的令牌用过这个号。要翻遍整个表，难得问一次。"""
        sought = (request, token)
        return (
            self._read_only(deadline, lambda db: db.execute(_OTHERS, sought).fetchone()) is not None
        )

    def unknown(self, deadline: float) -> list[Row]:
        """交给了交易口而还没有答案、或答案是未知的，先来的在前。"""

        def look(db: sqlite3.Connection) -> list[Row]:
            rows = [_read(each) for each in db.execute(_UNKNOWN).fetchall()]
            return [each for each in rows if each.key not in self._unwritten]

        return self._read_only(deadline, look)

    def recent(self, prefix: str, since: float, deadline: float) -> list[Row]:
        """``since``（Unix 秒）以来，令牌的名字这样开头的，先来的在前；作废的不在内。"""

        def look(db: sqlite3.Connection) -> list[Row]:
            rows = [_read(each) for each in db.execute(_RECENT, (since,)).fetchall()]
            return [each for each in rows if each.token.startswith(prefix)]

        return self._read_only(deadline, look)

    def close(self) -> None:
        """写完没有写的，关闭；可重复调用。"""
        with suppress(JournalError):
            if self._unwritten:
                self._do("写不进去", time.monotonic() + _CLOSE_S, lambda _: None)
        self._closed = True
        with suppress(TimeoutError):
            self._lock.run(time.monotonic() + _CLOSE_S, self._let_go)

    # ---- 内部

    def _do(
        self,
        failure: str,
        deadline: float,
        work: Callable[[sqlite3.Connection], _T],
        *,
        durable: bool = False,
    ) -> _T:
        """拿着锁做一件事；别的进程占着文件就再试，到期为止。"""

        def step() -> _T:
            db = self._open(deadline)
            if self._unwritten:
                self._flush(db)
            self._tidy(db)
            if not durable:
                return work(db)
            db.execute("PRAGMA synchronous=FULL")
            try:
                return work(db)
            finally:
                db.execute("PRAGMA synchronous=NORMAL")

        return self._locked(failure, deadline, step)

    def _read_only(self, deadline: float, look: Callable[[sqlite3.Connection], _T]) -> _T:
        """只看：盘满了也看得了。"""
        return self._locked("读不出来", deadline, lambda: look(self._open(deadline)))

    def _locked(self, failure: str, deadline: float, step: Callable[[], _T]) -> _T:
        try:
            return patiently(partial(self._lock.run, deadline, step), deadline)
        except (*_BROKEN, TimeoutError) as exc:
            raise JournalError(f"请求记录 {self.path} {failure}：{exc}") from exc

    def _row(self, db: sqlite3.Connection, key: tuple[str, str]) -> Row | None:
        found = db.execute(_FIND, key).fetchone()
        if found is None:
            return None
        row = _read(found)
        told = self._unwritten.get(key)
        return row if told is None else row._replace(state=told[0], answer=told[1])

    def _flush(self, db: sqlite3.Connection) -> None:
        for key, told in list(self._unwritten.items()):
            db.execute(_SETTLE, (*told, *key))
            if self._unwritten.get(key) is told:
                del self._unwritten[key]

    def _check_unmoved(self) -> None:
        """记在一个重启之后看不见的文件里，等于没有记。"""
        assert self._opened is not None
        missing = self._opened[1].missing()
        if missing:
            raise JournalError(
                f"请求记录 {missing} 在打开着的时候被移走、删掉或换掉了；什么都没有发出，"
                "请把它放回去（或者不要了），重新启动服务器"
            )

    def _tidy(self, db: sqlite3.Connection) -> None:
        """换了一天：太旧的只记得有过。"""
        today = beijing.day_of(self._wall())
        if today == self._tidied:
            return
        self._tidied = today
        since = _kept_since(today)
        old = db.execute(_OLD, (since,)).fetchall()
        if not old:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(_FORGET, [(_mark(*each),) for each in old])
            db.execute(_DROP, (since,))
            db.execute("COMMIT")
        except sqlite3.Error as exc:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if "locked" in str(exc):
                self._tidied = 0  # 再试的时候再来
                raise
            logger.warning("请求记录 {} 收拾不了旧的（{}），明天再说", self.path, exc)

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self._closed:
            raise JournalError(f"请求记录 {self.path} 已经关闭；什么都没有发出")
        if self._opened is not None:
            return self._opened[0]
        why, until = self._failed
        if time.monotonic() < until:  # 许多线程同时来：不必一个一个都等到期
            raise JournalError(why)
        try:
            self._opened = _open(self.path, min(deadline, time.monotonic() + _OPEN_S))
        except JournalError as exc:
            self._failed = (str(exc), time.monotonic() + _REMEMBER_S)
            raise
        return self._opened[0]

    def _let_go(self) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        db, files = opened
        if files.missing():  # 关它会按名字删掉别人的 -wal
            LEFT_BEHIND.append(db)
        else:
            db.close()


def _kept_since(today: int) -> int:
    """从哪一天起的还留着：今天（或之前最近的交易日）与它的上一个交易日。"""
    day = date.fromordinal(today)
    last = calendar.last_trading_day(day, past_end=True)
    before = last and calendar.last_trading_day(last - timedelta(days=1), past_end=True)
    return (before or day - _UNKNOWN_CALENDAR).toordinal()


def _mark(token: str, request: str) -> int:
    """只记得有过的，记它：64 比特，几百万个里撞上一个的机会约百万分之一。"""
    text = f"{token}\0{request}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _is_forgotten(db: sqlite3.Connection, token: str, request: str) -> bool:
    told = db.execute("SELECT 1 FROM forgotten WHERE mark=?", (_mark(token, request),)).fetchone()
    return told is not None


def _read(row: tuple[object, ...]) -> Row:
    found = Row(*row)  # type: ignore[arg-type]  # 下面就查
    texts = (found.token, found.request, found.verb, found.client_order_id, found.boot)
    sound = all(isinstance(each, str) for each in texts)
    sound = sound and isinstance(found.digest, bytes) and isinstance(found.answer, bytes)
    if not sound or found.state not in (PASSED_ON, DONE, TOMBSTONE):
        raise ValueError(f"请求 {found.request!r} 那一行读不懂")
    return found


def _open(path: Path, deadline: float) -> tuple[sqlite3.Connection, Unmoved]:
    db: sqlite3.Connection | None = None
    try:
        private_folder(path.parent, tighten=True)
        # 第一次打开要改成 WAL，几个进程同时改会报「锁住了」而不肯等，所以排队
        with FileLock(f"{path}.lock", timeout=max(0.0, deadline - time.monotonic())):
            private_file(path)
            opened = db = connect(path)
            patiently(lambda: _prepare(opened, path), deadline)
            return db, Unmoved(path)
    except BaseException as exc:
        if db is not None:
            db.close()
        if isinstance(exc, (*_BROKEN, OSError, Timeout, NotImplementedError)):
            raise JournalError(f"请求记录 {path} 打不开：{exc}{_remedy(exc)}") from exc
        raise


def _remedy(exc: BaseException) -> str:
    told = str(exc)
    if not isinstance(exc, sqlite3.DatabaseError) or "locked" in told or "full" in told:
        return ""
    return "。文件坏了的话：停下服务器，核对当日委托，把它（连同 -wal、-shm）移走，再启动"


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    db.execute("BEGIN IMMEDIATE")
    try:
        (kind,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if kind != _APPLICATION_ID and (kind or tables):
            raise JournalError(f"{path} 不是 easytrader 的请求记录，请移走它")
        if version > _VERSION:
            raise JournalError(f"请求记录 {path} 是较新的版本 {version}，请升级 easytrader")
        if version == 0:
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={_VERSION}")
        db.execute(_FIND, ("", ""))  # 建表语句坏了的，现在就说
        _is_forgotten(db, "", "")
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        if pages <= _CHECKED_PAGES:
            (told,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if told != "ok":
                raise sqlite3.DatabaseError(f"检查没有通过（{told.splitlines()[-1]}）")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
