"""VeighNa 的接口：任何一个 ``BaseGateway``，不要窗口，每个调用都有期限。VeighNa 用到时才导入。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easytrader.gateways.trader import GatewayTrader


def gateway_trader(debug: bool = False, *, gateway: str | type[Any]) -> GatewayTrader:
    """``use("vnpy", gateway=…)``：登记的名字，或一个 ``BaseGateway`` 的子类。"""
    from easytrader.gateways.trader import GatewayTrader

    return GatewayTrader(debug, gateway=gateway)
