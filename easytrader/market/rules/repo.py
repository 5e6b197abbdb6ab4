"""债券质押式逆回购：有哪些代码、期限多少、本金与利息怎样算、收多少费。

价是年利率（%），一张的本金 100 元。内部的价是厘，所以 1.5% 记作 1500。
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import BOURSES, REPOS, Dated
from easytrader.market.symbols import Kind, Security

FACE_LI: Final = 100_000
"""一张的本金：100 元。"""


class Term(NamedTuple):
    """一个品种：名称与期限（自然日）。"""

    name: str
    days: int


TERMS: Final = {
    "204001.SH": Term("GC001", 1),
    "204002.SH": Term("GC002", 2),
    "204003.SH": Term("GC003", 3),
    "204004.SH": Term("GC004", 4),
    "204007.SH": Term("GC007", 7),
    "204014.SH": Term("GC014", 14),
    "204028.SH": Term("GC028", 28),
    "204091.SH": Term("GC091", 91),
    "204182.SH": Term("GC182", 182),
    "131810.SZ": Term("R-001", 1),
    "131811.SZ": Term("R-002", 2),
    "131800.SZ": Term("R-003", 3),
    "131809.SZ": Term("R-004", 4),
    "131801.SZ": Term("R-007", 7),
    "131802.SZ": Term("R-014", 14),
    "131803.SZ": Term("R-028", 28),
    "131805.SZ": Term("R-091", 91),
    "131806.SZ": Term("R-182", 182),
}

DAY_COUNT: Final = Dated("R1", REPOS, date(2017, 5, 22), 365, "REPO17").noted(
    "利息 = 成交金额 × 年利率 × 实际占款天数 ÷ 365；占款从首次交收日（含）到到期交收日（不含），"
    "交收都是次一交易日；到期日遇休市顺延。此前按名义天数、一年 360 天，"
    "不回溯，这些日子不收回购委托"
)
SINCE: Final = DAY_COUNT.since


class RepoFees(NamedTuple):
    """佣金：期限（自然日）→ 百万分之几，与一笔委托的上限（厘）。"""

    ppm: tuple[tuple[int, int], ...]
    cap_li: int


FEES: Final = Dated(
    "F11",
    REPOS,
    BOURSES,
    RepoFees(
        ((1, 10), (2, 20), (3, 30), (4, 40), (7, 50), (14, 100), (28, 200), (91, 300), (182, 300)),
        30_000,
    ),
    "公开整理",
    sure=False,
).noted("按成交金额（本金），没有最低；各家不同，1 天期与上限有两个以上来源，其余只有一个")


def fee_ppm(security: Security) -> int:
    """这个品种的佣金，百万分之几；不是回购的品种为 0。"""
    term = TERMS.get(security.stock_code)
    return dict(FEES.value.ppm)[term.days] if term else 0


def worth_li(security: Security | None, price_li: int, volume: int) -> int:
    """``volume`` 值多少钱：逆回购是本金，指数按成分的均价十元，别的是价格 × 数量。"""
    if security is not None and security.kind is Kind.INDEX:
        return 10_000 * volume
    if security is not None and security.kind is Kind.REPO:
        return FACE_LI * volume
    return price_li * volume


def interest_li(rate_volume: int, days: int) -> int:
    """利息，四舍五入到分。

    ``rate_volume`` 是利率（厘，1.5% 为 1500）× 张数：本金 100 元一张，乘利率百分之一，正好是它。
    """
    return (rate_volume * days * 2 + DAY_COUNT.value * 10) // (DAY_COUNT.value * 20) * 10
