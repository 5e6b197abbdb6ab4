"""`user.events()` 的字典：按 ``event`` 区分的联合。"""

from __future__ import annotations

from typing import Literal, TypedDict

from easytrader.codes import AccountStatusName
from easytrader.types.rows import Asset, Entrust, Position, Trade


class OrderError(TypedDict):
    """下单失败。"""

    order_id: int
    error_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    account_id: str
    account_type: int


class CancelError(TypedDict):
    """撤单失败。"""

    order_id: int
    order_sysid: str
    error_id: int
    error_msg: str
    account_id: str
    account_type: int


class AccountStatus(TypedDict):
    """账号状态。"""

    status: int
    status_name: AccountStatusName
    account_id: str
    account_type: int


class OrderResponse(TypedDict):
    """异步下单的应答；``order_id`` 不大于 0 是没有收下，原因在 ``error_msg``。"""

    seq: int
    order_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    account_id: str


class CancelResponse(TypedDict):
    """异步撤单的应答；``cancel_result`` 为 0 是收下了。"""

    seq: int
    order_id: int
    order_sysid: str
    cancel_result: int
    error_msg: str
    account_id: str


class SmtResponse(TypedDict):
    """约券的异步应答。"""

    seq: int
    success: bool
    message: str
    apply_id: str


class TransferResponse(TypedDict):
    """银证转账、期权期货内转的异步应答。"""

    seq: int
    success: bool
    message: str


class SmartAlgoOrderResponse(TypedDict):
    """智能算法下单的异步应答。"""

    seq: int
    task_id: int
    error_msg: str
    account_id: str
    strategy_name: str
    order_remark: str


class SmartTaskResponse(TypedDict):
    """智能算法任务操作的异步应答。"""

    seq: int
    success: bool
    task_id: int
    operate_reason: str
    error_msg: str


class Nothing(TypedDict):
    """空的。"""


class GiveUp(TypedDict):
    """放弃重连：最后一次的原因。"""

    error: str


class Gap(TypedDict):
    """没有人取、留不住而丢掉的条数。"""

    missed: int


class OrderEvent(TypedDict):
    """委托状态变动。"""

    event: Literal["order"]
    event_name: Literal["委托"]
    time: float
    data: Entrust


class TradeEvent(TypedDict):
    """成交。"""

    event: Literal["trade"]
    event_name: Literal["成交"]
    time: float
    data: Trade


class OrderErrorEvent(TypedDict):
    """下单失败。"""

    event: Literal["order_error"]
    event_name: Literal["下单失败"]
    time: float
    data: OrderError


class CancelErrorEvent(TypedDict):
    """撤单失败。"""

    event: Literal["cancel_error"]
    event_name: Literal["撤单失败"]
    time: float
    data: CancelError


class OrderResponseEvent(TypedDict):
    """异步下单的应答。"""

    event: Literal["order_response"]
    event_name: Literal["异步下单应答"]
    time: float
    data: OrderResponse


class CancelResponseEvent(TypedDict):
    """异步撤单的应答。"""

    event: Literal["cancel_response"]
    event_name: Literal["异步撤单应答"]
    time: float
    data: CancelResponse


class AccountStatusEvent(TypedDict):
    """账号状态变动。"""

    event: Literal["account_status"]
    event_name: Literal["账号状态"]
    time: float
    data: AccountStatus


class AssetEvent(TypedDict):
    """资金变动。"""

    event: Literal["asset"]
    event_name: Literal["资金变动"]
    time: float
    data: Asset


class PositionEvent(TypedDict):
    """持仓变动。"""

    event: Literal["position"]
    event_name: Literal["持仓变动"]
    time: float
    data: Position


class SmtResponseEvent(TypedDict):
    """约券的异步应答。"""

    event: Literal["smt_response"]
    event_name: Literal["约券应答"]
    time: float
    data: SmtResponse


class BankTransferResponseEvent(TypedDict):
    """银证转账的异步应答。"""

    event: Literal["bank_transfer_response"]
    event_name: Literal["银证转账应答"]
    time: float
    data: TransferResponse


class CtpTransferResponseEvent(TypedDict):
    """期权期货内转的异步应答。"""

    event: Literal["ctp_transfer_response"]
    event_name: Literal["期权期货内转应答"]
    time: float
    data: TransferResponse


class SmartAlgoOrderResponseEvent(TypedDict):
    """智能算法下单的异步应答。"""

    event: Literal["smart_algo_order_response"]
    event_name: Literal["智能算法下单应答"]
    time: float
    data: SmartAlgoOrderResponse


class SmartTaskResponseEvent(TypedDict):
    """智能算法任务操作的异步应答。"""

    event: Literal["smart_task_response"]
    event_name: Literal["智能算法任务应答"]
    time: float
    data: SmartTaskResponse


class ConnectedEvent(TypedDict):
    """连上了。"""

    event: Literal["connected"]
    event_name: Literal["已连接"]
    time: float
    data: Nothing


class DisconnectedEvent(TypedDict):
    """断开了。"""

    event: Literal["disconnected"]
    event_name: Literal["已断开"]
    time: float
    data: Nothing


class GiveUpEvent(TypedDict):
    """重连次数用完，不再重连。"""

    event: Literal["give_up"]
    event_name: Literal["放弃重连"]
    time: float
    data: GiveUp


class GapEvent(TypedDict):
    """有事件没有留住。"""

    event: Literal["gap"]
    event_name: Literal["有遗漏"]
    time: float
    data: Gap


Event = (
    OrderEvent
    | TradeEvent
    | OrderErrorEvent
    | CancelErrorEvent
    | OrderResponseEvent
    | CancelResponseEvent
    | AccountStatusEvent
    | AssetEvent
    | PositionEvent
    | SmtResponseEvent
    | BankTransferResponseEvent
    | CtpTransferResponseEvent
    | SmartAlgoOrderResponseEvent
    | SmartTaskResponseEvent
    | ConnectedEvent
    | DisconnectedEvent
    | GiveUpEvent
    | GapEvent
)
"""`user.events()` 的一项；判断了 ``event["event"]``，``event["data"]`` 的类型就定了。"""

EventName = Literal[
    "order",
    "trade",
    "order_error",
    "cancel_error",
    "order_response",
    "cancel_response",
    "account_status",
    "asset",
    "position",
    "smt_response",
    "bank_transfer_response",
    "ctp_transfer_response",
    "smart_algo_order_response",
    "smart_task_response",
    "connected",
    "disconnected",
    "give_up",
    "gap",
]
"""事件的种类。"""
