"""`SqliteStore`：一台机器上的几个程序共用一个 SQLite 文件；表与 PostgreSQL 的一样，见 `store`。

期限按开机以来的钟（`basics.boot_clock`）：墙上的钟怎么拨都不影响，重新开机之后以前的一律过期。
主人不在了由文件锁看出来，不必等租约到期。登录名是操作系统的用户，什么身份都有：
能写这个文件的人本来就什么都能做。
"""

from __future__ import annotations

import getpass
import json
import math
import os
import secrets
import sqlite3
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from filelock import FileLock

from easytrader.basics import beijing, boot_clock
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError, RiskRefusedError, UsageError
from easytrader.fleets import checks
from easytrader.fleets.words import (
    ABSENT,
    ALARMS,
    FENCE_S,
    FLEET,
    FREE,
    PROTOCOL,
    QUEUED,
    SEND_BY_S,
    SENDING,
    STATES,
    TTL_S,
    UNKNOWN,
    AccountRow,
    Beat,
    Budget,
    Command,
    FencedError,
    Greeting,
    Held,
    Lease,
    NewEvent,
    Outcome,
    Posted,
    Question,
    StoredEvent,
    StoreDownError,
    StoreUnknownError,
    Switch,
    Wish,
)
from easytrader.records.guarded import LEFT_BEHIND, DeadlineLock, Unmoved, connect, patiently
from easytrader.records.lease import FileOwner
from easytrader.wire import errors, values, verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from easytrader.fleets.store import Store

_T = TypeVar("_T")

KEEP_EVENTS: Final = 200_000
"""每个账号留最近这么多条事件。"""
ROLES: Final = ("agent", "strategy", "operator", "audit")
_APPLICATION_ID: Final = 0x45544653  # "ETFS"
_POLL_S: Final = 0.02
"""隔这么久看一眼别的进程写过没有。"""
_HINT_S: Final = 0.05
_CLOSE_S: Final = 1.0
_TRIM_EVERY: Final = 1000
_QUESTION_KEPT_S: Final = 60.0
_SKEW_S: Final = 1.0
_BROKEN: Final = (sqlite3.Error, OSError, ValueError, OverflowError)

