"""一个动词怎样到服务器上去做：问一句，等到结果；没有等到的，说清楚是哪一种没有。

查询断了可以再问。会改变什么的动词带着请求号，断了绝不再发：在期限之内换一条连接，
用 ``server.settle`` 问它成了没有——成了的给结果，服务器没有见过的作废（以后再到也不做），
问不到的才是结果未知。
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.orders.receipt import Deadlines, Receipt
from easytrader.remote.line import Asked, LateError, LostError, answer
from easytrader.remote.reach import pause
from easytrader.wire import errors, values
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.basics.log import Log
    from easytrader.link.engine import Engine
    from easytrader.remote.line import Line
    from easytrader.remote.reach import Reach
    from easytrader.remote.session import RemoteSession
    from easytrader.wire.verbs import Verb

_RESERVE: Final = 0.2
_RESERVE_S: Final = 1.0
"""期限的最后两成（最多一秒）留着问它成了没有。"""
_WORKERS: Final = 4
"""断线时在途的异步请求，最多这么多个线程一起问。"""
_IDLE_S: Final = 1.0

_CONCLUSIVE: Final = {"find_entrust", "today_entrusts", "today_trades"}
"""用户凭它们下结论：没有核对完的先核对，「没有」才是真的没有。"""

_KINDS: Final = {Effect.ORDER: "submit", Effect.CANCEL: "cancel", Effect.MOVE: "submit"}


class _Told(Exception):  # noqa: N818  只在这里过一下手
    """服务器说的异常，话已经是说给用户的。"""

    def __init__(self, error: EasytraderError) -> None:
        super().__init__(str(error))
        self.error = error


class Calls:
    """一个交易口的调用；引擎的线程不拿着它的交易口，它也不拿着。

    Args:
        engine: 引擎。
        log: 日志口。
    """

    def __init__(self, engine: Engine, log: Log) -> None:
        self._engine = engine
        self._log = log
        self.reach: Reach | None = None
        """最近 `connect()` 的是谁；还没有连过为 None。"""
        self.before_order: Callable[[], None] = _nothing
        """下单之前在这里先看一眼，不许的抛异常。"""
        self.on_error: Callable[[EasytraderError], None] = _ignore
        """会改变什么的没有做成。"""
        self._deadlines = Deadlines()
        self._settling = _Workers()
        self._pid = os.getpid()

    @property
    def session(self) -> RemoteSession:
        """此刻可用的会话；没有抛 `NotConnectedError`、`ClosedError`。"""
        return cast("RemoteSession", self._engine.session)

    def close(self) -> None:
        """不会再有请求了。"""
        if os.getpid() == self._pid:  # fork 来的：锁也许正被父进程别的线程拿着
            self._deadlines.close()

    # ---- 查询

    def query(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, anyway: bool = False
    ) -> Any:
        """问一句；断了的在期限之内换一条连接再问。

        Args:
            name: 动词。
            args: 参数，下同。
            kwargs: 同上。
            anyway: 账号没有连着也问（问的是服务器自己）。

        Raises:
            NotConnectedError: 没有可用会话。
            QueryFailedError: 期限之内没有得到回答。
        """
        frame = _frame(name, args, kwargs)
        try:
            session = self.session
        except NotConnectedError:
            if not anyway or self.reach is None:
                raise
            reach = self.reach
            deadline = time.monotonic() + reach.door.timeout_s
        else:
            reach, limit_s = session.reach, session.timeout_s
            deadline = time.monotonic() + limit_s
            if reach.place.doubts and name in _CONCLUSIVE:
                self._conclude(session, deadline)
            try:
                return session.ask(frame, deadline)
            except LateError:
                told = f"查询 {name}，{limit_s:.3g} 秒内{reach.door.peer}没有应答"
                raise QueryFailedError(told) from None
            except LostError as exc:
                self._log.debug("查询 {} 的时候断线了（{}），换一条连接再问", name, exc)
        try:
            return self._elsewhere(reach, frame, deadline)
        except (LateError, ConnectFailedError) as exc:
            told = f"查询 {name} 的时候断线了，期限之内没有再问到（{exc}）"
            raise QueryFailedError(told) from exc

    # ---- 会改变什么的

    def change(self, verb: Verb, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """做一件事，等到结果。

        Raises:
            NotConnectedError: 什么都没有发出。
            OutcomeUnknownError: 期限之内没有结果，也没有问到结果。
        """
        session = self.session
        one = _Change(verb, args, kwargs, session)
        try:
            self._check(verb)
            row = self._changed(one, session)
        except EasytraderError as exc:
            one.complete(exc)
            self.on_error(exc)
            raise
        except BaseException as exc:  # Ctrl-C：和没有应答一样，可能已经成交
            self._interrupted(one, exc)
            raise
        self._note(row)
        return row

    def _changed(self, one: _Change, session: RemoteSession) -> Any:
        try:
            return session.ask(one.frame, one.patience, one.kind)
        except (LostError, LateError) as exc:
            if exc.sent:
                return self._settle(one, exc)
            raise NotConnectedError(_nothing_sent(exc)) from None

    def start(self, verb: Verb, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Receipt[Any]:
        """做一件事，服务器说发出了就给一张回执；没有发出的当场抛异常。"""
        session = self.session
        one = _Change(verb, args, kwargs, session)
        receipt = one.receipt
        receipt.watch = self._deadlines.watch
        receipt.build = self._noted
        receipt.over = partial(one.end, session)
        receipt.latest = one.deadline
        try:
            self._check(verb)
            return self._started(one, session)
        except EasytraderError as exc:
            one.complete(exc)
            self.on_error(exc)
            raise
        except BaseException as exc:  # 同 `change`
            one.over()
            self._interrupted(one, exc)
            raise

    def _started(self, one: _Change, session: RemoteSession) -> Receipt[Any]:
        connection, receipt = session.connection, one.receipt
        asked = Asked(partial(self._hear, one, session))
        try:
            number = connection.tell(one.frame, asked, one.patience)
            one.over = partial(connection.forget, number)
            connection.wait(number, asked, one.patience)
        except (LostError, LateError) as exc:
            one.over()
            if not exc.sent:
                raise NotConnectedError(_nothing_sent(exc)) from None
            if isinstance(exc, LateError):
                session.expired()
            receipt.ready(self._noted(self._settle(one, exc)))
        said = asked.said or {}
        if "error" in said:
            raise errors.from_wire(said["error"])
        return receipt

    def _conclude(self, session: RemoteSession, deadline: float) -> None:
        try:
            session.reach.settle_doubts(session.connection, deadline)
        except EasytraderError:
            if not session.connection.lost:
                raise

    def _interrupted(self, one: _Change, exc: BaseException) -> None:
        one.reach.place.doubt(one.request, str(one))
        self._log.warning("{}", one.unknown(f"被打断：{exc!r}"))

    def _hear(self, one: _Change, session: RemoteSession, said: dict[str, Any] | None) -> None:
        """异步的：先说序号，再说结果；断了是 None。在读连接的线程上。"""
        receipt = one.receipt
        if said is None:
            if receipt.sent:  # 还没有说发出的，等着的人自己去问
                self._settling.do(partial(self._settle_later, one))
        elif "seq" in said:
            receipt.depart(int(said["seq"]))
        else:
            session.answered(one.kind, time.monotonic() - one.began)
            if receipt.sent:
                _settle_receipt(receipt, said)
            elif "error" not in said:
                receipt.ready(self._noted(said.get("result")))

    def _settle_later(self, one: _Change) -> None:
        """断线时在途的异步请求：问它成了没有。"""
        if one.receipt.done():
            return
        try:
            one.receipt.put(self._settle(one, LostError("断线了", sent=True)))
        except EasytraderError as exc:
            one.receipt.fail(_Told(exc))

    def _settle(self, one: _Change, lost: LostError | LateError) -> Any:
        """断了、没有等到：在期限之内另外问它成了没有。

        Raises:
            EasytraderError: 服务器对这一次说的异常。
            NotConnectedError: 服务器没有见过，什么都没有发出。
            OutcomeUnknownError: 没有问到。
        """
        self._log.debug("{} 的应答丢了（{}），换一条连接问它成了没有", one, lost)
        why = str(lost)
        deaf = isinstance(lost, LateError)  # 连着而不答的那条，也许听不到了
        while time.monotonic() < one.deadline and not self._engine.closed:
            frame = _frame("server.settle", (), {"request": one.request})
            try:
                told = self._elsewhere(one.reach, frame, one.deadline, aside=deaf)
            except OutcomeUnknownError as exc:
                raise one.unknown(str(exc), exc.tag) from None
            except (LateError, ConnectFailedError, ClosedError) as exc:
                why = f"{why}；{exc}"
                break
            except EasytraderError as exc:  # 没有问成，与那一次成没成无关：再问
                why = str(exc)
                pause(one.deadline)
                continue
            state = told.get("state") if isinstance(told, dict) else None
            if state == "never":
                raise NotConnectedError(
                    f"{one}：断线了，{one.reach.door.peer}没有收到（以后再到也不做了）；什么都没有发出"
                ) from None
            if state == "done":
                return answer(told)
            why = f"{one.reach.door.peer}说它 {state}"
            break
        one.reach.place.doubt(one.request, str(one))
        raise one.unknown(why) from None

    def _elsewhere(
        self, reach: Reach, frame: dict[str, Any], deadline: float, *, aside: bool = False
    ) -> Any:
        """在一条活着的连接上问；又断了就再换。``aside``：不用此刻会话的那条。"""
        while True:
            with self._alive(reach, deadline, aside) as connection, contextlib.suppress(LostError):
                return connection.ask(dict(frame), deadline, lambda: self._engine.closed)
            if self._engine.closed:
                raise ClosedError("这个 trader 已经关闭")
            if time.monotonic() >= deadline:
                raise LateError(sent=True)
            pause(deadline)

    @contextlib.contextmanager
    def _alive(self, reach: Reach, deadline: float, aside: bool) -> Iterator[Line]:
        """此刻的会话的；没有的、换了账号的另开一条，大家合用。"""
        connection = None
        with contextlib.suppress(NotConnectedError, ClosedError):
            session = self.session
            connection = session.connection if session.reach is reach and not aside else None
        if connection is not None and not connection.lost:
            yield connection
            return
        with reach.aside(deadline) as other:
            yield other

    def _noted(self, row: Any) -> Any:
        self._note(row)
        return row

    def _check(self, verb: Verb) -> None:
        if verb.effect is Effect.ORDER:
            self.before_order()

    def _note(self, row: Any) -> None:
        """自己最近下的委托：`wait` 时查不到是缓存慢，不是编号错。"""
        number = row.get("entrust_no") if isinstance(row, dict) else None
        if number not in (None, -1, ""):
            self._engine.orders.recent.append(number)


class _Change:
    """一次会改变什么的请求。"""

    def __init__(
        self, verb: Verb, args: tuple[Any, ...], kwargs: dict[str, Any], session: RemoteSession
    ) -> None:
        self.verb = verb
        self.reach = session.reach
        """问的时候认着它：交易口换了账号，也不会去问错人。"""
        self.request = secrets.token_hex(16)
        self.began = time.monotonic()
        self.limit_s = session.timeout_s
        self.deadline = self.began + self.limit_s
        self.patience = self.deadline - min(_RESERVE_S, self.limit_s * _RESERVE)
        """到这时候还没有应答，余下的时间另外去问。"""
        self.over: Callable[[], None] = _nothing
        self.client_order_id = ""
        self._number: Any = None
        """要撤的委托编号。"""
        self._first: Any = ""
        """给人看的一项；转账的参数里有密码，一样也不给看。"""
        if verb.method.startswith("cancel_entrust"):
            self._number = self._first = args[0] if args else kwargs.get("entrust_no")
        elif verb.effect is Effect.ORDER:
            self._first = args[0] if args else kwargs.get("security", "")
            kwargs = self._with_id(kwargs, session)
        self.frame = _frame(verb.name, args, kwargs)
        self.frame["request"] = self.request
        self.receipt: Receipt[Any] = Receipt(self, self.limit_s)
        self.receipt.blame = self._blame

    @property
    def kind(self) -> str:
        """见 `Reply.kind`。"""
        return _KINDS[self.verb.effect]

    def __str__(self) -> str:
        shown = self._first if isinstance(self._first, (str, int)) else ""
        return f"{self.verb.name} {shown}".strip()

    def unknown(self, why: str, tag: str = "") -> OutcomeUnknownError:
        """结果未知怎么说。"""
        if self.client_order_id:
            look = f"user.find_entrust({self.client_order_id!r})"
        else:
            look = f"user.server.settle({self.request!r})"
        if self.verb.effect is Effect.CANCEL:
            look = "看委托的状态，或再撤一次"
        told = f"{self} 已发出而没有应答（{why}），结果未知，不要重发，请先核对：{look}"
        return OutcomeUnknownError(
            told,
            tag=tag or self.client_order_id,  # 核对认得它
            entrust_no=self._number if isinstance(self._number, (int, str)) else None,
            client_order_id=self.client_order_id,
        )

    def complete(self, error: EasytraderError) -> None:
        """服务器说的「结果未知」，补上是哪一笔。"""
        if isinstance(error, OutcomeUnknownError):
            if error.entrust_no is None and isinstance(self._number, (int, str)):
                error.entrust_no = self._number
            error.client_order_id = error.client_order_id or self.client_order_id
            error.tag = error.tag or self.client_order_id

    def end(self, session: RemoteSession, expired: bool) -> None:
        """回执有了结果。"""
        self.over()
        if expired:
            session.expired()

    def _blame(self, error: BaseException) -> EasytraderError:
        if isinstance(error, _Told):
            self.complete(error.error)
            return error.error
        return self.unknown(str(error))

    def _with_id(self, kwargs: dict[str, Any], session: RemoteSession) -> dict[str, Any]:
        """没有客户编号的，请求号就是：结果未知的时候凭它核对。"""
        if session.hello["backend"].get("tag_in") == "none":
            return kwargs
        given = kwargs.get("client_order_id")
        if given is None:
            given = f"r-{self.request}"
            kwargs = {**kwargs, "client_order_id": given}
        self.client_order_id = given if isinstance(given, str) else ""
        return kwargs


class _Workers:
    """几个线程，有活才起，闲一会儿就散。"""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0

    def do(self, job: Callable[[], None]) -> None:
        """排上。任何线程，不阻塞。"""
        self._jobs.put(job)
        with self._lock:
            if self._count >= _WORKERS:
                return
            self._count += 1
        thread = threading.Thread(target=self._run, name="easytrader-settle", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # 开不出线程：到期由看期限的了结
            with self._lock:
                self._count -= 1

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._count -= 1
                        return
                continue
            job()


def _settle_receipt(receipt: Receipt[Any], said: dict[str, Any]) -> None:
    try:
        receipt.put(answer(said))
    except EasytraderError as exc:
        receipt.fail(_Told(exc))


def _frame(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {
        "verb": name,
        "args": [values.to_plain(each) for each in args],
        "kwargs": {key: values.to_plain(each) for key, each in kwargs.items()},
    }


def _nothing_sent(why: Exception) -> str:
    return f"连接已断开（{why}）；什么都没有发出，请稍后再试"


def _ignore(_: EasytraderError) -> None:
    """没有人要知道。"""


def _nothing() -> None:
    """没有要收尾的。"""
