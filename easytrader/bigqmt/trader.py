"""`BigqmtTrader`：经完整版 QMT 的内置 Python 的交易口。"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.basics.paths import AccountKey
from easytrader.bigqmt import agentfile, place
from easytrader.bigqmt.connector import BigqmtConnector
from easytrader.bigqmt.ids import Numbering
from easytrader.bigqmt.shaped import PlainCallback
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.miniqmt import groups
from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback, check_callback
from easytrader.trader import Trader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime

    from easytrader.bigqmt.agentfile import Settings
    from easytrader.bigqmt.session import BigqmtSession
    from easytrader.records.storage import Storage
    from easytrader.types import AccountTypeName, Status

_Group = TypeVar("_Group", bound="groups.Group")

_ACCOUNTS: Final = frozenset({"STOCK", "CREDIT"})


class BigqmtTrader(Trader):
    """完整版 QMT 的交易口。用 ``easytrader.use('bigqmt')`` 得到。

    与 MiniQMT 的动词、返回、异常相同。下单的函数什么都不说，一笔委托的编号由这里定；
    被客户端的弹窗拦下的，看不到任何痕迹，过 ``row_wait`` 秒推断没有下成，信息里写着「推断」。
    """

    capabilities = Capabilities(
        "完整版 QMT",
        push_spread_s=7.0,  # 客户端的缓存各慢各的，最多 6 秒
        markets=frozenset({"SH", "SZ", "BJ"}),
    )

    def __init__(
        self,
        debug: bool = False,
        *,
        trading_day: Callable[[str, datetime], bool | None] | None = None,
        always_open: Callable[[str], bool] | None = None,
        storage_of: Callable[[AccountKey], Storage] | None = None,
    ) -> None:
        """各项同 `MiniqmtTrader`：模拟的文件夹由 `brokers` 告诉它。"""
        super().__init__(debug, storage_of=storage_of)
        self._trading_day = trading_day
        self._always_open = always_open

    def connect(
        self,
        miniqmt_path: str | os.PathLike[str],
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
        xtquant: object = None,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
        row_wait: float = 10,
        agent: str | os.PathLike[str] | None = None,
    ) -> None:
        """连到客户端里的中转。已经连着时先断开旧的再连。

        先用 ``easytrader bigqmt agent`` 写出中转，贴进客户端，在「模型交易」里以实盘运行。

        Args:
            miniqmt_path: 完整版 QMT 的安装目录（或它的 userdata、模拟的文件夹）。
            stock_account: 资金账号。
            trader_callback: 回调对象，同 ``use('miniqmt')``。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            account_type: ``STOCK`` 或 ``CREDIT``，要与中转的相同。
            session_id: 收下而不用：这里没有会话 id。
            timeout: 每个会阻塞的调用的期限，秒。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            xtquant: 不收：这里用不到厂商的包。
            on_health: 同 ``use('miniqmt')``。
            on_give_up: 同上。
            row_wait: 下单的函数调用之后，最慢几秒看得到委托；到时还没有，推断没有下成。
                客户端的缓存最慢 6 秒刷新，所以不要小于它。
            agent: 中转文件：端口与令牌从它里面读；默认用这台机器上这个账号的。

        Raises:
            UsageError: 参数不对（包括文件夹里没有完整版的客户端），什么都没有做。
            ConnectFailedError: 没连上；信息里有原因（没有中转、令牌不对、模拟、账号没有登录……）。
            ClosedError: 这个 trader 已经关闭。
        """
        self._engine.check_usable()
        path = place.check_path(miniqmt_path)
        account_id = arguments.account(stock_account)
        check_callback(trader_callback)
        kind = arguments.account_type(account_type)
        if kind not in _ACCOUNTS:
            raise UsageError("account_type", account_type, "完整版 QMT 这里只做 STOCK、CREDIT")
        if xtquant is not None:
            raise UsageError("xtquant", xtquant, "use('bigqmt') 用不到厂商的包，不要给")
        timeout_s = arguments.seconds("timeout", timeout)
        row_wait_s = arguments.seconds("row_wait", row_wait)

        if agent is not None and agentfile.read_settings(agent).account != account_id:
            raise UsageError("agent", str(agent), "这个中转文件是给另一个账号的")

        def settings() -> Settings:
            found = agentfile.known(account_id) if agent is None else agentfile.read_settings(agent)
            if found is None:
                raise ConnectFailedError(agentfile.never_written(account_id))
            return found

        if self._always_open is not None:
            always_open = self._always_open(str(path))
            self.capabilities = replace(self.capabilities, always_open=always_open)
        key = AccountKey.of(place.home(path), account_id)
        numbering = Numbering(self._engine.storage(key).numbers(), account_id, self._log)
        connector = BigqmtConnector(
            settings, path, (account_id, kind), numbering, timeout_s, row_wait_s, self._log
        )
        self._engine.hold(numbering.close)
        self._open(
            connector,
            key,
            path=str(path),
            callback=None if trader_callback is None else PlainCallback(trader_callback),
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
            trading_day=(
                None if self._trading_day is None else partial(self._trading_day, str(path))
            ),
        )

    # ---- 别的动词，一组一个对象；终端没有的抛 `UnsupportedError`

    @property
    def credit(self) -> groups.Credit:
        """信用账号：融资融券、还款还券、负债与额度。"""
        return self._group(groups.Credit)

    @property
    def ipo(self) -> groups.Ipo:
        """新股新债：当日数据、额度、一次申购完。"""
        return groups.Ipo(self._desk, self._ordering, self._log, self._today)

    @property
    def algo(self) -> groups.Algo:
        """智能算法。"""
        return self._group(groups.Algo)

    @property
    def after_hours(self) -> groups.AfterHours:
        """盘后固定价格：收盘之后按收盘价买卖。"""
        return self._group(groups.AfterHours)

    @property
    def client(self) -> groups.Client:
        """按合同编号撤单；其余的终端没有。"""
        return self._group(groups.Client)

    @property
    def bank(self) -> groups.Bank:
        """终端没有银证转账。"""
        return self._group(groups.Bank)

    @property
    def transfer(self) -> groups.Transfer:
        """终端没有划拨。"""
        return self._group(groups.Transfer)

    @property
    def lending(self) -> groups.Lending:
        """终端没有约券。"""
        return self._group(groups.Lending)

    # ---- 内部

    def _group(self, kind: type[_Group]) -> _Group:
        return kind(self._desk, self._ordering, self._log)

    def _desk(self) -> Any:
        return cast("BigqmtSession", self._session).desk

    def _today(self) -> str:
        """交易所的今天，``YYYYMMDD``。"""
        from easytrader.miniqmt.groups.ipo import exchange_today

        return exchange_today()

    def _default_callback(self) -> DefaultXtQuantTraderCallback:
        return DefaultXtQuantTraderCallback(self._log.debug_on)
