"""桥上的话：VeighNa 的 MT5 接口用的那个 EA，一问一答与推送都是一行 JSON。

编号的出处：vnpy_mt5 2024.3.12 的源码与 MQL5 文档（ENUM_ORDER_STATE、ENUM_ORDER_TYPE、
ENUM_TRADE_TRANSACTION_TYPE、Trade Server Return Codes）。没有在真的 MT5 上看过。
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from easytrader.backend.records import Side
from easytrader.codes import OrderStatus

CONTRACTS, ORDERS, SUBSCRIBE, SEND, CANCEL = 0, 1, 3, 4, 5
"""请求的 ``type``；2 是历史行情，这里不用。"""

BUY, SELL, BUY_LIMIT, SELL_LIMIT = 0, 1, 2, 3
"""``cmd``、``order_type``；单数都是卖。"""

ADDED, UPDATED, DELETED, DEALT, REQUESTED = 0, 1, 2, 6, 10
"""委托推送的 ``trans_type``。"""

SHORT_POSITION: Final = 1

STATUS: Final = {
    0: OrderStatus.WAIT_REPORTING,
    1: OrderStatus.REPORTED,
    2: OrderStatus.CANCELED,
    3: OrderStatus.PART_SUCC,
    4: OrderStatus.SUCCEEDED,
    5: OrderStatus.JUNK,
    6: OrderStatus.CANCELED,
    7: OrderStatus.WAIT_REPORTING,
    8: OrderStatus.REPORTED,
    9: OrderStatus.REPORTED_CANCEL,
}
"""ENUM_ORDER_STATE → 委托状态；6 是过期。"""

ACCEPTED: Final = (0, 10008, 10009, 10010)
"""交易服务器的返回码：已挂上、已成、部成；0 是 EA 没有给。"""

UNSURE: Final = (10011, 10012, 10031)
"""处理出错、到期没有应答、与交易服务器断开：委托可能已经到了，不说是废单。"""

REASONS: Final = {
    10004: "重新报价", 10006: "拒绝", 10007: "已被撤销", 10011: "处理出错", 10012: "到期没有应答",
    10013: "请求不对", 10014: "数量不对", 10015: "价格不对", 10016: "止损止盈不对",
    10017: "不许交易", 10018: "休市", 10019: "资金不足", 10020: "价格变了", 10021: "没有报价",
    10024: "请求太频繁", 10026: "服务器不许自动交易", 10027: "终端没有开自动交易",
    10029: "委托冻结", 10030: "成交方式不对", 10031: "与交易服务器没有连接",
    10032: "只许真实账户", 10033: "挂单数到了上限", 10034: "这个品种的数量到了上限",
}  # fmt: skip


def side_of(order_type: object) -> Side:
    """``order_type`` → 方向。"""
    return Side.SELL if int(str(order_type)) % 2 else Side.BUY


def status_of(state: object, traded: Any) -> OrderStatus:
    """``order_state`` → 委托状态；撤了而成交过的是部撤，不认得的是未知。"""
    found = STATUS.get(int(str(state)), OrderStatus.UNKNOWN)
    return OrderStatus.PART_CANCEL if found is OrderStatus.CANCELED and traded else found


def packed(request: dict[str, Any]) -> bytes:
    """一个请求；Decimal 写成 JSON 的数。"""
    return json.dumps(request, default=float).encode()


def unpacked(raw: bytes) -> dict[str, Any]:
    """一句话；小数是 Decimal。

    Raises:
        ValueError: 不是一个 JSON 对象。
    """
    text = raw.rstrip(b"\0").decode("utf-8", "replace")  # MQL5 的字符串常带着结尾的零
    found = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise ValueError(f"不是对象：{text[:80]}")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} 不是数")
