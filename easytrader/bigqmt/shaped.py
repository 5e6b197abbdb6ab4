"""``user.trader``：给用惯了厂商 ``XtQuantTrader`` 的脚本，方法名、次序、返回都照它；不用 xtquant。

背后是同一个会话：每个同步调用都有期限，委托照样先记下再发，结果未知的抛 `OutcomeUnknownError`，
不会像厂商的 ``set_timeout`` 那样变成「成功」。终端没有的方法抛 `UnsupportedError`。
给出的记录的字段名与厂商的相同（``order_id``、``stock_code``、``traded_volume``……）。
"""

from __future__ import annotations

import copy
import itertools
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from easytrader import arguments
from easytrader.backend.records import CallbackReplaced, ContractNumber, OrderRequest
from easytrader.basics import tags, waits
from easytrader.basics.log import masked
from easytrader.bigqmt.desk import unsupported
from easytrader.codes import CANCELLABLE_STATUSES, MARKET_CODES, AccountType
from easytrader.errors import (
    ClosedError,
    EasytraderError,
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    UnsupportedError,
    UsageError,
)
from easytrader.orders import Receipt
from easytrader.orders.receipt import unknown_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.backend.records import (
        AssetLike,
        OrderLike,
        PositionLike,
        PushEvent,
        SubmitAnswer,
        TradeLike,
    )
    from easytrader.backend.session import Reply
    from easytrader.basics.log import Log
    from easytrader.bigqmt.desk import Desk

_Record = TypeVar("_Record")

_LOOK_S: Final = 0.5
_QUERIES: Final = {
    "query_credit_detail": "信用资产",
    "query_stk_compacts": "负债合约",
    "query_credit_subjects": "融资融券标的",
    "query_credit_slo_code": "可融券",
    "query_credit_assure": "担保品",
    "query_new_purchase_limit": "新股申购额度",
    "query_ipo_data": "新股数据",
    "query_smart_algo_task": "智能算法任务",
    "get_smart_algo_param": "智能算法参数",
}
"""原样转给 `Desk.query` 的。"""
_MISSING: Final = (
    "bank_", "query_bank", "fund_transfer", "secu_transfer", "ctp_", "query_com_", "smt_",
    "export_data", "query_data", "sync_transaction", "query_secu_account", "query_account_",
    "query_position_statistics", "smart_algo_", "cancel_smart_algo",
)  # fmt: skip
"""厂商有、这里没有的方法怎样开头。"""

_NOT_SENT: Final = (
    NotConnectedError,
    ClosedError,
    UsageError,
    OrdersNotAllowedError,
    UnsupportedError,
)


_REMARKED: Final = frozenset(
    {"on_stock_order", "on_stock_trade", "on_order_error", "on_order_stock_async_response"}
)
"""参数带着备注的回调。"""


class PlainCallback:
    """用户的回调对象，看到的备注是用户自己写的：标记只在里面用。"""

    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._callback, name)
        if name not in _REMARKED or not callable(method):
            return method
        return lambda record: method(plain(record))


def plain(record: _Record) -> _Record:
    """备注里没有我们的标记的同一条记录。"""
    tag, remark = tags.split(getattr(record, "order_remark", "") or "")
    if not tag:
        return record
    found: Any = copy.copy(record)
    found.order_remark = remark
    return cast("_Record", found)


class StockAccount:
    """``user.account``：样子同厂商的 ``StockAccount``。

    Attributes:
        account_id: 资金账号。
        account_type: 账号类型的代码，`codes.AccountType`。
    """

    def __init__(self, account_id: str, account_type: str = "STOCK") -> None:
        self.account_id = account_id
        self.account_type = AccountType[account_type.upper()].value

    def __repr__(self) -> str:
        return f"<StockAccount {masked(self.account_id)} {AccountType(self.account_type).name}>"


