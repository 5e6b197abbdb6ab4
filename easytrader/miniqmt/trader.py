"""`MiniqmtTrader`：经券商 MiniQMT 客户端的交易口；怎样开一次会话（`QmtConnector`）。"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.basics.log import masked
from easytrader.basics.paths import AccountKey
from easytrader.miniqmt import groups
from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback, check_callback
from easytrader.miniqmt.diagnose import preflight
from easytrader.miniqmt.pending import Strays
from easytrader.miniqmt.session import QmtSession
from easytrader.miniqmt.session_ids import SessionIds, check_session_id
from easytrader.miniqmt.vendor import client_calendar, loader
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from types import ModuleType

    from easytrader.backend.session import Listener
    from easytrader.basics.log import Log
    from easytrader.history.past import Counter
    from easytrader.link.heartbeat import Vitals
    from easytrader.miniqmt.vendor.loader import Vendor
    from easytrader.records.storage import Storage
    from easytrader.types import AccountTypeName, Status

_Group = TypeVar("_Group", bound="groups.Group")


class QmtConnector:
    """怎样开一次 MiniQMT 会话；实现 `backend.session.Connector`。"""

    def __init__(
        self,
        log: Log,
        vitals: Vitals,
        strays: Strays,
        vendor: Vendor,
        path: str,
        account: tuple[str, str],
        session_id: int | None,
        timeout_s: float,
    ) -> None:
        self._log = log
        self._vitals = vitals
        self._strays = strays
        self._vendor = vendor
        self._path = path
        self._account = account
        self.timeout_s = timeout_s
        self._ids = SessionIds(path, account[0], session_id, log)
        self.session_id = 0
        """最近一次用的会话 id。"""
        self._cancelled = threading.Event()
        self._opening: QmtSession | None = None

    def open(self, listener: Listener, deadline: float) -> QmtSession:
        """开一次会话。"""
        lease = self._ids.take(self._cancelled, deadline)
        try:
            session = QmtSession(
                self._vendor,
                self._path,
                self._account,
                lease,
                self.timeout_s,
                listener,
                self._log,
                self._vitals,
                self._strays,
            )
            self.session_id = lease.session_id
            self._opening = session
        except BaseException:
            lease.release()
            raise
        if self._cancelled.is_set():
            session.abort()
        session.open(deadline)
        self._opening = None
        self._log.info("✓ 成功连接到 MiniQMT, 账号: {}", masked(self._account[0]))
        self._log.info("✓ 已订阅账户: {}", masked(self._account[0]))
        client_calendar.ask_soon(session.raw_trader, self._vendor, self._log)
        return session

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()
        opening = self._opening
        if opening is not None:
            opening.abort()


class MiniqmtTrader(Trader):
    """经券商 MiniQMT 客户端交易。用 ``easytrader.use('miniqmt')`` 得到。

    Args:
        debug: 是否记 DEBUG 日志。
        prepare: 导入厂商包之前要做的准备（模拟器用它补上缺的二进制）。
        trading_day: (路径, 时刻) → 是不是交易日，None 为不知道；不是交易日时重连放慢。
        always_open: 路径 → 是不是全天开市（模拟的），见 `Capabilities.always_open`。
        storage_of: 同 `Trader`。
    """

    capabilities = Capabilities("MiniQMT")

    def __init__(
        self,
        debug: bool = False,
        *,
        prepare: Callable[[], None] | None = None,
        trading_day: Callable[[str, datetime], bool | None] | None = None,
        always_open: Callable[[str], bool] | None = None,
        storage_of: Callable[[AccountKey], Storage] | None = None,
        past_of: Callable[[AccountKey, date, date, float], Counter | None] | None = None,
    ) -> None:
        super().__init__(debug, storage_of=storage_of)
        self._past_of = past_of
        self._prepare = prepare
        self._trading_day = trading_day
        self._always_open = always_open
        self._strays = Strays()

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
        self._engine.check_usable()
        path = preflight.check_path(miniqmt_path)
        account_id = arguments.account(stock_account)
        check_callback(trader_callback)
        fixed_id = None if session_id is None else check_session_id(session_id)
        kind = arguments.account_type(account_type)
        timeout_s = arguments.seconds("timeout", timeout)
        if self._prepare is not None:
            self._prepare()
        if self._always_open is not None:
            self.capabilities = replace(self.capabilities, always_open=self._always_open(path))
        connector = QmtConnector(
            self._log,
            self._engine.vitals,
            self._strays,
            loader.load(xtquant),
            path,
            (account_id, kind),
            fixed_id,
            timeout_s,
        )
        self._open(
            connector,
            AccountKey.of(path, account_id),
            path=path,
            callback=trader_callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
            trading_day=None if self._trading_day is None else partial(self._trading_day, path),
        )

    def _default_callback(self) -> DefaultXtQuantTraderCallback:
        return DefaultXtQuantTraderCallback(self._log.debug_on)

    # ---- 别的动词，一组一个对象

    @property
    def credit(self) -> groups.Credit:
        """信用账号：融资融券、还款还券、负债与额度。"""
        return self._group(groups.Credit)

    @property
    def ipo(self) -> groups.Ipo:
        """新股新债：当日数据、额度、一次申购完。"""
        return groups.Ipo(self._desk, self._ordering, self._log, self._today)

    @property
    def after_hours(self) -> groups.AfterHours:
        """盘后固定价格：收盘之后按收盘价买卖。"""
        return self._group(groups.AfterHours)

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

    # ---- 内部

    def _group(self, kind: type[_Group]) -> _Group:
        return kind(self._desk, self._ordering, self._log)

    def _desk(self) -> QmtSession:
        return cast("QmtSession", self._session)

    def _past(self, first: date, last: date, deadline: float) -> Counter | None:
        """厂商的接口只有当日的；模拟的文件夹自己有。"""
        past_of = self._past_of
        return None if past_of is None else past_of(self._engine.key, first, last, deadline)

    def _today(self) -> str:
        """交易所的今天，``YYYYMMDD``。"""
        from easytrader.miniqmt.groups.ipo import exchange_today

        return exchange_today()
