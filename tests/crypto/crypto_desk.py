"""测试公用：连着记账的交易所的交易口。"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exchange_server import KEY, PASSPHRASE, SECRET

from easytrader.crypto.trader import CryptoTrader

if TYPE_CHECKING:
    from exchange_server import Exchange

    from easytrader.trader import Trader


class Quick(CryptoTrader):
    """不等人的：每 0.2 秒查一次，新委托马上查得到。"""

    settle_s = 0.2
    capabilities = replace(CryptoTrader.capabilities, poll_s=0.2)


def use(name: str, exchange: Exchange) -> CryptoTrader:
    return Quick(exchange=name, base_url=exchange.url)


def connect(trader: Trader, callback: Any = None, **options: Any) -> None:
    given = {"timeout": 2.0, "reconnect_interval": 0.05, **options}
    if "okx" in trader.capabilities.name:
        given.setdefault("password", PASSPHRASE)
    trader.connect(KEY, SECRET, trader_callback=callback, **given)
