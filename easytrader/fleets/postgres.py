"""PostgreSQL 存法：函数在 ``schema/*.sql`` 里，这里只有线：期限、断线、几条连接、提示。

- 一次调用是一条语句、一个事务；期限到了没有回答，那条连接扔掉：送出去了的写是
  `StoreUnknownError`，没有送出去的、只读的是 `StoreDownError`。
- 借连接之前看一眼它是不是已经断了：服务器重启之后的第一次调用不必是「不知道」。
- 存储的钟由每个回答校准（`_Clock`）：期限说成存储的某个时刻，路上耽搁的照样到期。
- LISTEN、NOTIFY 各有自己的连接与线程，断了自己再连；丢了提示只是慢一点。
- pgbouncer 的事务模式下除了 LISTEN 都能用：没有会话状态，预备语句认不得了就不用；
  LISTEN 收不到，各处每 `POLL_S` 自己看。
"""

from __future__ import annotations

import hashlib
import os
import select
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg import pq, waiting
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from easytrader.basics import boot_clock, threads, waits
from easytrader.errors import UsageError
from easytrader.fleets import checks
from easytrader.fleets.words import (
    FENCE_S,
    PROTOCOL,
    SEND_BY_S,
    SENDING,
    TTL_S,
    AccountRow,
    Beat,
    Budget,
    Command,
    FencedError,
    Greeting,
    Held,
    Lease,
    Posted,
    Question,
    StoredEvent,
    StoreDownError,
    StoreUnknownError,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence

    from easytrader.fleets.words import NewEvent, Outcome, Wish

_T = TypeVar("_T")
_Rows = list[tuple[Any, ...]]

_LINES: Final = 12
"""最多几条干活的连接：几个线程同时用才开。"""
_IDLE_S: Final = 120.0
"""闲了这么久的关掉（中间的防火墙也会丢掉它们）。"""
_STEP_S: Final = 0.02
"""等回答时隔这么久看一眼期限。"""
_TRICKLE_S: Final = 1.0
"""到期时正有回答在来的，再给这么久；一直零零星星地来也不等了。"""
_HINT_GAP_S: Final = 0.005
"""两次 NOTIFY 至少隔这么久；头一次立即。"""
_BACKOFF_S: Final = (0.2, 5.0)
_QUIET_S: Final = FENCE_S + SEND_BY_S
"""上一任最后一次续租之后这么久，它手里的肯定不会再发了。"""

_SESSION: Final = {
    "application_name": "easytrader fleet",
    "client_encoding": "UTF8",
    "gssencmode": "disable",  # 不然有票据的机器会绕过 TLS
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "6000",
}
_OPTIONS: Final = (
    "-c statement_timeout=4s -c lock_timeout=500ms -c idle_in_transaction_session_timeout=5s"
    " -c jit=off"  # 没有统计的表估得贵，一句毫秒的话要先编译几百毫秒：委托来不及发
)

_WRONG: Final = ("authentication failed", "no password supplied", "does not exist", "pg_hba.conf")
"""连不上的话里有这些的，再试也没有用。"""

_COLUMNS: Final = (
    "account_id", "command_id", "request", "verb", "effect", "arguments", "digest", "command_no",
    "strategy", "host", "limits", "login", "may", "state", "reason", "epoch", "attempt",
    "order_id", "answer", "seq",
)  # fmt: skip
_TIMES: Final = (
    "extract(epoch FROM {0}valid_until - clock_timestamp())::float8,"
    " extract(epoch FROM {0}created_at)::float8,"
    " coalesce(extract(epoch FROM {0}settled_at), 0)::float8"
)
_COMMAND: Final = ", ".join(_COLUMNS) + ", " + _TIMES.format("")
_POSTED: Final = (
    ", ".join(f"(p.command).{each}" for each in _COLUMNS) + ", " + _TIMES.format("(p.command).")
)
_NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
_POST: Final = (
    f"SELECT {_POSTED}, p.fresh, p.box, {_NOW}"  # noqa: S608  都是这里的字
    " FROM fleet.post(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) p"
)


class _LateError(Exception):
    """期限到了还没有回答。"""


class _Line(psycopg.Connection[tuple[Any, ...]]):
    """一条连接，每次等回答都有期限。一个时刻只有一个线程用它。"""

    deadline: float = 0.0
    used_at: float = 0.0

    def wait(self, gen: Generator[Any, Any, _T], *_: Any, **__: Any) -> _T:
        """等到一步做完；按 Ctrl-C 的、到期的，这条连接不能再用。"""
        return waiting.wait(_bounded(gen, self.deadline), self.pgconn.socket, interval=_STEP_S)

    def run(self, sql: str, params: Sequence[Any], deadline: float) -> _Rows:
        """一条语句。"""
        self.deadline = deadline
        cursor = self.execute(sql.encode(), params)
        found = cursor.pgresult  # 不问 description：它把每一列都造一遍，问一次几十微秒
        return cursor.fetchall() if found is not None and found.nfields else []

    def is_stale(self) -> bool:
        """没有问过而有话说：服务器告别了，或断了。"""
        return _readable(self.pgconn.socket)

    def hang_up(self) -> None:
        """扔掉；不和服务器告别（它可能停着）。"""
        with suppress(Exception):
            self.close()


def _bounded(gen: Generator[Any, Any, _T], deadline: float) -> Generator[Any, Any, _T]:
    """照样走，每一步之间看一眼期限。"""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if now >= deadline + _TRICKLE_S or (not ready and now >= deadline):
                raise _LateError
            if ready:
                wanted = gen.send(ready)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # 生成器的返回值


if sys.platform != "win32":

    def _readable(fd: int) -> bool:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(0))

