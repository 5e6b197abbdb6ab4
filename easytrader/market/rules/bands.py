"""涨跌幅：各板块的幅度、风险警示、新股与退市整理期不设涨跌幅的日子；取整。"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Final, NamedTuple

from easytrader.market.rules.tables import (
    BONDS,
    BOURSES,
    BSE,
    BSE_OPENED,
    CHINEXT,
    CHINEXT_REFORM,
    CONVERTIBLE,
    FUNDS,
    MAIN,
    MAIN_REFORM,
    REPOS,
    RULES_2026,
    STAR,
    STAR_OPENED,
    Dated,
    Scope,
)


class Band(NamedTuple):
    """涨跌幅，万分之几。"""

    down_bp: int
    up_bp: int


class WideBand(NamedTuple):
    """名单里的基金的涨跌幅；``codes`` 是代码或代码段。"""

    band: Band
    codes: tuple[str, ...]


class Rounding(Enum):
    """算出来的界限怎样取整到价位。"""

    HALF_UP = "四舍五入，至少差一个价位"
    PLAIN = "四舍五入"
    INWARD = "向里：上限截断，下限进位"


_10: Final = Band(1000, 1000)
_20: Final = Band(2000, 2000)
_30: Final = Band(3000, 3000)

BANDS: Final[tuple[Dated[Band | None], ...]] = (
    Dated("B1", MAIN, date(1996, 12, 16), _10, "LIMIT96 SSE26 SZSE26", "3.3.13"),
    Dated("B2", STAR, STAR_OPENED, _20, "STAR19 SSE26", "3.3.13；风险警示也是 20%"),
    Dated("B3", CHINEXT, CHINEXT_REFORM, _20, "CHINEXT20 SZSE26", "3.3.13；风险警示也是 20%"),
    Dated("B4", CHINEXT, date(2009, 10, 30), _10, "公开整理", "创业板开板"),
    Dated("B5", BSE, BSE_OPENED, _30, "BSE21 BSE26", "风险警示也是 30%"),
    Dated("B6", FUNDS, date(1996, 12, 16), _10, "LIMIT96 SSE26 SZSE26", "3.3.13，不分品种"),
    Dated("B7", CONVERTIBLE, date(2022, 8, 1), _20, "CB22", "上市次日起"),
)
"""没有行的（其他债券；2022-08-01 以前的可转债）不设涨跌幅。"""

RISK_BANDS: Final = (
    Dated("B8", MAIN, RULES_2026, _10, "SSE26 SZSE26", "3.3.13：主板风险警示股票由 5% 改为 10%"),
    Dated("B9", MAIN, date(1998, 4, 22), Band(500, 500), "SSE23 SZSE23").noted(
        "主板风险警示股票 5%，到 2026-07-05；起始日是制度的施行日"
    ),
)

WIDE_FUNDS: Final = (
    Dated(
        "B10",
        (Scope.SH_FUND,),
        date(2020, 8, 21),
        WideBand(_20, ("588", "589")),
        "FUND20 SSE26",
    ).noted("全部持有科创板股票的两个代码段；别的以交易所名单为准，写在清单里"),
    Dated(
        "B10",
        (Scope.SZ_FUND,),
        CHINEXT_REFORM,
        WideBand(_20, ("159783", "159915", "159949", "159967")),
        "FUND20 SZSE26",
    ).noted("创业板与双创的几只常见的；别的以交易所名单为准，写在清单里"),
)

FREE_SESSIONS: Final = (
    Dated("N1", MAIN, MAIN_REFORM, 5, "SSE23 SZSE23 SSE26 SZSE26", "注册制"),
    Dated("N2", STAR, STAR_OPENED, 5, "STAR19 SSE26", "上市前 5 个交易日"),
    Dated("N3", CHINEXT, CHINEXT_REFORM, 5, "CHINEXT20 SZSE26", "上市前 5 个交易日"),
    Dated("N4", BSE, BSE_OPENED, 1, "BSE21 BSE26", "只有上市首日"),
)
"""新股上市后不设涨跌幅的交易日数。"""

FIRST_DAY: Final = (
    Dated("N5", CONVERTIBLE, date(2022, 8, 1), Band(4330, 5730), "CB22").noted(
        "上市首日：发行价的 +57.3%、−43.3%"
    ),
)
REIT_FIRST_DAY: Final = (
    Dated("N6", FUNDS, date(2021, 1, 29), _30, "REIT21", "REIT 上市首日：发行价 ±30%"),
)

DELISTING: Final = (
    Dated("N7", (*MAIN, *CHINEXT), date(2020, 12, 31), 1, "DELIST20", "退市整理期首日"),
    Dated("N7", STAR, MAIN_REFORM, 1, "SSE23", "退市整理期首日"),
    Dated("N7", BSE, BSE_OPENED, 1, "BSE21", "退市整理期首日"),
)
"""退市整理期首日不设涨跌幅，此后按板块的幅度。"""

_SH: Final = (Scope.SH_MAIN, *STAR, Scope.SH_FUND)
_SZ: Final = (Scope.SZ_MAIN, *CHINEXT, Scope.SZ_FUND)
ROUNDINGS: Final = (
    Dated("B11", _SZ, date(2011, 2, 28), Rounding.HALF_UP, "SZSE26").noted(
        "2011 年规则 3.3.16：四舍五入到价位；与基准不足一个价位的取一个价位；不低于一个价位"
    ),
    Dated("B11", _SH, MAIN_REFORM, Rounding.HALF_UP, "SSE23 SSE26", "3.3.13、3.3.17：同上"),
    Dated("B11", (*BONDS, *REPOS), BOURSES, Rounding.HALF_UP, "SSE26 SZSE26").noted(
        "同上；离一个价位远得很，不分日期"
    ),
    Dated("B11", (*_SH, *_SZ), BOURSES, Rounding.PLAIN, "公开整理").noted(
        "四舍五入到价位，不补足一个价位；不低于一个价位"
    ),
    Dated("B12", BSE, BSE_OPENED, Rounding.INWARD, "公开整理").noted(
        "上限截断、下限进位到价位：84.63 → 110.01 / 59.25"
        "（对过 978 个封板的日子与一天的全市场快照）；一个价位的下限同 B11"
    ),
)
"""涨跌停价怎样取整。"""


def bound(base_li: int, ratio_bp: int, tick: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """``base_li`` 的万分之 ``ratio_bp``，取整到价位；``PLAIN`` 以外离它至少一个价位。"""
    unit, worth = 10_000 * tick, base_li * ratio_bp
    upper = ratio_bp >= 10_000
    if rounding is Rounding.INWARD:
        price = (worth // unit if upper else -(-worth // unit)) * tick
    else:
        price = (2 * worth + unit) // (2 * unit) * tick
    if rounding is Rounding.PLAIN:
        return max(price, tick)
    if upper:
        return max(price, base_li + tick)
    return max(min(price, base_li - tick), tick)


def limits(
    pre_close_li: int, band: Band | None, tick: int, rounding: Rounding = Rounding.HALF_UP
) -> tuple[int, int]:
    """跌停价与涨停价（厘）；没有涨跌幅的给一个不会碰到的宽度。"""
    if band is None:
        return tick, pre_close_li * 10
    return (
        bound(pre_close_li, 10_000 - band.down_bp, tick, rounding),
        bound(pre_close_li, 10_000 + band.up_bp, tick, rounding),
    )
