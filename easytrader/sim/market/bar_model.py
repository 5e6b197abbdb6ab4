"""K 线怎样变成一跳一跳的价格、盘口与成交：线只说了四个价和一个量，其余都是这里的假设。

设置（文件夹的 ``bar_path``、``bar_share``、``bar_queue``）的默认都往对使用者不利的一边取。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.sim.exchange.depth import DISPLAYED, Level

if TYPE_CHECKING:
    from easytrader.sim.market.columns import Bar


PATHS: Final = ("adverse", "body", "low_first", "high_first")
QUEUES: Final = ("through", "shown")


class BarModel(NamedTuple):
    """一根线的假设。

    Attributes:
        path: 先到最低还是先到最高。``adverse`` 对使用者不利的：当日买入不能卖的先低后高
            （止损先到、先卖后买做不成），当日可以回转的先高后低（先买后卖做不成）；
            ``body`` 阳线先低后高、阴线先高后低；``low_first``、``high_first``。
        share: 自己的委托（吃单与挂单合计）至多分到一根线成交量的多少。
        queue: 只碰到限价时。``through`` 不成交，穿过一个价位才轮到；
            ``shown`` 前面排着盘口显示的数量，碰到的那一半成交先给他们。
    """

    path: str = "adverse"
    share: float = 0.25
    queue: str = "through"

    def low_first(self, bar: Bar, same_day_sale: bool) -> bool:
        """先走到最低。"""
        if self.path == "body":
            return bar.close_li >= bar.open_li
        return self.path == "low_first" or (self.path == "adverse" and not same_day_sale)

    def lots(self, bar: Bar, lot: int) -> int:
        """一根线里一共有多少手给自己。"""
        return int(bar.volume // lot * self.share)

    @property
    def touched(self) -> int | None:
        """见 `Prints.touched`。"""
        return 0 if self.queue == "through" else None


LEAST_TICKS: Final = 4
"""一根线至少要有这么多跳，四个价才都走得到。"""
_WEIGHT: Final = 4


def anchors(count: int) -> tuple[int, int, int, int]:
    """四个价在第几跳：两头，与三分之一、三分之二处。"""
    return 1, 1 + (count - 1) // 3, 1 + 2 * (count - 1) // 3, count


def price_at(bar: Bar, at: int, count: int, tick_li: int, low_first: bool) -> int:
    """一共 ``count`` 跳的线，走到第 ``at`` 跳（从 1 数起）的价格：从开盘经两个极端到收盘。"""
    first, second = (bar.low_li, bar.high_li) if low_first else (bar.high_li, bar.low_li)
    prices = (bar.open_li, first, second, bar.close_li)
    places = anchors(count)
    leg = 2 if at > places[2] else 1 if at > places[1] else 0
    start, stop = prices[leg], prices[leg + 1]
    here, there = places[leg], places[leg + 1]
    if at in (here, there):
        return start if at == here else stop
    steps = (stop - start) * (at - here) // ((there - here) * tick_li)
    return min(max(start + steps * tick_li, bar.low_li), bar.high_li)


def spread(lots: int, at: int, count: int) -> int:
    """``lots`` 手摊到第 ``at`` 跳的；四个价上多分一些。"""
    places = anchors(count)
    whole = count + (_WEIGHT - 1) * len(places)
    until = at + (_WEIGHT - 1) * sum(place <= at for place in places)
    before = until - (_WEIGHT if at in places else 1)
    return lots * until // whole - lots * before // whole


def lots_at(lots: int, at: int, count: int) -> tuple[int, int]:
    """第 ``at`` 跳的：盘口上一侧挂着多少手，市场成交里挂单能分到多少手；各跳合起来是 ``lots``。"""
    here = spread(lots, at, count)
    shown = (here + (at in anchors(count))) // 2
    return shown, here - shown


def day_lots_at(lots: int, at: int, count: int, minute: int) -> tuple[int, int]:
    """日线的：一跳分不到一手，盘口显示 ``minute`` 跳（一分钟）的，吃掉的由 `impact` 记着。"""
    half = lots // 2
    shown = spread(lots - half, (at - 1) // minute + 1, -(-count // minute))
    return shown, spread(half, at, count)


def book_at(
    bar: Bar, price_li: int, lifted: bool, lots: int, units: tuple[int, int]
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """价格在 ``price_li`` 时的卖盘与买盘，一侧一共 ``lots`` 手。

    ``lifted``：最近一笔是主动买，成交在卖一；否则成交在买一。线的一端上只有一侧放得下时放那一侧。
    只有一个价的线两侧都有，另一侧在它外面一个价位：不是涨跌停，真的盘口不会少一边。
    ``units``：最小变动价位，一手多少股。
    """
    tick_li, _ = units
    if bar.low_li == bar.high_li:
        bar = bar._replace(low_li=bar.low_li - tick_li, high_li=bar.high_li + tick_li)
    elif price_li - tick_li < bar.low_li and price_li + tick_li <= bar.high_li:
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
