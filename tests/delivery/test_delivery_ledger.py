"""交付过什么：按天记，而日子以本机的钟为限。"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from easytrader.delivery.ledger import DeliveryLedger

NOW = 1_795_140_000  # 2026-11-20 10:00 北京时间
FAR = 4_070_908_800  # 2099 年
DAY = 86400


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


def order(order_id: int, at: int, status: int = 50) -> Any:
    return SimpleNamespace(
        order_id=order_id, order_status=status, order_time=at, traded_volume=0, order_sysid=""
    )


def trade(order_id: int, at: int, number: str) -> Any:
    return SimpleNamespace(
        order_id=order_id, stock_code="600036.SH", traded_id=number, traded_time=at,
        traded_price=1.0, traded_volume=100,
    )  # fmt: skip


@pytest.mark.parametrize("far", [FAR, NOW + 2 * DAY, 2**63 - 1])
def test_a_time_far_ahead_does_not_freeze_today(far: int) -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(1, NOW))
    assert ledger.is_new_order_state(order(2, far))
    assert not ledger.is_new_order_state(order(2, far))
    assert ledger.is_new_trade(trade(1, far, "7"))
    assert not ledger.is_new_trade(trade(1, far, "7"))
    assert ledger.is_new_trade(trade(1, NOW, "8"))
    assert (ledger.knows(1), ledger.knows(2), ledger.traded(1)) == (True, True, 200)
    assert not ledger.is_new_order_state(order(1, NOW))


def test_a_wrong_clock_of_this_machine_still_sees_each_event_once() -> None:
    """本机的钟慢了几天：柜台的时间都在「将来」，也各交付一次。"""
    ledger = DeliveryLedger()
    for day in (3, 4):
        assert ledger.is_new_order_state(order(day, NOW + day * DAY))
        assert not ledger.is_new_order_state(order(day, NOW + day * DAY))
        assert ledger.knows(day)


def test_the_next_day_forgets_nothing_of_today() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(1, NOW - DAY))
    assert ledger.is_new_order_state(order(1, NOW))  # 新的一天，编号可以重用
    assert not ledger.is_new_order_state(order(1, NOW - DAY))
