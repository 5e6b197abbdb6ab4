"""一条业务线：把查询和办事分给银行、普通柜台；另有股东账户与持仓统计。"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.lines.quiet import QuietLine
from easytrader.sim.orders import LONG, instrument_name, secu_account, yuan
from easytrader.sim.transfers.bank import BankDesk
from easytrader.sim.transfers.com import ComDesk
from easytrader.sim.transfers.rows import PositionStatisticsRow, SecuAccountRow
from easytrader.sim.transfers.settings import TransferSettings, load_settings
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.account import Account, Position
    from easytrader.sim.lines import Surroundings

__all__ = ["TransfersLine", "transfers_line"]

_EXCHANGES: Final = {"SH": "上交所", "SZ": "深交所", "BJ": "北交所"}


class TransfersLine(QuietLine):
    """见模块说明。"""

    def __init__(self, seen: Surroundings, settings: TransferSettings) -> None:
        self._seen = seen
        self._bank = BankDesk(seen.ledger, settings.banks)
        self._com = ComDesk(seen, settings)

    def ask(self, verb: str, account: Account, args: Any) -> list[Any] | None:
        """查询。"""
        answers: dict[str, Callable[[], list[Any]]] = {
            "bank_info": lambda: list(self._bank.infos(account)),
            "bank_amount": lambda: list(self._bank.amounts(account, args)),
            "bank_stream": lambda: list(self._bank.stream(account, args)),
            "com_fund": lambda: list(self._com.fund(account)),
            "com_position": lambda: list(self._com.positions(account)),
            "secu_accounts": lambda: _secu_accounts(account),
            "position_statistics": lambda: self._statistics(account),
        }
        answer = answers.get(verb)
        return None if answer is None else answer()

    def act(self, verb: str, account: Account, args: Any, now: float) -> tuple[Any, ...] | None:
        """划拨、转账。"""
        if verb == "transfer":
            return self._com.transfer(account, args)
        if verb == "bank_transfer":
            return self._bank.transfer(account, args, now)
        return None

    def _statistics(self, account: Account) -> list[Any]:
        held = [each for each in account.positions.values() if each.volume]
        values = {each.stock_code: each.volume * self._last_li(each.stock_code) for each in held}
        total_li = account.cash_li + account.frozen_li + sum(values.values())
        return [
            self._row(account, each, values[each.stock_code], total_li)
            for each in sorted(held, key=lambda each: each.stock_code)
        ]

    def _row(
        self, account: Account, held: Position, value_li: int, total_li: int
    ) -> PositionStatisticsRow:
        security = parse_security(held.stock_code)
        quote = self._seen.quote(security)
        name = instrument_name(held.stock_code)
        average = round(held.cost_li / held.volume / 1000, 6)
        profit = yuan(value_li - held.cost_li)
        rise = round(quote.last_li / quote.pre_close_li - 1, 6) if quote.pre_close_li else 0.0
        today_li = held.volume * (quote.last_li - quote.pre_close_li)
        bought = max(held.volume - held.yesterday, 0)
        return PositionStatisticsRow(
            account_id=account.account_id,
            exchange_id=security.exchange,
            exchange_name=_EXCHANGES.get(security.exchange, ""),
            instrument_id=security.code,
            instrument_name=name,
            direction=LONG,
            position=held.volume,
            yesterday_position=held.yesterday,
            today_position=bought,
            can_close_vol=held.sellable,
            position_cost=yuan(held.cost_li),
            avg_price=average,
            position_profit=profit,
            float_profit=profit,
            open_price=average,
            instrument_value=yuan(value_li),
            open_volume=bought,
            last_price=yuan(quote.last_li),
            rise_ratio=rise,
            assest_weight=round(value_li / total_li, 6) if total_li else 0.0,
            increase_by_settlement=rise,
            today_profit_loss=yuan(today_li),
            yesterday_init_position=held.yesterday,
            today_close_profit_loss=yuan(today_li),
            open_cost=yuan(held.cost_li),
        )

    def _last_li(self, code: str) -> int:
        return self._seen.quote(parse_security(code)).last_li


def transfers_line(folder: Path) -> Callable[[Surroundings], TransfersLine]:
    """这个模拟文件夹里的划拨与转账。

    Raises:
        SimulatorError: ``transfers.json`` 写得不对。
    """
    return partial(TransfersLine, settings=load_settings(folder))


def _secu_accounts(account: Account) -> list[Any]:
    """沪、深各一个，沪市的是主账户；北交所用深市的。"""
    return [
        SecuAccountRow(market == "SH", market, secu_account(account.account_id, market))
        for market in ("SH", "SZ")
    ]
