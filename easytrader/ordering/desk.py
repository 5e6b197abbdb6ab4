"""同步的下单与撤单，以及两种走法共用的几步。"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader import arguments, tags
from easytrader.board_rules import board_doubts
from easytrader.codes import CANCELLABLE_STATUSES, MARKET_CODES, PriceType
from easytrader.errors import (
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.model import ContractNumber
from easytrader.ordering import wanted
from easytrader.symbols import ambiguity

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend import Capabilities
    from easytrader.basics.quantity import Number
    from easytrader.broker import Session
    from easytrader.codes import Exchange
    from easytrader.guard import GuardPost
    from easytrader.log import Log
    from easytrader.model import OrderRequest, SubmitAnswer
    from easytrader.once import Once, Placed
    from easytrader.ordering.wanted import Extras, Wanted
    from easytrader.types import BulkCancel, CancelResult, EntrustResult

_AT_ONCE_S: Final = 0.05
"""核对没有花掉这么多时间，就不必收紧发送的期限。"""

_OUT_OF_TIME: Final = "没有发出：客户端没有应答，时间用完了"

_PRECHECK_SHARE: Final = 0.4
"""发出之前的核对最多用掉期限的这么多：它没有应答，委托也要来得及发。"""

_STOCKS: Final = ("STOCK", "CREDIT")

_REMEMBERED: Final = 1000
"""记住自己最近下的这么多笔：`wait` 时查不到是缓存慢，不是编号错。"""


class MarketView:
    """风控要看的数，用到才查。"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元。"""
        return self._session.last_price(stock_code)

    def total_asset(self) -> Number:
        """总资产，元。"""
        return self._session.asset().total_asset


