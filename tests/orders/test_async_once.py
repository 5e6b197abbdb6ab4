"""异步下单的「恰好一次」：同一个 client_order_id，异步、同步、几个线程、几个程序，只有一笔。"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from async_helpers import RESTING, AsyncRecorder, rest
from support import ACCOUNT, SimProcess, eventually

import easytrader
from easytrader.errors import NotConnectedError, OutcomeUnknownError, RiskRefusedError, UsageError
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Connect = Callable[..., Any]


@pytest.fixture
def recorder() -> AsyncRecorder:
    return AsyncRecorder()


def sync(user: Any, name: str, **changes: Any) -> Any:
    wish = {"security": "600036", "price": RESTING, "amount": 100, **changes}
    return user.buy(client_order_id=name, **wish)


def test_async_then_async(user: Any) -> None:
    first = rest(user, client_order_id="一")
    row = first.result()
    second = rest(user, client_order_id="一")
    assert second.result() == row
    assert (first.seq > 0, second.seq) == (True, 0), "这次什么都没有发出"
    assert len(user.today_entrusts) == 1


def test_async_then_sync_and_the_other_way(user: Any) -> None:
    row = rest(user, client_order_id="一").result()
    assert sync(user, "一") == row
    row = sync(user, "二")
    assert rest(user, client_order_id="二").result() == row
    assert len(user.today_entrusts) == 2


def test_twice_while_in_the_air_is_the_same_receipt(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 0.5)
    first = rest(user, client_order_id="一")
    assert not first.done()
    assert rest(user, client_order_id="一") is first
    assert first.result()["entrust_no"] > 0
    assert len(user.today_entrusts) == 1


def test_sync_waits_for_the_one_in_the_air(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 0.5)
    first = rest(user, client_order_id="一")
    row = sync(user, "一")
    assert first.done()
    assert row == first.result()
    assert len(user.today_entrusts) == 1


def test_another_order_under_the_same_id(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 0.4)
    first = rest(user, client_order_id="一")
    with pytest.raises(UsageError, match=r"买入 600036\.SH 100 @ 32\.5"):
        user.buy_async("600036", RESTING, 200, client_order_id="一")
    first.result()
    with pytest.raises(UsageError):
        user.sell_async("600036", RESTING, 100, client_order_id="一")
    assert len(user.today_entrusts) == 1


def test_many_threads_one_id(user: Any) -> None:
    gate = threading.Barrier(8)

    def place(order: int) -> int:
        gate.wait(30)
        row = rest(user, client_order_id="一").result() if order % 2 else sync(user, "一")
        return int(row["entrust_no"])

    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(place, range(8)))
    assert len(numbers) == 1
    assert len(user.today_entrusts) == 1


def test_a_refused_id_can_be_used_again(user: Any, sim_folder: Path) -> None:
    faults = Faults(sim_folder)
    faults.disk_full()
    assert rest(user, client_order_id="一").result()["entrust_no"] == -1
    faults.clear()
    assert rest(user, client_order_id="一").result()["entrust_no"] > 0
    user.guard = {"max_order_value": 1}
    with pytest.raises(RiskRefusedError):
        rest(user, client_order_id="二")
    user.guard = None
    assert rest(user, client_order_id="二").result()["entrust_no"] > 0
    assert len(user.today_entrusts) == 2


def test_a_second_caller_learns_that_the_first_was_refused(user: Any) -> None:
    session = type(user._session)
    original = session.submit
    entered, release = threading.Event(), threading.Event()

    def blocked(self: Any, *args: Any) -> None:
        entered.set()
        release.wait(30)
        raise NotConnectedError("没有发出")

    session.submit = blocked
    failed: list[Exception] = []

    def first() -> None:
        try:
            rest(user, client_order_id="一")
        except NotConnectedError as exc:
            failed.append(exc)

    try:
        thread = threading.Thread(target=first)
        thread.start()
        assert entered.wait(30)
        second = rest(user, client_order_id="一")
        assert not second.done()
        release.set()
        thread.join(30)
        assert failed
        with pytest.raises(NotConnectedError, match="没有发出"):
            second.result()
    finally:
        release.set()
        session.submit = original
    assert rest(user, client_order_id="一").result()["entrust_no"] > 0
    assert len(user.today_entrusts) == 1


def test_an_unknown_one_is_never_sent_twice(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=0.5)
    Faults(served.folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError) as caught:
        rest(user, client_order_id="一").result()
    assert caught.value.client_order_id == "一"
    again = rest(user, client_order_id="一")
    assert again.seq == 0
    assert [each["order_id"] for each in user.today_entrusts] == [again.result()["entrust_no"]]
    assert user.find_entrust("一")["order_id"] == again.result()["entrust_no"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_disconnected_in_the_air(
    served: SimProcess, connect: Connect, recorder: AsyncRecorder, when: str
) -> None:
    user = connect(recorder)
    Faults(served.folder).disconnect_on("submit", when=when)
    receipt = rest(user, client_order_id="一")
    with pytest.raises(OutcomeUnknownError):
        receipt.result()
    recorder.wait_for("connected", 2)
    assert rest(user, client_order_id="一").result()["entrust_no"] > 0
    assert len(user.today_entrusts) == 1


def test_two_programs_one_id(served: SimProcess, connect: Connect) -> None:
    one, two = connect(), connect()
    Faults(served.folder).delay_answer("submit", 0.5)
    first = rest(one, client_order_id="一")
    row = rest(two, client_order_id="一").result()
    assert row == first.result()
    assert len(one.today_entrusts) == 1


def test_closing_with_ids_in_the_air_is_settled_next_time(sim_folder: Path) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT)
        Faults(sim_folder).delay_answer("submit", 30.0, 5)
        receipts = [rest(user, client_order_id=str(each)) for each in range(5)]
    for receipt in receipts:
        with pytest.raises(OutcomeUnknownError):
            receipt.result()
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT)
        eventually(lambda: not user.status["open_intents"])
        before = {each["order_id"] for each in user.today_entrusts}
        rows = [rest(user, client_order_id=str(each)).result() for each in range(5)]
        assert len({row["entrust_no"] for row in rows}) == 5
        assert len(user.today_entrusts) == 5
        assert before <= {row["entrust_no"] for row in rows}


def test_five_hundred_ids(user: Any) -> None:
    receipts = [rest(user, client_order_id=f"第{each}笔") for each in range(500)]
    rows = [each.result() for each in receipts]
    again = [rest(user, client_order_id=f"第{each}笔").result() for each in range(500)]
    assert rows == again
    assert len(user.today_entrusts) == 500
    assert user._ordering.once._busy == {}
