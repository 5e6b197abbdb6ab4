"""交易规则的带日期表：最小变动价位、数量、上限、涨跌幅、回转、市价类型。

每一行写明从哪天起、依据什么；查询都给日期。只收官方原文或两个以上来源一致的规则，
没有定论的写成常量并注明。价格笼子、集合竞价的撮合、风险警示、盘后固定价格另有各自的表，不在这里。
出处缩写：SSE26 上证发〔2026〕41号，SZSE26 深证上〔2026〕551号，BSE26 北证公告〔2026〕17号，
均 2026-07-06 起施行；更早的起始日是条文首次生效的日子。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, Generic, NamedTuple, TypeVar

from easytrader.symbols import Board, Kind, Security

__all__ = ["Lot", "Rules", "Size", "price_limits", "rules_for"]

T = TypeVar("T")


class Scope(Enum):
    """规则按什么分：板块为主，债券再分可转债与其他。"""

    SH_MAIN = "沪主板"
    STAR = "科创板"
    SZ_MAIN = "深主板"
    CHINEXT = "创业板"
    BSE = "北交所"
    SH_FUND = "沪基金"
    SZ_FUND = "深基金"
    CONVERTIBLE = "可转债"
    BOND = "其他债券"


class Lot(NamedTuple):
    """最少多少、多少递增。"""

    minimum: int
    step: int


class Size(NamedTuple):
    """单笔上限：限价、市价。"""

    limit: int
    market: int


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """一条规则。"""

    scopes: tuple[Scope, ...]
    since: date
    value: T
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """某只证券某一天的规则，查一次用一天。"""

    tick_li: int
    lot: Lot
    size: Size
    band_bp: int | None
    same_day_sale: bool
    market_types: frozenset[int]
    closing_call: bool


_OPENING: Final = date(1990, 12, 19)
_SHARES: Final = (Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT, Scope.BSE)
_FUNDS: Final = (Scope.SH_FUND, Scope.SZ_FUND)
_BONDS: Final = (Scope.CONVERTIBLE, Scope.BOND)

_TICKS: Final = (
    Dated(_SHARES, _OPENING, 10, "SSE26、SZSE26、BSE26：A 股 0.01 元"),
    Dated(_FUNDS, _OPENING, 1, "SSE26、SZSE26：基金 0.001 元"),
    Dated(_BONDS, date(2022, 5, 16), 1, "沪深债券交易规则 2022：0.001 元"),
    Dated(_BONDS, _OPENING, 1, "深市债券 0.001 元；沪市旧规 0.01 元，不回溯"),
)

_LOTS: Final = (
    Dated(
        (Scope.SH_MAIN, Scope.SZ_MAIN, Scope.CHINEXT, *_FUNDS),
        _OPENING,
        Lot(100, 100),
        "SZSE26 3.3.8、SSE26 3.3.8：100 的整数倍，零股一次卖出",
    ),
    Dated((Scope.STAR,), date(2019, 7, 22), Lot(200, 1), "科创板：不少于 200，1 股递增"),
    Dated((Scope.BSE,), date(2021, 11, 15), Lot(100, 1), "BSE26：不少于 100，1 股递增"),
    Dated((Scope.CONVERTIBLE,), _OPENING, Lot(10, 10), "可转债：1 手 = 10 张"),
    Dated((Scope.BOND,), date(2022, 5, 16), Lot(1000, 1000), "匹配成交：面额 10 万元的整数倍"),
    Dated((Scope.BOND,), _OPENING, Lot(10, 10), "旧规：1 手 = 10 张"),
)

BSE_MAX: Final = 1_000_000
"""北交所单笔上限：只有一个二手来源，待核。"""

_SIZES: Final = (
    Dated(
        (Scope.SH_MAIN, Scope.SZ_MAIN, *_FUNDS, *_BONDS),
        _OPENING,
        Size(1_000_000, 1_000_000),
        "SSE26 3.3.8–3.3.10、SZSE26 3.3.8：100 万股（份）；可转债 10 万手",
    ),
    Dated((Scope.STAR,), date(2019, 7, 22), Size(100_000, 50_000), "科创板：限价 10 万，市价 5 万"),
    Dated((Scope.CHINEXT,), date(2020, 8, 24), Size(300_000, 150_000), "创业板：30 万 / 15 万"),
    Dated((Scope.CHINEXT,), _OPENING, Size(1_000_000, 1_000_000), "创业板注册制以前"),
    Dated((Scope.BSE,), date(2021, 11, 15), Size(BSE_MAX, BSE_MAX), "见 BSE_MAX"),
)

_BANDS: Final[tuple[Dated[int | None], ...]] = (
    Dated((Scope.SH_MAIN, Scope.SZ_MAIN, *_FUNDS), date(1996, 12, 16), 1000, "SSE26/SZSE26 3.3.13"),
    Dated((Scope.STAR,), date(2019, 7, 22), 2000, "SSE26 3.3.13"),
    Dated((Scope.CHINEXT,), date(2020, 8, 24), 2000, "SZSE26 3.3.13"),
    Dated((Scope.CHINEXT,), date(2009, 10, 30), 1000, "创业板开板"),
    Dated((Scope.BSE,), date(2021, 11, 15), 3000, "BSE26"),
    Dated((Scope.CONVERTIBLE,), date(2022, 8, 1), 2000, "可转债交易实施细则：次日起 20%"),
)

FUND_20_PREFIXES: Final = ("588", "589")
"""涨跌幅 20% 的基金以交易所名单为准；这里只认全部持有科创板股票的两个代码段。"""
_FUND_20_SINCE: Final = date(2020, 8, 21)

_MARKET_TYPES: Final[tuple[Dated[frozenset[int]], ...]] = (
    Dated(
        (Scope.SH_MAIN, Scope.SH_FUND),
        date(2023, 4, 10),
        frozenset({42, 43, 44, 45}),
        "上证发〔2023〕32号 3.3.4：增加对手方最优、本方最优",
    ),
    Dated((Scope.SH_MAIN, Scope.SH_FUND), date(2006, 7, 1), frozenset({42, 43}), "2006 年规则"),
    Dated((Scope.STAR,), date(2019, 7, 22), frozenset({42, 43, 44, 45}), "科创板特别规定"),
    Dated(
        (Scope.SZ_MAIN, Scope.CHINEXT, Scope.SZ_FUND),
        date(2006, 7, 1),
        frozenset({44, 45, 46, 47, 48}),
        "SZSE26 3.3.4",
    ),
    Dated((Scope.BSE,), date(2021, 11, 15), frozenset({42, 43, 44, 45}), "BSE26"),
    # 可转债与其他债券没有市价委托（XTP 接口文档 3.1.56），所以没有行
)

_CLOSING_CALLS: Final = (
    Dated((Scope.SH_MAIN, Scope.STAR), date(2018, 8, 20), True, "SSE26 2.4.2；股票 2018 年起"),
    Dated((Scope.SH_FUND,), date(2026, 7, 6), True, "SSE26 2.4.2；此前连续到 15:00"),
    Dated((Scope.SZ_MAIN, Scope.CHINEXT, Scope.SZ_FUND), date(2006, 7, 1), True, "SZSE26 2.3.2"),
    Dated((Scope.BSE,), date(2021, 11, 15), True, "BSE26 2.3.2"),
)
"""14:57–15:00 是收盘集合竞价的证券；深市债券另见 `_closing_call`，沪市债券连续到 15:00。"""
_SZ_BOND_CALL_SINCE: Final = date(2006, 7, 1)

_SAME_DAY: Final[tuple[tuple[frozenset[Kind], str, date, str], ...]] = (
    (frozenset({Kind.CONVERTIBLE, Kind.BOND}), "", _OPENING, "债券当日回转"),
    (
        frozenset({Kind.BOND_ETF, Kind.MONEY_ETF, Kind.GOLD_ETF, Kind.CROSS_BORDER_ETF}),
        "",
        date(2015, 1, 19),
        "沪深交易所 2015-01-19 起的回转交易规定",
    ),
    (frozenset({Kind.COMMODITY_ETF}), "SZ", date(2019, 1, 11), "可查到的最早来源日"),
    (frozenset({Kind.COMMODITY_ETF}), "SH", date(2020, 1, 20), "可查到的最早来源日"),
)
"""当日买入当日可卖的品种。跨境 ETF 以名单为准，这里对整类放行。"""

_NO_MARKET: Final[frozenset[int]] = frozenset()

_SCOPES: Final = {
    Board.SH_MAIN: Scope.SH_MAIN,
    Board.STAR: Scope.STAR,
    Board.SZ_MAIN: Scope.SZ_MAIN,
    Board.CHINEXT: Scope.CHINEXT,
    Board.BSE: Scope.BSE,
}


def scope_of(security: Security) -> Scope | None:
    """证券归哪一类；模拟柜台不做的（B 股、回购、指数、申购代码）为 None。"""
    if not security.tradable:
        return None
    if security.board is Board.FUND:
        return Scope.SH_FUND if security.exchange == "SH" else Scope.SZ_FUND
    if security.board is Board.BOND:
        return Scope.CONVERTIBLE if security.kind is Kind.CONVERTIBLE else Scope.BOND
    return _SCOPES.get(security.board)


def _pick(rows: tuple[Dated[T], ...], scope: Scope, day: date, default: T) -> T:
    best: Dated[T] | None = None
    for row in rows:
        if scope in row.scopes and row.since <= day and (best is None or row.since > best.since):
            best = row
    return default if best is None else best.value


def rules_for(security: Security, day: date) -> Rules | None:
    """``day`` 这一天适用于 ``security`` 的规则；模拟柜台不做的品种为 None。"""
    scope = scope_of(security)
    if scope is None:
        return None
    band = _pick(_BANDS, scope, day, None)
    if security.code.startswith(FUND_20_PREFIXES) and scope in _FUNDS and day >= _FUND_20_SINCE:
        band = 2000
    return Rules(
        tick_li=_pick(_TICKS, scope, day, 10),
        lot=_pick(_LOTS, scope, day, Lot(100, 100)),
        size=_pick(_SIZES, scope, day, Size(1_000_000, 1_000_000)),
        band_bp=band,
        same_day_sale=_same_day(security, day),
        market_types=_pick(_MARKET_TYPES, scope, day, _NO_MARKET),
        closing_call=_closing_call(security, scope, day),
    )


def _closing_call(security: Security, scope: Scope, day: date) -> bool:
    if scope in _BONDS:  # 深市可转债与债券也有：SZSE26 2.3.2、深市可转债交易实施细则
        return security.exchange == "SZ" and day >= _SZ_BOND_CALL_SINCE
    return _pick(_CLOSING_CALLS, scope, day, False)


def _same_day(security: Security, day: date) -> bool:
    return any(
        security.kind in kinds and exchange in ("", security.exchange) and day >= since
        for kinds, exchange, since, _ in _SAME_DAY
    )


def price_limits(pre_close_li: int, rules: Rules) -> tuple[int, int]:
    """跌停价与涨停价（厘）。

    前收盘 ×（1 ± 幅度）按最小变动价位四舍五入；与前收盘不足一个价位的取一个价位，
    结果低于一个价位的取一个价位（SSE26 3.3.13、3.3.17）。没有涨跌幅的品种给一个不会碰到的宽度。
    """
    tick = rules.tick_li
    if rules.band_bp is None:
        return tick, pre_close_li * 10
    low = _to_tick(pre_close_li * (10_000 - rules.band_bp), tick)
    high = _to_tick(pre_close_li * (10_000 + rules.band_bp), tick)
    low = min(low, pre_close_li - tick)
    return max(low, tick), max(high, pre_close_li + tick)


def _to_tick(scaled: int, tick: int) -> int:
    """``scaled`` 是价格的一万倍；四舍五入到价位。"""
    unit = 10_000 * tick
    return (2 * scaled + unit) // (2 * unit) * tick
