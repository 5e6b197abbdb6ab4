"""`GuardPost`：名额、提醒、状态。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from risk_helpers import Clock, View, order, post_of

from easytrader.basics.log import Log
from easytrader.errors import RiskRefusedError
from easytrader.risk import Guard, GuardPost, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., GuardPost]


@pytest.fixture
def make(meter_path: Path, clock: Clock) -> Iterator[Make]:
    made: list[GuardPost] = []

    def build(**rules: Any) -> GuardPost:
        made.append(post_of(Guard(**rules), meter_path, clock))
        return made[-1]

    yield build
    for post in made:
        post.meter.close()


def send(post: GuardPost, clock: Clock, times: int = 1) -> str:
    """发几笔；被拒绝就返回规则名。"""
    try:
        for _ in range(times):
            post.check_order(order(), View(), clock() + 5)
    except RiskRefusedError as exc:
        return exc.rule
    return ""


class TestMinute:
    def test_slides(self, make: Make, clock: Clock) -> None:
        post = make(max_orders_per_minute=3)
        assert not send(post, clock)
        clock.walk(30)
        assert not send(post, clock, 2)
        with pytest.raises(RiskRefusedError) as caught:
            post.check_order(order(), View(), clock() + 5)
        assert (caught.value.rule, caught.value.actual, caught.value.limit) == (
            "max_orders_per_minute",
            3,
            3,
        )
        clock.walk(30)
        assert post.status()["orders_this_minute"] == 2
        assert not send(post, clock)
        assert send(post, clock) == "max_orders_per_minute"

    def test_a_refusal_of_the_rate_gives_the_slot_back(self, make: Make, clock: Clock) -> None:
        post = make(max_orders_per_minute=5, max_per_second=1, rate_wait=0)
        assert not send(post, clock)
        assert send(post, clock) == "max_per_second"
        assert post.status()["orders_this_minute"] == 1

    def test_a_wait_counts_from_its_end(self, make: Make, clock: Clock) -> None:
        post = make(max_orders_per_minute=2, max_per_second=1)
        assert not send(post, clock, 2)
        clock.walk(59.0)  # 第一笔发出 60 秒多了，第二笔等过，还没有
        assert post.status()["orders_this_minute"] == 1

    def test_cancels_do_not_count(self, make: Make, clock: Clock) -> None:
        post = make(max_orders_per_minute=1)
        for _ in range(5):
            post.check_cancel(7, clock() + 5)
        assert not send(post, clock)

    def test_32_threads_one_slot(self, meter_path: Path) -> None:
        meter = Meter(meter_path)
        post = GuardPost(Guard(max_orders_per_minute=1), meter, Log())
        start, lock = threading.Barrier(32), threading.Lock()
        passed = []

        def race() -> None:
            start.wait()
            try:
                post.check_order(order(), View(), 1e12)
            except RiskRefusedError:
                return
            with lock:
                passed.append(1)

        threads = [threading.Thread(target=race) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status = post.status()
        assert len(passed) == 1
        assert (status["sent_today"], status["refused"]) == (1, 31)
        meter.close()


class TestDayLine:
    def test_orders_stop_first(self, make: Make, clock: Clock) -> None:
        post = make(max_per_day=20)
        assert not send(post, clock, 19)
        assert send(post, clock) == "max_per_day"
        post.check_cancel(1, clock() + 5)
        with pytest.raises(RiskRefusedError) as caught:
            post.check_cancel(2, clock() + 5)
        assert (caught.value.rule, caught.value.actual, caught.value.limit) == (
            "max_per_day",
            20,
            20,
        )

    def test_seeded_from_the_counter(self, make: Make, clock: Clock) -> None:
        post = make(max_per_day=20)
        post.meter.seed(19)
        assert send(post, clock) == "max_per_day"

    def test_cancels_pass_what_stops_orders(self, make: Make, clock: Clock, tmp_path: Path) -> None:
        (tmp_path / "停").touch()
        post = make(kill_switch=tmp_path / "停", block=["600036"], max_order_value=1)
        assert send(post, clock) == "kill_switch"
        post.check_cancel(1, clock() + 5)
        assert post.status()["sent_today"] == 1


class TestWarnings:
    def test_day_marks_once_each(self, make: Make, clock: Clock, logged: list[str]) -> None:
        post = make(max_per_day=100)
        send(post, clock, 79)
        assert not logged
        send(post, clock, 16)
        marks = [line for line in logged if "WARNING" in line]
        assert [("80%" in line, "90%" in line) for line in marks] == [(True, False), (False, True)]
        assert "80 次" in marks[0]
        clock.walk(86400)
        send(post, clock, 80)
        assert sum("80%" in line for line in logged) == 2

    def test_a_big_step_warns_once(self, make: Make, clock: Clock, logged: list[str]) -> None:
        post = make(max_per_day=100)
        post.meter.seed(92)
        send(post, clock, 2)
        assert ["90%" in line for line in logged] == [True]

    def test_pacing_once_a_minute(self, make: Make, clock: Clock, logged: list[str]) -> None:
        post = make(max_per_second=2)
        assert not send(post, clock, 20)
        assert sum("每秒 2 次" in line for line in logged) == 1
        clock.walk(60)
        assert not send(post, clock, 3)
        assert sum("每秒 2 次" in line for line in logged) == 2

    def test_a_refused_loop_does_not_flood_the_log(
        self, make: Make, clock: Clock, logged: list[str]
    ) -> None:
        post = make(max_order_value=1)
        for _ in range(100):
            send(post, clock)
        assert len(logged) == 1
        assert "max_order_value" in logged[0]

    def test_a_cancel_without_the_file_warns_once(
        self, tmp_path: Path, clock: Clock, logged: list[str]
    ) -> None:
        (tmp_path / "文件").touch()
        post = post_of(Guard(), tmp_path / "文件" / "meter.sqlite3", clock)
        for _ in range(5):
            post.check_cancel(1, clock() + 5)
        assert len(logged) == 1
        assert "meter.sqlite3" in logged[0]
        assert send(post, clock) == "max_per_day"
        assert "meter.sqlite3" in post.status()["meter_error"]


def test_status_is_plain(make: Make, clock: Clock, tmp_path: Path) -> None:
    post = make(
        max_order_value=1500,
        max_orders_per_minute=10,
        max_per_second=10,
        max_per_day=1000,
        block=["000001"],
        kill_switch=tmp_path / "停",
    )
    send(post, clock, 3)
    post.check_cancel(1, clock() + 5)
    with pytest.raises(RiskRefusedError) as caught:
        post.check_order(order(price=20.0), View(), clock() + 5)
    assert post.status() == {
        "limits": {
            "max_order_value": 1500.0,
            "max_orders_per_minute": 10,
            "block": ["000001.SZ"],
            "kill_switch": str(tmp_path / "停"),
            "max_per_second": 10,
            "max_per_day": 1000,
            "rate_wait": 1.5,
        },
        "kill_switch": False,
        "orders_this_minute": 3,
        "sent_this_second": 4,
        "sent_today": 4,
        "day": "2027-01-16",
        "second_used": 0.4,
        "day_used": 0.004,
        "meter_file": post.meter.path,
        "meter_error": "",
        "refused": 1,
        "last_refusal": str(caught.value),
    }
    (tmp_path / "停").touch()
    assert post.status()["kill_switch"] is True


def test_without_lines_there_is_no_share(make: Make, clock: Clock) -> None:
    post = make(max_per_second=None, max_per_day=None)
    assert not send(post, clock, 1000)
    status = post.status()
    assert (status["second_used"], status["day_used"]) == (None, None)
    assert (status["sent_today"], status["sent_this_second"]) == (1000, 1000)


def test_two_traders_of_one_account_share_the_lines(make: Make, clock: Clock) -> None:
    first, second = make(max_per_day=4), make(max_per_day=4)
    assert not send(first, clock, 2)
    assert not send(second, clock, 1)
    assert send(first, clock) == send(second, clock) == "max_per_day"
