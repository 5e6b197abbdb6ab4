"""回执：应答、失败、到期、被打断，谁先到算谁的，只算一次；没有人等也会了结。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.errors import NotConnectedError, OutcomeUnknownError, WaitTimeoutError
from easytrader.orders.receipt import Deadlines, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def receipt(timeout_s: float = 5.0) -> Receipt[Any]:
    return Receipt("一笔", timeout_s)


def test_the_first_word_counts() -> None:
    over: list[bool] = []
    one = receipt()
    one.over = over.append
    one.depart(7)
    assert one.put({"entrust_no": 1})
    assert not one.put({"entrust_no": 2})
    assert not one.fail(OutcomeUnknownError("晚了"))
    one.expire()
    assert one.result() == {"entrust_no": 1}
    assert over == [False]
    failed = receipt()
    assert failed.fail(NotConnectedError("没有发出"))
    assert not failed.put(1)
    for _ in range(2):
        with pytest.raises(NotConnectedError, match="没有发出"):
            failed.result()


def test_the_row_is_a_copy_each_time() -> None:
    one = receipt()
    one.put({"entrust_no": 1})
    one.result()["entrust_no"] = 5
    assert one.result() == {"entrust_no": 1}


def test_it_expires_at_the_deadline_whoever_waits() -> None:
    over: list[bool] = []
    one = receipt(0.05)
    one.over = over.append
    one.depart(1)
    with pytest.raises(OutcomeUnknownError, match=r"0\.05 秒内没有应答"):
        one.result()
    assert one.done()
    assert over == [True]


def test_a_tighter_deadline_wins() -> None:
    one = receipt(60.0)
    one.latest = time.monotonic() + 0.05
    one.depart(1)
    with pytest.raises(OutcomeUnknownError):
        one.result()
    loose = receipt(0.05)
    loose.latest = time.monotonic() + 60
    loose.depart(1)
    with pytest.raises(OutcomeUnknownError):
        loose.result()


def test_not_sent_yet_it_does_not_expire() -> None:
    """别的线程正在发：等不到的不能替它说结果。"""
    one = receipt(0.05)
    with pytest.raises(WaitTimeoutError, match="正在发"):
        one.result()
    assert not one.done()
    one.put(1)
    assert one.result() == 1


def test_sent_while_somebody_waits_the_deadline_moves() -> None:
    one = receipt(5.0)
    one._deadline = before = time.monotonic() + 1.0

    def send() -> None:
        one.depart(1)
        while time.monotonic() < before:
            threading.Event().wait(0.05)
        one.put("应答")

    sending = threading.Timer(0.05, send)
    sending.start()
    assert one.result() == "应答"
    sending.join(30)


def test_an_answer_that_cannot_be_read_is_unknown() -> None:
    def broken(answer: Any) -> Any:
        raise ValueError("读不出来")

    heard: list[BaseException] = []
    one = receipt()
    one.build = broken
    one.blame = lambda error: heard.append(error) or OutcomeUnknownError(str(error))  # type: ignore[func-returns-value]
    one.depart(1)
    assert one.put(object())
    with pytest.raises(OutcomeUnknownError, match="读不出来"):
        one.result()
    assert len(heard) == 1, "记账的也要知道"


def test_whoever_keeps_the_books_hears_of_it_before_the_waiter() -> None:
    heard: list[BaseException] = []

    def blame(error: BaseException) -> OutcomeUnknownError:
        assert not one.done()
        heard.append(error)
        return OutcomeUnknownError("说给用户的")

    one = receipt()
    one.blame = blame
    one.depart(1)
    one.fail(KeyboardInterrupt())
    with pytest.raises(OutcomeUnknownError, match="说给用户的"):
        one.result()
    assert len(heard) == 1


def test_a_broken_bookkeeper_does_not_leave_the_waiter_hanging() -> None:
    def broken(error: BaseException) -> OutcomeUnknownError:
        raise OSError("磁盘满了")

    one = receipt()
    one.blame = broken
    one.depart(1)
    assert one.fail(OutcomeUnknownError("断线"))
    with pytest.raises(OutcomeUnknownError, match="断线"):
        one.result()


def test_many_wait_for_one() -> None:
    one = receipt()
    one.depart(1)
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(one.result())) for _ in range(5)]
    for each in threads:
        each.start()
    one.put(3)
    for each in threads:
        each.join(30)
    assert got == [3] * 5


@pytest.fixture
def clock() -> Iterator[Deadlines]:
    deadlines = Deadlines()
    yield deadlines
    deadlines.close()


def watched(clock: Deadlines, timeout_s: float, over: Callable[[bool], None]) -> Receipt[Any]:
    one = receipt(timeout_s)
    one.watch, one.over = clock.watch, over
    one.depart(1)
    return one


def test_nobody_waits_and_still_they_expire_in_order(clock: Deadlines) -> None:
    told: list[float] = []
    made = [
        watched(clock, timeout_s, lambda expired, n=timeout_s: told.append(n))  # type: ignore[misc]
        for timeout_s in (60.0, 0.3, 0.05, 0.15)
    ]
    eventually(lambda: len(told) == 3)
    by_deadline = sorted((each.deadline, each.done()) for each in made)
    assert [done for _, done in by_deadline] == [True, True, True, False]
    made[0].put(1)
    clock.close()
    eventually(lambda: not clock._running)


def test_the_thread_starts_again_after_a_close(clock: Deadlines) -> None:
    for _ in range(2):
        told: list[bool] = []
        watched(clock, 0.05, told.append)
        eventually(lambda told=told: told == [True])  # type: ignore[misc]
        clock.close()
        eventually(lambda: not clock._running)
