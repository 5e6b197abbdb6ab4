"""等着交付的推送：有上限，不丢成交，次序不乱。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from support import eventually

from easytrader.backend.records import (
    AccountChanged,
    AssetChanged,
    CancelRefused,
    HealthChanged,
    OrderChanged,
    OrderRefused,
    PositionChanged,
    Traded,
)
from easytrader.push import dispatch as backlog_room
from easytrader.push.dispatch import Backlog

if TYPE_CHECKING:
    import pytest


def order(number: int, state: int) -> OrderChanged:
    record: Any = SimpleNamespace(order_id=number, state=state)
    return OrderChanged(record)


def trade(number: int) -> Traded:
    record: Any = SimpleNamespace(order_id=number)
    return Traded(record)


def drain(backlog: Backlog) -> list[Any]:
    found = []
    while (item := backlog.take(0)) is not None:
        found.append(item[0])
    return found


def test_below_the_limit_everything_stays_in_order() -> None:
    backlog = Backlog(100)
    events = [order(n % 3, n) for n in range(50)]
    for each in events:
        backlog.put(each)
    assert drain(backlog) == events
    assert backlog.merged == 0


def test_above_the_limit_only_the_newest_state_of_an_order_is_kept() -> None:
    backlog = Backlog(2)
    backlog.put(trade(1))
    backlog.put(trade(2))
    for state in range(5):
        backlog.put(order(1, state))
        backlog.put(trade(1))
    kept = drain(backlog)
    states = [each.order.state for each in kept if isinstance(each, OrderChanged)]
    assert states == [4]
    assert len([each for each in kept if isinstance(each, Traded)]) == 7
    assert backlog.merged == 4


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=80), st.integers(1, 10))
def test_never_a_trade_lost_nor_a_last_state(pushes: list[tuple[bool, int]], capacity: int) -> None:
    backlog = Backlog(capacity)
    trades = 0
    last: dict[int, int] = {}
    for at, (is_trade, number) in enumerate(pushes):
        if is_trade:
            trades += 1
            backlog.put(trade(number))
        else:
            last[number] = at
            backlog.put(order(number, at))
    assert len(backlog) <= capacity + 5 + trades
    kept = drain(backlog)
    assert sum(isinstance(each, Traded) for each in kept) == trades
    states: dict[int, list[int]] = {}
    for each in kept:
        if isinstance(each, OrderChanged):
            states.setdefault(each.order.order_id, []).append(each.order.state)
    assert {number: found[-1] for number, found in states.items()} == last
    assert all(found == sorted(found) for found in states.values())


def test_take_waits_for_put() -> None:
    backlog = Backlog(10)
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.append(backlog.take(10)))
    reader.start()
    backlog.put(trade(1))
    reader.join(30)
    assert isinstance(got[0][0], Traded)
    assert backlog.take(0.01) is None


def position(code: str, volume: int) -> PositionChanged:
    record: Any = SimpleNamespace(stock_code=code, volume=volume)
    return PositionChanged(record)


def test_above_the_limit_only_the_newest_of_what_describes_the_account_is_kept() -> None:
    backlog = Backlog(0)
    for number in range(3):
        asset: Any = number
        for event in (
            AssetChanged(asset),
            AccountChanged(number),
            HealthChanged(),
            position("600036.SH", number),
            position("000001.SZ", number),
            OrderRefused(number),
            CancelRefused(number),
        ):
            backlog.put(event)
    kept = drain(backlog)
    assert [each.error for each in kept if isinstance(each, OrderRefused)] == [0, 1, 2]
    assert [each.error for each in kept if isinstance(each, CancelRefused)] == [0, 1, 2]
    held = [each.position for each in kept if isinstance(each, PositionChanged)]
    assert [(each.stock_code, each.volume) for each in held] == [
        ("600036.SH", 2), ("000001.SZ", 2),
    ]  # fmt: skip
    assert kept.count(AssetChanged(asset)) == kept.count(AccountChanged(2)) == 1
    assert kept.count(HealthChanged()) == 1
    assert len(kept) == 6 + 2 + 3
    assert backlog.merged == 10


def test_merging_begins_at_the_limit() -> None:
    backlog = Backlog(2)
    assert [backlog.put(order(1, state)) for state in range(4)] == [1, 2, 3, 4]
    assert [each.order.state for each in drain(backlog)] == [0, 1, 3]


def test_the_oldest_says_how_long_it_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(backlog_room, "time", SimpleNamespace(monotonic=lambda: now))
    backlog = Backlog(10)
    assert backlog.oldest_s() == 0
    backlog.put(trade(1))
    now += 3
    backlog.put(trade(2))
    assert backlog.oldest_s() == 3
    backlog.take(0)
    assert backlog.oldest_s() == 0


def test_a_waiting_reader_is_woken_by_the_first_push() -> None:
    backlog = Backlog(10)
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.append(backlog.take(None)), daemon=True)
    reader.start()
    eventually(lambda: backlog._waiting)
    backlog.put(trade(1))
    reader.join(60)
    assert [type(each[0]) for each in got] == [Traded]
