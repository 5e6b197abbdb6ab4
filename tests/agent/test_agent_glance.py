"""一眼看到的：有什么，变了才写，问柜台的不多问，断了也看得出。"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from rules_world import Clock, RulesBox, rules_world
from station_world import CODE, station_world, within
from support import eventually

from easytrader import __version__
from easytrader.agent.glance import IDLE_S, LOOK_S, REPEAT_S, Glances
from easytrader.wire import values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Eyes:
    """一台机器的 `Glances`，钟可以拨；数一数写了几次、问了柜台几次。"""

    def __init__(self, box: RulesBox) -> None:
        self.box = box
        self.clock = Clock()
        self.glances = Glances(self, self.clock)  # type: ignore[arg-type]  # 只用得到 publish
        self.published = 0
        self.hints: list[str] = []

    def publish(self, *given: Any) -> None:
        self.box.store.publish(*given)
        self.published += 1

    def hint(self, topics: list[str]) -> None:
        self.hints += topics

    def look(self, later_s: float = 0.0, **given: Any) -> None:
        self.clock.ahead += later_s
        self.glances.look(self.box.desk, "a", self.box.leases["a"], **given)
        eventually(lambda: self.glances._eyes["a"].busy_until == 0.0)

    @property
    def row(self) -> Any:
        (found,) = self.box.store.accounts(within(5), ["a"])
        return found

    @property
    def seen(self) -> Any:
        return values.from_plain(values.decode(self.row.glance))


@pytest.fixture
def eyes(tmp_path: Path, dsn: str) -> Iterator[Eyes]:
    with rules_world(tmp_path, dsn, "box1") as (box,):
        box.acquire()
        yield Eyes(box)


def test_what_is_seen(eyes: Eyes) -> None:
    eyes.box.elsewhere()
    eyes.box.desk.trader.buy(CODE, 10.5, Decimal("0.5"))
    eyes.look(depth=7, offset_s=3.21)
    assert eyes.seen == {
        "state": "已连接", "total_asset": 10**6 + 10 * 10**6, "cash": Decimal("999990.25"),
        "market_value": 0.0, "open_orders": 1, "orders": 2, "trades": 1, "spooled": 7,
        "clock_offset_s": -3.2, "held": "", "error": "", "version": __version__,
    }  # fmt: skip
    hello = json.loads(eyes.row.hello)
    assert hello["state"] == "已连接"
    assert hello["account_key"] == eyes.box.desk.account_key
    assert "buy" in hello["verbs"]
    assert hello["backend"]["tag_in"] == eyes.box.desk.trader.capabilities.tag_in
    assert eyes.box.desk.account_id not in eyes.row.hello  # 只露末四位


def test_nothing_new_is_not_written_again(eyes: Eyes) -> None:
    eyes.look()
    for _ in range(3):
        eyes.look()
    assert eyes.published == 2  # 状态当场写，柜台答了再写
    assert eyes.hints == ["events:a"]  # 样子变了的叫醒在看的
    eyes.look(LOOK_S)
    assert eyes.published == 2
    eyes.look(REPEAT_S)  # 没有变也说一声还活着
    assert eyes.published == 3


def test_a_push_is_a_reason_to_look_but_not_too_often(eyes: Eyes) -> None:
    eyes.look()
    eyes.box.elsewhere()
    eventually(lambda: eyes.box.desk.feed.last)
    eyes.look()
    assert eyes.seen["open_orders"] == 0
    eyes.look(LOOK_S + 0.1)
    assert eyes.seen["open_orders"] == 1


def test_without_a_push_the_counter_is_asked_rarely(eyes: Eyes) -> None:
    eyes.look()
    eyes.box.broker.counter.cash += 1  # 没有推送的变化
    eyes.look(LOOK_S + 0.1)
    cash = eyes.seen["cash"]
    eyes.look(IDLE_S)
    assert eyes.seen["cash"] == cash + 1


def test_a_broken_connection_is_seen_at_once(eyes: Eyes) -> None:
    eyes.look()
    before = eyes.seen
    eyes.box.broker.break_link()
    eventually(lambda: eyes.box.desk.trader.state != "已连接")
    eyes.look()
    assert eyes.seen["state"] != "已连接"
    assert eyes.seen["total_asset"] == before["total_asset"]  # 上一次看到的还在
    assert json.loads(eyes.row.hello)["state"] == eyes.seen["state"]
    eyes.box.broker.restore_link()
    eventually(lambda: eyes.box.desk.trader.state == "已连接")
    eyes.look()
    assert eyes.seen["state"] == "已连接"


def test_a_new_owner_writes_its_own(eyes: Eyes) -> None:
    eyes.look()
    written = eyes.published
    eyes.box.acquire()
    eyes.look()
    assert eyes.published > written


def test_a_stuck_counter_does_not_hide_a_broken_connection(eyes: Eyes) -> None:
    eyes.look()
    eyes.glances._eyes["a"].busy_until = float("inf")  # 正在问，没有回来
    eyes.box.broker.break_link()
    eventually(lambda: eyes.box.desk.trader.state != "已连接")
    eyes.glances.look(eyes.box.desk, "a", eyes.box.leases["a"])
    assert eyes.seen["state"] != "已连接"


def test_a_whole_agent_shows_its_accounts(tmp_path: Path) -> None:
    with station_world(tmp_path, count=2) as fleet:
        store = fleet.strategy.store
        eventually(lambda: all(each.glance for each in store.accounts(within(5))))
        for row in store.accounts(within(5)):
            assert json.loads(row.glance)["state"] == "已连接"


def test_a_box_stopped_by_its_own_switch_shows_it(eyes: Eyes) -> None:
    eyes.look()
    assert eyes.seen["held"] == ""
    desk = eyes.box.desk
    desk.stop.stop(desk.name, "看不懂", "kill")
    eyes.look(IDLE_S)
    assert "看不懂" in eyes.seen["held"]
