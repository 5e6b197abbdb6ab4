"""`connect()` 的参数校验：连接特有的几项。"""

from __future__ import annotations

from typing import Any, Final

from easytrader.codes import AccountType
from easytrader.errors import UsageError
from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback


def check_callback(callback: Any) -> None:
    """回调对象；None 是没有给。"""
    if callback is None:
        return
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


_CALLBACK_NAMES: Final = tuple(
    name for name in vars(DefaultXtQuantTraderCallback) if name.startswith("on_")
)


def check_account_type(value: object) -> str:
    """账号类型的名字。"""
    name = value.upper() if isinstance(value, str) else ""
    if name not in AccountType.__members__:
        choices = "、".join(AccountType.__members__)
        raise UsageError("account_type", value, f"可用的账号类型：{choices}")
    return name
