"""普通买卖之外的动词，一组一个类：``user.credit``、``user.ipo`` 等；用到哪一组才导入它。"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from easytrader.miniqmt.groups.after_hours import AfterHours
    from easytrader.miniqmt.groups.algo import Algo
    from easytrader.miniqmt.groups.bank import Bank
    from easytrader.miniqmt.groups.base import Group
    from easytrader.miniqmt.groups.client import Client
    from easytrader.miniqmt.groups.credit import Credit
    from easytrader.miniqmt.groups.ipo import Ipo
    from easytrader.miniqmt.groups.lending import Lending
    from easytrader.miniqmt.groups.transfer import Transfer

__all__ = [
    "AfterHours",
    "Algo",
    "Bank",
    "Client",
    "Credit",
    "Group",
    "Ipo",
    "Lending",
    "Transfer",
    "every_group",
]

_HOMES: Final = {
    "AfterHours": "after_hours",
    "Algo": "algo",
    "Bank": "bank",
    "Client": "client",
    "Credit": "credit",
    "Group": "base",
    "Ipo": "ipo",
    "Lending": "lending",
    "Transfer": "transfer",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def every_group() -> tuple[type[Group], ...]:
    """各组的类。"""
    return tuple(__getattr__(name) for name in _HOMES if name != "Group")
