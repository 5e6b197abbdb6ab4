"""某一刻的盘口，和某一跳里的成交。价格是整数厘，数量是股/份/张。"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["DISPLAYED", "Level", "Prints", "Quote"]

DISPLAYED: Final = 5
"""对外展示、「最优五档」所指的档数；更深的档位只有能扫穿五档的委托碰得到。"""


class Level(NamedTuple):
    """一档。"""

    price_li: int
    volume: int


class Prints(NamedTuple):
    """一跳之内市场自己的成交：价格范围与成交量。

    ``bounded``：挂单也只能成交在这个范围之内（回放的一根线从没到过的价格，谁也没有成交过）；
    否则按挂单自己的限价成交。
    """

    low_li: int
    high_li: int
    volume: int
    bounded: bool = False

    def fill_price(self, limit_li: int) -> int:
        """限价为 ``limit_li`` 的挂单成交在哪里。"""
        return min(max(limit_li, self.low_li), self.high_li) if self.bounded else limit_li


class Quote(NamedTuple):
    """某只证券在某一跳的盘口。

    ``asks`` 由低到高、``bids`` 由高到低；前 `DISPLAYED` 档是展示的五档。涨停时 ``asks`` 为空，
    跌停时 ``bids`` 为空；停牌时两边都空，全天停牌的 ``suspended`` 为真。
    """

    tick: int
    pre_close_li: int
    last_li: int
    limit_down_li: int
    limit_up_li: int
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    suspended: bool = False
