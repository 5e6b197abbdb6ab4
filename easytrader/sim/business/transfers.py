"""划拨与转账：银证转账，普通柜台与极速柜台之间的划拨，股东账户，持仓统计。"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import stamp
from easytrader.errors import UsageError
from easytrader.market.rules.fees import yuan
from easytrader.market.symbols import parse_security
from easytrader.sim.config.transfers import TransferSettings
from easytrader.sim.ledger.account import share_of
from easytrader.sim.ledger.events import Done
from easytrader.sim.ledger.plugin import QuietBusiness, details

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.config.transfers import Bank, TransferSettings
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.ledger import Ledger, Surroundings


BANK: Final = "bank"
STREAM: Final = "bank_stream"
IN: Final = 501
OUT: Final = 502
_SIDES: Final = {IN: "1", OUT: "2"}
_SIDE_OF: Final = {shown: side for side, shown in _SIDES.items()}


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
        self.banks = banks

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
        if side == OUT and (most := self._ledger.fetch_li(account)) < amount_li:
            return f"可取资金不足，可取 {yuan(most):.2f}"
        account.cash_li += sign * amount_li
        self._ledger.touch(account)
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
            (each for each in self.banks if (each.bank_no, each.bank_account) == wanted), None
        )

    def _balance_li(self, account: Account, bank: Bank) -> int:
        where = BANK, account.account_id, f"{bank.bank_no} {bank.bank_account}"
        body = self._ledger.state.records.get(where)
        return bank.balance_li if body is None else int(json.loads(body))


CASH: Final = "com_cash"
SHARES: Final = "com_shares"
_FUNDS_IN: Final = 510
_FUNDS_OUT: Final = 511
_NODES: Final = (512, 513)
_SHARES_IN: Final = 520
_SHARES_OUT: Final = 521
_SHARE_KINDS: Final = {2: (0,), 3: (1, 2)}


class ComFund(NamedTuple):
    """普通柜台的资金，厘。"""

    cash_li: int
    value_li: int


class ComHolding(NamedTuple):
    """普通柜台的一只持仓。"""

    stock_code: str
    volume: int
    cost_li: int
    last_li: int


class GeneralCounter:
    """普通柜台的窗口。"""

    def __init__(self, seen: Surroundings, settings: TransferSettings) -> None:
        self._ledger = seen.ledger
        self._quote = seen.quote
        self._settings = settings

    def fund(self, account: Account) -> ComFund:
        """资金。"""
        value_li = sum(
            volume * self._last_li(code) for code, (volume, _) in self._shares(account).items()
        )
        return ComFund(self._cash_li(account), value_li)

    def positions(self, account: Account) -> list[ComHolding]:
        """持仓。"""
        return [
            ComHolding(code, volume, cost_li, self._last_li(code))
            for code, (volume, cost_li) in sorted(self._shares(account).items())
            if volume
        ]

    def transfer(self, account: Account, args: Any) -> Done:
        """划拨。"""
        given = details(args)
        side = given["direction"]
        if side in (_FUNDS_IN, _FUNDS_OUT):
            why = self._move_cash(account, side == _FUNDS_IN, given["price"])
        elif side in (_SHARES_IN, _SHARES_OUT):
            why = self._move_shares(account, side == _SHARES_IN, given)
        elif side in _NODES:
            why = "模拟柜台只有一个节点，没有上海、深圳节点之间的划拨"
        else:
            why = f"划拨方向 {side} 不合法"
        return Done(why)

    def _move_cash(self, account: Account, incoming: bool, amount: float) -> str:
        amount_li = whole_fen(amount)
        if not amount_li:
            return f"划拨金额 {amount} 不合法"
        cash_li = self._cash_li(account)
        most = cash_li if incoming else self._ledger.fetch_li(account)
        if most < amount_li:
            where = "普通柜台可用" if incoming else "极速柜台可取"
            return f"资金不足，{where} {yuan(most):.2f}"
        sign = 1 if incoming else -1
        account.cash_li += sign * amount_li
        self._ledger.touch(account)
        self._ledger.note(CASH, account.account_id, "", json.dumps(cash_li - sign * amount_li))
        return ""

    def _move_shares(self, account: Account, incoming: bool, given: dict[str, Any]) -> str:
        volume, kind = given["volume"], given["transfer_type"]
        if kind not in _SHARE_KINDS.get(account.account_type, ()):
            return f"划拨类型 {kind} 与账号类型不符"
        try:
            code = parse_security(given["stock_code"]).stock_code
        except UsageError:
            return f"证券代码 {given['stock_code']} 不存在"
        theirs, their_cost = self._shares(account).get(code, (0, 0))
        held = account.positions.get(code)
        most = theirs if incoming else (held.sellable if held else 0)
        if not 0 < volume <= most:
            return f"股份不足，可划拨 {most}"
        held = account.position(code)
        if incoming:
            cost_li = share_of(their_cost, volume, theirs)
            held.bring_in(volume, cost_li, self._ledger.today)
            sign = 1
        else:
            cost_li = held.take_out(volume)
            sign = -1
        held.yesterday = max(held.yesterday + sign * volume, 0)
        self._ledger.touch(account, held)
        left = json.dumps([theirs - sign * volume, their_cost - sign * cost_li])
        self._ledger.note(SHARES, account.account_id, code, left)
        return ""

    def _last_li(self, code: str) -> int:
        return self._quote(parse_security(code)).last_li

    def _cash_li(self, account: Account) -> int:
        body = self._ledger.state.records.get((CASH, account.account_id, ""))
        return self._settings.cash_li if body is None else int(json.loads(body))

    def _shares(self, account: Account) -> dict[str, tuple[int, int]]:
        """代码 →（数量, 总成本厘）。"""
        found = {code: (volume, cost) for code, volume, cost in self._settings.positions}
        for (kind, owner, code), body in self._ledger.state.records.items():
            if kind == SHARES and owner == account.account_id:
                volume, cost_li = json.loads(body)
                found[code] = volume, cost_li
        return found


class Standing(NamedTuple):
    """一只持仓、它的盘口，和账户的总资产（厘）。"""

    held: Position
    quote: Quote
    total_li: int


class TransfersBusiness(QuietBusiness):
    """见模块说明。"""

    def __init__(self, seen: Surroundings, settings: TransferSettings) -> None:
        self._seen = seen
        self._bank = BankTransfers(seen.ledger, settings.banks)
        self._com = GeneralCounter(seen, settings)

    def ask(self, verb: str, account: Account, args: Any) -> list[Any] | None:
        """查询。"""
        answers: dict[str, Callable[[], list[Any]]] = {
            "bank_info": lambda: list(self._bank.banks),
            "bank_amount": lambda: [self._bank.balance(account, args)],
            "bank_stream": lambda: self._bank.stream(account, args),
            "com_fund": lambda: [self._com.fund(account)],
            "com_position": lambda: self._com.positions(account),
            "secu_accounts": lambda: ["SH", "SZ"],  # 北交所用深市的
            "position_statistics": lambda: self._statistics(account),
        }
        answer = answers.get(verb)
        return None if answer is None else answer()

    def act(self, verb: str, account: Account, args: Any, now: float) -> Done | None:
        """划拨、转账。"""
        if verb == "transfer":
            return self._com.transfer(account, args)
        if verb == "bank_transfer":
            return self._bank.transfer(account, args, now)
        return None

    def _statistics(self, account: Account) -> list[Any]:
        held = [each for each in account.positions.values() if each.volume]
        quotes = {each.stock_code: self._quote(each.stock_code) for each in held}
        value_li = sum(each.volume * quotes[each.stock_code].last_li for each in held)
        total_li = account.cash_li + account.frozen_li + value_li
        return [
            Standing(each, quotes[each.stock_code], total_li)
            for each in sorted(held, key=lambda each: each.stock_code)
        ]

    def _quote(self, code: str) -> Quote:
        return self._seen.quote(parse_security(code))
