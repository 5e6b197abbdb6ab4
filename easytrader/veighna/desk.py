"""交易台：一个线程收下要做的与听到的，一件一件办，所以撤单走不到它的委托前面，状态也不必加锁。

委托用异步的动词发出去，不等应答，一笔没有应答不耽误后面的；应答、推送也排进同一个队。
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loguru import logger
from vnpy.trader.constant import Direction, Offset, OrderType, Status

from easytrader import rows
from easytrader.backend import records
from easytrader.basics import tags
from easytrader.basics.beijing import day_of
from easytrader.basics.numbers import is_number
from easytrader.codes import STATUS_RANK
from easytrader.errors import (
    ClosedError,
    EasytraderError,
    JournalError,
    NotConnectedError,
    OrdersNotAllowedError,
    RiskRefusedError,
    UnsupportedError,
    UsageError,
)
from easytrader.market.symbols import parse_security
from easytrader.trader import engine_of
from easytrader.veighna import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader import types
    from easytrader.orders import Receipt
    from easytrader.trader import Trader
    from easytrader.veighna.contracts import Contracts

_NOT_SENT: Final = (
    UsageError,
    NotConnectedError,
    ClosedError,
    RiskRefusedError,
    JournalError,
    OrdersNotAllowedError,
    UnsupportedError,
)
"""这些错误说的是什么都没有发出；别的都当结果未知。"""

_REMARK_BYTES: Final = tags.MAX_REMARK_BYTES
_LOCAL_RANK: Final = -2
"""我们自己说的废单：柜台后来说了什么，以柜台为准。"""
_TOLD: Final = 20_000
"""记得的成交最多这么多；再多就忘掉旧的。"""


@dataclass
class Book:
    """一个接口记着的；编号是 VeighNa 那边的。

    Attributes:
        key: 哪个账号的。
        sent: 我们发出的：编号 → ``OrderData``，开平、参考照它的。
        pending: 标记 → 编号：还不知道委托编号的。
        unknown: 其中结果未知的。
        to_cancel: 其中知道了就要撤的。
        numbers: 编号 → 委托编号。
        ids: 委托编号 → (编号, 哪一天的；0 还不知道)。
        shown: 编号 → 报过的样子。
        trades: 报过的成交。
        codes: 报过持仓的证券。
    """

    key: Any = None
    sent: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    to_cancel: set[str] = field(default_factory=set)
    numbers: dict[str, Any] = field(default_factory=dict)
    ids: dict[Any, tuple[str, int]] = field(default_factory=dict)
    shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    trades: dict[tuple[Any, ...], None] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)

    def turn_to(self, key: Any) -> None:
        """从现在起记这个账号；换了账号的，旧的都忘掉。"""
        if self.key not in (None, key):
            for each in fields(self)[1:]:
                getattr(self, each.name).clear()
        self.key = key


class Desk:
    """一个接口的委托、成交、持仓。

    Args:
        gateway: VeighNa 的接口：``on_order`` 等都往它那里送。
        contracts: 报过的合约。
        market_type: 市价委托的类型。
        changed: 账户多半变了时调用，不得阻塞。
        doubtful: 一笔委托结果未知时调用（它的编号），不得阻塞。
        book: 记着的；断开再连同一个账号接着用。
    """

    def __init__(
        self,
        gateway: Any,
        contracts: Contracts,
        market_type: Any,
        changed: Callable[[], None],
        doubtful: Callable[[str], None],
        book: Book,
    ) -> None:
        self._gateway = gateway
        self._name: str = gateway.gateway_name
        self._contracts = contracts
        self._market_type = market_type
        self._changed = changed
        self._doubtful = doubtful
        self._user: Trader | None = None
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._book = book
        self._skipped: set[str] = set()
        self._held: list[Callable[[], None]] = []  # 也许是还没有编号的那一笔的推送
        self._thread = threading.Thread(
            target=self._run, name=f"easytrader-veighna-desk-{self._name}", daemon=True
        )

    # ---- 任何线程

    def start(self) -> None:
        """开始办。"""
        self._thread.start()

    def stop(self, limit_s: float) -> None:
        """办完排着的就停，最多等 ``limit_s`` 秒。"""
        self._inbox.put(None)
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(limit_s)

    def opened(
        self,
        user: Trader,
        orders: list[types.Entrust],
        trades: list[types.Trade],
        told: Callable[[], None],
    ) -> None:
        """连好了：当日的委托、成交，从这以后收委托；都报完了调用 ``told``。"""
        self._inbox.put(partial(self._open, user, orders, trades, told))

    def place(self, order: Any) -> None:
        """发一笔委托；``order`` 是报过的 ``OrderData``。"""
        self._inbox.put(partial(self._place, order))

    def cancel(self, orderid: str) -> None:
        """撤一笔。"""
        self._inbox.put(partial(self._cancel, orderid))

    def settled(self, orderid: str, row: types.Entrust | None) -> None:
        """结果未知的那一笔核对清楚了：柜台上的样子，或 None 没有到柜台。"""
        self._inbox.put(partial(self._settle, orderid, row))

    def positions(self, found: list[types.Position]) -> None:
        """查到的全部持仓。"""
        self._inbox.put(partial(self._show_positions, found))

    def heard(self, event: records.PushEvent) -> None:
        """交付了一条推送。在分发线程上，不阻塞，不抛异常：这里就变成字典，不留后端的对象。"""
        try:
            job = self._job_of(event)
        except Exception:  # noqa: BLE001  边界：分发线程上，不能抛
            logger.exception("推送读不出来：{}", type(event).__name__)
            return
        if job is not None:
            self._inbox.put(job)

    # ---- 推送

    def _job_of(self, event: records.PushEvent) -> Callable[[], None] | None:
        user = self._user
        match event:
            case records.OrderChanged(order):
                row = (
                    rows.order_row(order) if user is None else engine_of(user).order_rows.row(order)
                )
                return partial(self._hear_order, row, rows.tag_of(order))
            case records.Traded(trade):
                told: Any = trade  # 成交的备注与委托的一样
                return partial(self._hear_trade, rows.trade_row(trade), rows.tag_of(told))
            case records.AssetChanged(asset):
                return partial(
                    self._gateway.on_account, convert.account(rows.asset_row(asset), self._name)
                )
            case records.PositionChanged(position):
                return partial(self._show_position, rows.position_row(position))
            case records.OrderRefused(error) | records.CancelRefused(error):
                what = "下单" if isinstance(event, records.OrderRefused) else "撤单"
                row_: Any = (
                    rows.order_error_row(error) if what == "下单" else rows.cancel_error_row(error)
                )
                return partial(self._hear_refusal, what, row_)
        return None

    def _hear_order(self, row: types.Entrust, tag: str) -> None:
        if not self._readable(row["stock_code"]):
            return
        orderid = self._identify(row, tag, row["order_time"])
        if orderid is None:
            self._held.append(partial(self._hear_order, row, tag))
            return
        self._show(orderid, row, tag)
        self._changed()

    def _hear_trade(self, row: types.Trade, tag: str) -> None:
        if not self._readable(row["stock_code"]):
            return
        orderid = self._identify(row, tag, row["traded_time"])
        if orderid is None:
            self._held.append(partial(self._hear_trade, row, tag))
            return
        key = (day_of(row["traded_time"]), row["stock_code"], row["traded_id"], row["order_id"])
        if key in self._book.trades:
            return
        if len(self._book.trades) >= _TOLD:
            self._book.trades.pop(next(iter(self._book.trades)))
        self._book.trades[key] = None
        self._contracts.ensure(parse_security(row["stock_code"]))
        self._gateway.on_trade(
            convert.trade(row, orderid, self._name, self._book.sent.get(orderid))
        )
        self._changed()

    def _hear_refusal(self, what: str, row: Any) -> None:
        known = self._book.ids.get(row["order_id"])
        orderid = known[0] if known else str(row["order_id"])
        self._log(f"{what}被拒：委托 {self._name}.{orderid}：{row['error_msg']}")

    def _identify(self, row: Any, tag: str, epoch_s: int) -> str | None:
        """这一行是哪一笔；也许是还没有编号的那一笔，现在说不准的为 None。"""
        number, day = row["order_id"], day_of(epoch_s) if epoch_s > 0 else 0
        known = self._book.ids.get(number)
        if known is not None and (not day or known[1] in (0, day)):
            self._book.ids[number] = known[0], known[1] or day
            return known[0]
        if tag in self._book.pending:
            orderid = self._book.pending[tag]
            self._bind(orderid, number)
            return orderid
        if self._may_be_pending(row):
            return None
        orderid = str(number).replace(".", "_")  # VeighNa 拿点来分接口名与编号
        if orderid in self._book.shown or orderid in self._book.sent:
            orderid = f"{orderid}-{day}"  # 编号只在当天唯一
        self._book.ids[number], self._book.numbers[orderid] = (orderid, day), number
        return orderid

    def _may_be_pending(self, row: Any) -> bool:
        """推送里看得到标记的柜台，不是我们的就不是；看不到的（远程），等同样的那一笔有了编号。"""
        user = self._user
        if user is None or (user.capabilities.tags and user.capabilities.journal):
            return False
        side = convert.direction(row["order_type"])
        for orderid in self._book.pending.values():
            if orderid in self._book.unknown and not user.capabilities.tags:
                continue  # 核对不了的：宁可当作别处下的报出来，看得到也撤得了
            sent = self._book.sent[orderid]
            if sent.direction is side and sent.symbol == row["security"]:
                return True
        return False

    def _bind(self, orderid: str, number: Any) -> None:
        """知道了委托编号。"""
        self._let_go(orderid)
        self._book.numbers[orderid], self._book.ids[number] = number, (orderid, 0)
        if orderid in self._book.to_cancel:
            self._book.to_cancel.discard(orderid)
            self._send_cancel(orderid, number)

    def _let_go(self, orderid: str) -> None:
        """这一笔有结论了。"""
        for tag in [each for each, owner in self._book.pending.items() if owner == orderid]:
            del self._book.pending[tag]
        self._book.unknown.discard(orderid)
        self._look_again()

    def _look_again(self) -> None:
        """压着的推送再看一遍。"""
        held, self._held = self._held, []
        for job in held:
            self._inbox.put(job)

    # ---- 报给 VeighNa

    def _show(self, orderid: str, row: types.Entrust, tag: str) -> None:
        """报一笔委托的样子；没有变的、倒退的不报。"""
        rank, traded = STATUS_RANK.get(row["order_status"], -1), float(row["traded_volume"] or 0)
        look = (rank, traded, row["order_status"], row["order_sysid"], row["status_msg"])
        before = self._book.shown.get(orderid)
        if before is not None and (look == before or rank < before[0] or traded < before[1]):
            return
        self._book.shown[orderid] = look
        self._contracts.ensure(parse_security(row["stock_code"]))
        sent = self._book.sent.get(orderid)
        order = convert.order(row, orderid, self._name, sent, tag)
        self._gateway.on_order(order)
        if order.status is Status.REJECTED:
            why = row["status_msg"] or "柜台没有说原因"
            self._log(f"委托 {order.vt_orderid} 是废单：{why}")

    def _refuse(self, orderid: str, why: str) -> None:
        """没有下成：什么都没有发出，或柜台当场拒绝。"""
        self._let_go(orderid)
        self._book.to_cancel.discard(orderid)
        sent = self._book.sent[orderid]
        order = sent.__class__(
            gateway_name=self._name, symbol=sent.symbol, exchange=sent.exchange, orderid=orderid,
            type=sent.type, direction=sent.direction, offset=sent.offset, price=sent.price,
            volume=sent.volume, status=Status.REJECTED, datetime=sent.datetime,
            reference=sent.reference,
        )  # fmt: skip
        order.extra = {"message": why}
        self._book.shown[orderid] = (_LOCAL_RANK, 0.0)
        self._gateway.on_order(order)
        self._log(f"委托 {order.vt_orderid} 没有下成：{why}")

    def _show_positions(self, found: list[types.Position]) -> None:
        for row in found:
            self._show_position(row)
        for code in self._book.codes - {row["stock_code"] for row in found}:
            self._book.codes.discard(code)
            self._gateway.on_position(convert.no_position(code, self._name))

    def _show_position(self, row: types.Position) -> None:
        if not self._readable(row["stock_code"]):
            return
        security = parse_security(row["stock_code"])
        self._contracts.ensure(security, row["security_name"] or "")
        self._book.codes.add(row["stock_code"])
        self._gateway.on_position(convert.position(row, self._name))

    def _readable(self, stock_code: str) -> bool:
        """沪深北的证券；港股通的、没有证券的（直接还款）VeighNa 这边放不下，说一次就跳过。"""
        try:
            parse_security(stock_code)
        except UsageError:
            if stock_code not in self._skipped:
                self._skipped.add(stock_code)
                self._log(f"跳过 {stock_code or '没有证券的一笔'}：不是沪深北的证券")
            return False
        return True

    def _log(self, text: str) -> None:
        self._gateway.write_log(text)

    # ---- 办

    def _open(
        self,
        user: Trader,
        orders: list[types.Entrust],
        trades: list[types.Trade],
        told: Callable[[], None],
    ) -> None:
        self._book.turn_to(engine_of(user).key)
        self._user = user
        for orderid in list(self._book.pending.values()):
            self._doubt(orderid, "断开过")
        for row in orders:
            self._hear_order(row, "")
        for each in trades:
            self._hear_trade(each, "")
        told()

    def _place(self, order: Any) -> None:
        orderid = order.orderid
        self._book.sent[orderid] = order
        user = self._user
        try:
            if user is None:
                raise NotConnectedError("还没有连接好")
            start = self._verb(user, order)
        except (EasytraderError, ValueError, TypeError, AttributeError) as exc:
            self._refuse(orderid, str(exc))
            return
        key, able = engine_of(user).key, user.capabilities.tags
        tag = tags.tag_for(key.account_id, orderid) if able else orderid
        self._book.pending[tag] = orderid
        try:
            receipt = start(client_order_id=orderid if able else None)
        except _NOT_SENT as exc:
            self._refuse(orderid, str(exc))
        except Exception as exc:  # noqa: BLE001  边界：后端抛什么都可能，发没发出不知道
            self._doubt(orderid, str(exc) or repr(exc))
        else:
            answered = partial(self._answered, orderid)
            receipt.then(lambda done: self._inbox.put(partial(answered, done)))

    def _verb(self, user: Trader, order: Any) -> Callable[..., Receipt[types.EntrustResult]]:
        """这一笔用哪个动词；不会做的抛 `UsageError`。"""
        security, volume = convert.security_of(order), convert.volume_of(order.volume)
        if order.direction not in (Direction.LONG, Direction.SHORT):
            raise UsageError("direction", order.direction, "应为 LONG 或 SHORT")
        buys = order.direction is Direction.LONG
        opens = {Offset.OPEN: True, Offset.NONE: buys}.get(order.offset, False)
        if opens is not buys:
            told = "卖出开仓" if opens else "买入平仓"
            raise UsageError("offset", order.offset.name, f"证券账户没有{told}：只有买入、卖出")
        self._contracts.ensure(security)
        remark = _fitting(order.reference)
        if order.type is OrderType.LIMIT:
            verb = user.buy_async if buys else user.sell_async
            price = convert.price_of(order.price)
            return partial(verb, security.stock_code, price, volume, remark=remark)
        if order.type is OrderType.MARKET:
            verb_ = user.market_buy_async if buys else user.market_sell_async
            return partial(verb_, security.stock_code, volume, self._market_type, remark=remark)
        told = "只有 LIMIT 与 MARKET：A 股的即时成交剩余撤销是市价，没有限价的 FAK、FOK"
        raise UsageError("type", order.type.name, told)

    def _answered(self, orderid: str, receipt: Receipt[types.EntrustResult]) -> None:
        error = receipt.error
        if isinstance(error, _NOT_SENT):
            self._refuse(orderid, str(error))
        elif error is not None:
            self._doubt(orderid, str(error))
        else:
            row = receipt.value(0)
            number = row["entrust_no"]
            if not is_number(number):
                self._refuse(orderid, row.get("message") or "柜台没有说原因")
            elif orderid not in self._book.numbers:
                self._bind(orderid, number)

    def _doubt(self, orderid: str, why: str) -> None:
        if orderid not in self._book.pending.values():  # 推送先到，已经认出来了
            return
        self._book.unknown.add(orderid)
        user = self._user
        told = (
            "正在向柜台核对" if user is not None and user.capabilities.tags else "请到客户端里核对"
        )
        self._log(f"委托 {self._name}.{orderid} 结果未知，不会重发，{told}：{why}")
        if user is not None and user.capabilities.tags:
            self._doubtful(orderid)
        else:
            self._look_again()

    def _settle(self, orderid: str, row: types.Entrust | None) -> None:
        if orderid not in self._book.pending.values():
            return
        if row is None:
            self._refuse(orderid, "核对过了，没有到柜台")
            return
        self._log(f"委托 {self._name}.{orderid} 核对到了：委托编号 {row['order_id']}")
        self._bind(orderid, row["order_id"])
        self._hear_order(row, "")

    def _cancel(self, orderid: str) -> None:
        user = self._user
        if orderid in self._book.pending.values():
            self._book.to_cancel.add(orderid)
            if orderid in self._book.unknown:
                self._log(f"委托 {self._name}.{orderid} 结果未知，核对到了就撤")
            return
        number = self._book.numbers.get(orderid)
        if user is None or number is None:
            why = "还没有连接好" if user is None else "没有这笔委托，或它没有下成"
            self._log(f"撤单没有发出：委托 {self._name}.{orderid}：{why}")
            return
        self._send_cancel(orderid, number)

    def _send_cancel(self, orderid: str, number: Any) -> None:
        assert self._user is not None  # 有编号就有
        try:
            receipt = self._user.cancel_entrust_async(number)
        except Exception as exc:  # noqa: BLE001  边界：同下单；撤单可以再来一次
            self._log(f"撤单没有发出：委托 {self._name}.{orderid}：{exc}")
            return
        told = partial(self._cancelled, orderid)
        receipt.then(lambda done: self._inbox.put(partial(told, done)))

    def _cancelled(self, orderid: str, receipt: Receipt[types.CancelResult]) -> None:
        if receipt.error is not None:
            self._log(f"委托 {self._name}.{orderid} 的撤单：{receipt.error}；可以再撤一次")
        elif not receipt.value(0)["success"]:
            self._log(f"撤单被拒：委托 {self._name}.{orderid}，多半已经成交或撤了")

    def _run(self) -> None:
        while (job := self._inbox.get()) is not None:
            try:
                job()
            except Exception:  # noqa: BLE001, PERF203  边界：一件办坏了，后面的照办
                logger.exception("交易台出错")
                self._log("交易台出错，详情在日志里")


def _fitting(reference: object) -> str:
    """VeighNa 的参考 → 备注：太长的截断，控制字符去掉。"""
    text = "".join(each for each in str(reference or "") if each.isprintable())
    return text.encode()[:_REMARK_BYTES].decode(errors="ignore")
