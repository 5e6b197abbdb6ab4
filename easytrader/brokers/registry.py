"""登记处：`use('名字')` 找到谁。

自带的后端写在这里；别的包在自己的 ``pyproject.toml`` 里登记一行就能被找到::

    [project.entry-points."easytrader.brokers"]
    mybroker = "mypackage.trader:MyTrader"

登记的是一个可调用的对象，收 ``debug``（bool），返回 `easytrader.trader.Trader` 的子类的实例；
类本身就是。自带的名字不能被顶替。
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from easytrader import counters
from easytrader.basics import replaying
from easytrader.basics.keywords import unknown_told
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

    from easytrader.trader import Trader

GROUP: Final = "easytrader.brokers"
"""entry point 的组名。"""


class Backend(NamedTuple):
    """一个装着的后端：`use()` 里写的名字，在哪里（``模块:名字``），哪个包带来的。"""

    name: str
    target: str
    package: str


_BUILT_IN: Final = {
    "miniqmt": "easytrader.brokers.sim:miniqmt_trader",
    "sim": "easytrader.brokers.sim:sim_trader",
    "remote": "easytrader.remote:remote_trader",
    "fleet": "easytrader.fleets:fleet_trader",
    "bigqmt": "easytrader.brokers.sim:bigqmt_trader",
    "vnpy": "easytrader.gateways:gateway_trader",
    "ccxt": "easytrader.crypto:crypto_trader",
    "okx": "easytrader.crypto:okx_trader",
    "htx": "easytrader.crypto:htx_trader",
    "ib": "easytrader.overseas.ib:ib_trader",
    "futu": "easytrader.overseas.futu:futu_trader",
    "tiger": "easytrader.overseas.tiger:tiger_trader",
    "mt5": "easytrader.overseas.mt5:mt5_trader",
}
_REHEARSED: Final = "easytrader.brokers.sim:replay_trader"
"""回放时，要连到别处去的都换成它。"""
_REDIRECTED: Final = ("miniqmt", "sim")
"""这两个自己会去回放的文件夹。"""
_ALIASES: Final = {
    "qmt": "miniqmt", "模拟": "sim", "远程": "remote", "大qmt": "bigqmt", "veighna": "vnpy",
}  # fmt: skip
"""登记的三十四家自己的名字（``中泰XTP``、``盈透证券``）在 `counters` 里。"""

_OLD_CLIENTS: Final = (
    *("ht_client", "yh_client", "gj_client", "wk_client", "htzq_client", "ths"),
    *("华泰客户端", "银河客户端", "国金客户端", "五矿客户端", "海通证券客户端", "同花顺客户端"),
    *("universal_client", "通用客户端", "ht", "yh", "gf", "gj", "yjb"),
)
_OLD_TOLD: Final = (
    "哪样换成哪样见文档 migrate.md（从原来的 easytrader 来）；"
    '还要旧的，在另一个虚拟环境里装 "easytrader<0.24"。'
)
_OLD_FOLLOWERS: Final = ("xq", "雪球", "joinquant", "ricequant", "jq", "rq")


def make(name: object, debug: bool, options: Mapping[str, Any] | None = None) -> Trader:
    """名字 → 造好的交易口。

    Args:
        name: 后端的名字，或登记的一家柜台的名字。
        debug: 交给后端。
        options: 后端自己的选项，如 ``gateway="XTP"``；后端不收的不行。

    Raises:
        UsageError: 没有这个后端，信息里有装着的，或旧名字现在该去哪里；后端不收的选项。
        UnsupportedError: 登记的那一家关了，没有公开的 SDK，或这个系统、这个 Python 上没有。
        MissingDependencyError: 登记了而导入不了，或造出来的不是交易口。
    """
    key = name.strip().lower() if isinstance(name, str) else ""
    key = _ALIASES.get(key, key)
    given = dict(options or {})
    rehearsed = replaying.current() is not None and key not in _REDIRECTED
    counter = counters.find(name) if isinstance(name, str) and key not in _BUILT_IN else None
    if counter is not None:  # 回放不到那里去，能不能用不要紧
        key, own = ("vnpy", {}) if rehearsed else counter.door()
        _check_own(counter.name, own, given)
        given = {**own, **given}
    target = _BUILT_IN.get(key)
    if target is not None:
        return _make_own(key, _load(_REHEARSED if rehearsed else target), debug, given, rehearsed)
    for each in _registered():
        if each.name.strip().lower() == key:
            if rehearsed:
                return cast("Trader", _load(_REHEARSED)(debug))
            return _make_foreign(each, debug, given)
    raise UsageError("broker", name, _advice(key))


def _check_own(name: str, own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """名字已经说了是哪个接口，不能又写一个。"""
    for each in own.keys() & given.keys():
        told = f"{name} 已经说了是哪个接口，去掉它；别的接口写 use('vnpy', {each}=…)"
        raise UsageError(each, given[each], told)


def _make_own(
    key: str, factory: Any, debug: bool, options: dict[str, Any], rehearsed: bool
) -> Trader:
    """自带的：选项的名字对不对，发现写错了就说。"""
    if rehearsed:
        return cast("Trader", factory(debug))
    parameters = inspect.signature(factory).parameters
    accepted = [each for each in parameters if each != "debug"]
    for each in options.keys() - set(accepted):
        told = unknown_told(f"use({key!r})", each, ["broker", "debug", "guard", *accepted])
        raise UsageError(each, options[each], told)
    for each in accepted:
        if parameters[each].default is inspect.Parameter.empty and each not in options:
            raise UsageError(each, None, f"use({key!r}) 要它：use({key!r}, {each}=…)")
    return cast("Trader", factory(debug, **options))


def _make_foreign(point: EntryPoint, debug: bool, options: dict[str, Any]) -> Trader:
    """别的包登记的：它的代码抛什么都可能，说清楚是谁的。"""
    from easytrader.trader import Trader

    whose = f"后端 {point.name}（{point.value}）"
    try:
        factory = point.load()
    except Exception as exc:
        raise MissingDependencyError(f"{whose}装着而导入不了：{exc!r}") from exc
    try:
        user = factory(debug, **options)
    except TypeError as exc:
        if options:
            raise UsageError(next(iter(options)), "…", f"{whose}不收：{exc}") from exc
        told = f"{whose}登记的应是收 debug、返回 Trader 的函数或 Trader 的子类：{exc}"
        raise MissingDependencyError(told) from exc
    if not isinstance(user, Trader):
        raise MissingDependencyError(f"{whose}给出的是 {user!r}，不是 easytrader 的 Trader")
    return user


def installed() -> list[Backend]:
    """装着的后端，自带的在前。"""
    found = [Backend(name, target, "easytrader") for name, target in _BUILT_IN.items()]
    for each in sorted(_registered(), key=lambda point: point.name):
        if each.name.strip().lower() not in _BUILT_IN:
            package = each.dist.name if each.dist is not None else ""
            found.append(Backend(each.name, each.value, package))
    return found


def _registered() -> Iterable[EntryPoint]:
    """别的包登记的；自带的后端用不到，不必等 importlib.metadata 导入。"""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _load(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _advice(key: str) -> str:
    names = [each.name for each in installed()]
    have = "可用的后端：" + "、".join(repr(each) for each in names)
    if key in _OLD_CLIENTS:
        return (
            "操控客户端窗口的旧后端（0.23 及以前）不在这里："
            "券商给开 MiniQMT 的用 use('miniqmt')，先试用 use('sim')；"
            f"{_OLD_TOLD}{have}"
        )
    if key in _OLD_FOLLOWERS:
        return (
            "跟单和模拟组合的旧后端（0.23 及以前）不在这里：要模拟账户用 use('sim')，"
            f"调仓用 user.adjust_weights；{_OLD_TOLD}{have}"
        )
    near = get_close_matches(key, names, n=1) or counters.close_to(key, 1)
    asked = f"是不是 {near[0]!r}？" if near else ""
    return (
        f"{asked}{have}；登记的柜台写它的名字，如 '中泰XTP'（easytrader brokers 列出有哪些）；"
        "别的包带来的后端，装上那个包就有"
    )
