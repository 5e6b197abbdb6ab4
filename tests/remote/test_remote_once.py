"""恰好一次：应答丢了、请求没有到、到晚了，都说得清，绝不多一笔。"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from bad_proxy import DOWN, UP
from remote_brokers import RemoteWire
from support import eventually

from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)

CODE = "BTC/USDT"


def cut_soon(wire: RemoteWire, when: Any) -> threading.Thread:
    """柜台到了那一步，就把线剪断。"""

    def wait() -> None:
        eventually(when)
        wire.proxy.cut(rst=True)

    thread = threading.Thread(target=wait, name="scissors", daemon=True)
    thread.start()
    return thread


def test_a_lost_answer_is_asked_for_and_returned(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow(DOWN)
    cutter = cut_soon(wire, lambda: wire.counter.orders)
    row = remote.buy(CODE, 9.5, 1)
    cutter.join(10)
    (order,) = wire.counter.orders
    assert row == {"entrust_no": order}
    eventually(lambda: remote.state == "已连接")


def test_a_half_open_link_is_noticed_inside_the_deadline(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow(DOWN)
    assert remote.buy(CODE, 9.5, 1)["entrust_no"] in wire.counter.orders
    assert len(wire.counter.orders) == 1


def test_a_request_that_never_arrived_was_not_sent(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow(UP)
    threading.Timer(0.1, lambda: wire.proxy.cut(rst=True)).start()
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        remote.buy(CODE, 9.5, 1)
    assert not wire.counter.orders


def test_a_request_arriving_after_it_was_given_up_does_nothing(
    wire: RemoteWire, remote: Any
) -> None:
    wire.proxy.hold(UP, 2.3)
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        remote.buy(CODE, 9.5, 1)
    threading.Event().wait(1.2)
    assert not wire.counter.orders
    assert remote.buy(CODE, 9.5, 1)["entrust_no"] in wire.counter.orders


def test_a_refusal_lost_and_asked_again_is_one_attempt(wire: RemoteWire, remote: Any) -> None:
    tried: list[Any] = []
    submit = wire.counter.submit

    def counted(request: Any) -> Any:
        tried.append(request)
        return submit(request)

    wire.counter.submit = counted  # type: ignore[method-assign]
    wire.proxy.swallow(DOWN)
    cutter = cut_soon(wire, lambda: tried)
    row = remote.buy(CODE, 9.5, 10_000_000)
    cutter.join(10)
    assert row["entrust_no"] == -1
    assert row["message"]
    assert len(tried) == 1


def test_an_exception_lost_comes_back_the_same(wire: RemoteWire, remote: Any) -> None:
    with pytest.raises(UsageError) as plain:
        remote.buy(CODE, -1, 1)
    wire.proxy.swallow(DOWN)
    threading.Timer(0.2, lambda: wire.proxy.cut(rst=True)).start()
    with pytest.raises(UsageError) as asked:
        remote.buy(CODE, -1, 1)
    assert str(asked.value) == str(plain.value)


def test_nobody_to_ask_is_unknown_and_names_the_order(wire: RemoteWire, remote: Any) -> None:
    """生成的编号、自己的编号、撤单、查询，一起等到期限。"""
    number = remote.buy(CODE, 9.5, 1)["entrust_no"]
    wire.proxy.swallow(DOWN, fresh=True)
    acts: dict[str, Any] = {
        "generated": lambda: remote.buy(CODE, 9.5, 1),
        "mine": lambda: remote.buy(CODE, 9.4, 1, client_order_id="mine"),
        "cancel": lambda: remote.cancel_entrust(number),
        "query": lambda: remote.balance,
    }
    failed: dict[str, Any] = {}

    def run(name: str) -> None:
        try:
            acts[name]()
        except EasytraderError as exc:
            failed[name] = exc

    began = time.monotonic()
    threads = [threading.Thread(target=run, args=(name,), name=name) for name in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert time.monotonic() - began < 3.5
    assert {name: type(each) for name, each in failed.items()} == {
        **dict.fromkeys(("generated", "mine", "cancel"), OutcomeUnknownError),
        "query": QueryFailedError,
    }
    error = failed["generated"]
    assert error.client_order_id.startswith("r-")
    assert error.client_order_id in str(error)
    assert failed["mine"].client_order_id == "mine"
    assert failed["cancel"].entrust_no == number

    wire.proxy.calm()
    eventually(lambda: remote.state == "已连接")
    assert len(wire.counter.orders) == 3
    order = remote.find_entrust(error.tag)["order_id"]
    assert remote.find_entrust(error.client_order_id)["order_id"] == order
    again = remote.buy(CODE, 9.4, 1, client_order_id="mine")["entrust_no"]
    assert {number, order, again} == set(wire.counter.orders)


def test_a_cancel_lost_is_asked_for(wire: RemoteWire, remote: Any) -> None:
    number = remote.buy(CODE, 9.5, 1)["entrust_no"]
    wire.proxy.swallow(DOWN)
    cutter = cut_soon(wire, lambda: wire.counter.orders[number].order_status == 54)
    assert remote.cancel_entrust(number)["success"] is True
    cutter.join(10)


def test_a_receipt_outlives_the_connection(wire: RemoteWire, remote: Any) -> None:
    receipts = [remote.buy_async(CODE, 9.5, 1) for _ in range(5)]
    wire.proxy.cut(rst=True)
    numbers = [each.result(5)["entrust_no"] for each in receipts]
    assert sorted(numbers) == sorted(wire.counter.orders)


def test_an_async_order_whose_first_word_is_lost(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow(DOWN)
    cutter = cut_soon(wire, lambda: wire.counter.orders)
    receipt = remote.buy_async(CODE, 9.5, 1)
    cutter.join(10)
    assert receipt.result()["entrust_no"] in wire.counter.orders
    assert len(wire.counter.orders) == 1


def test_a_receipt_nobody_waits_for_is_settled_at_its_deadline(
    wire: RemoteWire, remote: Any
) -> None:
    wire.lose_answer("submit")
    receipt = remote.buy_async(CODE, 9.5, 1)
    eventually(receipt.done, 5)
    with pytest.raises(OutcomeUnknownError):
        receipt.result()


def test_a_query_is_asked_again(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow(DOWN)
    threading.Timer(0.1, lambda: wire.proxy.cut(rst=True)).start()
    assert remote.balance[0]["cash"] == 1_000_000


def test_none_is_final_after_an_unknown_outcome(wire: RemoteWire, remote: Any) -> None:
    """委托还扣在半路，说了结果未知；重连之后查到的「没有」就是没有：它再到也不做了。"""
    wire.proxy.hold(UP, 4)
    wire.proxy.swallow(DOWN, fresh=True)
    with pytest.raises(OutcomeUnknownError) as caught:
        remote.buy(CODE, 9.5, 1)
    wire.proxy.calm()
    eventually(lambda: remote.state == "已连接")
    assert remote.find_entrust(caught.value.client_order_id) is None
    threading.Event().wait(1.5)
    assert not wire.counter.orders


def test_many_threads_when_the_link_breaks(wire: RemoteWire, remote: Any) -> None:
    """每个线程的每一笔都有结果，柜台上不多不少。"""
    placed: list[Any] = []
    refused: list[BaseException] = []

    def work() -> None:
        for _ in range(10):
            try:
                placed.append(remote.buy(CODE, 9.5, 1)["entrust_no"])
            except NotConnectedError as exc:  # noqa: PERF203
                refused.append(exc)
                threading.Event().wait(0.05)

    threads = [threading.Thread(target=work, name=f"buyer-{each}") for each in range(8)]
    for each in threads:
        each.start()
    for _ in range(4):
        threading.Event().wait(0.15)
        wire.proxy.cut(rst=True)
    for each in threads:
        each.join(30)
    assert sorted(placed) == sorted(wire.counter.orders)
    assert len(placed) + len(refused) == 80


def test_without_reconnection_the_answer_is_still_asked_for(wire: RemoteWire) -> None:
    trader = wire.trader()
    wire.connect(trader, timeout=3, reconnect_enabled=False)
    wire.proxy.swallow(DOWN)
    cutter = cut_soon(wire, lambda: wire.counter.orders)
    assert trader.buy(CODE, 9.5, 1)["entrust_no"] in wire.counter.orders
    cutter.join(10)
    assert trader.state == "已断开"
    trader.close()


def test_garbled_bytes_double_nothing(wire: RemoteWire, remote: Any) -> None:
    for way in (DOWN, UP):
        eventually(lambda: remote.state == "已连接")
        before = len(wire.counter.orders)
        wire.proxy.garble(way)
        try:
            remote.buy(CODE, 9.5, 1)
        except NotConnectedError:
            expected = before
        else:
            expected = before + 1
        wire.proxy.calm()
        assert len(wire.counter.orders) == expected, way


def test_settle_by_hand(wire: RemoteWire, remote: Any) -> None:
    assert remote.server.settle("0" * 32) == {"state": "never"}
    with pytest.raises(UsageError):
        remote.server.settle("")


def test_a_kill_switch_file_here_stops_orders_before_anything_is_sent(
    wire: RemoteWire, remote: Any, tmp_path: Any
) -> None:
    switch = tmp_path / "停止交易.txt"
    remote.guard = {"kill_switch": str(switch)}
    number = remote.buy(CODE, 9.5, 1)["entrust_no"]
    switch.write_text("", encoding="utf-8")
    for act in (remote.buy, remote.buy_async):
        with pytest.raises(RiskRefusedError) as caught:
            act(CODE, 9.5, 1)
        assert caught.value.rule == "kill_switch"
    assert remote.cancel_entrust(number)["success"] is True
    assert len(wire.counter.orders) == 1


def test_switching_servers_asks_the_right_one(wire: RemoteWire, remote: Any, tmp_path: Any) -> None:
    """应答还没有来就连了另一个服务器：成没成问的是原来那个，新的那个什么都不知道。"""
    other = RemoteWire(tmp_path / "other")
    wire.proxy.swallow(DOWN)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(remote.buy(CODE, 9.5, 1)), name="buyer")
    thread.start()
    eventually(lambda: wire.counter.orders)
    other.connect(remote)
    thread.join(10)
    assert [each["entrust_no"] for each in results] == list(wire.counter.orders)
    assert not other.counter.orders
    remote.close()
    other.close()
