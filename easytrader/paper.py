"""模拟与真实的接合处：`use('sim')` 的交易口，以及让 `use('miniqmt')` 认得模拟文件夹。

`miniqmt` 和 `sim` 两间屋子互不相识，只在这里碰面。
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments, places
from easytrader.errors import UsageError
from easytrader.miniqmt.preflight import check_path
from easytrader.miniqmt.trader import MiniqmtTrader
from easytrader.sim import hub, install
from easytrader.sim.folder import AccountConfig, SimFolder, create, is_sim_folder
from easytrader.trading_days import is_trading_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DEFAULT_ACCOUNT: Final = "1000000001"
DEFAULT_CASH_LI: Final = 1_000_000 * 1000
"""默认账户的初始资金：100 万元，以厘计。"""

_STOCK: Final = 2


def default_folder() -> Path:
    """`use('sim')` 不给路径时用的模拟 MiniQMT 文件夹。"""
    return places.home() / "sim" / "userdata_mini"


def miniqmt_trader(debug: bool = False) -> MiniqmtTrader:
    """`use('miniqmt')`：路径是模拟文件夹就连模拟的 MiniQMT，否则连真的。"""
    install.install()
    return MiniqmtTrader(
        debug, prepare=install.install, trading_day=_trading_day, folder_of=_account_folder
    )


def sim_trader(debug: bool = False) -> SimTrader:
    """`use('sim')`。"""
    install.install()
    return SimTrader(
        debug, prepare=install.install, trading_day=_trading_day, folder_of=_account_folder
    )


class SimTrader(MiniqmtTrader):
    """模拟账户的交易口：与 `MiniqmtTrader` 完全一样，只是什么都不用准备。

    文件夹正被 ``easytrader sim serve`` 服务时连上它，否则把模拟柜台放在本进程里。
    """

    _let_go: Callable[[], None] = staticmethod(lambda: None)

    def connect(
        self,
        miniqmt_path: str | None = None,
        stock_account: str | None = None,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        **options: Any,
    ) -> None:
        """连接模拟账户；不给参数时用默认的文件夹和账户，第一次用时开户，100 万元。

        Args:
            miniqmt_path: 模拟文件夹；默认在用户数据目录（或 ``EASYTRADER_HOME``）下，没有就建。
            stock_account: 资金账号；不给就用文件夹里的第一个账户。默认的文件夹里没有这个账户时
                以 100 万元开一个；自己指定的文件夹要先 ``easytrader sim init`` 开户。
            trader_callback: 同 `MiniqmtTrader.connect`，以下各项也是。
            reconnect_enabled: 同上。
            reconnect_interval: 同上。
            max_reconnect_attempts: 同上。
            **options: ``account_type session_id timeout wait heartbeat_interval xtquant``。
        """
        path = self._prepare_folder(miniqmt_path, stock_account, options.get("account_type"))
        account = stock_account or SimFolder.open(path).config.accounts[0].account_id
        hub.allow_embed(path)
        super().connect(
            path,
            account,
            trader_callback,
            reconnect_enabled,
            reconnect_interval,
            max_reconnect_attempts,
            **options,
        )
        # 嵌着的柜台随最后一个会话关掉；占住它，断线重连之间账本和故障计划都还在
        before, self._let_go = self._let_go, hub.HUB.hold(path)
        before()
        if self._closed:  # 就在这一刻 close() 了
            self._let_go()

    def close(self) -> None:
        """同 `MiniqmtTrader.close`；嵌在本进程里的柜台没有别人用时也关掉。"""
        super().close()
        if os.getpid() == self._pid:
            self._let_go()

    @staticmethod
    def _prepare_folder(given: str | None, stock_account: str | None, kind: object) -> str:
        if stock_account is not None:
            stock_account = arguments.account(stock_account)
        path = default_folder() if given is None else Path(check_path(given))
        wanted = AccountConfig(
            account_id=stock_account or DEFAULT_ACCOUNT,
            account_type=3 if isinstance(kind, str) and kind.upper() == "CREDIT" else _STOCK,
            cash_li=DEFAULT_CASH_LI,
        )
        if not is_sim_folder(path):
            if given is not None and any(path.iterdir()):
                raise UsageError(
                    "miniqmt_path",
                    given,
                    "文件夹不空，又不是模拟文件夹，不敢往里写。"
                    f'请先建一个：easytrader sim init "{given}" --account {wanted.account_id}',
                )
            create(path, (wanted,))
        elif stock_account is not None:
            known = {each.account_id for each in SimFolder.open(path).config.accounts}
            if stock_account not in known and given is None:
                create(path, (wanted,))
        return str(path)


def _account_folder(path: str, account_id: str) -> Path:
    """模拟账户的委托记录跟着模拟文件夹走：删了重开，旧的 id 不该还算数。"""
    if is_sim_folder(path):
        return Path(path) / "easytrader_records" / places.folder_name(account_id)
    return places.account_folder(path, account_id)


def _trading_day(path: str, now: datetime) -> bool | None:
    """模拟文件夹默认天天开市；其余问交易日历。"""
    if is_sim_folder(Path(path)) and SimFolder.open(Path(path)).config.clock == "always":
        return True
    return is_trading_day(now.date())
