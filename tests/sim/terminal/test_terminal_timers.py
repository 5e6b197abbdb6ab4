"""``run_time`` 与 ``schedule_run``：写法、第一次、错过的、取消。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from terminal_stubs import formula, manual, printed

from easytrader.sim.terminal.client.timers import ManualClock, Timer, period_of, point_of, start_of

if TYPE_CHECKING:
    from easytrader.sim.terminal.client.terminal import Terminal

HEAD = "#coding:gbk\nimport time, datetime\ndef ring(C): print(round(time.time() - BEGAN, 3))\n"


def rings(terminal: Terminal, init: str, seconds: float) -> list[float]:
    """``init`` 里登记的定时器在 ``seconds`` 秒里什么时候响。"""
    began = f"BEGAN = {terminal.clock.now()!r}\n"
    terminal.load((HEAD + began + f"def init(C):\n    {init}\n").encode("gbk"))
    terminal.advance(seconds)
    terminal.stop()
    return [float(each) for each in printed(terminal)]


@pytest.mark.parametrize(
    ("period", "start", "expected"),
    [
        ("500nMilliSecond", "2020-01-01 00:00:00", [0, 0.5, 1, 1.5, 2]),
        ("1nSecond", "2026-03-02 09:30:01", [1, 2]),
        ("5nDay", "2026-03-02 09:30:00", [0]),
        ("1nSecond", "09:30:00", []),
        ("1nSecond", "09:35", []),
        ("1nSecond", "20200101093000", []),
        ("1nSecond", "", []),
        ("0nSecond", "2020-01-01 00:00:00", []),
        ("5nsecond", "2020-01-01 00:00:00", []),
        ("5nHour", "2020-01-01 00:00:00", []),
        ("1.5nSecond", "2020-01-01 00:00:00", []),
    ],
)
def test_run_time(period: str, start: str, expected: list[float]) -> None:
    terminal = manual()
    assert rings(terminal, f"C.run_time('ring', {period!r}, {start!r})", 2.2) == expected
    accepted = [each for each in formula(terminal) if each.startswith("[timer]")]
    assert bool(accepted) == (not expected)


def test_run_time_days_apart() -> None:
    ring = "C.run_time('ring', '5nDay', '2026-03-02 09:30:10')"
    assert rings(manual(tick_s=36000.0), ring, 864020) == [10, 432010, 864010]


def test_run_time_may_wait_one_period_first() -> None:
    terminal = manual(timer_first="period")
    assert rings(terminal, "C.run_time('ring', '1nSecond', '2020-01-01 00:00:00')", 2.2) == [1, 2]


def test_run_time_of_a_name_that_does_not_exist_is_silent() -> None:
    assert rings(manual(), "C.run_time('typo', '1nSecond', '2020-01-01 00:00:00')", 2) == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("C.schedule_run(ring, '20260302093001')", [1]),
        ("C.schedule_run(ring, datetime.datetime(2026, 3, 2, 9, 30, 1))", [1]),
        ("C.schedule_run(ring, '2026-03-02 09:30:01')", [1]),
        ("C.schedule_run(ring, '20200101000000')", [0]),
        ("C.schedule_run(ring, '20200101000000', 2, datetime.timedelta(seconds=1))", [0, 1, 2]),
        (
            "C.schedule_run(ring, '20260302093001', -1, datetime.timedelta(seconds=0.5))",
            [1, 1.5, 2, 2.5, 3],
        ),
        ("C.schedule_run(ring, 'tomorrow')", []),
    ],
)
def test_schedule_run(call: str, expected: list[float]) -> None:
    assert rings(manual(), call, 3.2) == expected


def test_schedule_run_in_the_past_may_come_late() -> None:
    terminal = manual(schedule_past_s=15.4)
    assert rings(terminal, "C.schedule_run(ring, '20200101000000')", 20) == [15.4]


def test_cancel_by_number_or_name_says_whether_there_was_one() -> None:
    source = """
import datetime
every = datetime.timedelta(seconds=1)
def ring(C): print('ring')
def init(C):
    one = C.schedule_run(ring, '20260302093001', -1, every)
    two = C.schedule_run(ring, '20260302093001', -1, every, 'named')
    print(type(one), C.cancel_schedule_run(one), C.cancel_schedule_run(one))
    print(C.cancel_schedule_run('named'), C.cancel_schedule_run('named'))
    print(C.cancel_schedule_run(''), C.cancel_schedule_run(99))
"""
    terminal = manual()
    terminal.load(source.encode())
    terminal.advance(3)
    terminal.stop()
    assert printed(terminal) == ["<class 'int'> True False", "True False", "False False"]


def test_a_timer_that_cancels_itself_does_not_come_again() -> None:
    source = """
import datetime
def ring(C):
    print('ring', C.cancel_schedule_run('me'))
def init(C): C.schedule_run(ring, '20200101000000', -1, datetime.timedelta(seconds=1), 'me')
"""
    terminal = manual()
    terminal.load(source.encode())
    terminal.advance(3)
    terminal.stop()
    assert printed(terminal) == ["ring True"]


def test_missed_rings_are_one_and_the_grid_stays() -> None:
    timer = Timer(0, "", None, 0.1, -1)
    timer.due = 10.0
    assert timer.next_after(10.001) == pytest.approx(10.1)
    assert timer.next_after(10.55) == pytest.approx(10.6)
    assert timer.next_after(9.99) == pytest.approx(10.1)


def test_rounding_never_rings_twice_at_once() -> None:
    timer = Timer(0, "", None, 0.02, -1)
    timer.due = 1000.0
    assert timer.next_after(1000.16) > 1000.16


def test_timers_die_with_the_strategy() -> None:
    terminal = manual()
    source = b"def ring(C): print('ring')\n"
    source += b"def init(C): C.run_time('ring', '1nSecond', '2020-01-01 00:00:00')\n"
    strategy = terminal.load(source)
    terminal.advance(1.5)
    strategy.stop()
    terminal.advance(5)
    terminal.stop()
    assert printed(terminal) == ["ring"] * 2


def test_grammar() -> None:
    assert [period_of(each) for each in ("500nMilliSecond", "5nSecond", "5nDay")] == [
        0.5,
        5.0,
        432000.0,
    ]
    assert period_of(500) is None  # type: ignore[arg-type]
    assert start_of("2026-03-02 09:30:00") == point_of("20260302093000")
    clock = ManualClock(100.0)
    clock.wait(-5)
    assert clock.now() == 100.0
