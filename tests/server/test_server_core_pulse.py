"""服务器停住过：醒来读到的请求，期限从停住的时候算。"""

from __future__ import annotations

import time

from easytrader.server.calls import Pulse, deadlines


class _Clocks:
    def __init__(self) -> None:
        self.now, self.wall = 100.0, 5000.0

    def pulse(self) -> Pulse:
        return Pulse(lambda: self.now, lambda: self.wall)

    def go(self, seconds: float, *, asleep: bool = False) -> None:
        """过一会儿；挂起的时候单调时钟不走。"""
        self.wall += seconds
        if not asleep:
            self.now += seconds


def test_a_beating_server_lost_nothing() -> None:
    clocks = _Clocks()
    pulse = clocks.pulse()
    assert pulse.lost_s() == 0
    for _ in range(20):
        pulse.beat()
        clocks.go(0.3)
        assert pulse.lost_s() == 0


def test_what_is_read_right_after_a_stop_came_at_its_beginning() -> None:
    for asleep in (False, True):
        clocks = _Clocks()
        pulse = clocks.pulse()
        pulse.beat()
        clocks.go(14, asleep=asleep)
        assert pulse.lost_s() == 14
        pulse.beat()
        clocks.go(0.5)
        assert pulse.lost_s() == 14  # 排着的还没有读完
        pulse.beat()
        clocks.go(0.6)
        assert pulse.lost_s() == 0


def test_the_clock_set_back_is_no_stop() -> None:
    clocks = _Clocks()
    pulse = clocks.pulse()
    pulse.beat()
    clocks.wall -= 3600
    clocks.go(0.2)
    assert pulse.lost_s() == 0


def test_the_lost_time_is_taken_from_the_deadline() -> None:
    now = time.monotonic()
    assert deadlines(3000, 14.0)[0] < now
    deadline, latest = deadlines(10_000, 4.0)
    assert now + 5 < deadline < latest < now + 7
