"""两融规则的带日期表。比例是百万分之几。"""

from __future__ import annotations

from datetime import date
from typing import Final

from easytrader.sim.rules.tables import BONDS, FUNDS, SHARES, Dated, Scope, pick

_ALL: Final = SHARES + FUNDS + BONDS
_PILOT: Final = date(2010, 3, 31)

FIN_MARGINS: Final = (
    Dated("RZ1", _ALL, date(2026, 1, 19), 1_000_000, "MARGIN26", "融资；只管这天起新开的合约"),
    Dated("RZ2", _ALL, date(2023, 9, 11), 800_000, "MARGIN23").noted(
        "融资；只管新开的合约；2023-09-08 收市后施行，从下一个交易日起"
    ),
    Dated("RZ3", _ALL, date(2015, 11, 23), 1_000_000, "公开整理", "融资；没有对过原文", sure=False),
    Dated("RZ4", _ALL, _PILOT, 500_000, "公开整理", "融资，试点起；没有对过原文", sure=False),
)
"""融资保证金最低比例。"""

SLO_MARGINS: Final = (
    Dated("RZ5", _ALL, date(2024, 7, 22), 1_000_000, "公开整理", sure=False).noted(
        "融券；私募证券投资基金是 120%，这里不分；没有对过原文"
    ),
    Dated("RZ6", _ALL, date(2023, 10, 30), 800_000, "公开整理", "融券；没有对过原文", sure=False),
    Dated("RZ7", _ALL, _PILOT, 500_000, "公开整理", "融券，试点起；没有对过原文", sure=False),
)
"""融券保证金最低比例。"""

PRICE_FLOORS: Final = (
    Dated("RZ8", SHARES + BONDS, _PILOT, True, "RZRQ", sure=False).noted(
        "融券卖出的报价不得低于最新成交价，当天没有成交的不得低于前收盘；ETF 等基金不受限制"
    ),
)
"""融券卖出的申报价格不得低于最新成交价。没有行的不限。"""

RETURN_NEXT_DAY: Final = (
    Dated("RZ9", _ALL, date(2015, 8, 3), True, "RZRQ", sure=False).noted(
        "融券卖出后次一交易日起才能还券；此前当日可以"
    ),
)
"""融券卖出之后，次一交易日起才能还券。"""

TERMS: Final = (
    Dated(
        "RZ10", _ALL, _PILOT, 180, "RZRQ", "合约期限不超过六个月，各家按 180 个自然日", sure=False
    ),
)
"""合约期限，自然日。"""

WITHDRAWALS: Final = (
    Dated("RZ11", _ALL, _PILOT, 3_000_000, "RZRQ", sure=False).noted(
        "提取线：取后维持担保比例不得低于它；没有对过原文"
    ),
)
"""提取线。"""


def returns_next_day(scope: Scope, day: date) -> bool:
    """``day`` 这天，当天融券的能不能当天还（真为不能）。"""
    return pick(RETURN_NEXT_DAY, scope, day, False)


def has_price_floor(scope: Scope, day: date) -> bool:
    """``day`` 这天，融券卖出的报价受不受最新价限制。"""
    return pick(PRICE_FLOORS, scope, day, False)