_COMMAND: Final = (
    "account, command_id, request, verb, effect, arguments, digest, number, strategy, host, limits,"
    " login, state, reason, epoch, attempt, order_id, answer, seq, valid_until, created_at,"
    " settled_at"
)

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE account (
    account TEXT PRIMARY KEY, broker TEXT NOT NULL, groups TEXT NOT NULL, box TEXT NOT NULL,
    epoch INTEGER NOT NULL, owner TEXT NOT NULL, lock TEXT NOT NULL, lease_until REAL NOT NULL,
    quiet_at REAL NOT NULL, last_no INTEGER NOT NULL, idle INTEGER NOT NULL,
    takeover TEXT NOT NULL, takeover_to TEXT NOT NULL, protocol INTEGER NOT NULL,
    hello TEXT NOT NULL, glance TEXT NOT NULL, glance_at REAL NOT NULL, address TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE command (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, command_id TEXT NOT NULL,
    request TEXT NOT NULL UNIQUE, verb TEXT NOT NULL, effect TEXT NOT NULL,
    arguments TEXT NOT NULL, digest TEXT NOT NULL, strategy TEXT NOT NULL, host TEXT NOT NULL,
    limits TEXT NOT NULL, login TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    epoch INTEGER NOT NULL, attempt INTEGER NOT NULL, order_id TEXT NOT NULL,
    answer TEXT NOT NULL, seq INTEGER, valid_until REAL NOT NULL, created_at REAL NOT NULL,
    claimed_at REAL NOT NULL, settled_at REAL NOT NULL, UNIQUE (account, command_id)
);
CREATE INDEX command_open ON command (account, number)
    WHERE state IN ('queued', 'sending', 'unknown');
CREATE TABLE past AS SELECT * FROM command WHERE 0;
CREATE UNIQUE INDEX past_request ON past (request);
CREATE TABLE tombstone (request TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE event (
    account TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    command_id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE INDEX event_alarm ON event (at) WHERE
    kind IN ('clock', 'duplicate', 'late_order', 'spool_full', 'stale_lease', 'stranger');
CREATE TABLE spool_mark (
    account TEXT NOT NULL, spool TEXT NOT NULL, upto INTEGER NOT NULL,
    PRIMARY KEY (account, spool)
) WITHOUT ROWID;
CREATE TABLE question (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, verb TEXT NOT NULL,
    arguments TEXT NOT NULL, host TEXT NOT NULL, login TEXT NOT NULL, until REAL NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0, answer TEXT
);
CREATE TABLE budget (
    scope TEXT NOT NULL, kind TEXT NOT NULL, allowed INTEGER NOT NULL, PRIMARY KEY (scope, kind)
) WITHOUT ROWID;
CREATE TABLE draw (
    scope TEXT NOT NULL, kind TEXT NOT NULL, day INTEGER NOT NULL, host TEXT NOT NULL,
    amount INTEGER NOT NULL, PRIMARY KEY (scope, kind, day, host)
) WITHOUT ROWID;
CREATE TABLE switch (
    scope TEXT PRIMARY KEY, cancel_open INTEGER NOT NULL, why TEXT NOT NULL, by TEXT NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
    audit_no INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, login TEXT NOT NULL,
    action TEXT NOT NULL, scope TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'audit 只能添，不能改、不能删'); END;
CREATE TRIGGER audit_here BEFORE DELETE ON audit BEGIN
    SELECT raise(ABORT, 'audit 只能添，不能改、不能删'); END;
CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE hint (
    number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, source TEXT NOT NULL
);
CREATE VIEW v_commands AS
    SELECT account, command_id, number AS command_no, attempt, request, verb, effect, arguments,
        strategy, login, host, state, reason, epoch, order_id, nullif(answer, '') AS answer,
        created_at, nullif(claimed_at, 0) AS claimed_at, nullif(settled_at, 0) AS settled_at
    FROM command;
CREATE VIEW v_events AS
    SELECT account, number AS event_no, date(at + 28800, 'unixepoch') AS day, kind, data,
        command_id, at
    FROM event;
CREATE VIEW v_alarms AS
    SELECT account, number AS event_no, date(at + 28800, 'unixepoch') AS day, kind, data,
        command_id, at
    FROM event
    WHERE kind IN ('clock', 'duplicate', 'late_order', 'spool_full', 'stale_lease', 'stranger');
CREATE VIEW v_switches AS SELECT scope, cancel_open, why, by AS by_login, at FROM switch;
CREATE VIEW v_audit AS SELECT audit_no, at, login, action, scope, data FROM audit
"""
"""``v_…`` 的列与 PostgreSQL 的同名（这里的时刻是 Unix 秒），给人用 SQL 查；列的意思见文档。"""

_OPEN: Final = "state IN ('queued', 'sending', 'unknown')"
"""查没有结果的都写上它：与索引的条件一字不差，SQLite 才用得上那个索引。"""
_QUEUED: Final = f"{_OPEN} AND state = 'queued'"
_ALARMS: Final = f"kind IN {tuple(sorted(ALARMS))}"
_LEFT: Final = f"{_OPEN} AND state != 'queued'"


class _Clocks(NamedTuple):
    """开机以来的、墙上的；测试换成自己的。"""

    boot: Callable[[], float] = boot_clock.now
    wall: Callable[[], float] = time.time


class SqliteStore:
    """见 `store.Store` 与模块说明。用到时才打开文件；文件夹不存在就建。

    Args:
        path: SQLite 文件。
        clock: 开机以来的钟，同一台机器上的几个进程看到的是同一个。
        wall: 墙上的钟，只给人看。
        keep_events: 每个账号留最近多少条事件。
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = boot_clock.now,
        wall: Callable[[], float] = time.time,
        keep_events: int = KEEP_EVENTS,
    ) -> None:
        self.path = Path(path)
        self.where = f"SQLite {self.path}"
        self._clocks = _Clocks(clock, wall)
        self._keep = keep_events
        self._lock = DeadlineLock()
        self._db: sqlite3.Connection | None = None
        self._files: Unmoved | None = None
        self._owner: FileOwner | None = None
        self._pid = os.getpid()
        self._closed = threading.Event()
        self._topics = _Topics()
        self._login = _login()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r})"

    # ---- 打开

    def greet(self, deadline: float) -> Greeting:
        """连上，互报版本。"""

        def read(db: sqlite3.Connection) -> Greeting:
            return Greeting(
                str(_meta(db, "identity")),
                _timeline(self.path),
                PROTOCOL,
                self._login,
                ROLES,
                self._clocks.wall(),
                f"SQLite {sqlite3.sqlite_version}",
            )

        return self._read(read, deadline)

    # ---- 策略

    def post(self, wish: Wish, deadline: float) -> Posted:
        """记下一条命令；原子。"""
        checks.wish(wish)
        until = self._clocks.boot() + wish.valid_s

        def write(db: sqlite3.Connection) -> Posted:
            account = self._account(db, wish.account)
            known = self._request(db, wish.request)
            if known is not None:
                if (known.account, known.command_id) != (wish.account, wish.command_id):
                    raise UsageError("request", wish.request, "这个请求号已经用在另一条命令上")
                _same_wish(known, wish)
                return Posted(known, False, "")
            if _buried(db, wish.request):
                raise StoreDownError("这个请求已经作废，什么都没有记下")
            found = self._command(db, "account=? AND command_id=?", wish.account, wish.command_id)
            if found is not None:
                _same_wish(found, wish)
                if found.state not in FREE:
                    return Posted(found, False, "")
            if self._clocks.boot() > until:
                raise StoreDownError(f"路上耽搁过了 {wish.valid_s:g} 秒，什么都没有记下")
            self._put(db, wish, found, until)
            fresh = self._command(db, "request=?", wish.request)
            assert fresh is not None
            _touch(db, self._clocks.boot())
            return Posted(fresh, True, _rouse(db, account))

        return self._write(write, deadline)

    def withdraw(self, account: str, request: str, deadline: float) -> Command | None:
        """不要了。"""
        checks.name("account", account)
        checks.name("request", request)

        def write(db: sqlite3.Connection) -> Command | None:
            self._account(db, account)
            found = self._request(db, request)
            if found is not None and found.account != account:
                raise UsageError("request", request, f"这个请求号不是 {account} 的")
            if found is None:
                db.execute(
                    "INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (request, self._clocks.wall())
                )
                return None
            if found.state != QUEUED:
                return found
            self._unsend(db, found.number, "withdrawn")
            return self._command(db, "number=?", found.number)

        return self._write(write, deadline)

    def outcomes(self, numbers: Sequence[int], deadline: float) -> list[Command]:
        """这几条此刻的样子。"""
        wanted = json.dumps(checks.numbers(numbers))
        return self._read(
            lambda db: self._commands(
                db, "number IN (SELECT value FROM json_each(?)) ORDER BY number", wanted
            ),
            deadline,
        )

    def find(self, account: str, command_id: str, deadline: float) -> Command | None:
        """``command_id`` 的那一条。"""
        checks.name("account", account)
        checks.name("command_id", command_id)

        def read(db: sqlite3.Connection) -> Command | None:
            self._account(db, account)
            return self._command(db, "account=? AND command_id=?", account, command_id)

        return self._read(read, deadline)

    def ask(self, question: Question, deadline: float) -> tuple[int, str]:
        """问一句。"""
        checks.question(question)
        until = self._clocks.boot() + question.left_s

        def write(db: sqlite3.Connection) -> tuple[int, str]:
            account = self._account(db, question.account)
            now = self._clocks.boot()
            db.execute("DELETE FROM question WHERE until < ?", (now - _QUESTION_KEPT_S,))
            number = db.execute(
                "INSERT INTO question (account, verb, arguments, host, login, until)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*question[1:5], self._login, until),
            ).lastrowid
            assert number is not None
            return number, _rouse(db, account)

        return self._write(write, deadline, durable=False)

    def replies(self, numbers: Sequence[int], deadline: float) -> dict[int, str]:
        """有了回答的；拿走就没有了。"""
        wanted = json.dumps(checks.numbers(numbers))
        within = "number IN (SELECT value FROM json_each(?)) AND answer IS NOT NULL"

        def some(db: sqlite3.Connection) -> bool:
            found = db.execute(f"SELECT 1 FROM question WHERE {within}", (wanted,))  # noqa: S608
            return found.fetchone() is not None

        def write(db: sqlite3.Connection) -> dict[int, str]:
            told = db.execute(f"SELECT number, answer FROM question WHERE {within}", (wanted,))  # noqa: S608
            found = dict(told.fetchall())
            db.execute(f"DELETE FROM question WHERE {within}", (wanted,))  # noqa: S608
            return found

        if not self._read(some, deadline):
            return {}
        return self._write(write, deadline, durable=False)

    def read(self, account: str, after: int, most: int, deadline: float) -> list[StoredEvent]:
        """编号大于 ``after`` 的，旧的在前。"""
        checks.name("account", account)
        given = (account, checks.whole("after", after), checks.whole("most", most))

        def read(db: sqlite3.Connection) -> list[StoredEvent]:
            self._account(db, account)
            rows = db.execute(
                "SELECT * FROM event WHERE account=? AND number > ? ORDER BY number LIMIT ?", given
            )
            return [StoredEvent(*row) for row in rows]

        return self._read(read, deadline)

    def accounts(self, deadline: float, names: Iterable[str] | None = None) -> list[AccountRow]:
        """看得见的账号。"""
        wanted = None if names is None else set(checks.names("names", names))

        def read(db: sqlite3.Connection) -> list[AccountRow]:
            rows = db.execute(
                "SELECT *, (SELECT count(*) FROM command WHERE command.account = account.account"  # noqa: S608
                f" AND {_OPEN}) AS open,"
                " (SELECT min(number) FROM event WHERE event.account = account.account) AS first_no"
                " FROM account ORDER BY account"
            )
            return [
                self._shown(row)
                for row in map(partial(_named, rows), rows.fetchall())
                if wanted is None or row["account"] in wanted
            ]

        return self._read(read, deadline)

    def bump(self, account: str, deadline: float) -> int:
        """最近一条事件的编号。"""
        checks.name("account", account)
        return self._read(lambda db: int(self._account(db, account)["last_no"]), deadline)

    # ---- 代理

    def acquire(
        self,
        account: str,
        *,
        owner: str,
        box: str,
        broker: str,
        groups: Sequence[str],
        takeover: str,
        previous: str,
        address: str,
        deadline: float,
    ) -> Lease | Held:
        """做一个账号的主人。"""
        checks.name("account", account)
        checks.name("owner", owner)
        checks.name("box", box)
        checks.name("broker", broker)
        grouped = json.dumps(checks.names("groups", groups), ensure_ascii=False)
        checks.takeover(takeover)
        checks.name("previous", previous, empty=True)
        checks.name("address", address, empty=True)
        lock = self._living(deadline)

        def write(db: sqlite3.Connection) -> Lease | Held:
            now = self._clocks.boot()
            row = self._account_or_none(db, account)
            settle_after_s = 0.0
            if row is None:
                db.execute(
                    "INSERT INTO account VALUES (?, '', '[]', '', 0, '', '', 0, 0, 0, 0, '', '', 0,"
                    " '', '', 0, '')",
                    (account,),
                )
            else:
                dead = bool(row["owner"]) and (
                    (row["owner"] == previous and row["box"] == box)
                    or (row["lock"] != lock.name and not lock.is_alive(row["lock"], time.time()))
                )
                mine = row["owner"] == owner
                if row["owner"] and row["lease_until"] > now and not (dead or mine):
                    return Held(account, row["box"], _living(row, box, now))
                refused = _not_my_turn(row, box, takeover)
                if refused:
                    return Held(account, row["box"], refused)
                # 存储的钟跳过、换过，也至少等到它领走的都过了「最晚几时发」
                # 我自己换一任：在办的我知道，不必等
                least_s = SEND_BY_S if row["owner"] else 0.0
                settle_after_s = 0.0 if dead or mine else max(least_s, row["quiet_at"] - now)
            db.execute(
                "UPDATE account SET broker=?, groups=?, box=?, epoch=epoch+1, owner=?, lock=?,"
                " lease_until=?, quiet_at=?, idle=0, takeover=?, takeover_to='', protocol=?,"
                " address=? WHERE account=?",
                (broker, grouped, box, owner, lock.name, now + TTL_S, now + FENCE_S + SEND_BY_S,
                 takeover, PROTOCOL, address, account),
            )  # fmt: skip
            _touch(db, now)
            row = self._account(db, account)
            told = {"box": box, "epoch": row["epoch"], "owner": owner}
            self._note(db, "owner", f"account:{account}", {"now": told})
            return Lease(
                account, row["epoch"], owner, row["last_no"], settle_after_s, _timeline(self.path)
            )

        return self._write(write, deadline)

    def renew(self, leases: Sequence[Lease], deadline: float) -> Beat:
        """续租，一台机器的一起。"""

        def write(db: sqlite3.Connection) -> Beat:
            now = self._clocks.boot()
            kept = set()
            for lease in leases:
                row = self._held(db, lease)
                if row is not None and row["takeover_to"] in ("", row["box"]):
                    kept.add(lease.account)
                    db.execute(
                        "UPDATE account SET lease_until=?, quiet_at=? WHERE account=?",
                        (now + TTL_S, now + FENCE_S + SEND_BY_S, lease.account),
                    )
            if kept:
                _touch(db, now)
            return Beat(
                frozenset(kept),
                self._has_work(db, kept),
                tuple(_switches(db)),
                self._clocks.wall(),
                _timeline(self.path),
            )

        return self._write(write, deadline, durable=False)

    def release(self, leases: Sequence[Lease], deadline: float) -> None:
        """不做主人了。"""

        def write(db: sqlite3.Connection) -> None:
            now = self._clocks.boot()
            for lease in leases:
                if self._held(db, lease) is not None:
                    db.execute(
                        "UPDATE account SET owner='', lock='', lease_until=?, quiet_at=?, idle=0"
                        " WHERE account=?",
                        (now, now + SEND_BY_S, lease.account),
                    )

        self._write(write, deadline)

    def publish(self, lease: Lease, hello: str, glance: str, deadline: float) -> None:
        """写上自己的样子；已经不是自己的了就不写。"""
        checks.text("hello", hello)
        checks.text("glance", glance)

        def write(db: sqlite3.Connection) -> None:
            if self._held(db, lease) is not None:
                db.execute(
                    "UPDATE account SET hello=?, glance=?, glance_at=? WHERE account=?",
                    (hello, glance, self._clocks.boot(), lease.account),
                )

        self._write(write, deadline, durable=False)

    def claim(
        self, leases: Sequence[Lease], most: int, deadline: float, *, busy: Collection[str] = ()
    ) -> list[Command]:
        """领走一批：撤单在前，别的先来先领。"""
        checks.whole("most", most, 1)
        full = json.dumps(checks.names("busy", busy))
        dropped: list[str] = []

        def write(db: sqlite3.Connection) -> list[Command]:
            now = self._clocks.boot()
            held = {}
            for lease in leases:
                row = self._held(db, lease)
                if row is not None and row["lease_until"] > now:
                    held[lease.account] = row
            stopped = {each.scope: each for each in _switches(db)}
            db.executemany(  # 忙着：会自己看到，不用叫
                "UPDATE account SET idle=0 WHERE account=? AND idle",
                [(each,) for each in held],
            )
            taken: list[int] = []
            while len(taken) < most:  # 过期的、挡下来的不占名额
                waiting = self._commands(
                    db,
                    f"{_QUEUED} AND account IN (SELECT value FROM json_each(?)) AND"  # noqa: S608
                    " (effect = 'cancel' OR account NOT IN (SELECT value FROM json_each(?)))"
                    " ORDER BY effect != 'cancel', number LIMIT ?",
                    json.dumps(list(held)),
                    full,
                    most - len(taken),
                )
                if not waiting:
                    break
                for each in waiting:
                    if self._hand_out(db, each, held[each.account], stopped):
                        taken.append(each.number)
                    else:
                        dropped.append(each.host)
            wanted = json.dumps(taken)
            return self._commands(
                db,
                "number IN (SELECT value FROM json_each(?)) ORDER BY effect != 'cancel', number",
                wanted,
            )

        got = self._write(write, deadline)
        self.hint(dropped)
        return got

    def left_over(self, lease: Lease, deadline: float) -> list[Command]:
        """以前各任领走而没有结果的；再问一次还是这些。"""

        def write(db: sqlite3.Connection) -> list[Command]:
            self._mine(db, lease)
            db.execute(
                f"UPDATE command SET state='unknown', epoch=? WHERE account=? AND {_LEFT}"  # noqa: S608
                " AND epoch < ?",
                (lease.epoch, lease.account, lease.epoch),
            )
            return self._commands(
                db, f"account=? AND {_OPEN} AND state='unknown' ORDER BY number", lease.account
            )

        return self._write(write, deadline)

    def settle(
        self,
        leases: Sequence[Lease],
        outcomes: Sequence[Outcome],
        events: Sequence[NewEvent],
        deadline: float,
    ) -> dict[str, int]:
        """结果与事件一起记下，原子。"""
        epochs = {each.account: each.epoch for each in leases}
        wanted = [checks.outcome(each).account for each in outcomes]
        wanted += [checks.event(each).account for each in events]
        for account in wanted:
            if account not in epochs:
                raise UsageError("account", account, "不在给的租约里")

        def write(db: sqlite3.Connection) -> dict[str, int]:
            last = {lease.account: int(self._mine(db, lease)["last_no"]) for lease in leases}
            for outcome in outcomes:
                self._settle(db, outcome, epochs[outcome.account])
            for event in events:
                if self._fresh(db, event):
                    last[event.account] += 1
                    number = last[event.account]
                    db.execute(
                        "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                        (event.account, number, event.kind, event.data, event.command_id,
                         self._clocks.wall()),
                    )  # fmt: skip
                    if number % _TRIM_EVERY == 0 or self._keep < _TRIM_EVERY:
                        db.execute(
                            "DELETE FROM event WHERE account=? AND number <= ?",
                            (event.account, number - self._keep),
                        )
            rows = [(number, account) for account, number in last.items()]
            db.executemany("UPDATE account SET last_no=? WHERE account=?", rows)
            return last

        return self._write(write, deadline)

    def questions(self, leases: Sequence[Lease], most: int, deadline: float) -> list[Question]:
        """拿走要答的问题。"""
        checks.whole("most", most, 1)

        def write(db: sqlite3.Connection) -> list[Question]:
            now = self._clocks.boot()
            held = [each.account for each in leases if self._held(db, each) is not None]
            rows = db.execute(
                "SELECT number, account, verb, arguments, host, until, login FROM question"
                " WHERE NOT taken AND until > ? AND account IN (SELECT value FROM json_each(?))"
                " ORDER BY number LIMIT ?",
                (now, json.dumps(held), most),
            ).fetchall()
            db.executemany("UPDATE question SET taken=1 WHERE number=?", [row[:1] for row in rows])
            return [Question._make((*row[:5], row[5] - now, row[6], verbs.SCOPES)) for row in rows]

        return self._write(write, deadline, durable=False)

    def reply(self, answers: Mapping[int, str], deadline: float) -> None:
        """答；没有人等了的丢掉。"""
        checks.numbers(list(answers))
        given = [
            (checks.text("answer", answer, checks.LONGEST_REPLY), number)
            for number, answer in answers.items()
        ]

        def write(db: sqlite3.Connection) -> None:
            now = self._clocks.boot()
            db.executemany(
                "UPDATE question SET answer=? WHERE number=? AND until > ?",
                [(*each, now) for each in given],
            )

        self._write(write, deadline, durable=False)

    def idle(self, leases: Sequence[Lease], deadline: float) -> bool:
        """要去等提示了。"""

        def write(db: sqlite3.Connection) -> bool:
            held = [each.account for each in leases if self._held(db, each) is not None]
            db.executemany("UPDATE account SET idle=1 WHERE account=?", [(one,) for one in held])
            return self._has_work(db, held)

        return self._write(write, deadline, durable=False)

    # ---- 额度、开关、交接

    def draw(
        self, scope: str, kind: str, least: int, most: int, host: str, deadline: float
    ) -> int | None:
        """从今天的额度里领一份。"""
        checks.scope(scope)
        checks.kind(kind)
        checks.whole("least", least, 1)
        checks.whole("most", most, least)
        checks.name("host", host)

        def write(db: sqlite3.Connection) -> int | None:
            day = self._day()
            allowed = db.execute(
                "SELECT allowed FROM budget WHERE scope=? AND kind=?", (scope, kind)
            ).fetchone()
            if allowed is None:
                return None
            left = allowed[0] - _taken(db, scope, kind, day)
            if left < least:
                return 0
            amount = min(most, left)
            db.execute(
                "INSERT INTO draw VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, kind, day, host)"
                " DO UPDATE SET amount = amount + excluded.amount",
                (scope, kind, day, host, amount),
            )
            return int(amount)

        return self._write(write, deadline)

    def budgets(self, deadline: float) -> list[Budget]:
        """各格额度今天的样子。"""

        def read(db: sqlite3.Connection) -> list[Budget]:
            rows = db.execute("SELECT scope, kind, allowed FROM budget ORDER BY scope, kind")
            return [
                Budget(scope, kind, allowed, _taken(db, scope, kind, self._day()))
                for scope, kind, allowed in rows.fetchall()
            ]

        return self._read(read, deadline)

    def set_budget(self, scope: str, kind: str, allowed: int | None, deadline: float) -> None:
        """设一格额度；None 为不设。"""
        checks.scope(scope)
        checks.kind(kind)
        if allowed is not None:
            checks.whole("allowed", allowed)

        def write(db: sqlite3.Connection) -> None:
            if allowed is None:
                db.execute("DELETE FROM budget WHERE scope=? AND kind=?", (scope, kind))
            else:
                db.execute("INSERT OR REPLACE INTO budget VALUES (?, ?, ?)", (scope, kind, allowed))
            self._note(db, "budget", scope, {"now": {"kind": kind, "allowed": allowed}})

        self._write(write, deadline)

    def switches(self, deadline: float) -> list[Switch]:
        """开着的开关。"""
        return self._read(_switches, deadline)

    def set_switch(
        self, scope: str, on: bool, deadline: float, *, why: str = "", cancel_open: bool = False
    ) -> None:
        """停，或放开。"""
        checks.scope(scope)
        checks.flag("on", on)
        checks.flag("cancel_open", cancel_open)
        checks.text("why", why)

        def write(db: sqlite3.Connection) -> None:
            cancels, at = cancel_open, self._clocks.wall()
            was = _switch(db, scope)
            if was is not None and was["cancel_open"] and not cancels:
                # 原来说要撤的还算数，也还是那一次：没有看到的照撤，撤过的不再撤
                cancels, at = True, was["at"]
            if on:
                told = (scope, cancels, why, self._login, at)
                db.execute("INSERT OR REPLACE INTO switch VALUES (?, ?, ?, ?, ?)", told)
            else:
                db.execute("DELETE FROM switch WHERE scope=?", (scope,))
            self._note(db, "switch", scope, {"was": was, "now": _switch(db, scope)})

        self._write(write, deadline)

    def take_over(self, account: str, box: str, deadline: float, *, force: bool = False) -> str:
        """许可 ``box`` 接一个账号；返回给人看的话。"""
        checks.name("account", account)
        checks.name("box", box)
        checks.flag("force", force)

        def write(db: sqlite3.Connection) -> str:
            row = self._account(db, account)
            now = self._clocks.boot()
            left_s = row["lease_until"] - now if row["owner"] else 0.0
            if left_s > 0 and row["box"] == box:
                return f"{account} 本来就在 {box}，租约还有 {left_s:.1f} 秒"
            if left_s > 0 and not force:
                raise UsageError("force", force, in_use(account, row["box"], left_s))
            db.execute(
                "UPDATE account SET takeover_to=?, lease_until=min(lease_until, ?) WHERE account=?",
                (box, now, account),
            )
            told = {"box": row["box"], "takeover_to": box, "force": force}
            self._note(db, "take_over", f"account:{account}", {"now": told})
            return f"{account} 许可 {box} 来接；它的代理几秒之内会接上"

        return self._write(write, deadline)

    # ---- 给人看的，给人定的

    def commands(
        self,
        deadline: float,
        *,
        account: str = "",
        states: Collection[str] = (),
        most: int = 100,
    ) -> list[Command]:
        """最近的命令，新的在前。"""
        checks.name("account", account, empty=True)
        checks.whole("most", most)
        wanted = json.dumps(sorted(checks.state(each) for each in states) or sorted(STATES))
        within = "state IN (SELECT value FROM json_each(?)) AND (?='' OR account=?)"
        return self._read(
            lambda db: self._commands(
                db, f"{within} ORDER BY number DESC LIMIT ?", wanted, account, account, most
            ),
            deadline,
        )

    def alarms(self, deadline: float, *, since: float = 0.0, most: int = 1000) -> list[StoredEvent]:
        """这个时刻以来要人看的事件，旧的在前。"""
        given = (checks.moment("since", since), checks.whole("most", most))

        def read(db: sqlite3.Connection) -> list[StoredEvent]:
            rows = db.execute(
                f"SELECT * FROM event WHERE {_ALARMS} AND at >= ?"  # noqa: S608
                " ORDER BY at, account, number LIMIT ?",
                given,
            )
            return [StoredEvent(*row) for row in rows]

        return self._read(read, deadline)

    def decide(
        self,
        account: str,
        command_id: str,
        state: str,
        deadline: float,
        *,
        why: str,
        order_id: str = "",
    ) -> Command:
        """人看过柜台之后说的。"""
        checks.decision(account, command_id, state, why, order_id)

        def write(db: sqlite3.Connection) -> Command:
            row = self._account(db, account)
            found = self._command(db, "account=? AND command_id=?", account, command_id)
            if found is None:
                raise UsageError("command_id", command_id, f"{account} 上没有这一条")
            alive = bool(row["owner"]) and row["lease_until"] > self._clocks.boot()
            if found.state != UNKNOWN and (found.state != SENDING or alive):
                told = f"它是 {found.state}：只有 unknown 的、主人不在了的 sending 才能由人来定"
                raise UsageError("state", state, told)
            left_s = 0.0 if alive else row["quiet_at"] - self._clocks.boot()
            if state == ABSENT and left_s > 0:
                told = f"原来的主人手里的，{math.ceil(left_s)} 秒之内还可能发出去"
                raise UsageError("command_id", command_id, f"{told}：过一会儿看过柜台再说没有")
            now = self._clocks.wall()
            db.execute(
                "UPDATE command SET state=?, reason='operator', order_id=?, answer=?, settled_at=?"
                " WHERE number=?",
                (state, order_id, decided(order_id), now, found.number),
            )
            self._note(
                db, "decide", f"account:{account}",
                {"command_id": command_id, "attempt": found.attempt, "was": found.state,
                 "now": state, "order_id": order_id, "why": why},
            )  # fmt: skip
            settled = self._command(db, "number=?", found.number)
            assert settled is not None
            return settled

        return self._write(write, deadline)

    def keep(self, name: str, text: str, deadline: float) -> str:
        """记下一份写了就不再改的话。"""
        checks.note(name, text)

        def write(db: sqlite3.Connection) -> str:
            given = (name, text, self._clocks.wall())
            db.execute("INSERT OR IGNORE INTO note VALUES (?, ?, ?)", given)
            found = db.execute("SELECT text FROM note WHERE name=?", (name,)).fetchone()
            return str(found[0])

        return self._write(write, deadline)

    # ---- 提示

    def hint(self, topics: Iterable[str]) -> None:
        """叫醒等着这些题目的。"""
        wanted = [each for each in dict.fromkeys(topics) if each]
        self._topics.wake(wanted)
        if not wanted or self._closed.is_set():
            return

        def write(db: sqlite3.Connection) -> None:
            rows = [(each, self._topics.me) for each in wanted]
            db.executemany("INSERT INTO hint (topic, source) VALUES (?, ?)", rows)
            db.execute("DELETE FROM hint WHERE number <= (SELECT max(number) FROM hint) - 1000")

        with suppress(StoreDownError, StoreUnknownError):
            self._write(write, time.monotonic() + _HINT_S, durable=False)

    def wait(self, topic: str, timeout_s: float) -> bool:
        """等到有人叫，最多这么久。"""
        if os.getpid() != self._pid:
            raise StoreDownError(_FORKED)
        if self._db is None:
            with suppress(StoreDownError):
                self._read(lambda _db: None, time.monotonic() + min(timeout_s, _HINT_S))
        return self._topics.wait(topic, timeout_s)

    def close(self) -> None:
        """放手；可重复调用。"""
        if os.getpid() != self._pid:
            return  # 父进程的：关不得，锁文件也不是我们的
        self._closed.set()
        watching = self._topics.close()

        def shut() -> None:
            mine, self._db = self._db, None
            opened = [each for each in (mine, watching) if each is not None]
            if self._files is not None and self._files.missing():
                LEFT_BEHIND.extend(opened)
                return
            for each in opened:
                each.close()

        with suppress(TimeoutError, sqlite3.Error):
            self._lock.run(time.monotonic() + _CLOSE_S, shut)
        if self._owner is not None:
            self._owner.close()

    # ---- 内部

    def _read(self, work: Callable[[sqlite3.Connection], _T], deadline: float) -> _T:
        return self._run(work, "BEGIN", deadline, durable=False)

    def _write(
        self, work: Callable[[sqlite3.Connection], _T], deadline: float, *, durable: bool = True
    ) -> _T:
        return self._run(work, "BEGIN IMMEDIATE", deadline, durable=durable)

    def _run(
        self,
        work: Callable[[sqlite3.Connection], _T],
        begin: str,
        deadline: float,
        *,
        durable: bool,
    ) -> _T:
        """一个事务；别的进程占着文件就再试，到期为止。"""
        if os.getpid() != self._pid:
            raise StoreDownError(_FORKED)

        def step() -> _T:
            db = self._opened(deadline)
            if db.in_transaction:  # 上一次被打断在半路
                db.execute("ROLLBACK")
            db.execute("PRAGMA synchronous = FULL" if durable else "PRAGMA synchronous = NORMAL")
            db.execute(begin)
            try:
                done = work(db)
                self._commit(db)
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            self._check_unmoved()
            return done

        try:
            return patiently(partial(self._lock.run, deadline, step), deadline)
        except UsageError:  # 也是 ValueError
            raise
        except (*_BROKEN, JournalError) as exc:
            raise StoreDownError(f"{self.where}：{exc}；什么都没有记下") from exc

    def _commit(self, db: sqlite3.Connection) -> None:
        try:
            db.execute("COMMIT")
        except sqlite3.Error as exc:
            if db.in_transaction:  # 还在事务里：退得回去
                raise
            raise StoreUnknownError(f"{self.where}：落盘时出错（{exc}），记下了没有不知道") from exc

    def _check_unmoved(self) -> None:
        missing = self._files.missing() if self._files is not None else ""
        if missing:
            raise OSError(f"{missing} 在打开着的时候被移走、删掉或换掉了")

    def _opened(self, deadline: float) -> sqlite3.Connection:
        if self._closed.is_set():
            raise StoreDownError(f"{self.where}：已经关闭")
        if self._db is None:
            self._db, watching, self._files = _open(self.path, self._clocks.boot, deadline)
            self._topics.attach(watching)
        return self._db

    def _living(self, deadline: float) -> FileOwner:
        """占一把文件锁：进程没了锁就开了，别的进程据此知道不必等租约。"""

        def take() -> FileOwner:
            if self._owner is None:
                self._owner = FileOwner(self.path.absolute().parent)
            return self._owner

        if os.getpid() != self._pid:
            raise StoreDownError(_FORKED)
        try:
            return self._lock.run(deadline, take)
        except (OSError, JournalError) as exc:
            raise StoreDownError(f"{self.where}：{exc}") from exc

    def _account_or_none(self, db: sqlite3.Connection, account: str) -> dict[str, Any] | None:
        found = db.execute("SELECT * FROM account WHERE account=?", (account,))
        row = found.fetchone()
        return None if row is None else _named(found, row)

    def _account(self, db: sqlite3.Connection, account: str) -> dict[str, Any]:
        row = self._account_or_none(db, account)
        if row is None:
            told = f"{self.where} 里没有这个账号：先在有客户端的机器上运行 easytrader fleet agent"
            raise UsageError("account", account, told)
        return row

    def _held(self, db: sqlite3.Connection, lease: Lease) -> dict[str, Any] | None:
        """还是这一任的：那一行；不是为 None。租约过期了而没有人接的也还是。"""
        row = self._account_or_none(db, lease.account)
        if row is None or (row["epoch"], row["owner"]) != (lease.epoch, lease.owner):
            return None
        return row

    def _mine(self, db: sqlite3.Connection, lease: Lease) -> dict[str, Any]:
        row = self._held(db, lease)
        if row is None:
            raise FencedError(f"{lease.account} 已经不归这一任（{lease.epoch}）管")
        return row

    def _command(self, db: sqlite3.Connection, where: str, *given: object) -> Command | None:
        found = self._commands(db, where, *given)
        return found[0] if found else None

    def _request(self, db: sqlite3.Connection, request: str) -> Command | None:
        """这个请求的那一条，连同换下来的。"""
        found = self._commands(db, "request=?", request)
        found += self._commands(db, "request=?", request, table="past")
        return found[0] if found else None

    def _commands(
        self, db: sqlite3.Connection, where: str, *given: object, table: str = "command"
    ) -> list[Command]:
        now = self._clocks.boot()
        rows = db.execute(f"SELECT {_COMMAND} FROM {table} WHERE {where}", given)  # noqa: S608
        return [
            Command._make((*row[:12], verbs.SCOPES, *row[12:19], row[19] - now, *row[20:]))
            for row in rows.fetchall()
        ]

    def _put(
        self, db: sqlite3.Connection, wish: Wish, before: Command | None, until: float
    ) -> None:
        now = self._clocks.wall()
        if before is None:
            db.execute(
                "INSERT INTO command (account, command_id, request, verb, effect, arguments,"
                " digest, valid_until, strategy, host, limits, login, state, reason, epoch,"
                " attempt, order_id, answer, created_at, claimed_at, settled_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', 0, 1, '', '', ?, 0, 0)",
                (*wish[:7], until, *wish[8:], self._login, now),
            )
            return
        # 换下来的留着：它迟到的重发认得出来，不会变成又一次
        db.execute("INSERT INTO past SELECT * FROM command WHERE number=?", (before.number,))
        db.execute(
            "UPDATE command SET request=?, arguments=?, valid_until=?, strategy=?, host=?,"
            " limits=?, login=?, state='queued', reason='', epoch=0, attempt=attempt+1,"
            " order_id='', answer='', seq=NULL, created_at=?, claimed_at=0, settled_at=0"
            " WHERE number=?",
            (wish.request, wish.arguments, until, wish.strategy, wish.host, wish.limits,
             self._login, now, before.number),
        )  # fmt: skip

    def _note(
        self, db: sqlite3.Connection, action: str, scope: str, told: Mapping[str, object]
    ) -> None:
        """留底：谁改了什么，改之前 ``was``、改之后 ``now``。"""
        data = {key: value for key, value in told.items() if value is not None}
        db.execute(
            "INSERT INTO audit (at, login, action, scope, data) VALUES (?, ?, ?, ?, ?)",
            (self._clocks.wall(), self._login, action, scope, json.dumps(data, ensure_ascii=False)),
        )

    def _unsend(self, db: sqlite3.Connection, number: int, reason: str, answer: str = "") -> None:
        db.execute(
            "UPDATE command SET state='unsent', reason=?, answer=?, settled_at=? WHERE number=?",
            (reason, answer, self._clocks.wall(), number),
        )

    def _hand_out(
        self,
        db: sqlite3.Connection,
        command: Command,
        account: Mapping[str, Any],
        stopped: Mapping[str, Switch],
    ) -> bool:
        """领走；不发了的说清楚为什么，返回 False。"""
        why = None if command.effect == "cancel" else _stopped(stopped, command, account["groups"])
        if command.left_s < 0:
            self._unsend(db, command.number, "expired")
            return False
        if why is not None:
            self._unsend(db, command.number, "switch", switched(why))
            return False
        db.execute(
            "UPDATE command SET state='sending', epoch=?, claimed_at=? WHERE number=?",
            (account["epoch"], self._clocks.wall(), command.number),
        )
        return True

    def _settle(self, db: sqlite3.Connection, outcome: Outcome, epoch: int) -> None:
        which = (outcome.account, outcome.command_id, outcome.attempt, epoch)
        where = f"account=? AND command_id=? AND attempt=? AND epoch=? AND {_LEFT}"
        if outcome.state == SENDING:
            db.execute(f"UPDATE command SET seq=? WHERE {where}", (outcome.seq, *which))  # noqa: S608
            return
        settled_at = 0.0 if outcome.state == UNKNOWN else self._clocks.wall()
        db.execute(
            "UPDATE command SET state=?, reason=?, order_id=?, answer=?, seq=coalesce(?, seq),"  # noqa: S608
            f" settled_at=? WHERE {where}",
            (*outcome[3:], settled_at, *which),
        )

    def _fresh(self, db: sqlite3.Connection, event: NewEvent) -> bool:
        """这一份待传的记录里的这一条，还没有记过。"""
        done = db.execute(
            "INSERT INTO spool_mark VALUES (?, ?, ?) ON CONFLICT (account, spool)"
            " DO UPDATE SET upto = excluded.upto WHERE upto < excluded.upto",
            (event.account, event.spool, event.n),
        )
        return done.rowcount == 1

    def _has_work(self, db: sqlite3.Connection, accounts: Iterable[str]) -> bool:
        wanted = json.dumps(list(accounts))
        found = db.execute(
            f"SELECT EXISTS (SELECT 1 FROM command WHERE {_QUEUED}"  # noqa: S608
            " AND account IN (SELECT value FROM json_each(?1))) OR EXISTS"
            " (SELECT 1 FROM question WHERE NOT taken AND until > ?2"
            " AND account IN (SELECT value FROM json_each(?1)))",
            (wanted, self._clocks.boot()),
        )
        return bool(found.fetchone()[0])

    def _shown(self, row: Mapping[str, Any]) -> AccountRow:
        now = self._clocks.boot()
        left_s = row["lease_until"] - now if row["owner"] else 0.0
        first_no = row["last_no"] + 1 if row["first_no"] is None else row["first_no"]
        return AccountRow(
            account=row["account"],
            broker=row["broker"],
            groups=tuple(json.loads(row["groups"])),
            box=row["box"] if row["owner"] else "",
            epoch=row["epoch"],
            alive=left_s > 0,
            lease_left_s=left_s,
            takeover=row["takeover"],
            takeover_to=row["takeover_to"],
            protocol=row["protocol"],
            hello=row["hello"],
            glance=row["glance"],
            glance_age_s=now - row["glance_at"] if row["glance"] else 0.0,
            first_no=first_no,
            last_no=row["last_no"],
            open=row["open"],
            address=row["address"],
        )

    def _day(self) -> int:
        return beijing.day_of(self._clocks.wall())


