"""报警：两笔同一个标记、说过没有的又有了、外来的委托、时钟；最要紧的停掉账号，推送不重不漏。"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rules_world import RulesBox, rules_world
from station_world import within
from support import eventually

from easytrader.agent.alarms import SETTLED, SUSPECT_S
from easytrader.codes import OrderStatus
from easytrader.errors import RiskRefusedError
from easytrader.fleets.words import ABSENT, DONE, PLACED, REFUSED, UNKNOWN, UNSENT, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def box(tmp_path: Path, dsn: str) -> Iterator[RulesBox]:
    with rules_world(tmp_path, dsn, "box1") as (found,):
        found.acquire()
        yield found


# ---- 平常


def test_an_order_of_the_fleet_raises_nothing(box: RulesBox) -> None:
    command = box.claimed()
    number = box.send(command)
    box.ends(command, PLACED, number)
    eventually(lambda: box.events("order"))
    box.tick(SUSPECT_S + 60)
    box.drained()
    (order,) = box.events("order")
    assert order.command_id == command.command_id
    assert {each.kind for each in box.events()} == {"order"}
    assert box.switches() == {}


def test_an_unknown_that_is_settled_is_told(box: RulesBox) -> None:
    command = box.claimed()
    box.ends(command, UNKNOWN)
    box.ends(command, ABSENT)
    eventually(lambda: box.events(SETTLED))
    (event,) = box.events(SETTLED)
    assert event.command_id == command.command_id
    assert json.loads(event.data)["data"]["state"] == ABSENT


# ---- 两笔


def test_two_orders_with_one_tag_stop_the_account(box: RulesBox) -> None:
    command = box.claimed()
    first, second = box.send(command), box.send(command)
    box.ends(command, PLACED, first)
    eventually(lambda: box.alarms("duplicate"))
    (alarm,) = box.alarms("duplicate")
    assert sorted(alarm["order_ids"]) == sorted([first, second])
    assert alarm["command_id"] == command.command_id
    assert "duplicate" in box.switches()["account:a"]
    with pytest.raises(RiskRefusedError, match="fleet_switch"):
        box.duties.check_switches("a", "")
    box.broker.counter.move("BTC/USDT", 9)  # 以后的推送不再说一遍
    eventually(lambda: len(box.events("trade")) == 2)
    assert len(box.alarms("duplicate")) == 1


def test_what_was_told_is_not_told_again_after_a_restart(box: RulesBox) -> None:
    command = box.claimed()
    box.ends(command, PLACED, box.send(command))
    box.send(command)
    eventually(lambda: box.alarms("duplicate"))
    box.drained()
    box.store.set_switch("account:a", False, within(5))  # 人看过了，放开
    box.duties.lost("a")
    box.acquire()
    box.drained()
    assert len(box.alarms("duplicate")) == 1
    assert box.switches() == {}


def test_an_operators_switch_is_left_as_it_is(box: RulesBox) -> None:
    box.store.set_switch("account:a", True, within(5), why="人按的", cancel_open=True)
    box.duties.beat(box.store.renew([box.leases["a"]], within(5)), 0.0, 0.0)
    command = box.claimed_anyway()
    box.send(command)
    box.send(command)
    eventually(lambda: box.alarms("duplicate"))
    assert box.switches() == {"account:a": "人按的"}


# ---- 说过没有的


@pytest.mark.parametrize("state", [ABSENT, UNSENT])
def test_an_order_that_was_declared_missing(box: RulesBox, state: str) -> None:
    command = box.claimed()
    box.ends(command, state)
    number = box.send(command)
    eventually(lambda: box.alarms("late_order"))
    (alarm,) = box.alarms("late_order")
    assert (alarm["command_id"], alarm["order_id"]) == (command.command_id, number)
    assert "late_order" in box.switches()["account:a"]


def test_declaring_missing_what_is_there(box: RulesBox) -> None:
    command = box.claimed()
    number = box.send(command)
    eventually(lambda: box.events("order"))
    box.ends(command, ABSENT)
    eventually(lambda: box.alarms("late_order"))
    assert box.alarms("late_order")[0]["order_id"] == number


def test_the_first_try_is_found_after_the_second_one_was_recorded(box: RulesBox) -> None:
    """说过没有，策略拿同一个编号又来了一次；这时才知道头一次有委托，标记认不出来的也报。"""
    command = box.claimed(command_id="again")
    box.ends(command, ABSENT)
    box.drained()
    assert box.claimed(command_id="again").attempt == 2
    first = Outcome("a", command.command_id, 1, PLACED, "", "77")
    box.duties.alarms.late(first)
    eventually(lambda: box.alarms("late_order"))
    assert box.alarms("late_order")[0]["order_id"] == "77"


@pytest.mark.parametrize("state", [REFUSED, ABSENT, UNSENT])
def test_one_that_was_sent_again_is_no_alarm(box: RulesBox, state: str) -> None:
    command = box.claimed(command_id="again")
    box.ends(command, state)
    box.drained()
    again = box.claimed(command_id="again")
    assert again.attempt == 2
    number = box.send(again)
    eventually(lambda: box.events("order"))  # 推送比应答先到
    box.ends(again, PLACED, number)
    box.tick(60)
    box.drained()
    assert {each.kind for each in box.events()} == {"order"}


def test_a_junk_row_of_the_first_try_is_no_second_order(box: RulesBox) -> None:
    """有的柜台当场拒绝的也留一行废单，标记是同一个。"""
    command = box.claimed(command_id="again")
    counter = box.broker.counter
    junk = counter.orders[box.send(command)]
    counter._change(replace(junk, order_status=OrderStatus.JUNK))
    eventually(lambda: len(box.events("order")) == 2)
    box.ends(command, REFUSED)
    box.drained()
    again = box.claimed(command_id="again")
    box.ends(again, PLACED, box.send(again))
    eventually(lambda: len(box.events("order")) == 3)
    box.drained()
    assert box.alarms("duplicate") == []
    assert box.alarms("late_order") == []


def test_the_hole_nobody_can_close_raises_its_alarm(tmp_path: Path, dsn: str) -> None:
    """旧主人停在最后一次检查与柜台的接口之间；新主人说没有；旧的醒来，委托出去了。"""
    with rules_world(tmp_path, dsn, "box1", "box2") as (old, new):
        old.acquire()
        command = old.claimed()  # 查完了，就要交给柜台
        new.store.take_over("a", "box2", within(5), force=True)
        new.acquire(before="box1")
        (row,) = new.store.left_over(new.leases["a"], within(5))
        new.duties.begin(row)
        new.ends(row._replace(epoch=new.leases["a"].epoch), ABSENT)
        new.drained()
        number = old.send(command)
        old.ends(command, PLACED, number)
        eventually(lambda: new.alarms("late_order"))
        assert new.alarms("late_order")[0]["order_id"] == number
        assert "late_order" in new.switches()["account:a"]
        with pytest.raises(RiskRefusedError):
            new.duties.check_switches("a", "")
        assert [each["box"] for each in new.alarms("stale_lease")] == ["box2"]


# ---- 外来的


def test_a_stranger_is_told_once(box: RulesBox) -> None:
    number = box.elsewhere()
    eventually(lambda: box.events("order"))
    box.tick()
    box.drained()
    assert box.alarms("stranger") == []  # 应答也许还在路上
    box.tick(SUSPECT_S + 0.1)
    box.tick(SUSPECT_S + 0.1)
    box.broker.counter.move("BTC/USDT", 9)
    eventually(lambda: box.events("trade"))
    box.tick(60)
    box.drained()
    (alarm,) = box.alarms("stranger")
    assert (alarm["order_id"], alarm["ours"]) == (number, False)
    assert box.switches() == {}


def test_an_order_by_this_library_but_not_by_the_fleet(box: RulesBox) -> None:
    box.desk.trader.buy("BTC/USDT", 9.5, 0.5)
    eventually(lambda: box.events("order"))
    box.tick(SUSPECT_S + 0.1)
    box.drained()
    assert [each["ours"] for each in box.alarms("stranger")] == [True]


def test_orders_of_a_batch_are_no_strangers(box: RulesBox) -> None:
    """一批申购下的委托，没有编号可对。"""
    command = box.claimed()._replace(effect="move", verb="ipo.subscribe_all")
    box.duties.begin(command)
    box.elsewhere()
    eventually(lambda: len(box.events("order")) == 1)
    box.ends(command, DONE)
    box.elsewhere()
    eventually(lambda: len(box.events("order")) == 2)
    box.tick(SUSPECT_S + 0.1)
    box.elsewhere()
    eventually(lambda: len(box.events("order")) == 3)
    box.tick(SUSPECT_S + 0.1)
    box.drained()
    assert len(box.alarms("stranger")) == 1  # 完了以后的照样说


def test_a_jumping_clock_forgets_nothing(box: RulesBox) -> None:
    """墙上的钟跳到明天：今天的委托照样认得，成交不重记。"""
    command = box.claimed()
    number = box.send(command)
    box.ends(command, PLACED, number)
    eventually(lambda: box.events("order"))
    box.duties.alarms._wall = lambda: time.time() + 86400
    box.broker.counter.move("BTC/USDT", 9)
    eventually(lambda: box.events("trade"))
    box.duties.lost("a")
    box.acquire()  # 重新认一遍
    box.tick(SUSPECT_S + 0.1)
    box.drained()
    assert box.alarms("stranger") == []
    assert [each.command_id for each in box.events("trade")] == [command.command_id]


def test_the_next_owner_knows_what_the_former_one_did(tmp_path: Path, dsn: str) -> None:
    with rules_world(tmp_path, dsn, "box1", "box2") as (old, new):
        old.acquire()
        command = old.claimed()
        number = old.send(command)
        old.ends(command, PLACED, number)
        old.elsewhere()
        eventually(lambda: len(old.events("order")) == 2)
        old.tick(SUSPECT_S + 0.1)
        old.drained()
        assert len(old.alarms("stranger")) == 1
        old.duties.lost("a")
        old.leases.clear()
        new.store.take_over("a", "box2", within(5), force=True)
        new.acquire()
        missed = new.elsewhere()  # 接手之后的照样说
        eventually(lambda: len(new.events("order")) == 3)
        new.tick(SUSPECT_S + 0.1)
        new.drained()
        assert [each["order_id"] for each in new.alarms("stranger")][1:] == [missed]
        assert len(new.events("order")) == 3  # 以前记过的不重复


def test_a_slow_look_does_not_turn_the_order_back(
    tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """问柜台的回答在路上，推送说已经成交了：最后记下的是成交。"""
    with rules_world(tmp_path, dsn, "box1") as (box,):
        number = box.elsewhere()
        session = box.desk.engine.session
        real = session.orders

        def orders() -> object:
            found = list(real())
            monkeypatch.undo()
            box.broker.counter.move("BTC/USDT", 9)
            rows = box.duties.alarms._watches["a"].rows
            eventually(lambda: rows.get(number, {}).get("order_status") == OrderStatus.SUCCEEDED)
            return found

        monkeypatch.setattr(session, "orders", orders)
        box.acquire()
        box.drained()
        told = [json.loads(each.data)["data"]["order_status"] for each in box.events("order")]
        assert told == [OrderStatus.SUCCEEDED]


def test_the_same_owner_again_keeps_what_it_knows(box: RulesBox) -> None:
    command = box.claimed()
    box.acquire()  # 没有听到回答，再接一次：中间没有过别的主人
    number = box.send(command)
    eventually(lambda: box.events("order"))
    box.ends(command, PLACED, number)
    box.drained()
    assert [each.command_id for each in box.events("order")] == [command.command_id]


@pytest.mark.parametrize("state", [PLACED, ABSENT])
def test_what_nobody_here_knows_is_looked_up_before_it_is_called_strange(
    tmp_path: Path, dsn: str, state: str
) -> None:
    """以前的主人领走、了结的，推送一条也没有传上来：按标记认得出，说过没有的是 late_order。"""
    with rules_world(tmp_path, dsn, "box1", "box2") as (old, new):
        old.acquire()
        command = old.claimed()
        old.duties.lost("a")
        number = old.send(command)
        old.ends(command, state, number if state == PLACED else "")
        old.drained()
        old.leases.clear()
        new.store.take_over("a", "box2", within(5), force=True)
        new.acquire()
        new.tick(SUSPECT_S + 0.1)
        new.drained()
        assert new.alarms("stranger") == []
        assert [each["order_id"] for each in new.alarms("late_order")] == (
            [number] if state == ABSENT else []
        )


def test_what_happened_between_two_owners_is_caught_up(tmp_path: Path, dsn: str) -> None:
    with rules_world(tmp_path, dsn, "box1", "box2") as (old, new):
        old.acquire()
        command = old.claimed()
        number = old.send(command)
        old.ends(command, PLACED, number)
        eventually(lambda: old.events("order"))
        old.drained()
        old.duties.lost("a")
        old.leases.clear()
        new.broker.counter.move("BTC/USDT", 9)  # 没有主人的时候成交了
        new.store.take_over("a", "box2", within(5), force=True)
        new.acquire()
        eventually(lambda: new.events("trade"))
        new.drained()
        (trade,) = new.events("trade")
        assert trade.command_id == command.command_id
        assert len(new.events("order")) == 2


# ---- 时钟


def test_a_wrong_clock_is_told_once_until_it_is_right(box: RulesBox) -> None:
    beat = box.store.renew([box.leases["a"]], within(5))
    day = 86400.0
    for before, after in [(beat.now - 1, beat.now + 1), (beat.now + 0.5, beat.now + 0.6)]:
        box.duties.beat(beat, before, after)
    box.drained()
    assert box.alarms("clock") == []
    box.duties.beat(beat, beat.now + day, beat.now + day + 0.1)
    box.duties.beat(beat, beat.now + day, beat.now + day + 0.1)
    eventually(lambda: box.alarms("clock"))
    (alarm,) = box.alarms("clock")
    assert alarm["offset_s"] == pytest.approx(-day - 0.05)
    assert alarm["box_day"] > alarm["store_day"]
    box.duties.beat(beat, beat.now, beat.now)
    box.duties.beat(beat, beat.now - 5, beat.now - 5)
    eventually(lambda: len(box.alarms("clock")) == 2)
    assert "慢 5.0 秒" in box.alarms("clock")[1]["text"]


def test_a_slow_answer_is_not_a_wrong_clock(box: RulesBox) -> None:
    beat = box.store.renew([box.leases["a"]], within(5))
    box.duties.beat(beat, beat.now - 8, beat.now)
    box.drained()
    assert box.alarms("clock") == []
