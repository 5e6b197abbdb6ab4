"""分发线程：回调慢、回调抛什么、回调里关闭，都不停、不丢；跟不上会说。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from push_records import order, trade
from support import eventually

from easytrader.backend.records import Connected, Disconnected, OrderChanged, Traded
from easytrader.basics.log import Log
from easytrader.push import Courier, dispatch, sequence
from easytrader.push.dispatch import Dispatcher
from easytrader.push.ledger import DeliveryLedger
from easytrader.push.sequence import Sequencer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAR_S = 60


class Desk:
    """一条分发线程；每一条都可以先卡在 ``gate`` 上。"""

    def __init__(self, capacity: int = 1000) -> None:
        self.given: list[Any] = []
        self.behind: list[bool] = []
        self.gate = threading.Semaphore(0)
        self.gated = False
        self.entered = threading.Semaphore(0)
        self.then: Callable[[Any], None] = lambda event: None
        self.dispatcher = Dispatcher(
            Log(),
            self.take,
            Sequencer(DeliveryLedger()),
            lambda: self.behind.append(self.dispatcher.behind),
            capacity,
        )
        self.dispatcher.start()

    def take(self, event: Any) -> None:
        self.given.append(event)
        self.entered.release()
        if self.gated:
            assert self.gate.acquire(timeout=FAR_S)
        self.then(event)

    def put(self, *events: Any) -> None:
        for each in events:
            self.dispatcher.put(each)


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.gated = False
    found.gate.release(100)
    assert found.dispatcher.close(FAR_S)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    fake = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr(dispatch, "time", fake)
    return clock


def test_what_is_held_back_is_given_in_time_without_another_push(desk: Desk) -> None:
    held = Traded(trade("a"))  # 它的委托一直没有来
    desk.put(held)
    eventually(lambda: desk.given == [held])


def test_a_slow_callback_does_not_end_the_waiting_for_what_is_already_in_the_queue(
    desk: Desk, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "time", dispatch.time)
    fill, slow, report = Traded(trade("a")), Connected(), OrderChanged(order(50))
    desk.gated = True
    desk.put(fill, slow)  # 成交先到，压着等它的委托
    assert desk.entered.acquire(timeout=FAR_S)
    desk.put(report)
    now[0] += 10 * sequence.HOLD_S
    desk.gate.release(3)
    eventually(lambda: len(desk.given) == 3)
    assert desk.given == [slow, report, fill]


def test_settled_means_given_and_nothing_held_back(desk: Desk, now: list[float]) -> None:
    desk.put(Connected(), Disconnected())
    assert desk.dispatcher.settle(FAR_S)
    assert desk.given == [Connected(), Disconnected()]


def test_not_settled_while_something_is_held_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easytrader.push.sequence.HOLD_S", FAR_S)
    desk.put(Traded(trade("a")))
    assert not desk.dispatcher.settle(FAR_S)
    desk.put(OrderChanged(order(50)))
    assert desk.dispatcher.settle(FAR_S)


def test_not_settled_while_a_callback_is_busy(desk: Desk) -> None:
    desk.gated = True
    desk.put(Connected())
    assert desk.entered.acquire(timeout=FAR_S)
    assert not desk.dispatcher.settle(0)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_a_callback_raises_the_rest_is_given(
    desk: Desk, error: type[BaseException]
) -> None:
    def fail(event: Any) -> None:
        if event == Connected():
            raise error

    desk.then = fail
    desk.put(Connected(), Disconnected())
    eventually(lambda: desk.given == [Connected(), Disconnected()])


def test_closing_gives_what_has_come_and_what_is_held_back() -> None:
    desk = Desk()
    held = Traded(trade("a"))
    desk.put(Connected(), held)
    assert desk.dispatcher.close(FAR_S)
    assert desk.given == [Connected(), held]


def test_closing_from_a_callback_does_not_wait_for_itself() -> None:
    desk = Desk()
    closed: list[bool] = []
    desk.then = lambda event: closed.append(desk.dispatcher.close(FAR_S))
    desk.put(Connected(), Disconnected())
    eventually(lambda: len(desk.given) == 2)
    assert closed[0] is True
    assert desk.dispatcher.close(FAR_S)


def test_closing_says_when_a_callback_has_not_returned() -> None:
    desk = Desk()
    desk.gated = True
    desk.put(Connected())
    assert desk.entered.acquire(timeout=FAR_S)
    assert desk.dispatcher.close(0) is False
    desk.put(Disconnected())
    assert desk.dispatcher.facts()["queue_depth"] <= 1  # 关闭之后来的不要；只剩叫醒的那一条
    desk.gate.release()
    assert desk.dispatcher.close(FAR_S) is True
    assert desk.given == [Connected()]


def test_the_lag_counts_the_running_callback_and_forgets_it_afterwards(
    desk: Desk, now: list[float]
) -> None:
    desk.gated = True
    desk.put(Connected())
    assert desk.entered.acquire(timeout=FAR_S)
    now[0] += 7
    assert desk.dispatcher.facts()["queue_lag_s"] == 7.0
    desk.put(Disconnected())
    now[0] += 20
    assert desk.dispatcher._backlog.oldest_s() == 20.0
    desk.gated = False
    desk.gate.release()
    assert desk.dispatcher.settle(FAR_S)
    now[0] += 100
    eventually(lambda: desk.dispatcher.facts()["queue_lag_s"] == 0.0)


def test_a_full_queue_is_behind_and_catching_up_is_told_once(now: list[float]) -> None:
    desk = Desk(capacity=20)
    desk.gated = True
    desk.put(Connected())
    assert desk.entered.acquire(timeout=FAR_S)
    desk.put(*[Connected()] * 19)
    assert desk.behind == []
    desk.put(*[Connected()] * 5)
    assert desk.behind == [True]
    desk.gated = False
    desk.gate.release()
    eventually(lambda: desk.behind == [True, False])
    assert desk.dispatcher.close(FAR_S)
    assert desk.behind == [True, False]


def test_a_slow_callback_is_behind_until_what_waited_long_is_given(now: list[float]) -> None:
    desk = Desk()
    desk.gated = True
    desk.put(Connected())
    assert desk.entered.acquire(timeout=FAR_S)
    desk.put(Connected(), Connected())
    now[0] += 4.9
    desk.put(Connected())
    assert not desk.dispatcher.behind
    now[0] += 0.2
    desk.put(Connected())
    assert desk.dispatcher.behind
    desk.gate.release()
    assert desk.entered.acquire(timeout=FAR_S)  # 第二条：排在它后面的还等了很久
    assert desk.dispatcher.behind
    desk.gated = False
    desk.gate.release()
    eventually(lambda: not desk.dispatcher.behind)
    assert desk.dispatcher.close(FAR_S)
    assert desk.behind == [True, False]


def test_ctrl_c_while_the_thread_starts_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, begun = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        raise KeyboardInterrupt  # 等它起来的时候

    courier = Courier(Log(), delivered=lambda event: None, met=lambda order: None, status=dict)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            courier.start(None, {})
    assert courier.close(FAR_S)
    eventually(lambda: not begun[0].is_alive())