_FORKED: Final = "这个存储是父进程打开的，fork 出来的子进程不能用它；请在子进程里重新打开"


class _Topics:
    """题目：本进程里马上叫醒；别的进程叫的，隔 `_POLL_S` 看一眼文件变过没有。"""

    def __init__(self) -> None:
        self.me = secrets.token_hex(8)
        self._changed = threading.Condition()
        self._called: set[str] = set()
        self._seen: dict[str, int] = {}
        self._looked: dict[str, int] = {}
        self._db: sqlite3.Connection | None = None
        self._closed = False

    def attach(self, db: sqlite3.Connection) -> None:
        """看别的进程的那一个连接；关归 `close`。"""
        with self._changed:
            self._db = db

    def wake(self, topics: Iterable[str]) -> None:
        """本进程里的叫醒。"""
        with self._changed:
            self._called.update(topics)
            self._changed.notify_all()

    def wait(self, topic: str, timeout_s: float) -> bool:
        """等到有人叫。"""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._closed:
                told = self._look(topic)  # 两处都看：一次叫醒只算一次
                if topic in self._called or told:
                    self._called.discard(topic)
                    return True
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(min(_POLL_S, left_s))
        return False

    def close(self) -> sqlite3.Connection | None:
        """在等的都醒过来；返回要关的。"""
        with self._changed:
            self._closed = True
            db, self._db = self._db, None
            self._changed.notify_all()
            return db

    def _look(self, topic: str) -> bool:
        """别的进程叫过这个题目没有；看不了就当没有：等的人自己会去看。"""
        if self._db is None:
            return False
        try:
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
            if self._looked.get(topic) == version:
                return False
            seen = self._seen.get(topic, 0)
            (last,) = self._db.execute(
                "SELECT max(number) FROM hint WHERE topic=? AND source != ? AND number > ?",
                (topic, self.me, seen),
            ).fetchone()
        except sqlite3.Error:
            return False
        self._looked[topic] = version
        if last is None:
            return False
        self._seen[topic] = last
        return True


