"""等着交付的推送：有上限，不丢成交，次序不乱。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from easytrader.delivery.backlog import Backlog
from easytrader.model import OrderChanged, Traded


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
    reader.join(10)
    assert isinstance(got[0][0], Traded)
    assert backlog.take(0.01) is None
