"""编号与数量：A 股是整数，别的市场可以是字符串、小数。"""

from __future__ import annotations

from decimal import Decimal

OrderId = int | str
"""委托编号：A 股柜台是大于 0 的整数，别的柜台可以是字符串。"""

Number = int | float | Decimal
"""数量、价格、金额。"""


def exact(value: Number) -> int | Decimal:
    """可以累加、可以比较的数量：小数按写出来的样子算，不带二进制的尾差；不是有限的数算 0。"""
    if isinstance(value, int):
        return value
    # 先成为普通的浮点：同形模块给的可能是 numpy 的数
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return number if number.is_finite() else 0


def is_number(order_id: OrderId) -> bool:
    """是不是一个委托编号：0、-1、空串都不是。"""
    return bool(order_id) if isinstance(order_id, str) else order_id > 0
