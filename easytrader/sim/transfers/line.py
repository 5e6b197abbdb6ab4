"""把查询和办事分给银行、普通柜台；另有股东账户与持仓统计。"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from easytrader.sim.plugin import QuietBusiness
from easytrader.sim.transfers.bank import BankTransfers
from easytrader.sim.transfers.com import GeneralCounter
from easytrader.sim.transfers.settings import TransferSettings, load_settings
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.account import Account, Position
    from easytrader.sim.events import Done
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.market.book import Quote

__all__ = ["Standing", "TransfersBusiness", "transfers_business"]


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
            "bank_info": lambda: list(self._bank.infos()),
            "bank_amount": lambda: [self._bank.balance(account, args)],
            "bank_stream": lambda: list(self._bank.stream(account, args)),
            "com_fund": lambda: [self._com.fund(account)],
            "com_position": lambda: list(self._com.positions(account)),
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


def transfers_business(folder: Path) -> Callable[[Surroundings], TransfersBusiness]:
    """这个模拟文件夹里的划拨与转账。

    Raises:
        SimulatorError: ``transfers.json`` 写得不对。
    """
    return partial(TransfersBusiness, settings=load_settings(folder))
