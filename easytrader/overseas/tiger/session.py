"""一次会话，与怎样开一次会话。老虎的接口是 HTTP 的一问一答，没有连接；推送没有用，引擎定时查。"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from loguru import logger

from easytrader.backend import records
from easytrader.basics.log import masked
from easytrader.basics.threads import AbandonedError, Aside
from easytrader.codes import OtherAccountType
from easytrader.errors import ConnectFailedError, QueryFailedError
from easytrader.link.line import LineSession
from easytrader.overseas.common_fills import Fills
from easytrader.overseas.common_securities import CURRENCIES
from easytrader.overseas.tiger import client, convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.days import DayBoundary

_T = TypeVar("_T")

_PAGE: Final = 300
"""一页最多这么多（老虎文档 ``get_orders``）。"""
_PAGES: Final = 20
_CACHE_LAG_S: Final = 3.0
"""刚收下的委托多久之后一定查得到，老虎没有说，取得宽些。"""
_SHARE: Final = 0.8
"""HTTP 的期限比我们的短一些：不让一个没有应答的占着线路。"""


class TigerSession(LineSession):
    """请求一个一个地发，先进先出。

    Args:
        kit: SDK。
        trade: ``TradeClient``。
        wanted: 连的是谁。
        day: 一天从何时算起。
        fills: 推出来的成交。
        listener: 断线报给谁。
        timeout_s: 每个调用的期限，秒。
    """

    account_type = OtherAccountType.OVERSEAS.name
    cache_lag_s = _CACHE_LAG_S

    def __init__(
        self,
        kit: client.Sdk,
        trade: Any,
        wanted: client.Wanted,
        day: DayBoundary,
        fills: Fills,
        listener: Listener,
        timeout_s: float,
    ) -> None:
        super().__init__(timeout_s, "easytrader-tiger")
        self.raw_trader, self.raw_account = trade, wanted.account
        self._kit = kit
        self._trade = trade
        self._wanted = wanted
        self._day = day
        self._fills = fills
        self._listener = listener

    # ---- 查询

    def asset(self) -> records.Asset:
        """资金，账户的基准货币。"""
        return self._ask("资金", self._fetch_asset)

    def positions(self) -> list[records.Position]:
        """持仓。"""
        rows = self._ask("持仓", self._trade.get_positions) or []
        return [convert.position(each, self._wanted.account) for each in rows if each.quantity]

    def orders(self) -> list[records.Order]:
        """当日委托。"""
        found = self._ask("当日委托", self._fetch_orders)
        return [convert.order(each, self._wanted.account) for each in found]

    def trades(self) -> list[records.Trade]:
        """当日成交，从委托推出来。"""
        found = self._ask("当日成交", self._fetch_orders)
        whose = self._wanted.account
        return self._fills.all(
            (convert.order(each, whose), convert.changed_at(each)) for each in found
        )

    def check(self) -> None:
        """问一次资金，不经过线路；SDK 抛什么原样抛出来。"""
        self._fetch_asset()

    def _fetch_asset(self) -> records.Asset:
        whose = self._wanted.account
        if self._wanted.is_global:
            accounts = self._trade.get_assets()
            if not accounts:
                raise QueryFailedError("老虎没有给资金")
            return convert.global_asset(accounts[0].summary, whose)
        portfolio = self._trade.get_prime_assets()
        segment = portfolio.segments.get("S") if portfolio is not None else None
        if segment is None:
            raise QueryFailedError("老虎没有给证券账户的资金；环球账户要 server='环球'")
        return convert.asset(segment, whose)

    def _fetch_orders(self) -> list[Any]:
        """当天的，一页一页地要；不是股票的也在里面。"""
        began = int(self._day.began(time.time()) * 1000)
        found: list[Any] = []
        token = ""
        for _ in range(_PAGES):
            page = self._trade.get_orders(start_time=began, limit=_PAGE, page_token=token)
            if page is None:
                raise QueryFailedError("老虎没有给委托")
            found += page.result
            token = page.next_page_token
            if not token:
                return found
        raise QueryFailedError(f"当日委托超过 {_PAGES * _PAGE} 笔")

    # ---- 下单

    def submit(self, request: records.OrderRequest, reply: Reply[records.SubmitAnswer]) -> None:
        """下单，当日有效；标记在 ``user_mark`` 里。"""
        self.send(reply, partial(self._place, request), request.tag)

    def cancel(self, target: Any, reply: Reply[Any]) -> None:
        """撤单。"""
        self.send(reply, partial(self._withdraw, str(target)))

    def _place(self, request: records.OrderRequest) -> records.SubmitAnswer:
        code, market = request.security.code, request.security.exchange
        contract = self._kit.contracts.stock_contract(code, CURRENCIES[market])
        action = "BUY" if request.side is records.Side.BUY else "SELL"
        terms = (self._wanted.account, contract, action, request.volume)
        if request.price:
            order = self._kit.orders.limit_order(*terms, float(request.price))
        else:
            order = self._kit.orders.market_order(*terms)
            order.outside_rth = False  # 市价委托不支持盘前盘后（老虎文档「下单交易」）
        order.user_mark = request.tag
        try:
            number = self._trade.place_order(order)
        except Exception as exc:  # noqa: BLE001  边界：SDK 抛什么都要分清
            found = self._trouble(exc)
            if found.refused:
                return records.SubmitAnswer("", found.told)
            raise client.blamed(found, submitting=True) from None
        if not number:
            raise client.blamed(client.Trouble("老虎收下了而没有给编号"), submitting=True)
        return records.SubmitAnswer(str(number))

    def _withdraw(self, number: str) -> records.CancelAnswer:
        if not number.isdecimal():
            return records.CancelAnswer(False, f"老虎的委托编号是数字，没有 {number}")
        try:
            self._trade.cancel_order(id=int(number))
        except Exception as exc:  # noqa: BLE001  边界，同上
            found = self._trouble(exc)
            if found.refused:
                return records.CancelAnswer(False, found.told)
            raise client.blamed(found, submitting=True) from None
        return records.CancelAnswer(True)

    # ---- 内部

    def _ask(self, what: str, work: Callable[[], _T]) -> _T:
        def asked() -> _T:
            try:
                return work()
            except QueryFailedError:
                raise
            except Exception as exc:  # noqa: BLE001  边界，同上
                raise client.blamed(self._trouble(exc), submitting=False) from None

        return self.ask(what, asked)

    def _trouble(self, error: Exception) -> client.Trouble:
        found = client.trouble(self._kit, error)
        if found.broken:
            self.later(self._listener.lost, self, found.told)
        return found


class TigerConnector:
    """怎样开一次会话：造一个客户端，问一次资金。

    Args:
        kit: SDK。
        wanted: 连的是谁。
        day: 一天从何时算起。
        timeout_s: 期限，秒。
    """

    session_id = 0

    def __init__(
        self, kit: client.Sdk, wanted: client.Wanted, day: DayBoundary, timeout_s: float
    ) -> None:
        self.timeout_s = timeout_s
        self._kit = kit
        self._wanted = wanted
        self._day = day
        self._fills = Fills()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()

    def open(self, listener: Listener, deadline: float) -> TigerSession:
        """开一次会话。"""
        if self._cancelled.is_set():
            raise ConnectFailedError("已经不要连了")
        making = Aside(partial(self._make, listener), "easytrader-tiger-open").start()
        try:
            session = making.result(max(0.0, deadline - time.monotonic()), self._cancelled.is_set)
        except AbandonedError:
            raise ConnectFailedError("老虎的网关到期没有应答；网络通不通？") from None
        whose = masked(self._wanted.account)
        logger.info("✓ 成功连接到老虎，账号: {}", whose)
        return session

    def _make(self, listener: Listener) -> TigerSession:
        """在一次性的线程上：SDK 的构造函数会联网，没有我们的期限。"""
        limit_s = self.timeout_s * _SHARE
        try:
            trade = client.make(self._kit, self._wanted, limit_s)
            session = TigerSession(
                self._kit, trade, self._wanted, self._day, self._fills, listener, self.timeout_s
            )
        except Exception as exc:  # noqa: BLE001  边界：SDK 抛什么都是没连上
            raise ConnectFailedError(
                f"没有连上老虎：{client.trouble(self._kit, exc).told}"
            ) from None
        try:
            session.check()
        except Exception as exc:  # noqa: BLE001  边界，同上
            session.close()
            told = str(exc) if isinstance(exc, QueryFailedError) else ""
            told = told or client.trouble(self._kit, exc).told
            raise ConnectFailedError(
                f"没有连上老虎：{told}；tiger_id、账号、私钥对不对，接口的权限开了没有？"
            ) from None
        return session
