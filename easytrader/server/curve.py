"""当日总资产的曲线：每个账号一串，记在内存里，过了一天从头来。"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import numbers
from easytrader.basics.beijing import day_of
from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

EVERY_S: Final = 60.0
_MOST: Final = 1440
"""一天最多这么多点：一分钟一点。"""


class Curve:
    """一个账号当日的点：``(Unix 秒, 总资产)``。只在事件循环上用。"""

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=_MOST)

    def add(self, now: float, total: object) -> None:
        """记一点；不是数的不记，换了一天的从头来，同一分钟里只留最新的。"""
        value = numbers.real(total)
        if value is None:
            return
        points = self._points
        if points and day_of(points[-1][0]) != day_of(now):
            points.clear()
        if points and int(now // EVERY_S) == int(points[-1][0] // EVERY_S):
            points.pop()
        points.append((int(now), value))

    def points(self, now: float) -> list[tuple[int, float]]:
        """今天的点，由早到晚。"""
        today = day_of(now)
        return [each for each in self._points if day_of(each[0]) == today]


class Curves:
    """每个账号一条，隔一分钟问一次资金。

    Args:
        names: 各账号在服务器上的名字；可以一边记一边多。
        ask: 名字 → 它的资金（`Trader.balance` 的样子）；没有连着的抛异常。
        clock: Unix 秒。
    """

    def __init__(
        self,
        names: Iterable[str],
        ask: Callable[[str], Awaitable[Any]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._names = names
        self._ask = ask
        self._clock = clock
        self._curves: defaultdict[str, Curve] = defaultdict(Curve)

    def points(self, name: str) -> list[tuple[int, float]]:
        """这个账号今天的点。"""
        return self._curves[name].points(self._clock())

    async def run(self) -> None:
        """一直记到被取消。"""
        while True:
            await asyncio.gather(*(self._sample(name) for name in list(self._names)))
            await asyncio.sleep(EVERY_S)

    async def _sample(self, name: str) -> None:
        try:
            rows = await self._ask(name)
        except EasytraderError:
            return  # 没有连上：缺一点；为什么，账号自己的日志里有
        total = rows[0].get("total_asset") if isinstance(rows, list) and rows else None
        self._curves[name].add(self._clock(), total)
