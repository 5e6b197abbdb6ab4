"""最近交出去的空列表各是哪种表：空的里面没有键，做成表还要有列名。

查询的结果是普通的列表，不带别的东西；空的那几个在这里按「是不是同一个」记着，有内容的不进来。
只记最近的几个：留了很久的空列表，`easytrader.frame` 要写明 ``kind``。
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeVar

_T = TypeVar("_T")
_KEPT: Final = 64

# 拿着列表本身：它没有被别人占了 id 的时候
_recent: Final[deque[tuple[str, list[object]]]] = deque(maxlen=_KEPT)


def noted(kind: str, found: list[_T]) -> list[_T]:
    """原样交回；是空的就记下它是哪种表：`rows.titles` 里的名字或动词。任何线程。"""
    if not found:
        _recent.append((kind, found))  # type: ignore[arg-type]  # 空的，装什么都一样
    return found


def kind_of(found: object) -> str | None:
    """这个空列表是哪种表；不是我们最近交出去的为 None。"""
    for kind, each in _recent.copy():
        if each is found:
            return kind
    return None
