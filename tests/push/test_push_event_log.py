"""`events()` 后面的留存：没有人取的时候留多少，取的时候不漏、不乱，等着的叫得醒。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from support import eventually

from easytrader.backend.records import Connected, Disconnected, GaveUp, OrderChanged, Traded
from easytrader.basics import waits
from easytrader.push import event_log as room
from easytrader.push.event_log import EventLog
from easytrader.push.table import contents


def order(number: int, state: int = 0) -> OrderChanged:
    record: Any = SimpleNamespace(order_id=number, state=state)
    return OrderChanged(record)


def trade(number: int = 1) -> Traded:
    record: Any = SimpleNamespace(order_id=number)
    return Traded(record)


def kept(log: EventLog) -> list[Any]:
    """留着的：(种类, 委托的状态)。"""
    items = log._items.values()
    return [
        (kind, getattr(next(iter(contents(event)), None), "state", None))
        for kind, _, event in items
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> EventLog:
    monkeypatch.setattr(room, "CAPACITY", 4)
    monkeypatch.setattr(room, "EARLY", 2)
    monkeypatch.setattr(room, "_MOST", 8)
    monkeypatch.setattr(waits, "SLICE_S", 3600)
    return EventLog()


def test_before_anyone_reads_more_trades_are_kept_than_anything_else(small: EventLog) -> None:
    for number in range(6):
        small.add(order(number, number))
        small.add(trade())
    assert kept(small) == [
        ("trade", None), ("trade", None), ("order", 4), ("trade", None), ("order", 5),
        ("trade", None),
    ]  # fmt: skip
    first = small.take(0)
    assert first is not None
    assert (first["event"], first["data"]) == ("gap", {"missed": 6})
    assert small._missed == 0


def test_once_someone_reads_every_state_is_kept_up_to_the_limit(small: EventLog) -> None:
    small.add(Connected())
    small.read(0)
    for state in range(3):
        small.add(order(1, state))
    assert kept(small) == [("connected", None), ("order", 0), ("order", 1), ("order", 2)]
    assert (len(small._trades), len(small._others)) == (0, 0)


def test_above_the_limit_the_newest_state_moves_to_the_end(small: EventLog) -> None:
    small.read(0)
    for _ in range(4):
        small.add(trade())
    small.add(order(1, 1))
    small.add(trade())
    small.add(order(1, 2))
    assert kept(small) == [*[("trade", None)] * 5, ("order", 2)]
    assert small._missed == 0


def test_the_memory_is_bounded_and_the_loss_is_told_even_when_nothing_is_left(
    small: EventLog,
) -> None:
    small.read(0)
    for _ in range(11):
        small.add(trade())
    assert (len(small._items), small._missed) == (8, 3)
    small._items.clear()
    gap = small.take(0)
    assert gap is not None
    assert gap["event_name"] == "有遗漏"
    assert small.take(0) is None


def test_what_came_first_is_taken_first(small: EventLog) -> None:
    small.read(0)
    for event in (Connected(), GaveUp(OSError("x")), Disconnected()):
        small.add(event)
    rows = [small.take(0) for _ in range(3)]
    assert [row["event"] for row in rows if row] == ["connected", "give_up", "disconnected"]
    assert [row["data"] for row in rows if row] == [{}, {"error": "x"}, {}]


@pytest.mark.parametrize("end", ["event", "close"])
def test_a_waiting_reader_is_woken_at_once(small: EventLog, end: str) -> None:
    """等的一段有一小时长：醒来只能靠叫。"""
    taken: list[Any] = []
    reader = threading.Thread(target=lambda: taken.extend(small.read(7200)), daemon=True)
    reader.start()
    waiters: Any = small._ready
    eventually(lambda: waiters._waiters)
    if end == "event":
        small.add(Connected())
        eventually(lambda: taken and waiters._waiters)
    small.close()
    reader.join(60)
    assert not reader.is_alive()
    assert [row["event"] for row in taken] == (["connected"] if end == "event" else [])