class Ordering:
    """一个账号的下单口。

    Args:
        log: 日志口。
        get_session: 此刻可用的会话，没有则抛 `NotConnectedError`。
        capabilities: 后端的本事。
    """

    def __init__(
        self, log: Log, get_session: Callable[[], Session], capabilities: Capabilities
    ) -> None:
        self.capabilities = capabilities
        self._log = log
        self._get_session = get_session
        self.once: Once | None = None
        """连接之后才有。"""
        self.post: GuardPost | None = None
        """没有开风控为 None。"""
        self.recent: deque[Any] = deque(maxlen=_REMEMBERED)

    def limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> EntrustResult:
        """限价委托。"""
        return self.place(wanted.limit(side, security, price, amount, extras))

    def market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> EntrustResult:
        """市价委托。"""
        return self.place(wanted.market(side, security, amount, ttype, extras))

    def cancel(self, entrust_no: object) -> CancelResult:
        """撤单。"""
        return self._cancel(self.capabilities.check_id(entrust_no))

    def cancel_sysid(self, order_sysid: object, market: object) -> CancelResult:
        """按柜台合同编号撤单。"""
        return self._cancel(self.contract(order_sysid, market))

    def cancel_all(self) -> list[BulkCancel]:
        """撤掉当日所有可撤的。"""
        session = self._get_session()
        numbers: list[Any] = [
            o.order_id for o in session.orders() if o.order_status in CANCELLABLE_STATUSES
        ]
        results: list[BulkCancel] = []
        deadline: float | None = None
        for number in numbers:
            if deadline is not None and time.monotonic() >= deadline:
                result: CancelResult = {"success": False, "message": _OUT_OF_TIME}
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

    def place(self, order: Wanted) -> EntrustResult:
        """一笔校验过的委托。"""
        session = self.opening(order)
        if order.client_order_id is not None:
            return self._place_once(session.timeout_s, order, order.client_order_id)
        answer = self._send(session, order.request(tags.new_tag()))
        return self.row(order, answer)

    # ---- 内部

    def _place_once(self, timeout_s: float, order: Wanted, client_order_id: str) -> EntrustResult:
        once = self.journal()
        began = time.monotonic()

        def send(request: OrderRequest) -> SubmitAnswer:
            # 问 once 要会话：这期间换了账号的话，它说没有，不会发到别的账号去
            return self._send(once.get_session(), request, latest(began, timeout_s), True)

        placed = once.submit(client_order_id, order.request, send, timeout_s)
        if placed.answer is None:
            return self.earlier(client_order_id, placed)
        return self.row(order, placed.answer)

    def _send(
        self,
        session: Session,
        request: OrderRequest,
        deadline: float | None = None,
        recorded: bool = False,
    ) -> SubmitAnswer:
        """一个期限管到底：风控的查询、等笔数的空位、发出之后等应答。"""
        deadline = self.admit(session, request, deadline)
        try:
            if deadline is None:
                return session.submit(request)
            with session.until(deadline):
                return session.submit(request)
        except OutcomeUnknownError:
            if not recorded:
                self.doubt(request)
            raise

    def _cancel(self, target: int | ContractNumber) -> CancelResult:
        session = self._get_session()
        with session.until(self.admit_cancel(session, target)):
            return self.cancel_row(target, session.cancel(target))

    # ---- 两种走法共用的

    def opening(self, order: Wanted) -> Session:
        """要用的会话；顺便提醒可能被柜台拒绝的地方。

        Raises:
            UsageError: 账号类型不对。
        """
        kind = "limit" if order.price_type == PriceType.FIX else "market"
        self.capabilities.check_order(kind, order.target.exchange)
        if order.client_order_id is not None:
            self.capabilities.check_tag(order.client_order_id)
        once = self.once
        session = once.get_session() if once is not None else self._get_session()
        check_account_type(order.verb, session.account_type)
        if order.money is None:
            for doubt in board_doubts(order.side, order.target, order.price, order.volume):
                self._log.warning(doubt)
        if self._log.debug_on and (note := ambiguity(str(order.given), order.target)):
            self._log.debug(note)
        return session

    def journal(self) -> Once:
        """委托记录。"""
        if self.once is None:
            raise JournalError("这个后端没有委托记录，不能用 client_order_id")
        return self.once

    def session(self) -> Session:
        """此刻可用的会话。"""
        return self._get_session()

    def admit(
        self, session: Session, request: OrderRequest, deadline: float | None
    ) -> float | None:
        """核对、过风控；返回此后的期限（``time.monotonic``），没有收紧为 None。"""
        if self.post is None and request.precheck is None:
            return deadline
        now = time.monotonic()
        deadline = deadline or now + session.timeout_s
        if request.precheck is not None:
            with session.until(now + (deadline - now) * _PRECHECK_SHARE):
                self._precheck(session, request.precheck)
        if self.post is not None:
            with session.until(deadline):
                self.post.check_order(request, MarketView(session), deadline)
        return deadline

    def _precheck(self, session: Session, precheck: Callable[[Any], None]) -> None:
        try:
            precheck(session)
        except QueryFailedError as exc:
            self._log.warning("发出之前没能核对（{}），由柜台判断", exc)

    def admit_cancel(self, session: Session, target: int | ContractNumber) -> float | None:
        """撤单过风控；返回同 `admit`。"""
        if self.post is None:
            return None
        deadline = time.monotonic() + session.timeout_s
        self.post.check_cancel(target, deadline)
        return deadline

    def doubt(self, request: OrderRequest) -> None:
        """这一笔没有应答：没有 ``client_order_id`` 的也核对。"""
        if self.once is not None:
            self.once.doubts.add(request.tag, None)

    def contract(self, order_sysid: object, market: object) -> ContractNumber:
        """柜台合同编号与市场；没有给市场就在当日委托里找。

        Raises:
            UsageError: 编号或市场不对，或当日委托里没有、不止一个市场有这个编号。
            QueryFailedError: 要查当日委托而查不到。
        """
        number = arguments.contract_number(order_sysid)
        if market is not None:
            return ContractNumber(number, MARKET_CODES[arguments.market(market)])
        orders = self._get_session().orders()
        codes = {each.stock_code for each in orders if each.order_sysid == number}
        found = sorted({code.rpartition(".")[2] for code in codes} & set(MARKET_CODES))
        if not found:
            raise UsageError(
                "order_sysid", number, "当日委托里没有这个柜台合同编号；确知有的话请给出 market"
            )
        if len(found) > 1:
            choices = "、".join(f"market='{each}'" for each in found)
            raise UsageError(
                "order_sysid", number, f"几个市场都有这个编号，请说是哪一个：{choices}"
            )
        return ContractNumber(number, MARKET_CODES[cast("Exchange", found[0])])

    def cancel_row(self, target: int | ContractNumber, done: bool) -> CancelResult:
        """撤单的结果。"""
        self._log.debug("撤单 {}：{}", target, "已收下" if done else "被拒绝")
        return {"success": done, "message": "success" if done else "failed"}

    def row(self, order: Wanted, answer: SubmitAnswer) -> EntrustResult:
        """下单的结果。"""
        if answer.accepted:
            number: Any = answer.order_id
            self.recent.append(number)
            return {"entrust_no": number}
        message = answer.message or "客户端当场拒绝，没有说明原因（价格超出涨跌停、报价类型不对等）"
        self._log.warning("委托被拒绝 {} {}：{}", order.target.stock_code, order.volume, message)
        return {"entrust_no": -1, "message": message}

    def earlier(self, client_order_id: str, placed: Placed) -> EntrustResult:
        """以前发过：同一个编号。"""
        earlier = placed.earlier
        assert earlier is not None
        assert self.once is not None
        number: Any = earlier.order_id
        self.recent.append(number)
        row: EntrustResult = {"entrust_no": number}
        day_of = self.once.doubts.day_of
        day = day_of(earlier.created)
        if day != day_of(time.time()):
            row["message"] = f"client_order_id {client_order_id} 在 {day} 已经下过，没有再下"
            self._log.warning("{}", row["message"])
        else:
            told = "client_order_id {} 已经是委托 {}，没有再下"
            self._log.info(told, client_order_id, earlier.order_id)
        return row


def check_account_type(verb: str, account_type: str) -> None:
    """这种账号能不能这样下单。

    Args:
        verb: 信用账号才有的动词；普通的买卖为空。
        account_type: 账号类型的名字。

    Raises:
        UsageError: 不能，什么都没有发出。
    """
    if verb and account_type != "CREDIT":
        form = f"{verb} 只能用于信用账号：connect(..., account_type='CREDIT')"
        raise UsageError("account_type", account_type, form)
    if account_type not in _STOCKS:
        raise UsageError(
            "account_type",
            account_type,
            "买卖只做 STOCK、CREDIT 账号；别的账号的委托（开平、合约代码）请用厂商的接口 "
            "user.trader.order_stock(user.account, ...)，查询、撤单照常用这里的",
        )


def latest(began: float, timeout_s: float) -> float | None:
    """核对花掉了时间的，发送的期限跟着收紧。"""
    return began + timeout_s if time.monotonic() - began > _AT_ONCE_S else None
