"""委托的路：拆开平、发出、等回报、撤单，几笔 VeighNa 委托合成一笔。

``send_order`` 会卡住（RPC 最多 30 秒），所以在会话的线路上发，一次一笔；
回报在 VeighNa 的事件线程上，来了就交给等的人，不轮询。``send_order`` 返回空串、委托被拒，
原因都只在日志里：取发出之后、说到它的那几行。
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from easytrader.backend.records import (
    CancelAnswer,
    ContractNumber,
    OrderChanged,
    OrderRefused,
    Refusal,
    SubmitAnswer,
    Traded,
)
from easytrader.basics import tags
from easytrader.basics.numbers import exact
from easytrader.codes import FINAL_STATUSES, OffsetFlag, OrderStatus
from easytrader.errors import OutcomeUnknownError, UnsupportedError, UsageError
from easytrader.gateways import convert, offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from easytrader.backend.records import Order, OrderRequest, PushEvent, Trade
    from easytrader.backend.session import Reply
    from easytrader.basics.log import Log
    from easytrader.gateways.exactly import Note, Notes
    from easytrader.gateways.offsets import OrderPolicy
    from easytrader.link.line import LineSession

_sending: Final[set[str]] = set()
"""排着的、正卡在 ``send_order`` 里的标记：会话断了、换了一个，它还可能真的发出去。"""
_unsent: Final[set[str]] = set()
"""排着的时候就到期、断线的标记：肯定没有发。"""

_shut: Final = threading.Lock()
_shut.acquire()
_DRAIN_S: Final = 0.2
"""等事件线程追上：原因在排着的日志里。"""
_REPLAY_S: Final = 5.0
"""登录之后，以前的委托最慢这么久推完（没有哪家说推完了）。"""
_LINES: Final = 3
_LEAST_ID: Final = 3
_SHOWN: Final = 400
_FAILED: Final = re.compile(
    r"拒|失败|错误|不足|不存在|不支持|无效|非法|超出|超过|禁止|未登录|没有|找不到"
    r"|reject|fail|error|invalid|not |denied|insufficient",
    re.IGNORECASE,
)
_CANCEL_FAILED: Final = re.compile(
    r"撤单.*(失败|错误|拒绝|异常)|(失败|拒绝|无法).*撤|cancel.*(fail|error|reject)|"
    r"(fail|error|reject).*cancel",
    re.IGNORECASE,
)
_TAKEN: Final = frozenset({"NOTTRADED", "PARTTRADED", "ALLTRADED", "CANCELLED"})
_UNSAID: Final = "接口没有收下，日志里也没有说原因"
_REJECTED: Final = "柜台拒绝，日志里没有说原因"
_SPENT: Final = (
    "这一笔今天已经交给过接口（编号 {}），到没到柜台核对不清楚；为免重复没有再发。"
    "请到柜台的终端上看，要再下请换一个 client_order_id"
)


class Post(Protocol):
    """VeighNa 那一半（`engine.Desk`）里，这里要用的。"""

    vt: Any

    def send(self, request: Any) -> Any:
        """``gateway.send_order``：``接口名.编号``，没有收下为空串；写得随便的什么都可能返回。"""

    def cancel(self, request: Any) -> None:
        """``gateway.cancel_order``。"""

    def convert(self, request: Any) -> list[Any]:
        """按今昨仓拆平仓；要的多于可平的为空。"""

    def order(self, order_id: str) -> Any:
        """此刻的 ``OrderData``；没有为 None。"""

    def contract(self, symbol: str, exchange: str) -> Any:
        """``ContractData``；没有为 None。"""

    def row(self, order: Any) -> Order:
        """一笔 ``OrderData`` 自己的样子。"""

    def deal(self, trade: Any) -> Trade:
        """一笔 ``TradeData``。"""

    def positions(self, symbol: str, exchange: str) -> Sequence[Any]:
        """这个合约的 ``PositionData``。"""

    def log_mark(self) -> int:
        """日志记到第几行了。"""

    def log_since(self, mark: int) -> Sequence[str]:
        """这之后的日志，截短、遮过密码。"""

    def drain(self, timeout_s: float) -> bool:
        """等事件线程处理完此刻排着的；没有等到为 False。"""


class Flight:
    """正在发、等回报的一笔。"""

    __slots__ = (
        "acked", "deadline", "held", "ids", "mark", "missed", "reason", "reply", "request",
        "unsent", "whole", "why", "wish",
    )  # fmt: skip

    def __init__(
        self, request: OrderRequest, reply: Reply[SubmitAnswer], wish: Any, deadline: float
    ) -> None:
        self.request, self.reply, self.wish, self.deadline = request, reply, wish, deadline
        self.ids: list[str] = []
        self.mark = 0
        """发出的时候日志记到第几行。"""
        self.whole = False
        """该发的都发了（或不再发了），也写下来了：编号定了。"""
        self.unsent = 0.0
        self.why = ""
        """没有发出去的数量；不再发了的，为什么。"""
        self.reason = ""
        self.acked: threading.Event | None = None
        """拆成几笔的：前一笔有了回报。"""
        self.missed = False
        self.held: list[Any] = []
        """编号定下来之前，委托变过没有；那时的成交。"""

    @property
    def name(self) -> str:
        """用户看到的编号。"""
        return "+".join(self.ids)

    @property
    def told(self) -> str:
        """只报出了一部分时说的话。"""
        return f"另有 {self.unsent:g} 没有报出：{self.why}" if self.why else ""


class _Cancel:
    """在途的一次撤单。"""

    __slots__ = ("ids", "mark", "reply")

    def __init__(self, ids: list[str], reply: Reply[Any], mark: int) -> None:
        self.ids, self.reply, self.mark = ids, reply, mark


class OrderDesk:
    """一次会话的委托。`submit`、`cancel` 在用户的线程上；``heard_…`` 在 VeighNa 的事件线程上。

    Args:
        session: 会话，线路用它的。
        post: VeighNa 那一半。
        policy: 这个接口的规矩。
        notes: 账号的记录，跨会话。
        push: 往上报一件事。
        log: 日志口。
    """

    def __init__(
        self,
        session: LineSession,
        post: Post,
        policy: OrderPolicy,
        notes: Notes,
        push: Callable[[PushEvent], None],
        log: Log,
    ) -> None:
        self._session, self._post, self._policy, self._notes = session, post, policy, notes
        self._push, self._log = push, log
        self._phantom = re.compile(policy.phantom) if policy.phantom else None
        self._flights: dict[str, Flight] = {}
        self._cancels: list[_Cancel] = []
        self._refused: set[str] = set()
        """已经报过「下单失败」的。"""
        # send_order 还没有返回，回报就来了：还不知道是谁的，先留着
        self._gate = threading.Lock()
        self._is_sending = False
        self._early: list[Any] = []
        self._born = time.monotonic()
        self.replay_s = _REPLAY_S
        """登录好了之后，以前的委托最慢这么久推完；接口自己说推完了的为 0。"""
        notes.boot()

    # ---- 下单

    def submit(self, request: OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单：排到线路上就返回。

        Raises:
            UsageError: 这个合约、这个接口下不了，什么都没有发出。
            NotConnectedError: 已经断了，什么都没有发出。
        """
        wish = self._wish(request)
        flight = Flight(request, reply, wish, time.monotonic() + self._session.timeout_s)
        self._session.depart(reply)
        _sending.add(request.tag)
        self._session.later(self._place, flight)

    def still_sending(self, tag: str) -> bool:
        """当日委托里没有这个标记，不说明没有到柜台。"""
        if tag in _sending:
            return True
        if not self._policy.tag_back:
            return tag not in _unsent
        # 标记靠推来的认：刚登录，以前的会话发的可能还没有推来
        own = any(each.request.tag == tag for each in self._flights.copy().values())
        return not own and time.monotonic() < self._born + self.replay_s

    def cannot_tell(self, tag: str) -> bool:
        """再看也核对不清楚：没有记下编号，或登录了一会儿，记下的编号还是没有推来。"""
        if tag in _sending or tag in _unsent or self._policy.tag_back:
            return False
        is_late = time.monotonic() > self._born + self.replay_s
        return self._notes.is_lost(tag, is_late=is_late)

    def _wish(self, request: OrderRequest) -> Any:
        """要的委托 → VeighNa 的 ``OrderRequest``；平仓还没有拆。"""
        vt, policy = self._post.vt, self._policy
        symbol, exchange = convert.vt_symbol(request.security)
        contract = self._post.contract(symbol, exchange)
        if contract is None:
            told = "接口没有给出这个合约；有哪些见 user.contracts()"
            raise UsageError("security", request.security.stock_code, told)
        wanted = offsets.terms(request.order_type)
        return vt.OrderRequest(
            symbol=symbol,
            exchange=contract.exchange,
            direction=vt.Direction[wanted.direction],
            type=vt.OrderType[offsets.sent_type(request.price_type)],
            volume=float(request.volume),
            price=float(request.price),
            offset=vt.Offset[offsets.sent_offset(wanted, contract, policy)],
            reference=request.remark if policy.tag_back else "easytrader",
        )

    def _place(self, flight: Flight) -> None:
        """在线路上：发出。"""
        tag = flight.request.tag
        try:
            if flight.reply.done():  # 排着的时候到期、断线的不再发
                _unsent.add(tag)
                return
            _unsent.discard(tag)
            self._send(flight, self._parts(flight.wish))
        except Exception as exc:  # noqa: BLE001  边界：接口抛什么都可能已经发出
            if not flight.reply.fail(exc):
                self._log.warning("委托 {} 已经有了结果，接口才抛出 {!r}", tag, exc)
        finally:
            _sending.discard(tag)

    def _parts(self, wish: Any) -> list[Any]:
        """上期所、能源中心的平仓拆成平今与平昨；别的原样。"""
        if wish.offset.name == "CLOSE" and wish.exchange.name in offsets.SPLIT_EXCHANGES:
            self._post.drain(_DRAIN_S)  # 刚发的一笔占着的今仓，事件线程上才算进去
            return self._post.convert(wish)
        return [wish]

    def _send(self, flight: Flight, parts: list[Any]) -> None:
        reply = flight.reply
        if not parts:
            reply.put(SubmitAnswer("", self._too_much(flight.wish)))
            return
        earlier = None if self._policy.tag_back else self._notes.mine(flight.request.tag)
        if earlier is not None:
            reply.fail(OutcomeUnknownError(_SPENT.format(earlier.name)))
            return
        for index, part in enumerate(parts):
            rest = sum(each.volume for each in parts[index:])
            if index and not self._goes_on(flight):
                break
            mark = self._post.log_mark()
            flight.mark = flight.mark or mark
            try:
                order_id = self._send_one(flight, part)
            except Exception as exc:
                if not flight.ids:
                    raise
                flight.why = f"结果未知：接口抛出 {exc!r}"
                reply.fail(OutcomeUnknownError(f"{flight.name} 已报出；{flight.told}"))
                break
            if not order_id:
                why = self._reason(mark)
                if not index:
                    reply.put(SubmitAnswer("", why))
                    return
                flight.why = why
                break
            flight.unsent = rest - part.volume
        with self._gate:
            flight.whole = True
        self._judge(flight)  # 回报可能比编号先到
        self._release(flight)

    def _send_one(self, flight: Flight, part: Any) -> str:
        """发一笔；返回编号，接口没有收下为空。"""
        with self._gate:
            self._is_sending = True
        order_id = ""
        try:
            given = self._post.send(part)
            order_id = self._id_of(given) or self._unnamed(given, part)
            if order_id:
                flight.ids.append(order_id)
                flight.reply.known = f"接口给的编号是 {flight.name}"
                self._flights[order_id] = flight
                # 给了 client_order_id 的，先写下来再给结果：结果给了就死，重启也认得
                self._notes.sent(flight.request, order_id)
        finally:
            with self._gate:
                self._is_sending = False
                early, self._early = self._early, []
            self._catch_up(early)
        return order_id

    def _catch_up(self, early: list[Any]) -> None:
        """``send_order`` 返回之前来的回报。"""
        for each in early:
            heard = self.heard_trade if hasattr(each, "tradeid") else self.heard_order
            for event in heard(each):
                self._push(event)

    def _goes_on(self, flight: Flight) -> bool:
        """前一笔有了回报、没有被拒，才接着报下一笔；不接着报的写下原因。"""
        before = flight.ids[-1]
        acked = flight.acked = threading.Event()
        while self._status(before) in ("", "SUBMITTING"):
            left_s = flight.deadline - time.monotonic()
            if left_s <= 0 or flight.reply.done():
                flight.why = f"前一笔 {before} 没有回报，没有接着报"
                return False
            acked.wait(left_s)
            acked.clear()
        if self._status(before) == "REJECTED":
            flight.why = f"前一笔 {before} 被拒，没有接着报"
            return False
        return True

    def _id_of(self, given: object) -> str:
        text = str(given or "")
        order_id = text.partition(".")[2] if "." in text else text  # 有的接口不写接口名
        if self._phantom is not None and self._phantom.match(order_id):
            self._log.warning("接口给了 {}，这个编号表示没有报出去", given)
            return ""
        return order_id

    def _unnamed(self, given: object, part: Any) -> str:
        """没有给编号，而柜台已经收下了同样的一笔：就是它；没有为空。

        Raises:
            OutcomeUnknownError: 接口什么都没有返回（空串才是没有收下），不知道。
        """
        if given:
            return ""
        self._post.drain(_DRAIN_S)
        with self._gate:
            early = list(self._early)
        for each in early:
            same = (each.symbol, each.exchange, each.direction, each.volume)
            wanted = (part.symbol, part.exchange, part.direction, part.volume)
            taken = not hasattr(each, "tradeid") and each.status.name in _TAKEN
            if taken and same == wanted:
                self._log.warning("接口没有给编号，柜台收下的是 {}", each.orderid)
                return str(each.orderid)
        if given is None:
            raise OutcomeUnknownError("接口的 send_order 没有返回编号，到没到柜台不知道")
        return ""

    def _status(self, order_id: str) -> str:
        order = self._post.order(order_id)
        return "" if order is None else str(order.status.name)

    def _judge(self, flight: Flight) -> bool:
        """都有了回报：给等的人。给了为 True。"""
        if not flight.whole or flight.reply.done():
            return False
        for each in flight.ids:
            if self._status(each) in ("", "SUBMITTING"):
                return False
        return flight.reply.put(SubmitAnswer(flight.name, flight.told))

    def _release(self, flight: Flight) -> None:
        """编号定了：留着的都报上去。"""
        for trade in flight.held:
            self._push(Traded(self.trade_row(trade)))
        if flight.missed:
            self._tell(flight)

    # ---- 原因

    def _reason(self, mark: int) -> str:
        """``send_order`` 没有收下：等日志到齐，取发出之后的。"""
        self._post.drain(_DRAIN_S)
        return _said(self._post.log_since(mark)) or _UNSAID

    def _too_much(self, wish: Any) -> str:
        symbol, exchange = wish.symbol, wish.exchange.name
        side = "SHORT" if wish.direction.name == "LONG" else "LONG"
        held = [each for each in self._post.positions(symbol, exchange) if each.volume]
        mine = [each for each in held if each.direction.name == side]
        kind = "多" if side == "LONG" else "空"
        if not mine:
            return f"要平 {wish.volume:g}，而没有{kind}头持仓；什么都没有发出"
        total = sum(each.volume for each in mine)
        old = sum(each.yd_volume for each in mine)
        return (
            f"要平 {wish.volume:g}，{kind}头持有 {total:g}（今 {total - old:g}、昨 {old:g}），"
            "减去已经挂着的平仓单不够；什么都没有发出"
        )

    def _why_rejected(self, order_id: str) -> str:
        """被拒的那一笔：发出之后说到它的日志；别人的不知道。"""
        flight = self._flights.get(order_id)
        if flight is None:
            return ""
        if not flight.reason:
            others = set(self._flights) - set(flight.ids)
            flight.reason = _said(self._post.log_since(flight.mark), order_id, others)
        return flight.reason

    # ---- 撤单

    def cancel(self, target: Any, reply: Reply[Any]) -> None:
        """撤单：一笔拆成几笔的都撤。

        Raises:
            UsageError: 当日没有这个编号，什么都没有发出。
            UnsupportedError: 按柜台合同编号撤单。
            NotConnectedError: 已经断了，什么都没有发出。
        """
        if isinstance(target, ContractNumber):
            raise UnsupportedError("VeighNa 的接口只能按委托编号撤单")
        ids = str(target).split("+")
        known = [one for one in ids if one in self._flights or self._post.order(one) is not None]
        if not known:
            raise UsageError("entrust_no", target, "当日委托里没有这个编号")
        self._session.depart(reply)
        if not any(self._is_active(each) for each in known):
            reply.put(self._over(known))
            return
        self._session.later(self._send_cancel, _Cancel(known, reply, 0))

    def _is_active(self, order_id: str) -> bool:
        order = self._post.order(order_id)
        return order is None or bool(order.is_active())

    def _send_cancel(self, cancel: _Cancel) -> None:
        """在线路上：撤。"""
        if cancel.reply.done():
            return
        cancel.mark = self._post.log_mark()
        self._cancels.append(cancel)
        try:
            for order_id in cancel.ids:
                if self._is_active(order_id):
                    self._post.cancel(self._cancel_request(order_id))
        except Exception as exc:  # noqa: BLE001  边界：接口抛什么都可能已经撤了
            cancel.reply.fail(exc)
        self._settle_cancels()

    def _cancel_request(self, order_id: str) -> Any:
        order = self._post.order(order_id)
        if order is not None:
            return order.create_cancel_request()
        wish = self._flights[order_id].wish
        return self._post.vt.CancelRequest(
            orderid=order_id, symbol=wish.symbol, exchange=wish.exchange
        )

    def _settle_cancels(self) -> None:
        """不再活着的，撤单有了结果。"""
        for each in self._cancels.copy():
            if not each.reply.done() and not any(self._is_active(one) for one in each.ids):
                cancelled = any(self._status(one) == "CANCELLED" for one in each.ids)
                each.reply.put(True if cancelled else self._over(each.ids))
            if each.reply.done():
                with contextlib.suppress(ValueError):  # 线路与事件线程都在收拾
                    self._cancels.remove(each)

    def _over(self, ids: list[str]) -> CancelAnswer:
        """已经到了终态，没有可撤的。"""
        names = {"ALLTRADED": "已成", "CANCELLED": "已撤", "REJECTED": "废单"}
        told = "、".join(sorted({names.get(self._status(each), "") for each in ids}))
        return CancelAnswer(False, f"委托已经是{told}，没有可撤的")

    # ---- 事件线程

    def heard_order(self, order: Any) -> list[PushEvent]:
        """一笔委托变了（账本已经是新的）；返回要报上去的。"""
        order_id = order.orderid
        flight = self._flights.get(order_id)
        if flight is None and self._is_sending and self._keep(order, order_id):
            return []
        flight = flight or self._flights.get(order_id)
        if flight is not None:
            if self._judge(flight):
                _give_way()
            if flight.acked is not None:
                flight.acked.set()
        if self._cancels:
            self._settle_cancels()
        if flight is not None and (order.status.name == "SUBMITTING" or self._is_held(flight)):
            return []  # SUBMITTING 是接口自己写的，回报马上就来：不值得报
        rejected = order.status.name == "REJECTED" and flight is not None
        if rejected and not self._why_rejected(order_id):  # 日志可能就在后面
            self._session.later(self._tell, flight)
            return []
        row = self._row_of(order)
        return [] if row is None else self._events(row)

    def heard_trade(self, trade: Any) -> list[PushEvent]:
        """一笔成交；返回要报上去的。"""
        flight = self._flights.get(trade.orderid)
        if flight is None and self._is_sending and self._keep(trade, trade.orderid):
            return []
        flight = flight or self._flights.get(trade.orderid)
        if flight is not None and self._is_held(flight, trade):
            return []
        return [Traded(self.trade_row(trade))]

    def ticked(self) -> None:
        """每秒一次：攒着的编号写下来。"""
        self._session.later(self._notes.flush)

    def heard_log(self, number: int, text: str) -> None:
        """一行日志：撤单失败只在这里说。"""
        if not self._cancels or not _CANCEL_FAILED.search(text):
            return
        open_ = [each for each in self._cancels if each.mark < number and not each.reply.done()]
        named = [each for each in open_ if any(_names(text, one) for one in each.ids)]
        others = not named and any(_names(text, one) for one in self._flights)
        if named or (len(open_) == 1 and not others):
            cancel = (named or open_)[0]
            cancel.reply.put(CancelAnswer(False, f"网关说：{text[:_SHOWN]}"))
            self._settle_cancels()

    def lost(self) -> None:
        """会话断了：在途的已经由会话了结，等着的线路不必再等。"""
        for each in list(self._flights.values()):
            if each.acked is not None:
                each.acked.set()
        self._cancels.clear()

    def _keep(self, heard: Any, order_id: str) -> bool:
        """正在发，而编号还没有回来：可能就是那一笔的，先留着。"""
        with self._gate:
            if not self._is_sending or self._notes.of(order_id) is not None:
                return False
            self._early.append(heard)
            return True

    def _is_held(self, flight: Flight, trade: Any = None) -> bool:
        """编号还没有定下来：先留着，定了由线路报。"""
        with self._gate:
            if flight.whole:
                return False
            if trade is None:
                flight.missed = True
            else:
                flight.held.append(trade)
            return True

    def _tell(self, flight: Flight) -> None:
        """在线路上：报这一笔；被拒的等日志到齐。"""
        last = flight.ids[-1]
        if self._status(last) == "REJECTED" and not self._why_rejected(last):
            self._post.drain(_DRAIN_S)
            flight.reason = self._why_rejected(last) or _REJECTED
        row = self.row(flight.name)
        if row is not None:
            for event in self._events(row):
                self._push(event)

    def _events(self, row: Order) -> list[PushEvent]:
        found: list[PushEvent] = [OrderChanged(row)]
        order_id = str(row.order_id)
        if row.order_status == OrderStatus.JUNK and order_id not in self._refused:
            self._refused.add(order_id)
            refusal = Refusal(
                order_id=row.order_id, error_msg=row.status_msg, order_remark=row.order_remark,
                strategy_name=row.strategy_name, account_type=row.account_type,
                account_id=row.account_id,
            )  # fmt: skip
            found.append(OrderRefused(refusal))
        return found

    # ---- 行

    def rows(self, orders: Iterable[Any]) -> list[Order]:
        """这些 VeighNa 委托 → 用户的委托，拆成几笔的合成一笔。"""
        held = list(orders)
        self._notes.look(each.orderid for each in held)
        return self._merged(held)

    def find(self, entrust_no: object) -> Order | None:
        """查一笔，按用户的编号；没有为 None。别的程序刚报的，认得出备注。"""
        self._notes.look(each for each in str(entrust_no).split("+") if self._post.order(each))
        return self.row(entrust_no)

    def row(self, entrust_no: object) -> Order | None:
        """同 `find`，不读盘。"""
        found = [self._post.order(each) for each in str(entrust_no).split("+")]
        held = [each for each in found if each is not None]
        rows = self._merged(held)
        return next((each for each in rows if each.order_id == entrust_no), None)

    def trade_row(self, trade: Any) -> Trade:
        """一笔成交；委托编号、备注是用户那一笔的。"""
        row = self._post.deal(trade)
        note = self._notes.of(trade.orderid)
        if note is None:
            return row
        return replace(row, order_id=note.name, order_remark=note.text, strategy_name=note.strategy)

    def _row_of(self, order: Any) -> Order | None:
        note = self._notes.of(order.orderid)
        return self.row(order.orderid if note is None else note.name)

    def _merged(self, orders: list[Any]) -> list[Order]:
        groups: dict[str, list[Order]] = {}
        for each in orders:
            note = self._notes.of(each.orderid)
            name = each.orderid if note is None else note.name
            groups.setdefault(name, []).append(self._one(each, note))
        return [self._together(name, parts) for name, parts in groups.items()]

    def _one(self, order: Any, note: Note | None) -> Order:
        row = self._post.row(order)
        changes: dict[str, Any] = {}
        if note is not None:
            changes.update(order_remark=note.text, strategy_name=note.strategy)
        elif tags.split(order.reference)[0]:
            changes.update(order_remark=order.reference)
        if row.order_status == OrderStatus.JUNK and not row.status_msg:
            why = (order.extra or {}).get("message") or self._why_rejected(order.orderid)
            changes.update(status_msg=why or _REJECTED)
        return replace(row, **changes) if changes else row

    def _together(self, name: str, parts: list[Order]) -> Order:
        flight = self._flights.get(name.partition("+")[0])
        unsent = flight.unsent if flight is not None else 0.0
        first = parts[0]
        if len(parts) == 1 and not unsent:
            return first if first.order_id == name else replace(first, order_id=name)
        traded = sum(exact(each.traded_volume) for each in parts)
        amount = sum(exact(each.traded_volume) * exact(each.traded_price) for each in parts)
        messages = [each.status_msg for each in parts if each.status_msg]
        if flight is not None and flight.told:
            messages.append(flight.told)
        flags = {each.offset_flag for each in parts}
        total = sum(exact(each.order_volume) for each in parts)
        return replace(
            first,
            order_id=name,
            order_sysid="+".join(each.order_sysid for each in parts if each.order_sysid),
            order_volume=_plain(total + exact(unsent)),
            traded_volume=_plain(traded),
            traded_price=float(amount / traded) if traded else 0.0,
            order_status=_status_of(parts, bool(traded), unsent, flight is None or flight.whole),
            status_msg="；".join(messages),
            offset_flag=flags.pop() if len(flags) == 1 else OffsetFlag.CLOSE.value,
        )


