"""除权除息：参考价怎样算，红利税怎样扣。"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import BOURSES, FUNDS, SHARES, Dated, Note


class Change(NamedTuple):
    """一次除权除息对价格的作用。

    Attributes:
        day: 除权除息日（序数）。
        cash_micro: 每股现金红利，减去配股要付的，百万分之一元。
        after: ``before`` 股变成 ``after`` 股。
        before: 见上。
    """

    day: int
    cash_micro: int
    after: int
    before: int


EX_RIGHT: Final = Note(
    "X1",
    SHARES + FUNDS,
    BOURSES,
    "（前收盘价 − 每股现金红利 + 配股价 × 每股配股数）÷（1 + 每股送转、配股数）",
    "SSE26 SZSE26",
).noted(
    "4.3：除权（息）参考价，四舍五入到价位，不低于一个价位；它就是除权除息日的前收盘，涨跌停照它算。"
    "基金拆分、合并按份额的比例"
)


class TaxTier(NamedTuple):
    """持股不超过 ``months`` 个月的，红利按百万分之 ``ppm`` 补扣。"""

    months: int
    ppm: int


DIVIDEND_TAX: Final = Dated(
    "X2",
    SHARES,
    date(2015, 9, 8),
    (TaxTier(1, 200_000), TaxTier(12, 100_000)),
    "TAX15",
    sure=False,
).noted(
    "登记日在这天以后的：派发时不扣，卖出时按持股期限（取得之日到卖出前一日）由券商补扣，先进先出；"
    "送股按一股一元算红利，转增不算；没有对过原文"
)


def reference_price(close_li: int, change: Change, tick_li: int) -> int:
    """除权除息参考价，厘。"""
    worth = (close_li * 1000 - change.cash_micro) * change.before
    unit = 1000 * change.after * tick_li
    return max((2 * worth + unit) // (2 * unit) * tick_li, tick_li)
