"""后端交上来的记录的形状（厂商对象天然满足）、后端作者造的记录、推送，以及一笔委托请求。"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from easytrader.basics.numbers import Number, OrderId, exact, is_number
from easytrader.codes import (
    OPEN_CLOSE_ACCOUNTS,
    AccountType,
    BrokerPriceType,
    Code,
    Direction,
    OffsetFlag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.market.symbols import Security


class Side(Code):
    """买卖方向；值就是它的委托类型（`codes.OrderType`）。"""

    BUY = 23, "买入"
    SELL = 24, "卖出"
    SHORT = 50, "卖出开仓"
    COVER = 51, "买入平仓"


class AssetLike(Protocol):
    """资金，元（或账户的计价货币）。"""

    total_asset: Number
    market_value: Number
    cash: Number
    frozen_cash: Number
    account_type: int
    account_id: str


class PositionLike(Protocol):
    """持仓，股/份/张；价格元。"""

    stock_code: str
    volume: Number
    can_use_volume: Number
    open_price: Number
    market_value: Number
    frozen_volume: Number
    on_road_volume: Number
    yesterday_volume: Number
    avg_price: Number
    direction: int
    account_type: int
    account_id: str


class OrderLike(Protocol):
    """委托；时间是 Unix 秒，价格元。"""

    stock_code: str
    order_id: OrderId
    order_sysid: str
    order_time: int
    order_type: int
    order_volume: Number
    price_type: int
    price: Number | None
    traded_volume: Number
    traded_price: Number
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
    traded_price: Number
    traded_volume: Number
    traded_amount: Number
    order_id: OrderId
    order_type: int
    offset_flag: int
    account_id: str
    account_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str


# ---- 后端作者造的记录：满足上面的形状，只写知道的几项。
# 数量、价格可以是整数、浮点或 Decimal，原样到用户手里；Decimal 的行转 JSON 要 ``default=str``
# ``currency`` 是计价的货币（``HKD``、``USDT``），不给就是人民币，字典里没有这个键


@dataclass(slots=True, kw_only=True)
class Asset:
    """资金。"""

    total_asset: Number
    cash: Number
    market_value: Number = 0.0
    frozen_cash: Number = 0.0
    account_type: int = AccountType.STOCK.value
    account_id: str = ""
    currency: str = ""


@dataclass(slots=True, kw_only=True)
class Position:
    """持仓；空头的 ``direction`` 是 `codes.Direction.SHORT`。

    Attributes:
        stock_code: 证券，如 ``600036.SH``、``rb2501.SHFE``、``BTC/USDT``。
        can_use_volume: 可平、可卖的，不给就是全部。
    """

    stock_code: str
    volume: Number
    can_use_volume: Number = -1
    open_price: Number = 0.0
    market_value: Number = 0.0
    frozen_volume: Number = 0
    on_road_volume: Number = 0
    yesterday_volume: Number = 0
    avg_price: Number = 0.0
    direction: int = Direction.LONG.value
    account_type: int = AccountType.STOCK.value
    account_id: str = ""
    currency: str = ""

    def __post_init__(self) -> None:
        """补上没有给的。"""
        if self.can_use_volume == -1:
            self.can_use_volume = self.volume


@dataclass(slots=True, kw_only=True)
class Order:
    """委托。

    Attributes:
        stock_code: 证券，如 ``600036.SH``、``rb2501.SHFE``、``BTC/USDT``。
        side: 方向。
        order_status: `codes.OrderStatus`。
        order_time: 柜台收下的时刻，Unix 秒。
        price: 委托价；None 是市价，用户看到 0。
        order_remark: 下单时的 `OrderRequest.remark` 原样带回。
        price_type: `codes.BrokerPriceType`，不给就按有没有委托价。
        order_type: `codes.OrderType`；分得清平今、平昨的柜台给，不给就是方向的。
        offset_flag: `codes.OffsetFlag`，不给就按方向。
        direction: `codes.Direction`，不给就按方向。
    """

    stock_code: str
    order_id: OrderId
    side: Side
    order_volume: Number
    order_status: int
    order_time: int
    price: Number | None = None
    traded_volume: Number = 0
    traded_price: Number = 0.0
    order_sysid: str = ""
    order_remark: str = ""
    strategy_name: str = ""
    status_msg: str = ""
    account_type: int = AccountType.STOCK.value
    account_id: str = ""
    currency: str = ""
    price_type: int = -1
    order_type: int = -1
    offset_flag: int = -1
    direction: int = -1

    def __post_init__(self) -> None:
        """补上没有给的。"""
        kind = BrokerPriceType.ANY if self.price is None else BrokerPriceType.LIMIT
        self.price = 0.0 if self.price is None else self.price
        self.price_type = int(kind if self.price_type == -1 else self.price_type)
        self.order_status = int(self.order_status)
        _fill_sides(self)
        short = self.side in (Side.SHORT, Side.COVER)
        direction = Direction.SHORT if short else Direction.LONG
        self.direction = int(direction if self.direction == -1 else self.direction)


@dataclass(slots=True, kw_only=True)
class Trade:
    """成交。

    Attributes:
        traded_id: 成交编号；同一天、同一只证券里不重复。
        traded_amount: 金额，不给就是价格 × 数量；有合约乘数的要给。
        order_type: 同 `Order`；``offset_flag`` 也是。
    """

    stock_code: str
    order_id: OrderId
    side: Side
    traded_id: str
    traded_time: int
    traded_price: Number
    traded_volume: Number
    traded_amount: Number = -1
    order_sysid: str = ""
    order_remark: str = ""
    strategy_name: str = ""
    account_type: int = AccountType.STOCK.value
    account_id: str = ""
    currency: str = ""
    order_type: int = -1
    offset_flag: int = -1

    def __post_init__(self) -> None:
        """补上没有给的。"""
        if self.traded_amount == -1:
            amount = exact(self.traded_price) * exact(self.traded_volume)
            whole = isinstance(self.traded_price, Decimal) or isinstance(
                self.traded_volume, Decimal
            )
            self.traded_amount = amount if whole else float(amount)
        _fill_sides(self)


@dataclass(slots=True, kw_only=True)
class Refusal:
    """下单、撤单没有成的原因。"""

    order_id: OrderId
    error_msg: str
    error_id: int = -1
    order_sysid: str = ""
    order_remark: str = ""
    strategy_name: str = ""
    account_type: int = AccountType.STOCK.value
    account_id: str = ""


def _fill_sides(record: Order | Trade) -> None:
    """按方向补上委托类型、交易操作：讲开平的账号是开仓、平仓，其余是买入、卖出。"""
    side = record.side
    opens = side in (Side.BUY, Side.SHORT)
    buys = side in (Side.BUY, Side.COVER)
    first = opens if record.account_type in OPEN_CLOSE_ACCOUNTS else buys
    offset = OffsetFlag.OPEN if first else OffsetFlag.CLOSE
    record.order_type = int(side if record.order_type == -1 else record.order_type)
    record.offset_flag = int(offset if record.offset_flag == -1 else record.offset_flag)
    record.account_type = int(record.account_type)


class OrderRequest(NamedTuple):
    """一笔校验过的委托。

    Attributes:
        security: 证券。
        order_type: 委托类型，23 买入、24 卖出等。
        volume: 数量，股/份/张。
        price_type: 送出的报价类型（`codes.PriceType`）。
        price: 委托价，元；市价为 0。
        strategy_name: 策略名，不超过 23 字节。
        remark: 带标记的备注，见 `easytrader.basics.tags`。
        tag: 备注里的唯一标记。
        money: 直接还款：还多少元（它在数量还是价格里，各家柜台不同）；别的委托为 None。
        precheck: 发出之前拿会话再核对一次，不对就抛异常；没有要核对的为 None。
        once: 给了 ``client_order_id``：重启之后也要认得出。
    """

    security: Security
    order_type: int
    volume: Number
    price_type: int
    price: Number
    strategy_name: str
    remark: str
    tag: str
    money: float | None = None
    precheck: Callable[[Any], None] | None = None
    once: bool = False

    @property
    def side(self) -> Side:
        """方向；不是单纯买卖的委托类型抛 ``ValueError``。"""
        return Side(self.order_type)


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
    last: Number | None
    open: Number | None
    high: Number | None
    low: Number | None
    pre_close: Number | None
    limit_up: Number | None
    limit_down: Number | None
    volume: Number
    amount: Number
    time: int
    bids: Sequence[tuple[Number, Number]]
    asks: Sequence[tuple[Number, Number]]


class SubmitAnswer(NamedTuple):
    """客户端对一笔委托的应答：有编号只表示收下了；-1（空串）是当场拒绝，原因在 message。

    有编号又有 message 的：收下了，而有话要说（只报出了一部分），用户的字典里也有。
    """

    order_id: OrderId
    message: str = ""

    @property
    def accepted(self) -> bool:
        """收下了。"""
        return is_number(self.order_id)


class CancelAnswer(NamedTuple):
    """撤单的应答；说得出原因的用它，别的 True、False 就够。"""

    accepted: bool
    message: str = ""


# ---- 后端推来的事：每一种一个类，全在这里；厂商的回调名、`events()` 的种类见 `push.table`


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