else:  # 没有 poll；那里的 select 不怕大的号

    def _readable(fd: int) -> bool:
        return bool(select.select([fd], [], [], 0)[0])


class _Clock:
    """存储的钟减本机开机时钟，在哪两个数之间：每个回答收窄一点，放着不管慢慢放宽。"""

    _DRIFT: Final = 2e-4

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._low = 0.0
        self._high = -1.0
        self._at = 0.0
        self.known = False

    def take(self, sent: float, told: float, got: float) -> None:
        """``sent`` 问、``got`` 答（开机时钟），那当中存储说是 ``told``。"""
        with self._guard:
            slack = (got - self._at) * self._DRIFT
            low, high = max(self._low - slack, told - got), min(self._high + slack, told - sent)
            if low > high:  # 头一次；它的钟拨过；换了一台
                low, high = told - got, told - sent
            self._low, self._high, self._at = low, high, got
            self.known = True

    def forget(self) -> None:
        """它的钟也许拨过：下次用之前重新对。"""
        self.known = False

    def at(self, boot: float) -> float:
        """本机的那个时刻，存储的钟至少走到了哪里，Unix 秒：期限宁可早。"""
        with self._guard:
            return boot + self._low


def _said(exc: BaseException) -> str:
    """错误的第一行。"""
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]


class _Lines:
    """几条连接：借、还、扔；先进后出，闲久了的关掉。"""

    def __init__(self, uri: str, where: str, timeout_s: float, clock: _Clock) -> None:
        given = {key: str(value) for key, value in conninfo_to_dict(uri).items()}
        if "," in given.get("host", ""):
            given.setdefault("target_session_attrs", "read-write")
        self._asked = given.pop("options", "")
        limit = {"connect_timeout": str(max(2, round(timeout_s)))}
        self._conninfo = make_conninfo("", **{**_SESSION, **limit, **given})
        self.where = where
        self._timeout_s = timeout_s
        self._clock = clock
        self._places = threading.BoundedSemaphore(_LINES)
        self._guard = threading.Lock()
        self._idle: list[_Line] = []
        self._options = True
        self._closed = False
        self.prepares = True
        """用不用预备语句；中间有 pgbouncer 的用不了。"""

    def borrow(self, deadline: float) -> _Line:
        """Raises StoreDownError: 关了，期限之内没有空的、连不上。"""
        if self._closed:
            raise StoreDownError("已经关了")
        if not waits.acquire(self._places, deadline - time.monotonic()):
            raise StoreDownError(f"{_LINES} 条连接都忙着，等不到空的")
        try:
            return self._waiting() or self.open(deadline)
        except BaseException:
            self._places.release()
            raise

    def give_back(self, line: _Line, *, fine: bool) -> None:
        """用完了；不好的扔掉。"""
        fine = fine and line.pgconn.transaction_status == pq.TransactionStatus.IDLE
        line.used_at = time.monotonic()
        old: list[_Line] = []
        with self._guard:
            if fine and not self._closed:
                self._idle.append(line)
            else:
                old.append(line)
            while self._idle and line.used_at - self._idle[0].used_at > _IDLE_S:
                old.append(self._idle.pop(0))
        self._places.release()
        for each in old:
            each.hang_up()

    def open(self, deadline: float) -> _Line:
        """新的一条；DNS、握手都算在期限里。"""
        limit_s = min(self._timeout_s, deadline - time.monotonic())
        if limit_s <= 0:
            raise StoreDownError("期限已经过了")
        kept: list[_Line] = []
        state = threading.Lock()
        given_up = False

        def connect() -> None:
            line = self._connect()
            with state:
                if not given_up:
                    kept.append(line)
                    return
            line.hang_up()

        try:
            threads.call_aside(connect, limit_s, name="easytrader-fleet-connect")
        except threads.AbandonedError:
            with state:
                given_up = True
            if not kept:
                told = f"{limit_s:.3g} 秒连不上 {self.where}"
                raise StoreDownError(told) from None
        except psycopg.Error as exc:
            told = f"连不上 {self.where}：{_said(exc)}"
            raise StoreDownError(told) from None
        line = kept[0]
        try:
            self.sample(line, deadline)
        except _LateError:
            line.hang_up()
            raise StoreDownError(f"{self.where} 连上了而不回答") from None
        except psycopg.Error as exc:
            line.hang_up()
            raise StoreDownError(f"{self.where}：{_said(exc)}") from None
        return line

    def sample(self, line: _Line, deadline: float) -> None:
        """对一次钟。"""
        sent = boot_clock.now()
        told = line.run(f"SELECT {_NOW}", (), deadline)[0][0]
        self._clock.take(sent, told, boot_clock.now())

    def close(self) -> None:
        """都关掉；借出去的还的时候关。"""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for each in idle:
            each.hang_up()

    def _waiting(self) -> _Line | None:
        while True:
            with self._guard:
                if not self._idle:
                    return None
                line = self._idle.pop()
            if not line.closed and not line.is_stale():
                return line
            line.hang_up()

    def _connect(self) -> _Line:
        if self._options:
            try:
                return self._opened(f"{_OPTIONS} {self._asked}")
            except psycopg.OperationalError as exc:
                if "startup parameter" not in str(exc):
                    raise
                self._options = False  # pgbouncer：期限由登录名的设置管
        return self._opened(self._asked)

    def _opened(self, options: str) -> _Line:
        more: dict[str, Any] = {"options": options} if options else {}
        after = 1 if self.prepares else None
        return _Line.connect(self._conninfo, autocommit=True, prepare_threshold=after, **more)


