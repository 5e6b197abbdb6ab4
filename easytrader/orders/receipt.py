"""`Receipt`：等一个应答，最晚到期限。全包只有这一种等法：同步的替用户等它，异步的把它交给用户。"""

from __future__ import annotations

import contextlib
import copy
import heapq
import itertools
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from easytrader import arguments
from easytrader.basics import waits
from easytrader.errors import EasytraderError, OutcomeUnknownError, WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

_Row = TypeVar("_Row")

_then_lock: Final = threading.Lock()
_IDLE: Final = float("-inf")
"""看钟的线程没有在睡：它睡之前会再看一遍，不必叫醒。"""


class Receipt(Generic[_Row]):
    """异步下单、撤单的回执。任何线程都可以用，包括回调里；可以几处同时等。

    应答、断线、到期，谁先到算谁的，只算一次；说过的不改口。

    Attributes:
        seq: 这次请求的序号，异步应答的回调与事件里是同一个；0 是这次什么都没有发出
            （同一个 ``client_order_id`` 早就下好了）。厂商的序号在一次会话里不重复，重连后从头数。
        awaited: 有人当场等着（同步的调用），不是交给用户的异步回执。
        quiet: 不必推异步应答的事件：发出的那一方自己等（当场等着的都是）。
        timeout_s: 发出之后等多少秒。
    """

    __slots__ = (
        "_deadline", "_gate", "_is_done", "_latch", "_row", "_then", "_what", "awaited", "blame",
        "build", "error", "heard", "known", "latest", "over", "quiet", "sent", "seq", "timeout_s",
        "watch",
    )  # fmt: skip

    def __init__(self, what: object, timeout_s: float, *, awaited: bool = False) -> None:
        self.seq = 0
        self.awaited = self.quiet = awaited
        self.build: Callable[[Any], _Row] | None = None
        """应答 → 结果；没有的应答就是结果。在收应答的线程上，不得阻塞，下同。"""
        self.blame: Callable[[BaseException], EasytraderError] | None = None
        """没有应答的原因（或发出的时候抛的异常）→ 说给用户的。"""
        self.over: Callable[[bool], None] | None = None
        """有了结果之后调用：是不是到期。后端放的。"""
        self.heard: Callable[[], None] | None = None
        """来了应答时调用，在 ``over`` 之后。后端放的。"""
        self.known = ""
        """到期没有应答时，后端已经知道的。后端放的。"""
        self.watch: Callable[[Receipt[Any]], None] | None = None
        """定了期限时调用。"""
        self.latest: float | None = None
        """最晚到什么时候（``time.monotonic``），比期限更紧的时候才有。"""
        self._what = what
        self.timeout_s = timeout_s
        self._deadline = time.monotonic() + 2 * timeout_s  # 发出之前最多等一个期限
        self._row: _Row | None = None
        self._then: Callable[[Receipt[_Row]], None] | None = None
        self.error: EasytraderError | None = None
        """结果未知，或没有发出。"""
        self.sent = False
        """已经（或就要）发出。"""
        self._is_done = False
        self._gate = threading.Lock()  # 拿到的说结果
        # 锁着的是还没有结果；等到的人拿了马上放开，下一个接着拿
        self._latch = threading.Lock()
        self._latch.acquire()

    def done(self) -> bool:
        """有结果了没有（包括结果未知）。"""
        return self._is_done

    def result(self, timeout: float | None = None) -> _Row:
        """等到有结果，返回与同步方法同样的字典。可以调用多次。

        Args:
            timeout: 最多等多少秒；不给就等到有结果为止，
                最晚是发出之后 ``connect`` 的 ``timeout`` 秒。

        Raises:
            UsageError: 秒数不对。
            WaitTimeoutError: 到了这里给的 ``timeout`` 还没有结果；委托还在路上，可以接着等。
            OutcomeUnknownError: 已发出而没有应答（到期、断线），**不可重试**，先核对。
        """
        limit_s = None
        if timeout is not None:
            limit_s = arguments.seconds("timeout", timeout, allow_zero=True)
        return copy.copy(self.value(limit_s))

    def __repr__(self) -> str:
        shown = "等待应答" if not self.done() else self.error or self._row
        return f"<Receipt seq={self.seq} {self._what}：{shown}>"

    # ---- 给替用户等的那一方

    def value(self, limit_s: float | None = None) -> _Row:
        """同 `result`，给出的是原物。"""
        if not self._is_done and not self.wait(limit_s):
            told = "已发出，还没有应答" if self.sent else "正在发，还没有应答"
            raise WaitTimeoutError(f"{self._what} {told}")
        if self.error is not None:
            raise self.error.with_traceback(None)  # 不然每取一次，回溯长一截
        return self._row  # type: ignore[return-value]  # 没有错误就是结果

    @property
    def deadline(self) -> float:
        """最晚到什么时候（``time.monotonic``）。"""
        return self._deadline

    def expire(self) -> None:
        """到期了：没有结果的，结果未知。"""
        told = f"{self.timeout_s:.3g} 秒内没有应答{self.known and f'；{self.known}'}"
        self._settle(None, OutcomeUnknownError(told), True)

    def ready(self, row: _Row) -> None:
        """什么都没有发出，已经有结果。"""
        if self._gate.acquire(blocking=False):
            self._row = row
            self._open()

    def then(self, call: Callable[[Receipt[_Row]], None]) -> None:
        """有了结果时调用一次（已经有了就马上），在说结果的那个线程上，不得阻塞。

        可以放几个：同一个 ``client_order_id`` 又下了一次的，拿到的是同一张。
        """
        with _then_lock:
            before = self._then
            self._then = call if before is None else partial(_both, before, call)
        if self._is_done and (found := self._take_then()) is not None:
            found(self)

    def _take_then(self) -> Callable[[Receipt[_Row]], None] | None:
        """拿走它：说结果的与放它的撞在一起，也只调用一次。"""
        with _then_lock:
            call, self._then = self._then, None
        return call

    # ---- 给发出的那一方（`backend.session.Reply`）

    @property
    def kind(self) -> str:
        """``submit cancel query``。"""
        return getattr(self._what, "kind", "query")

    def depart(self, seq: int) -> None:
        """序号定了，就要发出。"""
        self.seq = seq
        now = time.monotonic()
        deadline = now + self.timeout_s
        if self.latest is not None and self.latest < deadline:
            deadline, self.timeout_s = self.latest, max(0.0, self.latest - now)
        self._deadline = deadline
        self.sent = True
        if self.watch is not None:
            self.watch(self)

    def put(self, answer: Any) -> bool:
        """应答来了；已经有了结果返回 False。"""
        return self._settle(answer, None)

    def fail(self, error: BaseException) -> bool:
        """不会有应答了；已经有了结果返回 False。"""
        return self._settle(None, error)

    # ---- 内部

    def _settle(self, answer: Any, error: BaseException | None, expired: bool = False) -> bool:
        if not self._gate.acquire(blocking=False):
            return False
        try:
            if self.over is not None:
                self.over(expired)
            if error is None:
                if self.heard is not None:
                    self.heard()
                try:
                    self._row = answer if self.build is None else self.build(answer)
                except Exception as exc:  # noqa: BLE001  边界：应答读不出来，等的人也要知道
                    error = exc
            if error is not None:
                self.error = self._blame(error)
                if self.blame is not None:
                    self.error = self.blame(error)
        except BaseException as exc:
            self.error = self.error or self._blame(error or exc)
            if not isinstance(exc, Exception):
                raise
        finally:
            self._open()
        return True

    def _blame(self, error: BaseException) -> EasytraderError:
        if isinstance(error, EasytraderError) and not isinstance(error, OutcomeUnknownError):
            return error
        return OutcomeUnknownError(unknown_text(self._what, error))

    def _open(self) -> None:
        self._is_done = True
        self._latch.release()
        if self._then is not None and (call := self._take_then()) is not None:
            call(self)

    def wait(self, limit_s: float | None = None) -> bool:
        """等到有结果；发出了的到期就了结。没有等到返回 False。"""
        left_s = self._deadline - time.monotonic()
        if limit_s is not None and limit_s < left_s:
            return self._take(limit_s)
        if self._take(left_s):
            return True
        left_s = self._deadline - time.monotonic()
        if left_s > 0:  # 等着的时候才发出，期限变了
            return self.wait(limit_s)
        if self.sent:
            self.expire()
            return self._take(waits.SLICE_S)  # 别人正好在说结果
        return False

    def _take(self, limit_s: float) -> bool:
        latch = self._latch
        if latch.acquire(timeout=max(0.0, min(limit_s, waits.SLICE_S))) or (
            limit_s > waits.SLICE_S and waits.acquire(latch, limit_s - waits.SLICE_S)
        ):
            latch.release()
            return True
        return self._is_done


