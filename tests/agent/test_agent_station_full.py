"""在办的太多，领不了的时候不空转；领走了而没有办成的，换一任核对，不会没有人管。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from station_world import AMOUNT, CODE, RESTING, StationWorld, wish
from support import eventually

from easytrader.errors import UsageError
from easytrader.fleets.words import ABSENT, DONE, PLACED, QUEUED, SENDING

if TYPE_CHECKING:
    import pytest

    from easytrader.fleets.words import Command


def test_a_full_account_does_not_spin(fleet: StationWorld) -> None:
    counter, free = fleet.server.brokers["a"].counter, threading.Event()
    real = counter.submit

    def submit(request: object) -> object:
        free.wait(30)
        return real(request)

    counter.submit = submit
    looks: list[int] = []

    def count(found: list[Command]) -> list[Command]:
        looks.append(len(found))
        return found

    try:
        post = fleet.strategy.post
        rows = [post(wish("buy", CODE, RESTING, AMOUNT, valid_s=60)).command for _ in range(24)]
        eventually(lambda: sum(fleet.strategy.see(each).state == SENDING for each in rows) >= 16)
        fleet.faulty[0].changed["claim"] = count
        threading.Event().wait(1.0)
        assert len(looks) < 40
    finally:
        free.set()


def test_cancels_do_not_wait_for_what_was_left_to_be_settled(fleet: StationWorld) -> None:
    """刚接手、还在核对：委托等着，撤单照领。"""
    (station,) = fleet.stations
    resting = fleet.strategy.buy()
    seat = station._seats["a"]
    seat.ready = False
    waiting = fleet.strategy.post(wish("buy", CODE, RESTING, AMOUNT, valid_s=30)).command
    cancel = wish("cancel_entrust", resting.order_id, effect="cancel")
    assert fleet.strategy.do(cancel).state == DONE
    assert fleet.strategy.see(waiting).state == QUEUED
    seat.ready = True
    station._bell.ring()
    assert fleet.strategy.until(waiting).state == PLACED


def test_a_full_disk_does_not_cost_the_account(
    fleet: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """换一任的时候盘满了，便条写不下：账号照样归自己，撤单照常。"""

    def full(*_: object) -> None:
        raise OSError(28, "盘满了")

    (station,) = fleet.stations
    resting = fleet.strategy.buy()
    monkeypatch.setattr("easytrader.basics.claims.Claim.write", full)
    epoch = station._keeper.leases["a"].epoch
    station._keeper.retake()
    eventually(lambda: station._keeper.leases["a"].epoch > epoch and station.held)
    cancel = wish("cancel_entrust", resting.order_id, effect="cancel")
    assert fleet.strategy.do(cancel).state == DONE
    assert station._keeper.leases["a"].epoch == epoch + 1


def test_a_hand_over_that_went_wrong_is_done_again(fleet: StationWorld) -> None:
    """上一任留下的问不成，不只是没有应答：再问，不能从此只有租约、没有人领。"""
    (station,) = fleet.stations
    wrong = [ValueError("读不懂"), UsageError("dsn", "", "没有权限")]

    def odd(found: Any) -> Any:
        if wrong:
            raise wrong.pop()
        return found

    fleet.faulty[0].changed["left_over"] = odd
    epoch = station._keeper.leases["a"].epoch
    station._keeper.retake()
    eventually(lambda: station._keeper.leases["a"].epoch > epoch)
    assert fleet.strategy.buy(valid_s=20).state == PLACED
    assert wrong == []


def test_what_was_claimed_and_not_begun_is_settled(
    fleet: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    (station,) = fleet.stations
    real, broken = station._begin, [True]

    def begin(command: Command, asked: float) -> Any:
        if broken.pop() if broken else False:
            raise RuntimeError("循环关了")
        real(command, asked)

    monkeypatch.setattr(station, "_begin", begin)
    assert fleet.strategy.do(wish("buy", CODE, RESTING, AMOUNT, valid_s=20)).state == ABSENT
    assert fleet.strategy.buy().state == PLACED
