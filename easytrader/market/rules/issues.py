"""新股、可转债的网上申购：申购单位、市值、一人一次、缴款与弃购。"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import CONVERTIBLE, STAR, STAR_OPENED, Dated, Note, Scope


class Unit(NamedTuple):
    """一个申购单位（一个配号）多少股（张），要多少市值（厘；0 为不要市值）。"""

    shares: int
    value_li: int


_SHARES: Final = (Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT)
_CREDIT: Final = date(2016, 1, 1)
_BONDS: Final = date(2017, 9, 8)
_ALL: Final = (*_SHARES, Scope.CONVERTIBLE)
_UNREAD: Final = "没有对过原文"

LEAST_VALUE_LI: Final = 10_000_000
"""至少 1 万元市值才有额度。"""
AVERAGE_DAYS: Final = 20
BOND_MOST: Final = 10_000
"""可转债每人的额度，张（厂商文档：债券的申购额度固定 10000 张）。"""
GIVE_UPS: Final = 3
BAN_DAYS: Final = 180

UNITS: Final[tuple[Dated[Unit], ...]] = (
    Dated(
        "I1", (Scope.SH_MAIN,), date(2023, 2, 17), Unit(500, 5_000_000), "IPO23", sure=False
    ).noted(f"全面注册制起与深市相同，可以按每只新股另写；{_UNREAD}"),
    Dated("I2", (Scope.SH_MAIN,), _CREDIT, Unit(1000, 10_000_000), "公开整理", sure=False).noted(
        f"到 2023-02-16；{_UNREAD}"
    ),
    Dated("I3", STAR, STAR_OPENED, Unit(500, 5_000_000), "STAR19 IPO23", _UNREAD, sure=False),
    Dated(
        "I4", (Scope.SZ_MAIN, Scope.CHINEXT), _CREDIT, Unit(500, 5_000_000), "IPO23", sure=False
    ).noted(_UNREAD),
    Dated("I5", CONVERTIBLE, _BONDS, Unit(10, 0), "CBISSUE", sure=False).noted(
        f"1000 元面额，不要市值；{_UNREAD}"
    ),
)

TERMS: Final = (
    Note("I6", _ALL, _CREDIT, "每只限一次，不能撤单", "IPO23 CBISSUE", sure=False).noted(
        f"同一账户重复申购只有第一笔有效；{_UNREAD}"
    ),
    Note("I7", _ALL, _CREDIT, "T+2 日日终缴款", "IPO23 CBISSUE", sure=False).noted(
        "申购时不冻结资金（可转债 2017-09-08 起）；不足的部分视为放弃，股票以 1 股为单位，"
        f"沪市可转债 10 张、深市 1 张；{_UNREAD}"
    ),
    Note(
        "I8",
        _ALL,
        _CREDIT,
        "12 个月内 3 次未足额缴款，180 个自然日内不得申购",
        "IPO23 CBISSUE",
        sure=False,
    ).noted(f"从最近一次放弃的次日起；{_UNREAD}"),
    Note(
        "I9",
        _ALL,
        _CREDIT,
        "沪市 9:30–11:30、13:00–15:00；深市 9:15–11:30、13:00–15:00",
        "IPO23 CBISSUE",
        sure=False,
    ).noted(f"申购日当天；{_UNREAD}"),
)
