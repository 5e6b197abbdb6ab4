"""`MiniqmtTrader`：把 MiniQMT 的会话、看护、分发接起来的交易口。"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.codes import AccountType
from easytrader.connection import Supervisor
from easytrader.delivery import DeliveryLedger
from easytrader.dispatch import Dispatcher
from easytrader.errors import ClosedError, UsageError
from easytrader.miniqmt import loader, preflight
from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback
from easytrader.miniqmt.session import QmtSession
from easytrader.miniqmt.session_ids import SessionIds, check_session_id
from easytrader.pace import ReconnectOptions
from easytrader.rows import OrderRows
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import ModuleType

    from easytrader.broker import Listener, Session
    from easytrader.miniqmt.loader import Vendor
    from easytrader.model import PushEvent

_CLOSE_S: Final = 5.0
_ORDER_EVENTS: Final = frozenset({"on_stock_order", "on_stock_trade"})


class MiniqmtTrader(Trader):
    """经券商 MiniQMT 客户端交易。用 ``easytrader.use('miniqmt')`` 得到。

    Args:
        debug: 是否记 DEBUG 日志。
        prepare: 导入厂商包之前要做的准备（模拟器用它补上缺的二进制）。
        trading_day: (路径, 时刻) → 是不是交易日，None 为不知道；不是交易日时重连放慢。
    """

    def __init__(
        self,
        debug: bool = False,
        *,
        prepare: Callable[[], None] | None = None,
        trading_day: Callable[[str, datetime], bool | None] | None = None,
    ) -> None:
        super().__init__(debug)
        self._prepare = prepare
        self._trading_day = trading_day
        self._callback: Any = None
        self._dispatcher: Dispatcher | None = None
        self._ledger = DeliveryLedger()
        self._primed = False
        self._exit_hook = False
        self._lifecycle = threading.RLock()
        self._path = ""

    def connect(
        self,
        miniqmt_path: str,
        stock_account: str,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        *,
        account_type: str = "STOCK",
        session_id: int | None = None,
        timeout: float = 10,
        wait: bool | float = False,
        heartbeat_interval: float = 30,
        xtquant: ModuleType | str | None = None,
    ) -> None:
        """连接 MiniQMT 客户端。已经连着时先断开旧的再连。

        Args:
            miniqmt_path: 客户端的 userdata_mini 文件夹。
            stock_account: 资金账号。
            trader_callback: 回调对象，默认 `DefaultXtQuantTraderCallback`。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            account_type: 账号类型：``STOCK``、``CREDIT`` 等（`codes.AccountType` 的名字）。
            session_id: 会话 id；默认从小池子里取，不必指定。
            timeout: 每个会阻塞的调用的期限，秒。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            xtquant: 与 ``xtquant`` 同形的模块或导入名，默认用装着的 ``xtquant``。

        Raises:
            UsageError: 参数不对（包括路径不存在），什么都没有做。
            MissingDependencyError: 没有装 xtquant，或没有本平台的二进制。
            ConnectFailedError: 没连上；信息里有可能的原因。不会留下后台重连。
            ClosedError: 这个 trader 已经关闭。
        """
        if self._closed:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
        wait_s = _wait_seconds(wait)
        options = ReconnectOptions(
            enabled=arguments.flag("reconnect_enabled", reconnect_enabled),
            interval_s=arguments.seconds("reconnect_interval", reconnect_interval),
            max_attempts=arguments.count("max_reconnect_attempts", max_reconnect_attempts),
            heartbeat_s=arguments.seconds(
                "heartbeat_interval", heartbeat_interval, allow_zero=True
            ),
            trading_day=self._is_trading_day if self._trading_day else None,
        )
        path = preflight.check_path(miniqmt_path)
        account_id = arguments.account(stock_account)
        callback = _check_callback(trader_callback, self._log.debug_on)
        fixed_id = None if session_id is None else check_session_id(session_id)
        kind = _check_account_type(account_type)
        timeout_s = arguments.seconds("timeout", timeout)
        if self._prepare is not None:
            self._prepare()
        vendor = loader.load(xtquant)
        connector = _Connector(self, vendor, path, (account_id, kind), fixed_id, timeout_s)
        self._say_settings(path, account_id, options)
        with self._lifecycle:
            if self._closed:
                raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
            self._replace(path, account_id, callback)
            supervisor = Supervisor(
                connector,
                options,
                resync=self._resync,
                deliver=self._deliver,
                log=self._log,
            )
            self._supervisor = supervisor
        try:
            supervisor.connect(wait_s)
        except BaseException:
            supervisor.close(_CLOSE_S)
            with self._lifecycle:
                if self._supervisor is supervisor:
                    self._forget()
            raise

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。最多几秒。"""
        self._closed = True
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.close(_CLOSE_S)
        self._note_change()
        with self._lifecycle:
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None and not dispatcher.close(_CLOSE_S):
            self._log.warning("有回调 {:g} 秒还没有返回，不再等它", _CLOSE_S)

    # ---- 内部

    def _say_settings(self, path: str, account_id: str, options: ReconnectOptions) -> None:
        log = self._log
        log.info("正在连接到 MiniQMT...")
        log.info("MiniQMT 路径: {}", path)
        log.info("资金账号: {}", account_id)
        log.info("自动重连: {}", "启用" if options.enabled else "禁用")
        if options.enabled:
            log.info("重连间隔: {:g} 秒", options.interval_s)
            log.info("最大重连次数: {}", options.max_attempts or "无限")

    def _replace(self, path: str, account_id: str, callback: Any) -> None:
        """换掉旧的连接；分发线程留用。"""
        old = self._supervisor
        if old is not None:
            self._log.info("断开旧的连接")
            old.close(_CLOSE_S)
        if (path, account_id) != (self._path, self._account_id):
            self._ledger, self._primed = DeliveryLedger(), False
            self._order_rows = OrderRows()
        self._path, self._account_id, self._callback = path, account_id, callback
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(self._log)
        if not self._exit_hook:
            self._exit_hook = True
            _close_at_exit(self)

    def _forget(self) -> None:
        """没连上：不留线程，状态回到「未连接」。"""
        self._supervisor = None
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            dispatcher.close(_CLOSE_S)

    def _is_trading_day(self, now: datetime) -> bool | None:
        assert self._trading_day is not None
        return self._trading_day(self._path, now)

    def _deliver(self, event: PushEvent) -> None:
        dispatcher = self._dispatcher
        if dispatcher is None:
            return
        if event.name == "register_callback":
            self._callback = event.args[0]
            return
        dispatcher.put(lambda: self._hand_over(event))
        if event.name in _ORDER_EVENTS:
            self._note_change()

    def _hand_over(self, event: PushEvent) -> None:
        """在分发线程上：去重后交给用户的回调。"""
        ledger = self._ledger
        if event.name == "on_stock_order" and not ledger.is_new_order_state(event.args[0]):
            return
        if event.name == "on_stock_trade" and not ledger.is_new_trade(event.args[0]):
            return
        method = getattr(self._callback, event.name, None)
        if method is not None:
            method(*event.args)

    def _resync(self, session: Session) -> None:
        """连上之后：资金 → 持仓 → 委托 → 成交，把断线期间错过的补交给回调。"""
        session.asset()
        session.positions()
        orders, trades = list(session.orders()), list(session.trades())
        dispatcher = self._dispatcher
        if dispatcher is None:
            raise ClosedError("这个 trader 已经关闭")
        if self._primed:
            dispatcher.put(lambda: self._catch_up(orders, trades))
        else:
            self._primed = True
            dispatcher.put(lambda: _prime(self._ledger, orders, trades))

    def _catch_up(self, orders: list[Any], trades: list[Any]) -> None:
        from easytrader.model import PushEvent

        for trade in trades:
            self._hand_over_safely(PushEvent("on_stock_trade", (trade,)))
        for order in orders:
            self._hand_over_safely(PushEvent("on_stock_order", (order,)))
        self._note_change()

    def _hand_over_safely(self, event: PushEvent) -> None:
        try:
            self._hand_over(event)
        except BaseException:  # noqa: BLE001  边界：一条回调出错不能吞掉后面补交的
            self._log.exception("回调出错，已跳过，后续回调照常")


