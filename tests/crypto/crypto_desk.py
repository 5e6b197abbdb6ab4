"""测试公用：交易所的服务器、连着它的交易口。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exchange_server import KEY, PASSPHRASE, SECRET, Exchange

import easytrader
from easytrader.crypto.trader import CryptoTrader

if TYPE_CHECKING:
    from easytrader.trader import Trader


def use(name: str, exchange: Exchange) -> CryptoTrader:
    """不等查询慢的交易口。"""
    trader = easytrader.use(name, base_url=exchange.url)
    assert isinstance(trader, CryptoTrader)
    trader.settle_s = 0.2
    return trader


def connect(trader: Trader, callback: Any = None, **options: Any) -> None:
    given = {"timeout": 2.0, "reconnect_interval": 0.05, **options}
    password = {"password": PASSPHRASE} if "okx" in trader.capabilities.name else {}
    trader.connect(KEY, SECRET, trader_callback=callback, **password, **given)


def amount(text: str) -> Decimal:
    return Decimal(text)
