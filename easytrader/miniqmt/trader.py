"""`MiniqmtTrader`：把 MiniQMT 的会话、看护、分发接起来的交易口。"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from easytrader import arguments, places, rows
from easytrader.connection import Supervisor
from easytrader.delivery import Courier
from easytrader.errors import FORKED, ClosedError, NotConnectedError
from easytrader.log import masked
from easytrader.miniqmt import groups, loader, preflight, settings
from easytrader.miniqmt.aside import Strays
from easytrader.miniqmt.connector import QmtConnector
from easytrader.miniqmt.groups.ipo import exchange_today
from easytrader.miniqmt.session_ids import check_session_id
from easytrader.once import Once
from easytrader.pace import ReconnectOptions
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import ModuleType

    from easytrader.broker import Session
    from easytrader.guard import Guard, Meter
    from easytrader.miniqmt.requests import Requests
    from easytrader.model import OrderLike, PushEvent
    from easytrader.types import AccountTypeName, Status

_Group = TypeVar("_Group", bound=groups.Group)

_CLOSE_S: Final = 5.0
METER_FILE: Final = "meter.sqlite"
_ORDER_EVENTS: Final = frozenset({"on_stock_order", "on_stock_trade", "on_order_error"})


class MiniqmtTrader(Trader):
    """经券商 MiniQMT 客户端交易。用 ``easytrader.use('miniqmt')`` 得到。

    Args:
        debug: 是否记 DEBUG 日志。
        prepare: 导入厂商包之前要做的准备（模拟器用它补上缺的二进制）。
        trading_day: (路径, 时刻) → 是不是交易日，None 为不知道；不是交易日时重连放慢。
        folder_of: (路径, 账号) → 委托记录与程序化交易计数放在哪里。
    """

    def __init__(
        self,
        debug: bool = False,
        *,
        prepare: Callable[[], None] | None = None,
        trading_day: Callable[[str, datetime], bool | None] | None = None,
        folder_of: Callable[[str, str], Path] = places.account_folder,
    ) -> None:
        super().__init__(debug)
        self._prepare = prepare
        self._trading_day = trading_day
        self._folder_of = folder_of
        self._courier = self._new_courier()
        self._connector: QmtConnector | None = None
        self._strays = Strays()
        self._exit_hook = False
        self._lifecycle = threading.RLock()
        self._path = ""
        self._guard: Guard | None = None
        self._meter: Meter | None = None

    def connect(
        self,
        miniqmt_path: str,
        stock_account: str,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        *,
        account_type: AccountTypeName = "STOCK",
        session_id: int | None = None,
        timeout: float = 10,
        wait: bool | float = False,
        heartbeat_interval: float = 30,
        xtquant: ModuleType | str | None = None,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
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
            on_health: 连上、断开、放弃重连、回调跟不上推送时调用，参数是 `status`；
                回调对象有同名方法的也会调用，下同。
            on_give_up: 重连次数用完、不再重连时调用，参数是最后一次的异常。

        Raises:
            UsageError: 参数不对（包括路径不存在），什么都没有做。
            MissingDependencyError: 没有装 xtquant，或没有本平台的二进制。
            ConnectFailedError: 没连上；信息里有可能的原因。不会留下后台重连。
            ClosedError: 这个 trader 已经关闭。
        """
        self._check_usable()
        wait_s = settings.wait_seconds(wait)
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
        callback = settings.check_callback(trader_callback, self._log.debug_on)
        hooks = settings.check_hooks(on_health=on_health, on_give_up=on_give_up)
        fixed_id = None if session_id is None else check_session_id(session_id)
        kind = settings.check_account_type(account_type)
        timeout_s = arguments.seconds("timeout", timeout)
        if self._prepare is not None:
            self._prepare()
        vendor = loader.load(xtquant)
        connector = QmtConnector(
            self._log,
            self._vitals,
            self._strays,
            vendor,
            path,
            (account_id, kind),
            fixed_id,
            timeout_s,
        )
        self._say_settings(path, account_id, options)
        with self._lifecycle:
            self._check_usable()
            self._replace(path, account_id, min(_CLOSE_S, timeout_s))
            self._courier.start(callback, hooks)
            self._connector = connector
            supervisor = Supervisor(
                connector,
                options,
                resync=self._resync,
                recheck=self._recheck,
                finish=self._finish,
                deliver=self._deliver,
                vitals=self._vitals,
                log=self._log,
                account=(path, account_id),
            )
            self._supervisor = supervisor
        try:
            self._check_usable()  # 这期间可能已经 close()：它没看到刚放上去的
            supervisor.connect(wait_s)
        except BaseException:
            supervisor.close(_CLOSE_S)
            with self._lifecycle:
                if self._supervisor is supervisor:
                    self._forget()
            raise

    # ---- 别的动词，一组一个对象

    @property
    def credit(self) -> groups.Credit:
        """信用账号：融资融券、还款还券、负债与额度。"""
        return self._group(groups.Credit)

    @property
    def ipo(self) -> groups.Ipo:
        """新股新债：当日数据、额度、一次申购完。"""
        return groups.Ipo(self._requests, self._ordering, self._log, self._today)

    @property
    def bank(self) -> groups.Bank:
        """银证转账。"""
        return self._group(groups.Bank)

    @property
    def transfer(self) -> groups.Transfer:
        """资金、股份在两个柜台之间，期权与期货账号之间的划拨。"""
        return self._group(groups.Transfer)

    @property
    def lending(self) -> groups.Lending:
        """约券。"""
        return self._group(groups.Lending)

    @property
    def algo(self) -> groups.Algo:
        """智能算法。"""
        return self._group(groups.Algo)

    @property
    def client(self) -> groups.Client:
        """客户端的其余功能：登录的账号、股东账户、按合同编号撤单、导出与录入。"""
        return self._group(groups.Client)

    @property
    def guard(self) -> Guard | None:
        """风控规则，None 为没有开；随时可以换，马上生效。也收 True（只管笔数）和字典。"""
        return self._guard

    @guard.setter
    def guard(self, value: Guard | dict[str, Any] | bool | None) -> None:
        from easytrader.guard import Guard  # 没有开风控的不必带上它

        self._guard = Guard.of(value)
        self._set_guard()

    @property
    def status(self) -> Status:
        """此刻的健康状况，见 `Trader.status`。"""
        found = super().status
        found.update(cast("Status", self._courier.facts()))
        found["account_id"] = masked(self._account_id)
        found["path"] = self._path
        found["session_id"] = 0 if self._connector is None else self._connector.session_id
        return found

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。最多几秒。"""
        self._closed = True
        if os.getpid() != self._pid:
            return  # fork 来的：连接是父进程的，不去动它
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.close(_CLOSE_S)
        self._note_change()
        self._close_courier()
        self._events.close()
        with self._lifecycle:
            self._drop_records()

    # ---- 内部

    def _group(self, kind: type[_Group]) -> _Group:
        return kind(self._requests, self._ordering, self._log)

    def _requests(self) -> Requests:
        return cast("Requests", self._session)

    def _today(self) -> str:
        """交易所的今天，``YYYYMMDD``。"""
        return exchange_today()

    def _say_settings(self, path: str, account_id: str, options: ReconnectOptions) -> None:
        log = self._log
        log.info("正在连接到 MiniQMT...")
        log.info("MiniQMT 路径: {}", path)
        log.info("资金账号: {}", account_id)
        log.info("自动重连: {}", "启用" if options.enabled else "禁用")
        if options.enabled:
            log.info("重连间隔: {:g} 秒", options.interval_s)
            log.info("最大重连次数: {}", options.max_attempts or "无限")

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            if self._supervisor is not None or self._closed:
                raise ClosedError(FORKED)
            self._pid = os.getpid()
        if self._closed:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")

    def _replace(self, path: str, account_id: str, limit_s: float) -> None:
        """换掉旧的连接；同一个账号的分发线程留用。"""
        old = self._supervisor
        if old is not None:
            self._log.info("断开旧的连接")
            old.close(limit_s)
        if (path, account_id) != (self._path, self._account_id):
            # 排着的都是旧账号的，交给旧的回调；新账号从头来
            self._close_courier(limit_s)
            self._courier = self._new_courier()
            self._order_rows = rows.OrderRows()
            self._drop_records()
        self._path, self._account_id = path, account_id
        if self._ordering.once is None:
            folder = self._folder_of(path, account_id)
            account = path, account_id
            self._ordering.once = Once(
                folder, account_id, lambda: self._session_of(account), self._log
            )
        self._set_guard()
        if not self._exit_hook:
            self._exit_hook = True
            _close_at_exit(self)

    def _session_of(self, account: tuple[str, str]) -> Session:
        """这个账号的会话；已经换了账号的话，绝不给出另一个账号的。"""
        supervisor = self._supervisor
        if supervisor is None or supervisor.account != account:
            self._session  # noqa: B018  没有连接、已关闭、fork 来的，各有各的说法
            raise NotConnectedError("这个 trader 已经换了账号；什么都没有发出")
        if os.getpid() != self._pid:
            raise ClosedError(FORKED)
        if self._closed:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
        return supervisor.session

    def _new_courier(self) -> Courier:
        return Courier(
            self._log, delivered=self._events.add, met=self._met, status=lambda: self.status
        )

    def _close_courier(self, limit_s: float = _CLOSE_S) -> None:
        if not self._courier.close(limit_s):
            self._log.warning("有回调 {:g} 秒还没有返回，不再等它", limit_s)

    def _forget(self) -> None:
        """没连上：不留线程，状态回到「未连接」。"""
        self._supervisor = None
        self._close_courier()
        if self._closed:
            self._drop_records()

    def _drop_records(self) -> None:
        once, self._ordering.once = self._ordering.once, None
        if once is not None:
            once.close()
        meter, self._meter = self._meter, None
        self._ordering.post = None
        if meter is not None:
            meter.close()

    def _set_guard(self) -> None:
        guard = self._guard
        if guard is None or not self._path or self._closed:
            self._ordering.post = None
            return
        from easytrader.guard import GuardPost, Meter

        if self._meter is None:
            folder = self._folder_of(self._path, self._account_id)
            self._meter = Meter.open(folder / METER_FILE, self._log)
        self._ordering.post = GuardPost(guard, self._meter, self._log)

    def _is_trading_day(self, now: datetime) -> bool | None:
        assert self._trading_day is not None
        return self._trading_day(self._path, now)

    def _deliver(self, event: PushEvent) -> None:
        if event.name == "on_order_error":
            self._order_rows.explain(event.args[0])
        self._courier.deliver(event)
        if event.name in _ORDER_EVENTS:
            self._note_change()
        elif event.name == "on_disconnected" and self._ordering.once is not None:
            self._ordering.once.doubts.hurry()

    def _met(self, order: OrderLike) -> None:
        """第一次见到一笔委托：它可能正是结果未知的那一笔。"""
        once, tag = self._ordering.once, rows.tag_of(order)
        if once is not None and tag:
            once.doubts.met(tag, order.order_id)

    def _resync(self, session: Session) -> None:
        """连上之后：资金 → 持仓 → 委托 → 成交，把断线期间错过的补交给回调。"""
        session.asset()
        session.positions()
        orders, trades = self._look(session)
        meter = self._meter
        if meter is not None:
            meter.seed(len(orders))
        self._courier.catch_up(orders, trades)
        self._note_change()

    def _recheck(self, session: Session) -> None:
        """连着的时候再核对一遍：查询是缓存，推送会漏。"""
        self._courier.reconcile(*self._look(session))
        self._note_change()

    def _look(self, session: Session) -> tuple[list[Any], list[Any]]:
        orders, trades = list(session.orders()), list(session.trades())
        once = self._ordering.once
        if once is not None:
            once.doubts.resync(session, orders)
        return orders, trades

    def _finish(self, deadline: float) -> None:
        """连上之后：把结果未知的委托核对完。"""
        once = self._ordering.once
        if once is not None:
            once.doubts.finish(deadline)


def _close_at_exit(trader: MiniqmtTrader) -> None:
    """解释器退出时干净地断开，让客户端早点放开会话 id；不延长 trader 的寿命。"""
    held = weakref.ref(trader)

    def close() -> None:
        alive = held()
        if alive is not None and not alive._closed:  # noqa: SLF001  同一模块
            with contextlib.suppress(OSError, RuntimeError):  # 正在退出，没有人能处理了
                alive.close()

    atexit.register(close)
    # finalize 自己也在退出时跑，而且跑在前面：不关掉它，close 就被它先注销了
    weakref.finalize(trader, atexit.unregister, close).atexit = False
