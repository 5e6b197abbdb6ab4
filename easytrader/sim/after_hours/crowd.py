"""盘后固定价格里的别人，和两边的队怎样对上。纯函数。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.sim.market.noise import hash01, salt_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Crowd", "Entry", "cross", "crowd_of", "queue"]

_LEAST_PPM: Final = 1_000
_MOST_PPM: Final = 6_000
"""别人每边的申报合计，是全天成交量的百万分之几：没有公开的统计可依，取 0.1%–0.6%。"""
_LOT: Final = 100

_OPEN: Final = 34200
_CLOSE: Final = 54000
_END: Final = 55800
_BEFORE_CLOSE: Final = 40
"""收盘以前先到的占百分之几；其余在 15:00–15:30 均匀地到。"""


class Crowd(NamedTuple):
    """别人一天的买入与卖出申报，股、份。"""

    buys: int
    sells: int

    def arrived(self, buy: bool, second: float) -> int:
        """到这一秒（当日零点起）为止，这一边一共来了多少。"""
        total = self.buys if buy else self.sells
        at = min(max(int(second), _OPEN), _END)
        early = min(at, _CLOSE) - _OPEN
        late = max(at - _CLOSE, 0)
        share = early * _BEFORE_CLOSE * (_END - _CLOSE) + late * (100 - _BEFORE_CLOSE) * (
            _CLOSE - _OPEN
        )
        return total * share // (100 * (_CLOSE - _OPEN) * (_END - _CLOSE)) // _LOT * _LOT


class Entry(NamedTuple):
    """队里的一段：``order`` 为 0 的是别人。"""

    order: int
    volume: int


def crowd_of(stock_code: str, day: int, turnover: int, *, bought: bool, sold: bool) -> Crowd:
    """由代码、日期、全天成交量定下；封着涨跌停的那一边没有人（``bought``、``sold`` 为假）。"""
    salt = salt_of(turnover, stock_code)
    totals = []
    for side, there in ((0xA1, bought), (0xA2, sold)):
        ppm = _LEAST_PPM + int((_MOST_PPM - _LEAST_PPM) * hash01(salt ^ side, day))
        totals.append(turnover * ppm // 1_000_000 // _LOT * _LOT if there else 0)
    return Crowd(*totals)


def queue(gone: int, arrived: int, orders: Iterable[tuple[int, int, int]]) -> list[Entry]:
    """一边的队：自己的插在各自到的时候。

    Args:
        gone: 别人已经走掉多少。
        arrived: 别人一共来了多少。
        orders: 自己的（编号，剩余，它到的时候别人来了多少），按到的先后。
    """
    found, at = [], gone
    for order, volume, before in orders:
        if before > at:
            found.append(Entry(0, before - at))
            at = before
        found.append(Entry(order, volume))
    if arrived > at:
        found.append(Entry(0, arrived - at))
    return found


def cross(buys: list[Entry], sells: list[Entry]) -> tuple[dict[int, int], int, int]:
    """两边从队头对起：（委托编号 → 成交数量，按轮到的先后）、走掉的别人的买入、卖出。"""
    fills: dict[int, int] = {}
    gone = [0, 0]
    sides = (buys, sells)
    places = [0, 0]
    left = [side[0].volume if side else 0 for side in sides]
    while all(left):
        volume = min(left)
        for index, side in enumerate(sides):
            order = side[places[index]].order
            if order:
                fills[order] = fills.get(order, 0) + volume
            else:
                gone[index] += volume
            left[index] -= volume
            if not left[index]:
                places[index] += 1
                more = places[index] < len(side)
                left[index] = side[places[index]].volume if more else 0
    return fills, gone[0], gone[1]
