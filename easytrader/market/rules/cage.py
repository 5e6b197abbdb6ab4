"""有效申报价格范围：连续竞价的价格笼子，不设涨跌幅的证券在集合竞价里的范围。纯函数。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.market.rules.bands import Rounding, bound
from easytrader.market.rules.tables import (
    BSE,
    BSE_OPENED,
    CHINEXT,
    CHINEXT_REFORM,
    CONVERTIBLE,
    MAIN,
    MAIN_REFORM,
    STAR,
    STAR_OPENED,
    Dated,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cage(NamedTuple):
    """笼子：基准价上下万分之几，与若干个价位比，取宽的。"""

    ratio_bp: int
    ticks: int


class CallRange(NamedTuple):
    """不设涨跌幅的证券（与上市首日的可转债）在集合竞价里的范围，万分之几；0 为不限。

    ``open_low_bp``、``open_high_bp`` 对前收盘（新股是发行价）；
    ``close_bp`` 对最近成交价，上下各这么多。
    """

    open_low_bp: int
    open_high_bp: int
    close_bp: int


CAGES: Final[tuple[Dated[Cage | None], ...]] = (
    Dated(
        "C1", MAIN, MAIN_REFORM, Cage(200, 10), "SSE23 SZSE23 SSE26 SZSE26", "2% 与 10 个价位取宽"
    ),
    Dated("C2", CHINEXT, MAIN_REFORM, Cage(200, 10), "SZSE23 SZSE26", "2023 年增加 10 个价位"),
    Dated("C3", CHINEXT, CHINEXT_REFORM, Cage(200, 0), "CHINEXT20").noted(
        "只有 2%；当时超出的暂存主机，这里一律拒绝"
    ),
    Dated("C4", STAR, STAR_OPENED, Cage(200, 0), "STAR19 SSE26", "2%，没有价位一项"),
    Dated("C5", BSE, BSE_OPENED, Cage(500, 10), "BSE21 BSE26", "5% 与 10 个价位取宽"),
)
"""连续竞价的限价委托。基金、可转债、债券没有行：不设笼子（可转债只有二手来源）。"""

CAGE_ROUNDINGS: Final = (
    Dated("C6", (*MAIN, *CHINEXT), CHINEXT_REFORM, Rounding.HALF_UP, "SSE26 SZSE26", "同涨跌停价"),
    Dated("C6", STAR, STAR_OPENED, Rounding.HALF_UP, "SSE26", "同涨跌停价"),
    Dated("C7", BSE, BSE_OPENED, Rounding.HALF_UP, "公开整理", sure=False).noted(
        "北交所的涨跌停价是向里取整的，笼子是不是也这样没有核到；`rules.json` 的 bse_cage 可以改"
    ),
)
"""笼子的边界怎样取整。"""

FIRST_CALLS: Final = (
    Dated(
        "N10", CONVERTIBLE, date(2022, 8, 1), CallRange(7000, 13_000, 0), "CB22", sure=False
    ).noted(
        "可转债上市首日的开盘集合竞价：发行价的 ±30%；"
        "`rules.json` 的 convertible_first_call 可以关掉"
    ),
)
"""上市首日开盘集合竞价的范围，有涨跌幅的也查。"""

CALL_RANGES: Final[tuple[Dated[CallRange | None], ...]] = (
    Dated(
        "N8", (Scope.SZ_MAIN,), MAIN_REFORM, CallRange(0, 90_000, 1000), "SZSE23", sure=False
    ).noted("开盘不高于发行价的 900%；收盘为最近成交价 ±10%"),
    Dated("N8", CHINEXT, CHINEXT_REFORM, CallRange(0, 90_000, 1000), "CHINEXT20", sure=False).noted(
        "开盘不高于发行价的 900%；收盘为最近成交价 ±10%"
    ),
    Dated(
        "N9", (Scope.SH_MAIN,), MAIN_REFORM, CallRange(5000, 90_000, 0), "SSE23", sure=False
    ).noted("开盘为发行价的 50%–900%"),
    Dated("N9", STAR, STAR_OPENED, CallRange(5000, 90_000, 0), "STAR19", sure=False).noted(
        "开盘为发行价的 50%–900%"
    ),
)
"""取自 2020–2023 年的条文，没有对着 2026 年的文本核过。"""


def reference_price(
    buy: bool, asks: Sequence[tuple[int, int]], bids: Sequence[tuple[int, int]], last_li: int
) -> int:
    """笼子的基准价：买看最优卖价，没有看最优买价，再没有看最近成交（当日没有成交就是前收盘）。

    卖相反。``last_li`` 由行情给：当日没有成交时它就是前收盘。
    """
    for levels in (asks, bids) if buy else (bids, asks):
        if levels:
            return levels[0][0]
    return last_li


def cage_limit(
    buy: bool, reference_li: int, cage: Cage, tick: int, rounding: Rounding = Rounding.HALF_UP
) -> int:
    """买入不能高于、卖出不能低于的价格。一个价位的下限同涨跌幅。"""
    if buy:
        high = bound(reference_li, 10_000 + cage.ratio_bp, tick, rounding)
        return max(high, reference_li + cage.ticks * tick)
    low = bound(reference_li, 10_000 - cage.ratio_bp, tick, rounding)
    return max(min(low, reference_li - cage.ticks * tick), tick)


def call_limits(
    span: CallRange, opening: bool, pre_close_li: int, last_li: int, tick: int
) -> tuple[int, int | None]:
    """集合竞价的最低与最高价；None 为不限。"""
    if opening:
        low = bound(pre_close_li, span.open_low_bp, tick) if span.open_low_bp else tick
        return low, bound(pre_close_li, span.open_high_bp, tick) if span.open_high_bp else None
    if not span.close_bp:
        return tick, None
    return (
        bound(last_li, 10_000 - span.close_bp, tick),
        bound(last_li, 10_000 + span.close_bp, tick),
    )
