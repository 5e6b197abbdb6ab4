"""查询、下单、状态、体检的字典。"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, TypedDict

from easytrader.codes import (
    AccountTypeName,
    DirectionName,
    OffsetFlagName,
    OrderStatusName,
    OrderTypeName,
    PriceTypeName,
)


class Legacy(TypedDict, total=False):
    """旧版的下单参数：只收不改变意思的值（限价的 ``entrust_prop="limit"`` 等）。"""

    entrust_prop: Any
    volume: Literal[0] | None
    limit_price: None


class ConnectOptions(TypedDict, total=False):
    """`MiniqmtTrader.connect` 只能写名字的参数。"""

    account_type: AccountTypeName
    session_id: int | None
    timeout: float
    wait: bool | float
    heartbeat_interval: float
    xtquant: ModuleType | str | None
    on_health: Callable[[Status], None] | None
    on_give_up: Callable[[Exception], None] | None


# ---- 查询


class Asset(TypedDict):
    """资金：`user.balance` 的一项。"""

    total_asset: float
    market_value: float
    cash: float
    frozen_cash: float
    account_type: int
    account_id: str


class Position(TypedDict):
    """持仓：`user.position` 的一项；后端不知道的名称为空、盈亏为 None。"""

    security: str
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
    security_name: str
    profit: float | None
    profit_ratio: float | None


class Entrust(TypedDict):
    """委托：`user.today_entrusts` 的一项，`find_entrust`、`wait` 的返回。"""

    security: str
    stock_code: str
    order_id: int
    order_sysid: str
    order_time: int
    order_type: int
    order_type_name: OrderTypeName
    order_volume: int
    price_type: int
    price_type_name: PriceTypeName
    price: float
    traded_volume: int
    traded_price: float
    order_status: int
    order_status_name: OrderStatusName
    status_msg: str
    offset_flag: int
    offset_flag_name: OffsetFlagName
    strategy_name: str
    order_remark: str
    direction: int
    direction_name: DirectionName
    account_type: int
    account_id: str


class Trade(TypedDict):
    """成交：`user.today_trades` 的一项。"""

    security: str
    stock_code: str
    traded_id: str
    traded_time: int
    traded_price: float
    traded_volume: int
    traded_amount: float
    order_id: int
    order_type: int
    order_type_name: OrderTypeName
    offset_flag: int
    offset_flag_name: OffsetFlagName
    account_id: str
    account_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str


class Quote(TypedDict):
    """行情：`user.quote` 的一项；没有的价格为 None。"""

    security: str
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


# ---- 下单、撤单


class _Numbered(TypedDict):
    entrust_no: int


class EntrustResult(_Numbered, total=False):
    """下单的结果。``entrust_no`` 为 -1 是当场被拒绝，``message`` 是原因；收下了的通常没有它。"""

    message: str


class CancelResult(TypedDict):
    """撤单的结果：``user.cancel_entrust`` 的返回。"""

    success: bool
    message: str


class BulkCancel(TypedDict):
    """`user.cancel_all` 的一项。"""

    entrust_no: int
    success: bool
    message: str


# ---- 状态、体检

StateName = Literal["未连接", "连接中", "已连接", "已断开", "已关闭"]
"""`user.state`。"""


class GuardStatus(TypedDict):
    """风控此刻的样子：``user.status["guard"]``。计数读不出来时为 None，原因在 ``meter_error``。"""

    limits: dict[str, Any]
    kill_switch: bool
    orders_this_minute: int
    sent_this_second: int | None
    sent_today: int | None
    day: str | None
    second_used: float | None
    day_used: float | None
    meter_file: str
    meter_error: str
    refused: int
    last_refusal: str


class Status(TypedDict):
    """健康状况：`user.status`。"""

    state: StateName
    since: float
    attempts: int
    reconnects: int
    gave_up: bool
    last_error: str
    heartbeat_failures: int
    queue_depth: int
    queue_lag_s: float
    queue_merged: int
    behind: bool
    last_answer: float
    unanswered: int
    latency_ms: dict[str, float]
    open_intents: int
    guard: GuardStatus | None
    account_id: str
    path: str
    session_id: int


CheckName = Literal[
    "python", "packages", "path", "permission", "session", "disk", "clock", "trading_day", "connect"
]
"""体检的各项。"""

CheckVerdict = Literal["正常", "注意", "有问题", "跳过"]
"""体检一项的结论。"""


class CheckResult(TypedDict):
    """体检的一项：`easytrader.doctor` 的返回里的一项。"""

    check: CheckName
    title: str
    status: CheckVerdict
    detail: str
    fix: str
