"""乱序的推送：理顺了再交，什么都不丢，也不久等。"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import push_records as records
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easytrader.backend.records import OrderChanged, PushEvent, Traded
from easytrader.basics.days import DayBoundary
from easytrader.push import sequence
from easytrader.push.ledger import DeliveryLedger
from easytrader.push.sequence import Sequencer

if TYPE_CHECKING:
    from collections.abc import Iterable


def order(status: int, traded: int = 0, number: int = 1) -> OrderChanged:
    return OrderChanged(records.order(status, traded, number))


def trade(name: str, volume: int = 100, number: int = 1) -> Traded:
    return Traded(records.trade(name, volume, number))


class Desk:
    """分发线程做的事：理顺、去重、交付。"""

    def __init__(self, spread_s: float = sequence.HOLD_S) -> None:
        self.ledger = DeliveryLedger()
        self.sequencer = Sequencer(self.ledger, spread_s)
        self.given: list[str] = []

    def push(self, *events: PushEvent) -> Desk:
        for event in events:
            self.deliver(self.sequencer.offer(event))
        return self

    def deliver(self, events: Iterable[PushEvent]) -> None:
        for event in events:
            if isinstance(event, OrderChanged):
                if self.ledger.is_new_order_state(event.order):
                    self.given.append(str(event.order.order_status))
            elif isinstance(event, Traded) and self.ledger.is_new_trade(event.trade):
                self.given.append(event.trade.traded_id)


def test_in_order_nothing_waits() -> None:
    desk = Desk().push(order(50), trade("a"), order(55, 100), trade("b"), order(56, 200))
    assert desk.given == ["50", "a", "55", "b", "56"]
    assert desk.sequencer.next_due_s() is None


def test_trade_before_order() -> None:
    assert Desk().push(trade("a"), order(50), order(56, 100)).given == ["50", "a", "56"]


def test_final_state_before_its_trades() -> None:
    """实测的次序（见厂商层说明）：已成先到，两笔成交后到。"""
    desk = Desk().push(order(50), order(55, 100), order(56, 200), trade("b"), trade("a"))
    assert desk.given == ["50", "b", "55", "a", "56"]


def test_a_state_that_was_overtaken_is_not_lost() -> None:
    assert Desk().push(order(56, 100), trade("a"), order(50)).given == ["50", "a", "56"]


def test_rejected_at_once_does_not_wait() -> None:
    assert Desk().push(order(57)).given == ["57"]


def test_cancelled_after_its_pending_cancel() -> None:
    assert Desk().push(order(50), order(51), order(54)).given == ["50", "51", "54"]
    assert Desk().push(order(50), order(54), order(51)).given == ["50", "51", "54"]


def test_an_order_in_the_ledger_already_final_is_not_waited_for() -> None:
    assert Desk().push(order(50), order(51), order(54), order(54), order(50)).given == [
        "50",
        "51",
        "54",
    ]


def test_duplicates_are_given_once() -> None:
    desk = Desk().push(order(50), order(50), trade("a"), trade("a"), order(56, 100), order(56, 100))
    assert desk.given == ["50", "a", "56"]


def test_other_orders_do_not_wait() -> None:
    desk = Desk().push(trade("a", number=1), order(50, number=2), trade("b", number=2))
    assert desk.given == ["50", "b"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr(sequence, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def test_what_never_comes_is_not_waited_for(now: list[float]) -> None:
    desk = Desk().push(order(56, 100), trade("a", number=2))
    assert desk.given == []
    assert desk.sequencer.next_due_s() == pytest.approx(sequence.HOLD_S)
    desk.deliver(desk.sequencer.due())
    assert desk.given == []
    now[0] += sequence.HOLD_S
    desk.deliver(desk.sequencer.due())
    assert desk.given == ["56", "a"]
    assert desk.sequencer.next_due_s() is None


def test_a_later_push_does_not_put_off_what_waits(now: list[float]) -> None:
    desk = Desk().push(trade("a"))
    now[0] += sequence.HOLD_S / 2
    desk.push(trade("b"))
    assert desk.sequencer.next_due_s() == pytest.approx(sequence.HOLD_S / 2)
    now[0] += sequence.HOLD_S
    assert desk.sequencer.next_due_s() == 0


SPREAD_S = 7.0


def test_a_trade_is_waited_for_as_long_as_it_may_take(now: list[float]) -> None:
    """委托与成交分两路来：缺成交的等得久；凑齐了而少一个状态的，照样只等一小会儿。"""
    desk = Desk(SPREAD_S).push(order(50), order(56, 200))
    assert desk.sequencer.next_due_s() == pytest.approx(SPREAD_S)
    now[0] += SPREAD_S / 2
    desk.push(trade("a"))
    assert desk.given == ["50", "a"]
    assert desk.sequencer.next_due_s() == pytest.approx(SPREAD_S / 2)
    desk.push(trade("b"))
    assert desk.given == ["50", "a", "b"]
    assert desk.sequencer.next_due_s() == pytest.approx(sequence.HOLD_S)  # 两笔之间的「部成」


def test_an_order_is_waited_for_by_its_trades_as_long_as_it_may_take(now: list[float]) -> None:
    desk = Desk(SPREAD_S).push(trade("a"))
    assert desk.sequencer.next_due_s() == pytest.approx(SPREAD_S)
    desk.push(order(56, 100))  # 没有「已报」：直接成交了
    assert desk.given == []
    now[0] += sequence.HOLD_S
    desk.deliver(desk.sequencer.due())
    assert desk.given == ["a", "56"]


def test_a_cancel_does_not_wait_longer_for_the_state_before_it(now: list[float]) -> None:
    desk = Desk(SPREAD_S).push(order(50), order(54))
    assert desk.sequencer.next_due_s() == pytest.approx(sequence.HOLD_S)


def test_a_pending_cancel_waits_for_the_report() -> None:
    desk = Desk().push(order(51))
    assert desk.given == []
    assert desk.push(order(50)).given == ["50", "51"]


def test_after_two_fills_the_state_between_them_is_waited_for() -> None:
    desk = Desk().push(order(50), trade("a"), trade("b"), order(56, 200))
    assert desk.given == ["50", "a", "b"]
    desk.push(order(55, 100))
    desk.deliver(desk.sequencer.flush())
    assert desk.given == ["50", "a", "b", "55", "56"]


def test_a_state_that_may_go_ends_the_waiting_of_the_next() -> None:
    desk = Desk().push(order(50), trade("a"), trade("b"), order(56, 200), order(51))
    assert desk.given == ["50", "a", "b", "51", "56"]


def test_a_repeated_fill_is_not_counted_twice() -> None:
    desk = Desk().push(order(50), trade("a"), order(55, 100), order(56, 200), trade("a"))
    assert desk.given == ["50", "a", "55"]
    assert desk.push(trade("b")).given == ["50", "a", "55", "b", "56"]


def test_what_is_given_late_is_still_in_order() -> None:
    desk = Desk().push(order(55, 200), order(55, 100), trade("b", number=2), order(50, 9, number=2))
    desk.deliver(desk.sequencer.flush())
    assert desk.given == ["55", "55", "50", "b"]
    assert desk.sequencer.next_due_s() is None


def test_what_waits_is_taken_out_in_three_parts() -> None:
    desk = Desk()
    for each in (order(55, 100), trade("a"), order(50, 100), order(49, 100), trade("b")):
        desk.push(each)
    early, late, trades = desk.sequencer.pop(1)
    assert [each.order.order_status for each in early] == [49, 50]
    assert [each.order.order_status for each in late] == [55]
    assert [each.trade.traded_id for each in trades] == ["a", "b"]
    assert desk.sequencer.next_due_s() is None


def test_several_trades_are_kept_until_their_order_comes(now: list[float]) -> None:
    desk = Desk()
    desk.sequencer.keep(trade("a"), 15)
    now[0] += 5
    desk.sequencer.keep(trade("b"), 15)
    assert desk.sequencer.next_due_s() == 10
    assert desk.push(order(50)).given == ["50", "a", "b"]


STORY: list[Any] = [order(50), trade("a"), order(55, 100), trade("b"), trade("c"), order(56, 300)]


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_any_order_of_arrival_with_duplicates_gives_one_natural_order(
    order_of_arrival: list[int], again: list[int]
) -> None:
    desk = Desk().push(*(STORY[at] for at in [*order_of_arrival, *again]))
    desk.deliver(desk.sequencer.flush())
    states = [each for each in desk.given if each.isdigit()]
    assert states == ["50", "55", "56"]
    assert sorted(each for each in desk.given if not each.isdigit()) == ["a", "b", "c"]
    assert desk.given[0] == "50"
    assert desk.given[-1] == "56"


def test_the_ledger_keeps_the_day_of_its_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """夜盘二十点起是下一个交易日：编号从头数，昨天的同号委托不挡今天的。"""
    night = DayBoundary(begins=20, weekends=False)
    ledger = DeliveryLedger(night.day_of)
    evening = 1_795_003_200  # 2026-11-18 20:00 北京时间
    monkeypatch.setattr(time, "time", lambda: evening + 86_400)
    old = records.order(56, 2, at=evening - 60)
    new = records.order(50, at=evening)
    late = records.order(55, 1, at=evening + 5 * 3600)
    assert ledger.is_new_order_state(old)
    assert ledger.is_new_order_state(new)
    assert ledger.is_new_order_state(late)  # 过了零点还是同一天
    assert ledger.last_status(1) == 55
    assert not ledger.is_new_order_state(new)
    assert not ledger.is_new_order_state(old)
