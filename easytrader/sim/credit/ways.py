"""担保品买卖、融资买入、卖券还款的钱券走法。

怎样检查也在走法里：`Way.shares` 查券与名单，`Way.cash` 查钱与保证金。融券的见 `short`。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.checks import enough_shares
from easytrader.sim.credit import refusals
from easytrader.sim.credit.contracts import FIN, Contract
from easytrader.sim.credit.desk import CreditDesk, group_of
from easytrader.sim.credit.margin import part_of
from easytrader.sim.fees import to_fen
from easytrader.sim.ways import CashWay

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.checks import Ticket
    from easytrader.sim.events import Reject
    from easytrader.sim.orders import SimOrder

__all__ = ["CollateralWay", "FinBuyWay", "RepaySellWay", "StillWay"]


class CollateralWay(CashWay):
    """担保品买入、卖出。"""

    def __init__(self, desk: CreditDesk) -> None:
        super().__init__(desk.ledger)
        self._desk = desk

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """买：在担保品名单里，没有跌破平仓线。卖：可用数量。"""
        assert order.security is not None
        if not ticket.buy:
            return enough_shares(ticket)
        desk = self._desk
        if not desk.policy.haircut(order.security, ticket.rules):
            return refusals.NOT_COLLATERAL
        line = desk.policy.settings.close_ppm
        figures = desk.scales.weigh(account)
        return refusals.below_line(line, figures.ratio) if figures.below(line) else None

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖到了融资买入的那部分，所得先还它的合约。"""
        desk, before = self._desk, account.position(order.stock_code).volume
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        if order.is_buy or not desk.policy.settings.sell_repays:
            return fee_li
        contracts = [
            each
            for each in desk.book.contracts(account.account_id, FIN)
            if each.stock_code == order.stock_code
        ]
        financed = volume - (before - sum(each.left_volume for each in contracts))
        if financed > 0:
            share = to_fen((amount_li - fee_li) * min(financed, volume) // volume)
            _repay_from_sale(desk, account, share, contracts)
        return fee_li


class FinBuyWay(CashWay):
    """融资买入：借来的钱付成交金额（与费用），现金不动。"""

    def __init__(self, desk: CreditDesk) -> None:
        super().__init__(desk.ledger)
        self._desk = desk

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融资标的；账户还能再借。"""
        assert order.security is not None
        desk = self._desk
        if not desk.policy.can_finance(order.security, ticket.rules):
            return refusals.NOT_FIN
        return desk.no_new_debt(account, desk.scales.weigh(account))

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """额度、保证金；费用不计入合约时还有现金。"""
        assert order.security is not None
        desk = self._desk
        figures, need = desk.scales.weigh(account), desk.scales.fin_need(order)
        left = desk.policy.settings.fin_quota_li - figures.fin_left - figures.fin_working
        if need > left:
            return refusals.over_quota("融资", need, max(left, 0))
        bail = part_of(need, desk.policy.fin_margin(order.security, desk.today))
        fees = self._fees(order)
        if bail + fees > figures.bail:
            return refusals.bail_short(bail + fees, figures.bail)
        return refusals.money_short(fees, account.cash_li) if fees > account.cash_li else None

    def _fees(self, order: SimOrder) -> int:
        """剩余要用现金付的费用。"""
        if self._desk.policy.settings.fees_on_debt:
            return 0
        return self._desk.ledger.cost_of_rest(order) - to_fen(order.limit_li * order.remaining)

    def freeze(self, account: Account, order: SimOrder) -> None:
        """只冻结要用现金付的费用。"""
        need = max(self._fees(order), 0)
        account.freeze(need - order.frozen_li)
        order.frozen_li = need
        self._desk.touch(account)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """借到的钱进现金、冻结，再照现金买入付掉；合约长这么多。

        费用没有冻结现金的才借：``fees_on_debt`` 改了，改之前挂着的委托照原来的付。
        """
        assert order.security is not None
        desk = self._desk
        lent = amount_li + max(fee_li - order.frozen_li, 0)
        margin = desk.policy.fin_margin(order.security, desk.today)
        contract = desk.contract(account, order, FIN, margin)
        contract.volume += volume
        contract.amount_li += lent
        desk.book.save(account.account_id, contract)
        account.cash_li += lent
        account.proceeds_li += lent  # 马上付掉，别动用今天卖出的
        account.freeze(lent)
        order.frozen_li += lent
        return super().settle(account, order, amount_li, fee_li, volume)


class RepaySellWay(CashWay):
    """卖券还款：卖持仓，所得扣了费用依次还融资合约，余下是现金。"""

    def __init__(self, desk: CreditDesk) -> None:
        super().__init__(desk.ledger)
        self._desk = desk

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """有融资负债，可用数量够。"""
        if not self._desk.book.fin_debt(account.account_id, group_of(order)):
            return refusals.NO_FIN_DEBT
        return enough_shares(ticket)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖，再还。"""
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        contracts = self._desk.book.contracts(account.account_id, FIN, group_of(order))
        _repay_from_sale(self._desk, account, amount_li - fee_li, contracts)
        return fee_li


class StillWay(CashWay):
    """直接还券、直接还款：当场了结，没有什么要冻结、放开的。"""

    def freeze(self, account: Account, order: SimOrder) -> None:
        """什么都不冻结。"""

    def release(self, account: Account, order: SimOrder) -> None:
        """什么都不用放开。"""


def _repay_from_sale(
    desk: CreditDesk, account: Account, money_li: int, contracts: list[Contract]
) -> None:
    """卖出所得还款。"""
    money = max(min(money_li, account.cash_li), 0)
    desk.book.repay(account, money, contracts, desk.policy.settings.interest_first)
