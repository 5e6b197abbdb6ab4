"""挂着的委托：按价格、时间排队，市场成交到它的价位、前面的别人走完时轮到它。

同一价位上「已经走掉的别人」当天只增不减，记在 `Queue` 里；委托记住自己前面的人全走掉时它会是多少
（``SimOrder.ahead``）。于是市场每成交到一次只改一个数，不管那里挂着多少笔。
"""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.sim.exchange.crowd import withdrawn
from easytrader.sim.exchange.depth import DISPLAYED, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Prints
    from easytrader.sim.ledger.orders import SimOrder


_Entry = tuple[int, int, "SimOrder"]
QueueKey = tuple[bool, int]
"""（买，价格）。"""


class Queue(NamedTuple):
    """一个价位：今天已经走掉多少别人，算到一天的百万分之几。"""

    gone: int
    at_ppm: int


_NOBODY = Queue(0, 0)
_MOST_SEEN: Final = 5000


def _at_once(ts: float) -> int:
    """缺省：不计时间，别人不撤单。"""
    return 0


class RestingBook:
    """一只证券上自己的挂单。撤掉的留在堆里，轮到时再丢。

    ``queues`` 是这只证券当天各价位的 `Queue`；``touched`` 是还没有记进账本的。
    """

    __slots__ = ("_buys", "_sells", "queues", "security", "touched", "waiting")

    def __init__(self, security: Security, queues: dict[QueueKey, Queue] | None = None) -> None:
        self.security = security
        self.queues: dict[QueueKey, Queue] = {} if queues is None else queues
        self.touched: set[QueueKey] = set()
        self.waiting: list[SimOrder] = []
        """主机收下了、9:30 才处理的申报与撤单，按收到的先后。"""
        self._buys: list[_Entry] = []
        self._sells: list[_Entry] = []

    def add(self, order: SimOrder) -> None:
        """排进去。"""
        if order.is_buy:
            heapq.heappush(self._buys, (-order.limit_li, order.order_id, order))
        else:
            heapq.heappush(self._sells, (order.limit_li, order.order_id, order))

    def queue_up(self, order: SimOrder, crowd: int) -> None:
        """前面排着 ``crowd`` 个别人。"""
        order.ahead = 0
        if crowd > 0:
            order.ahead = crowd + self.queues.get((order.is_buy, order.limit_li), _NOBODY).gone

    def orders(self) -> list[SimOrder]:
        """还挂着的全部，按委托编号。"""
        found = [entry[2] for heap in (self._buys, self._sells) for entry in heap]
        return sorted((each for each in found if each.is_working), key=lambda o: o.order_id)

    def against(self, buy: bool, limit_li: int, account_id: str) -> list[SimOrder]:
        """新来的一笔（``buy``、``limit_li``）碰得到的别的账户的挂单，价格优先、时间优先。

        只看碰得到的那些：堆里的下一层不会比上一层更优。
        """
        heap, edge = (self._sells, limit_li) if buy else (self._buys, -limit_li)
        found: list[_Entry] = []
        places = [0]
        while places:
            place = places.pop()
            if place >= len(heap) or heap[place][0] > edge:
                continue
            places += (2 * place + 1, 2 * place + 2)
            order = heap[place][2]
            if order.is_working and order.account_id != account_id:
                found.append(heap[place])
        return [entry[2] for entry in sorted(found, key=itemgetter(0, 1))]

    def levels(self, buy: bool) -> list[Level]:
        """这一边最优的五档，由优到劣；挂得太多时只数到第 `_MOST_SEEN` 笔。"""
        heap = self._buys if buy else self._sells
        found: list[Level] = []
        near = [(heap[0][0], 0)] if heap else []
        for _ in range(_MOST_SEEN):
            if not near:
                break
            key, place = heapq.heappop(near)
            order, price_li = heap[place][2], abs(key)
            if order.is_working:
                if found and found[-1].price_li == price_li:
                    found[-1] = Level(price_li, found[-1].volume + order.remaining)
                elif len(found) == DISPLAYED:
                    break
                else:
                    found.append(Level(price_li, order.remaining))
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(heap):
                    heapq.heappush(near, (heap[child][0], child))
        return found

    def best(self) -> tuple[int | None, int | None]:
        """最高买价、最低卖价；没有为 None。"""
        buy, sell = _top(self._buys), _top(self._sells)
        return (buy.limit_li if buy else None), (sell.limit_li if sell else None)

    @property
    def empty(self) -> bool:
        """没有还挂着的、等着处理的了。"""
        return not self.waiting and _top(self._buys) is None and _top(self._sells) is None

    def match(
        self, prints: Prints, now_ppm: int = 0, joined_ppm: Callable[[float], int] = _at_once
    ) -> Iterator[tuple[SimOrder, int]]:
        """这一跳的成交里轮到自己的（委托，数量）。调用者每拿到一笔就记账。

        市场穿过限价：前面的人已经没有了，可得全部成交量。只是碰到：成交在这个价位的那些，先给前面的人。
        """
        if prints.volume <= 0:
            return
        for heap, touch in ((self._buys, prints.low_li), (self._sells, prints.high_li)):
            taken = 0
            while (order := _top(heap)) is not None:
                beyond = order.limit_li - touch if order.is_buy else touch - order.limit_li
                if beyond < 0:
                    break
                share = prints.reach(beyond > 0)
                if order.ahead and share > taken:
                    since = joined_ppm(order.order_time)
                    taken += self._step(order, share - taken, now_ppm, since, beyond > 0)
                volume = min(order.remaining, share - taken)
                if volume <= 0:
                    break
                taken += volume
                yield order, volume
                if order.is_working:  # 没有全成：这一跳的量用完了
                    break

    def _step(self, order: SimOrder, room: int, now_ppm: int, since: int, through: bool) -> int:
        """前面的人先撤走一些，再成交 ``room`` 以内；返回他们成交了多少。"""
        key = (order.is_buy, order.limit_li)
        gone, at_ppm = self.queues.get(key, _NOBODY)
        ahead = order.ahead - gone
        if ahead <= 0:
            return 0
        if through:
            self.queues[key] = Queue(order.ahead, now_ppm)
            self.touched.add(key)
            return 0
        left = ahead - withdrawn(ahead, now_ppm - max(at_ppm, since))
        took = min(left, room)
        self.queues[key] = Queue(order.ahead - left + took, now_ppm)
        self.touched.add(key)
        return took


def _top(heap: list[_Entry]) -> SimOrder | None:
    while heap and not heap[0][2].is_working:
        heapq.heappop(heap)
    return heap[0][2] if heap else None
