"""集合竞价的撮合，纯函数：一批委托进，一个价格与各自成交多少出。

成交价依次由三条定（SSE26 3.5.2、SZSE26 3.4.2、BSE26 3.4.2，2026-07-06 起；内容沿自 2006 年规则）：

1. 成交量最大；
2. 高于它的买、低于它的卖全部成交；
3. 等于它的买或卖至少有一方全部成交（第一条成立时总是成立）。

还有几个价格时三家不同，见 `TieRule`。上交所的候选价格只有报过的价（真实的开盘：三个按每个价位算是
30.87、58.35、24.54 的，开在 30.80、58.21、24.60），深、北是最低与最高报价之间的每一个价位。
"""

from __future__ import annotations

from enum import Enum
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TieRule(Enum):
    """几个价格都满足三条时取哪一个；先都取未成交量最小的。

    ``MIDDLE`` 只在报过的价里选，取最低与最高的当中（四舍五入到价位，可以是没有人报的价）。
    """

    MIDDLE = "中间价"
    NEAREST = "离参考价最近"


TIE_RULES: Final = {"SH": TieRule.MIDDLE, "SZ": TieRule.NEAREST, "BJ": TieRule.NEAREST}
"""上交所取中间价（SSE26 3.5.2）；深交所开盘离前收盘、收盘离最近成交价最近（SZSE26 3.4.2）；

北交所离最近成交价最近，没有成交的离前收盘最近（BSE26 3.4.2）。北交所的第二条（先取未成交量最小）
没有查到原文，照沪深处理。
"""


EQUIDISTANT_HIGHER: Final = True
"""参考价正好在两个候选价位当中时取高的；规则没有写，见文档。"""


class Interest(NamedTuple):
    """一笔参加集合竞价的委托；``rank`` 小的先到。"""

    buy: bool
    price_li: int
    volume: int
    rank: tuple[int, ...]


class Clearing(NamedTuple):
    """结果：成交价、成交量、各笔成交的数量（与送进来的次序相同）。"""

    price_li: int
    volume: int
    filled: tuple[int, ...]


class _Stretch(NamedTuple):
    """一段供求不变的价位，两头都含。"""

    low_li: int
    high_li: int
    demand: int
    supply: int
    above: int
    below: int
    submitted: bool

    @property
    def matched(self) -> int:
        return min(self.demand, self.supply)

    @property
    def imbalance(self) -> int:
        return abs(self.demand - self.supply)


def clear(
    orders: Sequence[Interest], rule: TieRule, reference_li: int, tick_li: int
) -> Clearing | None:
    """撮合；买价都低于卖价（没有成交）为 None。"""
    price = _price(orders, rule, reference_li, tick_li)
    if price is None:
        return None
    volume = min(
        sum(each.volume for each in orders if each.buy and each.price_li >= price),
        sum(each.volume for each in orders if not each.buy and each.price_li <= price),
    )
    filled = [0] * len(orders)
    for buy in (True, False):
        _allocate(orders, buy, price, volume, filled)
    return Clearing(price, volume, tuple(filled))


def _allocate(
    orders: Sequence[Interest], buy: bool, price_li: int, volume: int, filled: list[int]
) -> None:
    """价格优先、时间优先，直到分完。"""
    sign = -1 if buy else 1
    eligible = (
        (sign * each.price_li, each.rank, index)
        for index, each in enumerate(orders)
        if each.buy is buy and sign * each.price_li <= sign * price_li
    )
    left = volume
    for _, _, index in sorted(eligible):
        filled[index] = min(orders[index].volume, left)
        left -= filled[index]
        if left == 0:
            return


def _price(
    orders: Iterable[Interest], rule: TieRule, reference_li: int, tick_li: int
) -> int | None:
    stretches = _stretches(orders, tick_li)
    if rule is TieRule.MIDDLE:
        stretches = [each for each in stretches if each.submitted]
    most = max((each.matched for each in stretches), default=0)
    if most == 0:
        return None
    valid = [
        each
        for each in stretches
        if each.matched == most and each.above <= most and each.below <= most
    ]
    least = min(each.imbalance for each in valid)
    # 供求都单调，剩下的几段彼此相连（上交所的：当中没有别的报价）
    tied = [each for each in valid if each.imbalance == least]
    low, high = tied[0].low_li, tied[-1].high_li
    if rule is TieRule.MIDDLE:
        return _to_tick(low + high, 2, tick_li)
    return min(max(_nearest(reference_li, tick_li), low), high)


def _nearest(reference_li: int, tick_li: int) -> int:
    if EQUIDISTANT_HIGHER:
        return _to_tick(reference_li, 1, tick_li)
    return -_to_tick(-reference_li, 1, tick_li)


def _to_tick(numerator: int, denominator: int, tick_li: int) -> int:
    """四舍五入到价位（正好在当中的取高）。"""
    unit = denominator * tick_li
    return (2 * numerator + unit) // (2 * unit) * tick_li


def _stretches(orders: Iterable[Interest], tick_li: int) -> list[_Stretch]:
    """由低到高的各段：每个报过的价是一段，相邻两个报价之间的价位合成一段。"""
    bought: dict[int, int] = {}
    sold: dict[int, int] = {}
    for each in orders:
        side = bought if each.buy else sold
        side[each.price_li] = side.get(each.price_li, 0) + each.volume
    prices = sorted(bought.keys() | sold.keys())
    supplies = list(accumulate(sold.get(price, 0) for price in prices))
    falling = list(accumulate(bought.get(price, 0) for price in reversed(prices)))
    demands = [*reversed(falling), 0]
    found = []
    for index, price in enumerate(prices):
        below = supplies[index - 1] if index else 0
        if index and price - prices[index - 1] > tick_li:
            inner = (prices[index - 1] + tick_li, price - tick_li)
            found.append(_Stretch(*inner, demands[index], below, demands[index], below, False))
        found.append(
            _Stretch(price, price, demands[index], supplies[index], demands[index + 1], below, True)
        )
    return found
