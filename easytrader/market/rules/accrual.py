"""债券（不含可转债）净价交易、全价结算：一张的应计利息，与付息日付的利息。整数，亿分之一元。"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import BOND_RULES, Dated, Scope, find, pick

_FACE_E8: Final = 100 * 10**8
"""一张的面额，亿分之一元。"""
_LI_E8: Final = 10**5
_FEN_E8: Final = 10**6


class Coupon(NamedTuple):
    """票面利率与付息日。

    Attributes:
        rate_ppm: 年利率，百万分之几（2.5% 为 25000）。
        starts: 起息日；付息日由它每隔 ``12 / per_year`` 个月一次。
        per_year: 一年付几次：1、2、4。
    """

    rate_ppm: int
    starts: date
    per_year: int = 1


DAY_COUNT: Final = (
    Dated("R2", (Scope.BOND,), BOND_RULES, 365, "BOND22").noted(
        "净价报价，成交金额另加应计利息：面额 × 票面利率 × 已计息天数 ÷ 365，每张取到 8 位小数；"
        "已计息天数从上一个付息日（含）到成交日（不含）。可转债是全价；此前的不回溯"
    ),
)
USUAL: Final = (
    Dated(
        "R3", (Scope.BOND,), BOND_RULES, Coupon(25_000, date(1990, 7, 1)), "公开整理", sure=False
    ).noted("清单里没有写票面利率的：取年息 2.5%，每年 7 月 1 日付；不是哪一只真的利率"),
)


def accrued_e8(scope: Scope, day: date, coupon: Coupon | None) -> int:
    """``day`` 成交的一张要另付多少应计利息；不是净价交易的为 0。"""
    basis = find(DAY_COUNT, scope, day)
    coupon = coupon or pick(USUAL, scope, day, None)
    if basis is None or coupon is None or day < coupon.starts:
        return 0
    days = (day - _last_payment(coupon, day)).days
    whole = 1_000_000 * basis.value
    return (2 * _FACE_E8 * coupon.rate_ppm * days + whole) // (2 * whole)


def coupon_e8(scope: Scope, after: date, until: date, coupon: Coupon | None) -> int:
    """``after``（不含）到 ``until``（含）之间的付息日一共付多少，一张。"""
    coupon = coupon or pick(USUAL, scope, until, None)
    if find(DAY_COUNT, scope, until) is None or coupon is None:
        return 0
    times = max(_payments(coupon, until), 0) - max(_payments(coupon, after), 0)
    return _FACE_E8 * coupon.rate_ppm * times // (1_000_000 * coupon.per_year)


def interest_li(each_e8: int, volume: int) -> int:
    """``volume`` 张的利息，厘，四舍五入到分。"""
    return (2 * each_e8 * volume + _FEN_E8) // (2 * _FEN_E8) * (_FEN_E8 // _LI_E8)


def _payments(coupon: Coupon, day: date) -> int:
    """到 ``day``（含）为止有过几个付息日；还没有起息的为负。"""
    months = (day.year - coupon.starts.year) * 12 + day.month - coupon.starts.month
    every = 12 // coupon.per_year
    number = months // every
    return number if _payment(coupon, number) <= day else number - 1


def _last_payment(coupon: Coupon, day: date) -> date:
    """``day``（含）以前最近的付息日，或起息日。"""
    return _payment(coupon, _payments(coupon, day))


def _payment(coupon: Coupon, number: int) -> date:
    """起息日之后的第 ``number`` 个付息日；那个月没有这一天的是月末。"""
    start = coupon.starts
    months = start.year * 12 + start.month - 1 + number * (12 // coupon.per_year)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
