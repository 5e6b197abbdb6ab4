"""一根线里面：价格怎么走，每一跳分到多少成交量，线周围的五档盘口。纯函数，只用整数。

一根线只说了四个价和一个量。价格从开盘走到近的那个极端、再到另一个、再到收盘（阳线先低后高，
阴线先高后低），四个价都走到；成交量在四个价上多分一些。盘口的每一档都在这根线的最低、最高之间，
一根线里能买到的（或能卖出的）合起来不超过它的成交量。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.sim.exchange.depth import DISPLAYED, Level

if TYPE_CHECKING:
    from easytrader.sim.market.columns import Bar

__all__ = ["LEAST_TICKS", "book_at", "lots_at", "price_at", "side_at"]

LEAST_TICKS: Final = 4
"""一根线至少要有这么多跳，四个价才都走得到。"""
_WEIGHT: Final = 4


def _anchors(count: int) -> tuple[int, int, int, int]:
    return 1, 1 + (count - 1) // 3, 1 + 2 * (count - 1) // 3, count


def price_at(bar: Bar, at: int, count: int, tick_li: int) -> int:
    """一共 ``count`` 跳的线，走到第 ``at`` 跳（从 1 数起）的价格。"""
    rising = bar.close_li >= bar.open_li
    first, second = (bar.low_li, bar.high_li) if rising else (bar.high_li, bar.low_li)
    prices = (bar.open_li, first, second, bar.close_li)
    places = _anchors(count)
    leg = 2 if at > places[2] else 1 if at > places[1] else 0
    start, stop = prices[leg], prices[leg + 1]
    here, there = places[leg], places[leg + 1]
    if at in (here, there):
        return start if at == here else stop
    steps = (stop - start) * (at - here) // ((there - here) * tick_li)
    return min(max(start + steps * tick_li, bar.low_li), bar.high_li)


def lots_at(bar: Bar, at: int, count: int, lot: int) -> tuple[int, int]:
    """第 ``at`` 跳的成交量：盘口上一侧挂着多少手，市场成交里挂单能分到多少手。"""
    places = _anchors(count)
    whole = count + (_WEIGHT - 1) * len(places)
    lots = bar.volume // lot
    until = at + (_WEIGHT - 1) * sum(place <= at for place in places)
    before = until - (_WEIGHT if at in places else 1)
    here = lots * until // whole - lots * before // whole
    shown = (here + (at in places)) // 2
    return shown, here - shown


def book_at(
    bar: Bar, price_li: int, lifted: bool, lots: int, units: tuple[int, int]
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """价格在 ``price_li`` 时的卖盘与买盘，一侧一共 ``lots`` 手。

    ``lifted``：最近一笔是主动买，成交在卖一；否则成交在买一。线的一端上只有一侧放得下时放那一侧。
    ``units``：最小变动价位，一手多少股。
    """
    tick_li, _ = units
    if price_li - tick_li < bar.low_li and price_li + tick_li <= bar.high_li:
        lifted = False
    elif price_li + tick_li > bar.high_li and price_li - tick_li >= bar.low_li:
        lifted = True
    ask = price_li if lifted else price_li + tick_li
    return (side_at(bar, ask, 1, lots, units), side_at(bar, ask - tick_li, -1, lots, units))


def side_at(
    bar: Bar, start_li: int, direction: int, lots: int, units: tuple[int, int]
) -> tuple[Level, ...]:
    """一侧的盘口：从 ``start_li`` 起往上（1）或往下（-1）至多五档，都在线的范围之内。"""
    tick_li, lot = units
    prices = [start_li + direction * tick_li * depth for depth in range(DISPLAYED)]
    prices = [price for price in prices if bar.low_li <= price <= bar.high_li]
    found = []
    for depth, price in enumerate(prices):
        share = lots // len(prices) + (depth < lots % len(prices))
        if share:
            found.append(Level(price, share * lot))
    return tuple(found)
