"""`events()` 后面的留存：没有人取时留多少，取的时候不漏、不乱，等着的叫得醒；存在哪里由存储定。"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from support import eventually

from easytrader.backend.records import (
    Connected,
    Disconnected,
    GaveUp,
    Order,
    OrderChanged,
    Side,
    Trade,
    Traded,
)
from easytrader.basics import waits
from easytrader.errors import JournalError
from easytrader.push import event_log as room
from easytrader.push.event_log import EventLog
from easytrader.records import memory
from easytrader.records.memory import MemoryEvents, MemoryStorage
from easytrader.testing.broker import Recorder
from easytrader.testing.memory_broker import MemoryBroker

ORDER = Order(
    stock_code="600036.SH",
    order_id=0,
    side=Side.BUY,
    order_volume=100,
    order_status=50,
    order_time=0,
)
TRADE = Trade(
    stock_code="600036.SH", order_id=0, side=Side.BUY,
    traded_id="1", traded_time=0, traded_price=1, traded_volume=100,
)  # fmt: skip


def order(number: int, state: int = 0) -> OrderChanged:
    return OrderChanged(replace(ORDER, order_id=number, order_status=state))


def trade() -> Traded:
    return Traded(TRADE)


def taken(log: EventLog) -> list[Any]:
    """取光：(种类, 委托的状态，或丢了几条)。"""
    rows: list[Any] = list(iter(lambda: log.take(0), None))
    return [
        (each["event"], each["data"].get("order_status", each["data"].get("missed")))
        for each in rows
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> EventLog:
    monkeypatch.setattr(memory, "CAPACITY", 4)
    monkeypatch.setattr(memory, "EARLY", 2)
    monkeypatch.setattr(memory, "MOST", 8)
    monkeypatch.setattr(room, "MOST", 8)
    monkeypatch.setattr(waits, "SLICE_S", 3600)
    return EventLog()


def test_before_anyone_reads_more_trades_are_kept_than_anything_else(small: EventLog) -> None:
    for number in range(6):
        small.add(order(number, number))
        small.add(trade())
    assert taken(small) == [
        ("gap", 6), ("trade", None), ("trade", None), ("order", 4), ("trade", None), ("order", 5),
        ("trade", None),
    ]  # fmt: skip


def test_once_someone_reads_every_state_is_kept_up_to_the_limit(small: EventLog) -> None:
    small.add(Connected())
    small.read(0)
    for state in range(3):
        small.add(order(1, state))
    assert taken(small) == [("connected", None), ("order", 0), ("order", 1), ("order", 2)]


def test_above_the_limit_the_newest_state_moves_to_the_end(small: EventLog) -> None:
    small.read(0)
    for _ in range(4):
        small.add(trade())
    small.add(order(1, 1))
    small.add(trade())
    small.add(order(1, 2))
    assert taken(small) == [*[("trade", None)] * 5, ("order", 2)]  # 换成新的不算丢


def test_the_memory_is_bounded_and_the_loss_is_told(small: EventLog) -> None:
    small.read(0)
    small.add(order(1))
    assert taken(small) == [("order", 0)]
    for _ in range(11):
        small.add(trade())
    assert taken(small) == [("gap", 3), *[("trade", None)] * 8]


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


# ---- 存储自带的


class Spy(MemoryEvents):
    """别处的存法：记下的都在，``broken`` 时写不了。"""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, str, dict[str, Any]]] = []
        self.broken = False

    def append(self, kind: str, at: float, row: Any, deadline: float) -> int:
        if self.broken:
            raise JournalError("数据库断了")
        number = super().append(kind, at, row, deadline)
        self.seen.append((number, kind, dict(row)))
        return number


class SpyStorage(MemoryStorage):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Spy] = []

    def events(self) -> Spy:
        self.opened.append(Spy())
        return self.opened[-1]


@pytest.fixture
def broker() -> Any:
    made = MemoryBroker()
    made.counter.storage = SpyStorage()
    return made


def trade_once(broker: Any, *users: Any) -> Any:
    """买一笔，等到它的三条推送都交给了每一个的回调。"""
    before = [user._engine.courier.handed for user in users]
    number = users[0].buy(broker.security, broker.crossing_price, broker.amount)["entrust_no"]
    for user, handed in zip(users, before, strict=True):
        eventually(lambda user=user, most=handed + 3: user._engine.courier.handed >= most)
        assert user._engine.courier.settle(30)
    return number


def connect(broker: Any, user: Any, *args: Any) -> None:
    broker.connect(user, *args)
    assert user._engine.courier.settle(30)


def test_a_storage_of_its_own_keeps_the_events(broker: Any) -> None:
    with broker.trader() as user:
        connect(broker, user)
        number = trade_once(broker, user)
        [kept] = broker.counter.storage.opened
        told = list(user.events(0))
        connect(broker, user)  # 同一个账号接着用
        assert broker.counter.storage.opened == [kept]
    kinds = ["connected", "order", "trade", "order"]
    assert [kind for _, kind, _ in kept.seen[:4]] == kinds
    assert [each["event"] for each in told] == kinds
    assert [each["data"] for each in told] == [row for _, _, row in kept.seen[:4]]
    assert told[1]["data"]["order_id"] == number
    numbers = [each for each, _, _ in kept.seen]
    assert numbers == list(range(1, len(numbers) + 1))


def test_traders_of_one_storage_hear_everything_once_each(broker: Any) -> None:
    with broker.trader() as one, broker.trader() as two:
        for user in (one, two):
            connect(broker, user)
        trade_once(broker, one, two)
        for user in (one, two):
            assert [each["event"] for each in user.events(0)].count("trade") == 1


def test_what_could_not_be_kept_reaches_the_callback_and_is_told(broker: Any) -> None:
    recorder = Recorder()
    with broker.trader() as user:
        connect(broker, user, recorder)
        [kept] = broker.counter.storage.opened
        kept.broken = True
        trade_once(broker, user)
        kept.broken = False
        assert len(recorder.of("trade")) == 1
        told = list(user.events(0))
        assert [each["event"] for each in told] == ["gap", "connected"]
        assert told[0]["data"] == {"missed": 3}


def test_another_account_another_storage_and_what_was_not_taken_stays(broker: Any) -> None:
    other = MemoryBroker()
    other.counter.storage = SpyStorage()
    with broker.trader() as user:
        connect(broker, user)
        first = trade_once(broker, user)
        connect(other, user)
        second = trade_once(other, user)
        [mine], [theirs] = broker.counter.storage.opened, other.counter.storage.opened
        ids = [(e["data"]["account_id"]) for e in user.events(0) if e["event"] == "trade"]
    assert ids == [broker.counter.key.account_id, other.counter.key.account_id]
    assert [row["order_id"] for _, kind, row in mine.seen if kind == "trade"] == [first]
    assert [row["order_id"] for _, kind, row in theirs.seen if kind == "trade"] == [second]


def test_a_waiting_reader_follows_to_the_next_account(small: EventLog) -> None:
    taken: list[Any] = []
    reader = threading.Thread(target=lambda: taken.extend(small.read(7200)), daemon=True)
    reader.start()
    waiters: Any = small._ready
    eventually(lambda: waiters._waiters)
    small.open(MemoryEvents())
    for number in range(3):
        small.add(order(number))
    small.close()
    reader.join(60)
    assert [each["event"] for each in taken] == ["order"] * 3


def test_the_next_account_keeps_everything_for_who_already_reads(small: EventLog) -> None:
    small.read(0)
    small.open(MemoryEvents())
    for state in range(4):
        small.add(order(1, state))
    assert taken(small) == [("order", state) for state in range(4)]


def test_a_storage_that_forgot_the_rest_is_told_of_at_the_next_account(small: EventLog) -> None:
    forgetful = MemoryEvents()
    small.open(forgetful)
    small.add(trade())
    small.add(trade())
    forgetful._items.clear()
    small.open(MemoryEvents())
    small.add(Connected())
    assert taken(small) == [("gap", 2), ("connected", None)]


def test_accounts_without_events_leave_nothing(small: EventLog) -> None:
    for _ in range(3):
        small.open(MemoryEvents())
    assert len(small._parts) == 1


def test_many_accounts_nobody_reads_are_bounded_and_told(small: EventLog) -> None:
    for _ in range(20):
        small.open(MemoryEvents())
        for _ in range(3):
            small.add(trade())
    rows = taken(small)
    kept = len(rows) - 1
    assert 3 <= kept <= 8 + 4
    assert rows[0] == ("gap", 60 - kept)