def switched(by: Switch) -> str:
    """开关挡下来的那一条的回答。"""
    told = f"：{by.why}" if by.why else ""
    refused = RiskRefusedError(
        f"风控拒绝（fleet_switch）：{by.scope} 由 {by.by} 停止下单{told}；撤单照常，什么都没有发出",
        rule="fleet_switch",
    )
    return values.encode({"error": errors.to_wire(refused)}).decode()


def decided(order_id: str) -> str:
    """人定下来的那一条的回答：有委托的与 ``buy`` 的一样，没有的为空。"""
    if not order_id:
        return ""
    # 前面有 0 的是文字的编号：变成数就撤不到它了
    number = int(order_id) if checks.is_whole(order_id) else order_id
    return values.encode({"result": {"entrust_no": number}}).decode()


def in_use(account: str, box: str, left_s: float) -> str:
    """租约还没有过期：接过来有什么危险。"""
    return (
        f"{account} 的租约还有 {left_s:.1f} 秒，{box} 也许正在发委托：等它过期再接。"
        "确知那台机器上的代理已经停了、断了网，才用 force：不然同一笔委托可能两边各发一次"
    )


def _living(row: Mapping[str, Any], box: str, now: float) -> str:
    """主人还在。"""
    twin = "另一个也叫这个名字的代理拿着，" if row["box"] == box else ""
    return f"{twin}租约还有 {row['lease_until'] - now:.1f} 秒"


