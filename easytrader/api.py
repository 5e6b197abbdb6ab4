"""`use()`：名字 → 交易口。各后端用到时才导入。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, overload

from easytrader.basics.keywords import guarded
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from easytrader.guard import Guard
    from easytrader.miniqmt.trader import MiniqmtTrader
    from easytrader.paper import SimTrader

    GuardLike = Guard | dict[str, Any] | bool | None

_ALIASES: Final = {
    "miniqmt": "miniqmt",
    "qmt": "miniqmt",
    "sim": "sim",
    "模拟": "sim",
}


@overload
def use(
    broker: Literal["miniqmt", "qmt"], debug: bool = False, guard: GuardLike = None
) -> MiniqmtTrader: ...
@overload
def use(
    broker: Literal["sim", "模拟"], debug: bool = False, guard: GuardLike = None
) -> SimTrader: ...
@overload
def use(broker: str, debug: bool = False, guard: GuardLike = None) -> MiniqmtTrader: ...


@guarded
def use(broker: str, debug: bool = False, guard: GuardLike = None) -> MiniqmtTrader:
    """得到一个交易口；接着调用它的 ``connect()``。

    Args:
        broker: ``'miniqmt'``：券商的 MiniQMT 客户端（路径是模拟文件夹时连模拟的）；
            ``'sim'``：自带的模拟 MiniQMT，什么都不用准备。
        debug: 是否记 DEBUG 日志，默认 INFO。
        guard: 风控规则，默认不开；`Guard(...)`、同样内容的字典，或 True（只管程序化交易的笔数）。
            以后可以用 ``user.guard = ...`` 换。

    Raises:
        UsageError: 没有这个后端，风控规则、参数写得不对。
    """
    name = _ALIASES.get(broker.strip().lower()) if isinstance(broker, str) else None
    if name is None:
        raise UsageError("broker", broker, "可用的后端：'miniqmt'、'sim'")
    from easytrader import arguments, paper

    debug = arguments.flag("debug", debug)
    user = paper.sim_trader(debug) if name == "sim" else paper.miniqmt_trader(debug)
    if guard is not None:
        user.guard = guard
    return user
