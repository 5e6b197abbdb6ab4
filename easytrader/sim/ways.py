"""一种委托的钱和券怎样走：冻结什么、成交时收付什么、撤单时放开什么。

`Ledger` 记委托的状态、费用与推送，收付交给这里。普通买卖见 `CashWay`；别的业务（见 `lines`）
有自己的走法。改了账户、持仓或记录的，由走法自己登记到 ``Ledger.changes``。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from easytrader.sim.checks import enough_cash, enough_shares

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.checks import Ticket
    from easytrader.sim.events import Reject
    from easytrader.sim.ledger import Ledger
    from easytrader.sim.orders import SimOrder

__all__ = ["CashWay", "Way"]


class Way(Protocol):
    """一种委托的走法。"""

    def sellable(self, account: Account, order: SimOrder) -> int:
        """卖出时能用的数量，股、张；检查零股与可用数量时用。"""
        ...

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """证券够不够。"""
        ...

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """钱（或保证金、额度）够不够。"""
        ...

    def freeze(self, account: Account, order: SimOrder) -> None:
        """按委托现在的限价与剩余，把该冻结的补足或退回；收下、改价、每笔成交之后各调一次。"""
        ...

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """一笔成交：收付 ``amount_li`` 与费用，交收 ``volume``；返回实收的费用。

        调用时 ``order`` 的累计成交还没有加上这一笔；成交之后还会 `freeze` 一次。
        """
        ...

    def release(self, account: Account, order: SimOrder) -> None:
        """剩余不再成交：放开还冻结着的。"""
        ...


class CashWay:
    """普通买卖（信用账户里是担保品买卖）：现金买，现券卖。"""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def sellable(self, account: Account, order: SimOrder) -> int:
        """持仓里没有锁定、没有冻结的。"""
        held = account.positions.get(order.stock_code)
        return held.sellable if held else 0

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """可用数量。"""
        return enough_shares(ticket)

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """可用资金。"""
        return enough_cash(ticket)

    def freeze(self, account: Account, order: SimOrder) -> None:
        """买单冻结剩余数量按限价成交时的金额，加上全部成交后还要补收的费用；卖单冻结股份。"""
        if order.is_buy:
            need = self._ledger.cost_of_rest(order)
            account.freeze(need - order.frozen_li)
            order.frozen_li = need
            self._ledger.changes.accounts[account.account_id] = account
        elif order.traded_volume == 0:
            held = account.position(order.stock_code)
            held.frozen += order.volume
            self._ledger.changes.positions[account.account_id, held.stock_code] = held

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """从冻结里付钱收券，或交券收钱。"""
        held = account.position(order.stock_code)
        if order.is_buy:
            account.buy(held, amount_li, fee_li, volume, self._ledger.today)
            order.frozen_li -= amount_li + fee_li
            assert order.security is not None
            if not self._ledger.rules(order.security).same_day_sale:
                held.locked += volume
        else:
            fee_li = account.sell(held, amount_li, fee_li, volume)
        self._ledger.changes.accounts[account.account_id] = account
        self._ledger.changes.positions[account.account_id, held.stock_code] = held
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """退回剩余的冻结。"""
        if order.is_buy:
            account.freeze(-order.frozen_li)
            order.frozen_li = 0
            self._ledger.changes.accounts[account.account_id] = account
        else:
            held = account.position(order.stock_code)
            held.frozen -= order.remaining
            assert held.frozen >= 0, f"{order.stock_code} 冻结变成负数"
            self._ledger.changes.positions[account.account_id, held.stock_code] = held
