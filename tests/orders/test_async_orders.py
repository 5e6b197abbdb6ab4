"""异步下单、撤单：回执、应答的回调与事件，各恰好一次；发出之前的规矩与同步的相同。"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from async_helpers import RESTING, AsyncRecorder, remarks, rest
from support import ACCOUNT, eventually

import easytrader
from easytrader.errors import NotConnectedError, RiskRefusedError, UsageError
from easytrader.miniqmt.vendor.bounded import MAX_IN_FLIGHT
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def recorder() -> AsyncRecorder:
    return AsyncRecorder()


def test_a_receipt_gives_what_the_sync_verb_gives(user: Any, recorder: AsyncRecorder) -> None:
    receipt = rest(user, remark="异步", strategy_name="甲")
    assert isinstance(receipt, easytrader.Receipt)
    assert receipt.seq > 0
    row = receipt.result()
    assert list(row) == ["entrust_no"]
    assert receipt.done()
    assert receipt.result(0) == row, "可以取多次"
    order = user.find_entrust(row["entrust_no"])
    assert (order["order_remark"], order["strategy_name"]) == ("异步", "甲")
    (response,) = recorder.wait_for("order_response")
    assert (response.seq, response.order_id) == (receipt.seq, row["entrust_no"])

    cancelled = user.cancel_entrust_async(row["entrust_no"])
    assert cancelled.result() == {"success": True, "message": "success"}
    (answer,) = recorder.wait_for("cancel_response")
    assert (answer.seq, answer.order_id) == (cancelled.seq, row["entrust_no"])
    assert user.wait(row["entrust_no"], 30)["order_status_name"] == "已撤"


def test_the_other_verbs(user: Any) -> None:
    bought = user.market_buy_async("600036", 100).result()
    assert user.wait(bought["entrust_no"], 30)["order_status_name"] == "已成"
    sold = user.market_sell_async("600000", 100, ttype="最优五档即时成交剩余撤销").result()
    assert user.wait(sold["entrust_no"], 30)["order_type_name"] == "卖出"
    limited = user.sell_async("600000", 10.9, 100).result()
    assert user.find_entrust(limited["entrust_no"])["order_type_name"] == "卖出"


def test_a_refusal_at_once(
    user: Any, sim_folder: Path, recorder: AsyncRecorder, logged: list[str]
) -> None:
    faults = Faults(sim_folder)
    faults.disk_full()
    row = rest(user).result()
    assert row["entrust_no"] == -1
    assert row["message"]
    assert recorder.wait_for("order_response")[0].order_id == -1
    assert any("委托被拒绝 600036.SH 100" in line for line in logged)
    faults.clear()
    number = rest(user).result()["entrust_no"]
    faults.disk_full()
    assert user.cancel_entrust_async(number).result() == {"success": False, "message": "failed"}
    faults.clear()


def test_cancelling_a_stranger(user: Any) -> None:
    assert user.cancel_entrust_async(999).result() == user.cancel_entrust(999)


def test_events_carry_the_responses_once(user: Any) -> None:
    receipts = [rest(user, remark=f"第{each}笔") for each in range(5)]
    numbers = [each.result()["entrust_no"] for each in receipts]
    cancelled = user.cancel_entrust_async(numbers[0])
    cancelled.result()
    user.wait(numbers[0], 30)
    found = list(user.events(timeout=0.5))
    ordered = [each for each in found if each["event"] == "order_response"]
    assert {each["event_name"] for each in ordered} == {"异步下单应答"}
    assert [each["data"] for each in ordered] == [
        {"seq": receipt.seq, "order_id": number, "error_msg": "", "strategy_name": "",
         "order_remark": f"第{order}笔", "account_id": ACCOUNT}
        for order, (receipt, number) in enumerate(zip(receipts, numbers, strict=True))
    ]  # fmt: skip
    (answer,) = [each for each in found if each["event"] == "cancel_response"]
    assert answer["event_name"] == "异步撤单应答"
    assert isinstance(answer["data"].pop("order_sysid"), str), "还没有报到交易所时为空"
    assert answer["data"] == {
        "seq": cancelled.seq, "order_id": numbers[0], "cancel_result": 0,
        "error_msg": "", "account_id": ACCOUNT,
    }  # fmt: skip


def test_the_sync_verbs_have_no_response_event(user: Any, recorder: AsyncRecorder) -> None:
    number = user.buy("600036", RESTING, 100)["entrust_no"]
    user.cancel_entrust(number)
    user.wait(number, 30)
    assert recorder.of("order_response") == recorder.of("cancel_response") == []


def test_the_vendors_own_async_call_still_answers(user: Any, recorder: AsyncRecorder) -> None:
    seq = user.trader.order_stock_async(user.account, "600036.SH", 23, 100, 11, RESTING, "", "原样")
    (response,) = recorder.wait_for("order_response")
    assert (response.seq, response.order_remark) == (seq, "原样")


def test_two_thousand_orders_then_their_results(user: Any, recorder: AsyncRecorder) -> None:
    threads = threading.active_count()
    receipts = [rest(user) for _ in range(2000)]
    assert threading.active_count() <= threads + 1, "不是一笔一个线程：只多一个看钟的"
    numbers = {each.result()["entrust_no"] for each in receipts}
    assert len(numbers) == len({each.seq for each in receipts}) == 2000
    assert all(number > 0 for number in numbers)
    recorder.wait_for("order_response", 2000)
    assert {each.order_id for each in recorder.of("order_response")} == numbers
    assert len(user.today_entrusts) == 2000
    replies = user._session._replies
    assert replies._waiting == {}
    assert replies._room._aloft == 0


def test_a_full_sky_waits_for_room_and_leaves_room_for_others(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 1.0, MAX_IN_FLIGHT)
    receipts = [rest(user) for _ in range(MAX_IN_FLIGHT)]
    assert not any(each.done() for each in receipts)
    assert len(user.today_entrusts) == MAX_IN_FLIGHT, "查询照常"
    more = rest(user)
    assert sum(each.done() for each in receipts) >= MAX_IN_FLIGHT // 4, "等到有空位才发"
    assert more.result()["entrust_no"] > 0


def test_no_room_before_the_deadline_sends_nothing(sim_folder: Path) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=1.5)
        Faults(sim_folder).delay_answer("submit", 2.5, MAX_IN_FLIGHT)
        receipts = [rest(user) for _ in range(MAX_IN_FLIGHT)]
        with pytest.raises(NotConnectedError, match="什么都没有发出"), user._session.until(0.0):
            rest(user, remark="没有发出")
        assert "没有发出" not in remarks(user)
        assert len(receipts) == MAX_IN_FLIGHT


def test_from_inside_callbacks(sim_folder: Path) -> None:
    recorder = AsyncRecorder()
    rows: list[Any] = []
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, recorder, timeout=5)
        recorder.doing["order_response"] = lambda response: rows.append(
            user.cancel_entrust_async(response.order_id).result()
        )
        recorder.doing["cancel_response"] = lambda response: rows.append(
            rest(user).result()["entrust_no"] if len(rows) == 1 else None
        )
        rest(user)
        eventually(lambda: len(rows) >= 2)
    assert rows[0] == {"success": True, "message": "success"}
    assert rows[1] > 0


def test_the_receipt_is_done_when_its_response_arrives(sim_folder: Path) -> None:
    recorder = AsyncRecorder()
    known: dict[int, Any] = {}
    seen: list[bool] = []
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, recorder, timeout=5)
        Faults(sim_folder).delay_answer("submit", 0.2)
        recorder.doing["order_response"] = lambda answer: seen.append(known[answer.seq].done())
        receipt = rest(user)
        known[receipt.seq] = receipt
        eventually(lambda: seen)
    assert seen == [True]


def test_from_an_asyncio_loop(user: Any) -> None:
    async def trade() -> list[Any]:
        loop = asyncio.get_running_loop()
        receipts = [rest(user) for _ in range(20)]
        return await asyncio.gather(
            *(loop.run_in_executor(None, receipt.result) for receipt in receipts)
        )

    rows = asyncio.run(trade())
    assert len({row["entrust_no"] for row in rows}) == 20


def test_many_threads_wait_for_one_receipt(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 0.2)
    receipt = rest(user)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: receipt.result(), range(8)))
    assert {row["entrust_no"] for row in rows} == {receipt.result()["entrust_no"]}


def test_changing_a_result_changes_nothing(user: Any) -> None:
    receipt = rest(user)
    receipt.result().clear()
    assert receipt.result()["entrust_no"] > 0


def test_repr_says_where_it_is(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).delay_answer("submit", 0.3)
    receipt = rest(user)
    assert repr(receipt) == f"<Receipt seq={receipt.seq} 委托 600036.SH 100：等待应答>"
    number = receipt.result()["entrust_no"]
    assert f"{{'entrust_no': {number}}}" in repr(receipt)


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("security", lambda user: user.buy_async("", 33.0, 100)),
        ("security", lambda user: user.market_sell_async("000001.SH", 100)),
        ("price", lambda user: user.buy_async("600036", 0, 100)),
        ("price", lambda user: user.sell_async("600036", "33", 100)),
        ("amount", lambda user: user.sell_async("600036", 33.0, 0)),
        ("amount", lambda user: user.market_buy_async("600036", 1.5)),
        ("ttype", lambda user: user.market_buy_async("600036", 100, "随便")),
        ("remark", lambda user: user.buy_async("600036", 33.0, 100, remark="a\nb")),
        ("strategy_name", lambda user: user.buy_async("600036", 33.0, 100, strategy_name=5)),
        ("client_order_id", lambda user: user.buy_async("600036", 33.0, 100, client_order_id="")),
        ("entrust_no", lambda user: user.cancel_entrust_async(0)),
        ("entrust_no", lambda user: user.cancel_entrust_async("12")),
    ],
)
def test_wrong_arguments(user: Any, argument: str, call: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError) as caught:
        call(user)
    assert caught.value.argument == argument
    assert user.today_entrusts == []


@pytest.mark.parametrize("timeout", [-1, "1", float("nan"), True])
def test_wrong_timeouts(user: Any, timeout: Any) -> None:
    receipt = rest(user)
    with pytest.raises(UsageError) as caught:
        receipt.result(timeout)
    assert caught.value.argument == "timeout"
    assert receipt.result()["entrust_no"] > 0


def test_not_connected_and_closed(sim_folder: Path) -> None:
    user = easytrader.use("sim")
    with pytest.raises(NotConnectedError):
        rest(user)
    user.connect(str(sim_folder), ACCOUNT)
    user.close()
    with pytest.raises(easytrader.ClosedError):
        rest(user)
    with pytest.raises(easytrader.ClosedError):
        user.cancel_entrust_async(1)


def test_the_guard_stands_in_the_way(user: Any) -> None:
    user.guard = {"max_order_value": 1000}
    with pytest.raises(RiskRefusedError, match="max_order_value"):
        rest(user)
    user.guard = {"max_per_second": 5, "rate_wait": 0}
    with pytest.raises(RiskRefusedError, match="max_per_second"):
        [rest(user) for _ in range(50)]
    sent = user.status["guard"]["sent_today"]
    assert len(user.today_entrusts) == sent < 50
    user.guard = {"max_per_second": 5}
    receipts = [rest(user) for _ in range(8)]
    assert all(each.result()["entrust_no"] > 0 for each in receipts), "没有给 rate_wait 的排队"