def _not_my_turn(row: Mapping[str, Any], box: str, takeover: str) -> str:
    """轮不轮得到这台机器接；轮得到为空。"""
    if row["takeover_to"]:
        return "" if row["takeover_to"] == box else f"已经许可 {row['takeover_to']} 来接"
    if row["box"] in ("", box) or row["takeover"] == takeover == "auto":
        return ""
    told = f"easytrader fleet take-over {row['account']} --box {box}"
    return f"上一任在 {row['box']}，换一台机器要人点头：{told}"


def _stopped(stopped: Mapping[str, Switch], command: Command, groups: str) -> Switch | None:
    """管着这一条的开关；没有为 None。"""
    scopes = [FLEET, f"account:{command.account}", f"strategy:{command.strategy}"]
    scopes += [f"group:{each}" for each in json.loads(groups)]
    return next((stopped[each] for each in scopes if each in stopped), None)


def _same_wish(found: Command, wish: Wish) -> None:
    if found.digest != wish.digest:
        told = f"{wish.account} 上这个编号已经用在另一件事上（{found.verb}），换一个"
        raise UsageError("client_order_id", wish.command_id, told)


def _buried(db: sqlite3.Connection, request: str) -> bool:
    found = db.execute("SELECT 1 FROM tombstone WHERE request=?", (request,))
    return found.fetchone() is not None