class ShapedLine(Protocol):
    """要用会话的这几样。"""

    desk: Desk

    @property
    def account_id(self) -> str:
        """资金账号。"""

    @property
    def account_type(self) -> str:
        """账号类型的名字。"""

    @property
    def timeout_s(self) -> float:
        """期限，秒。"""

    @property
    def is_lost(self) -> bool:
        """断了。"""

    def asset(self) -> AssetLike:
        """资金。"""

    def positions(self) -> Sequence[PositionLike]:
        """持仓。"""

    def orders(self) -> Sequence[OrderLike]:
        """当日委托。"""

    def order(self, order_id: int) -> OrderLike | None:
        """一笔当日委托。"""

    def trades(self) -> Sequence[TradeLike]:
        """当日成交。"""

    def submit(self, request: OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单。"""

    def cancel(self, target: int | ContractNumber, reply: Reply[bool]) -> None:
        """撤单。"""

    def push(self, event: PushEvent) -> None:
        """往上报一件事。"""


class ShapedTrader:
    """见模块说明。断线之后是新的对象，用时再取 ``user.trader``，不要长期拿着。"""

    def __init__(self, line: ShapedLine, log: Log) -> None:
        self._line = line
        self._log = log
        self._account = StockAccount(line.account_id, line.account_type)
        self._seqs = itertools.count(1)
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"<XtQuantTrader（完整版 QMT）{self._account!r}>"

    # ---- 连接：这个会话已经连好了，这些只为脚本不必改

    def start(self) -> None:
        """已经在跑了。"""

    def connect(self) -> int:
        """0 是连着，-1 是断了（会自己重连，那时 ``user.trader`` 是新的）。"""
        return -1 if self._line.is_lost else 0

    def subscribe(self, account: Any) -> int:
        """这个账号的推送一直都有：0。别的账号抛 `UsageError`。"""
        self._check(account)
        return self.connect()

    def unsubscribe(self, account: Any) -> int:
        """推送是这个交易口的，不停：0。"""
        self._check(account)
        return 0

    def register_callback(self, callback: Any) -> None:
        """换一个回调对象。"""
        self._line.push(CallbackReplaced(PlainCallback(callback)))

    def run_forever(self) -> None:
        """一直等到 `stop`，或这个会话断了、``user.close()`` 了。"""
        waits.sliced(
            self._stopped.wait, float("inf"), stop=lambda: self._line.is_lost, slice_s=_LOOK_S
        )

    def stop(self) -> None:
        """让 `run_forever` 返回；断开用 ``user.close()``。"""
        self._stopped.set()

    def sleep(self, time: float) -> None:
        """等这么多秒。"""
        threading.Event().wait(time)

    def set_timeout(self, timeout: float = 0) -> None:
        """期限由 ``user.connect(timeout=…)`` 定，这里不改。"""

    def set_relaxed_response_order_enabled(self, enabled: bool) -> None:
        """没有这回事。"""

    # ---- 下单与撤单

    def order_stock(
        self,
        account: Any,
        stock_code: str,
        order_type: int,
        order_volume: int,
        price_type: int,
        price: float,
        strategy_name: str = "",
        order_remark: str = "",
    ) -> int:
        """下单，等到有结果。

        Args:
            account: ``user.account``。
            stock_code: 证券代码，如 ``600036.SH``。
            order_type: 委托类型，23 买、24 卖、27 融资买入……
            order_volume: 数量，股/份/张。
            price_type: 报价类型，11 限价、5 最新价、42–48 各种市价。
            price: 委托价，元；市价填 0。
            strategy_name: 策略名。
            order_remark: 备注。

        Returns:
            委托编号；当场被拒绝为 -1（原因在日志与 ``on_order_error`` 里）。

        Raises:
            UsageError: 参数不对；UnsupportedError、OrdersNotAllowedError、NotConnectedError：
                都是什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**。
        """
        terms = stock_code, order_type, order_volume, price_type, price
        request = self._request(account, terms, strategy_name, order_remark)
        answer: SubmitAnswer = self._sent(request, awaited=True).value()
        return int(answer.order_id)

    def order_stock_async(
        self,
        account: Any,
        stock_code: str,
        order_type: int,
        order_volume: int,
        price_type: int,
        price: float,
        strategy_name: str = "",
        order_remark: str = "",
    ) -> int:
        """下单不等：返回请求序号，应答在 ``on_order_stock_async_response`` 里。参数同上。"""
        terms = stock_code, order_type, order_volume, price_type, price
        return self._sent(self._request(account, terms, strategy_name, order_remark)).seq

    def cancel_order_stock(self, account: Any, order_id: int) -> int:
        """撤单：0 收下了，-1 没有。"""
        self._check(account)
        return self._cancelled(arguments.whole("order_id", order_id))

    def cancel_order_stock_async(self, account: Any, order_id: int) -> int:
        """撤单不等：返回请求序号，应答在 ``on_cancel_order_stock_async_response`` 里。"""
        self._check(account)
        return self._cancel(arguments.whole("order_id", order_id)).seq

    def cancel_order_stock_sysid(self, account: Any, market: int | str, order_sysid: str) -> int:
        """按柜台合同编号撤单；``market`` 是厂商的整数或 ``SH`` 等。"""
        self._check(account)
        return self._cancelled(_contract(market, order_sysid))

    def cancel_order_stock_sysid_async(
        self, account: Any, market: int | str, order_sysid: str
    ) -> int:
        """同上，不等。"""
        self._check(account)
        return self._cancel(_contract(market, order_sysid)).seq

    # ---- 查询

    def query_stock_asset(self, account: Any) -> AssetLike:
        """资金。"""
        self._check(account)
        return self._line.asset()

    def query_stock_orders(self, account: Any, cancelable_only: bool = False) -> list[OrderLike]:
        """当日委托；``cancelable_only`` 只要可撤的。"""
        self._check(account)
        found = [plain(each) for each in self._line.orders()]
        if not cancelable_only:
            return found
        return [each for each in found if each.order_status in CANCELLABLE_STATUSES]

    def query_stock_order(self, account: Any, order_id: int) -> OrderLike | None:
        """一笔当日委托；没有为 None。"""
        self._check(account)
        found = self._line.order(order_id)
        return None if found is None else plain(found)

    def query_stock_trades(self, account: Any) -> list[TradeLike]:
        """当日成交。"""
        self._check(account)
        return [plain(each) for each in self._line.trades()]

    def query_stock_positions(self, account: Any) -> list[PositionLike]:
        """持仓。"""
        self._check(account)
        return list(self._line.positions())

    def query_stock_position(self, account: Any, stock_code: str) -> PositionLike | None:
        """一只的持仓；没有为 None。"""
        code = arguments.security(stock_code).stock_code
        held = self.query_stock_positions(account)
        return next((each for each in held if each.stock_code == code), None)

    def __getattr__(self, name: str) -> Any:
        """信用、新股的查询，查询的异步写法；厂商有而终端没有的，调用时抛 `UnsupportedError`。"""
        what = _QUERIES.get(name)
        if what is not None:
            return partial(self._line.desk.query, what, name)
        plain = name.removesuffix("_async")
        if plain != name and plain.startswith("query_") and not plain.startswith(_MISSING):
            return partial(self._query_async, getattr(self, plain))
        if name.startswith(_MISSING):
            return partial(_refuse, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # ---- 内部

    def _check(self, account: Any) -> None:
        given = getattr(account, "account_id", account)
        if given != self._line.account_id:
            shown = masked(given) if isinstance(given, str) else given
            raise UsageError("account", shown, "这个交易口只管它连的账号：写 user.account")

    def _request(
        self, account: Any, terms: tuple[Any, ...], strategy_name: Any, order_remark: Any
    ) -> OrderRequest:
        self._check(account)
        stock_code, order_type, order_volume, price_type, price = terms
        target, tag = arguments.security(stock_code), tags.new_tag()
        remark = tags.tagged(tag, tags.check_remark(order_remark or ""))
        value = float(arguments.quantity(price, "price")) if price else 0.0
        return OrderRequest(
            target,
            arguments.whole("order_type", order_type),
            arguments.amount(order_volume),
            arguments.whole("price_type", price_type),
            value,
            tags.check_strategy_name(strategy_name or ""),
            remark,
            tag,
        )

    def _sent(self, request: OrderRequest, *, awaited: bool = False) -> Receipt[Any]:
        what = f"委托 {request.security.stock_code} {request.volume}"
        return self._depart(what, self._line.submit, request, request.tag, awaited)

    def _cancel(self, target: int | ContractNumber, *, awaited: bool = False) -> Receipt[Any]:
        return self._depart(f"撤单 {target}", self._line.cancel, target, "", awaited)

    def _cancelled(self, target: int | ContractNumber) -> int:
        return 0 if self._cancel(target, awaited=True).value() else -1

    def _depart(
        self,
        what: str,
        send: Callable[[Any, Receipt[Any]], None],
        target: Any,
        tag: str,
        awaited: bool,
    ) -> Receipt[Any]:
        receipt: Receipt[Any] = Receipt(what, self._line.timeout_s, awaited=awaited)
        receipt.build = _as_it_is

        def blame(error: BaseException) -> EasytraderError:
            if isinstance(error, _NOT_SENT):
                return error
            return OutcomeUnknownError(unknown_text(what, error), tag=tag)

        receipt.blame = blame
        send(target, receipt)
        return receipt

    def _query_async(self, query: Callable[..., Any], *args: Any) -> int:
        """厂商的写法：最后一个位置参数是回调。"""
        *given, callback = args
        if not callable(callback):
            raise UsageError("callback", callback, "应为函数，收查询的结果")
        seq = next(self._seqs)

        def run() -> None:
            try:
                found = query(*given)
            except EasytraderError as exc:
                self._log.warning("异步查询 {} 没有结果：{}", seq, exc)
                return
            try:
                callback(found)
            except Exception:  # noqa: BLE001  边界：用户的回调
                self._log.exception("异步查询的回调抛了异常")

        threading.Thread(target=run, name="easytrader-query", daemon=True).start()
        return seq


def _as_it_is(answer: Any) -> Any:
    return answer


def _contract(market: int | str, order_sysid: str) -> ContractNumber:
    number = arguments.contract_number(order_sysid)
    return ContractNumber(number, MARKET_CODES[arguments.market(market)])


def _refuse(name: str, *args: Any, **kwargs: Any) -> Any:
    raise unsupported(name, name)
