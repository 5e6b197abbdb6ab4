"""会出故障的存储：包着一份真的，指定的调用在做之前、做之后抛异常。"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from easytrader.fleets.words import StoreDownError, StoreUnknownError

if TYPE_CHECKING:
    from easytrader.fleets.store import Store

NEVER = "没有到"
"""没有记下，也不知道。"""
DOWN = "没有记下"
BROKEN = "说了读不懂的"
AFTER = "记下了，没有回答"


class FaultyStore:
    """``faults[调用的名字]`` 是接下来要出的，一次用掉一个；``always`` 的一直出。"""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.always: dict[str, str] = {}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.closed = threading.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args))
            fault = self.faults[name].pop(0) if self.faults[name] else self.always.get(name, "")
            if fault == DOWN:
                raise StoreDownError("连不上（测试）")
            if fault == BROKEN:
                raise ValueError("读不懂（测试）")
            if fault == NEVER:
                raise StoreUnknownError("断在半路（测试）")
            answer = found(*args, **kwargs)
            if fault == AFTER:
                raise StoreUnknownError("没有回答（测试）")
            return answer

        return call

    def all_down(self, *names: str, fault: str = DOWN) -> None:
        """这些调用从此都出故障；不给名字的是策略一头用到的全部。"""
        used = (
            "greet",
            "post",
            "withdraw",
            "outcomes",
            "find",
            "ask",
            "replies",
            "read",
            "accounts",
        )
        self.always.update(dict.fromkeys(names or used, fault))

    def heal(self) -> None:
        """好了。"""
        self.always.clear()
        self.faults.clear()
