"""`CryptoTrader`：加密货币交易所的交易口。"""

from __future__ import annotations

from easytrader.trader import Trader


class CryptoTrader(Trader):
    """加密货币交易所的交易口。"""

    def __init__(self, debug: bool = False, *, exchange: str, base_url: str | None = None) -> None:
        super().__init__(debug)
        self._exchange, self._base_url = exchange, base_url
