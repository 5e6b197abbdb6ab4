"""异步下单、撤单的应答 → `events()` 里的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from easytrader import tags
from easytrader.picking import fields, pick

if TYPE_CHECKING:
    from easytrader import types

_ORDERED = fields("seq order_id error_msg strategy_name order_remark account_id")
_CANCELLED = fields("seq order_id order_sysid cancel_result error_msg account_id")


def order_response_row(response: Any) -> types.OrderResponse:
    """异步下单的应答 → ``seq order_id error_msg strategy_name order_remark account_id``。"""
    row = pick(response, _ORDERED)
    row["order_remark"] = tags.split(row["order_remark"] or "")[1]
    row["error_msg"] = row["error_msg"] or ""
    return cast("types.OrderResponse", row)


def cancel_response_row(response: Any) -> types.CancelResponse:
    """异步撤单的应答 → ``seq order_id order_sysid cancel_result error_msg account_id``。"""
    row = pick(response, _CANCELLED)
    row["error_msg"] = row["error_msg"] or ""  # 老版本的应答没有这一项
    return cast("types.CancelResponse", row)
