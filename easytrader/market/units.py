"""一只证券此刻的数量单位与最小变动价位：从带日期的规则表（`market.rules`）里取。

模拟柜台收单、拒单看的是同一张表。表里没有的（认不出的、申购代码）按最常见的，只用来提醒。
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics import pace
from easytrader.basics.beijing import day_of
from easytrader.market.rules.quantities import B_SHARES, LOTS, TICKS, Lot
from easytrader.market.rules.tables import pick, scope_of

if TYPE_CHECKING:
    from easytrader.market.rules.tables import Scope
    from easytrader.market.symbols import Security


class Units(NamedTuple):
    """数量与价格的单位。

    Attributes:
        minimum: 最小买入数量，股/份/张。
        step: 它之上的递增单位。
        tick_li: 最小变动价位，厘（0.001 元；B 股是美元、港元的千分之一）。
    """

    minimum: int
    step: int
    tick_li: int


USUAL: Final = Units(100, 100, 1)
"""表里没有的。"""
BIGGEST_TICK_LI: Final = max(row.value for row in TICKS)


def units_of(security: Security, day: int | None = None) -> Units:
    """``security`` 的单位。

    Args:
        security: 证券。
        day: 哪一天的规则，公历序数；默认今天（北京时间）。
    """
    scope = scope_of(security)
    if scope is None:
        found = B_SHARES.get(security.board)
        return USUAL if found is None else Units(found.lot.minimum, found.lot.step, found.tick_li)
    return _of(scope, day_of(pace.current().now()) if day is None else day)


@lru_cache(maxsize=4096)
def _of(scope: Scope, day: int) -> Units:
    at = date.fromordinal(day)
    lot = pick(LOTS, scope, at, Lot(USUAL.minimum, USUAL.step))
    return Units(lot.minimum, lot.step, pick(TICKS, scope, at, USUAL.tick_li))
