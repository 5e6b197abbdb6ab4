"""QKA 的记录类、`create_trader`。"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT

from easytrader.errors import ConnectFailedError, UsageError
from easytrader.qka import (
    Order,
    OrderSide,
    OrderStatus,
    OrderType,
    Position,
    Trade,
    create_trader,
)

if TYPE_CHECKING:
    from pathlib import Path

    from support import SimProcess


def test_the_order_of_qkas_page() -> None:
    order = Order(symbol="000001.SZ", side="buy", quantity=1000, order_type="market")
    assert order.price is None
    assert re.fullmatch("[0-9a-f]{8}", str(order.order_id))
    assert (order.status, order.filled_quantity, order.remaining_quantity) == ("pending", 0, 1000)
    assert order.created_time.tzinfo is None
    assert Order("000001.SZ", "sell", 1, "limit", 9.9, "mine").order_id == "mine"
    assert Order("000001.SZ", "buy", 1) != Order("000001.SZ", "buy", 1)


def test_trades_and_positions() -> None:
    trade = Trade("1", "000001.SZ", "buy", 100, 10.0)
    assert (trade.trade_value, trade.commission) == (1000.0, 0.0)
    position = Position("000001.SZ", 100, 10.0)
    assert (position.market_value, position.unrealized_pnl, position.realized_pnl) == (0, 0, 0)
    position.update_market_price(11.0)
    assert (position.market_value, position.unrealized_pnl) == (1100.0, 100.0)
    empty = Position("000001.SZ")
    empty.update_market_price(11.0)
    assert (empty.market_value, empty.unrealized_pnl) == (0, 0)


def test_the_enums_are_strings() -> None:
    assert [each.value for each in OrderSide] == ["buy", "sell"]
    assert [each.value for each in OrderType] == ["market", "limit", "stop", "stop_limit"]
    wanted = ["pending", "filled", "cancelled", "rejected"]
    assert [each.value for each in OrderStatus] == wanted


def test_create_trader_gives_a_subscribed_vendor_trader(
    served: SimProcess, sim_folder: Path
) -> None:
    import gc

    trader, account = create_trader(ACCOUNT, str(sim_folder))
    gc.collect()  # 没有别人拿着，会话也还在
    assert trader.query_stock_asset(account).account_id == ACCOUNT
    assert account.account_id == ACCOUNT
    trader.easytrader_user.close()


def test_create_trader_says_when_it_did_not_connect(sim_folder: Path) -> None:
    with pytest.raises(ConnectFailedError):
        create_trader(ACCOUNT, str(sim_folder))
    with pytest.raises(UsageError):
        create_trader("", str(sim_folder))
