"""引擎：任何后端都要的接线，接上一个 `Connector` 就能用。

它管看护（重连、心跳、补查）、交付、恰好一次的记录、风控、退出与 fork、关闭；
不知道用户的交易口是谁，也不持有它。
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import threading
import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from easytrader import rows
from easytrader.backend.records import (
    CallbackReplaced,
    Disconnected,
    OrderChanged,
    OrderRefused,
    Traded,
)
from easytrader.basics import pace, paths
from easytrader.basics.log import masked
from easytrader.basics.paths import AccountKey
from easytrader.errors import FORKED, ClosedError, NotConnectedError
from easytrader.history import daybook
from easytrader.history.daybook import Daybook
from easytrader.idempotency import Once
from easytrader.link.heartbeat import Vitals
from easytrader.link.supervisor import State, Supervisor
from easytrader.orders import Router
from easytrader.orders.wait import Waiting
from easytrader.push import Courier
from easytrader.push.event_log import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.backend.capabilities import Capabilities
    from easytrader.backend.records import OrderLike, PushEvent
    from easytrader.backend.session import Connector, Session
    from easytrader.basics.log import Log
    from easytrader.link.backoff import ReconnectOptions
    from easytrader.records.storage import Storage
    from easytrader.risk import Guard, GuardPost, Meter
    from easytrader.types import Entrust, Status

_Found = TypeVar("_Found")

_CHANGES: Final = (OrderChanged, Traded, OrderRefused)
_CLOSE_S: Final = 5.0
_LOOK_S: Final = 2.0
"""看旧的 trader 还有没有人用，最多等它的回调这么久。"""
_CLOSED: Final = "这个 trader 已经关闭，请重新 easytrader.use(...)"


class Handlers:
    """用户给的回调。只由交易口拿着：它没了，就是没有人拿着那个交易口了。

    Args:
        callback: 回调对象，可以为 None。
        hooks: 单独给的回调函数，名字 → 函数或 None。
    """

    __slots__ = ("__weakref__", "callback", "hooks")

    def __init__(self, callback: Any, hooks: dict[str, Callable[..., None] | None]) -> None:
        self.callback = callback
        self.hooks = hooks


_live: Final[set[Engine]] = set()
"""本进程里连着（或正在连）的。"""


class Engine:
    """一个账号的引擎；`connect` 可以再来，换一个账号也行。

    它的线程不持有交易口。交易口没有人要了（`abandon`）：只用了默认回调的马上关；
    给了自己的回调的接着交，到本进程再连同一个账号时关。

    Args:
        capabilities: 后端的本事。
        log: 日志口。
        storage_of: 账号 → 委托记录、程序化交易计数、事件存在哪里。
    """

    def __init__(
        self, capabilities: Capabilities, log: Log, *, storage_of: Callable[[AccountKey], Storage]
    ) -> None:
        self.capabilities = capabilities
        self.key = AccountKey("", "")
        """连的是谁；还没有连过的两项都空。"""
        self.path = ""
        """给人看的路径。"""
        self.vitals = Vitals()
        self.events = EventLog()
        self.orders = Router(log, lambda: self.session, capabilities)
        self.waiting = Waiting(
            self.find,
            self.orders.recent,
            lambda number: self.capabilities.check_id(number),  # 远程的连上才知道
            lambda number: self.order_rows.reason(number),
        )
        self.order_rows = rows.OrderRows()
        self.supervisor: Supervisor | None = None
        self.book: Daybook | None = None
        """往日的账；还没有连接、记录在对面那台机器上的为 None。"""
        self.now: Callable[[], float] = lambda: pace.current().now()
        """柜台此刻是几点，Unix 秒；单步的模拟柜台由后端换掉，不得阻塞。"""
        self.closed = False
        self._log = log
        self._storage_of = storage_of
        self._storage: Storage
        self._pid = os.getpid()
        self._lifecycle = threading.RLock()
        self._connector: Connector | None = None
        self._guard: Guard | None = None
        self._meter: Meter | None = None
        self._at_exit = False
        self._abandoned = False
        self._listening = False
        self._handlers: weakref.ref[Handlers] | None = None
        self._listeners: tuple[Callable[[PushEvent], None], ...] = ()
        self._claim: Callable[[AccountKey], None] | None = None
        # 换下来还没有关好的：关好才划掉，被 Ctrl-C 打断的下一次 close() 接着关
        self._old: list[Callable[[], None]] = []
        self._let_go: Callable[[], None] = _nothing
        self.courier = self._new_courier()

    # ---- 给交易口的

    @property
    def session(self) -> Session:
        """此刻可用的会话。

        Raises:
            NotConnectedError: 没有。
            ClosedError: 已经关闭，或是 fork 来的。
        """
        supervisor = self.supervisor
        if os.getpid() != self._pid:
            raise ClosedError(FORKED)
        if self.closed:
            raise ClosedError(_CLOSED)
        if supervisor is None:
            raise NotConnectedError("还没有连接：先调用 connect()")
        return supervisor.session

    @property
    def state(self) -> State:
        """连接状态。"""
        supervisor = self.supervisor
        forked = supervisor is not None and os.getpid() != self._pid
        if self.closed or forked:
            return State.CLOSED
        return State.IDLE if supervisor is None else supervisor.state

    def status(self) -> Status:
        """此刻的健康状况，见 `Trader.status`。"""
        supervisor, once, post = self.supervisor, self.orders.once, self.orders.post
        found: dict[str, Any] = {"state": self.state.value, **_NO_FACTS}
        if supervisor is not None:
            found.update(supervisor.facts())
        found.update(self.courier.facts())
        vitals = self.vitals
        found["last_answer"] = vitals.answered_epoch
        found["unanswered"] = vitals.unanswered
        found["latency_ms"] = vitals.latency_ms()
        found["open_intents"] = 0 if once is None else len(once.doubts)
        found["guard"] = None if post is None else post.status()
        found["account_id"] = masked(self.key.account_id)
        found["path"] = self.path
        found["session_id"] = 0 if self._connector is None else self._connector.session_id
        return cast("Status", found)

    @property
    def today(self) -> str:
        """柜台的今天，``2026-11-30`` 这样。"""
        return self.capabilities.day.text(self.now())

    def saw(self, kind: str, found: _Found) -> _Found:
        """查到的也记进往日的账，原样返回。"""
        if self.book is not None:
            self.book.saw(kind, found)
        return found

    def find(self, number: Any, deadline: float | None = None) -> Entrust | None:
        """一笔当日委托，最晚到 ``deadline``；没有为 None。"""
        session = self.session
        with session.until(deadline):
            order = session.order(number)
        return None if order is None else self.order_rows.row(order)

    @property
    def guard(self) -> Guard | None:
        """风控规则；也收 True 和字典，见 `Guard.of`。"""
        return self._guard

    @guard.setter
    def guard(self, value: Guard | dict[str, Any] | bool | None) -> None:
        from easytrader.risk import Guard  # 没有开风控的不必带上它

        guard = Guard.of(value)
        if guard is not None:
            guard.blocked(self.capabilities.instruments.security)  # 认不得的现在就说
        self._guard = guard
        self._set_guard()

    def tap(self, listen: Callable[[PushEvent], None]) -> Callable[[], None]:
        """交付的每一条另给它一份：在分发线程上，去重之后，回调之前，不得阻塞、不得抛异常。

        几个同时听互不相干，也不占 `events()` 的。

        Returns:
            不再听时调用，可重复。
        """
        with self._lifecycle:
            self._listeners = (*self._listeners, listen)

        def leave() -> None:
            with self._lifecycle:
                self._listeners = tuple(each for each in self._listeners if each is not listen)

        return leave

    def claim(self, ask: Callable[[AccountKey], None] | None) -> None:
        """连谁之前先问它一声：它抛异常就不连，什么都没有做。None 为不问了。"""
        self._claim = ask

    def new_post(self, guard: Guard) -> GuardPost:
        """另一道风控岗，与本账号的程序化交易计数共用一个；还没有连接抛 `NotConnectedError`。"""
        from easytrader.risk import GuardPost, Meter

        with self._lifecycle:
            self.session  # noqa: B018  没有连接的说清楚
            if self._meter is None:
                self._meter = Meter.open(self._storage.counters(time.time), self._log)
            security = self.capabilities.instruments.security
            return GuardPost(guard, self._meter, self._log, security=security)

    def check_usable(self) -> None:
        """还能连接。

        Raises:
            ClosedError: 已经关闭，或是 fork 来的。
        """
        if os.getpid() != self._pid:
            if self.supervisor is not None or self.closed:
                raise ClosedError(FORKED)
            self._pid = os.getpid()
        if self.closed:
            raise ClosedError(_CLOSED)

    def connect(
        self,
        connector: Connector,
        key: AccountKey,
        *,
        path: str,
        options: ReconnectOptions,
        handlers: Handlers,
        listening: bool,
        wait_s: float | None,
    ) -> None:
        """连接；已经连着时先断开旧的再连。

        Args:
            connector: 怎样开一次会话。
            key: 连的是谁。
            path: 给人看的路径。
            options: 重连选项。
            handlers: 用户的回调；要由交易口拿着。
            listening: 有用户自己给的回调，不只是默认的。
            wait_s: None 只试一次；否则最多等这么多秒。

        Raises:
            ConnectFailedError: 没连上，什么都没有留下。
            ClosedError: 已经关闭，或期间被关闭。
        """
        self.check_usable()
        if self._claim is not None:
            self._claim(key)
        began = time.monotonic()
        self._close_forgotten(key, began + min(_LOOK_S, connector.timeout_s / 4))
        looked_s = time.monotonic() - began
        if self.supervisor is not None:
            self._log.info("断开旧的连接")
        _live.add(self)
        supervisor: Supervisor | None = None
        try:
            with self._lifecycle:
                self.check_usable()
                self._replace(key, min(_CLOSE_S, connector.timeout_s))
                self.path = path
                self._handlers, self._listening = weakref.ref(handlers), listening
                self._connector = connector
                supervisor = self._supervise(connector, options)
                self._set_guard()
            self._tidy()
            self.courier.start(handlers.callback, handlers.hooks)
            self.check_usable()  # 这期间可能已经 close()：它没看到刚放上去的
            supervisor.connect(wait_s, looked_s)
            self._name_blocked()
        except BaseException:
            self._forget(supervisor)
            raise

    def abandon(self) -> None:
        """没有人拿着交易口了（垃圾回收时调用，什么锁都不能拿）。"""
        supervisor = self.supervisor
        if supervisor is not None and not self._listening:
            self._abandoned = True
            supervisor.ring()

    def hold(self, let_go: Callable[[], None]) -> None:
        """占着一样东西到关闭为止；换一样时放开旧的。

        Args:
            let_go: 放手。
        """
        before, self._let_go = self._let_go, let_go
        before()
        if self.closed:  # 就在这一刻关了
            let_go()

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。最多几秒。"""
        self.closed = True
        if os.getpid() != self._pid:
            return  # fork 来的：连接是父进程的，不去动它
        supervisor = self.supervisor
        if supervisor is not None:
            supervisor.close(_CLOSE_S)
        self.orders.close()
        self.waiting.note_change()
        self._close_courier(self.courier)
        self.events.close()
        with self._lifecycle:
            self._retire_records()
        self._tidy()
        self._let_go()
        self._leave()

    # ---- 内部

    def _replace(self, key: AccountKey, limit_s: float) -> None:
        """换上新的账号与记录（拿着锁，只换不关）；同一个账号的分发线程留用。"""
        storage = self._storage_of(key)  # 会抛异常的先做
        events = None if key == self.key else storage.events()
        old = self.supervisor
        if old is not None:
            self._old.append(partial(old.close, limit_s, replaced=True))
        if events is not None:
            # 排着的都是旧账号的，交给旧的回调；新账号从头来
            self._old.append(partial(self._close_courier, self.courier, limit_s))
            self._old.append(partial(self.events.open, events))
            self._retire_records()
            if self.book is not None:
                self._old.append(self.book.close)
            self.order_rows = rows.OrderRows()
            self.book = self._new_book(storage)
            self.courier = self._new_courier()
        self.key, self._storage = key, storage
        if self.orders.once is None and self.capabilities.tags and self.capabilities.journal:
            get = partial(self._session_of, key)
            self.orders.once = Once(storage, key.account_id, get, self._log, self.capabilities.day)
        if not self._at_exit:
            self._at_exit = True
            atexit.register(self._exit)

    def storage(self, key: AccountKey) -> Storage:
        """这个账号的记录存在哪里。"""
        return self._storage_of(key)

    @property
    def folder(self) -> Path:
        """这个账号自己的文件放在哪里：与委托记录一起；委托记录不是文件的，在用户数据目录下。"""
        storage = getattr(self, "_storage", None)  # 还没有连接过
        own: Path | None = getattr(storage, "folder", None)
        return own or paths.key_folder(self.key)

    def _supervise(self, connector: Connector, options: ReconnectOptions) -> Supervisor:
        """新的看护马上顶替旧的：别的线程看到的是「连接中」，不是「已关闭」。"""
        courier, book = self.courier, self.book
        self.supervisor = Supervisor(
            connector,
            options,
            self.capabilities,
            resync=partial(self._resync, courier, book=book),
            recheck=partial(self._recheck, courier, book=book),
            finish=self._finish,
            deliver=partial(self._deliver, courier),
            tend=self._tend,
            vitals=self.vitals,
            log=self._log,
            account=self.key,
        )
        return self.supervisor

    def _tidy(self) -> None:
        """把换下来的关好。"""
        for close in list(self._old):
            close()
            with contextlib.suppress(ValueError):  # 两个线程同时在关
                self._old.remove(close)

    def _tend(self) -> bool:
        """没有人要了就关掉（在看护线程上）；为真就收工。"""
        if self._abandoned and not self.closed:
            told = (
                "没有人拿着账号 {} 的 trader 了，也没有 close()：断开。要它一直连着，就留着那个变量"
            )
            self._log.warning(told, masked(self.key.account_id))
            self.close()
        return self.closed

    def _leave(self) -> None:
        _live.discard(self)
        self._at_exit = False
        atexit.unregister(self._exit)

    def _close_forgotten(self, key: AccountKey, deadline: float) -> None:
        """同一个账号、已经没有人用的（笔记本里又运行了一遍那一格）：先关掉，不占会话。"""
        for other in list(_live):
            if other is not self and other.key == key and other.is_forgotten(deadline):
                told = "账号 {} 有一个没有 close()、也没有人用了的 trader，先关掉它"
                self._log.warning(told, masked(key.account_id))
                other.close()

    def is_forgotten(self, deadline: float) -> bool:
        """除了我们自己的线程，没有人拿着它的交易口。最晚等到 ``deadline``；看不出来为假。"""
        if self.closed or os.getpid() != self._pid or self._handlers is None:
            return False
        if self._handlers() is None:
            return True
        found: list[bool] = []
        left_s = max(0.0, deadline - time.monotonic())
        # 在分发线程上看：这会儿没有回调在跑，也不会漏交
        return self.courier.run(lambda: found.append(self._let_callback_go()), left_s) and found[0]

    def _let_callback_go(self) -> bool:
        """放开回调一会儿：回调多半拿着交易口，而交易口拿着回调。"""
        self.courier.start(None, {})
        gc.collect()
        handlers = None if self._handlers is None else self._handlers()
        if handlers is not None:
            self.courier.start(handlers.callback, handlers.hooks)
        return handlers is None

    def _session_of(self, key: AccountKey) -> Session:
        """这个账号的会话；已经换了账号的话，绝不给出另一个账号的。"""
        supervisor = self.supervisor
        if supervisor is None or supervisor.account != key:
            self.session  # noqa: B018  没有连接、已关闭、fork 来的，各有各的说法
            raise NotConnectedError("这个 trader 已经换了账号；什么都没有发出")
        if os.getpid() != self._pid:
            raise ClosedError(FORKED)
        if self.closed:
            raise ClosedError(_CLOSED)
        return supervisor.session

    def _new_book(self, storage: Storage) -> Daybook | None:
        """往日的账；记录在对面那台机器上的没有。"""
        if not self.capabilities.journal:
            return None
        day, row_of = self.capabilities.day, self.order_rows.row
        return Daybook(storage, self._log, day, row_of, lambda: self.now())

    def _new_courier(self) -> Courier:
        return Courier(
            self._log,
            delivered=partial(self._delivered, self.book),
            met=self._met,
            status=self.status,
            day_of=self.capabilities.day.day_of,
            spread_s=self.capabilities.push_spread_s,
        )

    def _delivered(self, book: Daybook | None, event: PushEvent) -> None:
        """一条就要交给回调的：记进往日的账与 `events()`，另给旁听的各一份。"""
        if book is not None:
            book.delivered(event)
        for listen in self._listeners:
            listen(event)
        self.events.add(event)

    def _close_courier(self, courier: Courier, limit_s: float = _CLOSE_S) -> None:
        if not courier.close(limit_s):
            self._log.warning("有回调 {:g} 秒还没有返回，不再等它", limit_s)

    def _forget(self, supervisor: Supervisor | None) -> None:
        """没连上：不留线程，状态回到「未连接」。"""
        if supervisor is not None:
            supervisor.close(_CLOSE_S)
        with self._lifecycle:
            if self.supervisor is not supervisor:
                return  # 别的线程又 connect() 了
            self.supervisor = None
            if self.closed:
                self._retire_records()
            elif self.book is not None:
                self._old.append(partial(self.book.close, final=False))
        self._tidy()
        self._close_courier(self.courier)
        self._leave()

    def _retire_records(self) -> None:
        once, meter = self.orders.once, self._meter
        if once is not None:
            self._old.append(once.close)
        if meter is not None:
            self._old.append(meter.close)
        if self.closed and self.book is not None:
            self._old.append(self.book.close)
        self.orders.once = self.orders.post = self._meter = None

    def _name_blocked(self) -> None:
        """连上才认得全代码的柜台：禁止名单里的写法，这时才对得上行里的。"""
        post = self.orders.post
        if post is not None and post.guard.block:
            post.rename(self.capabilities.instruments.security)

    def _set_guard(self) -> None:
        guard = self._guard
        if guard is None or not self.key.account_id or self.closed:
            self.orders.post = None
            return
        from easytrader.risk import GuardPost, Meter

        if self._meter is None:
            self._meter = Meter.open(self._storage.counters(time.time), self._log)
        security = self.capabilities.instruments.security
        self.orders.post = GuardPost(guard, self._meter, self._log, security=security)

    def _deliver(self, courier: Courier, event: PushEvent) -> None:
        if isinstance(event, OrderRefused):
            self.order_rows.explain(event.error)  # 先记原因：回调里看到的行就带着它
        courier.deliver(event)
        if isinstance(event, CallbackReplaced) and self._handlers is not None:
            handlers = self._handlers()
            if handlers is not None:
                handlers.callback, self._listening = event.callback, True
        if isinstance(event, _CHANGES):
            self.waiting.note_change()
        elif isinstance(event, Disconnected) and self.orders.once is not None:
            self.orders.once.doubts.hurry()

    def _met(self, order: OrderLike) -> None:
        """第一次见到一笔委托：它可能正是结果未知的那一笔。"""
        once, tag = self.orders.once, rows.tag_of(order)
        if once is not None and tag:
            once.doubts.met(tag, order.order_id)

    def _resync(self, courier: Courier, session: Session, book: Daybook | None = None) -> None:
        """连上之后：资金 → 持仓 → 委托 → 成交，把断线期间错过的补交给回调。"""
        asset, positions = session.asset(), session.positions()
        if book is not None:
            book.saw(daybook.ASSET, asset)
            book.saw(daybook.POSITIONS, positions)
        orders, trades = self._look(session, book)
        meter = self._meter
        if meter is not None:
            meter.seed(len(orders))
        courier.catch_up(orders, trades)
        self.waiting.note_change()

    def _recheck(self, courier: Courier, session: Session, book: Daybook | None = None) -> None:
        """连着的时候再核对一遍：查询是缓存，推送会漏；不推送的后端全靠它。"""
        orders, trades = self._look(session, book)
        if self.capabilities.pushes:
            courier.reconcile(orders, trades)
        else:
            courier.catch_up(orders, trades)
        self.waiting.note_change()

    def _look(self, session: Session, book: Daybook | None) -> tuple[list[Any], list[Any]]:
        orders, trades = list(session.orders()), list(session.trades())
        if book is not None:
            book.saw(daybook.ORDER, orders)
            book.saw(daybook.TRADE, trades)
        once = self.orders.once
        if once is not None:
            once.doubts.resync(session, orders)
        return orders, trades

    def _finish(self, deadline: float) -> None:
        """连上之后：把结果未知的委托核对完。"""
        once = self.orders.once
        if once is not None:
            once.doubts.finish(deadline)

    def _exit(self) -> None:
        """解释器退出：干净地断开，让客户端早点放开会话。"""
        with contextlib.suppress(OSError, RuntimeError):  # 正在退出，没有人能处理了
            self.close()


_NO_FACTS: Final[dict[str, Any]] = {
    "since": 0.0,
    "attempts": 0,
    "reconnects": 0,
    "gave_up": False,
    "last_error": "",
    "heartbeat_failures": 0,
}
"""还没有连接时的样子。"""


def _nothing() -> None:
    """什么都没有占着。"""
