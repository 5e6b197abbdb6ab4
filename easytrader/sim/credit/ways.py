"""担保品买卖、融资买入、卖券还款的钱券走法。

怎样检查也在走法里：`Way.shares` 查券与名单，`Way.cash` 查钱与保证金。融券的见 `short`。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.checks import enough_shares
from easytrader.sim.credit import refusals
from easytrader.sim.credit.context import CreditContext, group_of
from easytrader.sim.credit.contracts import FIN, CreditContract
from easytrader.sim.credit.margin import part_of
from easytrader.sim.fees import to_fen
from easytrader.sim.ledger import CashWay

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.checks import Ticket
    from easytrader.sim.events import Reject
    from easytrader.sim.orders import SimOrder

__all__ = ["CollateralWay", "FinBuyWay", "RepaySellWay", "StillWay"]


class CollateralWay(CashWay):
    """担保品买入、卖出。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """买：在担保品名单里，没有跌破平仓线。卖：可用数量。"""
        assert order.security is not None
        if not ticket.buy:
            return enough_shares(ticket)
        context = self._context
        if not context.policy.haircut(order.security, ticket.rules):
            return refusals.NOT_COLLATERAL
        line = context.policy.settings.close_ppm
        figures = context.scales.weigh(account)
        return refusals.below_line(line, figures.ratio) if figures.below(line) else None

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖到了融资买入的那部分，所得先还它的合约。"""
        context, before = self._context, account.position(order.stock_code).volume
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        if order.is_buy or not context.policy.settings.sell_repays:
            return fee_li
        contracts = [
            each
            for each in context.debts.contracts(account.account_id, FIN)
            if each.stock_code == order.stock_code
        ]
        financed = volume - (before - sum(each.left_volume for each in contracts))
        if financed > 0:
            share = to_fen((amount_li - fee_li) * min(financed, volume) // volume)
            _repay_from_sale(context, account, share, contracts)
        return fee_li


class FinBuyWay(CashWay):
    """融资买入：借来的钱付成交金额（与费用），现金不动。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融资标的；账户还能再借。"""
        assert order.security is not None
        context = self._context
        if not context.policy.can_finance(order.security, ticket.rules):
            return refusals.NOT_FIN
        return context.no_new_debt(account, context.scales.weigh(account))

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """额度、保证金；费用不计入合约时还有现金。"""
        assert order.security is not None
        context = self._context
        figures, need = context.scales.weigh(account), context.scales.fin_need(order)
        left = context.policy.settings.fin_quota_li - figures.fin_left - figures.fin_working
        if need > left:
            return refusals.over_quota("融资", need, max(left, 0))
        bail = part_of(need, context.policy.fin_margin(order.security, context.today))
        fees = self._fees(order)
        if bail + fees > figures.bail:
            return refusals.bail_short(bail + fees, figures.bail)
        return refusals.money_short(fees, account.cash_li) if fees > account.cash_li else None

    def _fees(self, order: SimOrder) -> int:
        """剩余要用现金付的费用。"""
        if self._context.policy.settings.fees_on_debt:
            return 0
        return self._context.ledger.cost_of_rest(order) - to_fen(order.limit_li * order.remaining)

    def freeze(self, account: Account, order: SimOrder) -> None:
        """只冻结要用现金付的费用。"""
        need = max(self._fees(order), 0)
        account.freeze(need - order.frozen_li)
        order.frozen_li = need
        self._context.touch(account)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """借到的钱进现金、冻结，再照现金买入付掉；合约长这么多。

        费用没有冻结现金的才借：``fees_on_debt`` 改了，改之前挂着的委托照原来的付。
        """
        assert order.security is not None
        context = self._context
        lent = amount_li + max(fee_li - order.frozen_li, 0)
        margin = context.policy.fin_margin(order.security, context.today)
        contract = context.contract(account, order, FIN, margin)
        contract.volume += volume
        contract.amount_li += lent
        context.debts.save(account.account_id, contract)
        account.cash_li += lent
        account.proceeds_li += lent  # 马上付掉，别动用今天卖出的
        account.freeze(lent)
        order.frozen_li += lent
        return super().settle(account, order, amount_li, fee_li, volume)


class RepaySellWay(CashWay):
    """卖券还款：卖持仓，所得扣了费用依次还融资合约，余下是现金。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """有融资负债，可用数量够。"""
        if not self._context.debts.fin_debt(account.account_id, group_of(order)):
            return refusals.NO_FIN_DEBT
        return enough_shares(ticket)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖，再还。"""
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        contracts = self._context.debts.contracts(account.account_id, FIN, group_of(order))
        _repay_from_sale(self._context, account, amount_li - fee_li, contracts)
        return fee_li


class StillWay(CashWay):
    """直接还券、直接还款：当场了结，没有什么要冻结、放开的。"""

    def freeze(self, account: Account, order: SimOrder) -> None:
        """什么都不冻结。"""

    def release(self, account: Account, order: SimOrder) -> None:
        """什么都不用放开。"""


def _repay_from_sale(
    context: CreditContext, account: Account, money_li: int, contracts: list[CreditContract]
) -> None:
    """卖出所得还款。"""
    money = max(min(money_li, account.cash_li), 0)
    context.debts.repay(account, money, contracts, context.policy.settings.interest_first)
