"""代码的样子：一个整数（或一个字符串），带中文名和它在 ``xtconstant`` 里的名字。"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

UNKNOWN_NAME: Final = "未知"
"""没见过的代码的中文名。"""


class Code(IntEnum):
    """整数代码。写成 ``名字 = 整数, "中文名", "xtconstant 里的名字", …``。

    Attributes:
        label: 中文名。
        vendor: 在 ``xtconstant`` 里的名字；厂商没有定义常量的为空。
    """

    _value_: int
    label: str
    vendor: tuple[str, ...]

    def __new__(cls, value: int, label: str = "", *vendor: str) -> Self:
        """照着类里写的一行造出成员。"""
        member = int.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.vendor = vendor
        return member


class TextCode(str, Enum):
    """字符串代码；写法同 `Code`。"""

    _value_: str
    label: str
    vendor: tuple[str, ...]

    def __new__(cls, value: str, label: str = "", *vendor: str) -> Self:
        """照着类里写的一行造出成员。"""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.vendor = vendor
        return member

    def __str__(self) -> str:
        return self._value_  # 各版本的 Python 写法不一，统一成代码本身


def names(members: Iterable[Code]) -> dict[int, str]:
    """代码 → 中文名。"""
    return {each.value: each.label for each in members}


def text_names(members: Iterable[TextCode]) -> dict[str, str]:
    """字符串代码 → 中文名。"""
    return {each.value: each.label for each in members}
