"""债券付息：付息日（遇休市顺延）早上，按前一个交易日收市时的持有量付给现金，不扣税。

守恒律：付的利息计入已实现盈亏。
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from easytrader.market.rules.accrual import interest_li
from easytrader.market.symbols import parse_security
from easytrader.sim.ledger.plugin import QuietBusiness

if TYPE_CHECKING:
    from easytrader.sim.ledger.ledger import Surroundings


class CouponBusiness(QuietBusiness):
    """付息。"""

    def __init__(self, seen: Surroundings) -> None:
        self._ledger = seen.ledger
        self._hours = seen.hours

    def start_day(self, day: int) -> None:
        """付上一个交易日之后到今天的。"""
        after, until = date.fromordinal(self._hours.previous(day)), date.fromordinal(day)
        for account in self._ledger.state.accounts.values():
            for code, held in account.positions.items():
                each = self._ledger.coupon_e8(parse_security(code), after, until)
                paid = interest_li(each, held.volume) if each else 0
                if paid:
                    account.cash_li += paid
                    account.realized_li += paid
                    self._ledger.touch(account)
