"""厂商的 ``XtQuantTrader``，加上期限。

厂商的同步调用是 ``Future.result()``，没有期限：应答丢了、客户端僵死、断线时都会永远挂住；
``set_timeout`` 又把超时变成「成功」。这里在厂商类的子类里换掉等待的那一步：
到期或断线就抛异常，委托与撤单抛「结果未知」，查询抛「查询失败」。厂商的代码一行不改。
``user.trader`` 交出去的就是它，所以经它的同步调用也不会挂住。
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import (
    FORKED,
    ClosedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.miniqmt.flights import MAX_IN_FLIGHT, Clock, Departed, Flight, Room
from easytrader.miniqmt.mends import mended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.vitals import Vitals

_MAX_UNANSWERED: Final = 400
"""厂商的上行队列只有 512 格，写满时厂商会死等；未应答的到了这个数就不再发。"""

_MOST_UNANSWERED: Final = 480
"""连厂商的异步接口发出的一起算，最多这么多。"""

_SLICE_S: Final = 0.5
"""Windows 上等锁的时候 Ctrl-C 不起作用：一次最多等这么久。"""

_HARMLESS: Final = (
    "query",
    "smtQuery",
    "subscribe",
    "unsubscribe",
    "getSmartAlgoParam",
    "exportData",
)


class Reply:
    """等一个应答：一把锁，谁先到算谁的。"""

    __slots__ = ("_done", "error", "late", "value")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self.value: Any = None
        self.error: EasytraderError | None = None
        self.late: Callable[[Any], None] | None = None

    def put(self, value: Any) -> None:
        """应答来了（厂商的线程）。"""
        late = self.late
        if late is not None:
            late(value)
            return
        self.value = value
        self._release()

    def fail(self, error: EasytraderError) -> None:
        """不会有应答了。"""
        if self.error is None:
            self.error = error
            self._release()

    def wait(self, timeout_s: float) -> bool:
        """等到应答或失败；到期返回 False。"""
        if timeout_s <= _SLICE_S:
            return self._done.acquire(timeout=timeout_s)
        deadline = time.monotonic() + timeout_s
        while not self._done.acquire(timeout=min(timeout_s, _SLICE_S)):
            timeout_s = max(0.0, deadline - time.monotonic())
            if not timeout_s:
                return self._done.acquire(timeout=0)
        return True

    def _release(self) -> None:
        with contextlib.suppress(RuntimeError):  # 应答与断线同时到：已经放过一次
            self._done.release()


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
        self._waiting: dict[int, tuple[str, Reply | Flight]] = {}
        self._lost = ""
        self._local = threading.local()
        self._room = Room()
        self.others: Callable[[], int] = _none
        """另有多少请求占着厂商的上行队列而不经这里：厂商的异步接口发出的。"""
        self._clock = Clock(self._expire)

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
        return len(self._waiting) + self.others()

    @contextlib.contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        """这一段里、本线程上的调用最晚到 ``deadline``（``time.monotonic``）。"""
        before: float | None = getattr(self._local, "deadline", None)
        limits = [each for each in (before, deadline) if each is not None]
        try:
            self._local.deadline = min(limits) if limits else None
            yield
        finally:
            self._local.deadline = before

    @property
    def last_message(self) -> str:
        """本线程上一个应答里的说明文字：厂商的同步下单只留下编号，把它丢了。"""
        try:
            return str(getattr(getattr(self._local, "answer", None), "error_msg", "") or "")
        except UnicodeDecodeError:
            return ""

    def lose(self, reason: str) -> None:
        """会话断了：在等的全部失败，以后的直接拒绝。"""
        self._lost = self._lost or reason or "连接已断开"
        self._clock.stop()
        self._room.close()
        for name, reply in list(self._waiting.copy().values()):
            reply.fail(_no_answer(name, self._lost))

    def call(self, cbs: dict[int, Any], seq: int, request: tuple[Any, ...]) -> Any:
        """发出请求并等应答。

        Args:
            cbs: 厂商的应答表：序号 → 应答来时调用的函数。
            seq: 请求序号。
            request: (原生方法, 参数…)。
        """
        flight: Flight | None = getattr(self._local, "flight", None)
        if flight is not None:
            return self._depart(flight, cbs, seq, request)
        self._check_sendable()
        name = getattr(request[0], "__name__", "")
        reply = Reply()

        def answered(value: Any) -> None:
            self._waiting.pop(seq, None)
            reply.put(value)

        self._waiting[seq] = (name, reply)
        cbs[seq] = answered
        began = time.monotonic()
        request[0](*request[1:])
        self._fail_if_lost(name, reply)
        limit_s = self.timeout_s
        if not reply.wait(limit_s):
            reply.late = lambda value: self._on_late(name, value)
            if not reply.wait(0):
                self._vitals.expired()
                raise _no_answer(name, f"{limit_s:.3g} 秒内没有应答")
        if reply.error is not None:
            raise reply.error
        self._vitals.answered(name, time.monotonic() - began)
        self._local.answer = reply.value
        return reply.value

    def launch(self, flight: Flight, send: Callable[[], Any]) -> None:
        """发出而不等应答，应答来了交给 ``flight``；在途的满了就等空位，最晚到本线程的期限。

        ``send`` 调用厂商的同步方法，所以请求与同步的一模一样，只是不等。

        Raises:
            NotConnectedError: 断了，或等不到空位；什么都没有发出。
        """
        self._check_sendable()
        limit_s = self.timeout_s
        if not self._room.take(limit_s):
            self._check_sendable()  # 等着的时候断了的，说断了
            raise NotConnectedError(
                f"已有 {MAX_IN_FLIGHT} 笔异步请求在途，{limit_s:.3g} 秒内没有一笔有应答；"
                "什么都没有发出"
            )
        flight.release = self._room.leave
        try:
            self._local.flight = flight
            send()
        except BaseException:
            flight.give_up()
            raise
        finally:
            self._local.flight = None

    def depart(self, flight: Flight, name: str, seq: int) -> Callable[[Any], None]:
        """登记一笔就要发出的；返回应答来时调用的函数。"""
        began = time.monotonic()
        flight.name, flight.seq = name, seq
        flight.deadline = began + self.timeout_s

        def answered(value: Any) -> None:
            self._waiting.pop(seq, None)
            if not flight.is_over:
                self._vitals.answered(name, time.monotonic() - began)
            if not flight.put(value):
                self._on_late(name, value)
            flight.heard(seq, value)

        flight.departed(seq)
        self._waiting[seq] = (name, flight)
        self._clock.watch(flight.deadline)
        return answered

    def dropped(self, flight: Flight, error: EasytraderError) -> None:
        """登记过的一笔不会有应答了。"""
        self._waiting.pop(flight.seq, None)
        flight.fail(error)

    def _depart(
        self, flight: Flight, cbs: dict[int, Any], seq: int, request: tuple[Any, ...]
    ) -> Departed:
        self._check_sendable()
        name = getattr(request[0], "__name__", "")
        cbs[seq] = self.depart(flight, name, seq)
        request[0](*request[1:])
        self._fail_if_lost(name, flight)
        return Departed(seq, seq)

    def _expire(self) -> float:
        """了结到期的异步请求，返回下一个期限；它们还占着队列，所以仍算未应答的。"""
        earliest = math.inf
        for name, flight in list(self._waiting.copy().values()):
            if not isinstance(flight, Flight) or flight.is_over:
                continue
            if flight.deadline > time.monotonic():
                earliest = min(earliest, flight.deadline)
            elif flight.fail(_no_answer(name, "到期没有应答")):
                self._vitals.expired()
        return earliest

    def _check_sendable(self) -> None:
        if os.getpid() != self._pid:
            raise ClosedError(FORKED)
        if self._lost:
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        if len(self._waiting) >= _MAX_UNANSWERED or self.unanswered >= _MOST_UNANSWERED:
            raise NotConnectedError(
                f"客户端已有 {self.unanswered} 个请求没有应答，疑似僵死；什么都没有发出"
            )

    def _fail_if_lost(self, name: str, reply: Reply | Flight) -> None:
        """登记与断线擦肩而过的，补上失败。"""
        if self._lost:
            reply.fail(_no_answer(name, self._lost))


def _none() -> int:
    """没有别的请求。"""
    return 0


def _no_answer(name: str, reason: str) -> EasytraderError:
    what = name.removesuffix("WithSeq") or "请求"
    if name.startswith(_HARMLESS):
        return QueryFailedError(f"{what} 没有应答：{reason}")
    return OutcomeUnknownError(f"{what} 已发出而没有应答（{reason}），结果未知，不要重发，请先核对")


def bounded_class(base: type[Any]) -> type[Any]:
    """厂商类的子类；厂商（或同形模块）没有这个内部方法时原样返回。"""
    if not hasattr(base, "common_op_sync_with_seq"):
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
