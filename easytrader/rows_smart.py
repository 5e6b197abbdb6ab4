"""智能算法：厂商的记录 → 用户看到的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.picking import fields, pick

if TYPE_CHECKING:
    from easytrader import types

TASK_FIELDS: Final = fields(
    "task_id task_status task_msg start_time end_time cancel_time order_num business_num group_id "
    "algo_id account_id account_type strategy_name order_remark order_id_list"
)
PARAM_FIELDS: Final = fields(
    "key name data_type=dataType value_range=valueRange default_value=defaultValue "
    "enum_name=enumName enum_value=enumValue unit value_range_by_name=valueRangeByName "
    "default_value_by_name=defaultValueByName"
)
ORDER_RESPONSE_FIELDS: Final = fields("seq task_id error_msg account_id strategy_name order_remark")
TASK_RESPONSE_FIELDS: Final = fields("seq success task_id operate_reason error_msg")


def task_row(task: dict[str, Any]) -> types.SmartAlgoTask:
    """一个智能算法任务；``start_time``、``end_time`` 是 Unix 秒。"""
    return cast("types.SmartAlgoTask", pick(task, TASK_FIELDS))


def param_row(param: dict[str, Any]) -> types.SmartAlgoParam:
    """一个算法参数；``key`` 是下单时 ``algo_param`` 里要写的名字。"""
    return cast("types.SmartAlgoParam", pick(param, PARAM_FIELDS))


def smart_order_row(response: Any) -> types.SmartAlgoOrderResponse:
    """智能算法下单的异步应答。"""
    return cast("types.SmartAlgoOrderResponse", pick(response, ORDER_RESPONSE_FIELDS))


def smart_task_row(response: Any) -> types.SmartTaskResponse:
    """智能算法任务操作的异步应答。"""
    return cast("types.SmartTaskResponse", pick(response, TASK_RESPONSE_FIELDS))
