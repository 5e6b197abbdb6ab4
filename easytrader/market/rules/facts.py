"""代码看不出来、要靠清单才知道的事：风险警示、上市日、停牌、20% 基金……每一件都带日期。"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import date

    from easytrader.market.rules.accrual import Coupon


class Period(NamedTuple):
    """一段日子，两头都算；没有止日的一直到现在。"""

    start: date
    end: date | None = None

    def covers(self, day: date) -> bool:
        """``day`` 在不在这一段里。"""
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Facts:
    """一只证券的事实。

    Attributes:
        listed: 上市首日。
        delisted: 摘牌日，从这天起没有这只证券。
        risk_warning: 风险警示（ST、*ST）的日子。
        delisting_period: 退市整理期。
        suspended: 全天停牌的日子。
        wide_band: 从这天起是涨跌幅 20% 的基金。
        same_day_sale: 从这天起是当日可以回转的基金。
        coupon: 债券的票面利率与付息日；None 为照 `accrual.USUAL`。
    """

    listed: date | None = None
    delisted: date | None = None
    risk_warning: tuple[Period, ...] = ()
    delisting_period: tuple[Period, ...] = ()
    suspended: tuple[Period, ...] = ()
    wide_band: date | None = None
    same_day_sale: date | None = None
    coupon: Coupon | None = None

    def exists(self, day: date) -> bool:
        """这天有没有这只证券。"""
        if self.listed is not None and day < self.listed:
            return False
        return self.delisted is None or day < self.delisted

    def warned(self, day: date) -> bool:
        """这天是不是风险警示股票。"""
        return any(period.covers(day) for period in self.risk_warning)

    def halted(self, day: date) -> bool:
        """这天是不是全天停牌。"""
        return any(period.covers(day) for period in self.suspended)

    def delisting_since(self, day: date) -> date | None:
        """这天所在的退市整理期的首日；不在为 None。"""
        return next((each.start for each in self.delisting_period if each.covers(day)), None)


ORDINARY: Final = Facts()
"""没有特别事实的证券。"""
