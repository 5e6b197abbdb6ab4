"""厂商的 ``XtQuantTrader``，加上期限。

厂商的同步调用是 ``Future.result()``，没有期限：应答丢了、客户端僵死、断线时都会永远挂住；
``set_timeout`` 又把超时变成「成功」。这里在厂商类的子类里换掉等待的那一步：
到期或断线就抛异常，委托与撤单抛「结果未知」，查询抛「查询失败」。厂商的代码一行不改。
``user.trader`` 交出去的就是它，所以经它的同步调用也不会挂住。
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import waits
from easytrader.errors import (
    FORKED,
    ClosedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.miniqmt.vendor.mends import mended
from easytrader.orders.receipt import Receipt, unknown_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sized
    from types import TracebackType

    from easytrader.backend.session import Reply
    from easytrader.link.heartbeat import Vitals

    Heard = Callable[[int, Any], None]
    _Order = tuple[Reply[Any], Callable[[Any], Any], Heard | None]
    """本线程正要发的一笔：应答交给谁，怎样读，见 `Replies.start`。"""

_MAX_UNANSWERED: Final = 400
"""厂商的上行队列只有 512 格，写满时厂商会死等；未应答的到了这个数就不再发。"""

_MOST_UNANSWERED: Final = 480
"""连厂商的异步接口发出的一起算，最多这么多。"""

MAX_IN_FLIGHT: Final = 256
"""一次会话里最多这么多笔在途；满了的等空位。厂商的上行队列 512 格，余下的留给查询和撤单。"""


_ROOMY: Final = MAX_IN_FLIGHT * 3 // 4
"""等空位的等到只剩这么多在途：一个一个放行的话，线程切换比请求本身还贵。"""

_HARMLESS: Final = (
    "query",
    "smtQuery",
    "subscribe",
    "unsubscribe",
    "getSmartAlgoParam",
    "exportData",
)


class Room:
    """一次会话里在途的有多少，满了等空位。"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._aloft = 0
        self._waiters = 0
        self._closed = False

    def take(self, limit_s: float) -> bool:
        """占一个空位，最多等 ``limit_s`` 秒；没有等到、或不会再有了返回 False。"""
        with self._lock:
            if self._aloft >= MAX_IN_FLIGHT and not self._wait(limit_s):
                return False
            self._aloft += 1
            return True

    def leave(self) -> None:
        """让出一个。"""
        with self._lock:
            self._aloft -= 1
            if self._waiters and self._aloft <= _ROOMY:
                self._freed.notify_all()

    def close(self) -> None:
        """不会再有空位了。"""
        with self._lock:
            self._closed = True
            self._freed.notify_all()

    def _wait(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        self._waiters += 1
        try:
            while not self._closed:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return self._aloft < MAX_IN_FLIGHT
                waits.change(self._freed, left_s)
                if self._aloft <= _ROOMY:
                    return True
            return False
        finally:
            self._waiters -= 1


class Departed(NamedTuple):
    """厂商的同步方法从应答里取编号；只发不等的时候给它这个，取到的就是请求序号。"""

    order_id: int
    cancel_result: int


class _Until:
    """本线程上，一段里的期限；套着的取早的那个。"""

    __slots__ = ("_before", "_deadline", "_local")

    def __init__(self, local: threading.local, deadline: float | None) -> None:
        self._local = local
        self._deadline = deadline
        self._before: float | None = getattr(local, "deadline", None)

    def __enter__(self) -> None:
        before, mine = self._before, self._deadline
        if before is None or (mine is not None and mine < before):
            self._local.deadline = mine

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._local.deadline = self._before


class Replies:
    """一次会话里还没有应答的调用。

    Args:
        timeout_s: 每个调用的期限，秒。
        on_late: 过期之后才到的应答（请求名, 应答）。
        vitals: 脉搏。
    """

    def __init__(
        self, timeout_s: float, on_late: Callable[[str, Any], None], vitals: Vitals
    ) -> None:
        self._timeout_s = timeout_s
        self._on_late = on_late
        self._vitals = vitals
        self._pid = os.getpid()
        self._waiting: dict[int, Reply[Any]] = {}
        self._lost = ""
        self._local = threading.local()
        self._room = Room()
        self.others: Sized = ()
        """另有多少请求占着厂商的上行队列而不经这里：厂商的异步接口发出的。"""

    @property
    def timeout_s(self) -> float:
        """此刻在本线程上的期限，秒。"""
        deadline: float | None = getattr(self._local, "deadline", None)
        if deadline is None:
            return self._timeout_s
        return max(0.0, min(self._timeout_s, deadline - time.monotonic()))

    @property
    def unanswered(self) -> int:
        """占着厂商的上行队列的，一共多少。"""
        return len(self._waiting) + len(self.others)

    def until(self, deadline: float | None) -> _Until:
        """这一段里、本线程上的调用最晚到 ``deadline``（``time.monotonic``）。"""
        return _Until(self._local, deadline)

    def lose(self, reason: str) -> None:
        """会话断了：在等的全部失败，以后的直接拒绝。"""
        self._lost = self._lost or reason or "连接已断开"
        self._room.close()
        for reply in list(self._waiting.copy().values()):
            reply.fail(OutcomeUnknownError(self._lost))

    def call(self, cbs: dict[int, Any], seq: int, request: tuple[Any, ...]) -> Any:
        """厂商的同步方法走到这里：发出请求；是 `start` 发的当场返回，别的等到应答。

        Args:
            cbs: 厂商的应答表：序号 → 应答来时调用的函数。
            seq: 请求序号。
            request: (原生方法, 参数…)。
        """
        self._check_sendable()
        order: _Order | None = getattr(self._local, "order", None)
        name = getattr(request[0], "__name__", "")
        if order is None:
            asked: Receipt[Any] = Receipt(name, self.timeout_s, awaited=True)
            asked.blame, asked.over = partial(no_answer, name), self._over
            cbs[seq] = self._depart((asked, _as_it_is, None), name, seq)
            self._send(seq, request, asked)
            return asked.value()
        reply = order[0]
        cbs[seq] = self._depart(order, name, seq)
        self._send(seq, request, reply)
        if reply.awaited:  # 反正要等：马上让出解释器，应答来得快一截
            reply.wait()
        return Departed(seq, seq)

    def _send(self, seq: int, request: tuple[Any, ...], reply: Reply[Any]) -> None:
        try:
            request[0](*request[1:])
        except Exception:
            self._waiting.pop(seq, None)
            raise
        if self._lost:  # 登记与断线擦肩而过的，补上失败
            reply.fail(OutcomeUnknownError(self._lost))

    def start(
        self,
        reply: Reply[Any],
        send: Callable[[], Any],
        read: Callable[[Any], Any],
        heard: Heard | None,
    ) -> None:
        """发出而不等应答；异步的在途满了就等空位，最晚到本线程的期限。

        Args:
            reply: 应答交给它。
            send: 调用厂商的同步方法，所以请求与同步的一模一样，只是不等。
            read: 厂商的应答 → 要交的；读不出抛 `OutcomeUnknownError`。
            heard: 每来一个应答调用一次（过期之后才到的也算），在交给 ``reply`` 之后。

        Raises:
            NotConnectedError: 断了，或等不到空位；什么都没有发出。
        """
        if reply.awaited:
            reply.over = self._over
        else:
            self._take_room()
            reply.over = self._over_and_leave
        try:
            self._local.order = reply, read, heard
            found = send()
        finally:
            self._local.order = None
        if not reply.seq:  # 没有走到发出那一步，厂商当场就答了
            reply.put(read(found))

    def aside(
        self, reply: Reply[Any], name: str, seq: int, call: Callable[[], Any]
    ) -> threading.Thread:
        """同形模块没有可以只发不等的地方：在一次性的线程上等它的同步方法。"""
        answered = self._depart(self._local.order, name, seq)

        def run() -> None:
            try:
                value = call()
            except Exception as exc:  # noqa: BLE001  边界：同形模块抛什么都是「结果未知」
                self._waiting.pop(seq, None)
                reply.fail(exc)
            else:
                answered(value)

        return threading.Thread(target=run, name="easytrader-call", daemon=True)

    def _depart(self, order: _Order, name: str, seq: int) -> Callable[[Any], None]:
        """登记一笔就要发出的；返回应答来时调用的函数。"""
        reply, read, heard = order
        began = time.monotonic()

        def answered(value: Any) -> None:
            self._waiting.pop(seq, None)
            if not reply.done():
                self._vitals.answered(name, time.monotonic() - began)
            try:
                is_in_time = reply.put(read(value))
            except OutcomeUnknownError as exc:
                is_in_time = reply.fail(exc)
            if not is_in_time:
                self._on_late(name, value)
            if heard is not None:
                heard(seq, value)

        reply.depart(seq)
        self._waiting[seq] = reply
        return answered

    def _take_room(self) -> None:
        self._check_sendable()
        limit_s = self.timeout_s
        if self._room.take(limit_s):
            return
        self._check_sendable()  # 等着的时候断了的，说断了
        raise NotConnectedError(
            f"已有 {MAX_IN_FLIGHT} 笔异步请求在途，{limit_s:.3g} 秒内没有一笔有应答；什么都没有发出"
        )

    def _over(self, expired: bool) -> None:
        if expired:  # 它还占着队列，所以仍算未应答的
            self._vitals.expired()

    def _over_and_leave(self, expired: bool) -> None:
        self._room.leave()
        self._over(expired)

    def _check_sendable(self) -> None:
        if os.getpid() != self._pid:
            raise ClosedError(FORKED)
        if self._lost:
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        waiting = len(self._waiting)
        if waiting >= _MAX_UNANSWERED or waiting + len(self.others) >= _MOST_UNANSWERED:
            raise NotConnectedError(
                f"客户端已有 {self.unanswered} 个请求没有应答，疑似僵死；什么都没有发出"
            )


def _as_it_is(answer: Any) -> Any:
    return answer


def no_answer(name: str, error: object) -> EasytraderError:
    """没有应答的请求怎么说：查询可以重试，别的结果未知。"""
    what = name.removesuffix("WithSeq") or "请求"
    if name.startswith(_HARMLESS):
        return QueryFailedError(f"{what} 没有应答：{error}")
    return OutcomeUnknownError(unknown_text(what, OutcomeUnknownError(str(error))))


_PASSING: Final = (
    "order_stock",
    "cancel_order_stock",
    "query_stock_asset",
    "query_stock_positions",
    "query_stock_orders",
    "query_stock_trades",
    "subscribe",
)
"""厂商的同步方法：向 ``async_client`` 发出，都在 ``common_op_sync_with_seq`` 里等应答。"""


def is_vendor(kind: type[Any]) -> bool:
    """同步调用真的由 ``async_client`` 发出、从 ``common_op_sync_with_seq`` 走、由 ``cbs`` 收应答。

    同形模块（如 cfquant）可以只有这些名字而不从那里走，或走过去的是一个会等应答的函数：
    换掉那一步等于没有加期限。看不到代码的也不算。
    """

    def uses(method: str, *names: str) -> bool:
        code = getattr(getattr(kind, method, None), "__code__", None)
        return set(names) <= set(getattr(code, "co_names", ()))

    waiting = "common_op_sync_with_seq"
    return uses(waiting, "cbs") and all(
        uses(method, "async_client", waiting) for method in _PASSING
    )


def bounded_class(base: type[Any]) -> type[Any]:
    """厂商类的子类；不是厂商的（同形模块）原样返回，放在一次性的线程上调用。"""
    if not is_vendor(base):
        return base

    class BoundedXtQuantTrader(mended(base)):  # type: ignore[misc]  # 基类在运行时才知道
        """见模块说明。"""

        _easytrader_replies: Replies | None = None
        _easytrader_on_register: Callable[[Any], None] | None = None

        def common_op_sync_with_seq(self, seq: int, callable: tuple[Any, ...]) -> Any:
            replies = self._easytrader_replies
            if replies is None:
                return super().common_op_sync_with_seq(seq, callable)
            return replies.call(self.cbs, seq, callable)

        def register_callback(self, callback: Any) -> None:
            """会话建立之后再注册的回调，交给 easytrader 的分发线程。"""
            if self._easytrader_on_register is None:
                super().register_callback(callback)
            else:
                self._easytrader_on_register(callback)

        def set_timeout(self, timeout: int = 0) -> None:
            """厂商的超时会把委托编号变成 0、把撤单变成「成功」：不用它，期限由 easytrader 管。"""
            if self._easytrader_replies is None:
                super().set_timeout(timeout)

        def sleep(self, time: float) -> None:
            """厂商的实现永远不返回；这里真的睡这么久。"""
            threading.Event().wait(time)

        def __del__(self) -> None:
            """厂商在这里动主线程的事件循环，而且会抛异常；不做。"""

    BoundedXtQuantTrader.__name__ = base.__name__
    BoundedXtQuantTrader.__qualname__ = base.__qualname__
    return BoundedXtQuantTrader
