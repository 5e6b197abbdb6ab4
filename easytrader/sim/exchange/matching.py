"""一笔委托到达时与对手盘怎么成交。纯函数：只看参数，不改任何东西。

依据：SSE26 3.3.4–3.3.6（五档撤销、五档转限价、本方最优、对手方最优、保护限价），
SZSE26 3.3.4–3.3.6（另有即时成交剩余撤销、全额成交或撤销，没有保护限价）。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.sim.exchange.depth import DISPLAYED, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Execution(NamedTuple):
    """到达时的结果。

    Attributes:
        fills: 依次成交的（价格，数量）；价格是对手盘挂着的价格。
        rest_li: 剩余部分挂单的限价；None 表示没有剩余，或剩余撤销。
    """

    fills: tuple[Level, ...]
    rest_li: int | None


class Arrival(NamedTuple):
    """一笔刚到的委托看到的一切。

    ``limit_li`` 是不能越过的价格：限价、保护限价，或涨跌停价。
    ``opposite`` 是此刻还没被吃掉的对手盘；``own_best_li`` 是本方最优价，没有为 None。
    """

    buy: bool
    volume: int
    limit_li: int
    opposite: Sequence[Level]
    own_best_li: int | None


def arrive(price_type: int, arrival: Arrival) -> Execution:
    """按报价类型成交。``price_type`` 是送出的代码（5、11、42–48）。"""
    return _BEHAVIOUR[price_type](arrival)


def _within(arrival: Arrival, price_li: int) -> bool:
    return price_li <= arrival.limit_li if arrival.buy else price_li >= arrival.limit_li


def _bounded(arrival: Arrival, price_li: int) -> int:
    pick = min if arrival.buy else max
    return pick(price_li, arrival.limit_li)


def _sweep(arrival: Arrival, levels: Sequence[Level]) -> tuple[Level, ...]:
    fills = []
    left = arrival.volume
    for level in levels:
        if left <= 0 or not _within(arrival, level.price_li):
            break
        took = min(left, level.volume)
        fills.append(Level(level.price_li, took))
        left -= took
    return tuple(fills)


def _rest(arrival: Arrival, fills: tuple[Level, ...], limit_li: int | None) -> Execution:
    if not fills:
        return Execution(fills, limit_li)
    done = sum(fill.volume for fill in fills) == arrival.volume
    return Execution(fills, None if done else limit_li)


def _limit(arrival: Arrival) -> Execution:
    return _rest(arrival, _sweep(arrival, arrival.opposite), arrival.limit_li)


def _five_cancel(arrival: Arrival) -> Execution:
    return Execution(_sweep(arrival, arrival.opposite[:DISPLAYED]), None)


def _five_limit(arrival: Arrival) -> Execution:
    """剩余按本委托最后一笔成交价转限价；没有成交按本方最优；本方也没有就撤销。"""
    fills = _sweep(arrival, arrival.opposite[:DISPLAYED])
    if fills:
        return _rest(arrival, fills, fills[-1].price_li)
    return _mine_first(arrival)


def _peer_first(arrival: Arrival) -> Execution:
    """以对手方最优价（不越过保护限价）为限价；对手方没有就撤销。"""
    if not arrival.opposite:
        return Execution((), None)
    limit_li = _bounded(arrival, arrival.opposite[0].price_li)
    fills = _sweep(arrival._replace(limit_li=limit_li), arrival.opposite)
    return _rest(arrival, fills, limit_li)


def _mine_first(arrival: Arrival) -> Execution:
    own = arrival.own_best_li
    return Execution((), None if own is None else _bounded(arrival, own))


def _all_cancel(arrival: Arrival) -> Execution:
    return Execution(_sweep(arrival, arrival.opposite), None)


def _full_or_cancel(arrival: Arrival) -> Execution:
    fills = _sweep(arrival, arrival.opposite)
    done = sum(fill.volume for fill in fills) == arrival.volume
    return Execution(fills if done else (), None)


_BEHAVIOUR: Final[dict[int, Callable[[Arrival], Execution]]] = {
    PriceType.LATEST: _limit,
    PriceType.FIX: _limit,
    PriceType.SH_CONVERT_5_CANCEL: _five_cancel,
    PriceType.SH_CONVERT_5_LIMIT: _five_limit,
    PriceType.PEER_PRICE_FIRST: _peer_first,
    PriceType.MINE_PRICE_FIRST: _mine_first,
    PriceType.SZ_INSTBUSI_RESTCANCEL: _all_cancel,
    PriceType.SZ_CONVERT_5_CANCEL: _five_cancel,
    PriceType.SZ_FULL_OR_CANCEL: _full_or_cancel,
}
