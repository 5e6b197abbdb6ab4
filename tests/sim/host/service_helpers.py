"""模拟 MiniQMT 服务一侧的测试用具：一个小柜台、一个会记账的会话、一个原始套接字客户端。"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from easytrader.errors import SimulatorError
from easytrader.sim.gateway.rows import CancelAnswer, OrderAnswer, OrderErrorRow, OrderRow, TradeRow
from easytrader.sim.gateway.wire import PROTOCOL_VERSION, Message, Push, Request
from easytrader.sim.host.framing import FrameSocket
from easytrader.sim.ledger.events import (
    AccountQuery,
    CancelOrder,
    OrdersQuery,
    Outcome,
    SubmitOrder,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.sim.host.host import Host, Session
    from easytrader.sim.host.lease import ServiceInfo

ACCOUNT = "10001"
OTHER = "10002"
DEADLINE_S = 30.0


def eventually(check: Callable[[], Any], what: str = "条件") -> Any:
    """轮询直到为真；过了期限就失败。"""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        threading.Event().wait(0.01)
    raise AssertionError(f"{DEADLINE_S:g} 秒内没有等到：{what}")


def submit_args(remark: str = "", account: str = ACCOUNT, volume: int = 100) -> SubmitOrder:
    return SubmitOrder(2, account, "600036.SH", 23, volume, 11, 34.0, "测试", remark)


def order_row(order_id: int, args: SubmitOrder, status: int = 50) -> OrderRow:
    return OrderRow(
        2, args.account_id, args.stock_code, order_id, 1_790_000_000, args.order_type,
        args.order_volume, 50, args.price, 0, 0.0, status, str(order_id), "", args.strategy_name,
        args.order_remark, 48, 48, "", "招商银行",
    )  # fmt: skip


def trade_row(order_id: int, args: SubmitOrder) -> TradeRow:
    return TradeRow(
        2, args.account_id, args.stock_code, f"t{order_id}", 1_790_000_000, args.price,
        args.order_volume, 3550.0, order_id, 23, str(order_id), args.strategy_name,
        args.order_remark, 48, 48, 5.0, "", "招商银行",
    )  # fmt: skip


class TinyEngine:
    """照着 Engine 的接口做的小柜台：备注决定成交、拒绝还是出错。"""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.rows: dict[int, OrderRow] = {}
        self.thread = ""
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.commit_error: Exception | None = None
        self.pending: list[Push] = []
        self.wakeup: float | None = None
        self.advance_error: Exception | None = None
        self.advanced = 0
        self.closed = False

    def submit(self, args: SubmitOrder) -> Outcome:
        self.thread = threading.current_thread().name
        self.entered.set()
        assert self.gate.wait(DEADLINE_S)
        if args.order_remark == "磁盘满":
            raise SimulatorError("账本写不进去：磁盘满")
        if args.order_remark == "程序错":
            raise ZeroDivisionError("错")
        order_id = 1000 + len(self.rows) + 1
        self.log.append(f"submit {order_id}")
        account = (args.account_type, args.account_id)
        if args.order_remark == "废单":
            error = OrderErrorRow(2, args.account_id, order_id, -61, "废单原因", "", "废单")
            row = order_row(order_id, args, 57)
            events = (Push("order_error", *account, error), Push("order", *account, row))
        else:
            row = order_row(order_id, args, 56)
            events = (
                Push("order", *account, row),
                Push("trade", *account, trade_row(order_id, args)),
            )
        self.rows[order_id] = row
        return Outcome(
            OrderAnswer(2, args.account_id, order_id, "测试", args.order_remark, 0, ""), events
        )

    def cancel(self, args: CancelOrder) -> Outcome:
        self.log.append(f"cancel {args.order_id}")
        return Outcome(CancelAnswer(2, args.account_id, 0, args.order_id, "", 0, ""))

    def asset(self, args: AccountQuery) -> Outcome:
        return Outcome([])

    def orders(self, args: OrdersQuery) -> Outcome:
        return Outcome([row for row in self.rows.values() if row.account_id == args.account_id])

    def trades(self, args: AccountQuery) -> Outcome:
        return Outcome([])

    def ask(self, verb: str, args: Any) -> Outcome:
        return Outcome([])

    def positions(self, args: AccountQuery) -> Outcome:
        return Outcome([])

    def account_infos(self) -> Outcome:
        return Outcome([])

    def account_status(self) -> Outcome:
        return Outcome([])

    def has_account(self, account_type: int, account_id: str) -> bool:
        return account_type == 2 and account_id in (ACCOUNT, OTHER)

    def advance(self) -> Outcome:
        self.advanced += 1
        if self.advance_error is not None:
            raise self.advance_error
        self.wakeup = None
        events, self.pending = tuple(self.pending), []
        return Outcome(None, events)

    def next_wakeup(self) -> float | None:
        return self.wakeup

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.log.append("begin")
        before = dict(self.rows)
        try:
            yield
        except BaseException:
            self.rows = before
            raise
        if self.commit_error is not None:
            error, self.commit_error = self.commit_error, None
            raise error
        self.log.append("commit")

    def close(self) -> None:
        self.closed = True


class Caller:
    """进程内的一个会话：收到的都记下来。"""

    def __init__(self, host: Host, session_id: int = 1, account: str = ACCOUNT) -> None:
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.lost = threading.Event()
        self.losses = 0
        self.thread = ""
        self.account = account
        self._seq = 0
        self.session: Session = host.attach(session_id, os.getpid(), self._got, self._gone)

    def _got(self, message: Message) -> None:
        self.thread = threading.current_thread().name
        self.messages.put(message)

    def _gone(self) -> None:
        self.losses += 1
        self.lost.set()

    def post(self, verb: str, args: Any = ()) -> int:
        self._seq += 1
        self.session.send(Request(verb, self._seq, args))
        return self._seq

    def next(self, timeout: float = DEADLINE_S) -> Message:
        return self.messages.get(timeout=timeout)

    def ask(self, verb: str, args: Any = ()) -> Any:
        seq = self.post(verb, args)
        message = self.next()
        assert (message.kind, message.seq) == ("answer", seq)
        return message.payload

    def subscribe(self) -> None:
        assert self.ask("subscribe", AccountQuery(2, self.account)) == 0

    def kinds(self, count: int) -> list[str]:
        return [self.next().kind for _ in range(count)]

    def quiet(self) -> bool:
        return self.messages.empty()


_ROWS: dict[str, Any] = {
    "submit": OrderAnswer, "cancel": CancelAnswer, "orders": OrderRow, "trades": TradeRow,
    "order": OrderRow, "trade": TradeRow, "order_error": OrderErrorRow,
}  # fmt: skip


def to_message(frame: Any, verb: str) -> Message:
    """套接字上的消息是普通数组；换回有名字的行，便于断言。"""
    kind, seq, payload = frame
    row = _ROWS.get(verb if kind == "answer" else kind)
    if kind == "answer" and verb in ("submit", "cancel"):
        return Message(kind, seq, row(*payload))
    if isinstance(payload, list) and row is not None:
        many = kind == "answer"
        return Message(kind, seq, [row(*r) for r in payload] if many else row(*payload))
    return Message(kind, seq, tuple(payload) if verb == "unsupported" else payload)


class RawClient:
    """不经过客户端代码的原始套接字，用来看服务口说了什么。"""

    def __init__(self, info: ServiceInfo, session_id: int = 7, **changes: Any) -> None:
        hello = {
            "version": PROTOCOL_VERSION, "token": info.token, "kind": "session",
            "session_id": session_id, "pid": os.getpid(), **changes,
        }  # fmt: skip
        self.sock = socket.create_connection(("127.0.0.1", info.port), timeout=DEADLINE_S)
        self.frames = FrameSocket(self.sock)
        self.frames.settimeout(DEADLINE_S)
        self.frames.send(["hello", *hello.values()])
        self.greeting = self.frames.receive()
        self._seq = 0

    def post(self, verb: str, args: Any = ()) -> int:
        self._seq += 1
        self.frames.send([verb, self._seq, list(args)])
        return self._seq

    def next(self, verb: str = "submit") -> Message:
        return to_message(self.frames.receive(), verb)

    def ask(self, verb: str, args: Any = ()) -> Any:
        seq = self.post(verb, args)
        message = self.next(verb)
        assert (message.kind, message.seq) == ("answer", seq)
        return message.payload

    def eof(self) -> bool:
        """读到对端断开为止。"""
        try:
            while True:
                self.frames.receive()
        except (EOFError, ConnectionResetError):
            return True

    def close(self) -> None:
        self.frames.close()
