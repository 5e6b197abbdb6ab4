"""SQLite 文件里的委托编号（`storage.Numbers`）：柜台没有整数编号的，在这里定，重启之后不变。

先记下再发：一笔委托有没有交给过对面，也以这里为准。
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError
from easytrader.records.guarded import LEFT_BEHIND, Unmoved, connect, patiently, prepare
from easytrader.records.storage import MAX_NUMBER, Numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_T = TypeVar("_T")

_APPLICATION_ID: Final = 0x45544E55  # "ETNU"
_VERSION: Final = 1
_KEEP_ROWS: Final = 1_000_000

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS numbers (day TEXT NOT NULL, key TEXT NOT NULL,"
    " number INTEGER NOT NULL, alias INTEGER NOT NULL, remark TEXT NOT NULL,"
    " strategy TEXT NOT NULL, state TEXT NOT NULL, boot TEXT NOT NULL, at REAL NOT NULL,"
    " PRIMARY KEY (key, day)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX IF NOT EXISTS taken ON numbers (day, number) WHERE alias = 0",
    "CREATE INDEX IF NOT EXISTS days ON numbers (day)",
)
_FIND: Final = "SELECT * FROM numbers WHERE key = ? AND day = ?"
_LATEST: Final = "SELECT * FROM numbers WHERE key = ? ORDER BY day DESC LIMIT 1"
_OF_DAY: Final = "SELECT * FROM numbers WHERE day = ?"
_TAKEN: Final = "SELECT 1 FROM numbers WHERE day = ? AND number = ? AND alias = 0"
_INSERT: Final = "INSERT INTO numbers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_CHANGE: Final = (
    "UPDATE numbers SET remark = ?, strategy = ?, state = ?, boot = ?, at = ?"
    " WHERE key = ? AND day = ?"
)
_FORGET: Final = (
    "DELETE FROM numbers WHERE day < (SELECT day FROM numbers ORDER BY day DESC LIMIT 1 OFFSET ?)"
)
_BROKEN: Final = (sqlite3.Error, OSError, ValueError, OverflowError)


class NumberFile:
    """一个账号的委托编号；不是线程安全的，几个程序可以同时用。

    Args:
        path: 文件；第一次用到时才建。
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._files: Unmoved | None = None

    def claim(
        self, rows: Sequence[Numbered], deadline: float, *, inherit: bool = False
    ) -> list[Numbered]:
        """还没有的记下，有的不动；返回记着的。"""

        def work(db: sqlite3.Connection) -> list[Numbered]:
            with db:
                patiently(partial(db.execute, "BEGIN IMMEDIATE"), deadline)
                return [_claim(db, each, inherit) for each in rows]

        return self._do("写不进去", deadline, work)

    def change(self, row: Numbered, deadline: float) -> None:
        """改其余几项。"""
        values = (row.remark, row.strategy, row.state, row.boot, row.at, row.key, row.day)
        self._do(
            "写不进去",
            deadline,
            lambda db: patiently(lambda: db.execute(_CHANGE, values), deadline),
        )

    def of_day(self, day: str, deadline: float) -> list[Numbered]:
        """这一天的。"""
        return self._do(
            "读不出来", deadline, lambda db: [_row(each) for each in db.execute(_OF_DAY, (day,))]
        )

    def latest(self, key: str, deadline: float) -> Numbered | None:
        """最近一天的。"""

        def work(db: sqlite3.Connection) -> Numbered | None:
            found = db.execute(_LATEST, (key,)).fetchone()
            return None if found is None else _row(found)

        return self._do("读不出来", deadline, work)

    def close(self) -> None:
        """关上；再用会重新打开。"""
        db, self._db = self._db, None
        if db is None:
            return
        if self._files is not None and self._files.missing():
            LEFT_BEHIND.append(db)
            return
        with suppress(sqlite3.Error):
            db.close()

    # ---- 内部

    def _do(self, failure: str, deadline: float, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            db = self._open(deadline)
            if db.in_transaction:  # 上一次被打断在半路
                db.execute("ROLLBACK")
            return work(db)
        except _BROKEN as exc:
            raise JournalError(f"委托编号的记录 {self.path} {failure}：{exc}") from exc

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self._db is not None and self._files is not None and not self._files.missing():
            return self._db
        self.close()  # 运行中被移走、删掉了：另建一个
        private_folder(self.path.parent, tighten=True)
        private_file(self.path)
        db = connect(self.path)
        try:
            (kind,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if kind not in (0, _APPLICATION_ID):
                raise JournalError(f"{self.path} 不是 easytrader 的委托编号，请把它移走")
            if version > _VERSION:
                raise JournalError(f"委托编号的记录 {self.path} 是较新的版本，请升级 easytrader")
            prepare(db, _SCHEMA, deadline)
            if not version:
                for pragma in (f"application_id = {_APPLICATION_ID}", f"user_version = {_VERSION}"):
                    patiently(partial(db.execute, f"PRAGMA {pragma}"), deadline)
            (rows,) = db.execute("SELECT count(*) FROM numbers").fetchone()
            if rows > 1.1 * _KEEP_ROWS:
                patiently(partial(db.execute, _FORGET, (_KEEP_ROWS - 1,)), deadline)
            self._files = Unmoved(self.path)
        except BaseException:
            db.close()
            raise
        self._db = db
        return db


def _claim(db: sqlite3.Connection, row: Numbered, inherit: bool) -> Numbered:
    found = db.execute(_FIND, (row.key, row.day)).fetchone()
    if found is not None:
        return _row(found)
    before = db.execute(_LATEST, (row.key,)).fetchone() if inherit else None
    if before is not None:
        row = _row(before)._replace(day=row.day, alias=True)
    number = row.number
    while not row.alias and db.execute(_TAKEN, (row.day, number)).fetchone() is not None:
        number = number % MAX_NUMBER + 1
    made = row._replace(number=number)
    db.execute(_INSERT, made)
    return made


def _row(values: tuple[object, ...]) -> Numbered:
    found = Numbered(*values)  # type: ignore[arg-type]  # 列就是这几项
    return found._replace(alias=bool(found.alias))
