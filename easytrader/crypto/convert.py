"""ccxt 的字典 → 后端的记录。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import Asset, Order, Position, Quote, Side, Trade
from easytrader.codes import Direction, OrderStatus, OtherAccountType
from easytrader.crypto import table
from easytrader.crypto.markets import currency_of, decimal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from easytrader.crypto.markets import Markets

CRYPTO: Final = OtherAccountType.CRYPTO.value
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_LEVELS: Final = 5


def order_of(row: Mapping[str, Any], markets: Markets, account_id: str) -> Order:
    """一笔委托。"""
    symbol = str(row["symbol"])
    filled, amount = decimal(row.get("filled")), row.get("amount")
    tag = table.tag_of(row.get("clientOrderId"))
    price = row.get("price") if row.get("type") != "market" else None
    return Order(
        stock_code=symbol,
        order_id=str(row["id"]),
        side=_SIDES[str(row["side"])],
        # 按金额买的市价单没有数量，成交了多少就是多少
        order_volume=filled if amount is None else decimal(amount),
        price=None if price is None else decimal(price),
        traded_volume=filled,
        traded_price=decimal(row.get("average")),
        order_status=status_of(row.get("status"), filled),
        order_time=_seconds(row.get("timestamp")),
        order_sysid=str(row["id"]),
        order_remark=f"~{tag}~" if tag else "",
        account_type=CRYPTO,
        account_id=account_id,
        currency=_currency(symbol, markets),
    )


def status_of(status: object, filled: Decimal) -> OrderStatus:
    """状态，从 ccxt 的变成我们的。"""
    if status == "open":
        return OrderStatus.PART_SUCC if filled else OrderStatus.REPORTED
    if status in ("canceled", "expired"):
        return OrderStatus.PART_CANCEL if filled else OrderStatus.CANCELED
    if status == "closed":
        return OrderStatus.SUCCEEDED
    if status == "rejected":
        return OrderStatus.JUNK
    return OrderStatus.UNREPORTED if status is None else OrderStatus.UNKNOWN


def trade_of(
    row: Mapping[str, Any], markets: Markets, account_id: str, order: Order | None
) -> Trade:
    """一笔成交；金额自己算：不给交易对查的，ccxt 的 ``cost`` 没有乘合约乘数（okx 看到的）。"""
    symbol = str(row["symbol"])
    price, amount = decimal(row.get("price")), decimal(row.get("amount"))
    return Trade(
        stock_code=symbol,
        order_id=str(row.get("order") or ""),
        side=_SIDES[str(row["side"])],
        traded_id=str(row["id"]),
        traded_time=_seconds(row.get("timestamp")),
        traded_price=price,
        traded_volume=amount,
        traded_amount=markets.value(symbol, price, amount),
        order_sysid=str(row.get("order") or ""),
        order_remark="" if order is None else order.order_remark,
        strategy_name="" if order is None else order.strategy_name,
        account_type=CRYPTO,
        account_id=account_id,
        currency=_currency(symbol, markets),
    )


def asset_of(currency: str, row: Mapping[str, Any], total: Decimal | None, account: str) -> Asset:
    """一种货币的资金；``total`` 是整个账户折成这种货币的，没有就是这种货币自己的。"""
    own, free = decimal(row.get("total")), decimal(row.get("free"))
    used = decimal(row.get("used")) if row.get("used") is not None else own - free
    whole = own if total is None else max(total, own)
    return Asset(
        total_asset=whole,
        cash=free,
        frozen_cash=used,
        market_value=whole - own,
        account_type=CRYPTO,
        account_id=account,
        currency=currency,
    )


def holding_of(
    symbol: str, row: Mapping[str, Any], last: Decimal, currency: str, account: str
) -> Position:
    """现货：一种币就是一份持仓；交易所不记成本，买入价为 0。"""
    total, free = decimal(row.get("total")), decimal(row.get("free"))
    return Position(
        stock_code=symbol,
        volume=total,
        can_use_volume=free,
        frozen_volume=total - free,
        yesterday_volume=total,
        market_value=total * last,
        account_type=CRYPTO,
        account_id=account,
        currency=currency,
    )


def position_of(row: Mapping[str, Any], markets: Markets, account_id: str) -> Position:
    """合约的持仓，数量是张。"""
    symbol, price = str(row["symbol"]), decimal(row.get("entryPrice"))
    short = row.get("side") == "short"
    return Position(
        stock_code=symbol,
        volume=abs(decimal(row.get("contracts"))),
        open_price=price,
        avg_price=price,
        market_value=abs(decimal(row.get("notional"))),
        direction=Direction.SHORT.value if short else Direction.LONG.value,
        account_type=CRYPTO,
        account_id=account_id,
        currency=_currency(symbol, markets),
    )


def quote_of(symbol: str, ticker: Mapping[str, Any], book: Mapping[str, Any]) -> Quote:
    """行情：最新价来自 ticker，买卖五档来自 order book。"""

    def price(name: str) -> Decimal | None:
        value = ticker.get(name)
        return None if value is None else decimal(value)

    return Quote(
        stock_code=symbol,
        last=price("last"),
        open=price("open"),
        high=price("high"),
        low=price("low"),
        pre_close=price("previousClose"),
        limit_up=None,
        limit_down=None,
        volume=decimal(ticker.get("baseVolume")),
        amount=decimal(ticker.get("quoteVolume")),
        time=_seconds(ticker.get("timestamp")),
        bids=_levels(book.get("bids") or ()),
        asks=_levels(book.get("asks") or ()),
    )


def _levels(rows: Sequence[Any]) -> list[tuple[Decimal, Decimal]]:
    return [(decimal(each[0]), decimal(each[1])) for each in rows[:_LEVELS]]


def _currency(symbol: str, markets: Markets) -> str:
    market = markets.all.get(symbol)
    return "" if market is None else currency_of(market)


def _seconds(milliseconds: Any) -> int:
    return int(time.time() if milliseconds is None else milliseconds // 1000)
