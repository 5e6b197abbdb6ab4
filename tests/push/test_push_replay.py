"""补交的次序：委托与成交是先后两次查询，成交可能比状态新。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from push_records import order, trade
from support import eventually

from easytrader.backend.records import OrderChanged, PushEvent, Traded
from easytrader.basics.log import Log
from easytrader.errors import ClosedError
from easytrader.push import courier as courier_room
from easytrader.push.courier import Courier
from easytrader.push.sequence import HOLD_S


def label(event: PushEvent) -> str:
    """成交的编号，或委托的状态。"""
    if isinstance(event, Traded):
        return event.trade.traded_id
    assert isinstance(event, OrderChanged)
    return str(event.order.order_status)


def recording(
    log: Any = None, met: Any = None, spread_s: float = HOLD_S
) -> tuple[Courier, list[str]]:
    given: list[str] = []
    courier = Courier(
        log or Log(),
        delivered=lambda event: given.append(label(event)),
        met=met or (lambda order: None),
        status=dict,
        spread_s=spread_s,
    )
    return courier, given


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (order(50, 0), ["50", "a", "b"]),
        (order(55, 100), ["a", "55", "b"]),
        (order(56, 300), ["a", "b", "56"]),
        (order(54, 0), ["54", "a", "b"]),
    ],
)
def test_a_replay_is_in_the_natural_order(row: Any, told: list[str]) -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([row], [trade("a", 100), trade("b", 200)])
    courier.close(5)
    assert given == told


def test_a_lost_push_is_made_up_for_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """刚查到的，推送可能还在路上：抢在前面的话，「已报」就成了迟到的。"""
    now = [100.0]
    monkeypatch.setattr(courier_room, "time", SimpleNamespace(monotonic=lambda: now[0]))
    courier, given = recording()
    courier._ledger.is_new_order_state(order(48, 0))
    courier._reconcile([order(50, 0)], [])
    now[0] += courier_room.LOST_S
    courier._reconcile([order(55, 100)], [trade("a", 100)])  # 状态变了：推送还在来
    now[0] += courier_room.LOST_S / 2
    courier._reconcile([order(55, 100)], [trade("a", 100)])
    assert given == []
    now[0] += courier_room.LOST_S / 2
    courier._reconcile([order(55, 100)], [trade("a", 100)])
    assert given == ["a", "55"]


def test_a_trade_whose_order_is_not_visible_yet_waits() -> None:
    """查询是缓存：成交查得到，委托还查不到。先交成交的话，它的「已报」就成了迟到的。"""
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([], [trade("a", 100)])
    courier.deliver(OrderChanged(order(50, 0)))
    courier.deliver(Traded(trade("a", 100)))
    courier.close(5)
    assert given == ["50", "a"]


@pytest.mark.parametrize(
    ("pushes", "told"),
    [
        ([order(50, 0), order(55, 100)], ["50", "a", "55"]),
        ([order(52, 100), order(53, 100)], ["a", "52", "53"]),
    ],
)
def test_a_kept_trade_comes_before_the_state_that_counts_it(
    pushes: list[Any], told: list[str]
) -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([], [trade("a", 100)])
    courier.catch_up([], [trade("a", 100)])
    for each in pushes:
        courier.deliver(OrderChanged(each))
    courier.close(5)
    assert given == told


def test_what_happened_before_the_first_connection_is_no_event() -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([order(55, 100)], [trade("a")])
    courier.deliver(OrderChanged(order(55, 100)))
    courier.deliver(Traded(trade("a")))
    courier.deliver(Traded(trade("b")))
    assert courier.close(30)
    assert given == ["b"]


def test_after_closing_a_catch_up_is_refused() -> None:
    courier, given = recording()
    courier.start(None, {})
    assert courier.close(30)
    with pytest.raises(ClosedError):
        courier.catch_up([order(50)], [])
    courier.deliver(OrderChanged(order(50)))
    courier.reconcile([order(50)], [])
    assert courier.settle(0)
    assert given == []


def test_starting_again_only_changes_the_callback() -> None:
    courier, _ = recording()
    courier.start("一", {})
    dispatcher = courier._dispatcher
    courier.start("二", {})
    assert courier._dispatcher is dispatcher
    assert courier.callback == "二"
    assert courier.close(30)


def test_nothing_is_lost_before_the_first_catch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """连上之前的一切还没有记下：这时的核对什么都不能补交。"""
    monkeypatch.setattr(courier_room, "LOST_S", 0)
    courier, given = recording()
    courier.start(None, {})
    courier.reconcile([order(50)], [])
    courier.reconcile([order(50)], [])
    assert courier.close(30)
    assert given == []


class Lines:
    """只记下说了什么的日志口。"""

    def __init__(self) -> None:
        self.infos: list[tuple[Any, ...]] = []
        self.errors: list[str] = []

    def info(self, *line: Any) -> None:
        self.infos.append(line)

    def exception(self, line: str) -> None:
        self.errors.append(line)


def test_what_was_delivered_is_not_called_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_room, "LOST_S", 0)
    lines = Lines()
    courier, given = recording(lines)
    courier.start(None, {})
    courier.catch_up([order(55, 100)], [trade("a")])
    courier.reconcile([order(55, 100)], [trade("a")])
    assert courier.settle(30)
    assert lines.infos == []
    courier.reconcile([order(55, 200)], [trade("a"), trade("b")])
    assert courier.close(30)
    assert [line[1:] for line in lines.infos] == [(1, 1)]
    assert given == ["b", "55"]


def test_a_push_that_waits_is_replayed_with_the_rest() -> None:
    """成交推来了而委托还没有：补查只查到委托，查成交的时候它还不在。"""
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [])
    courier.deliver(Traded(trade("a")))
    courier.catch_up([order(55, 100)], [])
    assert courier.settle(30)
    assert given == ["a", "55"]
    assert courier.close(30)


@pytest.mark.parametrize(
    ("waiting", "row", "told"),
    [
        (order(55, 100), order(56, 300), ["a", "b", "55", "56"]),
        (order(50, 100), order(56, 300), ["50", "a", "b", "56"]),
    ],
)
def test_a_state_that_waits_keeps_its_place_in_the_replay(
    waiting: Any, row: Any, told: list[str]
) -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [])
    courier.deliver(OrderChanged(waiting))
    courier.catch_up([row], [trade("a", 100), trade("b", 200)])
    assert courier.close(30)
    assert given == told


@pytest.mark.parametrize(
    ("row", "told"), [(order(56, 200), ["b", "56"]), (order(51, 100), ["51", "b"])]
)
def test_fills_delivered_earlier_count_in_the_replay(row: Any, told: list[str]) -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([order(55, 100)], [trade("a")])
    courier.catch_up([row], [trade("a"), trade("b")])
    assert courier.close(30)
    assert given == told


def test_a_known_fill_without_its_order_is_not_held_back() -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([], [trade("a")])
    courier.catch_up([], [trade("a")])
    assert courier.settle(30)
    assert given == []
    assert courier.close(30)


def test_a_fill_of_a_known_order_is_replayed_at_once() -> None:
    courier, given = recording()
    courier.start(None, {})
    courier.catch_up([order(50)], [])
    courier.catch_up([], [trade("a")])
    assert courier.settle(30)
    assert given == ["a"]
    assert courier.close(30)


class Failing:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_stock_order(self, order: Any) -> None:
        self.seen.append(order.order_id)
        raise SystemExit


def test_a_failing_callback_does_not_swallow_the_rest_of_a_replay() -> None:
    lines = Lines()
    courier, given = recording(lines)
    failing = Failing()
    courier.start(failing, {})
    courier.catch_up([], [])
    courier.catch_up([order(50, number=1), order(50, number=2)], [])
    assert courier.close(30)
    assert failing.seen == [1, 2]
    assert given == ["50", "50"]
    assert len(lines.errors) == 2


def test_an_order_is_met_once() -> None:
    met: list[int] = []
    courier, given = recording(met=lambda order: met.append(order.order_id))
    courier.start(None, {})
    courier.catch_up([order(50, number=3)], [])
    for status in (50, 51, 54):
        courier.deliver(OrderChanged(order(status)))
    assert courier.close(30)
    assert met == [1]
    assert given == ["50", "51", "54"]


def test_a_state_whose_trades_are_not_visible_yet_waits_for_them() -> None:
    """委托与成交分两路来的柜台：状态走在成交前面，成交来了一起交。"""
    courier, given = recording(spread_s=60)
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([order(56, 300)], [trade("a", 100)])
    assert not courier.settle(0.05)
    courier.catch_up([order(56, 300)], [trade("a", 100)])  # 又看了一次，还是没有
    courier.deliver(Traded(trade("b", 200)))
    eventually(lambda: len(given) == 3)
    courier.close(5)
    assert given == ["a", "b", "56"]


def test_a_state_whose_trades_never_come_is_told_in_the_end() -> None:
    courier, given = recording(spread_s=0.05)
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([order(56, 300)], [trade("a", 100)])
    eventually(lambda: len(given) == 2)
    courier.close(5)
    assert given == ["a", "56"]
