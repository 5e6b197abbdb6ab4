"""查询：账户状态 → 厂商的行。只读。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes import ACCOUNT_STATUS_NAMES
from easytrader.errors import SimulatorError
from easytrader.sim.intake import security_of
from easytrader.sim.orders import LONG, instrument_name, secu_account, yuan
from easytrader.sim.wire import (
    AccountInfoRow,
    AccountStatusRow,
    AssetRow,
    OrderAnswer,
    OrderRow,
    PositionRow,
)
from easytrader.symbols import Kind, parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.account import Account, Position
    from easytrader.sim.market.book import Quote
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.wire import SubmitArgs
    from easytrader.symbols import Security

    QuoteOf = Callable[[Security], Quote]

__all__ = [
    "account_info",
    "account_status",
    "asset",
    "last_price",
    "not_logged_in",
    "orders",
    "positions",
]

_STOCK_BROKER: Final = 2
_LOGIN_OK: Final = 0
_CANCELABLE: Final = frozenset({48, 49, 50, 55})


def asset(account: Account, quote_of: QuoteOf, elsewhere_li: int = 0) -> AssetRow:
    """资金。总资产 = 可用 + 冻结 + 持仓市值 + 别处的（``elsewhere_li``，如借出的逆回购）。"""
    value = sum(
        held.volume * quote_of(parse_security(held.stock_code)).last_li
        for held in account.positions.values()
        if held.volume
    )
    return AssetRow(
        account.account_type,
        account.account_id,
        yuan(account.cash_li),
        yuan(account.frozen_li),
        yuan(value),
        yuan(account.cash_li + account.frozen_li + value + elsewhere_li),
        yuan(account.fetch_li),
        yuan(account.cash_li + account.frozen_li),
    )


def orders(today: list[SimOrder], order_id: int, cancelable_only: bool) -> list[OrderRow]:
    """当日委托，按编号先后。"""
    if order_id:
        today = [order for order in today if order.order_id == order_id]
    if cancelable_only:
        today = [order for order in today if order.status in _CANCELABLE]
    return [order.row for order in today]


def positions(account: Account, stock_code: str, quote_of: QuoteOf) -> list[PositionRow]:
    """持仓，按代码；清仓的当天还留一行。"""
    return [
        _position(account, account.positions[code], quote_of)
        for code in sorted(account.positions)
        if stock_code in ("", code)
    ]


def _position(account: Account, held: Position, quote_of: QuoteOf) -> PositionRow:
    security = parse_security(held.stock_code)
    last = quote_of(security).last_li
    value = held.volume * last
    profit = value - held.cost_li
    average = round(held.cost_li / held.volume / 1000, 6) if held.volume else 0.0
    return PositionRow(
        account.account_type,
        account.account_id,
        held.stock_code,
        held.volume,
        held.sellable,
        average,
        yuan(value),
        held.frozen,
        held.locked,
        held.yesterday,
        average,
        LONG,
        yuan(profit),
        yuan(last),
        round(profit / held.cost_li, 6) if held.cost_li else 0.0,
        secu_account(account.account_id, security.exchange),
        instrument_name(held.stock_code),
        held.open_date,
        yuan(profit),
    )


def last_price(stock_code: str, quote_of: QuoteOf) -> float | None:
    """最新价，元；没有这只证券或没有它的行情为 None。"""
    security = security_of(stock_code)
    if security is None or security.kind is Kind.OTHER or not security.tradable:
        return None
    try:
        return yuan(quote_of(security).last_li)
    except SimulatorError:  # 这个品种没有合成行情
        return None


def account_info(account: Account) -> AccountInfoRow:
    """账号信息。"""
    return AccountInfoRow(
        account.account_type,
        account.account_id,
        _STOCK_BROKER,
        0,
        "",
        "模拟账户",
        0,
        "easytrader 模拟柜台",
        "",
        _LOGIN_OK,
    )


def account_status(account: Account, status: int = _LOGIN_OK) -> AccountStatusRow:
    """账号状态。"""
    return AccountStatusRow(account.account_type, account.account_id, status)


def not_logged_in(args: SubmitArgs, status: int) -> OrderAnswer:
    """账号状态不正常时下单的应答：客户端当场退回。"""
    told = ACCOUNT_STATUS_NAMES.get(status, str(status))
    return OrderAnswer(
        args.account_type,
        args.account_id,
        -1,
        args.strategy_name,
        args.order_remark,
        -1,
        f"账号状态是「{told}」，不能下单",
    )
