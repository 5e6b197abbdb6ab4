"""待传的：结果与事件先写在本机的盘上，再一批一批传给存储；存储不在的时候在这里等着。

一台机器一份 SQLite 文件。写盘的与上传的各一个线程，交进来的人（推送的线程、道上的线程）谁也不等。
同一个账号的按交进来的次序传，传过的重复了也不要紧：每一条是 (这一次启动的标记, 号)，存储认得出。

``synchronous=NORMAL``：进程随时被杀都不丢已经写下的；整机断电可能丢最后几条，结果另有本机的两本账
（请求记录、委托记录）与柜台上的标记，推送丢的要靠重连之后的核对补。断电会让号倒回去，
所以标记每次启动另取，不会有两条不同的用同一个号。

存不下了不悄悄地丢：八成满时报警，满了、盘写不了时不收委托（撤单照常），好了自己恢复。
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from loguru import logger

from easytrader.basics import waits
from easytrader.basics.claims import Claim, TakenError
from easytrader.basics.paths import home
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import (
    EasytraderError,
    JournalError,
    OutcomeUnknownError,
    RiskRefusedError,
    UsageError,
)
from easytrader.fleets import checks
from easytrader.fleets.words import (
    PLACED,
    POLL_S,
    REFUSED,
    SENDING,
    UNKNOWN,
    FencedError,
    NewEvent,
    Outcome,
    StoreDownError,
    StoreUnknownError,
)
from easytrader.records.guarded import connect, patiently, prepare
from easytrader.risk.rules import NOTHING_SENT
from easytrader.wire import errors, values

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Lease

MOST: Final = 100
"""一批最多传这么多条。"""
GATHER_S: Final = 0.02
"""没有结果、只有事件的，攒这么久传一批。"""
LIMIT_BYTES: Final = 256 << 20
LATCHES: Final = frozenset({"duplicate", "late_order"})
"""这两种报警同时停掉那个账号。"""
LATE_OUTCOME: Final = "late_outcome"
"""换过任才传到的结果。"""

_ALARM_AT, _CALM_AT = 0.8, 0.6
_IN_MEMORY: Final = 50_000
"""盘写不了的时候，内存里最多留这么多条。"""
_EXTRA_BYTES: Final = 150
_AGAIN_S: Final = 0.5
_SETTLE_S: Final = 4.0
_BUSY_S: Final = 2.0
_REFUSED_S: Final = 5.0
_SHORT: Final = 1000
"""太长的文字只留这么多字。"""
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY, spool TEXT NOT NULL,"
    " n INTEGER NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, command TEXT NOT NULL,"
    " data TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS of_account ON record (account, seq)",
    "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_COLUMNS: Final = "seq, spool, n, account, kind, command, data"
_INSERT: Final = f"INSERT OR IGNORE INTO record ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_NEXT: Final = f"SELECT {_COLUMNS} FROM record WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
_DROP: Final = "DELETE FROM record WHERE seq = ?"
_LEFT: Final = "SELECT account, kind, seq, length(data) FROM record ORDER BY seq"
_NOTE: Final = "INSERT OR REPLACE INTO note VALUES (?, ?)"
_READ_NOTE: Final = "SELECT value FROM note WHERE name = ?"


def default_file(box: str, store: str) -> Path:
    """待传的文件在哪里。

    Args:
        box: 这台机器在队里的名字。
        store: 存储的地址的摘要：换了一个存储的，不混在一起。
    """
    return home() / "fleet" / store / f"box-{quote(box, safe='')}" / "spool.sqlite"


class Record(NamedTuple):
    """一条待传的。

    Attributes:
        seq: 在这个文件里的次序。
        spool: 哪一次启动记的。
        n: 那一次启动里从 1 起的号。
        account: 账号。
        kind: 事件的种类；结果为空。
        command: 说的是哪条命令；没有为空。
        data: JSON。
    """

    seq: int
    spool: str
    n: int
    account: str
    kind: str
    command: str
    data: str

    @property
    def size(self) -> int:
        """在盘上占多少字节，约数。"""
        return len(self.data) + _EXTRA_BYTES


class _Result(NamedTuple):
    """记着的一个结果。"""

    outcome: Outcome
    epoch: int
    host: str


class Spool:
    """见模块说明。`outcome`、`event`、`check` 任何线程，不阻塞、不抛盘的异常。

    Args:
        path: 文件；没有就建，只给本人看。
        limit_bytes: 最多积这么多字节，满了就不收委托。

    Raises:
        EasytraderError: 另一个代理占着它。
        JournalError: 文件坏了，或不是它。
    """

    def __init__(self, path: str | os.PathLike[str], limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = Path(path)
        self.id = secrets.token_hex(8)
        """这一次启动的标记，`NewEvent.spool`。"""
        self._limit = limit_bytes
        self._memory = threading.Lock()  # 只管内存里的，拿着它不碰盘
        self._disk = threading.Lock()
        self._queue: deque[Record] = deque()  # 还没有写到盘上的
        self._sent: dict[str, int] = {}  # 账号 → 传到了哪一条
        self._counts: Counter[str] = Counter()  # 账号 → 待传的条数
        self._turn = 0
        self.depth = 0
        """待传的几条。"""
        self._results = 0  # 其中的结果
        self._latches: dict[str, dict[int, str]] = {}  # 账号 → 还没有传到的、要停单的报警
        self._dropped: Counter[str] = Counter()
        self._bytes = 0
        self._seq = self._first = 0
        self._alarmed = False
        self._broken = ""
        self._unread = False  # 打不开，里面也许有上次留下的：打开之前，新来的不越过它们
        self._db: sqlite3.Connection | None = None
        self._bell, self._loaded = waits.Bell(), waits.Bell()
        self._closed = False
        private_folder(self.path.parent, tighten=True)
        try:
            self._claim = Claim(self.path.with_suffix(".lock"), {"path": str(self.path)})
        except TakenError:
            raise EasytraderError(
                f"这台机器上已经有一个代理用着 {self.path}：账号写在同一个代理里，"
                "或用 --box 给它另取名字"
            ) from None
        try:
            self._open_first()
        except BaseException:
            self._claim.release()
            raise
        self._writer = threading.Thread(
            target=self._write, name="easytrader-agent-spool", daemon=True
        )
        self._writer.start()

    # ---- 交进来

    def outcome(self, outcome: Outcome, epoch: int, host: str = "") -> None:
        """一条命令的结果。

        Args:
            outcome: 结果。
            epoch: 领走它的是第几任。
            host: 谁在等。
        """
        told = values.encode([outcome, epoch, host]).decode()
        self._add(outcome.account, "", outcome.command_id, told)

    def event(self, account: str, told: Mapping[str, Any], command_id: str = "") -> None:
        """一条事件。

        Args:
            account: 账号。
            told: `Trader.events` 的字典，已经只有 JSON 的类型（`wire.values.to_plain`）。
            command_id: 说的是哪条命令；没有为空。
        """
        text = values.encode(told).decode()
        if "\\u0000" in text:
            text = _NUL.sub(r"\1", text)  # PostgreSQL 的文字里不许有，厂商的备注里会有
        self._add(account, str(told["event"]), command_id, text)

    def _add(self, account: str, kind: str, command: str, data: str) -> None:
        with self._memory:
            if kind and kind not in LATCHES and self._is_over:
                self._dropped[account] += 1
                return
            self._seq += 1
            record = Record(
                self._seq, self.id, self._seq - self._first, account, kind, command, data
            )
            self._queue.append(record)
            self._count(record)
            alarm = not self._alarmed and self._bytes >= self._limit * _ALARM_AT
            if alarm:
                self._alarmed = True
        self._bell.ring()
        if alarm:
            self._tell(
                f"待传的积到了 {self._bytes >> 20} MB，上限 {self._limit >> 20} MB：存储连得上吗？"
            )

    @property
    def _is_over(self) -> bool:
        """再多的事件不留了：盘写不了而内存里太多，或已经超过上限的两倍。"""
        return len(self._queue) >= _IN_MEMORY or self._bytes >= 2 * self._limit

    def _count(self, record: Record) -> None:
        self._counts[record.account] += 1
        self.depth += 1
        self._bytes += record.size
        if not record.kind:
            self._results += 1
        elif record.kind in LATCHES:
            self._latches.setdefault(record.account, {})[record.seq] = record.kind

    def _tell(self, text: str) -> None:
        """报警：每个账号一条。"""
        logger.error("{}", text)
        told = {
            "event": "spool_full", "event_name": "待传的存不下了",
            "time": time.time(), "data": {"text": text, "depth": self.depth},
        }  # fmt: skip
        for account in list(self._counts):
            self.event(account, told)

    # ---- 此刻的样子

    def depth_of(self, account: str) -> int:
        """一个账号待传的几条。"""
        return self._counts[account]

    @property
    def trouble(self) -> str:
        """为什么不收委托；收的为空。"""
        if self._broken:
            return f"待传的记录写不下去（{self._broken}）"
        if self._bytes >= self._limit:
            return f"待传的记录满了（{self._bytes >> 10} KB），等它传给存储"
        return ""

    def check(self, account: str) -> None:
        """这个账号此刻收不收委托；撤单不问。

        Raises:
            JournalError: 存不下了；什么都没有发出。
            RiskRefusedError: 有要停单的报警还没有传到；什么都没有发出。
        """
        if self._broken or self._bytes >= self._limit:
            raise JournalError(f"{self.trouble}；{NOTHING_SENT}，撤单照常")
        latched = self._latches.get(account)
        if latched:
            kind = next(iter(latched.copy().values()), "")
            raise RiskRefusedError(
                f"风控拒绝（alarm）：账号 {account} 有报警（{kind}），先看清楚；"
                f"{NOTHING_SENT}，撤单照常",
                rule="alarm",
            )

    # ---- 上传的人用

    def bind(self, identity: str) -> None:
        """认准是哪一份存储（`Greeting.identity`）。

        Raises:
            UsageError: 里面有另一份存储的还没有传走。
            JournalError: 写不了。
        """
        with self._disk:
            try:
                db = self._opened()
                found = db.execute(_READ_NOTE, ("store",)).fetchone()
                if found is not None and found[0] != identity and self.depth:
                    raise UsageError(
                        "dsn", identity,
                        f"{self.path} 里有 {self.depth} 条要传给另一份存储（{found[0]}）的："
                        "先连回那一份传完，或核对清楚之后移走这个文件",
                    )  # fmt: skip
                if found is None or found[0] != identity:
                    patiently(partial(db.execute, _NOTE, ("store", identity)), _soon())
            except sqlite3.Error as exc:
                raise JournalError(f"{self.path} 写不了：{exc}") from exc

    def wait(self, limit_s: float) -> None:
        """等到有新的可以传，最多这么久。"""
        self._loaded.wait(limit_s)

    def poke(self) -> None:
        """叫醒等着的。"""
        self._loaded.ring()

    @property
    def urgent(self) -> bool:
        """待传的里面有结果：有人在等。"""
        return self._results > 0

    def take(self, accounts: Iterable[str], most: int = MOST) -> list[Record]:
        """接下来要传的，一个账号里旧的在前；没有传走之前再问还是它们。

        Args:
            accounts: 只要这些账号的。
            most: 最多几条。
        """
        names = [each for each in accounts if self._counts[each]]
        found: list[Record] = []
        if not names:
            return found
        self._turn = start = (self._turn + 1) % len(names)  # 事件多的账号不挡着别的
        with self._disk:
            for account in names[start:] + names[:start]:
                if len(found) < most:
                    found += self._next(account, most - len(found))
        return found

    def _next(self, account: str, most: int) -> list[Record]:
        sent = self._sent.get(account, 0)
        found: list[Record] = []
        unread = self._unread
        if self._db is not None:
            try:
                rows = self._db.execute(_NEXT, (account, sent, most)).fetchall()
            except sqlite3.Error as exc:
                if not self._broken:
                    logger.error("待传的记录 {} 读不了：{}", self.path, exc)
                rows, unread = [], True
            found = [Record(*each) for each in rows]
        if self._broken and len(found) < most:
            # 盘写不了：内存里的直接传
            with self._memory:
                held = [each for each in self._queue if each.account == account]
                fresh = sum(each.seq > sent for each in held)
                if unread and (self._unread or self._counts[account] > fresh):
                    return []  # 盘上的在前，读不出来：越过去就当作传过了
            after = found[-1].seq if found else sent
            found += [each for each in held if each.seq > after][: most - len(found)]
        return found

    def sent(self, records: Collection[Record]) -> None:
        """这些传到了。"""
        with self._disk:
            with self._memory:
                for each in records:
                    self._sent[each.account] = each.seq
                    self._uncount(each)
            if self._db is not None and not self._broken:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._db.executemany(_DROP, [(each.seq,) for each in records])
                    self._db.execute("COMMIT")
                except sqlite3.Error as exc:
                    # 没有删掉的，重新启动之后再传一遍，存储认得出
                    logger.warning("待传的记录 {} 删不掉已经传到的：{}", self.path, exc)
                    _undo(self._db)

    def _uncount(self, record: Record) -> None:
        self._counts[record.account] -= 1
        self.depth -= 1
        self._bytes -= record.size
        if not record.kind:
            self._results -= 1
        latched = self._latches.get(record.account)
        if latched is not None:
            latched.pop(record.seq, None)
            if not latched:
                del self._latches[record.account]
        if self._bytes <= self._limit * _CALM_AT:
            self._alarmed = False

    def flush(self, limit_s: float) -> bool:
        """等到交进来的都写在盘上了；到期还没有为假。"""
        return waits.sliced(self._is_written, limit_s, slice_s=0.005)

    def _is_written(self, seconds: float) -> bool:
        if self._queue and seconds:
            threading.Event().wait(seconds)
        return not self._queue

    def close(self) -> None:
        """写完，放手；可重复调用，最多几秒。"""
        if self._closed:
            return
        self._closed = True
        self._bell.ring()
        waits.join(self._writer, _BUSY_S * 2)
        with self._disk:
            db, self._db = self._db, None
            if db is not None:
                db.close()
        self._claim.release()
        self._loaded.ring()

    # ---- 写盘的线程

    def _write(self) -> None:
        while True:
            if not self._queue:
                if self._closed:
                    return
                self._bell.wait(None)
            elif self._write_some():
                self._loaded.ring()
            elif self._closed:
                logger.error("待传的 {} 条没有写到盘上：{}", len(self._queue), self._broken)
                return
            else:
                self._loaded.ring()
                self._bell.wait(_AGAIN_S)

    def _write_some(self) -> bool:
        with self._disk:
            try:
                db = self._opened()
                with self._memory:
                    batch = list(islice(self._queue, 500))
                fresh = [each for each in batch if each.seq > self._sent.get(each.account, 0)]
                patiently(partial(db.execute, "BEGIN IMMEDIATE"), _soon())
                db.executemany(_INSERT, fresh)
                db.execute("COMMIT")
            except (sqlite3.Error, OSError) as exc:
                _undo(self._db)
                self._fail(exc)
                return False
            with self._memory:
                for _ in batch:
                    self._queue.popleft()
            if self._broken:
                self._heal(db)
        self._own_up()
        return True

    def _fail(self, exc: Exception) -> None:
        first, self._broken = not self._broken, str(exc) or type(exc).__name__
        if first:
            threading.Thread(  # 报警也要进来，而这里拿着盘的锁
                target=self._tell,
                args=(
                    f"待传的记录 {self.path} 写不下去（{exc}）：不收委托，撤单照常；先留在内存里",
                ),
                name="easytrader-agent-spool-alarm",
                daemon=True,
            ).start()

    def _heal(self, db: sqlite3.Connection) -> None:
        self._broken = ""
        logger.info("待传的记录 {} 又写得下去了，委托照常", self.path)
        with suppress(sqlite3.Error):  # 写不了的时候传到的，没有删
            for account, seq in list(self._sent.items()):
                db.execute("DELETE FROM record WHERE account = ? AND seq <= ?", (account, seq))

    def _own_up(self) -> None:
        """没有留住的，说有遗漏。"""
        if not self._dropped or self._is_over:
            return
        with self._memory:
            dropped, self._dropped = self._dropped, Counter()
        for account, missed in dropped.items():
            logger.error("账号 {}：存不下的时候丢了 {} 条事件", account, missed)
            told = {"event": "gap", "event_name": "有遗漏", "time": time.time()}
            self.event(account, {**told, "data": {"missed": missed}})

    # ---- 文件

    def _open_first(self) -> None:
        """打开，数一数留着的；盘一时写不了的以后再试，坏了的现在就说。"""
        has_file = self.path.exists()
        try:
            self._opened()
        except (sqlite3.OperationalError, OSError) as exc:
            self._broken, self._unread = str(exc), has_file
            logger.error("待传的记录 {} 打不开（{}）：不收委托，撤单照常", self.path, exc)
        except sqlite3.Error as exc:
            told = f"待传的记录 {self.path} 读不懂（{exc}）：核对清楚当日委托之后移走它，再启动"
            raise JournalError(told) from exc
        if self._counts:
            logger.info("上次留下 {} 条待传的", self.depth)

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            private_folder(self.path.parent, tighten=True)
            private_file(self.path)
            db = connect(self.path)
            try:
                prepare(db, _SCHEMA, _soon())
                left = db.execute(_LEFT).fetchall()
            except BaseException:
                db.close()
                raise
            self._adopt(left)
            self._db, self._unread = db, False
        return self._db

    def _adopt(self, left: list[tuple[str, str, int, int]]) -> None:
        """上次留下的算进来；后来才打开的，这期间交进来的排在它们后面。"""
        if not left:
            return
        last = left[-1][2]
        with self._memory:
            self._queue = deque(each._replace(seq=each.seq + last) for each in self._queue)
            for account, latched in self._latches.items():
                self._latches[account] = {seq + last: kind for seq, kind in latched.items()}
            self._seq += last
            self._first += last
            for account, kind, seq, size in left:
                self._count(Record(seq, "", 0, account, kind, "", " " * size))


def _soon() -> float:
    return time.monotonic() + _BUSY_S


def _undo(db: sqlite3.Connection | None) -> None:
    try:
        if db is not None and db.in_transaction:
            db.execute("ROLLBACK")
    except sqlite3.Error:
        return


class Uploader:
    """把待传的一批一批传给存储，一个线程；传得到的才从盘上去掉。

    Args:
        store: 存储。
        spool: 待传的。
        leases: 此刻拿着的租约；没有租约的账号，它的等着。
        fenced: 存储说这个账号不是自己的了。
        settled: 传到了一批：(等结果的主机, 有了新事件的账号)。
        late: 换过任才传到的结果。
        stop: 报警要停的账号与为什么；抛 `StoreDownError` 的整批过一会儿再来。
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        leases: Callable[[], Mapping[str, Lease]],
        *,
        fenced: Callable[[str], None] = lambda _: None,
        settled: Callable[[set[str], set[str]], None] = lambda _hosts, _accounts: None,
        late: Callable[[Outcome], None] = lambda _: None,
        stop: Callable[[str, str], None] = lambda _account, _why: None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._leases = leases
        self._fenced = fenced
        self._settled = settled
        self._late = late
        self._stop = stop
        self._lost: dict[str, int] = {}  # 账号 → 已知不是自己的了的那一任
        self._refused: dict[str, float] = {}  # 账号 → 存储不收，到何时再试
        self._said = ""
        self._thread = threading.Thread(
            target=self._run, name="easytrader-agent-upload", daemon=True
        )
        self._closing = False

    def start(self) -> None:
        """开始传。"""
        self._thread.start()

    def poke(self) -> None:
        """有了新的租约、存储回来了：现在就试。"""
        self._spool.poke()

    def close(self, limit_s: float) -> None:
        """传完此刻传得走的，结束；最多等这么多秒，没有传走的留在盘上。"""
        deadline = time.monotonic() + limit_s
        self._spool.flush(limit_s / 2)
        self._closing = True
        self._spool.poke()
        waits.join(self._thread, max(0.0, deadline - time.monotonic()))

    # ---- 线程上

    def _run(self) -> None:
        gathered = 0.0
        while True:
            closing = self._closing
            try:
                more = self._once()
                pause_s = 0.0 if more else POLL_S
            except (StoreDownError, StoreUnknownError) as exc:
                self._say(str(exc) or type(exc).__name__)
                more, pause_s = False, _AGAIN_S
            except Exception as exc:  # noqa: BLE001  边界：一批出错不能从此不传
                logger.exception("待传的没有传成：{!r}", exc)
                more, pause_s = False, POLL_S
            if closing and not more:
                return
            if pause_s and not self._closing:
                self._spool.wait(pause_s)
            while (left_s := gathered + GATHER_S - time.monotonic()) > 0:
                if self._spool.urgent or self._closing:
                    break
                self._spool.wait(left_s)
            gathered = time.monotonic()

    def _once(self) -> bool:
        """传一批；还有为真。"""
        leases = self._usable()
        records = self._spool.take(leases)
        if not records:
            return False
        try:
            self._send(records, leases)
        except (FencedError, UsageError) as exc:
            accounts = dict.fromkeys(each.account for each in records)
            if len(accounts) == 1:
                self._refuse(next(iter(accounts)), leases, exc)
                return True
            for account in accounts:
                self._alone([each for each in records if each.account == account], leases)
        self._say("")
        return True

    def _alone(self, records: list[Record], leases: Mapping[str, Lease]) -> None:
        try:
            self._send(records, leases)
        except (FencedError, UsageError) as exc:
            self._refuse(records[0].account, leases, exc)

    def _usable(self) -> dict[str, Lease]:
        now = time.monotonic()
        return {
            account: lease
            for account, lease in self._leases().items()
            if self._lost.get(account) != lease.epoch and self._refused.get(account, 0.0) <= now
        }

    def _refuse(self, account: str, leases: Mapping[str, Lease], exc: Exception) -> None:
        if isinstance(exc, FencedError):
            used = self._lost[account] = leases[account].epoch
            now = self._leases().get(account)
            if now is not None and now.epoch != used:
                return  # 传的这会儿自己换了一任：照新的再传，不要放掉新的
            logger.warning("账号 {} 换了主人，它待传的先留着", account)
            self._fenced(account)
            return
        self._refused[account] = time.monotonic() + _REFUSED_S
        self._say(f"账号 {account} 待传的存储不收：{exc}")

    def _send(self, records: list[Record], leases: Mapping[str, Lease]) -> None:
        outcomes: list[Outcome] = []
        events: list[NewEvent] = []
        late: list[Outcome] = []
        hosts: set[str] = set()
        for each in records:
            if each.kind:
                if each.kind in LATCHES:
                    # 先停了再记：传到了的报警，存储的开关一定开着
                    self._stop(each.account, _why(each))
                events.append(_event(each))
                continue
            result = _result(each)
            hosts.add(result.host)
            if result.epoch == leases[each.account].epoch:
                outcomes.append(result.outcome)
            elif result.outcome.state not in (SENDING, UNKNOWN):
                outcomes.append(result.outcome)
                events.append(_late_event(each, result))
                late.append(result.outcome)
        accounts = dict.fromkeys(each.account for each in records)
        held = [leases[each] for each in accounts]
        deadline = time.monotonic() + _SETTLE_S
        self._store.settle(held, outcomes, events, deadline)
        self._spool.sent(records)
        self._settled(hosts - {""}, {each.account for each in events})
        for outcome in late:
            if outcome.state == PLACED:
                self._late(outcome)

    def _say(self, why: str) -> None:
        """同一件事只说一次。"""
        if why == self._said:
            return
        if why:
            logger.warning("待传的没有传成，留着再试：{}", why)
        elif self._said:
            logger.info("待传的又传得走了")
        self._said = why


