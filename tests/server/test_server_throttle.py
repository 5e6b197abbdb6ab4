"""错的令牌答得慢：只慢错的，记得住的有限，IPv6 的一个网段算一处。"""

from __future__ import annotations

from easytrader.server.throttle import Throttle, network_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_slower_and_slower_but_bounded() -> None:
    throttle = Throttle(Clock())
    waits = [throttle.failed("1.2.3.4") for _ in range(1000)]
    assert waits[:5] == [0.0] * 5
    assert waits[5:9] == [0.1, 0.2, 0.4, 0.8]
    assert waits == sorted(waits)
    assert waits[-1] == 5.0
    assert throttle.times("1.2.3.4") == 1000


def test_another_address_is_not_slowed() -> None:
    throttle = Throttle(Clock())
    for _ in range(100):
        throttle.failed("1.2.3.4")
    assert throttle.failed("1.2.3.5") == 0.0
    assert throttle.times("5.6.7.8") == 0


def test_a_pause_is_forgiven() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(100):
        throttle.failed("1.2.3.4")
    clock.now += 599
    assert throttle.failed("1.2.3.4") == 5.0
    clock.now += 600
    assert throttle.failed("1.2.3.4") == 0.0


def test_a_64_of_ipv6_is_one_place() -> None:
    throttle = Throttle(Clock())
    for number in range(100):
        throttle.failed(f"2001:db8:1:2::{number:x}")
    assert throttle.failed("2001:db8:1:2:ffff::1%eth0") == 5.0
    assert throttle.failed("2001:db8:1:3::1") == 0.0
    assert network_of("::ffff:1.2.3.4") == network_of("1.2.3.4") == "1.2.3.4"
    assert network_of("不是地址") == "不是地址"


def test_memory_is_bounded() -> None:
    throttle = Throttle(Clock())
    for number in range(15_000):
        throttle.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle) == 10_000
    assert throttle.times("10.0.0.0") == 0  # 最早的忘了
    assert throttle.times("10.0.58.151") == 1
