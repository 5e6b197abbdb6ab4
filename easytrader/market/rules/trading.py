"""怎么交易：市价类型与保护限价、收盘集合竞价、当日回转。"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import (
    BOND_RULES,
    BOURSES,
    BSE,
    BSE_OPENED,
    MAIN_REFORM,
    REPOS,
    RULES_2026,
    SHARES,
    STAR,
    STAR_OPENED,
    Dated,
    Scope,
)
from easytrader.market.symbols import Kind


class SameDay(NamedTuple):
    """当日买入当日可卖：哪些品种，单个的还有哪些代码。"""

    kinds: frozenset[Kind]
    codes: frozenset[str] = frozenset()


_SH: Final = (Scope.SH_MAIN, Scope.SH_FUND)
_SZ: Final = (Scope.SZ_MAIN, Scope.CHINEXT, Scope.SZ_FUND)

RETIRED: Final = (
    Dated("E1", BSE, date(2025, 10, 9), ("43", "83", "87", "88"), "公开整理").noted(
        "北交所换码：存量公司全部改成 920 开头，旧代码不再有"
    ),
)
"""到了这天就没有了的代码段。"""

MARKET_TYPES: Final[tuple[Dated[frozenset[int]], ...]] = (
    Dated("M1", _SH, MAIN_REFORM, frozenset({42, 43, 44, 45}), "SSE23 SSE26").noted(
        "3.3.4：2023 年增加对手方最优、本方最优"
    ),
    Dated("M2", _SH, date(2006, 7, 1), frozenset({42, 43}), "公开整理", "2006 年规则"),
    Dated("M3", STAR, STAR_OPENED, frozenset({42, 43, 44, 45}), "STAR19", ""),
    Dated("M4", _SZ, date(2006, 7, 1), frozenset({44, 45, 46, 47, 48}), "SZSE26").noted(
        "3.3.4；没有保护限价；只用于有涨跌幅的证券（3.3.5）"
    ),
    Dated("M5", BSE, BSE_OPENED, frozenset({42, 43, 44, 45}), "BSE26", ""),
)
"""可转债、其他债券、逆回购没有市价委托（XTP 3.1.56），所以没有行。"""

PROTECTED: Final = (
    Dated("M6", _SH, MAIN_REFORM, True, "SSE23 SSE26 XTP", "3.3.5：必须有保护限价"),
    Dated("M7", STAR, STAR_OPENED, True, "STAR19 OES", "必须有保护限价"),
    Dated("M8", BSE, BSE_OPENED, True, "公开整理", "按沪市的办法", sure=False),
)
"""市价委托带保护限价。客户端报 0 时按涨跌停价；不设涨跌幅的日子必须自己报（OES）。"""

CLOSING_CALLS: Final = (
    Dated(
        "A1", (Scope.SH_MAIN, Scope.STAR), date(2018, 8, 20), True, "SSE26", "2.4.2；股票 2018 年起"
    ),
    Dated("A2", (Scope.SH_FUND,), RULES_2026, True, "SSE26", "2.4.2；此前连续到 15:00"),
    Dated("A3", _SZ, date(2006, 7, 1), True, "SZSE26", "2.3.2"),
    Dated("A4", BSE, BSE_OPENED, True, "BSE26", "2.3.2"),
)
"""14:57–15:00 是收盘集合竞价的证券。"""
SZ_BOND_CALLS: Final = (
    Dated(
        "A5", (Scope.CONVERTIBLE, Scope.BOND), date(2006, 7, 1), True, "SZSE26 CB22", sure=False
    ).noted("只有深市；沪市债券与可转债没有"),
    Dated("A7", (Scope.BOND,), BOND_RULES, False, "BOND22", sure=False).noted(
        "只有深市：匹配成交到 15:30，没有收盘集合竞价；沪市确定，深市多半也是"
    ),
)
"""深市债券的收盘集合竞价。"""

LATE_CLOSES: Final = (
    Dated("A6", REPOS, date(2019, 1, 21), True, "OES 公开整理", sure=False).noted(
        "13:00–15:30；起始日只有一个二手来源"
    ),
    Dated("A8", (Scope.BOND,), BOND_RULES, True, "BOND22").noted(
        "匹配成交 9:30–11:30、13:00–15:30，不含可转债；深市多半也是，没有核到"
    ),
)
"""连续竞价延到 15:30 的品种，没有收盘集合竞价。"""

CROSS_BORDER_LOFS: Final = frozenset(
    """
    501018.SH 501021.SH 501023.SH 501025.SH 501300.SH 501301.SH 501302.SH 501303.SH 501305.SH
    501306.SH 501307.SH 501309.SH 501310.SH 501311.SH 501313.SH
    160125.SZ 160138.SZ 160140.SZ 160216.SZ 160322.SZ 160416.SZ 160644.SZ 160717.SZ 160719.SZ
    160723.SZ 160922.SZ 160923.SZ 160924.SZ 161116.SZ 161124.SZ 161125.SZ 161126.SZ 161127.SZ
    161128.SZ 161129.SZ 161130.SZ 161210.SZ 161229.SZ 161714.SZ 161815.SZ 161831.SZ 162411.SZ
    162415.SZ 162416.SZ 162719.SZ 163208.SZ 164701.SZ 164705.SZ 164815.SZ 164824.SZ 164906.SZ
    165510.SZ 165513.SZ
    """.split()  # noqa: SIM905  一张表，不必一个一个加引号
)
"""跨境 LOF。"""

SAME_DAY: Final = (
    Dated("D1", SHARES, date(1995, 1, 1), SameDay(frozenset()), "SSE26 SZSE26 BSE26", "股票 T+1"),
    Dated(
        "D2",
        (Scope.CONVERTIBLE, Scope.BOND),
        BOURSES,
        SameDay(frozenset({Kind.CONVERTIBLE, Kind.BOND})),
        "CB22 BOND22",
    ).noted("债券当日回转"),
    Dated(
        "D3",
        (Scope.SH_FUND, Scope.SZ_FUND),
        date(2015, 1, 19),
        SameDay(frozenset({Kind.BOND_ETF, Kind.MONEY_ETF, Kind.GOLD_ETF, Kind.CROSS_BORDER_ETF})),
        "TZERO15",
    ).noted("跨境 ETF 以名单为准：代码段与厂商的表"),
    Dated(
        "D4",
        (Scope.SZ_FUND,),
        date(2019, 1, 11),
        SameDay(frozenset({Kind.COMMODITY_ETF})),
        "公开整理",
    ).noted("可查到的最早日子"),
    Dated(
        "D5",
        (Scope.SH_FUND,),
        date(2020, 1, 20),
        SameDay(frozenset({Kind.COMMODITY_ETF})),
        "公开整理",
    ).noted("可查到的最早日子"),
    Dated(
        "D6",
        (Scope.SH_FUND, Scope.SZ_FUND),
        date(2015, 1, 19),
        SameDay(frozenset(), CROSS_BORDER_LOFS),
        "TZERO15",
    ).noted("跨境 LOF，厂商的表 XT_GE_SH_CROSS_BORDER_LOF、XT_GE_SZ_CB_LOF（2024-12）"),
)
"""当日回转；没有行的（股票 ETF、LOF、REIT）次日才能卖。这些行是累加的，不是后来的盖过先前的。"""
