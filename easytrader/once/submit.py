"""带 ``client_order_id`` 的委托怎样发、怎样找。"""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import tags
from easytrader.basics.days import A_SHARES
from easytrader.codes import ORDER_TYPE_NAMES
from easytrader.errors import (
    ClosedError,
    NotConnectedError,
    OutcomeUnknownError,
    RiskRefusedError,
    UsageError,
)
from easytrader.once.doubts import Doubts, OtherDayError, Verdict
from easytrader.once.finding import Finder
from easytrader.once.records import Records
from easytrader.records import storage as marks
from easytrader.records.storage import Intent

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.basics.days import DayBoundary
    from easytrader.basics.quantity import OrderId
    from easytrader.broker import Session
    from easytrader.errors import EasytraderError
    from easytrader.log import Log
    from easytrader.model import OrderRequest, SubmitAnswer
    from easytrader.records.storage import Intents, Storage

_NOT_SENT: Final = (NotConnectedError, ClosedError, RiskRefusedError, UsageError)
_PEEK_S: Final = 0.02
"""等别的进程的结果时，隔多久看一眼记录。"""
_LEAST_SEND_S: Final = 0.2
"""核对完旧的，剩下的时间不到这么多就不发了。"""


class Placed(NamedTuple):
    """一个 id 的结果：``answer`` 这次真的发了；``earlier`` 以前发过的那一笔。"""

    answer: SubmitAnswer | None
    earlier: Intent | None = None


class Launched(NamedTuple):
    """异步下单：``handle`` 是这个 id 正在飞的那一笔的，``earlier`` 是以前已经下好的。"""

    handle: Any
    earlier: Placed | None = None


class _Flying(NamedTuple):
    """正在飞的：占着 id 的是它，不是哪个线程。"""

    intent: Intent
    handle: Any


class _Turn:
    """轮到自己发一个 id。

    Ctrl-C 可能打断在任何两步之间：``open`` 不为空，就是记下了（或者正在记）而还没有记结果的那一笔。
    """

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open: Intent | None = None


