"""SQLite 文件里的计数（`storage.Counters`）：一个账号一日、一秒发了多少；几个进程共用一个文件。

一秒按 0.1 秒一格记：此刻这一格与之前十格合计，覆盖 1.0 到 1.1 秒，任意一秒都不会超过它。
读与写在同一个 IMMEDIATE 事务里，两个进程不会都拿到最后一个名额。
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader.basics.beijing import OFFSET_S
from easytrader.basics.private import private_file, private_folder
from easytrader.records.guarded import LEFT_BEHIND, Unmoved, connect, patiently, prepare
from easytrader.records.storage import Counted, DayFull, SecondFull

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS: Final = 11
_PER_SECOND: Final = 10
_PATIENCE_S: Final = 0.3
"""期限再远也只等这么久：一次事务只要几十微秒，等得更久就是它停住了。"""
_LEAST_WAIT_S: Final = 0.001
_DAYS_KEPT: Final = 40

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS day (day INTEGER PRIMARY KEY, sent INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pulse (slot INTEGER PRIMARY KEY, sent INTEGER NOT NULL)",
)
_COUNTED: Final = (
    "SELECT (SELECT sent FROM day WHERE day = ?), sum(sent), min(slot), max(slot) FROM pulse"
)
"""一句、一行：每读一行都要放开一次解释器，几个线程都在忙的时候比读本身贵得多。"""
_ADD_DAY: Final = (
    "INSERT INTO day VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET sent = sent + excluded.sent"
)
_ADD_PULSE: Final = (
    "INSERT INTO pulse VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET sent = sent + excluded.sent"
)
_RAISE_DAY: Final = (
    "INSERT INTO day VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET sent = max(sent, excluded.sent)"
)
_FORGET_DAYS: Final = (
    "DELETE FROM day WHERE day NOT IN (SELECT day FROM day ORDER BY day DESC LIMIT ?)"
)


def beijing_day(wall: float) -> int:
    """Unix 秒 → 北京日期的序号。"""
    return int((wall + OFFSET_S) // 86400)


class Tally:
    """一个计数文件；不是线程安全的。

    Args:
        path: 文件；第一次用到时才建。
        wall: 时钟，Unix 秒；每次在事务里读，几个进程的先后才对得上。

    每个方法都可能抛 ``sqlite3.Error`` 与 ``OSError``：什么都没有记上。
    """

    def __init__(self, path: str, wall: Callable[[], float]) -> None:
        self.where = path
        self._wall = wall
        self._db: sqlite3.Connection | None = None
        self._files: Unmoved | None = None
        self._pid = 0

    def add(
        self, limit_s: int | None, limit_day: int | None, deadline: float
    ) -> Counted | SecondFull | DayFull:
        """有名额就记上一次；没有就什么都不记。"""
        db = self._begin(deadline)
        try:
            found = self._add(db, limit_s, limit_day)
            db.execute("COMMIT")
        except BaseException:
            self._undo(db)
            raise
        return found

    def seed(self, count: int, deadline: float) -> None:
        """把今天的数抬到至少 ``count``。"""
        db = self._begin(deadline)
        try:
            db.execute(_RAISE_DAY, (beijing_day(self._wall()), count))
            db.execute("COMMIT")
        except BaseException:
            self._undo(db)
            raise

    def read(self, deadline: float) -> Counted:
        """此刻的数。"""
        db = self._open(deadline)
        wall = self._wall()
        slot = int(wall * _PER_SECOND)
        day = beijing_day(wall)
        pulses = db.execute("SELECT sent FROM pulse WHERE slot > ?", (slot - SLOTS,)).fetchall()
        return Counted(day, _today(db, day), sum(sent for (sent,) in pulses))

    def close(self) -> None:
        """关上；再用会重新打开。"""
        db, self._db = self._db, None
        if db is None:
            return
        if self._pid != os.getpid() or (self._files is not None and self._files.missing()):
            LEFT_BEHIND.append(db)
            return
        with suppress(sqlite3.Error):
            db.close()

    # ---- 内部

    def _add(
        self, db: sqlite3.Connection, limit_s: int | None, limit_day: int | None
    ) -> Counted | SecondFull | DayFull:
        wall = self._wall()
        slot = int(wall * _PER_SECOND)
        day = beijing_day(wall)
        today, second, oldest, newest = db.execute(_COUNTED, (day,)).fetchone()
        today, second = today or 0, second or 0
        if not isinstance(second, int):  # 坏了的：SQLite 把文字加成 0.0
            raise ValueError(f"一秒的计数读不懂：{second!r}")
        if second and (oldest <= slot - SLOTS or newest > slot):
            second = _tidy(db, slot)
        if limit_s is not None and second >= limit_s:
            return SecondFull(second, _wait_s(_pulses(db), second - limit_s + 1, wall))
        if limit_day is not None and today >= limit_day:
            return DayFull(today)
        db.execute(_ADD_PULSE, (slot, 1))
        db.execute(_ADD_DAY, (day, 1))
        if not today:
            db.execute(_FORGET_DAYS, (_DAYS_KEPT,))
        return Counted(day, today + 1, second + 1)

    def _begin(self, deadline: float) -> sqlite3.Connection:
        db = self._open(deadline)
        until = min(deadline, time.monotonic() + _PATIENCE_S)
        try:
            patiently(partial(db.execute, "BEGIN IMMEDIATE"), until)
        except BaseException:
            self._undo(db)
            raise
        return db

    def _undo(self, db: sqlite3.Connection) -> None:
        """放弃这次事务；连不回去的连接不要了，下次重开。"""
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()

    def _open(self, deadline: float) -> sqlite3.Connection:
        already = 0
        if self._db is not None and self._files is not None and self._pid == os.getpid():
            if not self._files.missing():
                return self._db
            with suppress(sqlite3.Error):  # 运行中被移走、删掉了：另建一个，今天已经发的照样算
                already = _today(self._db, beijing_day(self._wall()))
        self.close()
        private_folder(Path(self.where).parent, tighten=True)
        private_file(self.where)
        db = connect(self.where)
        try:
            db.execute("PRAGMA page_size = 1024")  # 每次只改两页，小页写得快
            prepare(db, _SCHEMA, min(deadline, time.monotonic() + _PATIENCE_S))
            if already:
                db.execute(_RAISE_DAY, (beijing_day(self._wall()), already))
        except BaseException:
            db.close()
            raise
        self._db, self._files, self._pid = db, Unmoved(self.where, ()), os.getpid()
        return db


def _today(db: sqlite3.Connection, day: int) -> int:
    row = db.execute("SELECT sent FROM day WHERE day = ?", (day,)).fetchone()
    return row[0] if row else 0


def _pulses(db: sqlite3.Connection) -> dict[int, int]:
    return dict(db.execute("SELECT slot, sent FROM pulse").fetchall())


def _tidy(db: sqlite3.Connection, slot: int) -> int:
    """扔掉过去的格，返回余下的合计。

    将来的格是时钟往回拨过：那些刚发不久，算在此刻这一格里，一秒后忘掉。
    """
    future = sum(sent for each, sent in _pulses(db).items() if each > slot)
    db.execute("DELETE FROM pulse WHERE slot <= ? OR slot > ?", (slot - SLOTS, slot))
    if future:
        db.execute(_ADD_PULSE, (slot, future))
    return sum(_pulses(db).values())


def _wait_s(pulses: dict[int, int], wanted: int, wall: float) -> float:
    """几秒后至少有 ``wanted`` 次过期。"""
    for slot in sorted(pulses):
        wanted -= pulses[slot]
        if wanted <= 0:
            return max(_LEAST_WAIT_S, (slot + SLOTS) / _PER_SECOND - wall)
    raise AssertionError("不会走到这里：要过期的不会比发过的多")
