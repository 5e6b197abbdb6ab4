"""把终端的两种说法合成一件事：回调说的（可能重复、乱序），与查到的列表（可能慢几秒）。

纯计算。一笔委托的样子：列表里的最新一行为准；回调走在列表前面的，先信回调，列表赶上为止。
往外报的只前进不后退；每笔成交报一次。只在一个线程上用。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.backend.records import OrderChanged, Traded
from easytrader.codes import FINAL_STATUSES, STATUS_RANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.backend.records import PushEvent, Trade
    from easytrader.bigqmt.convert import Deal, Named, PlacedOrder

_ORPHAN_S: Final = 15.0
"""成交来了而委托一直查不到，这么久以后当作不是我们发的。"""

_State = tuple[int, int, int, bool, str]
"""（名次，成交，撤了，有没有合同编号，说明）"""


def state(order: PlacedOrder) -> _State:
    """看得出变化的几样。"""
    rank = STATUS_RANK.get(order.order_status, -1)
    traded, cancelled = int(order.traded_volume), order.cancelled
    return (rank, traded, cancelled, bool(order.order_sysid), order.status_msg)


def is_ahead(now: PlacedOrder, before: PlacedOrder) -> bool:
    """``now`` 比 ``before`` 新：成交多了一定新；终态不再变；不然看名次，再看合同编号与说明。"""
    new, old = state(now), state(before)
    if before.order_status in FINAL_STATUSES:
        # 终态之后只补成交、合同编号、原因
        same = now.order_status == before.order_status
        more = new[1] > old[1] or (new[1] == old[1] and new[3:] != old[3:])
        return same and more and (new[3] or not old[3])
    if new[1] != old[1]:
        return new[1] > old[1]
    return new[:1] > old[:1] or (new[0] == old[0] and new[2:] > old[2:])


class Reducer:
    """一个账号的委托与成交。

    Args:
        name_trade: 一笔成交 → 它的委托是谁；还不知道为 None。第二个参数为真：不等了，现在就要一个。
        today: 今天，``20261130``；夜里报的委托写着明天，不能让今天的都不见了。
    """

    def __init__(
        self,
        name_trade: Callable[[Deal, bool], Named | None],
        today: Callable[[], str],
    ) -> None:
        self._name_trade = name_trade
        self._today = today
        self._listed: dict[int, PlacedOrder] = {}
        self._pushed: dict[int, PlacedOrder] = {}
        # 报过的最新样子
        self._told: dict[int, PlacedOrder] = {}
        self._trades: dict[str, Trade] = {}
        self._day_of_trade: dict[str, str] = {}
        # 还不知道是哪笔委托的：成交 → 从何时起
        self._orphans: dict[str, tuple[Deal, float]] = {}
        self._day = ""

    # ---- 进来的

    def list_orders(self, orders: Iterable[PlacedOrder], *, quiet: bool = False) -> list[PushEvent]:
        """列表里变了的几行；``quiet``：第一次看，只记不报。"""
        events: list[PushEvent] = []
        for order in orders:
            number = _number(order)
            self._listed[number] = order
            pushed = self._pushed.get(number)
            if pushed is not None and not is_ahead(pushed, order):
                del self._pushed[number]  # 列表赶上了
            events += self._advance(order, quiet)
        return events

    def keep_orders(self, numbers: set[int]) -> None:
        """列表里现在只有这些：前几天的不再留着（今天的不见了，留着）。"""
        for number in {*self._listed, *self._pushed} - numbers:
            order = self.order(number)
            if order is not None and order.day < self._today():
                self.drop_order(number)

    def drop_order(self, number: int) -> None:
        """认错了的：这一行原来是另一笔。"""
        for each in (self._listed, self._pushed, self._told):
            each.pop(number, None)

    def keep_trades(self, keys: set[str]) -> None:
        """同上，成交。"""
        for key, day in list(self._day_of_trade.items()):
            if key not in keys and day < self._today():
                self._trades.pop(key, None)
                self._day_of_trade.pop(key, None)

    def push_order(self, order: PlacedOrder) -> list[PushEvent]:
        """回调说的一笔。"""
        number = _number(order)
        before = self.order(number)
        if before is None or is_ahead(order, before):
            self._pushed[number] = order
        return self._advance(order, quiet=False)

    def add_deals(
        self, deals: Iterable[Deal], now: float, *, quiet: bool = False
    ) -> list[PushEvent]:
        """成交，不管从哪里来；``now`` 是单调的秒。"""
        events: list[PushEvent] = []
        for deal in deals:
            if deal.key not in self._trades:
                events += self._trade(deal, now, quiet)
        return events

    def adopt(self, now: float) -> list[PushEvent]:
        """还不知道是谁的成交，再认一遍；等够了的不等了。"""
        events: list[PushEvent] = []
        for key, (deal, since) in list(self._orphans.items()):
            named = self._name_trade(deal, now - since >= _ORPHAN_S)
            if named is not None:
                del self._orphans[key]
                events += self._take(deal, named, quiet=False)
        return events

    # ---- 现在的样子

    def order(self, number: int) -> PlacedOrder | None:
        """一笔委托现在的样子。"""
        return self._pushed.get(number) or self._listed.get(number)

    def orders(self) -> list[PlacedOrder]:
        """当日的全部委托，按时间。"""
        merged = {**self._listed, **self._pushed}
        first = self._first
        found = [each for each in merged.values() if each.day >= first]
        return sorted(found, key=lambda each: each.order_time)

    def trades(self) -> list[Trade]:
        """当日的全部成交，按时间。"""
        days, first = self._day_of_trade, self._first
        kept = self._trades.copy().items()
        found = [each for key, each in kept if days.get(key, "") >= first]
        return sorted(found, key=lambda each: each.traded_time)

    # ---- 内部

    @property
    def _first(self) -> str:
        """这一天起的才给。"""
        return min(self._day, self._today())

    def _advance(self, order: PlacedOrder, quiet: bool) -> list[PushEvent]:
        self._see(order.day)
        number = _number(order)
        before = self._told.get(number)
        if before is not None and not is_ahead(order, before):
            return []
        self._told[number] = order
        return [] if quiet else [OrderChanged(order)]

    def _trade(self, deal: Deal, now: float, quiet: bool) -> list[PushEvent]:
        named = self._name_trade(deal, False)
        if named is None:
            self._orphans.setdefault(deal.key, (deal, now))
            return []
        self._orphans.pop(deal.key, None)
        return self._take(deal, named, quiet)

    def _take(self, deal: Deal, named: Named, quiet: bool) -> list[PushEvent]:
        self._see(deal.day)
        trade = deal.make(named)
        self._trades[deal.key] = trade
        self._day_of_trade[deal.key] = deal.day
        return [] if quiet else [Traded(trade)]

    def _see(self, day: str) -> None:
        if day > self._day:
            self._day = day
            for key in [each for each, its in self._day_of_trade.items() if its < self._first]:
                self._trades.pop(key, None)
                self._day_of_trade.pop(key, None)


def _number(order: PlacedOrder) -> int:
    return int(order.order_id)