class PostgresStore:
    """见模块说明与 `store.Store`。

    Args:
        uri: libpq 的地址；``sslmode`` 已经定好（`address.open_store`）。
        where: 给人看，没有密码。
        timeout_s: 连接最多等这么久。
    """

    def __init__(self, uri: str, where: str, timeout_s: float = 5.0) -> None:
        self.where = where
        self._clock = _Clock()
        self._lines = _Lines(uri, where, timeout_s, self._clock)
        self._pid = os.getpid()
        self._listener = _Listener(self._lines)
        self._hinter = _Hinter(self._lines)

    def __repr__(self) -> str:
        return f"PostgresStore({self.where!r})"

    # ---- 一条语句

    def _call(
        self, sql: str, params: Sequence[Any], deadline: float, *, writes: bool = True
    ) -> _Rows:
        """一条语句、一个事务。

        Raises:
            StoreDownError: 什么都没有记下。
            StoreUnknownError: 记下了没有不知道；只读的没有这一种。
            UsageError: 参数不对，没有权限，表没有建。
            FencedError: 租约不是自己的。
        """
        self._check_process()
        line = self._lines.borrow(deadline)
        fine = False
        try:
            rows = line.run(sql, params, deadline)
            fine = True
        except (pg.InvalidSqlStatementName, pg.DuplicatePreparedStatement):  # 什么都没有做
            self._lines.prepares = False
            return self._call(sql, params, deadline, writes=writes)
        except _LateError:
            raise self._unsure("期限到了没有回答", writes) from None
        except psycopg.Error as exc:
            gone = line.closed or _is_fatal(exc)
            fine = not gone and not isinstance(exc, pg.ReadOnlySqlTransaction)  # 主备换过了
            raise self._ours(exc, gone=gone, writes=writes) from None
        finally:
            self._lines.give_back(line, fine=fine)
        return rows

    def _timed(self, sql: str, params: Sequence[Any], deadline: float) -> tuple[_Rows, float]:
        """最后一列是存储的钟；顺便对钟。返回 (行, 花了几秒)。"""
        sent = boot_clock.now()
        rows = self._call(sql, params, deadline)
        got = boot_clock.now()
        if rows:
            self._clock.take(sent, rows[0][-1], got)
        return rows, got - sent

    def _commands(
        self,
        source: str,
        params: Sequence[Any],
        deadline: float,
        *,
        writes: bool = True,
    ) -> list[Command]:
        """函数给的几条命令；还有几秒有效里扣掉路上的。"""
        sent = boot_clock.now()
        sql = f"SELECT {_COMMAND} FROM fleet.{source}"  # noqa: S608  都是这里的字
        rows = self._call(sql, params, deadline, writes=writes)
        took = boot_clock.now() - sent
        return [_command(each, took) for each in rows]

    def _until(self, seconds: float, deadline: float) -> float:
        """从现在起几秒，存储的钟；还没有对过钟的先对。"""
        began = boot_clock.now()
        self._check_process()
        line = self._lines.borrow(deadline)  # 头一次在这里连上、对好
        fine = False
        try:
            if not self._clock.known:
                self._lines.sample(line, deadline)
            fine = True
        except _LateError:
            raise StoreDownError(f"{self.where}：期限到了没有回答") from None
        except psycopg.Error as exc:
            raise StoreDownError(f"{self.where}：{_said(exc)}") from None
        finally:
            self._lines.give_back(line, fine=fine)
        return self._clock.at(began) + seconds

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StoreDownError("这个存储是父进程打开的，fork 出来的子进程要自己打开")

    def _unsure(self, what: str, writes: bool) -> StoreDownError | StoreUnknownError:
        return (StoreUnknownError if writes else StoreDownError)(f"{self.where}：{what}")

    def _ours(self, exc: psycopg.Error, *, gone: bool, writes: bool) -> Exception:
        told = exc.diag
        if exc.sqlstate == "FT001":
            return UsageError(
                told.column_name or "", told.message_detail or "", told.message_primary or ""
            )
        if exc.sqlstate == "FT002":
            return FencedError(f"{told.message_primary} 不归自己管了")
        if exc.sqlstate == "FT003":
            self._clock.forget()  # 也许不是路上慢：它的钟往前拨了，不重新对就再也记不下
            return StoreDownError(told.message_primary or "")
        if isinstance(exc, pg.InsufficientPrivilege):
            why = f"这个登录名的身份做不了这件事（{_said(exc)}）：它是什么看 fleet login list"
            return UsageError("dsn", self.where, why)
        if isinstance(exc, (pg.UndefinedFunction, pg.UndefinedTable, pg.InvalidSchemaName)):
            return UsageError(
                "dsn", self.where, f"表没有建好，先 easytrader fleet init：{_said(exc)}"
            )
        if isinstance(exc, pg.UniqueViolation) and told.constraint_name == "command_request_once":
            return UsageError("request", "", "这个请求号已经用在别的命令上")
        if exc.sqlstate is None and isinstance(exc, psycopg.DataError):
            return UsageError("参数", "", _said(exc))
        if gone:
            return self._unsure(_said(exc), writes)
        return StoreDownError(f"{self.where}：{_said(exc)}")  # 服务器说了没有做

    def greet(self, deadline: float) -> Greeting:
        """连上，互报版本。"""
        try:
            rows, _ = self._timed(
                "SELECT identity, timeline, login, roles, kind, standby, protocol, now"
                " FROM fleet.greet()", (), deadline,
            )  # fmt: skip
        except StoreDownError as exc:
            if any(each in str(exc) for each in _WRONG):
                raise UsageError("dsn", self.where, f"登录不了：{exc}") from None
            raise
        identity, timeline, login, roles, kind, standby, protocol, now = rows[0]
        if standby:
            raise StoreDownError(f"{self.where} 是备机，还没有接过来")
        if abs(protocol - PROTOCOL) > 1:
            newer = (
                "升级这台机器的 easytrader" if protocol > PROTOCOL else "easytrader fleet migrate"
            )
            told = f"表说的是第 {protocol} 版，这里是第 {PROTOCOL} 版：{newer}"
            raise UsageError("dsn", self.where, told)
        if not roles:
            told = f"登录名 {login} 在这个队里没有身份：让管理员 easytrader fleet login add"
            raise UsageError("dsn", self.where, told)
        return Greeting(identity, timeline, protocol, login, tuple(roles), now, kind)

    # ---- 策略

    def post(self, wish: Wish, deadline: float) -> Posted:
        """记下一条命令。"""
        checks.wish(wish)
        until = self._until(wish.valid_s, deadline)
        rows, took = self._timed(
            _POST,
            (wish.account, wish.command_id, wish.request, wish.verb, wish.effect, wish.arguments,
             wish.digest, until, wish.strategy, wish.host, wish.limits),
            deadline,
        )  # fmt: skip
        *row, fresh, box, _ = rows[0]
        return Posted(_command(row, took), fresh, box)

    def withdraw(self, account: str, request: str, deadline: float) -> Command | None:
        """不要了。"""
        checks.name("account", account)
        checks.name("request", request)
        rows = self._commands("withdraw(%s, %s)", (account, request), deadline)
        return rows[0] if rows else None

    def outcomes(self, numbers: Sequence[int], deadline: float) -> list[Command]:
        """这几条此刻的样子。"""
        source = "outcomes(%s::bigint[])"
        return self._commands(source, (checks.numbers(numbers),), deadline, writes=False)

    def find(self, account: str, command_id: str, deadline: float) -> Command | None:
        """``command_id`` 的那一条。"""
        checks.name("account", account)
        checks.name("command_id", command_id)
        rows = self._commands("find(%s, %s)", (account, command_id), deadline, writes=False)
        return rows[0] if rows else None

    def commands(
        self,
        deadline: float,
        *,
        account: str = "",
        states: Collection[str] = (),
        most: int = 100,
    ) -> list[Command]:
        """命令，新的在前。"""
        checks.name("account", account, empty=True)
        checks.whole("most", most)
        wanted = [checks.state(each) for each in states]
        source = "list_commands(%s, %s::text[], %s::int)"
        return self._commands(source, (account, wanted, most), deadline, writes=False)

    def keep(self, name: str, text: str, deadline: float) -> str:
        """记下一份写了就不再改的话。"""
        checks.note(name, text)
        rows = self._call("SELECT fleet.keep(%s, %s)", (name, text), deadline)
        return str(rows[0][0])

    def ask(self, question: Question, deadline: float) -> tuple[int, str]:
        """问一句。"""
        checks.question(question)
        until = self._until(question.left_s, deadline)
        rows, _ = self._timed(
            f"SELECT number, box, {_NOW} FROM fleet.ask(%s, %s, %s, %s, %s)",  # noqa: S608
            (question.account, question.verb, question.arguments, question.host, until),
            deadline,
        )
        return rows[0][0], rows[0][1]

    def replies(self, numbers: Sequence[int], deadline: float) -> dict[int, str]:
        """有了回答的。"""
        sql = "SELECT number, answer FROM fleet.replies(%s::bigint[])"
        rows = self._call(sql, (checks.numbers(numbers),), deadline, writes=False)
        return dict(rows)

    def read(self, account: str, after: int, most: int, deadline: float) -> list[StoredEvent]:
        """编号大于 ``after`` 的，旧的在前。"""
        checks.name("account", account)
        params = (account, checks.whole("after", after), checks.whole("most", most))
        sql = "SELECT event_no, kind, data, command_id, at FROM fleet.read(%s, %s, %s)"
        rows = self._call(sql, params, deadline, writes=False)
        return [StoredEvent(account, *each) for each in rows]

    def alarms(self, deadline: float, *, since: float = 0.0, most: int = 1000) -> list[StoredEvent]:
        """要人看的事件，旧的在前。"""
        params = (checks.moment("since", since), checks.whole("most", most))
        sql = (
            "SELECT account_id, event_no, kind, data, command_id, at"
            " FROM fleet.list_alarms(%s::float8, %s::int)"
        )
        return [StoredEvent(*each) for each in self._call(sql, params, deadline, writes=False)]

    def accounts(self, deadline: float, names: Iterable[str] | None = None) -> list[AccountRow]:
        """看得见的账号。"""
        wanted = None if names is None else checks.names("names", names)
        sql = f"SELECT {', '.join(AccountRow._fields).replace('account', 'account_id', 1)}"
        rows = self._call(
            f"{sql} FROM fleet.accounts(%s::text[])", (wanted,), deadline, writes=False
        )
        return [AccountRow(each[0], each[1], tuple(each[2]), *each[3:]) for each in rows]

    def bump(self, account: str, deadline: float) -> int:
        """最近一条事件的编号。"""
        checks.name("account", account)
        rows = self._call("SELECT fleet.bump(%s)", (account,), deadline, writes=False)
        if rows[0][0] is None:
            raise UsageError("account", account, "没有这个账号，或看不得")
        return int(rows[0][0])

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
        for argument, value in (("account", account), ("owner", owner), ("box", box)):
            checks.name(argument, value)
        checks.name("broker", broker)
        checks.name("address", address, empty=True)
        rows = self._call(
            "SELECT got, epoch, last_no, settle_after_s::float8, timeline, box, why"
            " FROM fleet.acquire(%s, %s, %s, %s, %s::text[], %s, %s, %s, %s, %s, %s, %s)",
            (account, owner, box, broker, checks.names("groups", groups),
             checks.takeover(takeover), checks.name("previous", previous, empty=True), address,
             PROTOCOL, TTL_S, _QUIET_S, SEND_BY_S),
            deadline,
        )  # fmt: skip
        got, epoch, last_no, after_s, timeline, its_box, why = rows[0]
        if not got:
            return Held(account, its_box, why)
        return Lease(account, epoch, owner, last_no, after_s, timeline)

    def renew(self, leases: Sequence[Lease], deadline: float) -> Beat:
        """续租。"""
        rows, _ = self._timed(
            "SELECT kept, has_work, switches, timeline, now"
            " FROM fleet.renew(%s::text[], %s::int[], %s::text[], %s)",
            (*_columns(leases), TTL_S), deadline,
        )  # fmt: skip
        kept, has_work, switches, timeline, now = rows[0]
        return Beat(frozenset(kept), has_work, _switches(switches), now, timeline)

    def release(self, leases: Sequence[Lease], deadline: float) -> None:
        """不做主人了。"""
        sql = "SELECT fleet.release(%s::text[], %s::int[], %s::text[], %s)"
        self._call(sql, (*_columns(leases), SEND_BY_S), deadline)

    def publish(self, lease: Lease, hello: str, glance: str, deadline: float) -> None:
        """写上自己的样子。"""
        checks.text("hello", hello)
        checks.text("glance", glance)
        params = (lease.account, lease.epoch, lease.owner, hello, glance)
        self._call("SELECT fleet.publish(%s, %s, %s, %s, %s)", params, deadline)

    def claim(
        self, leases: Sequence[Lease], most: int, deadline: float, *, busy: Collection[str] = ()
    ) -> list[Command]:
        """领走一批。"""
        checks.whole("most", most, 1)
        full = checks.names("busy", busy)
        found: list[Command] = []
        while len(found) < most:
            more = self._claim(leases, most - len(found), full, deadline, found)
            found += [each for each in more if each.state == SENDING]
            dropped = {each.host for each in more if each.state != SENDING and each.host}
            if dropped:
                self.hint(dropped)
            if all(each.state == SENDING for each in more):  # 过期的、挡下来的不占名额，再看一眼
                break
        found.sort(key=lambda each: (each.effect != "cancel", each.number))
        return found

    def _claim(
        self,
        leases: Sequence[Lease],
        most: int,
        busy: list[str],
        deadline: float,
        found: list[Command],
    ) -> list[Command]:
        source = "claim(%s::text[], %s::int[], %s::text[], %s, %s::text[])"
        try:
            return self._commands(source, (*_columns(leases), most, busy), deadline)
        except (StoreDownError, UsageError):  # 「不知道」照样抛：也许又领走了几条，要换一任核对
            if not found:
                raise
            return []  # 已经领到的先给

    def left_over(self, lease: Lease, deadline: float) -> list[Command]:
        """以前各任没有结果的。"""
        params = (lease.account, lease.epoch, lease.owner)
        return self._commands("left_over(%s, %s, %s)", params, deadline)

    def settle(
        self,
        leases: Sequence[Lease],
        outcomes: Sequence[Outcome],
        events: Sequence[NewEvent],
        deadline: float,
    ) -> dict[str, int]:
        """结果与事件一起记下。"""
        held = {each.account for each in leases}
        given = [checks.outcome(each).account for each in outcomes]
        given += [checks.event(each).account for each in events]
        for account in given:
            if account not in held:
                raise UsageError("account", account, "不在给的租约里")
        results = list(zip(*outcomes, strict=True)) or [()] * 8
        news = list(zip(*events, strict=True)) or [()] * 6
        rows = self._call(
            "SELECT account_id, last_no FROM fleet.settle(%s::text[], %s::int[], %s::text[],"
            " %s::text[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],"
            " %s::text[])",
            (*_columns(leases), *map(list, results), *map(list, news)), deadline,
        )  # fmt: skip
        return dict(rows)

    def questions(self, leases: Sequence[Lease], most: int, deadline: float) -> list[Question]:
        """拿走要答的问题。"""
        checks.whole("most", most, 1)
        rows = self._call(
            "SELECT number, account_id, verb, arguments, host,"
            " extract(epoch FROM until - clock_timestamp())::float8, login, may"
            " FROM fleet.questions(%s::text[], %s::int[], %s::text[], %s) ORDER BY asked_at",
            (*_columns(leases), most), deadline,
        )  # fmt: skip
        return [Question._make((*each[:-1], tuple(each[-1]))) for each in rows]

    def reply(self, answers: Mapping[int, str], deadline: float) -> None:
        """答。"""
        numbers = checks.numbers(list(answers))
        texts = [checks.text("answer", each, checks.LONGEST_REPLY) for each in answers.values()]
        self._call("SELECT fleet.reply(%s::bigint[], %s::text[])", (numbers, texts), deadline)

    def idle(self, leases: Sequence[Lease], deadline: float) -> bool:
        """要去等提示了。"""
        sql = "SELECT fleet.idle(%s::text[], %s::int[], %s::text[])"
        return bool(self._call(sql, _columns(leases), deadline)[0][0])

    # ---- 额度、开关、交接

    def draw(
        self, scope: str, kind: str, least: int, most: int, host: str, deadline: float
    ) -> int | None:
        """从今天的额度里领一份。"""
        params = (
            checks.scope(scope), checks.kind(kind), checks.whole("least", least, 1),
            checks.whole("most", most, least), checks.name("host", host),
        )  # fmt: skip
        found = self._call("SELECT fleet.draw(%s, %s, %s, %s, %s)", params, deadline)[0][0]
        return None if found is None else int(found)

    def budgets(self, deadline: float) -> list[Budget]:
        """各格额度今天的样子。"""
        sql = "SELECT scope, kind, allowed, taken FROM fleet.budgets()"
        return [Budget(*each) for each in self._call(sql, (), deadline, writes=False)]

    def set_budget(self, scope: str, kind: str, allowed: int | None, deadline: float) -> None:
        """设一格额度。"""
        params = (
            checks.scope(scope), checks.kind(kind),
            None if allowed is None else checks.whole("allowed", allowed),
        )  # fmt: skip
        self._call("SELECT fleet.set_budget(%s, %s, %s)", params, deadline)

    def switches(self, deadline: float) -> list[Switch]:
        """开着的开关。"""
        rows = self._call("SELECT fleet.switches()", (), deadline, writes=False)
        return list(_switches(rows[0][0]))

    def set_switch(
        self, scope: str, on: bool, deadline: float, *, why: str = "", cancel_open: bool = False
    ) -> None:
        """停，或放开。"""
        params = (
            checks.scope(scope), checks.flag("on", on), checks.text("why", why),
            checks.flag("cancel_open", cancel_open),
        )  # fmt: skip
        self._call("SELECT fleet.set_switch(%s, %s, %s, %s)", params, deadline)

    def take_over(self, account: str, box: str, deadline: float, *, force: bool = False) -> str:
        """许可 ``box`` 接一个账号。"""
        params = (
            checks.name("account", account), checks.name("box", box), checks.flag("force", force),
            _QUIET_S, TTL_S,
        )  # fmt: skip
        return str(self._call("SELECT fleet.take_over(%s, %s, %s, %s, %s)", params, deadline)[0][0])

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
        """操作员说一条不知道的命令怎样了。"""
        checks.decision(account, command_id, state, why, order_id)
        params = (account, command_id, state, order_id, why)
        return self._commands("decide(%s, %s, %s, %s, %s)", params, deadline)[0]

    # ---- 提示

    def hint(self, topics: Iterable[str]) -> None:
        """叫醒等着这些题目的。"""
        if os.getpid() == self._pid:
            self._hinter.put(topics)

    def wait(self, topic: str, timeout_s: float) -> bool:
        """等到有人叫，最多这么久。"""
        self._check_process()
        return self._listener.wait(topic, timeout_s)

    def close(self) -> None:
        """放手；在等的都醒过来。"""
        if os.getpid() != self._pid:
            return
        self._lines.close()
        deadline = time.monotonic() + 1.5
        self._listener.close(deadline)
        self._hinter.close(deadline)


