"""一天结束时的样子：各账户的资金与持仓，换日时记一次，供以后查（`history`）。"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from easytrader.errors import SimulatorError
from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account, Position

    QuoteOf = Callable[[Security], Quote]


class Outside(NamedTuple):
    """一个账户在各项业务手里的，厘。

    ``worth_li``：算进总资产的（借出的逆回购，融券所得）；``owed_li``：欠着的（两融负债），没有减。
    """

    worth_li: int
    owed_li: int


class ClosingAsset(NamedTuple):
    """一个账户一天结束时的资金，厘；字段次序同账本里的表。

    ``elsewhere_li``：在各项业务手里、算进总资产的；``realized_li``：开户以来的已实现盈亏，未扣费用；
    ``owed_li``：欠着的（两融负债，融券的按收盘价）；``fees_li``：开户以来交的费用。
    """

    day: int
    account_id: str
    account_type: int
    cash_li: int
    frozen_li: int
    market_li: int
    elsewhere_li: int
    fees_li: int
    realized_li: int
    owed_li: int

    @property
    def total_li(self) -> int:
        """总资产。"""
        return self.cash_li + self.frozen_li + self.market_li + self.elsewhere_li


class ClosingPosition(NamedTuple):
    """一只持仓一天结束时的样子；字段次序同账本里的表。``price_li`` 是收盘价。"""

    day: int
    account_id: str
    stock_code: str
    volume: int
    cost_li: int
    price_li: int


class Closing(NamedTuple):
    """一个账户一天结束时的资金与持仓。"""

    asset: ClosingAsset
    positions: tuple[ClosingPosition, ...]


def closing(day: int, account: Account, outside: Outside, quote_of: QuoteOf) -> Closing:
    """``account`` 在 ``day`` 结束时的样子。"""
    held = tuple(
        ClosingPosition(
            day, account.account_id, code, each.volume, each.cost_li, _price(each, quote_of)
        )
        for code, each in sorted(account.positions.items())
        if each.volume
    )
    asset = ClosingAsset(
        day,
        account.account_id,
        account.account_type,
        account.cash_li,
        account.frozen_li,
        sum(each.volume * each.price_li for each in held),
        outside.worth_li,
        account.fees_li,
        account.realized_li,
        outside.owed_li,
    )
    return Closing(asset, held)


def _price(held: Position, quote_of: QuoteOf) -> int:
    """收盘价；没有这只证券的行情（回放的数据里没有）时按成本价，换日不能因此过不去。"""
    try:
        return quote_of(parse_security(held.stock_code)).last_li
    except SimulatorError:
        return held.cost_li // held.volume
