"""查询：账户此刻的样子，整数厘。只读。"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from easytrader.codes import CANCELLABLE_STATUSES
from easytrader.errors import SimulatorError
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.ledger.orders import security_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.events import OrderSnapshot
    from easytrader.sim.ledger.orders import SimOrder

    QuoteOf = Callable[[Security], Quote]


class Asset(NamedTuple):
    """一个账户的资金，厘。总资产 = 可用 + 冻结 + 持仓市值 + 别处的（如借出的逆回购）。"""

    account_type: int
    account_id: str
    cash_li: int
    frozen_li: int
    market_li: int
    elsewhere_li: int
    fetch_li: int

    @property
    def total_li(self) -> int:
        """总资产。"""
        return self.cash_li + self.frozen_li + self.market_li + self.elsewhere_li


class Holding(NamedTuple):
    """一只持仓与它的最新价。

    ``cost_li``：买入的总成本；``basis_li``：这家柜台算成本与盈亏用的（买入均价、摊薄成本或保本价的总额）。
    """

    account_type: int
    account_id: str
    stock_code: str
    exchange: str
    volume: int
    sellable: int
    frozen: int
    locked: int
    yesterday: int
    cost_li: int
    basis_li: int
    last_li: int
    open_date: str


def asset(account: Account, quote_of: QuoteOf, elsewhere_li: int = 0) -> Asset:
    """资金。"""
    value = sum(
        held.volume * quote_of(parse_security(held.stock_code)).last_li
        for held in account.positions.values()
        if held.volume
    )
    return Asset(
        account.account_type,
        account.account_id,
        account.cash_li,
        account.frozen_li,
        value,
        elsewhere_li,
        account.fetch_li,
    )


def orders(today: list[SimOrder], order_id: int, cancelable_only: bool) -> list[OrderSnapshot]:
    """当日委托，按编号先后。"""
    if order_id:
        today = [order for order in today if order.order_id == order_id]
    if cancelable_only:
        today = [order for order in today if order.status in CANCELLABLE_STATUSES]
    return [order.snapshot for order in today]


def positions(
    account: Account, stock_code: str, quote_of: QuoteOf, basis_of: Callable[[Position], int]
) -> list[Holding]:
    """持仓，按代码；清仓的当天还留一行。"""
    return [
        Holding(
            account.account_type,
            account.account_id,
            held.stock_code,
            (security := parse_security(held.stock_code)).exchange,
            held.volume,
            held.sellable,
            held.frozen,
            held.locked,
            held.yesterday,
            held.cost_li,
            basis_of(held),
            quote_of(security).last_li,
            held.open_date,
        )
        for code, held in sorted(account.positions.items())
        if stock_code in ("", code)
    ]


def last_li(stock_code: str, quote_of: QuoteOf) -> int | None:
    """最新价，厘；没有这只证券或没有它的行情为 None。"""
    security = security_of(stock_code)
    if security is None or security.kind is Kind.OTHER or not security.tradable:
        return None
    try:
        return quote_of(security).last_li
    except SimulatorError:  # 这个品种没有合成行情
        return None
