"""挂着的委托：按价格、时间排队，市场成交到它的价位时轮到它。"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.sim.market.book import Prints
    from easytrader.sim.orders import SimOrder
    from easytrader.symbols import Security

__all__ = ["RestingBook"]

_Entry = tuple[int, int, "SimOrder"]


class RestingBook:
    """一只证券上自己的挂单。撤掉的留在堆里，轮到时再丢。"""

    __slots__ = ("_buys", "_sells", "security")

    def __init__(self, security: Security) -> None:
        self.security = security
        self._buys: list[_Entry] = []
        self._sells: list[_Entry] = []

    def add(self, order: SimOrder) -> None:
        """排进去。"""
        if order.is_buy:
            heapq.heappush(self._buys, (-order.limit_li, order.order_id, order))
        else:
            heapq.heappush(self._sells, (order.limit_li, order.order_id, order))

    def best(self) -> tuple[int | None, int | None]:
        """最高买价、最低卖价；没有为 None。"""
        buy, sell = _top(self._buys), _top(self._sells)
        return (buy.limit_li if buy else None), (sell.limit_li if sell else None)

    @property
    def empty(self) -> bool:
        """没有还挂着的了。"""
        return _top(self._buys) is None and _top(self._sells) is None

    def match(self, prints: Prints) -> Iterator[tuple[SimOrder, int]]:
        """这一跳的成交里轮到自己的（委托，数量），成交价是委托自己的限价。

        市场穿过限价：可得全部成交量；只是碰到：前面有人排队，可得一半。调用者每拿到一笔就记账。
        """
        if prints.volume <= 0:
            return
        for heap, touch in ((self._buys, prints.low_li), (self._sells, prints.high_li)):
            taken = 0
            while (order := _top(heap)) is not None:
                beyond = order.limit_li - touch if order.is_buy else touch - order.limit_li
                if beyond < 0:
                    break
                share = prints.volume if beyond > 0 else (prints.volume + 1) // 2
                volume = min(order.remaining, share - taken)
                if volume <= 0:
                    break
                taken += volume
                yield order, volume
                if order.is_working:  # 没有全成：这一跳的量用完了
                    break


def _top(heap: list[_Entry]) -> SimOrder | None:
    while heap and not heap[0][2].is_working:
        heapq.heappop(heap)
    return heap[0][2] if heap else None
