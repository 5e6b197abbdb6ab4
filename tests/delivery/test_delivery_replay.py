"""补交的次序：委托与成交是先后两次查询，成交可能比状态新。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from easytrader.delivery import courier as courier_room
from easytrader.delivery.courier import Courier
from easytrader.log import Log
from easytrader.model import OrderChanged, PushEvent, Traded

NOW = 1_795_000_000


def order(status: int, traded: int) -> Any:
    return SimpleNamespace(
        order_id=1, order_status=status, traded_volume=traded, order_time=NOW, order_sysid="1"
    )


def trade(name: str, volume: int) -> Any:
    return SimpleNamespace(
        order_id=1,
        traded_id=name,
        traded_volume=volume,
        traded_time=NOW,
        traded_price=1.0,
        stock_code="600036.SH",
    )


def label(event: PushEvent) -> str:
    """成交的编号，或委托的状态。"""
    if isinstance(event, Traded):
        return event.trade.traded_id
    assert isinstance(event, OrderChanged)
    return str(event.order.order_status)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (order(50, 0), ["50", "a", "b"]),
        (order(55, 100), ["a", "55", "b"]),
        (order(56, 300), ["a", "b", "56"]),
        (order(54, 0), ["54", "a", "b"]),
    ],
)
def test_a_replay_is_in_the_natural_order(row: Any, told: list[str]) -> None:
    given: list[str] = []
    courier = Courier(
        Log(),
        delivered=lambda event: given.append(label(event)),
        met=lambda order: None,
        status=dict,
    )
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([row], [trade("a", 100), trade("b", 200)])
    courier.close(5)
    assert given == told


def test_a_lost_push_is_made_up_for_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """刚查到的，推送可能还在路上：抢在前面的话，「已报」就成了迟到的。"""
    now = [100.0]
    monkeypatch.setattr(courier_room, "time", SimpleNamespace(monotonic=lambda: now[0]))
    given: list[str] = []
    courier = Courier(
        Log(),
        delivered=lambda event: given.append(label(event)),
        met=lambda order: None,
        status=dict,
    )
    courier._ledger.is_new_order_state(order(48, 0))
    courier._reconcile([order(50, 0)], [])
    now[0] += courier_room.LOST_S
    courier._reconcile([order(55, 100)], [trade("a", 100)])  # 状态变了：推送还在来
    now[0] += courier_room.LOST_S / 2
    courier._reconcile([order(55, 100)], [trade("a", 100)])
    assert given == []
    now[0] += courier_room.LOST_S / 2
    courier._reconcile([order(55, 100)], [trade("a", 100)])
    assert given == ["a", "55"]


def test_a_trade_whose_order_is_not_visible_yet_waits() -> None:
    """查询是缓存：成交查得到，委托还查不到。先交成交的话，它的「已报」就成了迟到的。"""
    given: list[str] = []
    courier = Courier(
        Log(),
        delivered=lambda event: given.append(label(event)),
        met=lambda order: None,
        status=dict,
    )
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([], [trade("a", 100)])
    courier.deliver(OrderChanged(order(50, 0)))
    courier.deliver(Traded(trade("a", 100)))
    courier.close(5)
    assert given == ["50", "a"]


@pytest.mark.parametrize(
    ("pushes", "told"),
    [
        ([order(50, 0), order(55, 100)], ["50", "a", "55"]),
        ([order(52, 100), order(53, 100)], ["a", "52", "53"]),
    ],
)
def test_a_kept_trade_comes_before_the_state_that_counts_it(
    pushes: list[Any], told: list[str]
) -> None:
    given: list[str] = []
    courier = Courier(
        Log(),
        delivered=lambda event: given.append(label(event)),
        met=lambda order: None,
        status=dict,
    )
    courier.start(None, {})
    courier.catch_up([], [])
    courier.catch_up([], [trade("a", 100)])
    courier.catch_up([], [trade("a", 100)])
    for each in pushes:
        courier.deliver(OrderChanged(each))
    courier.close(5)
    assert given == told
