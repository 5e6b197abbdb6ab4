"""红利税：派发时不扣，卖出时按持股期限补扣，先进先出。

每个账户、每只有过应税红利的股票记一串批次：哪天取得、多少股、每股有多少红利还没有定税。
每天收市时把批次对到持仓上：卖掉的（划走的、还掉的也算）从最早的批次里出，该补的税记下，
第二天早上从可用资金里扣；不够的先欠着，以后每天早上再扣。
"""

from __future__ import annotations

import json
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import BUY_TYPES, OrderType
from easytrader.market.rules.exrights import DIVIDEND_TAX

if TYPE_CHECKING:
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Ledger


_LOTS: Final = "tax_lots"
_BILL: Final = "dividend_tax"
_BUYS: Final = BUY_TYPES - {OrderType.BUY_SECU_REPAY, OrderType.BUY_SECU_REPAY_SPECIAL}
"""买到的进持仓的；买券还券多出来的零头按别处转来的算。"""


class Lot(NamedTuple):
    """一批：取得的那天（序数），股数，每股没有定税的红利（百万分之一元）。"""

    day: int
    volume: int
    base_micro: int = 0


class Bill(NamedTuple):
    """一个账户开户以来：还欠着的税，已经扣了的，厘。"""

    due_li: int = 0
    paid_li: int = 0


class DividendTax:
    """各账户的批次与税。"""

    def __init__(self, ledger: Ledger, actions: tuple[Action, ...]) -> None:
        self._ledger = ledger
        self._lots: dict[tuple[str, str], list[Lot]] = {}
        self._bills: dict[str, Bill] = {}
        for (kind, account_id, key), body in ledger.state.records.items():
            if kind == _LOTS:
                self._lots[account_id, key] = [Lot(*each) for each in json.loads(body)]
            elif kind == _BILL:
                self._bills[account_id] = Bill(*json.loads(body))
        tracked = {each.code for each in actions if each.taxed}
        self._tracked = sorted(tracked | {code for _, code in self._lots})

    def bill(self, account_id: str) -> Bill:
        """欠着的与扣了的。"""
        return self._bills.get(account_id, Bill())

    def close(self, day: int) -> None:
        """收市：批次对到持仓上，卖掉的定税。"""
        if not self._tracked:
            return
        for account in self._ledger.state.accounts.values():
            bought = dict.fromkeys(self._tracked, 0)
            for trade in self._ledger.state.trades_of[account.account_id]:
                if trade.stock_code in bought and trade.order_type in _BUYS:
                    bought[trade.stock_code] += trade.volume
            for code, volume in bought.items():
                self._close(account, code, volume, day)

    def collect(self) -> None:
        """早上：从可用资金里扣。"""
        for account_id, bill in list(self._bills.items()):
            account = self._ledger.state.accounts[account_id]
            taken = min(bill.due_li, account.cash_li // 10 * 10)
            if taken > 0:
                account.cash_li -= taken
                self._ledger.touch(account)
                self._bill(account_id, Bill(bill.due_li - taken, bill.paid_li + taken))

    def record(self, account: Account, action: Action) -> None:
        """登记日收市：每一批都记上这次的红利。"""
        key = account.account_id, action.code
        if action.taxed and key in self._lots:
            extra = action.taxable_micro
            self._keep(
                key, [each._replace(base_micro=each.base_micro + extra) for each in self._lots[key]]
            )

    def give(self, account: Account, code: str, shares: int) -> None:
        """送转的股份到账：从这天算起的一批。"""
        key = account.account_id, code
        if key in self._lots:
            self._keep(key, [*self._lots[key], Lot(self._ledger.state.progress.day, shares)])

    def _close(self, account: Account, code: str, bought: int, day: int) -> None:
        key, held = (account.account_id, code), account.positions.get(code)
        lots, volume = self._lots.get(key), held.volume if held else 0
        if lots is None:
            opening = held.yesterday if held else 0
            lots = [Lot(_number(held.open_date), opening)] if held and opening else []
            if not (lots or bought or volume):
                return
        gone = sum(each.volume for each in lots) + bought - volume
        kept: list[Lot] = []
        tax = 0
        for lot in (*lots, Lot(day, bought + max(-gone, 0))):
            sold = min(lot.volume, max(gone, 0))
            gone -= sold
            tax += tax_li(lot, sold, day)
            if lot.volume > sold:
                kept.append(lot._replace(volume=lot.volume - sold))
        self._keep(key, kept)
        if tax:
            bill = self.bill(account.account_id)
            self._bill(account.account_id, bill._replace(due_li=bill.due_li + tax))

    def _keep(self, key: tuple[str, str], lots: list[Lot]) -> None:
        if lots != self._lots.get(key):
            self._ledger.note(_LOTS, *key, json.dumps(lots) if lots else None)
        self._lots[key] = lots

    def _bill(self, account_id: str, bill: Bill) -> None:
        self._bills[account_id] = bill
        self._ledger.note(_BILL, account_id, "", json.dumps(bill))


def tax_li(lot: Lot, sold: int, day: int) -> int:
    """``day`` 这天卖掉这一批的 ``sold`` 股要补多少税，四舍五入到分。"""
    for tier in DIVIDEND_TAX.value:
        if day <= _months_later(lot.day, tier.months):
            return (lot.base_micro * sold * tier.ppm + 5 * 10**9) // 10**10 * 10
    return 0


def _number(code: str) -> int:
    """``YYYYMMDD`` → 序数。"""
    return date(int(code[:4]), int(code[4:6]), int(code[6:])).toordinal()


def _months_later(day: int, months: int) -> int:
    """``months`` 个月以后的同一天；那个月没有这一天就是月底。"""
    start = date.fromordinal(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last)).toordinal()
