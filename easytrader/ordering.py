"""下单与撤单：校验 → 认出重复的 → 风控 → 只发一次 → 结果。"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments, tags
from easytrader.board_rules import board_doubts
from easytrader.codes import CANCELLABLE_STATUSES, PriceType
from easytrader.errors import (
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    RiskRefusedError,
)
from easytrader.model import OrderRequest
from easytrader.once import doubts
from easytrader.symbols import ambiguity

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.broker import Session
    from easytrader.guard import GuardPost
    from easytrader.log import Log
    from easytrader.model import SubmitAnswer
    from easytrader.once import Once, Placed
    from easytrader.rows import Row
    from easytrader.symbols import Security

_AT_ONCE_S: Final = 0.05
"""核对没有花掉这么多时间，就不必收紧发送的期限。"""

_REMEMBERED: Final = 1000
"""记住自己最近下的这么多笔：`wait` 时查不到是缓存慢，不是编号错。"""


class Extras(NamedTuple):
    """下单时可以不给的几项，原样来自用户。"""

    strategy_name: str
    remark: str
    client_order_id: str | None


class MarketView:
    """风控要看的数，用到才查。"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元。"""
        return self._session.last_price(stock_code)

    def total_asset(self) -> float:
        """总资产，元。"""
        return self._session.asset().total_asset


class Ordering:
    """一个账号的下单口。

    Args:
        log: 日志口。
        get_session: 此刻可用的会话，没有则抛 `NotConnectedError`。
    """

    def __init__(self, log: Log, get_session: Callable[[], Session]) -> None:
        self._log = log
        self._get_session = get_session
        self.once: Once | None = None
        """连接之后才有。"""
        self.post: GuardPost | None = None
        """没有开风控为 None。"""
        self.recent: deque[int] = deque(maxlen=_REMEMBERED)

    def limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Row:
        """限价委托。"""
        target = arguments.security(security)
        limit = arguments.price(price)
        return self._place(side, security, target, PriceType.FIX, limit, amount, extras)

    def market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Row:
        """市价委托。"""
        target = arguments.security(security)
        kind = arguments.market_type(ttype, target)
        return self._place(side, security, target, kind, 0.0, amount, extras)

    def cancel(self, entrust_no: object) -> Row:
        """撤单。"""
        number = arguments.whole("entrust_no", entrust_no)
        session = self._get_session()
        deadline = None
        if self.post is not None:
            deadline = time.monotonic() + session.timeout_s
            self.post.check_cancel(number, deadline)
        with session.until(deadline):
            done = session.cancel(number)
        self._log.debug("撤单 {}：{}", number, "已收下" if done else "被拒绝")
        return {"success": done, "message": "success" if done else "failed"}

    def cancel_all(self) -> list[Row]:
        """撤掉当日所有可撤的。"""
        session = self._get_session()
        numbers = [o.order_id for o in session.orders() if o.order_status in CANCELLABLE_STATUSES]
        results = []
        deadline: float | None = None
        for number in numbers:
            if deadline is not None and time.monotonic() >= deadline:
                result: Row = {"success": False, "message": "没有发出：客户端没有应答，时间用完了"}
            else:
                try:
                    with session.until(deadline):
                        result = self.cancel(number)
                except RiskRefusedError as exc:
                    result = {"success": False, "message": str(exc)}
                except (OutcomeUnknownError, NotConnectedError) as exc:
                    result = {"success": False, "message": str(exc)}
                    deadline = deadline or time.monotonic() + session.timeout_s
            results.append({"entrust_no": number, **result})
        return results

    # ---- 内部

    def _place(
        self,
        side: int,
        given: object,
        target: Security,
        price_type: int,
        price: float,
        amount: object,
        extras: Extras,
    ) -> Row:
        volume = arguments.amount(amount)
        name = tags.check_strategy_name(extras.strategy_name) if extras.strategy_name else ""
        remark = tags.check_remark(extras.remark) if extras.remark else ""
        client_order_id = extras.client_order_id
        if client_order_id is not None:
            client_order_id = tags.check_client_order_id(client_order_id)
        once = self.once
        session = once.get_session() if once is not None else self._get_session()
        for doubt in board_doubts(side, target, price, volume):
            self._log.warning(doubt)
        if self._log.debug_on and (note := ambiguity(str(given), target)):
            self._log.debug(note)

        def request(tag: str) -> OrderRequest:
            text = tags.tagged(tag, remark)
            return OrderRequest(target, side, volume, price_type, price, name, text, tag)

        if client_order_id is not None:
            if once is None:
                raise JournalError("这个后端没有委托记录，不能用 client_order_id")
            return self._place_once(once, session.timeout_s, client_order_id, request)
        return self._row(target, volume, self._send(session, request(tags.new_tag())))

    def _place_once(
        self,
        once: Once,
        timeout_s: float,
        client_order_id: str,
        request: Callable[[str], OrderRequest],
    ) -> Row:
        began = time.monotonic()
        sent: list[OrderRequest] = []

        def send(order: OrderRequest) -> SubmitAnswer:
            sent.append(order)
            late = time.monotonic() - began > _AT_ONCE_S
            # 问 once 要会话：这期间换了账号的话，它说没有，不会发到别的账号去
            return self._send(once.get_session(), order, began + timeout_s if late else None, True)

        placed = once.submit(client_order_id, request, send, timeout_s)
        if placed.answer is None:
            return self._earlier(client_order_id, placed)
        return self._row(sent[0].security, sent[0].volume, placed.answer)

    def _send(
        self,
        session: Session,
        order: OrderRequest,
        deadline: float | None = None,
        recorded: bool = False,
    ) -> SubmitAnswer:
        """一个期限管到底：风控的查询、等笔数的空位、发出之后等应答。"""
        if self.post is not None:
            deadline = deadline or time.monotonic() + session.timeout_s
            with session.until(deadline):
                self.post.check_order(order, MarketView(session), deadline)
        try:
            if deadline is None:
                return session.submit(order)
            with session.until(deadline):
                return session.submit(order)
        except OutcomeUnknownError:
            if not recorded and self.once is not None:
                self.once.doubts.add(order.tag, None)
            raise

    def _row(self, target: Security, volume: int, answer: SubmitAnswer) -> Row:
        if answer.order_id > 0:
            self.recent.append(answer.order_id)
            return {"entrust_no": answer.order_id}
        message = answer.message or "客户端当场拒绝，没有说明原因（价格超出涨跌停、报价类型不对等）"
        self._log.warning("委托被拒绝 {} {}：{}", target.stock_code, volume, message)
        return {"entrust_no": -1, "message": message}

    def _earlier(self, client_order_id: str, placed: Placed) -> Row:
        """以前发过：同一个编号。"""
        earlier = placed.earlier
        assert earlier is not None
        self.recent.append(earlier.order_id)
        row: dict[str, Any] = {"entrust_no": earlier.order_id}
        day = doubts.day_of(earlier.created)
        if day != doubts.day_of(time.time()):
            row["message"] = f"client_order_id {client_order_id} 在 {day} 已经下过，没有再下"
            self._log.warning("{}", row["message"])
        else:
            told = "client_order_id {} 已经是委托 {}，没有再下"
            self._log.info(told, client_order_id, earlier.order_id)
        return row
