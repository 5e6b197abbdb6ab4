"""夜里、开盘前、午休：柜台先收下委托，冻结，可以撤，到点报给交易所。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from manners_desk import ACCOUNT, BUY, PEER, SELL, Desk

from easytrader.sim.gateway import history

if TYPE_CHECKING:
    from collections.abc import Callable

    Sit = Callable[..., Desk]


def sit_at(sit: Sit, when: str, name: str = "q", **settings: object) -> Desk:
    return sit(
        name,
        **{
            "profile": "push",
            "answer_s": 0,
            "cancel_answer_s": 0,
            "query_lag_s": 0,
            "when": when,
            **settings,
        },
    )


@pytest.mark.parametrize(
    ("when", "before", "after"),
    [
        ("2026-11-20 08:00", "2026-11-20 09:14:59", "2026-11-20 09:15:00"),
        ("2026-11-20 09:26", "2026-11-20 09:29:59", "2026-11-20 09:30:00"),
        ("2026-11-20 11:30", "2026-11-20 12:59:59", "2026-11-20 13:00:00"),
        ("2026-11-20 15:30", "2026-11-23 09:14:59", "2026-11-23 09:15:00"),
        ("2026-11-20 23:00", "2026-11-23 09:14:59", "2026-11-23 09:15:00"),
        ("2026-11-21 12:00", "2026-11-23 09:14:59", "2026-11-23 09:15:00"),
    ],
)
def test_an_order_waits_for_the_exchange(sit: Sit, when: str, before: str, after: str) -> None:
    desk = sit_at(sit, when)
    price = round(desk.quote().last_li / 1000 - 1, 2)
    number = desk.order(BUY, 100, price)
    assert desk.wait(1) == [("O", 48), ("O", 49)]
    row = desk.one(number)
    assert (row.order_status, row.order_sysid) == (49, "")
    assert desk.trader.query_stock_asset(desk.account).frozen_cash > price * 100
    assert desk.goto(before)[2:] == []
    assert desk.one(number).order_status == 49, "有效到报出去的那一天"
    desk.goto(after)
    assert desk.wait(1)[2:] == [("O", 50)], "待报之后不再说未报"
    row = desk.one(number)
    assert row.order_status == 50
    assert row.order_sysid


@pytest.mark.parametrize("when", ["2026-11-20 15:00", "2026-11-20 15:10", "2026-11-20 15:29:59"])
def test_not_while_the_counter_settles(sit: Sit, when: str) -> None:
    desk = sit_at(sit, when)
    desk.order(BUY, 100, desk.quote().last_li / 1000)
    assert desk.wait(1) == [("E", -61), ("O", 57)]


def test_counters_that_do_not_queue_refuse(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00", queues_when_closed=False)
    desk.order(BUY, 100, desk.quote().last_li / 1000)
    assert desk.wait(1) == [("E", -61), ("O", 57)]


def test_all_day_markets_never_queue(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-21 03:00", clock="always")
    desk.order(BUY, 100, desk.ask)
    assert ("O", 49) in desk.wait(1)
    assert ("T", 100) in desk.heard.told


def test_a_queued_order_can_be_cancelled(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    number = desk.order(SELL, 1000, desk.quote().last_li / 1000)
    assert desk.trader.query_stock_position(desk.account, "600036.SH").can_use_volume == 0
    assert desk.trader.cancel_order_stock(desk.account, number) == 0
    assert desk.wait(1)[-1] == ("O", 54)
    assert desk.trader.query_stock_position(desk.account, "600036.SH").can_use_volume == 1000
    desk.goto("2026-11-23 09:20")
    assert desk.one(number) is None, "没有报出去过，也不再出现"


def test_they_go_out_in_their_order(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    price = round(desk.quote().last_li / 1000 - 1, 2)
    numbers = [desk.order(BUY, 100, price) for _ in range(3)]
    desk.goto("2026-11-23 09:15")
    desk.wait(5)
    reported = [row.order_id for row in desk.heard.rows if row.order_status == 50]
    assert reported == numbers
    rows = desk.trader.query_stock_orders(desk.account)
    assert [row.order_sysid for row in rows] == ["1", "2", "3"]


def test_a_queued_order_survives_the_client(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 10:00")
    old = desk.order(BUY, 100, 0, PEER)
    desk.goto("2026-11-20 20:00")
    price = round(desk.quote().last_li / 1000 - 1, 2)
    number = desk.order(BUY, 100, price)
    desk.reopen()
    assert desk.one(number).order_status == 49
    desk.goto("2026-11-21 03:00")
    desk.reopen(3)
    assert [row.order_id for row in desk.trader.query_stock_orders(desk.account)] == [old, number]
    desk.goto("2026-11-23 01:00")
    desk.reopen(4)
    found = desk.trader.query_stock_orders(desk.account)
    assert [row.order_id for row in found] == [number], "换了日，昨天的没有了，存着的还在"
    desk.goto("2026-11-23 09:16")
    assert desk.one(number).order_status == 50
    desk.goto("2026-11-24 10:00")
    assert desk.trader.query_stock_orders(desk.account) == [], "报出去的只在当天有效"
    days = [len(history.orders(str(desk.folder.path), day)) for day in ("2026-11-20", "2026-11-23")]
    assert days == [1, 1], "算在报出去的那天"


def test_nobody_needs_to_be_there_when_it_goes_out(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    desk.order(BUY, 100, round(desk.quote().last_li / 1000 - 3, 2))
    desk.close()
    desk.market.set(desk.market.now() + 2 * 86400 + 16 * 3600)  # 周一 12:00
    desk._open(9)
    [row] = desk.trader.query_stock_orders(desk.account)
    assert row.order_status in (50, 55, 56)


def test_tomorrows_limits_decide_tomorrow(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    beyond = round(desk.quote().limit_up_li / 1000 * 1.05, 2)
    number = desk.order(BUY, 100, beyond)
    assert desk.one(number).order_status == 49
    desk.goto("2026-11-23 09:15")
    assert desk.wait(1)[2:] == [("E", -61), ("O", 57)]
    assert desk.trader.query_stock_asset(desk.account).frozen_cash == 0


def test_todays_limits_decide_at_lunch(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 12:00")
    desk.order(BUY, 100, desk.quote().limit_up_li / 1000 + 1)
    assert desk.wait(1) == [("E", -61), ("O", 57)]


def test_what_is_wrong_at_any_hour_is_refused_at_once(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    price = desk.quote().last_li / 1000
    for volume, kind in ((150, 11), (100_000, 11), (100, PEER)):
        desk.heard.told.clear()
        desk.order(BUY, volume, price, kind)
        assert desk.wait(1) == [("E", -61), ("O", 57)], (volume, kind)


def test_money_stays_whole_over_the_night(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 20:00")
    before = desk.trader.query_stock_asset(desk.account).cash
    number = desk.order(BUY, 100, round(desk.quote().last_li / 1000 - 1, 2))
    frozen = desk.trader.query_stock_asset(desk.account)
    assert frozen.cash + frozen.frozen_cash == pytest.approx(before)
    desk.goto("2026-11-23 02:00")
    again = desk.trader.query_stock_asset(desk.account)
    assert (again.cash, again.frozen_cash) == (frozen.cash, frozen.frozen_cash)
    assert desk.trader.cancel_order_stock(desk.account, number) == 0
    assert desk.trader.query_stock_asset(desk.account).cash == before
    assert ACCOUNT == "10001"


def test_the_latest_price_is_the_price_when_it_was_given(sit: Sit) -> None:
    desk = sit_at(sit, "2026-11-20 12:00")
    last = desk.quote().last_li / 1000
    number = desk.order(BUY, 100, 0, 5)
    assert desk.one(number).price == last
    desk.goto("2026-11-20 13:00")
    assert desk.one(number).price == last
