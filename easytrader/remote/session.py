"""远程的会话：一条连接，服务器上的那个账号也连着；怎样开一次（`RemoteConnector`）。

连接断了、账号在服务器上断了，会话就断了，由这边的引擎重连。账号断了而连接还在的，
在途的请求还等得到回答：连接退休，答完才断开。

事件按（``boot``, 编号）接着要：交给了引擎的才算要过，重连之后从下一条起。
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.session import BaseSession
from easytrader.basics.log import masked
from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
)
from easytrader.link.supervisor import State
from easytrader.remote import records
from easytrader.remote.line import LateError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Listener
    from easytrader.basics.log import Log
    from easytrader.remote.line import Line
    from easytrader.remote.reach import Reach
    from easytrader.remote.records import Record
    from easytrader.wire.words import Hello

_READY_S: Final = 0.3
_RESYNC: Final = 0.3
"""期限里留这么多给补查。"""

_READY: Final = State.CONNECTED.value


class RemoteSession(BaseSession):
    """一次会话。

    Args:
        connection: 连接。
        hello: 服务器的第一句话。
        listener: 往上报给谁。
        reach: 服务器上的这个账号。
        log: 日志口。
        live_after: 看到账号连着的时候，最近一条事件的编号：之后的「断开」才算。
    """

    def __init__(
        self,
        connection: Line,
        hello: Hello,
        listener: Listener,
        reach: Reach,
        log: Log,
        live_after: int,
    ) -> None:
        super().__init__(reach.door.timeout_s)
        place = reach.place
        self.reach = reach
        self.connection = connection
        self.hello = hello
        self.cache_lag_s = float(hello["backend"].get("cache_lag_s") or 0.0)
        self._by_text = hello["backend"].get("id_type") == "str"
        self._peer = reach.door.peer
        self._listener = listener
        self._log = log
        self._place = place
        fresh = not place.boot
        self._boot = hello["boot"] if fresh else place.boot
        self._at = hello["last"] if fresh else place.seq
        self._live_after = live_after
        self._boot_now = hello["boot"]
        self._is_caught_up = False
        self._account_down = False
        self._order = threading.RLock()
        connection.on_events = self._take
        connection.on_lost = lambda reason: listener.lost(self, reason)

    # ---- 问

    def ask(self, frame: dict[str, Any], deadline: float, kind: str = "query") -> Any:
        """问一句，等到结果；异常同 `Line.ask`。"""
        began = time.monotonic()
        try:
            found = self.connection.ask(frame, deadline)
        except LateError:
            self.expired()
            raise
        except EasytraderError:
            self.answered(kind, time.monotonic() - began)
            raise
        self.answered(kind, time.monotonic() - began)
        return found

    def answered(self, kind: str, took_s: float) -> None:
        """有了应答。"""
        if self.vitals is not None:
            self.vitals.answered(kind, took_s)

    def expired(self) -> None:
        """到期没有应答。"""
        if self.vitals is not None:
            self.vitals.expired()

    def attach(self, deadline: float) -> None:
        """从上次的下一条起要事件。"""
        self.query("server.events", deadline, {"boot": self._boot, "after": self._at})

    def query(
        self, verb: str, deadline: float | None = None, kwargs: dict[str, Any] | None = None
    ) -> Any:
        """给引擎的查询：断了、到期是 `QueryFailedError`。"""
        if self._lost:
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        limit_s = self.timeout_s
        until = time.monotonic() + limit_s if deadline is None else deadline
        try:
            return self.ask({"verb": verb, "args": [], "kwargs": kwargs or {}}, until)
        except LateError:
            raise QueryFailedError(f"查询 {verb}，{limit_s:.3g} 秒内{self._peer}没有应答") from None
        except LostError as exc:
            raise QueryFailedError(f"查询 {verb} 的时候断线了（{exc}）") from None

    def asset(self) -> Record:
        """资金。"""
        return self.assets()[0]

    def assets(self) -> list[Record]:
        """资金，一种货币一项。"""
        rows = self._rows("balance")
        if not rows:
            raise QueryFailedError(f"{self._peer}没有给出资金")
        return rows

    def positions(self) -> list[Record]:
        """持仓。"""
        return self._rows("position")

    def orders(self) -> list[Record]:
        """当日委托。"""
        return self._rows("today_entrusts")

    def trades(self) -> list[Record]:
        """当日成交。"""
        found = self._rows("today_trades")
        with self._order:  # 补查的最后一样：此前来的事件，引擎接管的时候交
            self._is_caught_up = True
            self._commit()
        return found

    def order(self, order_id: Any) -> Record | None:
        """一笔当日委托。编号是文字的，服务器会当成 ``client_order_id`` 再找一遍，所以自己找。"""
        if self._by_text:
            found = super().order(order_id)
            return found if found is None or isinstance(found, records.Record) else None
        row = self.query("find_entrust", kwargs={"key": order_id})
        return None if row is None else records.Record(row)

    def submit(self, request: Any, reply: Any) -> None:
        """下单走 `remote.calls`，不从这里。"""
        raise NotImplementedError

    def cancel(self, target: Any, reply: Any) -> None:
        """撤单走 `remote.calls`，不从这里。"""
        raise NotImplementedError

    def _rows(self, verb: str) -> list[Record]:
        found = self.query(verb)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise QueryFailedError(f"{self._peer}给出的 {verb} 读不懂")
        return [records.Record(each) for each in found]

    # ---- 断

    def lose(self, reason: str) -> None:
        """断了。"""
        with self._order:  # 正在交的那条事件算清楚：交了的记下，没有交的下次再要
            super().lose(reason)
        if self._account_down:
            self.connection.retire()
        else:
            self.connection.fail(reason)

    def close(self, limit_s: float = 3.0) -> None:
        """收尾。"""
        self.lose("会话已关闭")
        if not self._account_down:
            self.connection.join(limit_s)

    # ---- 事件：在读连接的线程上，一次一个

    def _take(self, said: dict[str, Any]) -> None:
        gap = said.get("gap")
        if gap is not None:
            self._log.warning(
                "事件有遗漏（{}重启过，或离开太久）：委托与成交会补查，别的（应答、失败的说明）没有了",
                self._peer,
            )
            self._move(said["boot"], gap["next"] - 1)
            return
        for event in said["events"]:
            if not self._take_one(said["boot"], event):
                return

    def _take_one(self, boot: str, event: dict[str, Any]) -> bool:
        """交一条；已经断了的不要，为假。"""
        seq = event["seq"]
        if boot == self._boot and seq <= self._at:
            return True
        if event["event"] == "disconnected" and self._is_live(boot, seq):
            self._account_down = True
            self._move(boot, seq)
            self._listener.lost(self, f"账号在{self._peer}上断开了")
            return False
        made = records.pushed(event)
        with self._order:
            if self._lost:
                return False
            if made is not None:
                self._listener.pushed(self, made)
            self._move(boot, seq)
        return True

    def _is_live(self, boot: str, seq: int) -> bool:
        """连上之后才有的，不是补来的。"""
        return boot == self._boot_now and seq > self._live_after

    def _move(self, boot: str, seq: int) -> None:
        with self._order:
            self._boot, self._at = boot, seq
            if self._is_caught_up and not self._lost:
                self._commit()

    def _commit(self) -> None:
        self._place.boot, self._place.seq = self._boot, self._at


class RemoteConnector:
    """怎样开一次远程的会话；实现 `backend.session.Connector`。

    Args:
        reach: 服务器上的那个账号。
        guard: 此刻的风控规则，送给服务器的样子；没有开为 None。
        on_hello: 听到第一句话。
        log: 日志口。
    """

    session_id = 0

    def __init__(
        self,
        reach: Reach,
        guard: Callable[[], dict[str, Any] | None],
        on_hello: Callable[[Hello], None],
        log: Log,
    ) -> None:
        self.door = reach.door
        self.timeout_s = reach.door.timeout_s
        self._reach = reach
        self._guard = guard
        self._on_hello = on_hello
        self._log = log
        self._cancelled = threading.Event()
        self._account_key = ""

    def open(self, listener: Listener, deadline: float) -> RemoteSession:
        """开一次会话。"""
        connection, hello = self.door.enter(deadline, self._cancelled.is_set)
        session: RemoteSession | None = None
        connection.start()
        try:
            self._on_hello(hello)
            self._same(hello)
            live_after = self._ready(connection, hello, deadline)
            session = RemoteSession(connection, hello, listener, self._reach, self._log, live_after)
            self._reach.settle_doubts(connection, deadline)
            limits = self._guard()
            if limits is not None and "server.guard" in hello["verbs"]:
                session.query("server.guard", deadline, {"limits": limits})
            session.attach(deadline)
        except BaseException as exc:
            connection.fail("没有连成")
            connection.join(1.0)
            if isinstance(exc, (QueryFailedError, NotConnectedError)):
                raise ConnectFailedError(f"连上了 {self.door.address}，但{exc}") from exc
            raise
        self._account_key = hello["account_key"]
        name = masked(hello["account"])
        self._log.info("✓ 成功连接到 {}, 账号: {}", self.door.address, name)
        return session

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()

    def _same(self, hello: Hello) -> None:
        where = self.door.address
        if self._account_key and hello["account_key"] != self._account_key:
            raise ConnectFailedError(f"{where} 上的 {self.door.account} 换成了另一个资金账号")

    def _ready(self, connection: Line, hello: Hello, deadline: float) -> int:
        """账号在服务器上连着；返回看到的那一刻最近一条事件的编号。

        重连的时候等一等它：柜台断开几毫秒就好了的，不必等到下一次重连。
        """
        state, last = hello["state"], hello["last"]
        until = deadline - self.timeout_s * _RESYNC if self._account_key else 0.0
        while state != _READY:
            if time.monotonic() >= until or self._cancelled.wait(_READY_S):
                raise ConnectFailedError(
                    f"连上了 {self.door.address}，但账号 {masked(self.door.account)} "
                    f"{self.door.not_ready(state)}"
                )
            frame: dict[str, Any] = {"verb": "server.status", "args": [], "kwargs": {}}
            told = _asked(connection, frame, deadline)
            state, last = told["state"], told["last"]
        return last


def _asked(connection: Line, frame: dict[str, Any], deadline: float) -> dict[str, Any]:
    try:
        told = connection.ask(frame, deadline)
    except (LostError, LateError) as exc:
        raise ConnectFailedError(f"刚连上就断开了：{exc}") from exc
    if not isinstance(told, dict) or not {"state", "last"} <= told.keys():
        raise ConnectFailedError("账号的状态读不懂")
    return told
