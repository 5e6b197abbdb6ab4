"""QKA 的委托、成交、持仓，和直接连客户端的 `create_trader`。

`Order`、`Trade`、`Position` 只是记录：造一个不会下单。
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from easytrader.api import use
from easytrader.basics.beijing import beijing_now

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

__all__ = ["Order", "OrderSide", "OrderStatus", "OrderType", "Position", "Trade", "create_trader"]


class OrderSide(Enum):
    """买卖方向。"""

    BUY = "buy"
    SELL = "sell"


class OrderType(Enum):
    """订单类型。"""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class OrderStatus(Enum):
    """订单状态。"""

    PENDING = "pending"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


def _now() -> datetime:
    """北京时间；与 QKA 一样不带时区。"""
    return beijing_now().replace(tzinfo=None)


@dataclass(eq=False)
class Order:
    """一个订单。

    Args:
        symbol: 证券代码，如 ``000001.SZ``。
        side: ``buy`` 或 ``sell``。
        quantity: 数量。
        order_type: ``market``、``limit``、``stop``、``stop_limit``。
        price: 价格，限价单才有。
        order_id: 订单编号；不给就取 8 个十六进制字符。

    Attributes:
        status: 状态，见 `OrderStatus`；新的是 ``pending``。
        created_time: 造出来的时刻，北京时间。
        filled_quantity: 成交了多少。
        remaining_quantity: 还剩多少。
    """

    symbol: str
    side: str
    quantity: int
    order_type: str = OrderType.MARKET.value
    price: float | Decimal | None = None
    order_id: str | None = None
    status: str = field(init=False, default=OrderStatus.PENDING.value)
    created_time: datetime = field(init=False, default_factory=_now)
    filled_quantity: int = field(init=False, default=0)
    remaining_quantity: int = field(init=False)

    def __post_init__(self) -> None:
        self.order_id = self.order_id or uuid.uuid4().hex[:8]
        self.remaining_quantity = self.quantity


@dataclass(eq=False)
class Trade:
    """一笔成交。

    Args:
        order_id: 订单编号。
        symbol: 证券代码。
        side: ``buy`` 或 ``sell``。
        quantity: 成交数量。
        price: 成交价。
        commission: 手续费。

    Attributes:
        trade_time: 造出来的时刻，北京时间。
        trade_value: 成交金额。
    """

    order_id: str
    symbol: str
    side: str
    quantity: int
    price: float
    commission: float = 0.0
    trade_time: datetime = field(init=False, default_factory=_now)
    trade_value: float = field(init=False)

    def __post_init__(self) -> None:
        self.trade_value = self.quantity * self.price


@dataclass(eq=False)
class Position:
    """一个持仓。

    Args:
        symbol: 证券代码。
        quantity: 数量。
        avg_price: 成本价。

    Attributes:
        market_value: 市值。
        unrealized_pnl: 浮动盈亏。
        realized_pnl: 已实现的盈亏，由使用者记。
    """

    symbol: str
    quantity: int = 0
    avg_price: float = 0.0
    market_value: float = field(init=False, default=0.0)
    unrealized_pnl: float = field(init=False, default=0.0)
    realized_pnl: float = field(init=False, default=0.0)

    def update_market_price(self, current_price: float) -> None:
        """按现价算市值与浮动盈亏；没有持仓时浮动盈亏照旧。"""
        self.market_value = self.quantity * current_price
        if self.quantity > 0:
            self.unrealized_pnl = (current_price - self.avg_price) * self.quantity


def create_trader(account_id: str, mini_qmt_path: str) -> tuple[Any, Any]:
    """直接连本机的 MiniQMT，给出厂商的交易对象与账号对象。

    与 QKA 一样只管这一次会话：断线之后它不能再用，要再调用一次。要自动重连、
    恰好一次，用 ``easytrader.use("miniqmt")``。经它的同步调用有期限，不会永远等下去。

    Args:
        account_id: 资金账号。
        mini_qmt_path: 客户端的 userdata_mini 文件夹；模拟文件夹也可以。

    Returns:
        ``(XtQuantTrader, StockAccount)``：已经启动、连接、订阅。

    Raises:
        UsageError: 参数不对（包括路径不存在）。
        ConnectFailedError: 没连上；信息里有可能的原因。
    """
    user = use("miniqmt")
    user.connect(mini_qmt_path, account_id, reconnect_enabled=False)
    trader = user.trader
    trader.easytrader_user = user  # 会话跟着交易口走：没有人拿着它就关了
    return trader, user.account
