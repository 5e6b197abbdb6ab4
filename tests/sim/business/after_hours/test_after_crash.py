"""无人看着、分段、重启、写不进去：成交与账本都一样。"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from after_helpers import BOARDS, SH, at, buy, conserved, go, sell, stored, total, walk
from counter_desk import Desk, yuan
from hypothesis import given, settings
from hypothesis import strategies as st

from easytrader.sim.counter import engine as engine_module

Make = Callable[..., Desk]
HELD = tuple((code, 500_000, 10**10) for code in BOARDS)
OPENED = 10**13 + 5 * 10**10


def orders(desk: Desk) -> None:
    """盘后的买卖各几笔，加上竞价与连续到 15:30 的逆回购。"""
    for code in BOARDS:
        quote = desk.levels(code)
        buy(desk, code, 60_000)
        sell(desk, code, 40_000)
        buy(desk, code, 2000, "down")
        if desk.clock.now() < at("2026-11-20 15:00"):
            desk.buy(code, 2000, yuan(quote.bids[4].price_li))
    rate = desk.quote("204001.SH").asks[2].price_li
    desk.sell("204001.SH", 10_000, yuan(rate))
    for row in desk.orders()[2::7]:
        desk.cancel(row.order_id)


@pytest.mark.parametrize("moment", ["10:00", "14:58", "15:02", "15:12:20"])
@pytest.mark.parametrize("until", ["15:18", "15:40", "2026-11-23 09:10"])
def test_unattended_is_the_same_as_attended(
    make_after: Make, monkeypatch: pytest.MonkeyPatch, moment: str, until: str
) -> None:
    found: list[tuple[Any, Any, Any]] = []
    for how in ("看着", "一步", "小段", "重启"):
        work = {"小段": 60, "重启": 600}.get(how, 10**9)
        monkeypatch.setattr(engine_module, "_SLICE_WORK", work)
        desk = make_after(f"2026-11-20 {moment}", positions=HELD, cash_li=10**13)
        orders(desk)
        events: list[Any] | None = None
        if how == "看着":
            events = walk(desk, "15:14", step=9.0) + go(desk, until)
        elif how == "重启":
            desk.clock.set(at(until if "-" in until else f"2026-11-20 {until}"))
            desk.reopen()
            while desk.engine.next_wakeup() == 0:
                desk.reopen()
        else:
            events = go(desk, until)
        found.append((events, desk.snapshot(), stored(desk)))
        conserved_with_repo(desk)
    assert found[0] == found[1] == found[2]
    assert found[3][1:] == found[0][1:]
    assert found[0][2][1]  # 有成交


def conserved_with_repo(desk: Desk) -> None:
    from easytrader.sim.business.repo import RepoBusiness

    lines = desk.engine._counter._ledger.businesses
    lent = sum(each.held_li("880000001") for each in lines if isinstance(each, RepoBusiness))
    conserved(desk, OPENED - lent)


def test_a_restart_in_the_middle_keeps_the_place_in_the_queue(make_after: Make) -> None:
    twin, desk = (make_after("2026-11-20 15:01", positions=HELD, cash_li=10**13) for _ in "12")
    orders(twin)
    orders(desk)
    whole = go(twin, "15:40")
    parts: list[Any] = []
    for clock in ("15:04", "15:05", "15:05:30", "15:11", "15:17:10", "15:29:30", "15:40"):
        parts += go(desk, clock)
        before = desk.snapshot()
        desk.reopen()
        assert desk.snapshot() == before
    assert parts == whole
    assert stored(desk)[1:] == stored(twin)[1:]


def test_a_failed_write_happens_again_in_full(make_after: Make) -> None:
    twin, desk = (make_after("2026-11-20 15:01", positions=HELD, cash_li=10**13) for _ in "12")
    orders(twin)
    orders(desk)
    whole = go(twin, "15:05")
    full = iter([True, False])
    desk.engine.ask_disk(lambda: next(full, False))
    desk.clock.set(at("2026-11-20 15:05"))
    with pytest.raises(Exception, match="写不进去"):
        desk.engine.advance()
    assert list(desk.engine.advance().events) == whole
    assert total(whole) > 0
    assert stored(desk) == stored(twin)


def test_nobody_wakes_up_without_a_reason(make_after: Make) -> None:
    """只有盘后的委托等着：到下一次时段变化或撮合才醒；了结之后不再醒。"""
    desk = make_after("2026-11-20 13:00:01")
    assert desk.engine.next_wakeup() is None
    order_id = buy(desk, SH, 100).answer.order_id
    wait = desk.engine.next_wakeup()
    assert wait is not None
    assert wait > 3600
    go(desk, "15:10:01")
    if desk.order(order_id).order_status == 50:
        assert desk.engine.next_wakeup() == pytest.approx(29, abs=3)
    go(desk, "15:40")
    assert desk.order(order_id).order_status == 56
    assert desk.engine.next_wakeup() is None


@settings(max_examples=30)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 1800),
            st.sampled_from(["买", "卖", "撤", "重启"]),
            st.integers(1, 400),
            st.sampled_from(["up", "down", "last"]),
        ),
        max_size=12,
    )
)
def test_conservation(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    """随便什么次序：钱和券都守恒，到头来没有冻结。"""
    path = tmp_path_factory.mktemp("盘后") / "柜台"
    held = ((SH, 100_000, 10**9),)
    start = at("2026-11-20 14:40")
    desk = Desk(path, start=start, clock="exchange", cash_li=10**12, positions=held)
    try:
        for pause, what, lots, price in steps:
            desk.clock.set(desk.clock.now() + pause)
            if what == "买":
                buy(desk, SH, lots * 100, price)
            elif what == "卖":
                sell(desk, SH, lots * 100, price)
            elif what == "撤" and desk.orders():
                desk.cancel(desk.orders()[lots % len(desk.orders())].order_id)
            elif what == "重启":
                desk.reopen()
            conserved(desk, 10**12 + 10**9)
            left = 100_000 + sum(
                each.traded_volume * (1 if each.offset_flag == 48 else -1) for each in desk.trades()
            )
            row = desk.position(SH)
            if desk.trades():
                assert (row.volume if row else 0) == left
        go(desk, "2026-11-24 09:00")
        conserved(desk, 10**12 + 10**9)
        assert desk.asset().frozen_cash == 0.0
        row = desk.position(SH)
        assert row is None or row.frozen_volume == 0
    finally:
        desk.engine.close()
