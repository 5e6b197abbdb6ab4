"""普通柜台：xttrader 看见的是极速柜台，普通柜台里另有一份资金和股份，靠划拨过来过去。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import UsageError
from easytrader.sim.events import Done
from easytrader.sim.fees import yuan
from easytrader.sim.plugin import details
from easytrader.sim.transfers.bank import fetchable, whole_fen
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.transfers.settings import TransferSettings

__all__ = ["ComFund", "ComHolding", "GeneralCounter"]

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
        most = cash_li if incoming else fetchable(self._ledger, account)
        if most < amount_li:
            where = "普通柜台可用" if incoming else "极速柜台可取"
            return f"资金不足，{where} {yuan(most):.2f}"
        sign = 1 if incoming else -1
        account.cash_li += sign * amount_li
        self._ledger.changes.accounts[account.account_id] = account
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
            cost_li = _part(their_cost, volume, theirs)
            if not held.volume:
                held.open_date = self._ledger.today
            sign = 1
        else:
            cost_li = _part(held.cost_li, volume, held.volume)
            sign = -1
        held.volume += sign * volume
        held.cost_li += sign * cost_li
        held.yesterday = max(held.yesterday + sign * volume, 0)
        self._ledger.changes.positions[account.account_id, code] = held
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


def _part(cost_li: int, volume: int, total: int) -> int:
    """``total`` 里的 ``volume`` 摊到多少成本；全部就是全部。"""
    return cost_li if volume == total else cost_li * volume // total
