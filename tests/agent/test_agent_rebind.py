"""一个名字是一个资金账号：换了账号的代理不接，要人说；没有身份的登录名起不来。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from server_world import memory_world
from station_world import CODE, RESTING, StationWorld, wish, within
from support import eventually

from easytrader.agent.glance import mark_of
from easytrader.errors import UsageError
from easytrader.fleets.words import PLACED, Lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StationWorld]:
    with memory_world(tmp_path / "server") as server:
        made = StationWorld(tmp_path, server)
        try:
            yield made
        finally:
            made.close()


def _once_owned_by(world: StationWorld, mark: str) -> None:
    """以前在另一台机器上，是另一个账号。"""
    store = world.strategy.store
    lease: Any = store.acquire(
        "a", owner="old", box="box0", broker="sim", groups=[], takeover="auto", previous="",
        address="", deadline=within(5),
    )  # fmt: skip
    assert isinstance(lease, Lease)
    hello = json.dumps({"account_mark": mark, "account_id": "****0003", "state": "已连接"})
    store.publish(lease, hello, "{}", within(5))
    store.release([lease], within(5))


def test_another_account_under_the_same_name_is_not_taken(world: StationWorld) -> None:
    _once_owned_by(world, "0123456789abcdef")
    with pytest.raises(UsageError, match="0003"):
        world.station("box1", takeover="auto")
    (row,) = world.strategy.store.accounts(within(5), ["a"])
    assert (row.alive, row.epoch) == (False, 1)


def test_found_out_later_it_stays_without_an_owner(world: StationWorld) -> None:
    station = world.station("box1", silent=True, takeover="auto")
    _once_owned_by(world, "0123456789abcdef")
    world.faulty[-1].heal()
    eventually(lambda: not station.silent)
    command = world.strategy.post(wish("buy", CODE, RESTING, 0.5, command_id="one", valid_s=0.5))
    eventually(lambda: "0003" in station._keeper._told.get("a", ""))
    assert station.held == []
    assert world.strategy.see(command.command).state == "queued"
    assert world.broker.orders_at_counter() == []


def test_the_same_account_or_a_word_from_the_operator(world: StationWorld) -> None:
    desk = next(iter(world.server.desks.values()))
    _once_owned_by(world, mark_of(desk))
    world.station("box1", takeover="auto").close()
    _once_owned_by(world, "0123456789abcdef")
    world.station("box2", takeover="auto", rebind=True)
    assert world.strategy.buy(command_id="one").state == PLACED


def test_a_login_that_is_no_agent_is_told_at_once(world: StationWorld) -> None:
    station = world.station("box1")
    greeting = world.strategy.store.greet(within(5))._replace(roles=("strategy",))
    with pytest.raises(UsageError, match="agent"):
        station._greeted(greeting)
