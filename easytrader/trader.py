"""`Trader`：用户面对的动词与属性。只认 `broker.Session`，不知道后端是谁。"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments, rows, tags
from easytrader.board_rules import board_doubts
from easytrader.codes import CANCELLABLE_STATUSES, FINAL_STATUSES, OrderType, PriceType
from easytrader.connection import State
from easytrader.errors import (
    ClosedError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
    WaitTimeoutError,
)
from easytrader.log import Log, masked
from easytrader.model import OrderRequest
from easytrader.symbols import ambiguity

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from easytrader.broker import Session
    from easytrader.connection import Supervisor
    from easytrader.rows import Row
    from easytrader.symbols import Security

_WAIT_POLL_S: Final = 0.5
"""等委托时，即使没有推送也隔这么久查一次。"""

_CACHE_LAG_S: Final = 6.0
"""客户端的查询是缓存，刚下的委托最慢几秒后才查得到（厂商文档：无推送的柜台 1–6 秒）。"""

_REMEMBERED: Final = 1000
"""记住自己最近下的这么多笔：`wait` 时查不到是缓存慢，不是编号错。"""


class Trader:
    """一个账号的交易口。

    所有方法都可以在任意线程上调用，包括回调里；每个调用最多阻塞 ``timeout`` 秒（`wait` 自带期限）。

    会抛出的异常（见 `easytrader.errors`）：参数不对抛 `UsageError`，没有可用会话抛
    `NotConnectedError`，这两种什么都没有发出；查询没有应答抛 `QueryFailedError`，可以重试；
    下单、撤单发出后没有应答抛 `OutcomeUnknownError`，**不可重试**，先核对。
    """

    def __init__(self, debug: bool = False) -> None:
        self._log = Log(debug)
        self._supervisor: Supervisor | None = None
        self._account_id = ""
        self._closed = False
        self._order_rows = rows.OrderRows()
        self._submitted: deque[int] = deque(maxlen=_REMEMBERED)
        self._order_changed = threading.Condition()
        self._changes = 0

    # ---- 查询

    @property
    def balance(self) -> list[Row]:
        """资金，元：一个字典的列表。

        键：``total_asset market_value cash frozen_cash account_type account_id``。
        """
        return [rows.asset_row(self._session.asset())]

    @property
    def position(self) -> list[Row]:
        """持仓：每只证券一个字典，数量为股/份/张，价格为元。"""
        return [rows.position_row(each) for each in self._session.positions()]

    @property
    def today_entrusts(self) -> list[Row]:
        """当日委托：每笔一个字典，``order_status_name`` 是中文状态，``order_time`` 是 Unix 秒。"""
        return self._order_rows.rows(self._session.orders())

    @property
    def today_trades(self) -> list[Row]:
        """当日成交：每笔一个字典，``traded_time`` 是 Unix 秒，金额为元。"""
        return [rows.trade_row(each) for each in self._session.trades()]

    def entrust(self, entrust_no: int) -> Row | None:
        """一笔当日委托（与 `today_entrusts` 的行相同）；没有这个编号返回 None。"""
        return self._find(arguments.whole("entrust_no", entrust_no))

    def find_entrust(self, tag: str) -> Row | None:
        """按标记找当日委托：`OutcomeUnknownError.tag` 是哪笔，柜台有没有收到，一问便知。

        Returns:
            与 `today_entrusts` 相同的行；柜台没有这笔委托返回 None。
        """
        if not isinstance(tag, str) or not tag:
            raise UsageError("tag", tag, "应为 OutcomeUnknownError.tag")
        for order in self._session.orders():
            if rows.tag_of(order) == tag:
                return rows.order_row(order)
        return None

    # ---- 下单

    def buy(
        self,
        security: str,
        price: float,
        amount: int,
        *,
        strategy_name: str = "",
        remark: str = "",
        **ignored: Any,
    ) -> Row:
        """限价买入，等到客户端给出委托编号为止。

        Args:
            security: 证券代码：``600036``、``600036.SH``、``sh600036`` 等。
            price: 委托价，元。
            amount: 数量，股/份/张。
            strategy_name: 策略名，不超过 23 字节。
            remark: 备注，原样出现在 `today_entrusts` 的 ``order_remark``。
            **ignored: 旧代码传来的其他参数（如 ``entrust_prop``），接受而不用。

        Returns:
            ``{'entrust_no': int}``。有编号不等于已被交易所接受，见 ``order_status_name``。
            当场被拒绝时 ``{'entrust_no': -1, 'message': 原因}``。

        Raises:
            UsageError: 参数不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**，用 `find_entrust` 核对。
        """
        return self._limit(OrderType.BUY, security, price, amount, strategy_name, remark)

    def sell(
        self,
        security: str,
        price: float,
        amount: int,
        *,
        strategy_name: str = "",
        remark: str = "",
        **ignored: Any,
    ) -> Row:
        """限价卖出；参数、返回、异常同 `buy`。"""
        return self._limit(OrderType.SELL, security, price, amount, strategy_name, remark)

    def market_buy(
        self,
        security: str,
        amount: int,
        ttype: str | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        **ignored: Any,
    ) -> Row:
        """市价买入。

        Args:
            security: 证券代码。
            amount: 数量，股/份。
            ttype: 市价类型，默认 ``对手方最优价格委托``；各交易所可用的见文档，不对时错误里会列出。
            strategy_name: 策略名。
            remark: 备注。
            **ignored: 接受而不用。

        返回与异常同 `buy`。
        """
        return self._market(OrderType.BUY, security, amount, ttype, strategy_name, remark)

    def market_sell(
        self,
        security: str,
        amount: int,
        ttype: str | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        **ignored: Any,
    ) -> Row:
        """市价卖出；参数、返回、异常同 `market_buy`。"""
        return self._market(OrderType.SELL, security, amount, ttype, strategy_name, remark)

    # ---- 撤单、等待

    def cancel_entrust(self, entrust_no: int) -> Row:
        """撤单。

        Args:
            entrust_no: `buy` 等返回的委托编号。

        Returns:
            ``{'success': True, 'message': 'success'}``：撤单已收下，撤没撤成看委托状态；
            ``{'success': False, 'message': 'failed'}``：当场被拒，原因在日志里。

        Raises:
            UsageError: 编号不对，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答。
        """
        number = arguments.whole("entrust_no", entrust_no)
        done = self._session.cancel(number)
        self._log.debug("撤单 {}：{}", number, "已收下" if done else "被拒绝")
        return {"success": done, "message": "success" if done else "failed"}

    def cancel_all(self) -> list[Row]:
        """撤掉当日所有可撤的委托。

        Returns:
            每笔一个 ``{'entrust_no': int, 'success': bool, 'message': str}``；没有可撤的为空。
            某一笔没有应答时其余照常撤，那一笔 ``success`` 为 False，``message`` 说明结果未知。
            有一笔没有应答之后，其余的一共最多再等 ``timeout`` 秒，来不及的不发，``message`` 说明。
        """
        session = self._session
        numbers = [o.order_id for o in session.orders() if o.order_status in CANCELLABLE_STATUSES]
        results = []
        deadline: float | None = None
        for number in numbers:
            if deadline is not None and time.monotonic() >= deadline:
                result: Row = {"success": False, "message": "没有发出：客户端没有应答，时间用完了"}
            else:
                try:
                    with session.until(deadline):
                        result = self.cancel_entrust(number)
                except (OutcomeUnknownError, NotConnectedError) as exc:
                    result = {"success": False, "message": str(exc)}
                    deadline = deadline or time.monotonic() + session.timeout_s
            results.append({"entrust_no": number, **result})
        return results

    def wait(self, entrust_no: int, timeout: float = 30.0) -> Row:
        """等到委托到终态（已成、已撤、部撤、废单），返回它的行。

        Args:
            entrust_no: 委托编号。
            timeout: 最多等多少秒。

        Raises:
            UsageError: 参数不对，或当日没有这个编号。
            WaitTimeoutError: 到期仍未到终态；``row`` 是到期时的样子。
            NotConnectedError: 到期时还断着线（断线期间会等着重连）。
            QueryFailedError: 到期时客户端没有应答。
        """
        number = arguments.whole("entrust_no", entrust_no)
        began = time.monotonic()
        deadline = began + arguments.seconds("timeout", timeout, allow_zero=True)
        patience = began + _CACHE_LAG_S if number in self._submitted else began
        row: Row | None = None
        while True:
            seen = self._changes
            try:
                row = self._find(number, max(deadline, time.monotonic() + 0.05))
            except (NotConnectedError, QueryFailedError):
                if time.monotonic() >= deadline:
                    raise
            else:
                if row is None and time.monotonic() >= patience:
                    raise UsageError("entrust_no", entrust_no, "当日没有这个委托编号")
                if row is not None and row["order_status"] in FINAL_STATUSES:
                    return row
            left = deadline - time.monotonic()
            if left <= 0:
                status = row["order_status_name"] if row else "未知"
                told = f"等了 {timeout:g} 秒，委托 {number} 还是「{status}」"
                raise WaitTimeoutError(told, row)
            with self._order_changed:
                if seen == self._changes:
                    self._order_changed.wait(min(left, _WAIT_POLL_S))

    # ---- 后端的对象

    @property
    def trader(self) -> Any:
        """后端的原始交易对象（厂商的 ``XtQuantTrader``）。经它的同步调用同样有期限。

        重连之后是新的对象，所以不要长期持有，用时再取。
        """
        return self._session.raw_trader

    @property
    def account(self) -> Any:
        """后端的账号对象（厂商的 ``StockAccount``）。"""
        return self._session.raw_account

    # ---- 生命周期

    @property
    def state(self) -> str:
        """连接状态：``未连接 连接中 已连接 已断开 已关闭``。"""
        if self._closed:
            return State.CLOSED.value
        return (State.IDLE if self._supervisor is None else self._supervisor.state).value

    def stop_reconnect(self) -> None:
        """停止自动重连；现有连接不受影响。没有连接过也可以调用。"""
        if self._supervisor is not None:
            self._supervisor.stop_reconnect()
            self._log.info("已停止自动重连")

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。"""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        account = f" 账号 {masked(self._account_id)}" if self._account_id else ""
        return f"<{type(self).__name__} {self.state}{account}>"

    # ---- 内部

    @property
    def _session(self) -> Session:
        supervisor = self._supervisor
        if self._closed:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
        if supervisor is None:
            raise NotConnectedError("还没有连接：先调用 connect()")
        return supervisor.session

    def _find(self, number: int, deadline: float | None = None) -> Row | None:
        session = self._session
        with session.until(deadline):
            order = session.order(number)
        return None if order is None else rows.order_row(order)

    def _note_change(self) -> None:
        """有委托或成交的推送：叫醒正在 `wait` 的线程。"""
        with self._order_changed:
            self._changes += 1
            self._order_changed.notify_all()

    def _limit(
        self, side: int, security: object, price: object, amount: object, name: str, remark: str
    ) -> Row:
        target = arguments.security(security)
        limit = arguments.price(price)
        return self._submit(side, security, target, PriceType.FIX, limit, amount, name, remark)

    def _market(
        self, side: int, security: object, amount: object, ttype: object, name: str, remark: str
    ) -> Row:
        target = arguments.security(security)
        kind = arguments.market_type(ttype, target)
        return self._submit(side, security, target, kind, 0.0, amount, name, remark)

    def _submit(
        self,
        side: int,
        given: object,
        target: Security,
        price_type: int,
        price: float,
        amount: object,
        name: str,
        remark: str,
    ) -> Row:
        volume = arguments.amount(amount)
        name = tags.check_strategy_name(name) if name else ""
        remark = tags.check_remark(remark) if remark else ""
        session = self._session
        for doubt in board_doubts(side, target, price, volume):
            self._log.warning(doubt)
        if self._log.debug_on and (note := ambiguity(str(given), target)):
            self._log.debug(note)
        tag = tags.new_tag()
        answer = session.submit(
            OrderRequest(
                target, side, volume, price_type, price, name, tags.tagged(tag, remark), tag
            )
        )
        if answer.order_id > 0:
            self._submitted.append(answer.order_id)
            return {"entrust_no": answer.order_id}
        message = answer.message or "客户端当场拒绝，没有说明原因（价格超出涨跌停、报价类型不对等）"
        self._log.warning("委托被拒绝 {} {}：{}", target.stock_code, volume, message)
        return {"entrust_no": -1, "message": message}
