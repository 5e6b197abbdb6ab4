"""银证转账：签约的银行各有一份余额，每一笔成功的转账记一条流水。"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import BEIJING
from easytrader.sim.lines.quiet import details
from easytrader.sim.orders import yuan
from easytrader.sim.transfers.rows import BankAmountRow, BankRow, BankStreamRow, BankTransferRow

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Ledger
    from easytrader.sim.transfers.settings import Bank

__all__ = ["BankDesk", "fetchable"]

BANK: Final = "bank"
STREAM: Final = "bank_stream"
IN: Final = 501
OUT: Final = 502
_SIDES: Final = {IN: "1", OUT: "2"}
_CNY: Final = "0"


def fetchable(ledger: Ledger, account: Account) -> int:
    """可取资金，厘；有的业务（两融）另有说法。"""
    most = account.fetch_li
    for line in ledger.lines:
        told = getattr(line, "fetch_li", None)
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


class BankDesk:
    """银行的窗口。"""

    def __init__(self, ledger: Ledger, banks: tuple[Bank, ...]) -> None:
        self._ledger = ledger
        self._banks = banks

    def infos(self, account: Account) -> list[BankRow]:
        """签约的银行。"""
        return [
            BankRow(True, "", _CNY, each.bank_no, each.bank_account, each.bank_name)
            for each in self._banks
        ]

    def amounts(self, account: Account, args: Any) -> list[BankAmountRow]:
        """银行卡的余额；密码不对是一行失败。"""
        given = details(args)
        bank = self._find(given)
        wrong = "没有签约这个银行账号"
        if bank is not None:
            wrong = "" if bank.bank_pwd in ("", given["bank_pwd"]) else "银行密码错误"
        if bank is None or wrong:
            card = str(given["bank_account"])
            return [BankAmountRow(False, wrong, account.account_id, card, "", 0.0, 0.0)]
        money = yuan(self._balance_li(account, bank))
        return [BankAmountRow(True, "", account.account_id, bank.bank_account, _CNY, money, money)]

    def stream(self, account: Account, args: Any) -> list[BankStreamRow]:
        """流水，先发生的在前。"""
        given = details(args)
        rows = [BankStreamRow(*json.loads(body)) for body in self._entries(account)]
        return [
            row
            for row in rows
            if given["start_date"] <= row.date <= given["end_date"]
            and given["bank_no"] in ("", row.bank_no)
            and given["bank_account"] in ("", row.bank_account)
        ]

    def transfer(self, account: Account, args: Any, now: float) -> BankTransferRow:
        """转一笔。"""
        given = details(args)
        why = self._move(account, given, now)
        return BankTransferRow(account.account_id, not why, why or "转账成功")

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
        at = datetime.fromtimestamp(now, BEIJING)
        number = f"{len(self._entries(account)) + 1:08d}"
        row = BankStreamRow(
            True,
            "",
            f"{at:%Y%m%d}",
            f"{at:%H%M%S}",
            number,
            _SIDES[side],
            bank.bank_no,
            bank.bank_name,
            bank.bank_account,
            _CNY,
            account.account_id,
            yuan(amount_li),
            "",
            "成功",
        )
        self._ledger.note(STREAM, account.account_id, number, json.dumps(row, ensure_ascii=False))

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
