"""融券卖出与买券还券的钱券走法。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.checks import enough_cash
from easytrader.sim.credit import refusals
from easytrader.sim.credit.context import CreditContext, group_of
from easytrader.sim.credit.contracts import SLO
from easytrader.sim.credit.margin import part_of
from easytrader.sim.credit.terms import has_price_floor
from easytrader.sim.fees import to_fen
from easytrader.sim.ledger import CashWay
from easytrader.sim.phases import CALL_PHASES
from easytrader.sim.rules.tables import scope_of

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.checks import Ticket
    from easytrader.sim.events import Reject
    from easytrader.sim.orders import SimOrder

__all__ = ["RepayBuyWay", "ShortWay"]


class ShortWay(CashWay):
    """融券卖出：借来的券卖掉，所得扣了费用冻结着，只能买券还券、付息费。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context

    def sellable(self, account: Account, order: SimOrder) -> int:
        """没有零股可以一次卖完。"""
        return 0

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融券标的、限价、报价不低于最新价、券源。"""
        assert order.security is not None
        security, context = order.security, self._context
        if not context.policy.can_short(security, ticket.rules):
            return refusals.NOT_SLO
        if not ticket.is_limit:
            return refusals.SLO_LIMIT_ONLY
        if ticket.phase in CALL_PHASES and not context.policy.settings.slo_in_auction:
            return refusals.AUCTION
        scope = scope_of(security)
        assert scope is not None
        last = ticket.quote.last_li
        if ticket.price_li < last and has_price_floor(scope, context.today):
            return refusals.price_floor(last)
        left = context.scales.short_left(account, order.stock_code, group_of(order))
        if ticket.volume > left:
            return refusals.pool_short(ticket.volume, left)
        return context.no_new_debt(account, context.scales.weigh(account))

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """额度、保证金。"""
        assert order.security is not None
        context = self._context
        figures, need = context.scales.weigh(account), to_fen(ticket.limit_li * ticket.volume)
        left = context.policy.settings.slo_quota_li - figures.slo_left - figures.slo_working
        if need > left:
            return refusals.over_quota("融券", need, max(left, 0))
        bail = part_of(need, context.policy.slo_margin(order.security, context.today))
        return refusals.bail_short(bail, figures.bail) if bail > figures.bail else None

    def freeze(self, account: Account, order: SimOrder) -> None:
        """占的是保证金与券源，不冻结现金与持仓。"""

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """所得扣了费用放进融券所得。"""
        assert order.security is not None
        context = self._context
        fee_li = min(fee_li, amount_li)
        margin = context.policy.slo_margin(order.security, context.today)
        contract = context.contract(account, order, SLO, margin)
        contract.volume += volume
        contract.amount_li += amount_li
        contract.proceeds_li += amount_li - fee_li
        context.debts.save(account.account_id, contract)
        context.debts.add_pool(account.account_id, amount_li - fee_li)
        account.fees_li += fee_li
        context.touch(account)
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """没有冻结过什么。"""


class RepayBuyWay(CashWay):
    """买券还券：先用融券所得，不够再用现金；买到的券直接还掉，多出来的零头进持仓。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """不超过可还的数量，按数量单位进上去。"""
        owed = self._owed(account, order)
        minimum, step = ticket.rules.lot
        most = max(minimum, -(-(owed - minimum) // step) * step + minimum) if owed > 0 else 0
        if ticket.volume <= most:
            return None
        return refusals.return_too_much(ticket.volume, max(owed, 0))

    def _owed(self, account: Account, order: SimOrder) -> int:
        """可还的，减去别的买券还券正在买的。"""
        assert order.security is not None
        context, group = self._context, group_of(order)
        fresh = context.fresh_day(order.security)
        owed = context.debts.returnable(account.account_id, order.stock_code, group, fresh)
        return owed - sum(
            each.remaining
            for each in context.ledger.state.orders_of[account.account_id]
            if each.is_working
            and each.order_type == order.order_type
            and each.stock_code == order.stock_code
        )

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融券所得加现金够。"""
        has = account.cash_li + self._context.debts.pool(account.account_id)
        return enough_cash(ticket._replace(cash_li=has))

    def freeze(self, account: Account, order: SimOrder) -> None:
        """补：先融券所得，再现金。退：先退现金。"""
        context, name = self._context, account.account_id
        delta = context.ledger.cost_of_rest(order) - order.frozen_li
        part = context.debts.part(name, order.order_id)
        if delta > 0:
            taken = min(delta, context.debts.pool(name))
        else:
            taken = -min(part, max(-delta - (order.frozen_li - part), 0))
        self._move(account, order, taken)
        account.freeze(delta)
        order.frozen_li += delta
        if delta < 0:
            context.debts.free_pool(account)
        context.touch(account)

    def _move(self, account: Account, order: SimOrder, taken: int) -> None:
        """融券所得经现金进出冻结。"""
        context, name = self._context, account.account_id
        context.debts.add_pool(name, -taken)
        account.cash_li += taken
        account.proceeds_li = max(account.proceeds_li + taken, 0)
        context.debts.set_part(
            name, order.order_id, context.debts.part(name, order.order_id) + taken
        )

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """付钱（先用融券所得），还券；还不掉的进持仓。"""
        assert order.security is not None
        context, name = self._context, account.account_id
        spent, part = amount_li + fee_li, context.debts.part(name, order.order_id)
        context.debts.set_part(name, order.order_id, part - min(part, spent))
        fresh = context.fresh_day(order.security)
        owed = context.debts.returnable(name, order.stock_code, group_of(order), fresh)
        back = min(volume, owed)
        used = amount_li if back == volume else to_fen(amount_li * back // volume)
        self._pay(account, order, (used, amount_li - used, fee_li), volume - back)
        if back:
            code, group = order.stock_code, group_of(order)
            account.realized_li += context.debts.give_back(account, code, group, back, fresh) - used
        context.touch(account)
        return fee_li

    def _pay(
        self, account: Account, order: SimOrder, money: tuple[int, int, int], kept: int
    ) -> None:
        """``money``：还掉的、进持仓的成交金额，费用。"""
        used, rest, fee_li = money
        account.pay(used, 0)
        order.frozen_li -= used
        if kept:
            super().settle(account, order, rest, fee_li, kept)
            return
        account.pay(0, fee_li)
        order.frozen_li -= fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """现金归现金，融券所得归融券所得。"""
        context, name = self._context, account.account_id
        part = context.debts.part(name, order.order_id)
        account.freeze(-order.frozen_li)
        order.frozen_li = 0
        self._move(account, order, -part)
        context.debts.free_pool(account)
        context.touch(account)