def _is_fatal(exc: psycopg.Error) -> bool:
    """这条连接也没有了：做了没有不知道。"""
    return exc.sqlstate is None or exc.diag.severity_nonlocalized in ("FATAL", "PANIC")


def _command(row: Sequence[Any], took_s: float = 0.0) -> Command:
    """一行；还有几秒有效里扣掉路上的。"""
    return Command._make((*row[:12], tuple(row[12]), *row[13:20], row[20] - took_s, *row[21:]))


def _columns(leases: Sequence[Lease]) -> tuple[list[str], list[int], list[str]]:
    return (
        [each.account for each in leases],
        [each.epoch for each in leases],
        [each.owner for each in leases],
    )


def _switches(told: list[list[Any]]) -> tuple[Switch, ...]:
    return tuple(Switch._make(each) for each in told)


def _channel(topic: str) -> str:
    """频道名至多 63 字节；题目什么字都有。"""
    return "fleet_" + hashlib.sha256(topic.encode()).hexdigest()[:32]


class _Hinter:
    """叫人：一个线程、一条连接，攒着的一起叫；叫不成的算了。"""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._guard = threading.Lock()
        self._topics: set[str] = set()
        self._bell = waits.Bell()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="easytrader-fleet-hint", daemon=True)
        self._line: _Line | None = None

    def put(self, topics: Iterable[str]) -> None:
        """攒着；线程马上叫。"""
        with self._guard:
            if self._closed.is_set():
                return
            self._topics.update(each for each in topics if each)
            if self._thread.ident is None:
                with suppress(RuntimeError):  # 开不出线程：不失败
                    self._thread.start()
        self._bell.ring()

    def close(self, deadline: float) -> None:
        """叫完手里的，停下。"""
        with self._guard:
            self._closed.set()
        self._bell.ring()
        waits.join(self._thread, deadline - time.monotonic())

    def _run(self) -> None:
        while not self._closed.is_set():
            self._bell.wait(None)
            with self._guard:
                topics, self._topics = self._topics, set()
            if topics and not self._tell(topics):
                self._closed.wait(_BACKOFF_S[0])
            self._closed.wait(_HINT_GAP_S)
        if self._line is not None:
            self._line.hang_up()

    def _tell(self, topics: Collection[str]) -> bool:
        deadline = time.monotonic() + 2.0
        sql = "SELECT pg_notify(x, '') FROM unnest(%s::text[]) AS l(x)"
        try:
            if self._line is not None and self._line.is_stale():
                self._line.hang_up()
                self._line = None
            if self._line is None:
                self._line = self._lines.open(deadline)
            self._line.run(sql, ([_channel(each) for each in topics],), deadline)
        except (StoreDownError, _LateError, psycopg.Error):
            if self._line is not None:
                self._line.hang_up()
                self._line = None
            return False
        return True


