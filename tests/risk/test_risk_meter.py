"""程序化交易的计数：任意一秒、一天、多线程、多进程、拨时钟、坏掉的文件。"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from risk_helpers import NOON, Clock
from support import ROOT, eventually

from easytrader.basics.log import Log
from easytrader.errors import RiskRefusedError
from easytrader.records.memory import MemoryStorage
from easytrader.records.tally import beijing_day
from easytrader.risk import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHILD = Path(__file__).with_name("risk_process.py")


@pytest.fixture
def meter(meter_path: Path, clock: Clock) -> Iterator[Meter]:
    made = clock.meter(meter_path)
    yield made
    made.close()


def take(meter: Meter, clock: Callable[[], float], **limits: int | None) -> str:
    """拿一个委托的名额，不等；拿不到返回规则名。"""
    try:
        meter.take("order", limits.get("second"), limits.get("day"), clock() + 5, 0.0)
    except RiskRefusedError as exc:
        return exc.rule
    return ""


class TestSecond:
    def test_full_then_free(self, meter: Meter, clock: Clock) -> None:
        assert [take(meter, clock, second=3) for _ in range(4)] == ["", "", "", "max_per_second"]
        clock.walk(0.99)
        assert take(meter, clock, second=3)
        clock.walk(0.12)  # 格子是 0.1 秒一格，最慢 1.1 秒
        assert not take(meter, clock, second=3)

    def test_waits_for_the_slot(self, meter: Meter, clock: Clock) -> None:
        for _ in range(3):
            meter.take("order", 3, None, clock() + 5, 1.5)
        taken = meter.take("order", 3, None, clock() + 5, 1.5)
        assert 1.0 <= taken.waited_s <= 1.11
        assert sum(clock.pauses) == pytest.approx(taken.waited_s)

    def test_does_not_wait_in_vain(self, meter: Meter, clock: Clock) -> None:
        meter.take("order", 1, None, clock() + 5)
        with pytest.raises(RiskRefusedError) as caught:
            meter.take("order", 1, None, clock() + 5, 0.5)
        assert (caught.value.rule, caught.value.limit) == ("max_per_second", 1)
        assert clock.pauses == []
        with pytest.raises(RiskRefusedError):
            meter.take("order", 1, None, clock() + 0.5, 60.0)
        assert clock.pauses == []
        assert meter.read()["today"] == 1

    def test_no_limit_still_counts(self, meter: Meter, clock: Clock) -> None:
        for _ in range(500):
            meter.take("order", None, None, clock() + 5)
        counted = meter.read()
        assert (counted["second"], counted["today"], counted["error"]) == (500, 500, "")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(
        steps=st.lists(
            st.tuples(
                st.floats(0, 0.4), st.sampled_from([0.0, 0.0, 0.0, -3600.0, -0.25, 0.3, 86400.0])
            ),
            min_size=1,
            max_size=80,
        ),
        limit=st.integers(1, 6),
    )
    def test_never_over_in_any_second(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, float]], limit: int
    ) -> None:
        """墙上的时钟怎么拨，按单调时钟任意一秒都不超过。"""
        clock = Clock()
        meter = clock.meter(tmp_path_factory.mktemp("m") / "meter.sqlite3")
        sent: list[float] = []
        for step, jump in steps:
            clock.walk(step)
            clock.jump(jump)
            if not take(meter, clock, second=limit):
                sent.append(clock())
        meter.close()
        assert sent
        for index, start in enumerate(sent):
            assert sum(start <= each < start + 1.0 for each in sent[index:]) <= limit


class TestClockJumps:
    def test_backwards_counts_once_and_heals(self, meter_path: Path, clock: Clock) -> None:
        first, second = clock.meter(meter_path), clock.meter(meter_path)
        for _ in range(3):
            assert not take(first, clock, second=3)
        clock.jump(-3600)
        assert take(second, clock, second=3) == "max_per_second"  # 刚发过，别的进程也看得见
        clock.walk(1.2)
        assert not take(second, clock, second=3)  # 不会堵上一小时
        first.close()
        second.close()

    def test_forwards_is_still_held_here(self, meter: Meter, clock: Clock) -> None:
        for _ in range(3):
            take(meter, clock, second=3)
        clock.jump(3600)
        assert take(meter, clock, second=3) == "max_per_second"

    def test_a_day_comes_back(self, meter: Meter, clock: Clock) -> None:
        for _ in range(3):
            take(meter, clock, day=4)
        clock.jump(86400)
        assert meter.read()["today"] == 0
        assert not take(meter, clock, day=4)
        clock.jump(-86400)
        assert meter.read()["today"] == 3


class TestDay:
    def test_beijing_midnight(self, meter: Meter, clock: Clock) -> None:
        clock.jump(12 * 3600 - 0.5)
        assert clock.wall() == NOON + 12 * 3600 - 0.5
        assert [take(meter, clock, day=2) for _ in range(3)] == ["", "", "max_per_day"]
        before = meter.read()["day"]
        clock.walk(1)
        assert not take(meter, clock, day=2)
        after = meter.read()
        assert (after["day"], after["today"]) == (before + 1, 1)

    def test_the_error_has_the_numbers(self, meter: Meter, clock: Clock) -> None:
        take(meter, clock)
        with pytest.raises(RiskRefusedError) as caught:
            meter.take("order", None, 1, clock() + 5)
        assert (caught.value.rule, caught.value.actual, caught.value.limit) == ("max_per_day", 1, 1)
        assert "什么都没有发出" in str(caught.value)

    def test_survives_restarts(self, meter_path: Path, clock: Clock) -> None:
        for _ in range(3):
            meter = clock.meter(meter_path)
            assert not take(meter, clock, day=3)
            meter.close()
        meter = clock.meter(meter_path)
        assert take(meter, clock, day=3) == "max_per_day"
        meter.close()

    def test_seed_only_raises(self, meter: Meter, clock: Clock) -> None:
        meter.seed(10)
        assert meter.read()["today"] == 10
        meter.seed(3)
        take(meter, clock)
        assert meter.read()["today"] == 11
        assert meter.read()["second"] == 1

    def test_old_days_and_seconds_are_forgotten(self, meter: Meter, clock: Clock) -> None:
        for _ in range(60):
            take(meter, clock)
            clock.walk(86400)
        meter.close()
        db = sqlite3.connect(meter.path)
        assert db.execute("SELECT count(*) FROM day").fetchone()[0] <= 40
        assert db.execute("SELECT count(*) FROM pulse").fetchone()[0] == 1
        db.close()

    @pytest.mark.parametrize(
        ("wall", "day"), [(0, 0), (16 * 3600 - 1, 0), (16 * 3600, 1), (-8 * 3600 - 1, -1)]
    )
    def test_beijing_day(self, wall: float, day: int) -> None:
        assert beijing_day(wall) == day


class TestCancels:
    def test_wait_to_the_deadline_whatever_rate_wait_says(self, meter: Meter, clock: Clock) -> None:
        meter.take("order", 1, None, clock() + 5)
        assert meter.take("cancel", 1, None, clock() + 5).waited_s >= 1.0
        with pytest.raises(RiskRefusedError):
            meter.take("cancel", 1, None, clock() + 0.5)

    def test_come_before_waiting_orders(self, meter_path: Path) -> None:
        """撤单在等时，空出来的名额先给撤单。"""
        clock = Clock()
        orders: list[str] = []

        def pause(seconds: float) -> None:
            clock.walk(seconds + 0.1)  # 名额真的空出来了
            orders.append(take(meter, clock, second=2))

        meter = Meter(meter_path, clock=clock, wall=clock.wall, pause=pause)
        take(meter, clock, second=2)
        clock.walk(0.3)
        take(meter, clock, second=2)
        meter.take("cancel", 2, None, clock() + 5)
        assert orders[0] == "max_per_second"
        clock.walk(3)
        assert [take(meter, clock, second=2) for _ in range(3)] == ["", "", "max_per_second"]
        meter.close()


class TestThreads:
    def test_one_last_slot(self, meter_path: Path) -> None:
        """32 个线程抢：不多不少。"""
        meter = Meter(meter_path)
        start = threading.Barrier(32)

        def race(_: int) -> list[str]:
            start.wait()
            return [take(meter, time.monotonic, day=100) for _ in range(10)]

        with ThreadPoolExecutor(32, thread_name_prefix="racer") as pool:
            found = [each for many in pool.map(race, range(32)) for each in many]
        assert found.count("") == 100
        assert meter.read()["today"] == 100
        meter.close()

    def test_a_second_with_waiting(self, meter_path: Path) -> None:
        meter = Meter(meter_path)
        start = threading.Barrier(8)

        def race(_: int) -> list[float]:
            start.wait()
            sent = []
            for _ in range(10):
                meter.take("order", 50, None, time.monotonic() + 30)
                sent.append(time.monotonic())
            return sent

        with ThreadPoolExecutor(8, thread_name_prefix="racer") as pool:
            sent = sorted(each for many in pool.map(race, range(8)) for each in many)
        meter.close()
        assert len(sent) == 80
        assert sent[-1] - sent[0] > 0.9

    def test_one_meter_per_file_in_a_process(self, meter_path: Path, clock: Clock) -> None:
        first = Meter.open(meter_path)
        again = Meter.open(meter_path.parent / "." / meter_path.name)
        assert again is first
        take(first, time.monotonic)
        first.close()
        assert Meter.open(meter_path) is again, "还有人用着"
        again.close()
        assert again.read()["today"] == 1
        again.close()
        other = Meter.open(meter_path)
        assert other is not first
        assert other.read()["today"] == 1
        other.close()

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="看得到文件描述符的系统")
    def test_the_last_one_closes_the_file(self, meter_path: Path) -> None:
        def opened() -> list[str]:
            links = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
            return [link for link in links if str(meter_path) in link]

        meters = [Meter.open(meter_path) for _ in range(3)]
        take(meters[0], time.monotonic)
        assert opened()
        for meter in meters:
            meter.close()
        assert not opened()


class TestProcesses:
    def test_two_share_the_day(self, meter_path: Path) -> None:
        """两个进程一起抢 300 个名额，各自再加上本进程的。"""
        children = [_child(meter_path, "race", 300) for _ in range(2)]
        counts = [int(child.communicate(timeout=60)[0]) for child in children]
        assert sum(counts) == 300
        meter = Meter(meter_path)
        assert meter.read()["today"] == 300
        assert take(meter, time.monotonic, day=300) == "max_per_day"
        meter.close()

    def test_two_share_the_second(self, meter_path: Path) -> None:
        """各拿 60 次、每秒合计 40：一共 120 次，怎么也要两秒以上。"""
        children = [_child(meter_path, "pace", 60) for _ in range(2)]
        told = [child.communicate(timeout=60)[0].split() for child in children]
        began = min(float(first) for first, _ in told)
        ended = max(float(last) for _, last in told)
        assert ended - began > 2.0

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="没有 fork 的系统")
    def test_a_forked_child_counts_in_the_same_file(self, meter_path: Path) -> None:
        meter = Meter.open(meter_path)
        take(meter, time.monotonic)
        child = subprocess.run(
            [sys.executable, str(CHILD), str(meter_path), "fork", "5"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        assert child.stdout.split() == ["ok"]
        assert meter.read()["today"] == 11
        meter.close()

    def test_a_killed_process_does_not_lock_it(self, meter_path: Path) -> None:
        child = _child(meter_path, "hold", 0)
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        meter = Meter(meter_path)
        assert take(meter, time.monotonic, day=10) == "max_per_day"  # 别的进程占着：数不了就不下单
        meter.take("cancel", None, 10, time.monotonic() + 5)
        child.kill()
        child.communicate()
        eventually(lambda: not take(meter, time.monotonic, day=10))
        meter.close()


class TestDisk:
    def test_a_file_that_is_not_ours(self, meter_path: Path, clock: Clock) -> None:
        meter_path.parent.mkdir(parents=True)
        meter_path.write_bytes(b"not a database" * 500)
        meter = clock.meter(meter_path)
        with pytest.raises(RiskRefusedError) as caught:
            meter.take("order", 299, 100, clock() + 5)
        assert caught.value.rule == "max_per_day"
        assert str(meter_path) in str(caught.value)
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        taken = meter.take("cancel", 299, 100, clock() + 5)
        assert str(meter_path) in taken.trouble
        assert str(meter_path) in meter.read()["error"]
        assert meter.read()["today"] is None
        meter_path.unlink()
        assert not take(meter, clock, day=100)
        assert meter.read()["error"] == ""
        meter.close()

    @pytest.mark.parametrize("damaged", [b"CREATE TABLE", b"pulse"])
    def test_a_damaged_byte_stops_orders_not_cancels(
        self, meter_path: Path, clock: Clock, damaged: bytes
    ) -> None:
        meter = clock.meter(meter_path)
        assert not take(meter, clock, day=100)
        meter.close()
        body = bytearray(meter_path.read_bytes())
        body[body.index(damaged) + 2] = 0xFF
        meter_path.write_bytes(body)
        meter = clock.meter(meter_path)
        assert take(meter, clock, day=100) == "max_per_day"
        assert str(meter_path) in meter.take("cancel", 299, 100, clock() + 5).trouble
        assert str(meter_path) in meter.read()["error"]
        meter.close()

    @pytest.mark.skipif(os.name == "nt", reason="Windows 上打开着的文件移不走")
    def test_moved_while_open_it_still_knows_today(self, meter_path: Path, clock: Clock) -> None:
        meter = clock.meter(meter_path)
        for _ in range(3):
            assert not take(meter, clock, day=5)
        for each in meter_path.parent.glob(f"{meter_path.name}*"):
            each.unlink()
        assert not take(meter, clock, day=5)
        other = clock.meter(meter_path)
        assert not take(other, clock, day=5)
        assert take(meter, clock, day=5) == "max_per_day"
        meter.close()
        other.close()

    def test_a_thread_that_holds_it_is_waited_for_only_to_the_deadline(
        self, meter_path: Path
    ) -> None:
        meter = Meter(meter_path)
        held, free = threading.Event(), threading.Event()

        def hold(deadline: float) -> None:
            held.set()
            free.wait(30)

        holder = threading.Thread(target=lambda: meter._with_tally(1.0, hold))
        holder.start()
        held.wait(30)
        with pytest.raises(RiskRefusedError, match="别的线程占着"):
            meter.take("order", 5, 5, time.monotonic() + 0.1)
        assert meter.take("cancel", 5, 5, time.monotonic() + 0.1).trouble
        assert holder.is_alive()
        free.set()
        holder.join(30)
        meter.close()

    def test_it_counts_in_memory_as_well(self, clock: Clock) -> None:
        meter = Meter(
            MemoryStorage().counters(clock.wall), clock=clock, wall=clock.wall, pause=clock.pause
        )
        assert [take(meter, clock, second=3) for _ in range(4)] == ["", "", "", "max_per_second"]
        assert meter.take("cancel", 3, None, clock() + 5).waited_s > 0
        clock.walk(2)
        assert take(meter, clock, day=4) == "max_per_day"
        meter.close()

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, clock: Clock) -> None:
        (tmp_path / "文件").touch()
        meter = clock.meter(tmp_path / "文件" / "meter.sqlite3")
        assert take(meter, clock, day=100) == "max_per_day"
        assert take(meter, clock, second=10) == "max_per_second"
        assert meter.take("order", None, None, clock() + 5).trouble
        meter.close()

    def test_cancels_keep_the_second_without_the_file(self, tmp_path: Path, clock: Clock) -> None:
        (tmp_path / "文件").touch()
        meter = clock.meter(tmp_path / "文件" / "meter.sqlite3")
        for _ in range(3):
            meter.take("cancel", 3, 100, clock() + 5)
        assert meter.take("cancel", 3, 100, clock() + 5).waited_s >= 1.0
        meter.close()

    def test_seed_says_so_in_the_log(self, tmp_path: Path, logged: list[str]) -> None:
        (tmp_path / "文件").touch()
        meter = Meter.open(tmp_path / "文件" / "meter.sqlite3", Log())
        meter.seed(5)
        meter.close()
        assert any("WARNING" in line and "meter.sqlite3" in line for line in logged)


def _child(path: Path, what: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(path), what, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
