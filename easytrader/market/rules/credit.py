"""两融规则的带日期表与名单。比例是百万分之几。"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Final

from easytrader.market.rules.tables import (
    BONDS,
    BSE,
    ETFS,
    FUNDS,
    SHARES,
    STOCKS,
    Dated,
    Scope,
    pick,
)
from easytrader.market.symbols import Board, Security

if TYPE_CHECKING:
    from collections.abc import Callable

_ALL: Final = SHARES + FUNDS + BONDS
_PILOT: Final = date(2010, 3, 31)

FIN_MARGINS: Final = (
    Dated("RZ1", _ALL, date(2026, 1, 19), 1_000_000, "MARGIN26", "融资；只管这天起新开的合约"),
    Dated("RZ2", _ALL, date(2023, 9, 11), 800_000, "MARGIN23").noted(
        "融资；只管新开的合约；2023-09-08 收市后施行，从下一个交易日起"
    ),
    Dated("RZ3", _ALL, date(2015, 11, 23), 1_000_000, "公开整理", "融资；没有对过原文", sure=False),
    Dated("RZ4", _ALL, _PILOT, 500_000, "公开整理", "融资，试点起；没有对过原文", sure=False),
)
"""融资保证金最低比例。"""

SLO_MARGINS: Final = (
    Dated("RZ5", _ALL, date(2024, 7, 22), 1_000_000, "公开整理", sure=False).noted(
        "融券；私募证券投资基金是 120%，这里不分；没有对过原文"
    ),
    Dated("RZ6", _ALL, date(2023, 10, 30), 800_000, "公开整理", "融券；没有对过原文", sure=False),
    Dated("RZ7", _ALL, _PILOT, 500_000, "公开整理", "融券，试点起；没有对过原文", sure=False),
)
"""融券保证金最低比例。"""

PRICE_FLOORS: Final = (
    Dated("RZ8", SHARES + BONDS, _PILOT, True, "RZRQ", sure=False).noted(
        "融券卖出的报价不得低于最新成交价，当天没有成交的不得低于前收盘；ETF 等基金不受限制"
    ),
)
"""融券卖出的申报价格不得低于最新成交价。没有行的不限。"""

RETURN_NEXT_DAY: Final = (
    Dated("RZ9", _ALL, date(2015, 8, 3), True, "RZRQ", sure=False).noted(
        "融券卖出后次一交易日起才能还券；此前当日可以"
    ),
)
"""融券卖出之后，次一交易日起才能还券。"""

TERMS: Final = (
    Dated(
        "RZ10", _ALL, _PILOT, 180, "RZRQ", "合约期限不超过六个月，各家按 180 个自然日", sure=False
    ),
)
"""合约期限，自然日。"""

WITHDRAWALS: Final = (
    Dated("RZ11", _ALL, _PILOT, 3_000_000, "RZRQ", sure=False).noted(
        "提取线：取后维持担保比例不得低于它；没有对过原文"
    ),
)
"""提取线。"""


class Grade(Enum):
    """充抵保证金时按什么给折算率；值是 ``credit.json`` 里的写法。"""

    INDEX_STOCK = "index_stock"
    STOCK = "stock"
    ETF = "etf"
    TREASURY = "treasury"
    OTHER = "other"
    WARNED = "warned"
    NO_EARNINGS = "no_earnings"


_A_SHARES: Final = (Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT)
_BSE_MARGIN: Final = date(2023, 2, 13)

HAIRCUTS: Final[dict[Grade, tuple[Dated[int], ...]]] = {
    Grade.INDEX_STOCK: (
        Dated("RZ12", _A_SHARES, _PILOT, 700_000, "RZRQ", sure=False).noted(
            "上证 180、深证 100 指数成份股的上限；没有对过原文"
        ),
    ),
    Grade.STOCK: (
        Dated("RZ13", _A_SHARES, _PILOT, 650_000, "RZRQ", sure=False).noted(
            "其他 A 股的上限；没有对过原文"
        ),
        Dated("RZ14", BSE, _BSE_MARGIN, 650_000, "公开整理", sure=False).noted(
            "北交所两融开通的那天起；没有对过原文"
        ),
    ),
    Grade.ETF: (
        Dated("RZ15", FUNDS, _PILOT, 900_000, "RZRQ", sure=False).noted(
            "交易型开放式基金的上限，货币 ETF 也照它；没有对过原文"
        ),
    ),
    Grade.TREASURY: (
        Dated("RZ16", BONDS, _PILOT, 950_000, "RZRQ", "国债的上限；没有对过原文", sure=False),
    ),
    Grade.OTHER: (
        Dated("RZ17", FUNDS + BONDS, _PILOT, 800_000, "RZRQ", sure=False).noted(
            "其他上市基金与债券的上限；没有对过原文"
        ),
    ),
    Grade.WARNED: (
        Dated("RZ18", SHARES, _PILOT, 0, "RZRQ", sure=False).noted(
            "被实施风险警示、进入退市整理期的；没有对过原文"
        ),
    ),
    Grade.NO_EARNINGS: (
        Dated("RZ19", SHARES, date(2016, 12, 12), 0, "RZRQ16", sure=False).noted(
            "静态市盈率 300 倍以上或为负的；没有对过原文"
        ),
    ),
}
"""折算率的上限，按 `Grade`。没有行的不能充抵。"""


def _codes(exchange: str, codes: str) -> frozenset[str]:
    return frozenset(f"{code}.{exchange}" for code in codes.split())


_SH180: Final = _codes(
    "SH",
    """
    600000 600009 600010 600011 600015 600016 600018 600019 600028 600029 600030 600031 600036
    600048 600050 600089 600104 600111 600115 600150 600176 600188 600196 600219 600276 600309
    600346 600362 600406 600436 600438 600519 600547 600570 600585 600660 600690 600741 600760
    600795 600809 600886 600887 600893 600900 600905 600919 600926 600941 600958 600989 600999
    601006 601009 601012 601066 601088 601100 601111 601138 601166 601169 601186 601211 601225
    601229 601288 601318 601328 601336 601360 601390 601398 601600 601601 601618 601628 601633
    601658 601668 601669 601688 601727 601728 601766 601788 601800 601816 601818 601857 601881
    601888 601898 601899 601919 601939 601985 601988 601995 603259 603288 603501 603799 603986
    603993 688008 688012 688041 688111 688256 688981
    """,
)
_SZ100: Final = _codes(
    "SZ",
    """
    000001 000002 000063 000100 000157 000166 000333 000338 000425 000538 000568 000596 000625
    000651 000661 000725 000768 000776 000792 000807 000858 000895 000938 000963 000977 000983
    001979 002001 002027 002049 002050 002074 002129 002142 002179 002202 002230 002236 002241
    002252 002271 002304 002311 002352 002371 002384 002415 002459 002460 002463 002466 002475
    002493 002594 002714 002736 002812 002916 002920 002938 003816 300014 300015 300033 300059
    300122 300124 300142 300274 300308 300316 300347 300394 300408 300413 300433 300450 300496
    300498 300502 300628 300750 300751 300759 300760 300782 300896 300919 300999
    """,
)

INDEX_MEMBERS: Final = (
    Dated("RZ20", _A_SHARES, _PILOT, _SH180 | _SZ100, "公开整理", sure=False).noted(
        "上证 180、深证 100 里常见的大公司，没有对过指数公司的名单，也不分调整日；"
        "不在里面的按其他股票，`credit.json` 的 `index_members` 可以换掉"
    ),
)
"""按指数成份股折算的。"""

NO_EARNINGS: Final = (
    Dated(
        "RZ21",
        _A_SHARES,
        date(2025, 5, 1),
        _codes("SH", "600115 600438 601012 601111") | _codes("SZ", "000002 002129 002459"),
        "公开整理",
        sure=False,
    ).noted(
        "按 2024 年年报亏损的大公司；2025 年年报没有对过；`credit.json` 的 `static_pe` 可以逐只改写"
    ),
)
"""静态市盈率为负的。"""

ETF_SUBJECTS: Final = (
    Dated(
        "RZ22",
        FUNDS,
        date(2011, 12, 5),
        _codes("SH", "510010 510050 510180 510880") | _codes("SZ", "159901 159902 159903"),
        "公开整理",
        sure=False,
    ).noted("第一批 7 只 ETF；没有对过原文"),
    Dated(
        "RZ23",
        FUNDS,
        date(2021, 1, 4),
        _codes(
            "SH",
            "510050 510180 510300 510310 510330 510500 510880 512000 512010 512100 512170 512400 "
            "512480 512660 512690 512800 512880 513050 513100 513130 513180 515050 515790 518880 "
            "588000 588080",
        )
        | _codes("SZ", "159901 159902 159915 159919 159920 159922 159928 159941 159949 159995"),
        "公开整理",
        sure=False,
    ).noted(
        "常见的宽基、行业与跨境 ETF；真的名单有几百只、逐次调整，起始日是这里定的；"
        "不在里面的不是标的，`credit.json` 的 `subjects` 可以换掉"
    ),
)
"""融资融券标的里的 ETF。"""

_TREASURIES: Final = {
    "SH": ("009", "010", "018", "019", "020"),
    "SZ": ("100", "101", "102", "103", "107", "108"),
}
_NOBODY: Final[frozenset[str]] = frozenset()
DEAREST_PE: Final = 300
"""静态市盈率到了这么多就不能充抵。"""


def listed_on(
    rows: tuple[Dated[frozenset[str]], ...], scope: Scope | None, day: date
) -> frozenset[str]:
    """``day`` 这天的名单。"""
    return _NOBODY if scope is None else pick(rows, scope, day, _NOBODY)


def grade_of(security: Security, is_member: Callable[[str], bool]) -> Grade:
    """不看风险与市盈率时的类别；``is_member`` 说是不是指数成份股。"""
    if security.kind in STOCKS:
        return Grade.INDEX_STOCK if is_member(security.stock_code) else Grade.STOCK
    if security.kind in ETFS:
        return Grade.ETF
    heads = _TREASURIES.get(security.exchange)
    treasury = security.board is Board.BOND and heads and security.code.startswith(heads)
    return Grade.TREASURY if treasury else Grade.OTHER


def returns_next_day(scope: Scope, day: date) -> bool:
    """``day`` 这天，当天融券的能不能当天还（真为不能）。"""
    return pick(RETURN_NEXT_DAY, scope, day, False)


def has_price_floor(scope: Scope, day: date) -> bool:
    """``day`` 这天，融券卖出的报价受不受最新价限制。"""
    return pick(PRICE_FLOORS, scope, day, False)
