"""停单开关：哪一格管谁，连同挂着的撤一遍，存储停了这台机器自己的端口与文件照样停得了。"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from rules_world import RulesBox, rules_world
from station_world import AMOUNT, CODE, StationWorld, station_world, wish, within
from support import eventually

from easytrader.agent.switches import CANCEL_OPEN, Switches, covers
from easytrader.codes import OrderStatus
from easytrader.errors import RiskRefusedError
from easytrader.fleets.words import DONE, PLACED, UNSENT, Switch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def switch(scope: str, cancel_open: bool = False, at: float = 1.0) -> Switch:
    return Switch(scope, cancel_open, "演习", "alice", at)


@pytest.fixture
def box(tmp_path: Path, dsn: str) -> Iterator[RulesBox]:
    with rules_world(tmp_path, dsn, "box1") as (found,):
        found.duties.start()
        found.acquire()
        yield found


def hear(box: RulesBox) -> None:
    """续一次租。"""
    box.duties.beat(box.store.renew([box.leases["a"]], within(5)), 0.0, 0.0)


# ---- 哪一格管谁


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ("fleet", True), ("group:g", True), ("group:h", False), ("account:a", True),
        ("account:b", False), ("strategy:s", True), ("strategy:t", False), ("strategy:", False),
    ],
)  # fmt: skip
def test_which_switch_covers_whom(scope: str, covered: bool) -> None:
    assert covers(switch(scope), "a", ["g"], "s") is covered
    held = Switches()
    held.check("a", ["g"], "s")
    held.seen([switch(scope)])
    if covered:
        with pytest.raises(RiskRefusedError, match=r"演习.*撤单照常") as caught:
            held.check("a", ["g"], "s")
        assert caught.value.rule == "fleet_switch"
    else:
        held.check("a", ["g"], "s")
    held.seen([])
    held.check("a", ["g"], "s")


def test_a_strategy_without_a_name_is_not_covered_by_strategies() -> None:
    assert not covers(switch("strategy:s"), "a", [], "")


def test_what_was_pressed_here_counts_until_the_store_says_so() -> None:
    held = Switches()
    held.press("account:a", "报警", "box1")
    held.seen([])  # 按下之前就在路上的回答
    with pytest.raises(RiskRefusedError, match="报警"):
        held.check("a", [])
    held.seen([switch("account:a")])
    held.seen([])  # 存储说过了：放开就是放开
    held.check("a", [])


# ---- 连同撤单


def test_open_orders_are_cancelled_once_for_one_press(box: RulesBox) -> None:
    numbers = [box.elsewhere() for _ in range(3)]
    box.store.set_switch("group:g", True, within(5), why="演习", cancel_open=True)
    hear(box)
    eventually(lambda: box.events(CANCEL_OPEN))
    (event,) = box.events(CANCEL_OPEN)
    told = json.loads(event.data)["data"]
    assert (told["scope"], told["cancelled"], told["failed"]) == ("group:g", 3, 0)
    orders = box.broker.counter.orders
    assert {orders[each].order_status for each in numbers} == {OrderStatus.CANCELED}
    # 同一次按下，后来的不撤
    kept = box.elsewhere()
    hear(box)
    box.duties._cancels._clock = lambda: time.monotonic() + 100  # 该再试的早就再试了
    box.duties._step()
    box.drained()
    assert orders[kept].order_status == OrderStatus.REPORTED
    assert len(box.events(CANCEL_OPEN)) == 1
    # 再按一次，再撤一遍
    box.store.set_switch("group:g", True, within(5), why="演习", cancel_open=True)
    hear(box)
    eventually(lambda: len(box.events(CANCEL_OPEN)) == 2)
    assert orders[kept].order_status == OrderStatus.CANCELED


def pressed(box: RulesBox) -> Any:
    """挂着一笔，按下停单连同撤单，它撤掉了；返回柜台上的委托。"""
    first = box.elsewhere()
    box.store.set_switch("fleet", True, within(5), cancel_open=True)
    hear(box)
    box.duties._bell.ring()
    orders = box.broker.counter.orders
    eventually(lambda: orders[first].order_status == OrderStatus.CANCELED)
    return orders


def test_an_order_on_its_way_when_it_was_pressed_is_cancelled_too(box: RulesBox) -> None:
    """按下的时候已经交给柜台的接口、还没有回来的：撤完那一遍它才挂上去。"""
    clock, command = box.clock, box.claimed()
    box.duties._cancels._clock = clock
    orders = pressed(box)
    number = box.send(command)
    box.ends(command, PLACED, number)
    clock.ahead += 5
    box.duties._bell.ring()
    eventually(lambda: orders[number].order_status == OrderStatus.CANCELED, within_s=5)
    eventually(lambda: box.alarms(CANCEL_OPEN))
    assert [each["cancelled"] for each in box.alarms(CANCEL_OPEN)] == [2]


def test_an_order_nobody_hears_of_does_not_keep_it_from_being_told(box: RulesBox) -> None:
    box.duties._cancels._clock = box.clock
    box.claimed()
    box.elsewhere()
    box.store.set_switch("fleet", True, within(5), cancel_open=True)
    hear(box)
    box.duties._bell.ring()
    orders = box.broker.counter.orders.values()
    eventually(lambda: {each.order_status for each in orders} == {OrderStatus.CANCELED})
    box.clock.ahead += 100
    box.duties._bell.ring()
    eventually(lambda: box.events(CANCEL_OPEN))
    assert box.alarms(CANCEL_OPEN)[0]["cancelled"] == 1


def test_released_while_it_still_waits_it_is_told_all_the_same(box: RulesBox) -> None:
    """放开的时候还在等一笔没有回来的：撤过的照样说，那一笔不再撤。"""
    clock, command = box.clock, box.claimed()
    box.duties._cancels._clock = clock
    orders = pressed(box)
    (job,) = box.duties._cancels._jobs.values()
    eventually(lambda: job.clean)
    box.store.set_switch("fleet", False, within(5))
    hear(box)
    clock.ahead += 5
    box.duties._bell.ring()
    eventually(lambda: box.alarms(CANCEL_OPEN), within_s=5)
    number = box.send(command)
    box.ends(command, PLACED, number)
    clock.ahead += 100
    box.duties._step()
    box.drained()
    assert [(each["cancelled"], each["error"]) for each in box.alarms(CANCEL_OPEN)] == [(1, "")]
    assert orders[number].order_status == OrderStatus.REPORTED


def test_a_cancel_that_failed_is_tried_again(box: RulesBox) -> None:
    numbers = [box.elsewhere() for _ in range(2)]
    box.broker.lose_answer("cancel")
    box.store.set_switch("fleet", True, within(5), cancel_open=True)
    hear(box)
    eventually(lambda: box.events(CANCEL_OPEN))
    told = box.alarms(CANCEL_OPEN)[0]
    assert told["failed"] == 0
    orders = box.broker.counter.orders
    assert {orders[each].order_status for each in numbers} == {OrderStatus.CANCELED}


def test_a_restarted_agent_does_not_cancel_again(tmp_path: Path, dsn: str) -> None:
    with rules_world(tmp_path, dsn, "box1", "box2") as (first, second):
        first.elsewhere()
        first.duties.start()
        first.acquire()
        first.store.set_switch("fleet", True, within(5), cancel_open=True)
        hear(first)
        eventually(lambda: first.events(CANCEL_OPEN))
        first.duties.close()
        first.leases.clear()
        kept = first.elsewhere()
        second.store.take_over("a", "box2", within(5), force=True)
        second.duties.start()
        second.acquire()
        hear(second)  # 同一个账号的同一份请求记录：做过了
        eventually(lambda: len(second.events(CANCEL_OPEN)) == 2)
        assert second.broker.counter.orders[kept].order_status == OrderStatus.REPORTED


def test_a_switch_without_it_cancels_nothing(box: RulesBox) -> None:
    number = box.elsewhere()
    box.store.set_switch("fleet", True, within(5))
    hear(box)
    box.duties._step()
    box.drained()
    assert box.broker.counter.orders[number].order_status == OrderStatus.REPORTED


def test_one_strategys_switch_cancels_its_orders_only(box: RulesBox) -> None:
    numbers = {}
    for name in ("s", "t"):
        command = box.claimed(strategy=name)
        numbers[name] = box.send(command)
        box.ends(command, PLACED, numbers[name])
    numbers[""] = box.elsewhere()
    eventually(lambda: len(box.events("order")) == 3)
    box.store.set_switch("strategy:s", True, within(5), cancel_open=True)
    hear(box)
    eventually(lambda: box.events(CANCEL_OPEN))
    orders = box.broker.counter.orders
    found = {name: orders[each].order_status for name, each in numbers.items()}
    assert found == {
        "s": OrderStatus.CANCELED, "t": OrderStatus.REPORTED, "": OrderStatus.REPORTED,
    }  # fmt: skip


def test_one_strategys_orders_are_not_none_because_nobody_looked_yet(box: RulesBox) -> None:
    """刚启动，柜台上挂着的还没有看过：等看过再撤，不能说撤了零笔就算完。"""
    command = box.claimed(strategy="s")
    number = box.send(command)
    box.ends(command, PLACED, number)
    eventually(lambda: box.events("order"))
    box.drained()
    watch = box.duties.alarms._watches["a"]
    watch.rows, watch.learned, watch.looking = {}, False, float("inf")
    box.store.set_switch("strategy:s", True, within(5), cancel_open=True)
    hear(box)
    box.duties._step()
    box.drained()
    assert box.events(CANCEL_OPEN) == []
    watch.looking = 0.0
    box.duties._bell.ring()
    eventually(lambda: box.learned)
    box.duties._bell.ring()
    eventually(lambda: box.events(CANCEL_OPEN))
    assert box.broker.counter.orders[number].order_status == OrderStatus.CANCELED


def test_it_waits_for_the_connection(box: RulesBox) -> None:
    box.elsewhere()
    box.broker.break_link()
    eventually(lambda: box.desk.trader.state != "已连接")
    box.store.set_switch("fleet", True, within(5), cancel_open=True)
    hear(box)
    box.duties._step()
    box.drained()
    assert box.events(CANCEL_OPEN) == []
    box.broker.restore_link()
    eventually(lambda: box.events(CANCEL_OPEN))
    assert box.alarms(CANCEL_OPEN)[0]["cancelled"] == 1


# ---- 整个代理


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[StationWorld]:
    with station_world(tmp_path) as found:
        yield found


def test_a_switch_stops_orders_and_lets_cancels_through(fleet: StationWorld) -> None:
    resting = fleet.strategy.buy()
    fleet.strategy.store.set_switch("account:a", True, within(5), why="演习")
    refused = fleet.strategy.buy()
    assert (refused.state, refused.reason) == (UNSENT, "switch")
    done = fleet.strategy.do(wish("cancel_entrust", resting.order_id, effect="cancel"))
    assert done.state == DONE
    assert fleet.broker.counter.orders[resting.order_id].order_status == OrderStatus.CANCELED


def test_the_boxs_own_door_stops_it_with_the_store_gone(fleet: StationWorld) -> None:
    resting = fleet.strategy.buy()
    for store in fleet.stores:  # 存储没有了
        store.close()
    status, told = fleet.server.call("a", "server.stop_orders", reason="存储也没有了")
    assert (status, told["result"]["reason"]) == (200, "存储也没有了")
    status, told = fleet.server.call("a", "buy", security=CODE, price=9.5, amount=AMOUNT)
    assert (status, told["error"]["rule"]) == (409, "stop_switch")
    status, told = fleet.server.call("a", "cancel_entrust", entrust_no=resting.order_id)
    assert (status, told["result"]["success"]) == (200, True)


def test_the_boxs_own_file_stops_what_the_store_hands_out(fleet: StationWorld) -> None:
    fleet.server.stop.stop("a", "人按的文件", "console")
    refused = fleet.strategy.buy()
    assert (refused.state, refused.reason) == (UNSENT, "switch")
    assert "人按的文件" in refused.answer
    fleet.server.stop.allow("a", "console")
    assert fleet.strategy.buy().state == PLACED
