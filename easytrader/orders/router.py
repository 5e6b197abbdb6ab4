"""委托与撤单怎样发出：校验过的 → 认出重复的 → 风控 → 只发一次 → 回执。"""

from __future__ import annotations

import copy
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast, overload

from easytrader import arguments
from easytrader.backend.records import CancelAnswer, ContractNumber
from easytrader.basics import tags
from easytrader.codes import CANCELLABLE_STATUSES, LIMIT_PRICES, MARKET_CODES
from easytrader.errors import (
    ClosedError,
    EasytraderError,
    JournalError,
    MissingDependencyError,
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UnsupportedError,
    UsageError,
    WaitTimeoutError,
)
from easytrader.market.symbols import ambiguity
from easytrader.orders import admission
from easytrader.orders.receipt import Deadlines, Receipt, unknown_text
from easytrader.orders.ticket import Cancel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from easytrader.backend.capabilities import Capabilities
    from easytrader.backend.records import OrderRequest, SubmitAnswer
    from easytrader.backend.session import Session
    from easytrader.basics.log import Log
    from easytrader.basics.numbers import Number, OrderId
    from easytrader.codes import Exchange
    from easytrader.idempotency import Intent, Noted, Once
    from easytrader.orders.admission import Gate
    from easytrader.orders.ticket import Wanted
    from easytrader.risk import GuardPost
    from easytrader.types import BulkCancel, CancelResult, EntrustResult

_AT_ONCE_S: Final = 0.05
"""核对没有花掉这么多时间，就不必收紧发送的期限。"""

_OUT_OF_TIME: Final = "没有发出：客户端没有应答，时间用完了"
_PRECHECK_SHARE: Final = 0.4
"""发出之前的核对最多用掉期限的这么多：它没有应答，委托也要来得及发。"""

_NOT_SENT: Final = (
    JournalError,
    NotConnectedError,
    ClosedError,
    UsageError,
    MissingDependencyError,
    OrdersNotAllowedError,
    UnsupportedError,
)
"""会话抛的这几种，什么都没有发出；别的都可能在发出之后。"""

_REMEMBERED: Final = 1000
"""记住自己最近下的这么多笔：`wait` 时查不到是缓存慢，不是编号错。"""


class MarketView:
    """风控要看的数，用到才查。"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元。"""
        return self._session.last_price(stock_code)

    def limit_up(self, stock_code: str) -> Number | None:
        """涨停价，元；没有行情、不设涨跌幅为 None。"""
        try:
            return self._session.quotes([stock_code])[0].limit_up
        except QueryFailedError:
            return None

    def multiplier(self, stock_code: str) -> Number:
        """合约乘数；不从 `BaseSession` 来的会话没有，是 1。"""
        ask = getattr(self._session, "multiplier", None)
        return 1 if ask is None else cast("Number", ask(stock_code))

    def total_asset(self) -> Number:
        """总资产，元。"""
        return self._session.asset().total_asset


