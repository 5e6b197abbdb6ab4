"""全队的额度：一份一份领，几台机器合起来不超过，坏了的那一份也算用掉，只退确知没有发出的。

PostgreSQL 上几台机器被杀：``pytest -m chaos tests/agent/test_agent_budgets.py``。
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import budget_box
import pytest
from budget_box import PLACES, View, order
from station_world import StationWorld, wish, within
from support import eventually

from easytrader.agent.budgets import FRESH_S, Budgets, scopes
from easytrader.errors import RiskRefusedError
from easytrader.fleets.address import open_store
from easytrader.fleets.words import (
    DONE,
    PLACED,
    REFUSED,
    UNSENT,
    StoreDownError,
    StoreUnknownError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.fleets.store import Store


DAY_S = 86400.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Faulty:
    """真的存储，数一数领了几次；``down`` 时什么都问不到，``lose`` 是领了而回答丢了。"""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.down = self.lose = False
        self.draws = self.asks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def draw(self, *given: Any) -> int | None:
        self.draws += 1
        if self.down:
            raise StoreDownError("故障")
        found = self.store.draw(*given)
        if self.lose:
            raise StoreUnknownError("回答丢了")
        return found

    def budgets(self, deadline: float) -> Any:
        self.asks += 1
        if self.down:
            raise StoreDownError("故障")
        return self.store.budgets(deadline)


class World:
    """一份存储，几台机器。"""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.store = Faulty(open_store(dsn, 10))
        self.clock = Clock()
        self.wall = Clock()
        self.wall.now = 1_796_011_200.0  # 2026-11-30 12:00 北京时间
        self.budgets = self.box("box1")

    def close(self) -> None:
        self.store.close()

    def box(self, name: str) -> Budgets:
        return Budgets(self.store, name, self.clock, self.wall)

    def allow(self, scope: str, kind: str, allowed: int | None) -> None:
        self.store.set_budget(scope, kind, allowed, within(5))
        self.budgets.refresh(within(5))

    def taken(self, scope: str = "fleet", kind: str = "orders") -> int:
        found = self.store.store.budgets(within(5))
        return next(each.taken for each in found if (each.scope, each.kind) == (scope, kind))

    def admit(self, key: str, budgets: Budgets | None = None, **given: Any) -> None:
        view = given.pop("view", View())
        (budgets or self.budgets).admit(key, PLACES, order(**given), view, within(5))

    def refused(self, key: str, **given: Any) -> str:
        with pytest.raises(RiskRefusedError, match="什么都没有发出") as caught:
            self.admit(key, **given)
        assert caught.value.rule == "fleet_budget"
        return str(caught.value)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(f"sqlite:///{tmp_path / '额 度.sqlite'}")
    yield found
    found.close()


def test_the_scopes_of_an_order() -> None:
    assert scopes("a", ["g", "h"], "s") == (
        "fleet", "group:g", "group:h", "account:a", "strategy:s",
    )  # fmt: skip
    assert scopes("a", [], "") == ("fleet", "account:a")


def test_without_a_budget_nothing_is_drawn(world: World) -> None:
    for number in range(50):
        world.admit(f"k{number}")
    assert (world.store.draws, world.store.asks) == (0, 1)


@pytest.mark.parametrize("scope", PLACES)
def test_each_scope_is_kept(world: World, scope: str) -> None:
    world.allow(scope, "orders", 3)
    for number in range(3):
        world.admit(f"k{number}")
    told = world.refused("k3")
    assert "3 笔" in told
    assert ("全队" if scope == "fleet" else scope) in told


def test_a_slice_is_a_hundredth(world: World) -> None:
    world.allow("fleet", "orders", 1000)
    for number in range(25):
        world.admit(f"k{number}")
    assert world.store.draws == 3
    assert world.taken() == 30
    assert world.budgets.left("fleet", "orders") == 5


def test_money_is_counted_in_whole_yuan_rounded_up(world: World) -> None:
    world.allow("fleet", "yuan", 1000)
    world.admit("k0", volume=1, price=333.2)
    world.admit("k1", volume=1, price=333.2)
    assert world.taken("fleet", "yuan") == 668
    assert "334 元" in world.refused("k2", volume=1, price=333.2)
    world.admit("k3", volume=1, price=332.0)
    assert world.taken("fleet", "yuan") == 1000


def test_a_market_order_counts_at_the_limit_up_price(world: World) -> None:
    world.allow("fleet", "yuan", 10_000)
    view = View()
    view.top = 11.0
    world.admit("k0", price=0, view=view)
    assert world.taken("fleet", "yuan") == 1100
    assert "算不出" in world.refused("k1", price=0)


def test_the_same_order_is_counted_once(world: World) -> None:
    world.allow("fleet", "orders", 2)
    for _ in range(5):
        world.admit("k0")
    world.admit("k1")
    world.refused("k2")


def test_only_what_was_surely_not_sent_is_given_back(world: World) -> None:
    world.allow("fleet", "orders", 1)
    world.admit("k0")
    world.refused("k1")
    world.budgets.not_sent("k0")
    world.budgets.not_sent("k0")
    world.admit("k1")
    world.refused("k2")
    assert world.taken() == 1


def test_a_later_scope_that_refuses_gives_the_earlier_ones_back(world: World) -> None:
    world.allow("fleet", "orders", 2)
    world.allow("strategy:s", "orders", 0)
    for number in range(5):
        assert "strategy:s" in world.refused(f"k{number}")
    world.allow("strategy:s", "orders", None)
    world.admit("k5")
    world.admit("k6")
    world.refused("k7")


def test_the_store_away_leaves_what_is_in_hand(world: World) -> None:
    world.allow("fleet", "orders", 500)
    world.admit("k0")
    world.store.down = True
    for number in range(1, 5):
        world.admit(f"k{number}")
    assert "连不上" in world.refused("k5")
    world.clock.now += 2 * FRESH_S  # 设了哪些额度也问不到：照上次的
    assert "连不上" in world.refused("k6")
    world.store.down = False
    world.admit("k7")


def test_a_box_that_never_heard_the_store_sends_nothing(world: World) -> None:
    world.store.down = True
    assert "问不到" in world.refused("k0")


def test_a_lost_draw_is_counted_as_spent(world: World) -> None:
    world.allow("fleet", "orders", 2)
    world.store.lose = True
    world.refused("k0")
    world.store.lose = False
    world.admit("k1")
    world.refused("k2")
    assert world.taken() == 2


def test_a_new_budget_is_seen_soon(world: World) -> None:
    world.admit("k0")
    world.store.set_budget("fleet", "orders", 0, within(5))
    world.clock.now += FRESH_S + 1
    world.refused("k1")


def test_yesterdays_slice_is_not_spent_today(world: World) -> None:
    world.allow("fleet", "orders", 1000)
    world.admit("k0")
    assert world.budgets.left("fleet", "orders") == 9
    world.clock.now += DAY_S
    world.wall.now += DAY_S
    assert world.budgets.left("fleet", "orders") == 0
    world.budgets.not_sent("k0")  # 昨天的不退给今天
    world.admit("k1")
    assert world.store.draws == 2


def test_the_day_is_the_stores(world: World) -> None:
    world.allow("fleet", "orders", 1000)
    world.budgets.beat(world.wall.now)
    world.wall.now += DAY_S  # 这台机器的钟跑到了明天
    world.admit("k0")
    world.admit("k1")
    assert world.store.draws == 1


def test_threads_never_draw_twice_for_one_slice(world: World) -> None:
    world.allow("fleet", "orders", 40)
    passed: list[str] = []

    def some(name: str) -> None:
        for number in range(10):
            try:
                world.admit(f"{name}{number}")
            except RiskRefusedError:
                return
            passed.append(name)

    threads = [threading.Thread(target=some, args=(f"t{each}-",)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(passed) == 40
    assert world.taken() == 40


def three_boxes(dsn: str) -> int:
    """三台机器一起发，都在手上还有没有花完的时候被杀；返回一共发了几笔。"""
    command = [sys.executable, budget_box.__file__, dsn, "box1", "box2", "box3"]
    return len(subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout)


def check_killed(world: World) -> None:
    world.allow("fleet", "orders", 1000)
    sent = three_boxes(world.dsn)
    assert sent == 3 * budget_box.SENT
    assert world.taken() == 3 * 40  # 手上没有花完的也算用掉
    number = 0
    while True:
        try:
            world.admit(f"rest{number}")
        except RiskRefusedError:
            break
        number += 1
    assert number == 1000 - 3 * 40


@pytest.mark.skipif(sys.platform == "win32", reason="用信号杀自己")
def test_three_killed_boxes_together_never_exceed(world: World) -> None:
    check_killed(world)


@pytest.mark.chaos
@pytest.mark.skipif(sys.platform == "win32", reason="用信号杀自己")
def test_three_killed_boxes_together_never_exceed_on_postgres(pg_dsn: str) -> None:
    with contextlib.closing(World(pg_dsn)) as world:
        world.wall.now = time.time()
        check_killed(world)


def test_a_whole_agent_keeps_the_budget(fleet: StationWorld) -> None:
    store = fleet.strategy.store
    store.set_budget("account:a", "orders", 1, within(5))
    eventually(lambda: fleet.stations[0]._duties.budgets._known)
    refused = fleet.strategy.buy(amount=10**9)  # 柜台当场拒绝：没有委托，退回
    assert refused.state == REFUSED
    placed = fleet.strategy.buy()
    assert placed.state == PLACED
    full = fleet.strategy.buy()
    assert (full.state, full.reason) == (UNSENT, "guard")
    assert "fleet_budget" in full.answer
    cancelled = fleet.strategy.do(wish("cancel_entrust", placed.order_id, effect="cancel"))
    assert cancelled.state == DONE
    (budget,) = store.budgets(within(5))
    assert budget.taken == 1
