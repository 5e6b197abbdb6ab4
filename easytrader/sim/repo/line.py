"""逆回购这项业务。委托照常进场撮合（卖出），钱的走法在 `RepoWay`；到期的本息在换日时回来。

守恒律（厘）::

    cash + frozen + fees + Σ持仓成本 + held_li − 已实现盈亏 = 初始现金 + Σ初始成本

``held_li`` 是借出去还没有回来的本金；利息回来时计入已实现盈亏，在那之前哪里都不算。
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import AccountType, OrderType
from easytrader.sim.checks import NO_SUCH
from easytrader.sim.events import Reject
from easytrader.sim.repo.contract import RepoContract
from easytrader.sim.repo.way import RECORD, RepoWay
from easytrader.sim.rules.repo import SINCE, TERMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.plugin import Way

__all__ = ["RepoBusiness", "repo_business"]

_NOT_BORROWING: Final = Reject(12314, "模拟柜台不做正回购（融资方），逆回购请用卖出")
_NOT_CREDIT: Final = Reject(12314, "信用账户不能做债券回购")
_TOO_EARLY: Final = Reject(12314, f"模拟柜台的回购从{SINCE}起")


def repo_business(folder: Path) -> Callable[[Surroundings], RepoBusiness]:
    """这个模拟文件夹的逆回购。"""
    from easytrader.sim.folder import SimFolder

    return partial(RepoBusiness, rate_cap=SimFolder.open(folder).config.repo_rate_cap)


class RepoBusiness:
    """满足 `Business` 与 `Holder`。

    Args:
        seen: 柜台。
        rate_cap: 柜台收的最高利率，%。
    """

    def __init__(self, seen: Surroundings, rate_cap: float = 100.0) -> None:
        self._ledger = seen.ledger
        self._contracts: dict[int, RepoContract] = {}
        for (kind, _, key), body in seen.ledger.state.records.items():
            if kind == RECORD:
                self._contracts[int(key)] = RepoContract.load(body)
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

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """不会有：这里只拒绝，不收。"""
        return Reject(251020, "委托状态错误不能撤单")

    def end_day(self, day: int) -> None:
        """没有要做的。"""

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
            self._ledger.changes.accounts[account.account_id] = account

    def ask(self, verb: str, account: Account, args: tuple[Any, ...]) -> list[Any] | None:
        """没有自己的查询。"""
        return None

    def held_li(self, account_id: str) -> int:
        """这个账号借出去还没有回来的本金。"""
        return sum(
            each.principal_li for each in self._contracts.values() if each.account_id == account_id
        )

    def worth_li(self, account_id: str) -> int:
        """算进总资产的：本金。"""
        return self.held_li(account_id)

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
