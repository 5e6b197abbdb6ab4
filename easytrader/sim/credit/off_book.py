"""不经过撮合的两种委托：直接还券、直接还款。当场了结，没有成交记录。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.sim.checks import NO_SUCH
from easytrader.sim.credit import refusals
from easytrader.sim.credit.context import group_of
from easytrader.sim.credit.contracts import FIN, SLO
from easytrader.sim.events import Reject
from easytrader.sim.rules.tables import scope_of

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.credit.context import CreditContext
    from easytrader.sim.orders import SimOrder

__all__ = ["CASH_REPAYS", "OFF_BOOK", "SECU_REPAYS", "repay_cash", "return_shares"]

SECU_REPAYS: Final = frozenset({OrderType.DIRECT_SECU_REPAY, OrderType.DIRECT_SECU_REPAY_SPECIAL})
CASH_REPAYS: Final = frozenset({OrderType.DIRECT_CASH_REPAY, OrderType.DIRECT_CASH_REPAY_SPECIAL})
OFF_BOOK: Final = SECU_REPAYS | CASH_REPAYS


def return_shares(context: CreditContext, order: SimOrder, account: Account) -> Reject | None:
    """直接还券：从持仓里拿出来还。拒绝的理由，收下并办完为 None。"""
    if order.security is None or scope_of(order.security) is None:
        return NO_SUCH
    held, volume = account.positions.get(order.stock_code), order.volume
    sellable = held.sellable if held else 0
    if held is None or volume > sellable:
        detail = f"v_occur_amount={volume}.00,p_enable_amount={sellable}.00"
        return Reject(251005, "证券可用数量不足", detail)
    group, fresh = group_of(order), context.fresh_day(order.security)
    most = context.debts.returnable(account.account_id, order.stock_code, group, fresh)
    if volume > most:
        return refusals.return_too_much(volume, most)
    context.ledger.accept(order)
    removed = held.cost_li if volume == held.volume else held.cost_li * volume // held.volume
    held.volume -= volume
    held.cost_li -= removed
    worth = context.debts.give_back(account, order.stock_code, group, volume, fresh)
    account.realized_li += worth - removed
    context.touch(account, order.stock_code)
    context.ledger.complete(order)
    return None


def repay_cash(context: CreditContext, order: SimOrder, account: Account) -> Reject | None:
    """直接还款：先还融资合约，再还融券的息费；给多了只收欠的。拒绝的理由，办完为 None。"""
    settings, group = context.policy.settings, group_of(order)
    contracts = [
        *context.debts.contracts(account.account_id, FIN, group),
        *(
            each
            for each in context.debts.contracts(account.account_id, SLO, group)
            if each.left_fare_li
        ),
    ]
    owed = sum(each.left_fare_li + (each.left_li if each.kind == FIN else 0) for each in contracts)
    if not owed:
        return refusals.NO_FIN_DEBT
    said = order.price_li if settings.repay_by == "price" else order.volume * 1000
    money = min(said // 10 * 10, owed)
    if money <= 0:
        return Reject(263014, "还款金额不合法", f"entrust_balance={said / 1000:.2f}")
    if money > account.cash_li:
        return refusals.money_short(money, account.cash_li)
    context.ledger.accept(order)
    context.debts.repay(account, money, contracts, settings.interest_first)
    context.ledger.complete(order)
    return None
