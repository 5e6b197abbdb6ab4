"""租约：存储不在就不发单（撤单照常）、没有听到回答的换一任、接手之前先核对。"""

from __future__ import annotations

import json
import secrets
import threading
from typing import TYPE_CHECKING, Any

import pytest
from station_world import AMOUNT, CODE, RESTING, StationWorld, station_world, wish, within
from support import eventually

from easytrader.agent import handover, keeper
from easytrader.basics import boot_clock
from easytrader.errors import NotConnectedError
from easytrader.fleets.words import ABSENT, DONE, PLACED, UNKNOWN, UNSENT, StoreUnknownError
from easytrader.server.requests import Requests, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Skip:
    """开机的钟，可以往前拨。"""

    def __init__(self) -> None:
        self.by_s = 0.0

    def now(self) -> float:
        return boot_clock.now() + self.by_s

    def boot_name(self) -> str:
        return boot_clock.boot_name()


@pytest.fixture
def skip(monkeypatch: pytest.MonkeyPatch) -> Skip:
    found = Skip()
    monkeypatch.setattr(keeper, "boot_clock", found)
    return found


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[StationWorld]:
    """还没有代理。"""
    with station_world(tmp_path, agents=0) as found:
        yield found


def test_a_silent_store_closes_orders_after_the_fence(fleet: StationWorld, skip: Skip) -> None:
    (station,) = fleet.stations
    fleet.faulty[0].silence()
    station._keeper.check("a", 1)
    skip.by_s = 6.5
    with pytest.raises(NotConnectedError, match="没有应答"):
        station._keeper.check("a", 1)
    assert station.held == []
    skip.by_s = 0
    fleet.faulty[0].heal()
    assert fleet.strategy.buy().state == PLACED


