"""盈透的话：委托状态、错误编号各是什么意思。

出处：IBKR Campus「TWS API」的 Order Status、Message Codes 两页，与 ib_async 2.1.0 的源码。
没有在真的 TWS 上看过。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import OrderStatus

if TYPE_CHECKING:
    from easytrader.basics.numbers import Number

_STATUS: Final = {
    "ApiPending": OrderStatus.UNREPORTED,
    "PendingSubmit": OrderStatus.WAIT_REPORTING,
    "PreSubmitted": OrderStatus.REPORTED,
    "Submitted": OrderStatus.REPORTED,
    "PendingCancel": OrderStatus.REPORTED_CANCEL,
    "ApiCancelled": OrderStatus.CANCELED,
    "Cancelled": OrderStatus.CANCELED,
    "Filled": OrderStatus.SUCCEEDED,
}
_PARTLY: Final = {
    OrderStatus.REPORTED: OrderStatus.PART_SUCC,
    OrderStatus.REPORTED_CANCEL: OrderStatus.PARTSUCC_CANCEL,
    OrderStatus.CANCELED: OrderStatus.PART_CANCEL,
}
IDLE: Final = "Inactive 停着：可能被拒，也可能还会再报，请在 TWS 里看"

CLIENT_IN_USE: Final = 326
LINK_LOST: Final = frozenset({1100, 1101, 1300, 2110})
"""TWS 与盈透断开（1100、2110），恢复了而订阅没有了（1101），换了端口（1300）：都当作断线。"""
NOT_CANCELLED: Final = frozenset({135, 136, 161, 10147, 10148})
"""撤单没有成：没有这个编号、不能撤、已经不是能撤的状态。"""
CANCELLED: Final = 202
_WARNINGS: Final = frozenset({105, 165, 329, 399, 404, 2109})
_FIRST_SYSTEM: Final = 1000


def refuses(code: int) -> bool:
    """还没有收下的委托，这个错误是不是说拒绝。

    1000 以下除了提醒的都是；以上的（21xx 提醒，10xxx 各种都有）不肯定，接着等 TWS 说收没收下。
    """
    return code < _FIRST_SYSTEM and code not in _WARNINGS


def status_of(status: str, filled: Number, *, refused: bool) -> OrderStatus:
    """盈透的状态 → 委托状态；``Inactive`` 说过拒绝才是废单。"""
    if status == "Inactive":
        return OrderStatus.JUNK if refused else OrderStatus.WAIT_REPORTING
    found = _STATUS.get(status, OrderStatus.UNKNOWN)
    return _PARTLY.get(found, found) if filled else found


TICKS: Final[dict[int, str]] = {
    1: "bid", 2: "ask", 4: "last", 6: "high", 7: "low", 9: "pre_close", 14: "open",
    66: "bid", 67: "ask", 68: "last", 72: "high", 73: "low", 75: "pre_close", 76: "open",
    0: "bid_size", 3: "ask_size", 8: "volume", 69: "bid_size", 70: "ask_size", 74: "volume",
}  # fmt: skip
"""tick 的编号；66 起是延时行情。"""
SIZE_OF: Final = {"bid": "bid_size", "ask": "ask_size"}


def reason(code: int, text: Any) -> str:
    """给人看的原因。"""
    return f"{str(text).strip()}（{code}）"
