"""推送的对照表：一种事 ↔ 用户回调对象的方法名（就是厂商的） ↔ `events()` 里的种类、中文名、字典。

只有这张表、厂商的回调对象（`miniqmt.relay`）和默认的回调知道厂商的方法名。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import rows
from easytrader.backend import records
from easytrader.rows import business

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import PushEvent


class Kind(NamedTuple):
    """一种事。

    Attributes:
        event: 它的类。
        callback: 用户回调对象的方法名。
        kind: `events()` 里的种类；空的不进 `events()`。
        title: 种类的中文名。
        row: 内容 → ``data`` 的字典；没有内容的为 None。
    """

    event: type[Any]
    callback: str
    kind: str = ""
    title: str = ""
    row: Callable[[Any], object] | None = None


def _error(error: Exception) -> dict[str, str]:
    return {"error": str(error)}


TABLE: Final = (
    Kind(records.OrderChanged, "on_stock_order", "order", "委托", rows.order_row),
    Kind(records.Traded, "on_stock_trade", "trade", "成交", rows.trade_row),
    Kind(records.OrderRefused, "on_order_error", "order_error", "下单失败", rows.order_error_row),
    Kind(
        records.CancelRefused, "on_cancel_error",
        "cancel_error", "撤单失败", rows.cancel_error_row,
    ),
    Kind(
        records.Answered, "on_order_stock_async_response",
        "order_response", "异步下单应答", business.order_response_row,
    ),
    Kind(
        records.Answered, "on_cancel_order_stock_async_response",
        "cancel_response", "异步撤单应答", business.cancel_response_row,
    ),
    Kind(
        records.AccountChanged, "on_account_status",
        "account_status", "账号状态", rows.account_status_row,
    ),
    Kind(records.AssetChanged, "on_stock_asset", "asset", "资金变动", rows.asset_row),
    Kind(records.PositionChanged, "on_stock_position", "position", "持仓变动", rows.position_row),
    Kind(
        records.Answered, "on_smt_appointment_async_response",
        "smt_response", "约券应答", business.smt_response_row,
    ),
    Kind(
        records.Answered, "on_bank_transfer_async_response",
        "bank_transfer_response", "银证转账应答", business.transfer_response_row,
    ),
    Kind(
        records.Answered, "on_ctp_internal_transfer_async_response",
        "ctp_transfer_response", "期权期货内转应答", business.transfer_response_row,
    ),
    Kind(
        records.Answered, "on_smart_algo_order_async_response",
        "smart_algo_order_response", "智能算法下单应答", business.smart_order_row,
    ),
    Kind(
        records.Answered, "on_operate_smart_task_async_response",
        "smart_task_response", "智能算法任务应答", business.smart_task_row,
    ),
    Kind(records.Connected, "on_connected", "connected", "已连接"),
    Kind(records.Disconnected, "on_disconnected", "disconnected", "已断开"),
    Kind(records.GaveUp, "on_give_up", "give_up", "放弃重连", _error),
    Kind(records.HealthChanged, "on_health"),
)  # fmt: skip

_OF_CALLBACK: Final = {each.callback: each for each in TABLE}
_OF_ANSWER: Final = {each.kind: each for each in TABLE if each.event is records.Answered}
_OF_EVENT: Final = {each.event: each for each in TABLE if each.event is not records.Answered}


def of(event: PushEvent) -> Kind | None:
    """它是哪一种；表里没有的（`Note`、`CallbackReplaced`）为 None。"""
    if isinstance(event, records.Answered):
        return _OF_ANSWER.get(event.kind)
    return _OF_EVENT.get(type(event))


def callback_name(event: PushEvent) -> str:
    """用户回调对象的方法名；不经过用户的为空。"""
    if isinstance(event, records.Note):
        return event.name
    kind = of(event)
    return "" if kind is None else kind.callback


def contents(event: PushEvent) -> tuple[Any, ...]:
    """回调的参数。"""
    if isinstance(event, records.Note):
        return event.args
    names = event.__match_args__
    return (getattr(event, names[-1]),) if names else ()


def heard(callback: str, args: tuple[Any, ...]) -> PushEvent:
    """后端以厂商的方法名说的一件事；不认得的、参数个数不对的原样带上。"""
    kind = _OF_CALLBACK.get(callback)
    if kind is None or len(args) != len(kind.event.__match_args__[-1:]):
        return records.Note(callback, args)
    event: PushEvent = (
        kind.event(kind.kind, *args) if kind.event is records.Answered else kind.event(*args)
    )
    return event
