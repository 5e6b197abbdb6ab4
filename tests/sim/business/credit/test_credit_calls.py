"""追保与强制平仓。编号 263015 是撤强制平仓的委托。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import (
    ACCOUNT,
    BUY_BACK,
    CASH_REPAY,
    CODE,
    FIN_BUY,
    OTHER,
    SELL_REPAY,
    CreditDesk,
    at,
)

from easytrader.errors import SimulatorError
from easytrader.sim.ledger.events import OrdersQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., CreditDesk]

# 2026-11-16 是周一
TIGHT = {"warn_ratio": 4.5, "close_ratio": 4.2}


def go(desk: CreditDesk, day: int, clock: str = "10:00") -> list[Any]:
    desk.clock.set(at(f"2026-11-{day}", clock))
    events: list[Any] = []
    while True:
        outcome = desk.engine.advance()
        events += outcome.events
        desk.check()
        if not outcome.answer:
            return events


def orders(desk: CreditDesk) -> list[Any]:
    found = desk.engine.orders(OrdersQuery(3, ACCOUNT)).answer
    return [row for row in found if row.order_remark == "强制平仓"]


def ratio(desk: CreditDesk) -> float:
    return desk.line._context.scales.weigh(desk.account).ratio


def owing(open_desk: Open, *, cash: int = 2_000, shares: int = 3000, **more: Any) -> CreditDesk:
    """借着钱、比例不到 4.2 的账号：担保品是平安银行，融资买招商银行。"""
    settings = {**TIGHT, **more.pop("settings", {})}
    desk = open_desk(
        cash=cash,
        held=((OTHER, shares, shares * 11_000),),
        settings=settings,
        day="2026-11-16",
        hours="exchange",
        **more,
    )
    assert desk.buy(FIN_BUY, 500).code == 0
    assert 2 < ratio(desk) < 4.2
    return desk


def test_two_days_after_the_call_the_counter_sells(open_desk: Open) -> None:
    desk = owing(open_desk)
    go(desk, 17)  # 16 日收盘追保
    assert desk.line._calls.left(ACCOUNT) == 2
    go(desk, 18)
    assert desk.line._calls.left(ACCOUNT) == 1
    go(desk, 19, "09:10")
    assert desk.line._calls.left(ACCOUNT) == 0
    pushes = go(desk, 19, "09:26")
    rows = orders(desk)
    assert [row.order_type for row in rows][:2] == [CASH_REPAY, SELL_REPAY]
    assert rows[0].order_volume == 2_000
    assert {row.stock_code for row in rows[1:]} == {OTHER}
    assert all(row.order_status == 56 for row in rows), rows
    assert rows[1].order_time == int(at("2026-11-19", "09:15"))
    assert {each.kind for each in pushes} >= {"order", "trade"}
    assert 4.5 <= ratio(desk) < 5.5
    assert desk.volume(OTHER) > 0, "正好补到线，不多卖"
    go(desk, 20)
    assert desk.line._calls.left(ACCOUNT) is None
    assert orders(desk) == []


def test_restored_in_time_nothing_is_sold(open_desk: Open) -> None:
    desk = owing(open_desk, cash=12_000)
    go(desk, 17)
    assert desk.order(CASH_REPAY, CODE, 8_000, 0.0).code == 0
    assert ratio(desk) > 4.5
    go(desk, 18)
    assert desk.line._calls.left(ACCOUNT) is None
    go(desk, 19, "09:26")
    go(desk, 20)
    assert desk.volume(OTHER) == 3000


def test_between_the_lines_is_no_call(open_desk: Open) -> None:
    desk = owing(open_desk, settings={"close_ratio": 1.3})
    for day in (17, 18, 19, 20):
        go(desk, day)
        assert desk.line._calls.left(ACCOUNT) is None
    assert desk.volume(OTHER) == 3000


def test_switched_off_nobody_calls(open_desk: Open) -> None:
    desk = owing(open_desk, settings={"force_close": False})
    for day in (17, 18, 19, 20):
        go(desk, day)
    assert desk.volume(OTHER) == 3000
    assert desk.line._calls.left(ACCOUNT) is None


def test_one_day_and_a_lower_line_are_settings(open_desk: Open) -> None:
    desk = owing(open_desk, settings={"call_days": 1, "restore_ratio": 4.2})
    go(desk, 17)
    go(desk, 18)
    assert orders(desk)
    assert 4.2 <= ratio(desk) < 5.2


def test_a_forced_order_cannot_be_cancelled_and_comes_again(open_desk: Open) -> None:
    """停牌的卖不掉：当天是废单，第二天再来。"""
    desk = owing(open_desk, settings={"call_days": 1})
    path = desk.folder.path / "instruments.json"
    path.write_text(f'{{"{OTHER}": {{"suspended": [["2026-11-18", "2026-11-18"]]}}}}')
    desk.reopen()
    go(desk, 17)
    go(desk, 18, "09:20")
    mine = [row for row in orders(desk) if row.order_type == SELL_REPAY]
    junk, *working = sorted(mine, key=lambda row: row.stock_code)
    assert (junk.stock_code, junk.order_status) == (OTHER, 57)
    for row in working:
        outcome = desk.cancel(row.order_id)
        assert [event.kind for event in outcome.events] == ["cancel_error"]
    go(desk, 19)
    assert [row.order_status for row in orders(desk) if row.stock_code == OTHER] == [56]


def test_a_short_account_buys_back(open_desk: Open) -> None:
    settings = {**TIGHT, "slo_volume": {CODE: 10_000}, "call_days": 1}
    desk = open_desk(cash=50_000, settings=settings, day="2026-11-16", hours="exchange")
    desk.short(500)
    assert ratio(desk) < 4.2
    go(desk, 17)
    go(desk, 18)
    rows = orders(desk)
    assert [(row.order_type, row.order_status) for row in rows] == [(BUY_BACK, 56)]
    assert ratio(desk) >= 4.5


def test_it_survives_restarts_and_days_nobody_looked(open_desk: Open) -> None:
    slow, fast = owing(open_desk), owing(open_desk)
    for day in (16, 17, 18, 19, 20):
        for clock in ("09:10", "09:20", "11:00", "15:40"):
            if (day, clock) > (16, "10:30"):
                go(slow, day, clock)
                slow.reopen()
    go(fast, 20, "15:40")
    assert slow.account.cash_li == fast.account.cash_li
    assert slow.volume(OTHER) == fast.volume(OTHER) < 3000
    for one, two in zip(
        slow.line._debts.contracts(ACCOUNT), fast.line._debts.contracts(ACCOUNT), strict=True
    ):
        assert one.left_li == two.left_li


def test_always_open_folders_close_out_too(open_desk: Open) -> None:
    desk = open_desk(
        cash=0,
        held=((OTHER, 5000, 55_000_000),),
        settings={**TIGHT, "call_days": 1},
        day="2026-11-16",
    )
    assert desk.buy(FIN_BUY, 500).code == 0
    assert ratio(desk) < 4.2
    desk.pass_days()
    desk.pass_days()
    assert ratio(desk) >= 4.5
    assert desk.volume(OTHER) < 5000


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"restore_ratio": 1.2}, "不低于 close_ratio"),
        ({"restore_ratio": 1, "close_ratio": 1}, "应大于 1"),
        ({"call_days": 0}, "call_days"),
        ({"force_close": 1}, "force_close"),
    ],
)
def test_wrong_settings(open_desk: Open, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(SimulatorError, match=told):
        open_desk(settings=settings)
