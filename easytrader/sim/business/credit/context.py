"""走法们共用的：账、合约、名单、秤，和几句都要问的话。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.sim.business.credit import refusals
from easytrader.sim.business.credit.contracts import ORDINARY, SPECIAL, CreditContract
from easytrader.sim.rules.credit import returns_next_day
from easytrader.sim.rules.tables import scope_of

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.sim.business.credit.contracts import Debts
    from easytrader.sim.business.credit.margin import Figures, Scales
    from easytrader.sim.business.credit.policy import Policy
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.events import Reject
    from easytrader.sim.ledger.ledger import Ledger
    from easytrader.sim.ledger.orders import SimOrder

__all__ = ["CreditContext", "group_of"]

_SPECIALS: Final = frozenset(range(OrderType.FIN_BUY_SPECIAL, OrderType.FIN_BUY_SPECIAL + 6))


def group_of(order: SimOrder) -> int:
    """头寸来源。"""
    return SPECIAL if order.order_type in _SPECIALS else ORDINARY


class CreditContext:
    """走法们共用的：账、合约、名单、秤。"""

    def __init__(self, ledger: Ledger, debts: Debts, policy: Policy, scales: Scales) -> None:
        self.ledger = ledger
        self.debts = debts
        self.policy = policy
        self.scales = scales

    @property
    def day(self) -> int:
        """今天（序数）。"""
        return self.ledger.state.progress.day

    @property
    def today(self) -> date:
        """今天。"""
        return date.fromordinal(self.day)

    def fresh_day(self, security: Security) -> int | None:
        """当天融的不能当天还时，是今天；否则 None。"""
        scope = scope_of(security)
        assert scope is not None
        return self.day if returns_next_day(scope, self.today) else None

    def no_new_debt(self, account: Account, figures: Figures) -> Reject | None:
        """不能再融资融券的理由。"""
        settings = self.policy.settings
        if figures.below(settings.warn_ppm):
            return refusals.below_line(settings.warn_ppm, figures.ratio)
        contracts = self.debts.contracts(account.account_id)
        overdue = any(each.due < self.day and not each.closed for each in contracts)
        return refusals.OVERDUE if overdue and settings.overdue_blocks else None

    def contract(
        self, account: Account, order: SimOrder, kind: int, margin_ppm: int
    ) -> CreditContract:
        """这笔委托的合约；第一笔成交时开。"""
        key = f"{self.ledger.today}{order.order_id}"
        found = self.debts.find(account.account_id, key)
        if found is None:
            due = self.day + self.policy.term_days(self.today)
            code, group = order.stock_code, group_of(order)
            found = CreditContract(
                key, kind, group, code, self.day, due, margin_ppm, accrued_to=self.day
            )
        return found

    def touch(self, account: Account, stock_code: str = "") -> None:
        """账户（与一只持仓）改过了。"""
        changes = self.ledger.changes
        changes.accounts[account.account_id] = account
        if stock_code:
            changes.positions[account.account_id, stock_code] = account.position(stock_code)