def _give_way() -> None:
    """让等着结果的线程先走：不放开解释器的锁，它要等这个线程报完推送。"""
    _shut.acquire(timeout=1e-6)


def _status_of(parts: list[Order], traded: bool, unsent: float, whole: bool) -> int:
    if not whole:
        return (OrderStatus.PART_SUCC if traded else OrderStatus.REPORTED).value
    statuses = {each.order_status for each in parts}
    if not statuses <= FINAL_STATUSES:
        if traded:
            return OrderStatus.PART_SUCC.value
        going = statuses - FINAL_STATUSES
        return max(going)
    if statuses == {OrderStatus.SUCCEEDED} and not unsent:
        return OrderStatus.SUCCEEDED.value
    if traded:
        return OrderStatus.PART_CANCEL.value
    return (OrderStatus.JUNK if statuses == {OrderStatus.JUNK} else OrderStatus.CANCELED).value


def _plain(number: Any) -> Any:
    """Decimal → 整数或浮点，与接口给的一样。"""
    return int(number) if number == int(number) else float(number)


def _names(text: str, order_id: str) -> bool:
    """这行日志说到了这个编号；太短的编号（IB 的 7）与别的数分不开，不算。"""
    if len(order_id) < _LEAST_ID or order_id not in text:
        return False
    return bool(re.search(rf"(?<![0-9A-Za-z_]){re.escape(order_id)}(?![0-9A-Za-z_])", text))


def _said(lines: Sequence[str], order_id: str = "", others: Iterable[str] = ()) -> str:
    """这几行日志里像是原因的。说到它的优先；说到别的委托的不要。"""
    named = [each for each in lines if order_id and _names(each, order_id)]
    rest = [each for each in lines if not any(_names(each, other) for other in others)]
    failed = [each for each in rest if _FAILED.search(each)]
    found = named or failed or (rest if not order_id else [])
    told = "；".join(dict.fromkeys(each.strip() for each in found[-_LINES:]))
    return f"网关说：{told[:_SHOWN]}" if told else ""