class _Connector:
    """怎样开一次 MiniQMT 会话；实现 `broker.Connector`。"""

    def __init__(
        self,
        trader: MiniqmtTrader,
        vendor: Vendor,
        path: str,
        account: tuple[str, str],
        session_id: int | None,
        timeout_s: float,
    ) -> None:
        self._log = trader._log  # noqa: SLF001  同一模块
        self._vendor = vendor
        self._path = path
        self._account = account
        self.timeout_s = timeout_s
        self._ids = SessionIds(path, account[0], session_id)
        self._cancelled = threading.Event()
        self._opening: QmtSession | None = None

    def open(self, listener: Listener, deadline: float) -> QmtSession:
        """开一次会话。"""
        lease = self._ids.take(self._cancelled, deadline)
        session = QmtSession(
            self._vendor, self._path, self._account, lease, self.timeout_s, listener, self._log
        )
        self._opening = session
        if self._cancelled.is_set():
            session.abort()
        session.open(deadline)
        self._opening = None
        self._log.info("✓ 成功连接到 MiniQMT, 账号: {}", self._account[0])
        self._log.info("✓ 已订阅账户: {}", self._account[0])
        return session

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()
        opening = self._opening
        if opening is not None:
            opening.abort()


def _prime(ledger: DeliveryLedger, orders: list[Any], trades: list[Any]) -> None:
    """第一次连上：连接之前的委托、成交不算事件，只记下。"""
    for order in orders:
        ledger.is_new_order_state(order)
    for trade in trades:
        ledger.is_new_trade(trade)


