"""用户给的数 → ``int``、``float``。全库认数的规矩只在这里。

笔记本里常见的数都收：numpy 的标量、``Decimal``、``Fraction``、恰为整数的浮点。
布尔、文字、数组、``NaT``、pandas 的 NA 都不是数。先看大小再取整：
``int(Decimal("1E+200000"))`` 会占着解释器算上很久。
"""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Real
from typing import Any, Final

_WIDEST: Final = 2**63
"""厂商最宽的整数是 64 位。"""
_NOT_NUMBERS: Final = frozenset({"bool", "bool_", "timedelta64"})
"""numpy 说自己的时间差是整数，Python 说真假是整数。"""
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


def real(value: Any) -> float | None:
    """有限的实数；不是的为 None。"""
    kind = type(value)
    plain = kind is float or kind is int
    if not plain and (kind.__name__ in _NOT_NUMBERS or not isinstance(value, (Real, Decimal))):
        return None
    try:
        number = float(value)
    except (ArithmeticError, TypeError, ValueError):  # 过大的整数、sNaN
        return None
    return number if math.isfinite(number) else None


def whole(value: Any) -> int | None:
    """64 位以内的整数；不是的为 None。"""
    if type(value) is not int:
        if real(value) is None:
            return None
        try:
            number = int(value)
            if number != value:
                return None
        except (ArithmeticError, TypeError, ValueError):
            return None
        value = number
    return value if -_WIDEST <= value < _WIDEST else None
