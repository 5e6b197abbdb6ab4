"""一次会话：一个 ``XtQuantTrader`` 的一生，在它自己的线程上构造、连接、订阅、停止。

厂商的构造函数会换掉当前线程的 asyncio 事件循环，``stop()`` 会等它的执行器，
所以都放在这个线程上；笔记本的事件循环和用户的线程都碰不到。
"""

from __future__ import annotations

import itertools
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.arguments import check_kinds
from easytrader.backend.records import (
    Answered,
    CallbackReplaced,
    ContractNumber,
    OrderRequest,
    SubmitAnswer,
)
from easytrader.basics import waits
from easytrader.basics.log import masked
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    MissingDependencyError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.miniqmt.callback import Relay, Silent
from easytrader.miniqmt.diagnose.account_check import check_account
from easytrader.miniqmt.diagnose.preflight import failure_text
from easytrader.miniqmt.pending import Pending
from easytrader.miniqmt.quotes import last_price, names, quotes
from easytrader.miniqmt.vendor.bounded import Replies, bounded_class, no_answer
from easytrader.miniqmt.vendor.versions import missing_text
from easytrader.orders.receipt import Receipt, unknown_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from easytrader.backend.records import AssetLike, OrderLike, PositionLike, Quote, TradeLike
    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.log import Log
    from easytrader.link.heartbeat import Vitals
    from easytrader.miniqmt.pending import Strays
    from easytrader.miniqmt.session_ids import Lease
    from easytrader.miniqmt.vendor.loader import Vendor
    from easytrader.types import Outcome

_T = TypeVar("_T")

_ORDERED: Final = "order_response"
_CANCELLED: Final = "cancel_response"

_MAX_PENDING: Final = 400
"""厂商的上行队列只有 512 格，写满时厂商会死等；没有应答的请求到了这个数，异步的就不再发。"""

_CACHE_LAG_S: Final = 6.0
"""没有推送的柜台，客户端的缓存最慢 6 秒刷新一次（厂商文档：1–6 秒）。"""

_STOP_S: Final = 3.0
"""收尾最多等这么久；厂商的 stop() 卡住就把那个线程丢下（守护线程）。"""
_STUCK_S: Final = 15.0
"""过了这么久 stop() 还没有回来，会话 id 也不再为它占着。"""