def _rouse(db: sqlite3.Connection, account: Mapping[str, Any]) -> str:
    """要叫醒的机器：它说过要去等了的；不用叫为空。"""
    if not (account["idle"] and account["owner"]):
        return ""
    db.execute("UPDATE account SET idle=0 WHERE account=?", (account["account"],))
    return str(account["box"])


def _switches(db: sqlite3.Connection) -> list[Switch]:
    rows = db.execute("SELECT scope, cancel_open, why, by, at FROM switch ORDER BY scope")
    return [Switch(scope, bool(cancel), *rest) for scope, cancel, *rest in rows.fetchall()]


def _switch(db: sqlite3.Connection, scope: str) -> dict[str, Any] | None:
    return next((each._asdict() for each in _switches(db) if each.scope == scope), None)


def _taken(db: sqlite3.Connection, scope: str, kind: str, day: int) -> int:
    found = db.execute(
        "SELECT coalesce(sum(amount), 0) FROM draw WHERE scope=? AND kind=? AND day=?",
        (scope, kind, day),
    )
    return int(found.fetchone()[0])


def _named(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _meta(db: sqlite3.Connection, key: str) -> Any:
    found = db.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
    return "" if found is None else found[0]


def _set_meta(db: sqlite3.Connection, key: str, value: object) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _touch(db: sqlite3.Connection, now: float) -> None:
    """开机以来的钟到过这里：下次打开时比它小，就是重新开过机。"""
    _set_meta(db, "latest", now)


def _after_reboot(db: sqlite3.Connection, now: float) -> None:
    """重新开过机的：钟从头走，以前的租约、没有领走的命令、问题一律过期。"""
    boot = boot_clock.boot_name()
    if _meta(db, "boot") == boot and (boot or now >= float(_meta(db, "latest") or 0) - _SKEW_S):
        return
    db.execute("UPDATE account SET lease_until=?, quiet_at=?, glance_at=?", (now, now, now))
    db.execute("UPDATE command SET valid_until=? WHERE state='queued'", (now - 1.0,))
    db.execute("DELETE FROM question")
    _set_meta(db, "boot", boot)
    _touch(db, now)


def _timeline(path: Path) -> str:
    """文件换过（恢复了备份）就变。"""
    found = path.stat()
    return f"{found.st_dev:x}-{found.st_ino:x}"


def _login() -> str:
    try:
        return checks.name("login", getpass.getuser())
    except (OSError, KeyError, ImportError, UsageError):  # 没有 USERNAME，也查不到
        return "local"


def _open(
    path: Path, clock: Callable[[], float], deadline: float
) -> tuple[sqlite3.Connection, sqlite3.Connection, Unmoved]:
    """(用的, 看别的进程写过没有的, 文件)。"""
    private_folder(path.absolute().parent)
    opened: list[sqlite3.Connection] = []
    try:
        # 第一次打开要改成 WAL，几个程序同时改会报「锁住了」而不肯等，所以排队
        with FileLock(f"{path}.lock", timeout=max(0.0, deadline - time.monotonic())):
            if not path.exists():
                private_file(path)
            opened.append(connect(path))
            patiently(partial(_prepare, opened[0], path, clock), deadline)
            private_file(path)  # 认清是自己的了才收紧权限
            opened.append(connect(path))
            opened[1].execute("PRAGMA query_only = ON")
            return opened[0], opened[1], Unmoved(path)
    except BaseException as exc:
        for each in opened:
            each.close()
        if isinstance(exc, NotImplementedError):
            raise OSError("这个文件系统不会上锁：放到本机的磁盘上") from exc
        raise


def _prepare(db: sqlite3.Connection, path: Path, clock: Callable[[], float]) -> None:
    _recognize(db, path)  # 别人的文件一个字也不改，日志方式也不换
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        if not _recognize(db, path):
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            _set_meta(db, "identity", secrets.token_hex(16))
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {PROTOCOL}")
        _after_reboot(db, clock())  # 占住了才看钟：别的程序刚写的不会比它晚
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _recognize(db: sqlite3.Connection, path: Path) -> int:
    """表是第几版；还没有建为 0。

    Raises:
        UsageError: 不是本库的文件，或太新了。
    """
    try:
        (kind,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:  # 占着、读不了：等一会儿也许就好
        raise
    except sqlite3.DatabaseError as exc:
        told = f"这个文件不是 SQLite 的，或者坏了（{exc}）：换一个文件名，或从备份恢复"
        raise UsageError("dsn", str(path), told) from exc
    if kind != _APPLICATION_ID and (kind or tables):
        raise UsageError("dsn", str(path), "这个文件不是一队账号的存储，换一个文件名")
    if version > PROTOCOL + 1:
        told = f"存储是第 {version} 版，这里是第 {PROTOCOL} 版：请升级 easytrader"
        raise UsageError("dsn", str(path), told)
    return int(version)


_conforms: type[Store] = SqliteStore