class _Listener:
    """听人叫：一个线程、一条连接。"""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._changed = threading.Condition()
        self._topics: dict[str, str] = {}
        """频道 → 题目。"""
        self._called: set[str] = set()
        self._closed = False
        self._quit = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="easytrader-fleet-listen", daemon=True
        )
        self._poke: socket.socket | None = None
        self._poked: socket.socket | None = None

    def wait(self, topic: str, timeout_s: float) -> bool:
        """等到叫过为止。"""
        deadline = time.monotonic() + timeout_s
        channel = _channel(topic)
        with self._changed:
            if channel not in self._topics and not self._closed:
                self._topics[channel] = topic
                self._start()
            while topic not in self._called and not self._closed:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                waits.change(self._changed, left_s)
            found = topic in self._called
            self._called.discard(topic)
            return found

    def close(self, deadline: float) -> None:
        """在等的都醒过来。"""
        with self._changed:
            self._closed = True
            self._quit.set()
            self._ring()
            self._changed.notify_all()
        waits.join(self._thread, deadline - time.monotonic())

    def _start(self) -> None:
        if self._thread.ident is None:
            self._poke, self._poked = socket.socketpair()
            self._poke.setblocking(False)
            self._poked.setblocking(False)
            with suppress(RuntimeError):
                self._thread.start()
        self._ring()

    def _ring(self) -> None:
        if self._poke is not None:
            with suppress(OSError):
                self._poke.send(b".")

    def _run(self) -> None:
        pause_s = _BACKOFF_S[0]
        while not self._quit.is_set():
            if self._listen():
                pause_s = _BACKOFF_S[0]
            self._quit.wait(pause_s)
            pause_s = min(pause_s * 2, _BACKOFF_S[1])
        for each in (self._poke, self._poked):
            if each is not None:
                each.close()

    def _listen(self) -> bool:
        """听到断了为止；连上过为真。"""
        try:
            line = self._lines.open(time.monotonic() + 10)
        except StoreDownError:
            return False
        try:
            self._follow(line)
        except (psycopg.Error, _LateError, OSError):
            pass
        finally:
            line.hang_up()
        return True

    def _follow(self, line: _Line) -> None:
        line.add_notify_handler(lambda told: self._heard(told.channel))
        heard: set[str] = set()
        with selectors.DefaultSelector() as ready:
            ready.register(line.pgconn.socket, selectors.EVENT_READ)
            assert self._poked is not None
            ready.register(self._poked, selectors.EVENT_READ)
            while not self._quit.is_set():
                with self._changed:
                    fresh = set(self._topics) - heard
                for channel in fresh:
                    line.run(f'LISTEN "{channel}"', (), time.monotonic() + 2)
                    self._heard(channel)  # 没有听着的时候也许有人叫过
                heard |= fresh
                ready.select()
                self._drain(line)

    def _drain(self, line: _Line) -> None:
        assert self._poked is not None
        with suppress(BlockingIOError):
            self._poked.recv(4096)
        if line.is_stale():
            line.pgconn.consume_input()
        while (told := line.pgconn.notifies()) is not None:
            self._heard(told.relname.decode())

    def _heard(self, channel: str) -> None:
        with self._changed:
            topic = self._topics.get(channel)
            if topic is not None:
                self._called.add(topic)
                self._changed.notify_all()
