"""理顺次序：推送会乱序（成交先于委托、终态先于成交），等一小会儿，凑齐了再交。

对一笔委托的承诺：状态只前进；「已报」先于它的成交；状态里的累计成交量，对应的成交已经交过；
看起来被跳过的状态（两笔成交之间的「部成」、撤单前的「待撤」）也等一等，免得它迟到了没法交。
厂商不保证次序，也可能真的跳过，所以最多等 ``HOLD_S``，到期照样交，什么都不丢。
有的柜台委托与成交分两路来、快慢不一（`Capabilities.push_spread_s`）：缺的是成交、或是成交的委托，
就等那么久。只在分发线程上使用。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from easytrader.backend.records import OrderChanged, Traded
from easytrader.basics.numbers import exact
from easytrader.codes import STATUS_RANK, OrderStatus

if TYPE_CHECKING:
    from decimal import Decimal

    from easytrader.backend.records import OrderLike, PushEvent
    from easytrader.basics.numbers import OrderId
    from easytrader.push.ledger import DeliveryLedger

HOLD_S: Final = 0.1

_ORDERED: Final = (OrderChanged, Traded)
_Ordered = OrderChanged | Traded
_REPORTED: Final = STATUS_RANK[OrderStatus.REPORTED]


class Sequencer:
    """见模块说明。

    Args:
        ledger: 交付过什么。只看不记，记在交付的时候。
        spread_s: 委托与它的成交，先后最多差几秒。
    """

    def __init__(self, ledger: DeliveryLedger, spread_s: float = HOLD_S) -> None:
        self.ledger = ledger
        self.spread_s = spread_s
        # 委托编号 → (到期时刻, 压着的推送)
        self._held: dict[OrderId, tuple[float, list[_Ordered]]] = {}

    def offer(self, event: PushEvent) -> list[PushEvent]:
        """来了一条；返回现在可以交的，按该交的次序。"""
        if not isinstance(event, _ORDERED):
            return [event]
        number = _number(event)
        held = self._held.get(number)
        if held is None:
            if self._fits(event, None):
                return [event]
            self._held[number] = (time.monotonic() + self._patience_s(number, [event]), [event])
            return []
        held[1].append(event)
        due = time.monotonic() + self._patience_s(number, held[1])
        self._held[number] = (min(held[0], due), held[1])
        return [*self._release(number, held[1])]

    def keep(self, event: _Ordered, hold_s: float) -> None:
        """先压着查到的这一条：成交的委托、状态里的成交还查不到，等来了一起理顺。"""
        number = _number(event)
        due, events = self._held.get(number, (time.monotonic() + hold_s, []))
        self._held[number] = (due, events if event in events else [*events, event])

    def is_short(self, order: OrderLike, trades: list[Traded]) -> bool:
        """这个状态算到的成交，交过的、``trades``、压着的加起来还不够。"""
        held = self._held.get(order.order_id, (0.0, []))[1]
        return self._lacks(order.order_id, [OrderChanged(order), *trades, *held])

    def pop(self, number: OrderId) -> tuple[list[OrderChanged], list[OrderChanged], list[Traded]]:
        """取出这笔委托压着的：（「已报」及以前的状态，之后的状态，成交）。"""
        events = sorted(self._held.pop(number, (0.0, []))[1], key=_natural)
        states = [event for event in events if isinstance(event, OrderChanged)]
        early = [event for event in states if _rank(event.order) <= _REPORTED]
        trades = [event for event in events if isinstance(event, Traded)]
        return early, states[len(early) :], trades

    def next_due_s(self) -> float | None:
        """离最近一条到期还有几秒；没有压着的为 None。"""
        if not self._held:
            return None
        return max(0.0, min(due for due, _ in self._held.values()) - time.monotonic())

    def due(self, until: float | None = None) -> list[PushEvent]:
        """到期的，交了吧。``until``：只算到这一刻（之后来的还没有看过）。"""
        if not self._held:
            return []
        now = time.monotonic() if until is None else until
        return self._drop([number for number, (due, _) in self._held.items() if due <= now])

    def flush(self) -> list[PushEvent]:
        """全部交了。"""
        return self._drop(list(self._held))

    # ---- 内部

    def _patience_s(self, number: OrderId, events: list[_Ordered]) -> float:
        """压着这些，最多等多久。"""
        return self.spread_s if self._lacks(number, events) else HOLD_S

    def _lacks(self, number: OrderId, events: list[_Ordered]) -> bool:
        """这些里缺成交，或缺成交的委托。"""
        after = _After(self.ledger, number)
        trades = {each.trade.traded_id: each for each in events if isinstance(each, Traded)}
        for trade in trades.values():
            after.take(trade)
        states = [each.order for each in events if isinstance(each, OrderChanged)]
        if not states:
            return not after.known
        return any(exact(order.traded_volume) > after.traded for order in states)

    def _drop(self, numbers: list[OrderId]) -> list[PushEvent]:
        held = [sorted(self._held.pop(number)[1], key=_natural) for number in numbers]
        return [event for events in held for event in events]

    def _release(self, number: OrderId, events: list[_Ordered]) -> list[_Ordered]:
        """凑得上的都交，凑不上的接着压。"""
        after = _After(self.ledger, number)
        ready: list[_Ordered] = []
        waiting = sorted(events, key=_natural)
        moved = True
        while moved:
            moved = False
            for event in waiting:
                if self._fits(event, after):
                    waiting.remove(event)
                    after.take(event)
                    ready.append(event)
                    moved = True
                    break
        if waiting:
            events[:] = waiting
        else:
            del self._held[number]
        return ready

    def _fits(self, event: _Ordered, after: _After | None) -> bool:
        """该在它前面的都交过了。"""
        if after is None:
            after = _After(self.ledger, _number(event))
        if isinstance(event, Traded):
            return after.known
        order = event.order
        status = order.order_status
        if status == OrderStatus.JUNK:
            return True
        if not after.known and _rank(order) > _REPORTED:
            return False
        if exact(order.traded_volume) > after.traded:
            return False
        if status in _CANCELLED:
            return after.status in _CANCELLING
        return status not in _TRADED or after.fresh <= 1


_TRADED: Final = (OrderStatus.PART_SUCC, OrderStatus.SUCCEEDED)
_CANCELLED: Final = (OrderStatus.PART_CANCEL, OrderStatus.CANCELED)
_CANCELLING: Final = (OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL, *_CANCELLED)


class _After:
    """交了一部分之后，一笔委托会是什么样。"""

    def __init__(self, ledger: DeliveryLedger, number: OrderId) -> None:
        self.known = ledger.knows(number)
        self.traded = ledger.traded(number)
        self.fresh = ledger.fresh_trades(number)
        self.status = ledger.last_status(number)
        self._ledger = ledger

    def take(self, event: _Ordered) -> None:
        if isinstance(event, OrderChanged):
            self.known = True
            self.fresh = 0
            self.status = event.order.order_status
        elif not self._ledger.has_trade(event.trade):
            self.traded += exact(event.trade.traded_volume)
            self.fresh += 1


def _number(event: _Ordered) -> OrderId:
    return (event.order if isinstance(event, OrderChanged) else event.trade).order_id


def _rank(order: OrderLike) -> int:
    return STATUS_RANK.get(order.order_status, -1)


def _natural(event: _Ordered) -> tuple[int, int, int | Decimal]:
    """该交的次序：未报、已报，成交，其余状态；成交之间按来的次序。"""
    if isinstance(event, Traded):
        return (_REPORTED, 1, 0)
    rank = _rank(event.order)
    return (rank, 0 if rank <= _REPORTED else 2, exact(event.order.traded_volume))
