"""SQLite 文件里的往日的账（`storage.Days`）：每天的委托、成交、资金、持仓，几个程序共用一个文件。

一批一个事务，预写日志：进程随时被杀，丢的只是还没有写的那一批，文件不会坏。
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError
from easytrader.records.guarded import LEFT_BEHIND, Unmoved, connect, patiently, prepare
from easytrader.records.storage import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_APPLICATION_ID: Final = 0x45544459  # "ETDY"
_VERSION: Final = 1
KEEP_ROWS: Final = 500_000
"""留最近这么多行，按整天丢掉最早的：一天几百行的账号是四五年。"""
_DECIMAL: Final = "$decimal"
_CHUNK: Final = 1000

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS kept (day TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " rank TEXT NOT NULL, at REAL NOT NULL, data TEXT NOT NULL, PRIMARY KEY (day, kind, key))"
    " WITHOUT ROWID",
)
_PUT: Final = (
    "INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, kind, key) DO UPDATE"
    " SET rank = excluded.rank, at = excluded.at, data = excluded.data"
    " WHERE excluded.rank >= kept.rank"
)
_READ: Final = (
    "SELECT day, kind, key, rank, at, data FROM kept WHERE day BETWEEN ? AND ?"
    " ORDER BY day, kind, at"
)
_FORGET: Final = (
    "DELETE FROM kept WHERE day < (SELECT day FROM kept ORDER BY day DESC LIMIT 1 OFFSET ?)"
)
_BROKEN: Final = (sqlite3.Error, OSError, ValueError, OverflowError)


class DayFile:
    """一个账号往日的账；不是线程安全的。

    Args:
        path: 文件；第一次用到时才建。
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._files: Unmoved | None = None

    def put(self, rows: Sequence[Kept], deadline: float) -> None:
        """一批记下，全有或全无。"""
        values = [(*each[:5], _written(each.data)) for each in rows]
        try:
            db = self._open(deadline)
            patiently(partial(db.execute, "BEGIN IMMEDIATE"), deadline)
            try:
                db.executemany(_PUT, values)
                db.execute("COMMIT")
            except BaseException:
                self._undo(db)
                raise
        except _BROKEN as exc:
            raise JournalError(f"往日的账 {self.path} 写不进去：{exc}") from exc

    def read(self, first: str, last: str, deadline: float) -> list[Kept]:
        """这几天的；还没有文件为空。"""
        found: list[Kept] = []
        try:
            if self._db is None and not self.path.exists():
                return found
            cursor = self._open(deadline).execute(_READ, (first, last))
            while rows := cursor.fetchmany(_CHUNK):
                found += [Kept(*row)._replace(data=_loaded(row[5])) for row in rows]
                if time.monotonic() > deadline:
                    raise JournalError(f"往日的账 {self.path} 太多，期限内没有读完：日子要得短些")
        except _BROKEN as exc:
            raise JournalError(f"往日的账 {self.path} 读不出来：{exc}") from exc
        return found

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

    def _undo(self, db: sqlite3.Connection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self._db is not None and self._files is not None and not self._files.missing():
            return self._db
        self.close()  # 运行中被移走、删掉了：另建一个
        private_folder(self.path.parent, tighten=True)
        private_file(self.path)
        db = connect(self.path)
        try:
            prepare(db, _SCHEMA, deadline)
            self._check(db, deadline)
            self._files = Unmoved(self.path)
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    def _check(self, db: sqlite3.Connection, deadline: float) -> None:
        (kind,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if kind not in (0, _APPLICATION_ID):
            raise JournalError(f"{self.path} 不是 easytrader 的往日的账，请把它移走")
        if version > _VERSION:
            raise JournalError(f"往日的账 {self.path} 是较新的版本 {version}，请升级 easytrader")
        if not version:
            patiently(partial(db.execute, f"PRAGMA application_id = {_APPLICATION_ID}"), deadline)
            patiently(partial(db.execute, f"PRAGMA user_version = {_VERSION}"), deadline)
        (rows,) = db.execute("SELECT count(*) FROM kept").fetchone()
        if rows > 1.1 * KEEP_ROWS:
            patiently(partial(db.execute, _FORGET, (KEEP_ROWS - 1,)), deadline)


def _written(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """JSON 说不出的：Decimal 原样留住；同形模块的数（numpy）成为普通的数。"""
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    item = getattr(value, "item", None)
    return str(value) if item is None else item()


def _loaded(text: str) -> Any:
    return json.loads(text, object_hook=_unmarked)


def _unmarked(found: dict[str, Any]) -> Any:
    return Decimal(found[_DECIMAL]) if _DECIMAL in found else found
