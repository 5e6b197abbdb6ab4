"""先应答，后推送：各等多久才送出。只由主机线程使用，不睡觉，时间从外面来。

同一笔委托的东西排成一列：应答在先，推送按发生的先后，每条都离应答够远；主机自己晚了，后面的也跟着晚。
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Send = Callable[[], None]


class _Due(NamedTuple):
    at: float
    number: int
    key: int
    answer: Send | None
    """None 是轮到这笔委托的下一条推送。"""


class Pacer:
    """还没到时候的应答与推送。

    Args:
        now: 现在几秒；只看差。
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._numbers = itertools.count()
        self._due: list[_Due] = []
        self._pushes: dict[int, deque[tuple[float, float, Send]]] = {}
        self._owing: dict[int, float] = {}
        self._answered: dict[int, float] = {}

    def clear(self) -> None:
        """全部作废：客户端死了，没送出的就没有了。"""
        self._due.clear()
        self._pushes.clear()
        self._owing.clear()
        self._answered.clear()

    def answer(self, key: int, delay_s: float, send: Send) -> None:
        """``delay_s`` 秒后应答；0 是现在。"""
        if delay_s <= 0:
            send()
            return
        at = self._now() + delay_s
        self._owing[key] = max(self._owing.get(key, at), at)
        heapq.heappush(self._due, _Due(at, next(self._numbers), key, send))

    def at_once(self, key: int, base_s: float, lag_s: float) -> bool:
        """这条推送不用等，前面也没有排着的。"""
        return base_s <= 0 and lag_s <= 0 and key not in self._pushes and key not in self._owing

    def push(self, key: int, base_s: float, lag_s: float, send: Send) -> None:
        """离应答（``base_s`` 秒之后的）至少 ``lag_s`` 秒再推；不用等的现在就推。"""
        if self.at_once(key, base_s, lag_s):
            send()
            return
        waiting = self._pushes.get(key)
        at = self._now() + base_s + lag_s
        if waiting is not None:
            waiting.append((at, lag_s, send))
            return
        self._pushes[key] = deque([(at, lag_s, send)])
        heapq.heappush(self._due, _Due(at, next(self._numbers), key, None))

    def next_due_s(self) -> float | None:
        """离最近的一条还有几秒；没有为 None。"""
        return max(0.0, self._due[0].at - self._now()) if self._due else None

    def release(self) -> None:
        """送出到了时候的。"""
        if not self._due:
            return
        now = self._now()
        while self._due and self._due[0].at <= now:
            at, _, key, answer = heapq.heappop(self._due)
            if answer is None:
                self._next_push(key, now)
                continue
            if self._owing.get(key, at) <= at:
                self._owing.pop(key, None)
            if key in self._pushes:
                self._answered[key] = now
            answer()

    def _next_push(self, key: int, now: float) -> None:
        waiting = self._pushes[key]
        at, lag_s, send = waiting[0]
        owed = self._owing.get(key)
        answered = self._answered.get(key, at - lag_s) if owed is None else owed
        at = max(at, answered + lag_s)
        if owed is None and at <= now:
            waiting.popleft()
            send()
            if not waiting:
                del self._pushes[key]
                self._answered.pop(key, None)
                return
            at = max(waiting[0][0], now)
        heapq.heappush(self._due, _Due(at, next(self._numbers), key, None))
