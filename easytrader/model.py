"""后端交上来的记录的形状（厂商对象天然满足），以及一笔委托请求。"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.symbols import Security

OrderId = int | str
"""委托编号：A 股柜台是大于 0 的整数，别的柜台可以是字符串。"""

Number = int | float | Decimal
"""数量、价格、金额。"""


def exact(value: Number) -> int | Decimal:
    """可以累加、可以比较的数量：小数按写出来的样子算，不带二进制的尾差。"""
    if isinstance(value, int):
        return value
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return number if number.is_finite() else 0


def is_number(order_id: OrderId) -> bool:
    """是不是一个委托编号：0、-1、空串都不是。"""
    return bool(order_id) if isinstance(order_id, str) else order_id > 0


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


# ---- 后端推来的事：每一种一个类，全在这里；厂商的回调名、`events()` 的种类见 `push.events`


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """委托的状态变了。"""

    order: OrderLike


@dataclass(frozen=True, slots=True)
class Traded:
    """一笔成交。"""

    trade: TradeLike


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """委托没有下成；``error`` 的样子见 `Refusal`。"""

    error: Any


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """撤单没有成；``error`` 的样子见 `Refusal`。"""

    error: Any


@dataclass(frozen=True, slots=True)
class Answered:
    """异步请求的应答；``kind`` 是 `events()` 里的种类，如 ``order_response``。"""

    kind: str
    response: Any


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """账号的状态变了。"""

    status: Any


@dataclass(frozen=True, slots=True)
class AssetChanged:
    """资金变了。"""

    asset: AssetLike


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """持仓变了。"""

    position: PositionLike


@dataclass(frozen=True, slots=True)
class Connected:
    """连上了。"""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """断开了。"""


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """健康状况变了；交给用户的是交付那一刻的 `user.status`。"""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """不再重连。"""

    error: Exception


@dataclass(frozen=True, slots=True)
class CallbackReplaced:
    """用户在厂商的对象上另注册了回调。"""

    callback: Any


@dataclass(frozen=True, slots=True)
class Note:
    """别的：后端自己的回调名与参数，原样交给用户的回调对象。"""

    name: str
    args: tuple[Any, ...]


PushEvent = (
    OrderChanged
    | Traded
    | OrderRefused
    | CancelRefused
    | Answered
    | AccountChanged
    | AssetChanged
    | PositionChanged
    | Connected
    | Disconnected
    | HealthChanged
    | GaveUp
    | CallbackReplaced
    | Note
)
"""后端推来的一件事。"""
