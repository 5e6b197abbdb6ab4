"""柜台与客户端之间说的话：请求、应答、推送的形状（进程内直接传，跨进程转成 JSON 数组）。

这里的行已经是厂商的口径：价格与金额是 float 元，时间是 Unix 秒，字段顺序与名字同厂商的结构。
金额只在这道边界上从整数（厘）换成 float，模拟器内部不用 float 记账。
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

Verb = Literal[
    "subscribe",
    "unsubscribe",
    "submit",
    "cancel",
    "asset",
    "orders",
    "trades",
    "positions",
    "account_infos",
    "account_status",
    "quote",
    "unsupported",
]

BUSINESS_VERBS: Final[tuple[str, ...]] = (
    "new_purchase_limit",
    "ipo_data",
    "credit_detail",
    "stk_compacts",
    "credit_subjects",
    "credit_slo_code",
    "credit_assure",
)
"""各项业务（`lines`）的查询，参数都是 `AccountArgs`，应答是厂商的行的列表。"""

DESK_QUERIES: Final = (
    "bank_info",
    "bank_amount",
    "bank_stream",
    "com_fund",
    "com_position",
    "secu_accounts",
    "position_statistics",
    "smt_quoters",
    "smt_orders",
    "smt_compacts",
)
"""同上，而参数是 `BusinessArgs`。"""

DESK_ACTIONS: Final = (
    "transfer",
    "bank_transfer",
    "smt_negotiate",
    "smt_appointment",
    "smt_cancel",
    "smt_renewal",
    "smt_return",
)
"""委托之外要办的事，参数是 `BusinessArgs`，应答是厂商的一行。"""

PROTOCOL_VERSION: Final = 2

MARKET_TIME: Final = "@now"
"""`QuoteArgs` 里代替代码的记号。"""

_QUOTE_SESSIONS: Final = -(1 << 32)

QUERY_FAILED: Final = "query_failed"
"""列表查询失败时的应答是 ``(QUERY_FAILED, 原因)``：空列表只表示没有。"""


def quote_session(number: int) -> int:
    """行情连接的会话号：客户端的会话号是 32 位，这些都在它之外。"""
    return _QUOTE_SESSIONS - number


def is_quote_session(session_id: int) -> bool:
    """是不是行情连接：它不占客户端的会话号，也不算在连接失败的故障里。"""
    return session_id <= _QUOTE_SESSIONS


class Request(NamedTuple):
    """客户端 → 柜台。``args`` 是下面 ``*Args`` 之一（或空元组）。"""

    verb: str
    seq: int
    args: tuple[Any, ...]


class Message(NamedTuple):
    """柜台 → 客户端。

    ``kind``：``answer``（对 seq 的应答），或推送的种类：
    ``order trade order_error cancel_error account_status asset position``。
    ``seq``：应答对应的请求序号；推送为 0。
    ``payload``：见各 ``*Row``；列表查询的应答是行的列表。
    """

    kind: str
    seq: int
    payload: Any


class AccountArgs(NamedTuple):
    """subscribe / unsubscribe / asset / trades / positions（positions 另带代码）。"""

    account_type: int
    account_id: str
    stock_code: str = ""


class OrdersArgs(NamedTuple):
    """orders：``order_id`` 为 0 表示全部。"""

    account_type: int
    account_id: str
    order_id: int = 0
    cancelable_only: bool = False


class SubmitArgs(NamedTuple):
    """submit：字段同厂商的 OrderStockReq。``price`` 是厂商传来的 float，进柜台即换成整数。"""

    account_type: int
    account_id: str
    stock_code: str
    order_type: int
    order_volume: int
    price_type: int
    price: float
    strategy_name: str
    order_remark: str


class CancelArgs(NamedTuple):
    """cancel：按 ``order_id``；为 0 时按 ``market`` + ``order_sysid``。"""

    account_type: int
    account_id: str
    order_id: int
    market: int = -1
    order_sysid: str = ""


class BusinessArgs(NamedTuple):
    """`DESK_QUERIES`、`DESK_ACTIONS`：``body`` 是其余各项的 JSON 对象。"""

    account_type: int
    account_id: str
    body: str = ""


class QuoteArgs(NamedTuple):
    """quote：厂商没有的请求，问最新价。应答是元（float），说不出来为 None。

    代码为 `MARKET_TIME` 是问行情走到了几点，应答是 Unix 秒（float）：行情由它和设置算得出来。
    """

    stock_code: str


class OrderAnswer(NamedTuple):
    """submit 的应答。``order_id`` > 0 只表示客户端给了编号；-1 是客户端当场拒绝。"""

    account_type: int
    account_id: str
    order_id: int
    strategy_name: str
    order_remark: str
    error_id: int
    error_msg: str


class CancelAnswer(NamedTuple):
    """cancel 的应答。``cancel_result``：0 已发出，-1 失败。"""

    account_type: int
    account_id: str
    cancel_result: int
    order_id: int
    order_sysid: str
    error_id: int
    error_msg: str


class AssetRow(NamedTuple):
    """XtAsset。"""

    account_type: int
    account_id: str
    cash: float
    frozen_cash: float
    market_value: float
    total_asset: float
    fetch_balance: float
    current_balance: float


class OrderRow(NamedTuple):
    """XtOrder。"""

    account_type: int
    account_id: str
    stock_code: str
    order_id: int
    order_time: int
    order_type: int
    order_volume: int
    price_type: int
    price: float
    traded_volume: int
    traded_price: float
    order_status: int
    order_sysid: str
    status_msg: str
    strategy_name: str
    order_remark: str
    direction: int
    offset_flag: int
    secu_account: str
    instrument_name: str


class TradeRow(NamedTuple):
    """XtTrade。"""

    account_type: int
    account_id: str
    stock_code: str
    traded_id: str
    traded_time: int
    traded_price: float
    traded_volume: int
    traded_amount: float
    order_id: int
    order_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str
    direction: int
    offset_flag: int
    commission: float
    secu_account: str
    instrument_name: str


class PositionRow(NamedTuple):
    """XtPosition。"""

    account_type: int
    account_id: str
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
    float_profit: float
    last_price: float
    profit_rate: float
    secu_account: str
    instrument_name: str
    open_date: str
    position_profit: float


class OrderErrorRow(NamedTuple):
    """XtOrderError。``seq`` 是下单请求的序号，由送达一侧填。"""

    account_type: int
    account_id: str
    order_id: int
    error_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    seq: int = 0


class CancelErrorRow(NamedTuple):
    """XtCancelError。"""

    account_type: int
    account_id: str
    order_id: int
    error_id: int
    market: int
    order_sysid: str
    error_msg: str


class AccountInfoRow(NamedTuple):
    """XtAccountInfo。"""

    account_type: int
    account_id: str
    broker_type: int
    platform_id: int
    broker_id: str
    product_name: str
    product_id: int
    broker_name: str
    product_code: str
    login_status: int


class AccountStatusRow(NamedTuple):
    """XtAccountStatus。"""

    account_type: int
    account_id: str
    status: int


class Event(NamedTuple):
    """柜台产生的一条推送，尚未指明送给谁。"""

    kind: str
    account_type: int
    account_id: str
    row: tuple[Any, ...]


class Outcome(NamedTuple):
    """处理一个请求的结果：给请求者的应答，和给所有订阅者的推送（按发生的先后）。

    应答总在推送之前送达（厂商的次序：应答 R，然后 E/O/T）。
    """

    answer: Any
    events: tuple[Event, ...] = ()