def test_a_claim_whose_answer_was_lost_is_settled_by_a_new_epoch(fleet: StationWorld) -> None:
    fleet.faulty[0].after["claim"] = [StoreUnknownError("断了")]
    row = fleet.strategy.buy(command_id="one")
    assert row.state in (ABSENT, UNSENT)
    assert fleet.broker.orders_at_counter() == []
    (account,) = fleet.strategy.store.accounts(within(5))
    assert account.epoch == 2
    again = fleet.strategy.do(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    assert (again.state, again.attempt) == (PLACED, 2)
    assert len(fleet.broker.orders_at_counter()) == 1


def test_a_changed_timeline_starts_over_with_a_new_epoch(fleet: StationWorld) -> None:
    def moved(beat: object) -> object:
        return beat._replace(timeline="另一条")  # type: ignore[attr-defined]

    store = fleet.faulty[0]
    store.changed["renew"] = moved
    eventually(lambda: fleet.strategy.store.accounts(within(5))[0].epoch > 1)
    del store.changed["renew"]
    assert fleet.strategy.buy().state == PLACED


def test_what_a_restored_store_forgot_is_told(fleet: StationWorld) -> None:
    row = fleet.strategy.buy(command_id="gone")
    store = fleet.faulty[0]
    store.changed["find"] = lambda _: None
    store.changed["acquire"] = store.changed["renew"] = lambda found: found._replace(
        timeline="另一条"
    )
    told: list[str] = []

    def heard() -> bool:
        events = fleet.strategy.store.read("a", 0, 1000, within(5))
        told[:] = [each.data for each in events if each.kind == "forgotten"]
        return bool(told)

    eventually(heard)
    assert json.loads(told[0])["data"]["order_id"] == row.order_id


def test_a_store_that_is_away_at_start_is_waited_for(bare: StationWorld) -> None:
    station = bare.station(silent=True)
    assert station.silent == "断网了"
    assert station.held == []
    bare.faulty[0].heal()
    eventually(lambda: station.held == ["a"])
    assert bare.strategy.buy().state == PLACED


def left(world: StationWorld, verb: str, *args: object, effect: str) -> None:
    """上一任（另一台机器）领走了一条，就不见了。"""
    store = world.store()
    lease = store.acquire(
        "a", owner=secrets.token_hex(8), box="old", broker="x", groups=(), takeover="auto",
        previous="", address="", deadline=within(5),
    )  # fmt: skip
    world.strategy.post(wish(verb, *args, command_id="left", effect=effect, valid_s=60))
    (row,) = store.claim([lease], 1, within(5))  # type: ignore[list-item]
    assert row.command_id == "left"
    store.release([lease], within(5))  # type: ignore[list-item]


def settled(world: StationWorld) -> object:
    row = world.strategy.store.find("a", "left", within(5))
    assert row is not None
    return world.strategy.until(row)


def test_an_order_left_by_another_box_is_looked_up_by_its_id(bare: StationWorld) -> None:
    trader = bare.server.desks["a"].trader
    left(bare, "buy", CODE, RESTING, AMOUNT, effect="order")
    number = trader.buy(CODE, RESTING, AMOUNT, client_order_id="left")["entrust_no"]
    bare.station(takeover="auto")
    row = settled(bare)
    assert (row.state, row.order_id) == (PLACED, str(number))  # type: ignore[attr-defined]
    assert len(bare.broker.orders_at_counter()) == 1


def test_a_cancel_left_behind_is_told_by_the_order(bare: StationWorld) -> None:
    trader = bare.server.desks["a"].trader
    number = trader.buy(CODE, RESTING, AMOUNT)["entrust_no"]
    left(bare, "cancel_entrust", number, effect="cancel")
    bare.station(takeover="auto")
    row = settled(bare)
    assert row.state == ABSENT  # type: ignore[attr-defined]
    assert "还挂着" in json.loads(row.answer)["error"]["text"]  # type: ignore[attr-defined]
    assert trader.today_entrusts[0]["order_status_name"] == "已报"


def test_a_cancel_that_was_done_is_told_as_done(bare: StationWorld) -> None:
    trader = bare.server.desks["a"].trader
    number = trader.buy(CODE, RESTING, AMOUNT)["entrust_no"]
    left(bare, "cancel_entrust", number, effect="cancel")
    trader.cancel_entrust(number)
    bare.station(takeover="auto")
    row = settled(bare)
    assert row.state == DONE  # type: ignore[attr-defined]
    assert json.loads(row.answer)["result"]["success"] is True  # type: ignore[attr-defined]


def test_the_boxes_own_journal_is_believed(bare: StationWorld) -> None:
    left(bare, "buy", CODE, RESTING, AMOUNT, effect="order")
    row = bare.strategy.store.find("a", "left", within(5))
    assert row is not None
    journal = Requests(bare.folder / "server" / "requests" / "a")
    told = Row(f"fleet-{row.login}", row.request, verb="buy", client_order_id="left")
    journal.begin(told, within(5))
    journal.finish(told, "done", b'{"result":{"entrust_no":"000077"}}')
    journal.close()
    bare.station(takeover="auto")
    found = settled(bare)
    assert (found.state, found.order_id) == (PLACED, "000077")  # type: ignore[attr-defined]


def test_an_order_without_an_answer_is_found_later(fleet: StationWorld) -> None:
    fleet.broker.lose_answer("submit")
    posted = fleet.strategy.post(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    row = fleet.strategy.until(posted.command, UNKNOWN, PLACED)
    row = fleet.strategy.until(row)
    assert row.state == PLACED
    assert len(fleet.broker.orders_at_counter()) == 1


def test_what_a_person_declared_missing_and_is_there_raises_the_alarm(
    fleet: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, decided = threading.Event(), threading.Event()
    judge = handover.judge

    def held(*args: Any) -> Any:
        looked.set()
        assert decided.wait(30)
        return judge(*args)

    monkeypatch.setattr(handover, "judge", held)
    fleet.broker.lose_answer("submit")
    posted = fleet.strategy.post(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    fleet.strategy.until(posted.command, UNKNOWN)
    assert looked.wait(30)
    store = fleet.strategy.store
    store.decide("a", "one", "absent", within(5), why="柜台上没有看到")
    decided.set()
    eventually(lambda: "late_order" in {each.kind for each in store.alarms(within(5))})
    eventually(lambda: "account:a" in {each.scope for each in store.switches(within(5))})
    assert fleet.strategy.see(posted.command).state == "absent"


@pytest.mark.parametrize(
    ("boot", "booted_s", "gone"),
    [("同一次", 0.0, "主人"), ("另一次", 0.0, ""), ("", 0.0, "主人"), ("", 3600.0, "")],
)
def test_a_note_of_another_boot_says_nothing(
    monkeypatch: pytest.MonkeyPatch, boot: str, booted_s: float, gone: str
) -> None:
    """磁盘克隆、恢复出来的便条：那上面的主人也许在另一台机器上活着。"""
    monkeypatch.setattr(boot_clock, "boot_name", lambda: "同一次" if boot else "")
    past = keeper._Past("主人", "t", 1, boot, keeper._booted() - booted_s)
    assert past.gone == gone
