"""厂商包的唯一入口：用到时才导入，三种情况三种说法。

厂商包也是插头：任何与 ``xtquant`` 同形的模块都可以插（券商在收回个人版 MiniQMT，
同形的替代品正在出现）。
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from easytrader.basics.vendor_import import binary_remedy, quiet_vendor_import
from easytrader.errors import MissingDependencyError, UsageError

_INSTALL: Final = "pip install xtquant"
_FORM: Final = "应为与 xtquant 同形的模块，或它的导入名（字符串），如 'xtquant'"


@dataclass(frozen=True, slots=True)
class Vendor:
    """厂商（或同形模块）里要用到的几样。

    Attributes:
        name: 模块名，用于日志。
        trader_class: ``XtQuantTrader``。
        account_class: ``StockAccount``。
        plug: 插的模块或导入名；装着的 ``xtquant`` 为 None。
    """

    name: str
    trader_class: type[Any]
    account_class: Any
    plug: ModuleType | str | None = None

    def full_tick(self) -> Any:
        """行情接口 ``xtdata.get_full_tick``；第一次用到时才导入，可能慢。

        Raises:
            MissingDependencyError: 没有本平台的二进制。
            UsageError: 同形模块没有行情接口。
        """
        return _find(self.plug, self.name, "xtdata", "get_full_tick")

    def instrument_detail(self) -> Any:
        """合约信息 ``xtdata.get_instrument_detail``；异常同 `full_tick`。"""
        return _find(self.plug, self.name, "xtdata", "get_instrument_detail")

    def sector_members(self) -> Any:
        """板块成分 ``xtdata.get_stock_list_in_sector``；异常同 `full_tick`。"""
        return _find(self.plug, self.name, "xtdata", "get_stock_list_in_sector")

    def trading_calendar(self) -> Any:
        """交易日历 ``xtdata.get_trading_calendar``；异常同 `full_tick`。"""
        return _find(self.plug, self.name, "xtdata", "get_trading_calendar")

    def quotes_are_simulated(self) -> bool:
        """行情接口连着的是模拟行情（有真的客户端的机器上，两样可以在一个进程里）。"""
        try:
            client = _find(self.plug, self.name, "xtdata", "get_client")
        except UsageError:  # 同形模块可以没有它
            return False
        return getattr(client(), "simulated", False) is True


def load(plug: ModuleType | str | None) -> Vendor:
    """取得厂商包。

    Args:
        plug: None 用装着的 ``xtquant``；也可以是模块或导入名。

    Raises:
        MissingDependencyError: 没有装，或装了而没有本平台的二进制。
        UsageError: 给的模块不是 xtquant 的形状。
    """
    if plug is not None and not isinstance(plug, (ModuleType, str)):
        raise UsageError("xtquant", plug, _FORM)
    quiet_vendor_import()
    name = plug.__name__ if isinstance(plug, ModuleType) else (plug or "xtquant")
    return Vendor(
        name,
        _find(plug, name, "xttrader", "XtQuantTrader"),
        _find(plug, name, "xttype", "StockAccount"),
        plug,
    )


def _find(plug: ModuleType | str | None, name: str, submodule: str, wanted: str) -> Any:
    """``wanted`` 在模块本身、它的属性 ``submodule``，或子模块 ``name.submodule`` 里。"""
    if isinstance(plug, ModuleType):
        for holder in (plug, getattr(plug, submodule, None)):
            if hasattr(holder, wanted):
                return getattr(holder, wanted)
    try:
        found = getattr(importlib.import_module(f"{name}.{submodule}"), wanted, None)
    except ModuleNotFoundError as exc:
        if not _is_missing(exc, name, submodule):
            raise _no_binary(exc, name) from exc
        found = _find_in_root(name, wanted, exc)
    except ImportError as exc:
        raise _no_binary(exc, name) from exc
    if found is None:
        raise UsageError("xtquant", name, f"{_FORM}；它没有 {submodule}.{wanted}")
    return found


def _is_missing(exc: ModuleNotFoundError, name: str, submodule: str) -> bool:
    return exc.name in (name, f"{name}.{submodule}")


def _find_in_root(name: str, wanted: str, exc: ModuleNotFoundError) -> Any:
    """子模块没有：也许这个模块自己就带着；连它也没有就是没装。"""
    try:
        root = importlib.import_module(name)
    except ModuleNotFoundError:
        if name == "xtquant":
            raise MissingDependencyError(f"没有安装 xtquant：{_INSTALL}", name=name) from exc
        raise UsageError("xtquant", name, f"{_FORM}；导入不到 {name}") from exc
    return getattr(root, wanted, None)


def _no_binary(exc: ImportError, name: str) -> MissingDependencyError:
    return MissingDependencyError(binary_remedy(name, exc), name=exc.name)