def _result(record: Record) -> _Result:
    told, epoch, host = values.decode(record.data)
    outcome = Outcome(*told)
    if len(outcome.answer) > checks.LONGEST_TEXT:
        outcome = outcome._replace(answer=_short_answer(outcome))
    return _Result(outcome, epoch, host)


def _short_answer(outcome: Outcome) -> str:
    """长得存储不收的回答，换成一句短的：不换，这个账号后面的都传不走。"""
    told = f"回答有 {len(outcome.answer)} 字，存不下，没有留下"
    logger.error("账号 {} 的 {}：{}", outcome.account, outcome.command_id, told)
    if outcome.state in (PLACED, REFUSED):
        return ""  # 委托编号与状态说了一切
    error = values.decode(outcome.answer).get("error")
    if error is None:
        error = errors.to_wire(OutcomeUnknownError(f"已经做完，{told}：先核对"))
    else:  # 还是那个异常：「什么都没有发出」的不能变成别的
        error = {**_short(error), "text": f"{str(error.get('text'))[:_SHORT]}…（{told}）"}
    return values.encode({"error": error}).decode()


def _short(told: object) -> dict[str, Any]:
    """只留短的几项，长的文字只留开头。"""
    if not isinstance(told, dict):
        return {}
    cut = {key: each[:_SHORT] if isinstance(each, str) else each for key, each in told.items()}
    found = {key: each for key, each in cut.items() if len(values.encode(each)) <= 7 * _SHORT}
    return found if len(values.encode(found)) <= checks.LONGEST_TEXT // 2 else {}


def _why(record: Record) -> str:
    told = str(values.decode(record.data)["data"].get("text", ""))
    return f"报警（{record.kind}）：{told[:_SHORT]}"


def _event(record: Record) -> NewEvent:
    data = record.data
    if len(data) > checks.LONGEST_TEXT:
        logger.error("账号 {} 的事件 {} 有 {} 字，存不下，只留短的几项",
                     record.account, record.kind, len(data))  # fmt: skip
        told = values.decode(data)
        told["data"] = {**_short(told["data"]), "cut": len(data)}
        data = values.encode(told).decode()
    return NewEvent(record.account, record.kind, data, record.spool, record.n, record.command)


def _late_event(record: Record, result: _Result) -> NewEvent:
    outcome = result.outcome
    told = {
        "event": LATE_OUTCOME,
        "event_name": "换过任才到的结果",
        "time": time.time(),
        "data": {
            "command_id": outcome.command_id,
            "attempt": outcome.attempt,
            "state": outcome.state,
            "reason": outcome.reason,
            "order_id": outcome.order_id,
            "epoch": result.epoch,
        },
    }
    text = values.encode(told).decode()
    return NewEvent(record.account, LATE_OUTCOME, text, record.spool, record.n, outcome.command_id)