class Router:
    """一个账号的委托与撤单。

    只有一条路：`start` 发出就给一张回执；同步的 `run` 是发出，再等这张回执。

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
        self._deadlines = Deadlines()
        self.once: Once | None = None
        """连接之后才有。"""
        self.post: GuardPost | None = None
        """没有开风控为 None。"""
        self.recent: deque[Any] = deque(maxlen=_REMEMBERED)

    @overload
    def start(self, ticket: Wanted) -> Receipt[EntrustResult]: ...
    @overload
    def start(self, ticket: Cancel) -> Receipt[CancelResult]: ...
    def start(self, ticket: Wanted | Cancel) -> Receipt[Any]:
        """发出一笔校验过的委托或撤单；没有发出的当场抛异常。"""
        session = self._session()
        receipt: Receipt[Any] = Receipt(ticket, session.timeout_s)
        receipt.watch = self._deadlines.watch  # 没有人等也要了结
        return self._start(ticket, session, receipt)

    @overload
    def run(self, ticket: Wanted) -> EntrustResult: ...
    @overload
    def run(self, ticket: Cancel) -> CancelResult: ...
    def run(self, ticket: Wanted | Cancel) -> Any:
        """发出，等到有结果。"""
        session = self._session()
        receipt: Receipt[Any] = Receipt(ticket, session.timeout_s, awaited=True)
        try:
            found = self._start(ticket, session, receipt)
            if found is not receipt:
                return self._share(found, ticket, receipt.timeout_s)
            return receipt.value()
        except EasytraderError:
            raise
        except BaseException as exc:  # Ctrl-C：和没有应答一样，可能已经成交
            if not receipt.fail(exc) and receipt.error is None:
                self._log.warning("被打断的时候已经有结果：{!r}", receipt)
            raise

    def cancel_all(self) -> list[BulkCancel]:
        """撤掉当日所有可撤的：先都发出去，再一起等。

        一笔发不出去（断了、没有空位）之后，其余的一共最多再用一个期限，来不及的不发。
        """
        session = self._get_session()
        numbers: list[Any] = [
            o.order_id for o in session.orders() if o.order_status in CANCELLABLE_STATUSES
        ]
        sent: list[Receipt[CancelResult] | CancelResult] = []
        deadline: float | None = None
        for number in numbers:
            if deadline is not None and time.monotonic() >= deadline:
                sent.append({"success": False, "message": _OUT_OF_TIME})
                continue
            try:
                sent.append(self._start_quietly(Cancel(number), deadline))
            except RiskRefusedError as exc:
                sent.append({"success": False, "message": str(exc)})
            except (OutcomeUnknownError, NotConnectedError) as exc:
                sent.append({"success": False, "message": str(exc)})
                deadline = deadline or time.monotonic() + session.timeout_s
        results = [_outcome(each) for each in sent]
        return [
            {"entrust_no": number, **result}
            for number, result in zip(numbers, results, strict=True)
        ]

    def _start_quietly(self, ticket: Cancel, deadline: float | None) -> Receipt[CancelResult]:
        """发出一笔，由我们自己等：不推异步应答的事件。"""
        session = self._session()
        with session.until(deadline):
            receipt: Receipt[Any] = Receipt(ticket, session.timeout_s)
            receipt.quiet, receipt.watch = True, self._deadlines.watch
            return self._start(ticket, session, receipt)

    def close(self) -> None:
        """会话都没有了：看期限的线程马上结束。"""
        self._deadlines.close()

    # ---- 撤单要撤哪一笔

    def cancel(self, entrust_no: object) -> Cancel:
        """按委托编号。"""
        return Cancel(self.capabilities.check_id(entrust_no))

    def cancel_sysid(self, order_sysid: object, market: object) -> Cancel:
        """按柜台合同编号撤单；没有给市场就在当日委托里找。

        Raises:
            UsageError: 编号或市场不对，或当日委托里没有、不止一个市场有这个编号。
            QueryFailedError: 要查当日委托而查不到。
        """
        number = arguments.contract_number(order_sysid)
        if market is not None:
            return Cancel(ContractNumber(number, MARKET_CODES[arguments.market(market)]))
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
        return Cancel(ContractNumber(number, MARKET_CODES[cast("Exchange", found[0])]))

    # ---- 一条路

    def _session(self) -> Session:
        """此刻可用的会话；有委托记录的问它要：换了账号的话，不会给出另一个账号的。"""
        return self._get_session() if self.once is None else self.once.get_session()

    def _start(
        self, ticket: Wanted | Cancel, session: Session, receipt: Receipt[Any]
    ) -> Receipt[Any]:
        """发出；返回 ``receipt``，或另一处正在发的同一个 id 的回执。"""
        if isinstance(ticket, Cancel):
            self._start_cancel(ticket, session, receipt)
            return receipt
        self._check(ticket, session)
        client_order_id = ticket.client_order_id
        if client_order_id is not None:
            return self._start_once(ticket, client_order_id, receipt.timeout_s, receipt)
        request = ticket.request(tags.new_tag())
        self._start_order(session, ticket, request, receipt, None)
        return receipt

    def _start_once(
        self, order: Wanted, client_order_id: str, timeout_s: float, receipt: Receipt[Any]
    ) -> Receipt[Any]:
        once = self.once
        if once is None:
            raise JournalError("这个后端没有委托记录，不能用 client_order_id")
        began = time.monotonic()

        def start(request: OrderRequest, noted: Noted) -> None:
            # 问 once 要会话：这期间换了账号的话，它说没有，不会发到别的账号去
            deadline = latest(began, timeout_s)
            self._start_order(once.get_session(), order, request, receipt, noted, deadline)

        try:
            handle, earlier = once.submit(client_order_id, order.request, receipt, start, timeout_s)
        except BaseException as exc:
            receipt.fail(exc)  # 这期间用同一个 id 再下的人拿着它
            raise
        if earlier is None:
            found: Receipt[Any] = handle
            return found
        receipt.ready(self._earlier(client_order_id, earlier))
        return receipt

    def _start_order(
        self,
        session: Session,
        order: Wanted,
        request: OrderRequest,
        receipt: Receipt[Any],
        noted: Noted | None,
        deadline: float | None = None,
    ) -> None:
        """过风控，发出。一个期限管到底：风控的查询、等笔数的空位、发出之后等应答。"""
        gate = admission.current()
        if self.post is not None or request.precheck is not None or gate is not None:
            deadline = self._admit(session, request, deadline, gate)
        if order.money is None:  # 就要发出了才提醒：拦下的、只是问一问的，柜台不会看到
            doubts = self.capabilities.instruments.doubts
            for doubt in doubts(order.side, order.target, order.price, order.volume):
                self._log.warning(doubt)

        def build(answer: SubmitAnswer) -> EntrustResult:
            assert noted is not None
            noted(answer, None)
            return self._row(order, answer)

        def blame(error: BaseException) -> EasytraderError:
            told = self._blame(order, request, error)
            if noted is not None:
                noted(None, told)
            elif isinstance(told, OutcomeUnknownError) and self.once is not None:
                self.once.doubts.add(request.tag, None)  # 没有 client_order_id 的也核对
            return told

        receipt.build = partial(self._row, order) if noted is None else build
        receipt.blame = blame
        self._depart(session, session.submit, request, receipt, deadline)

    def _start_cancel(self, ticket: Cancel, session: Session, receipt: Receipt[Any]) -> None:
        target = ticket.target

        def blame(error: BaseException) -> EasytraderError:
            if isinstance(error, _NOT_SENT):
                return error
            number = None if isinstance(target, ContractNumber) else target
            return OutcomeUnknownError(unknown_text(ticket, error), entrust_no=number)

        deadline = self._admit_cancel(session, target)
        receipt.build, receipt.blame = partial(self._cancel_row, ticket), blame
        self._depart(session, session.cancel, target, receipt, deadline)

    def _depart(
        self,
        session: Session,
        send: Callable[[Any, Receipt[Any]], None],
        request: OrderRequest | OrderId | ContractNumber,
        receipt: Receipt[Any],
        deadline: float | None,
    ) -> None:
        """交给会话。它抛的异常里，只有没有连着的几种肯定没有发出。"""
        receipt.latest = deadline
        try:
            if deadline is None:
                send(request, receipt)
            else:
                with session.until(deadline):
                    send(request, receipt)
        except BaseException as exc:
            failed = receipt.fail(exc)
            if not isinstance(exc, Exception):
                raise
            if failed:
                receipt.value()  # 抛出说给用户的那一个
        if not receipt.sent:  # 后端没有说就要发出：期限也从这时算起
            receipt.depart(0)

    def _blame(self, order: Wanted, request: OrderRequest, error: BaseException) -> EasytraderError:
        """没有应答的原因 → 说给用户的。"""
        if isinstance(error, _NOT_SENT):
            return error
        if not self.capabilities.tags:
            return OutcomeUnknownError(f"{unknown_text(order, error)}：user.today_entrusts")
        told = f"{unknown_text(order, error)}：user.find_entrust('{request.tag}')"
        if not isinstance(error, Exception):
            self._log.warning("{}", told)  # Ctrl-C 带不出标记，只有日志里有
        return OutcomeUnknownError(told, tag=request.tag)

    def _share(
        self, receipt: Receipt[Any], ticket: Wanted | Cancel, timeout_s: float
    ) -> EntrustResult:
        """另一个线程正在发同一个 id：等它的。"""
        try:
            row: EntrustResult = copy.copy(receipt.value(timeout_s))
            return row
        except WaitTimeoutError as exc:
            raise OutcomeUnknownError(
                f"{ticket}：另一个线程正在发同一个 client_order_id，{timeout_s:.3g} 秒没有结果；"
                "这一次什么都没有发出，稍后用同一个 id 再来",
                client_order_id=getattr(ticket, "client_order_id", None) or "",
            ) from exc

    # ---- 每一步

    def _check(self, order: Wanted, session: Session) -> None:
        """后端或账号做不了的抛 `UsageError`。"""
        kind = "limit" if order.price_type in LIMIT_PRICES else "market"
        self.capabilities.check_order(kind, order.target.exchange)
        if order.client_order_id is not None:
            self.capabilities.check_tag(order.client_order_id)
        _check_account(order.verb, session.account_type, self.capabilities.accounts)
        if self._log.debug_on and (note := ambiguity(str(order.given), order.target)):
            self._log.debug(note)

    def _admit(
        self, session: Session, request: OrderRequest, deadline: float | None, gate: Gate | None
    ) -> float:
        """核对、过风控与关口；返回此后的期限（``time.monotonic``）。"""
        now = time.monotonic()
        deadline = deadline or now + session.timeout_s
        if request.precheck is not None:
            with session.until(now + (deadline - now) * _PRECHECK_SHARE):
                self._precheck(session, request.precheck)
        with session.until(deadline):
            if gate is not None:
                gate.admit(request, MarketView(session), deadline)
            if self.post is not None:
                self.post.check_order(request, MarketView(session), deadline)
        if gate is not None:
            gate.last(request)
        return deadline

    def _precheck(self, session: Session, precheck: Callable[[Any], None]) -> None:
        try:
            precheck(session)
        except QueryFailedError as exc:
            self._log.warning("发出之前没能核对（{}），由柜台判断", exc)

    def _admit_cancel(self, session: Session, target: OrderId | ContractNumber) -> float | None:
        """撤单过风控；返回同 `_admit`。"""
        gate = admission.current()
        if self.post is None and gate is None:
            return None
        deadline = time.monotonic() + session.timeout_s
        if self.post is not None:
            self.post.check_cancel(target, deadline)
        if gate is not None:
            gate.last(None)
        return deadline

    def _cancel_row(self, ticket: Cancel, answer: bool | CancelAnswer) -> CancelResult:
        done, told = answer if isinstance(answer, CancelAnswer) else (answer, "")
        self._log.debug("{}：{}{}", ticket, "已收下" if done else "被拒绝", told)
        return {"success": done, "message": told or ("success" if done else "failed")}

    def _row(self, order: Wanted, answer: SubmitAnswer) -> EntrustResult:
        if answer.accepted:
            number: Any = answer.order_id
            self.recent.append(number)
            if not answer.message:
                return {"entrust_no": number}
            self._log.warning("委托 {} {}：{}", number, order.target.stock_code, answer.message)
            return {"entrust_no": number, "message": answer.message}
        message = answer.message or "客户端当场拒绝，没有说明原因（价格超出涨跌停、报价类型不对等）"
        self._log.warning("委托被拒绝 {} {}：{}", order.target.stock_code, order.volume, message)
        return {"entrust_no": -1, "message": message}

    def _earlier(self, client_order_id: str, earlier: Intent) -> EntrustResult:
        """以前发过：同一个编号。"""
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


def _outcome(sent: Receipt[CancelResult] | CancelResult) -> CancelResult:
    """等一笔撤单的结果；没有应答的也说成一个字典。"""
    if not isinstance(sent, Receipt):
        return sent
    try:
        return sent.value()
    except (OutcomeUnknownError, NotConnectedError) as exc:
        return {"success": False, "message": str(exc)}


def _check_account(verb: str, account_type: str, accounts: Collection[str]) -> None:
    """``verb`` 是信用账号才有的动词（普通的买卖为空）；``accounts`` 是能买卖的，空是不限。"""
    if verb and account_type != "CREDIT":
        form = f"{verb} 只能用于信用账号：connect(..., account_type='CREDIT')"
        raise UsageError("account_type", account_type, form)
    if accounts and account_type not in accounts:
        raise UsageError(
            "account_type",
            account_type,
            "买卖只做 STOCK、CREDIT 账号；别的账号的委托（开平、合约代码）请用厂商的接口 "
            "user.trader.order_stock(user.account, ...)，查询、撤单照常用这里的",
        )


def latest(began: float, timeout_s: float) -> float | None:
    """核对花掉了时间的，发送的期限跟着收紧。"""
    return began + timeout_s if time.monotonic() - began > _AT_ONCE_S else None
