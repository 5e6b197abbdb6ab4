"""理顺次序：推送会乱序（成交先于委托、终态先于成交），等一小会儿，凑齐了再交。

对一笔委托的承诺：状态只前进；「已报」先于它的成交；状态里的累计成交量，对应的成交已经交过；
看起来被跳过的状态（两笔成交之间的「部成」、撤单前的「待撤」）也等一等，免得它迟到了没法交。
厂商不保证次序，也可能真的跳过，所以最多等 ``HOLD_S``，到期照样交，什么都不丢。
只在分发线程上使用。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import STATUS_RANK, OrderStatus

if TYPE_CHECKING:
    from easytrader.delivery.ledger import DeliveryLedger
    from easytrader.model import PushEvent

HOLD_S: Final = 0.1

_ORDER: Final = "on_stock_order"
_TRADE: Final = "on_stock_trade"
_REPORTED: Final = STATUS_RANK[OrderStatus.REPORTED]


class Sequencer:
    """见模块说明。

    Args:
        ledger: 交付过什么。只看不记，记在交付的时候。
    """

    def __init__(self, ledger: DeliveryLedger) -> None:
        self.ledger = ledger
        # 委托编号 → (到期时刻, 压着的推送)
        self._held: dict[int, tuple[float, list[PushEvent]]] = {}

    def offer(self, event: PushEvent) -> list[PushEvent]:
        """来了一条；返回现在可以交的，按该交的次序。"""
        if event.name not in (_ORDER, _TRADE):
            return [event]
        number = event.args[0].order_id
        held = self._held.get(number)
        if held is None:
            if self._fits(event, None):
                return [event]
            self._held[number] = (time.monotonic() + HOLD_S, [event])
            return []
        held[1].append(event)
        self._held[number] = (min(held[0], time.monotonic() + HOLD_S), held[1])
        return self._release(number, held[1])

    def keep(self, event: PushEvent, hold_s: float) -> None:
        """先压着这一条成交：它的委托还查不到，等委托的状态来了一起理顺。"""
        number = event.args[0].order_id
        due, events = self._held.get(number, (time.monotonic() + hold_s, []))
        self._held[number] = (due, [*events, event])

    def pop(self, number: int) -> tuple[list[PushEvent], list[PushEvent], list[PushEvent]]:
        """取出这笔委托压着的：（「已报」及以前的状态，之后的状态，成交）。"""
        events = sorted(self._held.pop(number, (0.0, []))[1], key=_natural)
        states = [event for event in events if event.name == _ORDER]
        early = [event for event in states if _rank(event.args[0]) <= _REPORTED]
        trades = [event for event in events if event.name == _TRADE]
        return early, states[len(early) :], trades

    def next_due_s(self) -> float | None:
        """离最近一条到期还有几秒；没有压着的为 None。"""
        if not self._held:
            return None
        return max(0.0, min(due for due, _ in self._held.values()) - time.monotonic())

    def due(self) -> list[PushEvent]:
        """到期的，交了吧。"""
        if not self._held:
            return []
        now = time.monotonic()
        return self._drop([number for number, (due, _) in self._held.items() if due <= now])

    def flush(self) -> list[PushEvent]:
        """全部交了。"""
        return self._drop(list(self._held))

    # ---- 内部

    def _drop(self, numbers: list[int]) -> list[PushEvent]:
        found: list[PushEvent] = []
        for number in numbers:
            _, events = self._held.pop(number)
            found += sorted(events, key=_natural)
        return found

    def _release(self, number: int, events: list[PushEvent]) -> list[PushEvent]:
        """凑得上的都交，凑不上的接着压。"""
        after = _After(self.ledger, number)
        ready: list[PushEvent] = []
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

    def _fits(self, event: PushEvent, after: _After | None) -> bool:
        """该在它前面的都交过了。"""
        record = event.args[0]
        if after is None:
            after = _After(self.ledger, record.order_id)
        if event.name == _TRADE:
            return after.known
        status = record.order_status
        if status == OrderStatus.JUNK:
            return True
        if not after.known and _rank(record) > _REPORTED:
            return False
        if int(record.traded_volume) > after.traded:
            return False
        if status in _CANCELLED:
            return after.status in _CANCELLING
        return status not in _TRADED or after.fresh <= 1


_TRADED: Final = (OrderStatus.PART_SUCC, OrderStatus.SUCCEEDED)
_CANCELLED: Final = (OrderStatus.PART_CANCEL, OrderStatus.CANCELED)
_CANCELLING: Final = (OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL, *_CANCELLED)


class _After:
    """交了一部分之后，一笔委托会是什么样。"""

    def __init__(self, ledger: DeliveryLedger, number: int) -> None:
        self.known = ledger.knows(number)
        self.traded = ledger.traded(number)
        self.fresh = ledger.fresh_trades(number)
        self.status = ledger.last_status(number)
        self._ledger = ledger

    def take(self, event: PushEvent) -> None:
        record = event.args[0]
        if event.name == _ORDER:
            self.known = True
            self.fresh = 0
            self.status = record.order_status
        elif not self._ledger.has_trade(record):
            self.traded += int(record.traded_volume)
            self.fresh += 1


def _rank(order: Any) -> int:
    return STATUS_RANK.get(order.order_status, -1)


def _natural(event: PushEvent) -> tuple[int, int, int]:
    """该交的次序：未报、已报，成交，其余状态；成交之间按来的次序。"""
    record = event.args[0]
    if event.name == _TRADE:
        return (_REPORTED, 1, 0)
    rank = _rank(record)
    return (rank, 0 if rank <= _REPORTED else 2, int(record.traded_volume))
