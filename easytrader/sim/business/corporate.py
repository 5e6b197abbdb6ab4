"""公司行为在账上的样子：登记日收市登记，除权除息日到股，派发日到钱。

守恒律：红利是收入，不减持仓成本；送转股不改变总成本::

    cash + frozen + fees + Σ持仓成本 − 已实现盈亏 − income = 初始现金 + Σ初始成本

``income`` 是到账的税后红利之和，减去卖出时补扣的红利税（`dividend_tax`）。
已经登记、还没有派发的红利不是账户的钱，``held_li`` 恒为 0。
隔了几个交易日没有人看，就按日子的先后一天一天补做。
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from easytrader.sim.business.dividend_tax import DividendTax
from easytrader.sim.ledger.plugin import QuietBusiness, from_json, to_json

if TYPE_CHECKING:
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Surroundings


_DUE: Final = "entitlement"
_PAID: Final = "dividend"


@dataclass(slots=True)
class _Due:
    """一个账户在一次公司行为里的份；登记时就定下，文件以后改了也不变。"""

    code: str
    ex: int
    pay: int
    shares: int
    cash_li: int
    tax_li: int
    given: bool = False


class CorporateBusiness(QuietBusiness):
    """没有一笔委托归它。"""

    def __init__(self, seen: Surroundings, actions: tuple[Action, ...]) -> None:
        self._ledger = seen.ledger
        self._actions = actions
        self._ended = 0
        self._tax = DividendTax(seen.ledger, actions)
        self._due: dict[tuple[str, str], _Due] = {}
        for (kind, account_id, key), body in sorted(self._ledger.state.records.items()):
            if kind == _DUE:
                self._due[account_id, key] = from_json(_Due, body)

    def end_day(self, day: int) -> None:
        """记下是哪一天收的市；登记要等这天的挂单都了结，见 `start_day`。"""
        self._ended = day
        self._tax.close(day)

    def start_day(self, day: int) -> None:
        """上一天收市登记的先登记，再按日子的先后除权、派发。"""
        first = self._ended or day
        for number in self._dates(first, day):
            if number > first:
                self._morning(number)
            if number < day:
                self._close(number)
        self._tax.collect()

    def income_li(self, account_id: str) -> int:
        """开户以来到账的红利，扣了税（派发时的、卖出时补的）的。"""
        rows = (
            json.loads(body)
            for (kind, owner, _), body in self._ledger.state.records.items()
            if kind == _PAID and owner == account_id
        )
        paid: int = sum(row["cash_li"] - row["tax_li"] for row in rows)
        return paid - self._tax.bill(account_id).paid_li

    def owed_li(self, account_id: str) -> int:
        """该补扣、还没有扣到的红利税。"""
        return self._tax.bill(account_id).due_li

    def _dates(self, first: int, day: int) -> list[int]:
        """``first`` 收市之后到 ``day`` 早上，有事要做的日子。"""
        found = {day for each in self._actions for day in (each.record, each.ex, each.pay)}
        for due in self._due.values():
            found |= {due.ex, due.pay}
        return sorted(each for each in found if first <= each <= day)

    def _morning(self, number: int) -> None:
        for action in self._actions:
            if action.split is not None and action.ex == number:
                for account in self._ledger.state.accounts.values():
                    self._split(account, action, action.split)
        for (account_id, key), due in list(self._due.items()):
            account = self._ledger.state.accounts[account_id]
            if not due.given and due.ex <= number:
                self._give(account, due)
            if due.given and due.pay <= number:
                self._pay(account, key, due, number)
            elif due.given:
                self._keep(account_id, key, due)

    def _close(self, number: int) -> None:
        """收市登记：这天收市时持有的，含当天买的。"""
        for action in self._actions:
            if action.record != number or action.split is not None or action.rights:
                continue
            for account in self._ledger.state.accounts.values():
                held = account.positions.get(action.code)
                if held is not None and held.volume:
                    cash = action.cash_li(held.volume)
                    due = _Due(
                        action.code,
                        action.ex,
                        action.pay,
                        action.shares(held.volume),
                        cash,
                        action.tax_li(cash),
                    )
                    self._keep(account.account_id, action.key, due)
                    self._tax.record(account, action)

    def _keep(self, account_id: str, key: str, due: _Due) -> None:
        self._due[account_id, key] = due
        self._ledger.note(_DUE, account_id, key, to_json(due))

    def _give(self, account: Account, due: _Due) -> None:
        """送转的股份到账，当天就能卖；总成本不变。"""
        due.given = True
        if due.shares:
            held = account.position(due.code)
            held.bring_in(due.shares, 0, self._ledger.today)
            held.yesterday += due.shares
            self._ledger.touch(account, held)
            self._tax.give(account, due.code, due.shares)

    def _pay(self, account: Account, key: str, due: _Due, number: int) -> None:
        """红利到账。"""
        del self._due[account.account_id, key]
        self._ledger.note(_DUE, account.account_id, key, None)
        if due.cash_li:
            account.cash_li += due.cash_li - due.tax_li
            held = account.positions.get(due.code)
            if held is not None and held.volume:
                held.spent_li -= due.cash_li - due.tax_li
                self._ledger.touch(account, held)
            self._ledger.touch(account)
            row = {"day": number, "cash_li": due.cash_li, "tax_li": due.tax_li}
            self._ledger.note(_PAID, account.account_id, key, json.dumps(row))

    def _split(self, account: Account, action: Action, ratio: tuple[int, int]) -> None:
        """基金拆分、合并：份额按比例变，不足一份的舍去，总成本不变。"""
        held = account.positions.get(action.code)
        if held is None or not held.volume:
            return
        after, before = ratio
        held.volume = held.volume * after // before
        held.yesterday = held.volume
        if not held.volume:  # 合并之后不足一份：成本成了亏损
            account.realized_li -= held.cost_li
            held.cost_li = held.spent_li = 0
        self._ledger.touch(account, held)
