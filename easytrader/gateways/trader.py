"""`GatewayTrader`：VeighNa 接口的交易口。"""

from __future__ import annotations

from typing import Any

from easytrader.trader import Trader


class GatewayTrader(Trader):
    """VeighNa 接口的交易口。"""

    def __init__(self, debug: bool = False, *, gateway: str | type[Any]) -> None:
        super().__init__(debug)
        self._gateway = gateway
