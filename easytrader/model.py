"""后端交上来的记录的形状（厂商对象天然满足），以及一笔委托请求。"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.symbols import Security


class AssetLike(Protocol):
    """资金，元。"""

    total_asset: float
    market_value: float
    cash: float
    frozen_cash: float
    account_type: int
    account_id: str


class PositionLike(Protocol):
    """持仓，股/份/张；价格元。"""

    stock_code: str
    volume: int
    can_use_volume: int
    open_price: float
    market_value: float
    frozen_volume: int
    on_road_volume: int
    yesterday_volume: int
    avg_price: float
    direction: int
    account_type: int
    account_id: str


class OrderLike(Protocol):
    """委托；时间是 Unix 秒，价格元。"""

    stock_code: str
    order_id: int
    order_sysid: str
    order_time: int
    order_type: int
    order_volume: int
    price_type: int
    price: float
    traded_volume: int
    traded_price: float
    order_status: int
    status_msg: str
    offset_flag: int
    strategy_name: str
    order_remark: str
    direction: int
    account_type: int
    account_id: str


class TradeLike(Protocol):
    """成交；时间是 Unix 秒，价格与金额元。"""

    stock_code: str
    traded_id: str
    traded_time: int
    traded_price: float
    traded_volume: int
    traded_amount: float
    order_id: int
    order_type: int
    offset_flag: int
    account_id: str
    account_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str


class OrderRequest(NamedTuple):
    """一笔校验过的委托。

    Attributes:
        security: 证券。
        order_type: 委托类型，23 买入、24 卖出等。
        volume: 数量，股/份/张。
        price_type: 送出的报价类型（`codes.PriceType`）。
        price: 委托价，元；市价为 0。
        strategy_name: 策略名，不超过 23 字节。
        remark: 带标记的备注，见 `easytrader.tags`。
        tag: 备注里的唯一标记。
        money: 直接还款：还多少元（它在数量还是价格里，各家柜台不同）；别的委托为 None。
        precheck: 发出之前拿会话再核对一次，不对就抛异常；没有要核对的为 None。
    """

    security: Security
    order_type: int
    volume: int
    price_type: int
    price: float
    strategy_name: str
    remark: str
    tag: str
    money: float | None = None
    precheck: Callable[[Any], None] | None = None


class ContractNumber(NamedTuple):
    """按柜台合同编号撤单时，说的是哪一笔。

    Attributes:
        order_sysid: 柜台合同编号。
        market: 厂商的交易市场整数代码（`codes.MARKET_CODES`）。
    """

    order_sysid: str
    market: int

    def __str__(self) -> str:
        return f"合同编号 {self.order_sysid}"


class Quote(NamedTuple):
    """一只证券此刻的行情；价格与金额元，数量股/份/张，没有的价格为 None，``time`` 为 Unix 秒。"""

    stock_code: str
    last: float | None
    open: float | None
    high: float | None
    low: float | None
    pre_close: float | None
    limit_up: float | None
    limit_down: float | None
    volume: int
    amount: float
    time: int
    bids: list[tuple[float, int]]
    asks: list[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """客户端对一笔委托的应答：编号 > 0 只表示收下了；-1 是当场拒绝，原因在 message。"""

    order_id: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class PushEvent:
    """后端推来的一件事。

    Attributes:
        name: 回调方法名，如 ``on_stock_order``。
        args: 回调的参数（厂商对象）。
    """

    name: str
    args: tuple[Any, ...]
