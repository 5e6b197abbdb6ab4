"""逆回购这项业务。委托照常进场撮合（卖出），钱的走法在 `RepoWay`；到期的本息在换日时回来。

守恒律（厘）::

    cash + frozen + fees + Σ持仓成本 + held_li − 已实现盈亏 = 初始现金 + Σ初始成本

``held_li`` 是借出去还没有回来的本金；利息回来时计入已实现盈亏，在那之前哪里都不算。
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import AccountType, OrderType
from easytrader.market.rules.repo import FACE_LI, SINCE, TERMS, interest_li
from easytrader.sim.ledger.checks import NO_SUCH, money_short
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.plugin import QuietBusiness, from_json, to_json

if TYPE_CHECKING:
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.checks import Ticket
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.orders import SimOrder
    from easytrader.sim.ledger.plugin import Way


_NOT_BORROWING: Final = Reject(12314, "模拟柜台不做正回购（融资方），逆回购请用卖出")
_NOT_CREDIT: Final = Reject(12314, "信用账户不能做债券回购")
_TOO_EARLY: Final = Reject(12314, f"模拟柜台的回购从{SINCE}起")


class RepoBusiness(QuietBusiness):
    """逆回购；满足 `Holder`。

    ``rate_cap``：柜台收的最高利率，%。
    """

    def __init__(self, seen: Surroundings, rate_cap: float = 100.0) -> None:
        self._ledger = seen.ledger
        self._contracts: dict[int, RepoContract] = {}
        for (kind, _, key), body in seen.ledger.state.records.items():
            if kind == RECORD:
                self._contracts[int(key)] = from_json(RepoContract, body)
        self._way = RepoWay(seen, round(rate_cap * 1000), self._contracts)

    def way(self, order: SimOrder) -> Way | None:
        """回购的卖出。"""
        return self._way if order.is_repo else None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """做不了的回购委托：由这里说明白为什么。"""
        return order.is_repo and self._refused(order, account) is not None

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """拒绝。"""
        refused = self._refused(order, account)
        assert refused is not None
        self._ledger.reject(order, refused)

    def start_day(self, day: int) -> None:
        """到期的本息回来：当日可用，到期交收日起可取。"""
        due = [each for each in self._contracts.values() if each.due <= day]
        for contract in due:
            account = self._ledger.state.accounts[contract.account_id]
            paid = contract.principal_li + contract.interest_li
            account.cash_li += paid
            account.realized_li += contract.interest_li
            if day < contract.free:
                account.proceeds_li += paid
            del self._contracts[contract.order_id]
            self._ledger.note(RECORD, contract.account_id, str(contract.order_id), None)
            self._ledger.touch(account)

    def held_li(self, account_id: str) -> int:
        """这个账号借出去还没有回来的本金。"""
        return sum(
            each.principal_li for each in self._contracts.values() if each.account_id == account_id
        )

    worth_li = held_li

    def _refused(self, order: SimOrder, account: Account) -> Reject | None:
        if order.stock_code not in TERMS:
            return NO_SUCH
        if account.account_type == AccountType.CREDIT:
            return _NOT_CREDIT
        if order.order_type != OrderType.SELL:
            return _NOT_BORROWING
        if order.day < SINCE.toordinal():
            return _TOO_EARLY
        return None


RECORD: Final = "repo"
"""合约在 ``records`` 里的业务名；编号是委托编号。"""


class RepoWay:
    """满足 `Way`。

    ``cap_li``：柜台收的最高利率，厘（1% 为 1000）；``contracts``：还没有回来的，成交时往里加。
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
        """不要券；要看利率离不离谱。"""
        if ticket.price_li > self._cap_li:
            cap = self._cap_li / 1000
            return Reject(1221, "委托利率超过柜台的上限", f"max={cap:.3f}")
        return None

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """可用资金够付本金与佣金。"""
        principal = FACE_LI * ticket.volume
        need = principal + ticket.rates.total(principal)
        if need <= ticket.cash_li:
            return None
        return money_short(need, ticket.cash_li)

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
        self._ledger.touch(account)

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
                *schedule(self._hours, order.day, TERMS[order.stock_code].days),
            )
        contract.volume += volume
        contract.interest_li += interest_li(amount_li, contract.days)
        self._ledger.note(RECORD, account.account_id, str(order.order_id), to_json(contract))
        self._ledger.touch(account)
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """退回剩余的冻结。"""
        account.freeze(-order.frozen_li)
        order.frozen_li = 0
        self._ledger.touch(account)


class Schedule(NamedTuple):
    """一笔逆回购的日子，都是交易日的序数。

    Attributes:
        due: 到期日：本息回来，当日可用。
        free: 到期交收日：可以取。
        days: 实际占款天数，从首次交收日到到期交收日。
    """

    due: int
    free: int
    days: int


def schedule(hours: MarketHours, day: int, term: int) -> Schedule:
    """``day`` 成交、``term`` 天期的日子。

    首次交收在次一交易日；到期日是 ``day + term``，休市则顺延；到期交收在到期日的次一交易日。
    """
    start = hours.following(day)
    due = hours.following(day + term - 1)
    free = hours.following(due)
    return Schedule(due, free, free - start)


@dataclass(slots=True)
class RepoContract:
    """一笔委托借出去的，各次成交合在一起。

    日子都是序数：``due`` 本息回来、当日可用，``free`` 可以取；``days``：实际占款天数；
    ``interest_li``：各次成交的利息之和，每次四舍五入到分。
    """

    account_id: str
    order_id: int
    stock_code: str
    day: int
    due: int
    free: int
    days: int
    volume: int = 0
    interest_li: int = 0

    @property
    def principal_li(self) -> int:
        """本金。"""
        return FACE_LI * self.volume