def _wait_seconds(wait: object) -> float | None:
    if wait is False:
        return None
    if wait is True:
        return float("inf")
    try:
        return arguments.seconds("wait", wait)
    except UsageError as exc:
        form = f"应为 True（一直等）、False（只试一次），或秒数：{exc.expected}"
        raise UsageError("wait", wait, form) from None


def _check_callback(callback: Any, debug: bool) -> Any:
    if callback is None:
        return DefaultXtQuantTraderCallback(debug)
    if isinstance(callback, type):
        raise UsageError(
            "trader_callback", callback, "应为回调对象，不是类：加上括号，如 MyCallback()"
        )
    if not any(callable(getattr(callback, name, None)) for name in _CALLBACK_NAMES):
        raise UsageError(
            "trader_callback",
            callback,
            "应为带 on_stock_order 等方法的对象（XtQuantTraderCallback 的子类）",
        )
    return callback


_CALLBACK_NAMES: Final = tuple(
    name for name in vars(DefaultXtQuantTraderCallback) if name.startswith("on_")
)


def _check_account_type(value: object) -> str:
    name = value.upper() if isinstance(value, str) else ""
    if name not in AccountType.__members__:
        choices = "、".join(AccountType.__members__)
        raise UsageError("account_type", value, f"可用的账号类型：{choices}")
    return name


def _close_at_exit(trader: MiniqmtTrader) -> None:
    """解释器退出时干净地断开，让客户端早点放开会话 id；不延长 trader 的寿命。"""
    held = weakref.ref(trader)

    def close() -> None:
        alive = held()
        if alive is not None and not alive._closed:  # noqa: SLF001  同一模块
            with contextlib.suppress(OSError, RuntimeError):  # 正在退出，没有人能处理了
                alive.close()

    atexit.register(close)
    weakref.finalize(trader, atexit.unregister, close)
