"""加密货币交易所，经 ccxt；ccxt 用到时才导入。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.crypto.trader import CryptoTrader


def crypto_trader(
    debug: bool = False, *, exchange: str, base_url: str | None = None
) -> CryptoTrader:
    """``use("ccxt", exchange="okx")``；``base_url`` 是自己的服务器。"""
    from easytrader.crypto.trader import CryptoTrader

    return CryptoTrader(debug, exchange=exchange, base_url=base_url)


def okx_trader(debug: bool = False, *, base_url: str | None = None) -> CryptoTrader:
    """``use("okx")``。"""
    return crypto_trader(debug, exchange="okx", base_url=base_url)


def htx_trader(debug: bool = False, *, base_url: str | None = None) -> CryptoTrader:
    """``use("htx")``。"""
    return crypto_trader(debug, exchange="htx", base_url=base_url)
