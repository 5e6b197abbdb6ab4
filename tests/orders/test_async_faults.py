"""异步下单遇上故障：没有应答、断线、进程没了、僵死；绝不重发，也绝不挂住。"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from async_helpers import RESTING, AsyncRecorder, remarks, rest
from support import SimProcess, eventually, freeze

import easytrader
from easytrader.errors import OutcomeUnknownError, WaitTimeoutError
from easytrader.miniqmt.vendor.bounded import _MAX_UNANSWERED, MAX_IN_FLIGHT
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable

    Connect = Callable[..., Any]


@pytest.fixture
def recorder() -> AsyncRecorder:
    return AsyncRecorder()


def test_a_lost_answer_is_unknown_and_found_by_its_tag(
    served: SimProcess, connect: Connect
) -> None:
    user = connect(timeout=0.5)
    Faults(served.folder).drop_answer("submit")
    receipt = rest(user, remark="丢了")
    with pytest.raises(OutcomeUnknownError) as caught:
        receipt.result()
    assert receipt.done()
    assert "0.5 秒内没有应答" in str(caught.value)
    found = user.find_entrust(caught.value.tag)
    assert found["order_remark"] == "丢了"
    assert user.status["open_intents"] == 0
    assert remarks(user) == ["丢了"], "没有重发"
    with pytest.raises(OutcomeUnknownError):
        receipt.result(0)


def test_an_unknown_outcome_needs_nobody_waiting_for_it(
    served: SimProcess, connect: Connect
) -> None:
    user = connect(timeout=0.3)
    Faults(served.folder).drop_answer("submit")
    receipt = rest(user)
    eventually(receipt.done)
    with pytest.raises(OutcomeUnknownError):
        receipt.result(0)


def test_a_lost_answer_of_a_cancel(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=0.5)
    number = rest(user).result()["entrust_no"]
    Faults(served.folder).drop_answer("cancel")
    with pytest.raises(OutcomeUnknownError) as caught:
        user.cancel_entrust_async(number).result()
    assert caught.value.entrust_no == number
    assert user.wait(number, 30)["order_status_name"] == "已撤"


def test_result_with_a_shorter_timeout_says_wait(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=60)
    faults = Faults(served.folder)
    faults.hang(600)
    receipt = rest(user)
    with pytest.raises(WaitTimeoutError, match="还没有应答"):
        receipt.result(0.1)
    with pytest.raises(WaitTimeoutError):
        receipt.result(0)
    assert not receipt.done()
    faults.clear()
    assert receipt.result()["entrust_no"] > 0


def test_a_late_answer_is_still_told_once(
    served: SimProcess, connect: Connect, recorder: AsyncRecorder, logged: list[str]
) -> None:
    user = connect(recorder, timeout=0.3)
    Faults(served.folder).delay_answer("submit", 1.0)
    receipt = rest(user)
    with pytest.raises(OutcomeUnknownError):
        receipt.result()
    (response,) = recorder.wait_for("order_response")
    assert (response.seq, response.order_id > 0) == (receipt.seq, True)
    assert any("迟到的应答" in line for line in logged)
    with pytest.raises(OutcomeUnknownError):
        receipt.result()  # 说过的不改口


@pytest.mark.parametrize(("when", "placed"), [("before", 0), ("after", 1)])
def test_disconnect_between_send_and_answer(
    served: SimProcess, connect: Connect, recorder: AsyncRecorder, when: str, placed: int
) -> None:
    user = connect(recorder)
    Faults(served.folder).disconnect_on("submit", when=when)
    receipt = rest(user)
    with pytest.raises(OutcomeUnknownError, match="断开") as caught:
        receipt.result()
    recorder.wait_for("connected", 2)
    found = user.find_entrust(caught.value.tag)
    assert (found is not None) == bool(placed)
    assert len(user.today_entrusts) == placed
    assert recorder.of("order_response") == [], "厂商没有送来的，不编一个"


def test_the_served_process_is_killed(
    served: SimProcess, connect: Connect, recorder: AsyncRecorder
) -> None:
    user = connect(recorder)
    first = rest(user).result()
    Faults(served.folder).delay_answer("submit", 60.0, 20)
    receipts = [rest(user) for _ in range(20)]
    user.balance  # noqa: B018  应答了，说明前面的都处理过了
    served.kill()
    for receipt in receipts:
        with pytest.raises(OutcomeUnknownError):
            receipt.result()
    with pytest.raises(easytrader.NotConnectedError):
        rest(user)
    served.start()
    recorder.wait_for("connected", 2)
    assert len(user.today_entrusts) == 21
    again = rest(user).result()
    assert again["entrust_no"] > first["entrust_no"]
    assert len(recorder.wait_for("order_response", 2)) == 2, "断线之前的一个，之后的一个"


def test_a_frozen_client_never_hangs_the_caller(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=0.5, heartbeat_interval=0)
    assert served.process is not None
    process = freeze(served.process.pid)
    try:
        receipts: list[Any] = []
        with pytest.raises(easytrader.NotConnectedError, match="什么都没有发出"):
            receipts.extend(rest(user) for _ in range(2 * _MAX_UNANSWERED))
        with pytest.raises(easytrader.NotConnectedError, match="什么都没有发出"):
            rest(user)
        assert MAX_IN_FLIGHT <= len(receipts) <= _MAX_UNANSWERED
        for receipt in receipts:
            with pytest.raises(OutcomeUnknownError):
                receipt.result()
    finally:
        process.resume()


def test_closing_settles_what_is_in_the_air(served: SimProcess, connect: Connect) -> None:
    user = connect()
    Faults(served.folder).delay_answer("submit", 3.0)
    receipt = rest(user)
    failed: list[Exception] = []

    def wait() -> None:
        try:
            receipt.result()
        except OutcomeUnknownError as exc:
            failed.append(exc)

    waiter = threading.Thread(target=wait)
    waiter.start()
    user.close()
    waiter.join(30)
    assert not waiter.is_alive()
    assert "关闭" in str(failed[0])
    eventually(
        lambda: not [each for each in threading.enumerate() if each.name == "easytrader-deadlines"]
    )


def test_exactly_once_events_across_a_reconnect(served: SimProcess, connect: Connect) -> None:
    user = connect()
    before = [rest(user).result()["entrust_no"] for _ in range(3)]
    Faults(served.folder).disconnect()
    eventually(lambda: user.status["reconnects"] == 1)
    after = [rest(user).result()["entrust_no"] for _ in range(3)]
    found = [
        each["data"]["order_id"]
        for each in user.events(timeout=0.5)
        if each["event"] == "order_response"
    ]
    assert found == before + after


def test_vendor_code_that_throws(served: SimProcess, connect: Connect) -> None:
    user = connect()
    session = user._session
    client = session.raw_trader.async_client

    class Broken:
        def __getattr__(self, name: str) -> Any:
            if name == "orderStockWithSeq":
                raise OSError("原生模块出错")
            return getattr(client, name)

    session.raw_trader.async_client = Broken()
    with pytest.raises(OutcomeUnknownError, match="原生模块出错") as caught:
        rest(user)
    session.raw_trader.async_client = client
    assert session._replies._room._aloft == 0
    assert user.find_entrust(caught.value.tag) is None
    assert user.buy("600036", RESTING, 100)["entrust_no"] > 0


def test_a_storm_of_ids_and_disconnects(served: SimProcess, connect: Connect) -> None:
    """六个线程一起发，中间断线三次：每张回执都有结果，补齐之后每个 id 恰好一笔。"""
    user = connect()
    names = [f"{lane}-{each}" for lane in range(6) for each in range(80)]
    receipts: dict[str, Any] = {}

    def send(lane: int) -> None:
        for name in names[lane * 80 : lane * 80 + 80]:
            with contextlib.suppress(easytrader.NotConnectedError, OutcomeUnknownError):
                receipts[name] = rest(user, client_order_id=name)

    threads = [threading.Thread(target=send, args=(lane,)) for lane in range(6)]
    for thread in threads:
        thread.start()
    for count in range(3):
        eventually(lambda count=count: len(receipts) > 60 * count or not any_alive(threads))
        eventually(lambda: user.state == "已连接")
        Faults(served.folder).disconnect()
    for thread in threads:
        thread.join(30)
    assert not any_alive(threads)
    for receipt in receipts.values():
        with contextlib.suppress(OutcomeUnknownError):
            assert receipt.result()["entrust_no"] > 0
        assert receipt.done()
    eventually(lambda: user.state == "已连接")
    eventually(lambda: not user.status["open_intents"])
    numbers = {name: rest(user, client_order_id=name).result()["entrust_no"] for name in names}
    assert sorted(numbers.values()) == sorted(each["order_id"] for each in user.today_entrusts)
    assert len(set(numbers.values())) == len(names)


def any_alive(threads: list[threading.Thread]) -> bool:
    return any(each.is_alive() for each in threads)