class Once(Finder):
    """一个账号的「恰好一次」。任何线程都可以用。

    Args:
        storage: 这个账号的记录；用到时才打开。
        account_id: 资金账号。
        get_session: 此刻可用的会话，没有则抛 `NotConnectedError`。
        log: 日志口。
        day: 后端的一天从何时算起。
    """

    def __init__(
        self,
        storage: Storage,
        account_id: str,
        get_session: Callable[[], Session],
        log: Log,
        day: DayBoundary = A_SHARES,
    ) -> None:
        self._account_id = account_id
        self.get_session = get_session
        self._records = Records(storage)
        self.doubts = Doubts(self._records, get_session, log, day)
        # 正在发的 id → 哪个线程在发，或正在飞的那一笔
        self._busy: dict[str, int | _Flying] = {}

    def close(self) -> None:
        """关闭；可重复调用。"""
        self._records.close()

    # ---- 下单

    def submit(
        self,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
        send: Callable[[OrderRequest], SubmitAnswer],
        timeout_s: float,
    ) -> Placed:
        """发出，或认出早就发过。

        Args:
            client_order_id: 用户给的 id。
            request: 标记 → 要发的委托。
            send: 只发一次；没发出的抛 `NotConnectedError` 等，没有应答的抛 `OutcomeUnknownError`。
            timeout_s: 总共最多这么多秒。

        Raises:
            UsageError: 这个 id 已经用于另一笔不同的委托。
            JournalError: 记不下来，什么都没有发出。
            OutcomeUnknownError: 以前发的还没有核对清楚，或这次没有应答。
        """
        deadline = time.monotonic() + timeout_s
        me, turn = threading.get_ident(), _Turn()
        try:
            while self._busy.setdefault(client_order_id, me) != me:
                self._await_change(client_order_id, deadline)
            return self._submit(client_order_id, request, send, deadline, turn)
        finally:
            self._leave(client_order_id, turn, me)

    def launch(
        self,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
        handle: Any,
        start: Callable[[OrderRequest, Callable[[SubmitAnswer | None, Any], None]], None],
        timeout_s: float,
    ) -> Launched:
        """异步地发出，或认出早就发过、正在飞；记录、核对与 `submit` 相同。

        Args:
            client_order_id: 用户给的 id。
            request: 标记 → 要发的委托。
            handle: 这一笔的把手；别人用同一个 id 再下，得到的就是它。
            start: (委托, 有了结果时先调用的) → 发出，只发一次；抛出的异常同 `submit` 的 ``send``。
            timeout_s: 发出之前总共最多这么多秒。
        """
        deadline = time.monotonic() + timeout_s
        me, turn = threading.get_ident(), _Turn()
        flying: _Flying | None = None
        try:
            while (busy := self._busy.setdefault(client_order_id, me)) != me:
                if isinstance(busy, _Flying):
                    order = request(busy.intent.tag)
                    wanted = _intent(client_order_id, order, busy.intent.owner)
                    _check_same(busy.intent, wanted, self.doubts.day_of(time.time()))
                    return Launched(busy.handle)
                self._await_change(client_order_id, deadline)
            found = self._claim(client_order_id, request, deadline, turn)
            if isinstance(found, Placed):
                return Launched(None, found)
            intent, order = found
            flying = self._busy[client_order_id] = _Flying(intent, handle)
            start(order, self._landing(flying))
            turn.open = None  # 飞着：结果由 landed 记
        except BaseException as exc:
            self._note_failure(turn, exc)
            if flying is not None:
                self._leave(client_order_id, turn, flying)
            raise
        finally:
            self._leave(client_order_id, turn, me)
        return Launched(handle)

    def _landing(self, flying: _Flying) -> Callable[[SubmitAnswer | None, Any], None]:
        def landed(answer: SubmitAnswer | None, error: EasytraderError | None) -> None:
            turn = _Turn()
            turn.open = flying.intent
            if answer is not None:
                self._note_answer(turn, answer)
            else:
                self._note_failure(turn, error)
            self._leave(flying.intent.client_order_id, turn, flying)

        return landed

    def _leave(self, client_order_id: str, turn: _Turn, mine: int | _Flying) -> None:
        """让出这个 id；占着它的不是自己就不动。"""
        if turn.open is not None:
            self._doubt(turn)
        if self._busy.get(client_order_id) == mine:
            self._busy.pop(client_order_id, None)
        self._records.tell()

    def _submit(
        self,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
        send: Callable[[OrderRequest], SubmitAnswer],
        deadline: float,
        turn: _Turn,
    ) -> Placed:
        found = self._claim(client_order_id, request, deadline, turn)
        if isinstance(found, Placed):
            return found
        try:
            answer = send(found[1])
        except BaseException as exc:
            self._note_failure(turn, exc)
            raise
        self._note_answer(turn, answer)
        return Placed(answer)

    def _claim(
        self,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
        deadline: float,
        turn: _Turn,
    ) -> Placed | tuple[Intent, OrderRequest]:
        """记下要发的这一笔，可以发了；或者以前发过的那一笔。"""
        intents, owner = self._records.open(deadline)
        order = request(tags.tag_for(self._account_id, client_order_id))
        intent = _intent(client_order_id, order, owner.name)
        while (found := self._begin(intents, intent, deadline, turn)) is not None:
            if found.state in marks.FREE:
                again = intent._replace(attempt=found.attempt + 1)
                if not self._reopen(intents, found, again, deadline, turn):
                    continue
                intent = again
                break
            _check_same(found, intent, self.doubts.day_of(found.created))
            if found.state == marks.PLACED:
                return Placed(None, found)
            if found.owner != owner.name and self._being_sent(found):
                self._await_change(client_order_id, deadline)
                continue
            verdict = self._settle(found, deadline)
            if verdict.order is not None:
                return Placed(None, found._replace(order_id=verdict.order.order_id))
        try:
            return self._check_unsent(turn, intent, deadline) or (intent, order)
        except BaseException as exc:
            self._note_failure(turn, exc)
            raise

    def _begin(
        self, intents: Intents, intent: Intent, deadline: float, turn: _Turn
    ) -> Intent | None:
        turn.open = intent
        try:
            found = intents.begin(intent, deadline)
        except Exception:
            turn.open = None  # 没有记下
            raise
        if found is not None:
            turn.open = None
        return found

    def _reopen(
        self, intents: Intents, found: Intent, again: Intent, deadline: float, turn: _Turn
    ) -> bool:
        turn.open = again
        try:
            done = intents.reopen(found, again, deadline)
        except Exception:
            turn.open = None
            raise
        if not done:
            turn.open = None
        return done

    def _check_unsent(self, turn: _Turn, intent: Intent, deadline: float) -> Placed | None:
        """记下了、发出之前再看一眼；柜台上已经有了就是它。"""
        number = self.doubts.seen(intent.tag)
        if number is not None:  # 别的机器发的，或记录丢了：柜台上已经有
            self._check_on_counter(intent, number)
            self._note(turn, marks.PLACED, number)
            return Placed(None, intent._replace(order_id=number, created=time.time()))
        if deadline - time.monotonic() < _LEAST_SEND_S and intent.attempt > 1:
            raise NotConnectedError(
                f"委托 {intent.client_order_id} 上一次没有到柜台；时间用完了，"
                "这一次什么都没有发出，请再来一次"
            )
        return None

    def _note(self, turn: _Turn, state: str, order_id: OrderId = 0) -> None:
        intent = turn.open
        assert intent is not None
        self._records.settle(intent, state, order_id)
        turn.open = None

    def _note_answer(self, turn: _Turn, answer: SubmitAnswer) -> None:
        if answer.accepted:
            self._note(turn, marks.PLACED, answer.order_id)
        else:
            self._note(turn, marks.REFUSED)

    def _note_failure(self, turn: _Turn, exc: BaseException | None) -> None:
        if turn.open is None:  # 结果已经记下了
            return
        if isinstance(exc, _NOT_SENT):
            self._note(turn, marks.UNSENT)
            return
        if isinstance(exc, OutcomeUnknownError):
            exc.client_order_id = turn.open.client_order_id
        self._doubt(turn)  # 没有应答；或是 Ctrl-C 等：可能已经发出

    def _doubt(self, turn: _Turn) -> None:
        assert turn.open is not None
        intent = turn.open._replace(created=time.time())
        self._records.settle(intent, marks.UNKNOWN)
        self.doubts.add(intent.tag, intent)
        turn.open = None

    def _settle(self, found: Intent, deadline: float) -> Verdict:
        self.doubts.add(found.tag, found)
        try:
            verdict = self.doubts.settle(found.tag, found, deadline, patient=True)
        except OtherDayError:
            raise OutcomeUnknownError(
                f"委托 {found.client_order_id} 是 {self.doubts.day_of(found.created)} 发的，"
                "没有应答，现在核对不了；请看历史委托，要再下请换一个 client_order_id",
                tag=found.tag,
                client_order_id=found.client_order_id,
            ) from None
        if verdict == Verdict(None):
            raise _still_unknown(found.client_order_id, found.tag, "还没有核对清楚它到没到柜台")
        return verdict

    def _await_change(self, client_order_id: str, deadline: float) -> None:
        """别人正在发同一个 id：等它有结果。"""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            tag = tags.tag_for(self._account_id, client_order_id)
            raise _still_unknown(client_order_id, tag, "另一个线程或程序正在发它")
        self._records.wait(min(_PEEK_S, left_s))

    def _check_on_counter(self, intent: Intent, number: OrderId) -> None:
        order = self.get_session().order(number)
        if order is None:
            return
        theirs = (order.stock_code, order.order_type, order.order_volume)
        if theirs != (intent.stock_code, intent.order_type, intent.volume):
            raise UsageError(
                "client_order_id",
                intent.client_order_id,
                f"柜台上带这个 id 的是委托 {number}：{order.stock_code} {order.order_volume}，"
                "与这一笔不同；换一个 id",
            )


def _intent(client_order_id: str, order: OrderRequest, owner: str) -> Intent:
    return Intent(
        client_order_id,
        order.tag,
        order.security.stock_code,
        int(order.order_type),
        int(order.price_type),
        order.price if isinstance(order.price, Decimal) else float(order.price),
        order.volume,
        owner,
    )


def _check_same(found: Intent, intent: Intent, day: str) -> None:
    if found.wish == intent.wish:
        return
    side = ORDER_TYPE_NAMES.get(found.order_type, str(found.order_type))
    price = f" @ {found.price:g}" if found.price else " 市价"
    raise UsageError(
        "client_order_id",
        found.client_order_id,
        f"{day} 已用于{side} {found.stock_code} {found.volume}{price}，与这一笔不同；换一个 id",
    )


def _still_unknown(client_order_id: str, tag: str, why: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"委托 {client_order_id} 以前发过，{why}；这一次什么都没有发出，稍后用同一个 id 再来",
        tag=tag,
        client_order_id=client_order_id,
    )
