"""逆回购的卖出怎样走：冻结本金与佣金，成交时借出去，记一笔合约。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.errors import SimulatorError
from easytrader.sim.events import Reject
from easytrader.sim.repo.contract import RepoContract, schedule
from easytrader.sim.rules.repo import FACE_LI, TERMS, interest_li

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.checks import Ticket
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.repo.contract import Schedule

__all__ = ["RECORD", "RepoWay"]

RECORD: Final = "repo"
"""合约在 ``records`` 里的业务名；编号是委托编号。"""


class RepoWay:
    """满足 `ways.Way`。

    Args:
        seen: 柜台。
        cap_li: 柜台收的最高利率，厘（1% 为 1000）。
        contracts: 还没有回来的合约，委托编号 → 合约；成交时往里加。
    """

    def __init__(self, seen: Surroundings, cap_li: int, contracts: dict[int, RepoContract]) -> None:
        self._ledger = seen.ledger
        self._hours = seen.hours
        self._cap_li = cap_li
        self._contracts = contracts

    def sellable(self, account: Account, order: SimOrder) -> int:
        """不卖券，没有零股。"""
        return 0

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """不要券；要看利率离不离谱，到期日知不知道。"""
        if ticket.price_li > self._cap_li:
            cap = self._cap_li / 1000
            return Reject(1221, "委托利率超过柜台的上限", f"max={cap:.3f}")
        try:
            self._schedule(order)
        except SimulatorError as exc:
            return Reject(12314, "不知道到期日，不能做", str(exc))
        return None

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """可用资金够付本金与佣金。"""
        principal = FACE_LI * ticket.volume
        need = principal + ticket.rates.total(principal)
        if need <= ticket.cash_li:
            return None
        return Reject(
            260200,
            "可用资金不足",
            f"p_occur_balance={need / 1000:.2f},v_enable_balance_t={ticket.cash_li / 1000:.2f}",
        )

    def freeze(self, account: Account, order: SimOrder) -> None:
        """剩余数量的本金，加上全部成交后还要补收的佣金。"""
        need = 0
        if order.remaining:
            assert order.security is not None
            instrument = self._ledger.instrument(order.security)
            assert instrument is not None
            fees = instrument.sell.total(FACE_LI * order.volume) - order.fees_li
            need = FACE_LI * order.remaining + fees
        account.freeze(need - order.frozen_li)
        order.frozen_li = need
        self._ledger.changes.accounts[account.account_id] = account

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """借出 ``volume`` 张；``amount_li`` 是利率 × 张数，正好用来算利息。"""
        principal = FACE_LI * volume
        account.pay(principal, fee_li)
        order.frozen_li -= principal + fee_li
        contract = self._contracts.get(order.order_id)
        if contract is None:
            contract = self._contracts[order.order_id] = RepoContract(
                account.account_id,
                order.order_id,
                order.stock_code,
                order.day,
                *self._schedule(order),
            )
        contract.volume += volume
        contract.interest_li += interest_li(amount_li, contract.days)
        self._ledger.note(RECORD, account.account_id, str(order.order_id), contract.dump())
        self._ledger.changes.accounts[account.account_id] = account
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """退回剩余的冻结。"""
        account.freeze(-order.frozen_li)
        order.frozen_li = 0
        self._ledger.changes.accounts[account.account_id] = account

    def _schedule(self, order: SimOrder) -> Schedule:
        return schedule(self._hours, order.day, TERMS[order.stock_code].days)