class QmtSession:
    """见模块说明；实现 `backend.session.Session`。会话结束时归还 ``lease``。"""

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
        self._replies.others = self.pending.waiting
        self._trader: Any = None
        self._account: Any = None
        # 同形模块的异步请求没有厂商的序号，自己数
        self._own_seq = itertools.count(1)
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
            if deadline <= began:
                told = "还没有开始连，期限就用完了：机器太忙，或 timeout 太短"
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

    def assets(self) -> list[AssetLike]:
        """资金，只有一种货币。"""
        return [self.asset()]

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

    def names(self) -> dict[str, str]:
        """代码 → 名称，不要改它；还没有取完的是已经取到的那些。"""
        return names(self._trader, self._vendor)

    @property
    def cache_lag_s(self) -> float:
        """刚下的委托最慢几秒后查得到；模拟的客户端没有缓存，知道自己要多久。"""
        client = getattr(self._trader, "async_client", None)
        return float(getattr(client, "cache_lag_s", _CACHE_LAG_S))

    def submit(self, request: OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单。"""
        terms = (
            self._account,
            request.security.stock_code,
            int(request.order_type),
            request.volume,
            int(request.price_type),
            request.price,
            request.strategy_name,
            request.remark,
        )
        self._start(reply, self._trader.order_stock, terms, _order_answer, request)

    def cancel(self, target: int | ContractNumber, reply: Reply[bool]) -> None:
        """撤单。"""

        def read(response: Any) -> bool:
            result = getattr(response, "cancel_result", response)
            if result != 0 and (why := _message(response)):
                self._log.warning("撤单 {} 被拒绝：{}", target, why)
            return bool(result == 0)

        terms: tuple[Any, ...]
        if isinstance(target, ContractNumber):
            # 市场送整数：字符串的市场是后来的版本才认的
            method = self._method("cancel_order_stock_sysid")
            terms = (self._account, target.market, target.order_sysid)
        else:
            method, terms = self._trader.cancel_order_stock, (self._account, target)
        self._start(reply, method, terms, read, target)

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

    def _call(self, method: Callable[..., _T], *args: Any) -> _T:
        """厂商的同步方法，有期限。同形模块没有可以加期限的地方：放到一次性的线程上，到期就丢下它。"""
        self._check_connected()
        if self._bounded:
            return method(*args)
        name = getattr(method, "__name__", "请求")
        limit_s, began = self.timeout_s, time.monotonic()
        try:
            found = call_aside(lambda: method(*args), limit_s, stop=lambda: self.is_lost)
        except AbandonedError:
            if not self._lost_reason:
                self._vitals.expired()
            raise no_answer(name, self._lost_reason or f"{limit_s:.3g} 秒内没有应答") from None
        self._vitals.answered(name, time.monotonic() - began)
        return found

    def _start(
        self,
        reply: Reply[Any],
        method: Callable[..., Any],
        args: tuple[Any, ...],
        read: Callable[[Any], Any],
        request: OrderRequest | int | ContractNumber,
    ) -> None:
        """只发不等；异步的来了应答另推一个事件，与厂商的异步接口一样。"""
        heard = None if reply.quiet else partial(self._heard, request)
        if self._bounded:
            send: Callable[[], Any] = partial(method, *args)
        else:
            self._check_connected()
            send = partial(self._send_aside, reply, method, args, request)
        self._replies.start(reply, send, read, heard)

    def _send_aside(
        self,
        reply: Reply[Any],
        method: Callable[..., Any],
        args: tuple[Any, ...],
        request: OrderRequest | int | ContractNumber,
    ) -> None:
        """同形模块没有可以只发不等的地方：在一次性的线程上等它。"""
        name, seq = getattr(method, "__name__", "请求"), next(self._own_seq)
        thread = self._replies.aside(reply, name, seq, partial(method, *args))
        if isinstance(request, OrderRequest):
            self._strays.add(request.tag, thread)  # 它回来之前，查不到这笔委托不说明什么
        thread.start()

    def _heard(self, request: OrderRequest | int | ContractNumber, seq: int, value: Any) -> None:
        if not self._bounded:
            value = self._response(seq, request, value)
        event = _ORDERED if isinstance(request, OrderRequest) else _CANCELLED
        self._listener.pushed(self, Answered(event, value))

    def _response(
        self, seq: int, request: OrderRequest | int | ContractNumber, value: Any
    ) -> SimpleNamespace:
        """同形模块的同步方法只给编号：补成应答的样子。"""
        found = SimpleNamespace(account_id=self._account_id, seq=seq, error_msg="")
        if isinstance(request, ContractNumber):
            found.cancel_result, found.order_id = value, 0
            found.order_sysid = request.order_sysid
        elif isinstance(request, int):
            found.cancel_result, found.order_id, found.order_sysid = value, request, ""
        else:
            found.order_id, found.order_remark = value, request.remark
            found.strategy_name = request.strategy_name
        return found

    # ---- 给动词的：厂商的任何方法，分「查」「办」「异步办」三种说法报错

    @property
    def account(self) -> Any:
        """厂商的账号对象，作厂商方法的第一个参数。"""
        return self._account

    @property
    def account_type(self) -> str:
        """账号类型的名字，如 ``STOCK``。"""
        return self._account_type

    @property
    def account_id(self) -> str:
        """资金账号。"""
        return self._account_id

    def need(self, verb: str, *kinds: str) -> None:
        """这个动词只有这几种账号能用。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
        """
        check_kinds(verb, self._account_type, kinds)

    def query(self, what: str, name: str, *args: Any) -> Any:
        """查：厂商的方法 ``name``，没有得到可信的回答一律 `QueryFailedError`。

        Args:
            what: 中文，说给人听的，如 ``银行信息``。
            name: 厂商的方法名。
            *args: 原样交给厂商。
        """
        method = self._method(name)

        def asked(*given: Any) -> Any:
            answer = method(*given)
            # 模拟柜台的失败要到看内容时才说
            return list(answer) if isinstance(answer, list) else answer

        found = self._ask(what, asked, *args)
        if not found:
            self._still_alive()
        return found

    def act(self, what: str, name: str, *args: Any) -> Any:
        """办：会改变东西的同步方法，只发一次；没有应答、厂商抛异常都是 `OutcomeUnknownError`。"""
        method = self._method(name)
        try:
            return self._call(method, *args)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise OutcomeUnknownError(unknown_text(what, exc)) from exc

    def confirm(self, what: str, name: str, *args: Any) -> Outcome:
        """办，厂商答 ``(成没成, 说明)`` 的那一类 → ``{'success': bool, 'message': str}``。"""
        answer = self.act(what, name, *args)
        try:
            success, message = answer
        except (TypeError, ValueError):
            raise OutcomeUnknownError(
                f"{what}：厂商返回 {answer!r}，结果未知，不要重发，请先核对"
            ) from None
        if not success and not message and self._lost_reason:
            # 没连着的时候厂商答空的失败：到底发没发出说不准
            raise OutcomeUnknownError(f"{what} 的时候断线了（{self._lost_reason}），结果未知")
        return {"success": bool(success), "message": str(message or "")}

    def start(self, what: str, build: Callable[[Any], _T], name: str, *args: Any) -> Receipt[_T]:
        """异步办：发出去，返回回执。``build`` 把厂商的应答变成字典。"""
        self._check_connected()
        if self._replies.unanswered >= _MAX_PENDING:
            raise NotConnectedError(
                f"已有 {self._replies.unanswered} 个请求没有应答，疑似僵死；什么都没有发出"
            )
        receipt: Receipt[_T] = Receipt(what, self.timeout_s)
        receipt.build = build
        seq = self.act(what, name, *args)
        if not isinstance(seq, int) or isinstance(seq, bool) or seq <= 0:
            raise OutcomeUnknownError(
                f"{what}：厂商返回的序号是 {seq!r}，没有应答可等，结果未知，请先核对"
            )
        receipt.depart(seq)
        self.pending.add(receipt)
        return receipt

    def _method(self, name: str) -> Callable[..., Any]:
        method = getattr(self._trader, name, None)
        if method is None:
            self._check_connected()
            raise MissingDependencyError(missing_text(name, self._vendor.plug))
        return method  # type: ignore[no-any-return]


def _order_answer(response: Any) -> SubmitAnswer:
    """编号 0 是厂商 ``set_timeout`` 到期的假应答：结果未知。"""
    number = getattr(response, "order_id", response)
    if not isinstance(number, int) or number == 0:
        raise OutcomeUnknownError(f"厂商返回的委托编号是 {number!r}")
    return SubmitAnswer(number, "" if number > 0 else _message(response))


def _message(response: Any) -> str:
    try:
        return str(getattr(response, "error_msg", "") or "")
    except UnicodeDecodeError:
        return ""


def _stop(trader: Any) -> None:
    """停掉，再关上它的事件循环。"""
    try:
        trader.stop()
    finally:
        loop = getattr(trader, "loop", None)
        if loop is not None and not loop.is_running():
            loop.close()