def _both(
    first: Callable[[Receipt[_Row]], None],
    second: Callable[[Receipt[_Row]], None],
    receipt: Receipt[_Row],
) -> None:
    try:
        first(receipt)
    finally:
        second(receipt)


def unknown_text(what: object, error: BaseException) -> str:
    """结果未知怎么说。

    Args:
        what: 哪一笔。
        error: `OutcomeUnknownError` 带的是没有应答的原因；别的是发出的时候抛的。
    """
    if isinstance(error, OutcomeUnknownError):
        return f"{what} 已发出而没有应答（{error}），结果未知，不要重发，请先核对"
    if isinstance(error, Exception):
        return f"{what} 已交给后端，它抛出 {error!r}，结果未知，不要重发，请先核对"
    return f"{what} 发出之后被打断（{error!r}），结果未知，不要重发，请先核对"


class Deadlines:
    """到期还没有结果的回执，没有人等也要了结：委托记录要知道。

    线程用到时才起，没有要看的就结束。
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._heap: list[tuple[float, int, Receipt[Any]]] = []
        self._number = itertools.count()
        self._wake_at = _IDLE
        self._running = self._closing = False

    def watch(self, receipt: Receipt[Any]) -> None:
        """这一张的期限定了。"""
        heap, deadline = self._heap, receipt.deadline
        with self._lock:
            while heap and heap[0][2].done():
                heapq.heappop(heap)
            heapq.heappush(heap, (deadline, next(self._number), receipt))
            if not self._running:
                with contextlib.suppress(RuntimeError):  # 开不出线程：等的人自己也会了结
                    threading.Thread(
                        target=self._run, name="easytrader-deadlines", daemon=True
                    ).start()
                    self._running, self._closing = True, False
            elif deadline < self._wake_at:
                self._changed.notify()

    def close(self) -> None:
        """会话都没有了：没有要看的就让线程马上结束。"""
        with self._lock:
            self._closing = True
            self._changed.notify()

    def _run(self) -> None:
        while (receipt := self._due()) is not None:
            receipt.expire()

    def _due(self) -> Receipt[Any] | None:
        """等到下一张到期；没有要看的为 None。"""
        with self._lock:
            while self._heap:
                deadline, _, receipt = self._heap[0]
                left_s = deadline - time.monotonic()
                if left_s <= 0 or (self._closing and receipt.done()):
                    heapq.heappop(self._heap)
                    if not receipt.done():
                        return receipt
                    continue
                # 有了结果的也睡到它到期：一笔一笔接着下的，不必一笔起一个线程
                self._wake_at = deadline
                self._changed.wait(left_s)
                self._wake_at = _IDLE
            self._running = False
            return None
