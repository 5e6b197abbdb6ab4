"""带 ``client_order_id`` 的委托怎样发、怎样找。"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from easytrader.basics import tags
from easytrader.basics.days import A_SHARES
from easytrader.codes import ORDER_TYPE_NAMES
from easytrader.errors import (
    ClosedError,
    JournalError,
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UnsupportedError,
    UsageError,
)
from easytrader.idempotency.reconcile import Doubts, OtherDayError, Verdict, with_tag
from easytrader.idempotency.records import Records
from easytrader.records import storage as marks
from easytrader.records.storage import Intent

if TYPE_CHECKING:
    from easytrader.backend.records import OrderLike, OrderRequest, SubmitAnswer
    from easytrader.backend.session import Session
    from easytrader.basics.days import DayBoundary
    from easytrader.basics.log import Log
    from easytrader.basics.numbers import OrderId
    from easytrader.errors import EasytraderError
    from easytrader.records.storage import Storage

_T = TypeVar("_T")

_NOT_SENT: Final = (
    JournalError,
    NotConnectedError,
    ClosedError,
    RiskRefusedError,
    UsageError,
    OrdersNotAllowedError,
    UnsupportedError,
)
_PEEK_S: Final = 0.02
"""等别的进程的结果时，隔多久看一眼记录。"""
_RETRY_S: Final = 0.1
_LEAST_SEND_S: Final = 0.2
"""核对完旧的，剩下的时间不到这么多就不发了。"""
_OTHER_DAY: Final = "{} 不是今天发的，现在核对不了；请看历史委托"


Noted = Callable[["SubmitAnswer | None", "EasytraderError | None"], None]
"""有了结果时先调用，记下来：(应答, None) 或 (None, 错误)。"""


class Submitted(NamedTuple):
    """``handle``：这个 id 正在飞的那一笔的把手；``earlier``：以前已经下好的。"""

    handle: Any
    earlier: Intent | None = None


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


class Once:
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
        handle: Any,
        start: Callable[[OrderRequest, Noted], None],
        timeout_s: float,
    ) -> Submitted:
        """发出，或认出早就发过、正在飞。

        Args:
            client_order_id: 用户给的 id。
            request: 标记 → 要发的委托。
            handle: 这一笔的把手；别人用同一个 id 再下，得到的就是它。
            start: (委托, 有了结果时先调用的) → 发出，只发一次；没发出的抛 `NotConnectedError` 等。
            timeout_s: 发出之前总共最多这么多秒。

        Raises:
            UsageError: 这个 id 已经用于另一笔不同的委托。
            JournalError: 记不下来，什么都没有发出。
            OutcomeUnknownError: 以前发的还没有核对清楚，或这次没有应答。
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
                    return Submitted(busy.handle)
                self._await_change(client_order_id, deadline)
            intent, wish = self._claim(client_order_id, request, deadline, turn)
            if wish is None:
                return Submitted(None, intent)
            flying = self._busy[client_order_id] = _Flying(intent, handle)
            start(wish, self._landing(flying, turn))
            turn.open = None  # 飞着：结果由 landed 记
        except BaseException as exc:
            self._note_failure(turn, exc)
            if flying is not None:
                self._leave(client_order_id, turn, flying)
            raise
        finally:
            self._leave(client_order_id, turn, me)
        return Submitted(handle)

    def _landing(self, flying: _Flying, sending: _Turn) -> Noted:
        def landed(answer: SubmitAnswer | None, error: EasytraderError | None) -> None:
            sending.open = None  # 有结果了，由这里记
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

    def _claim(
        self,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
        deadline: float,
        turn: _Turn,
    ) -> tuple[Intent, OrderRequest | None]:
        """记下要发的这一笔，可以发了；或者以前发过的那一笔，没有要发的。"""
        intents, owner = self._records.open(deadline)
        order = request(tags.tag_for(self._account_id, client_order_id))
        intent = _intent(client_order_id, order, owner.name)
        while True:
            found = self._record(turn, intent, intents.begin, intent, deadline)
            if found is None:
                break
            turn.open = None
            if found.state in marks.FREE:
                again = intent._replace(attempt=found.attempt + 1)
                if self._record(turn, again, intents.reopen, found, again, deadline):
                    intent = again
                    break
                turn.open = None
                continue
            _check_same(found, intent, self.doubts.day_of(found.created))
            if found.state == marks.PLACED:
                return found, None
            if found.owner != owner.name and self._being_sent(found):
                self._await_change(client_order_id, deadline)
                continue
            verdict = self._settle(found, deadline)
            if verdict.order is not None:
                return found._replace(order_id=verdict.order.order_id), None
        try:
            placed = self._check_unsent(turn, intent, deadline)
            return (intent, order) if placed is None else (placed, None)
        except BaseException as exc:
            self._note_failure(turn, exc)
            raise

    def _record(self, turn: _Turn, intent: Intent, write: Callable[..., _T], *told: Any) -> _T:
        """记下一笔：从这里起被打断，都当成可能已经记下了。"""
        turn.open = intent
        try:
            return write(*told)
        except Exception:
            turn.open = None  # 没有记下
            raise

    def _check_unsent(self, turn: _Turn, intent: Intent, deadline: float) -> Intent | None:
        """记下了、发出之前再看一眼；柜台上已经有了就是它。"""
        number = self.doubts.seen(intent.tag)
        if number is not None:  # 别的机器发的，或记录丢了：柜台上已经有
            self._check_on_counter(intent, number)
            self._note(turn, marks.PLACED, number)
            return intent._replace(order_id=number, created=time.time())
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

    # ---- 找

    def find(self, name: str, timeout_s: float) -> OrderLike | None:
        """按 ``client_order_id`` 或标记找委托；None 表示确实没有到柜台。

        Raises:
            QueryFailedError: 期限内核对不清楚，或是往日的委托。
            NotConnectedError: 没有可用会话。
        """
        deadline = time.monotonic() + timeout_s
        tag = tags.tag_for(self._account_id, name)
        while True:
            intent = self._records.find(name, deadline)
            if intent is not None and self._being_sent(intent):
                if time.monotonic() >= deadline:
                    raise QueryFailedError(f"{name} 正在发，还没有结果；请稍后再问")
                self._records.wait(_PEEK_S)
                continue
            if intent is not None:
                tag = intent.tag
            elif name in self.doubts or name in self.doubts.stale:
                tag, intent = name, self.doubts.intent(name)
            if tag in self.doubts.stale:
                raise QueryFailedError(_OTHER_DAY.format(name))
            if tag not in self.doubts and (intent is None or intent.state not in marks.OPEN):
                return self._find_known(name, tag, intent, deadline)
            if intent is not None:
                self.doubts.add(tag, intent)
            order = self._find_doubt(name, tag, intent, deadline)
            settled = self._records.find(name, deadline)  # 核对的这会儿，别的程序可能又发了一次
            if order is not None or settled is None or settled.state in marks.FREE:
                return order

    def _being_sent(self, intent: Intent) -> bool:
        """此刻有人正在发它：没有查到不说明什么。"""
        if intent.state != marks.SENDING:
            return False
        owner = self._records.open()[1]
        if intent.owner == owner.name:
            return intent.client_order_id in self._busy
        return owner.is_alive(intent.owner, intent.created)

    def _find_doubt(
        self, name: str, tag: str, intent: Intent | None, deadline: float
    ) -> OrderLike | None:
        try:
            verdict = self.doubts.settle(tag, intent, deadline)
        except OtherDayError:
            raise QueryFailedError(_OTHER_DAY.format(name)) from None
        return _known(name, verdict)

    def _find_known(
        self, name: str, tag: str, intent: Intent | None, deadline: float
    ) -> OrderLike | None:
        """没有悬着的疑问。"""
        if intent is None:  # 没有记录：可能是标记，可能是别的机器下的
            return _known(name, self.doubts.settle_stranger((tag, name), deadline))
        while True:
            session = self.get_session()
            with session.until(deadline):
                order = with_tag(session.orders(), tag)
            if order is not None or intent.state != marks.PLACED:
                return order
            day = self.doubts.day_of(intent.created)
            # 剩下的不够再问一次的，不问：那会说成客户端没有应答
            is_over = deadline - time.monotonic() < 2 * _RETRY_S
            if is_over or day != self.doubts.day_of(time.time()):
                raise QueryFailedError(
                    f"{name} 在 {day} 已经成为委托 {intent.order_id}，"
                    "但当日委托里还查不到、或已经查不到它"
                )
            self._records.wait(_RETRY_S)  # 查询是缓存


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


def _known(name: str, verdict: Verdict) -> OrderLike | None:
    if verdict == Verdict(None):
        raise QueryFailedError(
            f"{name} 还核对不清楚：要隔几秒看两次都没有，才能认定它没有到柜台；请稍后再问"
        )
    return verdict.order
