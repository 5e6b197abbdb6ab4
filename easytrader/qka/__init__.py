"""QKA 的名字：``qka.brokers`` 换成 ``easytrader.qka``，脚本别的不用改。

::

    from easytrader.qka.client import QMTClient  # 原来是 qka.brokers.client
    from easytrader.qka.server import QMTServer
    from easytrader.qka.trade import create_trader, Order, Trade, Position

线上的话与 QKA 的相同，两边的客户端与服务器可以混着用；不同的地方见文档「QKA」。
"""

from __future__ import annotations

from easytrader.qka.client import QMTClient
from easytrader.qka.trade import (
    Order,
    OrderSide,
    OrderStatus,
    OrderType,
    Position,
    Trade,
    create_trader,
)

__all__ = [
    "Order", "OrderSide", "OrderStatus", "OrderType", "Position", "QMTClient", "Trade",
    "create_trader",
]  # fmt: skip
