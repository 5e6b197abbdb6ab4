"""`use()`：名字 → 交易口。各后端用到时才导入。"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from easytrader.basics.keywords import guarded

if TYPE_CHECKING:
    from easytrader.bigqmt.trader import BigqmtTrader
    from easytrader.brokers.sim import SimTrader
    from easytrader.fleets.trader import FleetTrader
    from easytrader.miniqmt.trader import MiniqmtTrader
    from easytrader.remote.trader import RemoteTrader
    from easytrader.risk import Guard
    from easytrader.trader import Trader

GuardLike: TypeAlias = "Guard | dict[str, Any] | bool | None"


@overload
def use(
    broker: Literal["miniqmt", "qmt"], debug: bool = False, guard: GuardLike = None
) -> MiniqmtTrader: ...
@overload
def use(
    broker: Literal["sim", "模拟"], debug: bool = False, guard: GuardLike = None
) -> SimTrader: ...
@overload
def use(
    broker: Literal["remote", "远程"], debug: bool = False, guard: GuardLike = None
) -> RemoteTrader: ...
@overload
def use(broker: Literal["fleet"], debug: bool = False, guard: GuardLike = None) -> FleetTrader: ...
@overload
def use(
    broker: Literal["bigqmt", "大qmt"], debug: bool = False, guard: GuardLike = None
) -> BigqmtTrader: ...
@overload
def use(broker: str, debug: bool = False, guard: GuardLike = None, **options: Any) -> Trader: ...


@partial(guarded, others=True)
def use(broker: str, debug: bool = False, guard: GuardLike = None, **options: Any) -> Trader:
    """得到一个交易口；接着调用它的 ``connect()``。

    Args:
        broker: ``'miniqmt'``：券商的 MiniQMT 客户端（路径是模拟文件夹时连模拟的）；
            ``'sim'``：自带的模拟 MiniQMT，什么都不用准备；
            ``'bigqmt'``：完整版 QMT 的内置 Python（先把中转文件贴进去，见文档）；
            ``'remote'``：账号在别的机器上，那里跑着 ``easytrader serve``；
            ``'fleet'``：账号在一队里，委托记进 PostgreSQL，那台机器上的代理领走；
            ``'vnpy'``：VeighNa 的接口，``gateway=`` 写哪一个；
            ``'ccxt'``：加密货币交易所，``exchange=`` 写哪一家（``'okx'``、``'htx'`` 可以直接写）；
            ``'ib'``、``'futu'``、``'tiger'``、``'mt5'``：盈透、富途、老虎、MetaTrader 5；
            登记的柜台写它自己的名字，如 ``'中泰XTP'``，见 ``easytrader brokers``；
            别的包带来的后端写它登记的名字，见 `easytrader.brokers`。
        debug: 是否记 DEBUG 日志，默认 INFO。
        guard: 风控规则，默认不开；`Guard(...)`、同样内容的字典，或 True（只管程序化交易的笔数）。
            以后可以用 ``user.guard = ...`` 换。
        **options: 后端自己的选项，如 ``gateway="XTP"``、``exchange="okx"``；不收的抛 `UsageError`。

    Raises:
        UsageError: 没有这个后端，风控规则、参数写得不对。
        UnsupportedError: 登记的那一家关了，或没有公开的接口；信息里说怎么办。
        MissingDependencyError: 这个后端登记了而导入不了，或给出的不是交易口。
    """
    from easytrader import arguments
    from easytrader.brokers import make

    user = make(broker, arguments.flag("debug", debug), options)
    if guard is not None:
        user.guard = guard
    return user
