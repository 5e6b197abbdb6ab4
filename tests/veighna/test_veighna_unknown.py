"""结果未知：挂着，不重发，核对到了照柜台的，确实没有到柜台的才是废单。"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import ACCOUNT, eventually, hurry
from veighna_floor import Status, sim_setting

import easytrader
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.counters


@pytest.fixture
def watched(floor: Any, sim_folder: Path) -> Iterator[Any]:
    """接口的期限改短，柜台由另一个交易口占着：断线期间它也在。"""
    keeper = easytrader.use("sim")
    keeper.connect(str(sim_folder), ACCOUNT)
    gateway = floor.add(sim_setting(sim_folder))
    hurry(gateway.user, 1.0)
    floor.keeper = keeper
    yield floor
    keeper.close()


def test_a_lost_answer_becomes_what_the_counter_says(watched: Any, sim_folder: Path) -> None:
    Faults(sim_folder).drop_answer("submit")
    number = watched.send("600036.SH", 100, _bid(watched))
    watched.until(number, Status.NOTTRADED)
    assert Status.REJECTED not in watched.statuses(number)
    (row,) = watched.keeper.today_entrusts
    assert watched.main.get_order(number).extra["entrust_no"] == row["order_id"]
    watched.cancel(number, "600036.SH")
    watched.until(number, Status.CANCELLED)


def test_one_that_never_arrived_is_refused_after_looking(watched: Any, sim_folder: Path) -> None:
    Faults(sim_folder).disconnect_on("submit", when="before")
    number = watched.send("600036.SH", 100, _bid(watched))
    assert "不会重发" in watched.hears(f"委托 {number} 结果未知")
    order = watched.until(number, Status.REJECTED)
    assert "没有到柜台" in order.extra["message"]
    assert watched.keeper.today_entrusts == []
    assert watched.statuses(number) == [Status.SUBMITTING, Status.REJECTED]


def test_one_that_arrived_before_the_break_is_found_again(watched: Any, sim_folder: Path) -> None:
    Faults(sim_folder).disconnect_on("submit", when="after")
    number = watched.send("600036.SH", 100, _bid(watched))
    watched.cancel(number, "600036.SH")  # 编号还不知道：知道了就撤
    watched.until(number, Status.CANCELLED)
    assert len(watched.keeper.today_entrusts) == 1
    assert Status.REJECTED not in watched.statuses(number)


def test_a_slow_order_does_not_delay_the_next(watched: Any, sim_folder: Path) -> None:
    price = _bid(watched)
    Faults(sim_folder).drop_answer("submit")
    watched.send("600036.SH", 100, price)
    second = watched.send("600036.SH", 200, price)
    watched.cancel(second, "600036.SH")
    watched.until(second, Status.CANCELLED)


def test_nothing_is_doubled_by_many_at_once(watched: Any, sim_folder: Path) -> None:
    price = _bid(watched)
    Faults(sim_folder).drop_answer("submit", times=3)
    numbers: list[str] = []
    workers = [
        threading.Thread(
            target=lambda: numbers.extend(watched.send("600036.SH", 100, price) for _ in range(5))
        )
        for _ in range(4)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    for number in numbers:
        watched.until(number, Status.NOTTRADED)
    assert len(set(numbers)) == len(watched.keeper.today_entrusts) == 20
    eventually(lambda: len(watched.main.get_all_orders()) == 20)


def test_a_counter_without_tags_is_told_to_look_by_hand(watched: Any, sim_folder: Path) -> None:
    """认不出哪一笔是自己的柜台：照样只发一次；没有应答的当作别处下的报出来，能撤。"""
    user = watched.main.get_gateway("QMT").user
    user.capabilities = replace(user.capabilities, tag_in="none")
    price = _bid(watched)
    bound = watched.send("600036.SH", 100, price)
    watched.until(bound, Status.NOTTRADED)
    Faults(sim_folder).drop_answer("submit")
    lost = watched.send("600036.SH", 200, price)
    assert "请到客户端里核对" in watched.hears(f"委托 {lost} 结果未知")
    (row,) = [each for each in watched.keeper.today_entrusts if each["order_volume"] == 200]
    seen = f"QMT.{row['order_id']}"
    watched.until(seen, Status.NOTTRADED)
    assert watched.statuses(lost) == [Status.SUBMITTING]
    watched.cancel(seen, "600036.SH")
    watched.until(seen, Status.CANCELLED)


def _bid(floor: Any) -> float:
    quote = floor.keeper.quote("600036")["600036"]
    return round(quote["bids"][0][0] - 0.5, 2)
