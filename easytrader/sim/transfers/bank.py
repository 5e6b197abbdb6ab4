"""银证转账：签约的银行各有一份余额，每一笔成功的转账记一条流水。"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import stamp
from easytrader.sim.events import Done
from easytrader.sim.fees import yuan
from easytrader.sim.plugin import details

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Ledger
    from easytrader.sim.transfers.settings import Bank

__all__ = ["BankBalance", "BankEntry", "BankTransfers", "fetchable"]

BANK: Final = "bank"
STREAM: Final = "bank_stream"
IN: Final = 501
OUT: Final = 502
_SIDES: Final = {IN: "1", OUT: "2"}
_SIDE_OF: Final = {shown: side for side, shown in _SIDES.items()}


def fetchable(ledger: Ledger, account: Account) -> int:
    """可取资金，厘；有的业务（两融）另有说法。"""
    most = account.fetch_li
    for business in ledger.businesses:
        told = getattr(business, "fetch_li", None)
        limit = None if told is None else told(account)
        if limit is not None:
            most = min(most, limit)
    return most


def whole_fen(amount: float) -> int:
    """元 → 厘；不是正的整分为 0。"""
    exact = Decimal(repr(float(amount)))  # 按写出来的样子，不按二进制的零头
    fen = exact * 100
    good = exact.is_finite() and exact > 0 and fen == fen.to_integral_value()
    return int(fen) * 10 if good else 0


class BankBalance(NamedTuple):
    """一张银行卡的余额；``reason`` 不为空是没有查成。"""

    reason: str
    bank_account: str
    balance_li: int = 0


class BankEntry(NamedTuple):
    """一条流水；``side``：`IN` 或 `OUT`。"""

    date: str
    time: str
    number: str
    side: int
    bank_no: str
    bank_name: str
    bank_account: str
    amount_li: int

    def dump(self, account_id: str) -> str:
        """一段 JSON。账本里的次序是 0.33 定下的，有用不着的项。"""
        no, name, card = self.bank_no, self.bank_name, self.bank_account
        head = [True, "", self.date, self.time, self.number, _SIDES[self.side], no, name, card]
        row = [*head, "0", account_id, yuan(self.amount_li), "", "成功"]
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def load(cls, body: str) -> BankEntry:
        """`dump` 的反面。"""
        _, _, date, time, number, side, no, name, card, _, _, amount, _, _ = json.loads(body)
        return cls(date, time, number, _SIDE_OF[side], no, name, card, round(amount * 1000))


class BankTransfers:
    """银行的窗口。"""

    def __init__(self, ledger: Ledger, banks: tuple[Bank, ...]) -> None:
        self._ledger = ledger
        self._banks = banks

    def infos(self) -> tuple[Bank, ...]:
        """签约的银行。"""
        return self._banks

    def balance(self, account: Account, args: Any) -> BankBalance:
        """银行卡的余额。"""
        given = details(args)
        bank = self._find(given)
        wrong = "没有签约这个银行账号"
        if bank is not None:
            wrong = "" if bank.bank_pwd in ("", given["bank_pwd"]) else "银行密码错误"
        if bank is None or wrong:
            return BankBalance(wrong, str(given["bank_account"]))
        return BankBalance("", bank.bank_account, self._balance_li(account, bank))

    def stream(self, account: Account, args: Any) -> list[BankEntry]:
        """流水，先发生的在前。"""
        given = details(args)
        return [
            row
            for row in map(BankEntry.load, self._entries(account))
            if given["start_date"] <= row.date <= given["end_date"]
            and given["bank_no"] in ("", row.bank_no)
            and given["bank_account"] in ("", row.bank_account)
        ]

    def transfer(self, account: Account, args: Any, now: float) -> Done:
        """转一笔。"""
        return Done(self._move(account, details(args), now))

    def _move(self, account: Account, given: dict[str, Any], now: float) -> str:
        """转账；不成的原因，成了为空。"""
        bank = self._find(given)
        amount_li = whole_fen(given["balance"])
        side = given["direction"]
        if bank is None:
            return "没有签约这个银行账号"
        if side not in _SIDES or not amount_li:
            return f"转账方向或金额不合法：{side} {given['balance']}"
        if side == IN and bank.bank_pwd and given["bank_pwd"] != bank.bank_pwd:
            return "银行密码错误"
        if side == OUT and bank.fund_pwd and given["fund_pwd"] != bank.fund_pwd:
            return "资金密码错误"
        balance_li = self._balance_li(account, bank)
        sign = 1 if side == IN else -1
        if side == IN and balance_li < amount_li:
            return f"银行余额不足，余额 {yuan(balance_li):.2f}"
        if side == OUT and (most := fetchable(self._ledger, account)) < amount_li:
            return f"可取资金不足，可取 {yuan(most):.2f}"
        account.cash_li += sign * amount_li
        self._ledger.changes.accounts[account.account_id] = account
        where = f"{bank.bank_no} {bank.bank_account}"
        left = json.dumps(balance_li - sign * amount_li)
        self._ledger.note(BANK, account.account_id, where, left)
        self._record(account, bank, side, amount_li, now)
        return ""

    def _record(self, account: Account, bank: Bank, side: int, amount_li: int, now: float) -> None:
        number = f"{len(self._entries(account)) + 1:08d}"
        entry = BankEntry(
            stamp(now, "%Y%m%d"),
            stamp(now, "%H%M%S"),
            number,
            side,
            bank.bank_no,
            bank.bank_name,
            bank.bank_account,
            amount_li,
        )
        self._ledger.note(STREAM, account.account_id, number, entry.dump(account.account_id))

    def _entries(self, account: Account) -> list[str]:
        found = [
            (key, body)
            for (kind, owner, key), body in self._ledger.state.records.items()
            if kind == STREAM and owner == account.account_id
        ]
        return [body for _, body in sorted(found)]

    def _find(self, given: dict[str, Any]) -> Bank | None:
        wanted = given["bank_no"], given["bank_account"]
        return next(
            (each for each in self._banks if (each.bank_no, each.bank_account) == wanted), None
        )

    def _balance_li(self, account: Account, bank: Bank) -> int:
        where = BANK, account.account_id, f"{bank.bank_no} {bank.bank_account}"
        body = self._ledger.state.records.get(where)
        return bank.balance_li if body is None else int(json.loads(body))
