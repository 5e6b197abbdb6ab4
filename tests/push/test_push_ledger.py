"""交付过什么：每个状态、每笔成交、每次下单失败恰好一次；按天分开，只留两天，日子以本机的钟为限。"""

from __future__ import annotations

import time
from typing import Any

import pytest
from push_records import NOW, order, trade

from easytrader.push import ledger as ledger_room
from easytrader.push.ledger import DeliveryLedger

DAY = 86_400
FAR = 4_070_908_800
"""2099 年。"""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """本机的钟。"""
    now = [float(NOW + 10 * DAY)]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("states", "new"),
    [
        ([order(50), order(50)], [True, False]),
        ([order(50), order(48)], [True, False]),
        ([order(50, sysid=""), order(50, sysid="7")], [True, True]),  # 柜台合同编号后到
        ([order(50, sysid="7"), order(50, sysid="")], [True, False]),
        ([order(51), order(55, 100)], [True, True]),  # 撤单失败，接着成交
        ([order(55, 200), order(51, 100)], [True, False]),  # 成交量少了的是旧的
        ([order(53, 100), order(55, 200)], [True, False]),  # 终态之后什么都不是新的
        ([order(99), order(50)], [True, True]),  # 没见过的状态
    ],
)
def test_a_state_is_new_only_if_it_goes_forward(states: list[Any], new: list[bool]) -> None:
    ledger = DeliveryLedger()
    assert [ledger.is_new_order_state(each) for each in states] == new


@pytest.mark.parametrize(
    ("first", "second", "new"),
    [
        (trade("1"), trade("1"), False),
        (trade("1"), trade("2"), True),
        (trade("1"), trade("1", number=2), True),  # 自己与自己成交：两边同号
        (trade("1"), trade("1", code="000001.SZ"), True),
        (trade(""), trade(""), False),  # 个别柜台不给成交编号
        (trade(""), trade("", at=NOW + 1), True),
        (trade(""), trade("", price=1.01), True),
        (trade(""), trade("", volume=200), True),
    ],
)
def test_a_trade_is_told_from_another(first: Any, second: Any, new: bool) -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_trade(first)
    assert ledger.has_trade(second) is not new
    assert ledger.is_new_trade(second) is new


class Garbled:
    """厂商按字节截断的中文，解不出来。"""

    traded_time, traded_price, traded_volume, order_id, stock_code = NOW, 1.0, 100, 1, "600036.SH"

    @property
    def traded_id(self) -> str:
        return b"\xc9".decode("gbk")


def test_a_number_that_cannot_be_read_is_no_number() -> None:
    ledger = DeliveryLedger()
    first: Any = Garbled()
    assert ledger.is_new_trade(first)
    assert not ledger.is_new_trade(trade(""))


def test_fills_are_counted_until_the_next_state() -> None:
    ledger = DeliveryLedger()
    ledger.is_new_order_state(order(50))
    ledger.is_new_trade(trade("a"))
    ledger.is_new_trade(trade("b", 200))
    ledger.is_new_trade(trade("b", 200))
    assert (ledger.traded(1), ledger.fresh_trades(1), ledger.last_status(1)) == (300, 2, 50)
    ledger.is_new_order_state(order(55, 300))
    assert (ledger.traded(1), ledger.fresh_trades(1), ledger.last_status(1)) == (300, 0, 55)


def test_a_new_day_starts_from_nothing_and_only_two_days_are_kept() -> None:
    ledger = DeliveryLedger()
    for day in range(5):
        at = NOW + day * DAY
        assert ledger.is_new_trade(trade("a", at=at))
        assert ledger.fresh_trades(1) == 1  # 昨天最后那一笔不算
        assert ledger.is_new_order_state(order(50, at=at))
        assert ledger.is_new_trade(trade("b", at=at))
        assert ledger.traded(1) == 200
        assert ledger.fresh_trades(1) == 1
        assert ledger.is_new_rejection(7)
        assert not ledger.is_new_rejection(7)
    assert not ledger.is_new_order_state(order(50, at=NOW + 3 * DAY))  # 昨天的还记得
    assert not ledger.is_new_trade(trade("a", at=NOW + 3 * DAY))
    kept = (ledger._orders, ledger._trades, ledger._traded)
    assert [len(each) for each in kept] == [2, 2, 2]


@pytest.mark.parametrize("at", [0, -1])
def test_an_order_without_a_time_is_of_today(at: int) -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(50, at=at))
    assert ledger.is_new_trade(trade("a", at=int(time.time())))
    assert ledger.knows(1)


def test_rejections_without_a_number_are_all_told_and_the_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_room, "_REMEMBERED", 3)
    ledger = DeliveryLedger()
    assert all(ledger.is_new_rejection(each) for each in (0, 0, -1, -1, "", ""))
    assert all(ledger.is_new_rejection(each) for each in (1, 2, "3", 4, 5))
    assert not ledger.is_new_rejection(5)
    assert len(ledger._rejected) == 3


@pytest.mark.parametrize("far", [FAR, NOW + 2 * DAY, 2**63 - 1])
def test_a_time_far_ahead_does_not_freeze_today(clock: list[float], far: int) -> None:
    clock[0] = NOW
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(50))
    assert ledger.is_new_order_state(order(50, number=2, at=far))
    assert not ledger.is_new_order_state(order(50, number=2, at=far))
    assert ledger.is_new_trade(trade("7", at=far))
    assert not ledger.is_new_trade(trade("7", at=far))
    assert ledger.is_new_trade(trade("8"))
    assert (ledger.knows(1), ledger.knows(2), ledger.traded(1)) == (True, True, 200)
    assert not ledger.is_new_order_state(order(50))


def test_a_wrong_clock_of_this_machine_still_sees_each_event_once(clock: list[float]) -> None:
    """本机的钟慢了几天：柜台的时间都在「将来」，也各交付一次。"""
    clock[0] = NOW
    ledger = DeliveryLedger()
    for day in (3, 4):
        ahead = order(50, number=day, at=NOW + day * DAY)
        assert ledger.is_new_order_state(ahead)
        assert not ledger.is_new_order_state(ahead)
        assert ledger.knows(day)


def test_the_next_day_forgets_nothing_of_today() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(50, at=NOW - DAY))
    assert ledger.is_new_order_state(order(50))  # 新的一天，编号可以重用
    assert not ledger.is_new_order_state(order(50, at=NOW - DAY))


def test_an_order_without_a_time_is_of_the_day_the_counter_has_reached(clock: list[float]) -> None:
    clock[0] = NOW + 17_000  # 23:50，柜台的钟已经过了零点
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(50, at=NOW + 18_200))
    assert ledger.is_new_order_state(order(50, number=2, at=0))
    assert (ledger.knows(1), ledger.knows(2)) == (True, True)
