"""最小变动价位、数量单位与零股、单笔上限、风险警示股票的每日买入上限。"""

from __future__ import annotations

from datetime import date
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
    REPOS,
    RULES_2026,
    SHARES,
    STAR,
    STAR_OPENED,
    Dated,
    Scope,
)
from easytrader.market.symbols import Board


class Lot(NamedTuple):
    """最少多少、多少递增。递增大于 1 的，零股可以和整手一起卖；等于 1 的，不足最少时一次卖完。"""

    minimum: int
    step: int


class Size(NamedTuple):
    """单笔上限：限价、市价。"""

    limit: int
    market: int


TICKS: Final = (
    Dated("T1", SHARES, BOURSES, 10, "SSE26 SZSE26 BSE26", "A 股、存托凭证 0.01 元"),
    Dated("T2", FUNDS, BOURSES, 1, "SSE26 SZSE26", "基金 0.001 元"),
    Dated(
        "T3", BONDS, date(2022, 5, 16), 1, "BOND22", "0.001 元；XTP 的文档仍写沪市 0.01", sure=False
    ),
    Dated("T4", BONDS, BOURSES, 1, "公开整理", "深市一向 0.001；沪市旧规 0.01，不回溯", sure=False),
    Dated("T5", (Scope.SH_REPO,), BOURSES, 5, "公开整理", "年利率 0.005 个百分点"),
    Dated("T6", (Scope.SZ_REPO,), BOURSES, 1, "公开整理", sure=False).noted(
        "2011 年的规则是 0.001 个百分点；2022 年以后可能同沪市，也有写 0.01 的"
    ),
)

LOTS: Final = (
    Dated("L1", (*MAIN, *CHINEXT), BOURSES, Lot(100, 100), "SSE26 SZSE26 XTP").noted(
        "SZSE26 3.3.8：100 的整数倍；不足 100 的部分一次卖出，可以和整手一起"
    ),
    Dated("L2", FUNDS, BOURSES, Lot(100, 100), "SSE26 SZSE26", "SSE26 3.3.8–3.3.10"),
    Dated("L3", STAR, STAR_OPENED, Lot(200, 1), "STAR19 XTP").noted(
        "不少于 200，1 股递增；不足 200 时一次卖出"
    ),
    Dated("L4", BSE, BSE_OPENED, Lot(100, 1), "BSE21 BSE26").noted(
        "不少于 100，1 股递增；不足 100 时一次卖出"
    ),
    Dated("L5", CONVERTIBLE, BOURSES, Lot(10, 10), "XTP", "1 手 = 10 张"),
    Dated("L6", (Scope.BOND,), date(2022, 5, 16), Lot(1000, 1000), "BOND22").noted(
        "匹配成交：面额 10 万元的整数倍"
    ),
    Dated("L7", (Scope.BOND,), BOURSES, Lot(10, 10), "公开整理", "旧规：1 手 = 10 张", sure=False),
    Dated("L8", (Scope.SH_REPO,), date(2022, 5, 16), Lot(10, 10), "BOND22").noted(
        "10 张（1000 元）的整数倍，与深市相同"
    ),
    Dated("L9", (Scope.SH_REPO,), BOURSES, Lot(1000, 1000), "公开整理", "旧规：10 万元的整数倍"),
    Dated("L10", (Scope.SZ_REPO,), BOURSES, Lot(10, 10), "公开整理", "10 张（1000 元）的整数倍"),
)


class BShare(NamedTuple):
    """B 股：模拟柜台不做，只用来提醒；价位的单位是美元、港元的千分之一。"""

    tick_li: int
    lot: Lot
    source: str


B_SHARES: Final = {
    Board.SH_B: BShare(1, Lot(100, 100), "SSE26"),  # 0.001 美元
    Board.SZ_B: BShare(10, Lot(100, 100), "SZSE26"),  # 0.01 港元
}

BSE_MAX: Final = 1_000_000
"""北交所单笔上限：只有一个二手来源，待核。"""

SIZES: Final = (
    Dated(
        "S1", MAIN, BOURSES, Size(1_000_000, 1_000_000), "SSE26 SZSE26", "SZSE26 3.3.8：100 万股"
    ),
    Dated("S2", STAR, STAR_OPENED, Size(100_000, 50_000), "STAR19 XTP", "限价 10 万，市价 5 万"),
    Dated("S3", CHINEXT, CHINEXT_REFORM, Size(300_000, 150_000), "CHINEXT20 XTP").noted(
        "限价 30 万，市价 15 万"
    ),
    Dated("S4", CHINEXT, BOURSES, Size(1_000_000, 1_000_000), "公开整理", "注册制以前"),
    Dated("S5", BSE, BSE_OPENED, Size(BSE_MAX, BSE_MAX), "公开整理", "只有二手来源", sure=False),
    Dated("S6", FUNDS, BOURSES, Size(1_000_000, 1_000_000), "SSE26 SZSE26", "100 万份"),
    Dated("S7", CONVERTIBLE, BOURSES, Size(1_000_000, 1_000_000), "XTP", "10 万手（面额 1 亿元）"),
    Dated("S8", (Scope.BOND,), BOURSES, Size(100_000_000, 100_000_000), "XTP", sure=False).noted(
        "面额 100 亿元"
    ),
    Dated("S9", REPOS, BOURSES, Size(100_000_000, 100_000_000), "XTP", sure=False).noted(
        "3.1.51：面额 100 亿元；3.1.47 写 10 万手"
    ),
)

BUY_CAPS: Final[tuple[Dated[int | None], ...]] = (
    Dated("P1", (Scope.SH_MAIN,), date(2013, 1, 1), 500_000, "公开整理").noted(
        "风险警示股票每人每只每天买入不超过 50 万股；沪市风险警示板 2013 年起"
    ),
    Dated("P1", (Scope.SZ_MAIN,), RULES_2026, 500_000, "公开整理").noted(
        "同沪市；此前已有，起始日没有核到，不回溯"
    ),
    Dated("P2", BSE, date(2026, 8, 31), 200_000, "BSE34", "风险警示股票每人每只每天 20 万股"),
)
"""只对风险警示股票。今天已买入的加上还挂着的买单，再加这一笔。"""
