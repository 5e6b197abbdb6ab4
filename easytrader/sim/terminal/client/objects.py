"""客户端给策略的对象：一行记录变成只能逐个读属性的东西，像 Boost.Python 的。

没有 ``__dict__``，不能遍历；``dir()`` 里还混着枚举的类与枚举的成员；这个版本没有的属性读了就是
AttributeError。值是造的那一刻的：以后的变化是另一个对象。
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CLASSES = {
    "ACCOUNT": "CAccountDetail",
    "POSITION": "CPositionDetail",
    "POSITION_STATISTICS": "CPositionStatistics",
    "ORDER": "COrderDetail",
    "DEAL": "CDealDetail",
    "TASK": "CTaskDetail",
    "CREDIT_ACCOUNT": "CCreditDetail",
    "COMPACT": "CStkCompacts",
    "ASSURE": "CStkSubjects",
    "SHORT": "CCreditSloEnableAmount",
    "ARGUMENTS": "PassorderArguments",
}
"""数据的种类 → 类名。"""


class EEntrustBS:
    """枚举的类：只为 ``dir()`` 里有它。"""


class EOffset_Flag_Type:
    """同上。"""


_STRAY = {
    "EEntrustBS": EEntrustBS,
    "EOffset_Flag_Type": EOffset_Flag_Type,
    "48": 48,
    "49": 49,
    "j": 106,
    "w": 119,
}
_made = {}  # type: dict[tuple[str, tuple[str, ...], tuple[str, ...]], type]


def make(kind: str, row: "dict[str, Any]", missing: "tuple[str, ...]" = ()) -> "Any":
    """一行 → 对象。``_`` 开头的是自己用的，``missing`` 是这个版本没有的：对象上都没有。"""
    key = kind, tuple(row), missing
    found = _made.get(key)
    if found is None:
        names = tuple(name for name in row if name[0] != "_" and name not in missing)
        members = dict(_STRAY, __slots__=names, __doc__=None)
        found = _made[key] = type(CLASSES[kind], (), members)
    made = found()
    for name in found.__slots__:  # type: ignore[attr-defined]
        setattr(made, name, row[name])
    return made
