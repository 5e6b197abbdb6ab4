"""一次会话：一个 ``XtQuantTrader`` 的一生，在它自己的线程上构造、连接、订阅、停止。

厂商的构造函数会换掉当前线程的 asyncio 事件循环，``stop()`` 会等它的执行器，
所以都放在这个线程上；笔记本的事件循环和用户的线程都碰不到。
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.basics import waits
from easytrader.basics.threads import AbandonedError, Aside, call_aside
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.log import masked
from easytrader.miniqmt.account_check import check_account
from easytrader.miniqmt.bounded import Replies, bounded_class
from easytrader.miniqmt.pending import Pending
from easytrader.miniqmt.preflight import failure_text
from easytrader.miniqmt.quotes import last_price, quotes
from easytrader.miniqmt.relay import Relay, Silent
from easytrader.miniqmt.session_orders import SessionOrders
from easytrader.model import CallbackReplaced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from easytrader.broker import Listener
    from easytrader.log import Log
    from easytrader.miniqmt.aside import Strays
    from easytrader.miniqmt.loader import Vendor
    from easytrader.miniqmt.session_ids import Lease
    from easytrader.model import AssetLike, OrderLike, PositionLike, Quote, TradeLike
    from easytrader.vitals import Vitals

_T = TypeVar("_T")

_CACHE_LAG_S: Final = 6.0
"""没有推送的柜台，客户端的缓存最慢 6 秒刷新一次（厂商文档：1–6 秒）。"""

_STOP_S: Final = 3.0
"""收尾最多等这么久；厂商的 stop() 卡住就把那个线程丢下（守护线程）。"""
_STUCK_S: Final = 15.0
"""过了这么久 stop() 还没有回来，会话 id 也不再为它占着。"""


class QmtSession(SessionOrders):
    """见模块说明；实现 `broker.Session`。

    Args:
        vendor: 厂商包。
        path: userdata_mini 的绝对路径。
        account: (资金账号, 账号类型名)。
        lease: 会话 id；会话结束时归还。
        timeout_s: 每个调用的期限，秒。
        listener: 推送与断线交给谁。
        log: 日志口。
        vitals: 脉搏。
        strays: 丢下的下单线程。
    """

    def __init__(
        self,
        vendor: Vendor,
        path: str,
        account: tuple[str, str],
        lease: Lease,
        timeout_s: float,
        listener: Listener,
        log: Log,
        vitals: Vitals,
        strays: Strays,
    ) -> None:
        self._vendor = vendor
        self._path = path
        self._account_id, self._account_type = account
        self._lease = lease
        self._timeout_s = timeout_s
        self._listener = listener
        self._log = log
        self._vitals = vitals
        self._strays = strays
        self._replies = Replies(timeout_s, self._on_late, vitals)
        self.pending = Pending()
        self._replies.others = self.pending.__len__
        self._trader: Any = None
        self._account: Any = None
        self._bounded = False
        self._ready = threading.Event()
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._lost_reason = ""
        self._deadline = 0.0
        self._thread = threading.Thread(
            target=self._live, name=f"easytrader-session-{lease.session_id}", daemon=True
        )

    def open(self, deadline: float) -> None:
        """连接并订阅，最晚到 ``deadline``（``time.monotonic``）。

        Raises:
            ConnectFailedError: 没连上；收尾已经开始。
        """
        began = time.monotonic()
        self._deadline = deadline
        try:
            self._thread.start()
        except BaseException as exc:
            if self._thread.ident is None:  # 没有起来的线程不会归还
                self._lease.release()
            if isinstance(exc, RuntimeError):
                raise ConnectFailedError(f"系统开不出新线程，没有连接：{exc}") from exc
            raise
        if not waits.event(self._ready, deadline - time.monotonic()):
            self.lose("连接超时")
            told = f"{deadline - began:.3g} 秒内没有结果，已放弃；客户端没有运行，或已经僵死"
            raise ConnectFailedError(failure_text(self._path, self._lease, None, told))
        if self._failure is not None:
            self.lose(str(self._failure))
            if isinstance(self._failure, EasytraderError):
                raise self._failure
            raise ConnectFailedError(f"厂商接口在连接时出错：{self._failure!r}") from self._failure

    def abort(self) -> None:
        """让正在进行的 `open` 立刻失败；会话线程从厂商的调用里出来后自己收尾。"""
        self._failure = self._failure or ClosedError("这个 trader 已经关闭")
        self._ending.set()
        self._ready.set()

    @property
    def is_lost(self) -> bool:
        """已经断了。"""
        return bool(self._lost_reason)

    def lose(self, reason: str) -> None:
        """断了：等着的调用全部失败，会话线程自己去收尾。不阻塞。"""
        self._lost_reason = self._lost_reason or reason
        self._replies.lose(reason)
        self.pending.lose(reason)
        self._ending.set()

    def close(self, limit_s: float = _STOP_S) -> None:
        """收尾，最多等 ``limit_s`` 秒；可重复调用。"""
        self.lose("会话已关闭")
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(min(limit_s, _STOP_S))
            if self._thread.is_alive():
                self._log.debug("会话 {} 的收尾还没完，留给后台", self._lease.session_id)

    def _live(self) -> None:
        try:
            self._connect()
        except BaseException as exc:  # noqa: BLE001  边界：厂商代码抛什么都要变成连接失败
            self._failure = self._failure or exc
            self._ending.set()
        self._ready.set()
        self._ending.wait()
        stuck = False
        try:
            stuck = not self._tear_down()
        finally:
            self._lease.release(stuck=stuck)

    def _connect(self) -> None:
        session_id = self._lease.session_id
        self._log.info("创建 XtQuantTrader 实例，会话ID: {}", session_id)
        kind = bounded_class(self._vendor.trader_class)
        self._bounded = kind is not self._vendor.trader_class
        account = self._vendor.account_class(self._account_id, self._account_type)
        trader = kind(self._path, session_id)
        self._trader, self._account = trader, account
        if self._bounded:
            trader._easytrader_replies = self._replies  # noqa: SLF001  自己的子类
        trader.register_callback(Relay(self, self._listener))
        if self._bounded:
            trader._easytrader_on_register = self._on_register  # noqa: SLF001
        trader.start()
        self._log.info("正在尝试连接...")
        code = trader.connect()
        if code != 0:
            # 模拟 MiniQMT 说得出原因，真的说不出
            told = getattr(getattr(trader, "async_client", None), "connect_failure", "")
            raise ConnectFailedError(failure_text(self._path, self._lease, code, told), code)
        check_account(self, self._call, (self._account_id, self._account_type), self._deadline)
        with self.until(self._deadline):
            subscribed = self._call(trader.subscribe, account)
        # 很老的版本返回 True/False
        if subscribed not in (0, True) or subscribed is False:
            raise ConnectFailedError(
                f"连上了 MiniQMT，但订阅账号失败（subscribe 返回 {subscribed}）："
                f"资金账号 {masked(self._account_id)} 没有在这个客户端登录，"
                f"或账号类型不是 {self._account_type}",
                subscribed,
            )

    def _tear_down(self) -> bool:
        """停掉厂商的对象；它的 ``stop()`` 卡住了为假。"""
        trader = self._trader
        if trader is None:
            return True
        if self._bounded:
            trader._easytrader_on_register = None  # noqa: SLF001
        trader.register_callback(Silent())
        try:
            call_aside(lambda: _stop(trader), _STUCK_S, name="easytrader-stop")
        except AbandonedError:
            self._log.warning("厂商接口的 stop() {:g} 秒还没有回来，不再等它", _STUCK_S)
            return False
        except Exception as exc:  # noqa: BLE001  边界：旧会话怎么收尾都不能影响新会话
            self._log.debug("停止旧会话时厂商接口报错：{!r}", exc)
        return True

    def _on_register(self, callback: object) -> None:
        self._listener.pushed(self, CallbackReplaced(callback))

    def _on_late(self, name: str, answer: Any) -> None:
        number = getattr(answer, "order_id", None)
        self._log.warning("迟到的应答：{} {}", name, f"委托编号 {number}" if number else "")

    # ---- broker.Session

    @property
    def raw_trader(self) -> Any:
        """厂商的 ``XtQuantTrader``（加了期限的子类）。"""
        return self._trader

    @property
    def raw_account(self) -> Any:
        """厂商的 ``StockAccount``。"""
        return self._account

    @property
    def timeout_s(self) -> float:
        """此刻在本线程上每个调用的期限，秒。"""
        return self._replies.timeout_s

    def until(self, deadline: float | None) -> AbstractContextManager[None]:
        """这一段里、本线程上的调用最晚到 ``deadline``（``time.monotonic``）。"""
        return self._replies.until(deadline)

    def asset(self) -> AssetLike:
        """资金。"""
        found: AssetLike | None = self._ask("资金", self._trader.query_stock_asset, self._account)
        if found is None:
            raise QueryFailedError(
                f"查询资金没有结果：账号类型不是 {self._account_type}、没有登录，或客户端没有应答"
            )
        return found

    def positions(self) -> Sequence[PositionLike]:
        """持仓。"""
        return self._rows("持仓", self._trader.query_stock_positions)

    def orders(self) -> Sequence[OrderLike]:
        """当日委托。"""
        return self._rows("当日委托", self._trader.query_stock_orders)

    def order(self, order_id: int) -> OrderLike | None:
        """一笔当日委托。"""
        found: OrderLike | None = self._ask(
            "委托", self._trader.query_stock_order, self._account, order_id
        )
        if found is None:
            self._still_alive()
        return found

    def trades(self) -> Sequence[TradeLike]:
        """当日成交。"""
        return self._rows("当日成交", self._trader.query_stock_trades)

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元；拿不到为 None。"""
        self._check_connected()
        return last_price(self._trader, stock_code, self.timeout_s, self._vendor)

    def quotes(self, stock_codes: list[str]) -> Sequence[Quote]:
        """一批证券此刻的行情。"""
        self._check_connected()
        return quotes(self._trader, stock_codes, self.timeout_s, self._vendor)

    @property
    def cache_lag_s(self) -> float:
        """刚下的委托最慢几秒后查得到；模拟的客户端没有缓存，知道自己要多久。"""
        client = getattr(self._trader, "async_client", None)
        return float(getattr(client, "cache_lag_s", _CACHE_LAG_S))

    def still_sending(self, tag: str) -> bool:
        """放弃等待的委托是不是还在一次性的线程上没有回来。"""
        return self._strays.holds(tag)

    def _rows(self, what: str, query: Callable[[Any], Sequence[_T] | None]) -> Sequence[_T]:
        def rows(account: Any) -> list[_T]:
            answer = query(account)
            if answer is None:
                raise QueryFailedError(f"查询{what}没有应答（厂商返回 None）")
            return list(answer)  # 模拟柜台的失败要到看内容时才说

        found = self._ask(what, rows, self._account)
        if not found:
            self._still_alive()
        return found

    def _ask(self, what: str, query: Callable[..., _T], *args: Any) -> _T:
        """查询：厂商抛的任何异常都是「没有得到回答」。"""
        try:
            return self._call(query, *args)
        except (NotConnectedError, ClosedError, QueryFailedError):
            raise
        except EasytraderError as exc:
            raise QueryFailedError(f"查询{what}失败：{exc}") from exc
        except Exception as exc:
            raise QueryFailedError(f"查询{what}时厂商接口出错：{exc!r}") from exc

    def _still_alive(self) -> None:
        """厂商对「没有」和「没连着」都答空：空的只有在会话还活着时才可信。"""
        if self._lost_reason:
            raise QueryFailedError(f"查询时连接断开（{self._lost_reason}），空结果不可信")

    def _check_connected(self) -> None:
        if self._lost_reason:
            raise NotConnectedError(f"会话已断开（{self._lost_reason}），什么都没有发出")

    def _call(self, method: Callable[..., _T], *args: Any, tag: str = "") -> _T:
        self._check_connected()
        if self._bounded:
            return method(*args)
        return self._call_aside(method, args, tag)

    def _call_aside(self, method: Callable[..., _T], args: tuple[Any, ...], tag: str) -> _T:
        """同形模块没有可以加期限的地方：放到一次性的线程上，到期就丢下它。"""
        name = getattr(method, "__name__", "请求")
        limit_s, began = self.timeout_s, time.monotonic()
        aside = Aside(lambda: method(*args))
        try:
            found = aside.start().result(limit_s, lambda: self.is_lost)
        except AbandonedError:
            if tag:
                self._strays.add(tag, aside.thread)
            if not self._lost_reason:
                self._vitals.expired()
            raise self._unanswered(name, limit_s) from None
        self._vitals.answered(name, time.monotonic() - began)
        return found

    def _unanswered(self, name: str, limit_s: float) -> EasytraderError:
        reason = self._lost_reason or f"{limit_s:.3g} 秒内没有应答"
        if name.startswith(("query", "subscribe", "unsubscribe")):
            return QueryFailedError(f"{name} 没有应答：{reason}")
        return OutcomeUnknownError(f"{name} 已发出而没有应答（{reason}），结果未知，不要重发")


def _stop(trader: Any) -> None:
    """停掉，再关上它的事件循环。"""
    try:
        trader.stop()
    finally:
        loop = getattr(trader, "loop", None)
        if loop is not None and not loop.is_running():
            loop.close()
