"""补撮合：快，分段，怎么分段结果都一样。"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from counter_desk import ACCOUNT, DAY, Desk, kinds, yuan
from support import VendorEngine as Engine

from easytrader.market.symbols import parse_security
from easytrader.sim.counter import engine as engine_module
from easytrader.sim.counter.sweep import Budget
from easytrader.sim.host.host import Host

Make = Callable[..., Desk]
CODE = "600036.SH"
CODES = (CODE, "000001.SZ", "162411.SZ", "113050.SH", "688981.SH", "920002.BJ")
HELD = ((CODE, 500_000, 10**10), ("162411.SZ", 800_037, 10**9))


def stored(desk: Desk) -> list[Any]:
    """账本里的一切。"""
    db = sqlite3.connect(desk.folder.store_path)
    try:
        tables = ("orders", "trades", "accounts", "positions")
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    finally:
        db.close()


def fill_the_book(desk: Desk) -> None:
    for code in CODES:
        quote = desk.quote(code)
        for depth in (0, 3, 9):
            desk.buy(code, 100_000, yuan(quote.bids[depth].price_li))
    for code, volume, _ in HELD:
        quote = desk.quote(code)
        desk.sell(code, 100_000, yuan(quote.asks[0].price_li))
        desk.sell(code, volume % 1000 or 1000, yuan(quote.asks[6].price_li))


def drain(desk: Desk) -> tuple[list[Any], int]:
    events: list[Any] = []
    slices = 1
    while (outcome := desk.engine.advance()).answer:
        assert desk.engine.next_wakeup() == 0
        events += outcome.events
        slices += 1
    return [*events, *outcome.events], slices


@pytest.mark.parametrize("clock", ["always", "exchange"])
@pytest.mark.parametrize("wait", [3 * 3600.0, 1.2 * DAY], ids=["当天", "跨日"])
def test_slicing_changes_nothing(
    make_desk: Make, monkeypatch: pytest.MonkeyPatch, clock: str, wait: float
) -> None:
    """一次做完、分几段、分许多段、段间重启，事件与账本都一样。"""
    found = []
    for work, reopen in ((10**9, False), (500, False), (1, False), (300, True)):
        desk = make_desk(clock=clock, positions=HELD, cash_li=10**13)
        fill_the_book(desk)
        desk.clock.advance(wait)
        monkeypatch.setattr(engine_module, "_SLICE_WORK", work)
        if reopen:
            desk.reopen()
            slices = 1
            while desk.engine.next_wakeup() == 0:
                desk.reopen()
                slices += 1
            events = None
        else:
            events, slices = drain(desk)
        found.append((events, desk.snapshot(), stored(desk)))
        assert (slices > 1) == (work < 10**9)
    whole = found[0]
    assert len(whole[2][1]) > 20
    for other in found[1:3]:
        assert other == whole
    assert found[3][1:] == whole[1:]
    ticks = [event.row.traded_time for event in whole[0] if event.kind == "trade"]
    assert ticks == sorted(ticks)


def test_opening_and_advancing_do_a_slice_at_a_time(
    make_desk: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(cash_li=10**13, positions=HELD)
    fill_the_book(desk)
    monkeypatch.setattr(engine_module, "_SLICE_WORK", 5)
    monkeypatch.setattr(engine_module, "_CALL_WORK", 5)
    desk.engine.close()
    desk.clock.advance(DAY)
    desk.engine = Engine(desk.folder, desk.clock)
    assert desk.engine.next_wakeup() == 0
    before = desk.engine._counter.state.progress.order_id
    rows = desk.orders()  # 查询答的是做到的那一刻
    assert rows[0].order_id == before - len(rows) + 1
    refused = desk.buy(CODE, 100, 0.0, 44)
    assert refused.answer.order_id == -1
    assert "补撮合" in refused.answer.error_msg
    cancelled = desk.cancel(before)
    assert cancelled.answer.cancel_result == -1
    assert "补撮合" in cancelled.answer.error_msg
    assert desk.engine._counter.state.progress.order_id == before
    with desk.engine.transaction():
        desk.engine.advance()
        desk.engine.advance()
    drain(desk)
    assert desk.orders() == []
    assert desk.buy(CODE, 100, 0.0, 44).answer.order_id == before + 1


def test_the_host_serves_between_slices_and_advances_to_the_end(
    make_desk: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(cash_li=10**13, positions=HELD)
    fill_the_book(desk)
    desk.engine.close()
    host = Host(desk.folder, desk.clock)
    try:
        monkeypatch.setattr(engine_module, "_SLICE_WORK", 5)
        desk.clock.advance(DAY)
        assert host.control("status")["sessions"] == []
        host.advance()
        engine = host.call(lambda: host._live._engine)
        assert host.call(engine.next_wakeup) is None  # 全部到期，没有挂单了
    finally:
        host.close()


def test_a_group_shares_one_allowance(make_desk: Make) -> None:
    desk = make_desk(cash_li=10**13, positions=HELD)
    fill_the_book(desk)
    desk.clock.advance(6 * 3600)
    spent = []
    with desk.engine.transaction():
        for _ in range(3):
            desk.orders()
            spent.append(desk.engine._budget.left)
    assert spent[0] == spent[1] == spent[2] < engine_module._CALL_WORK


def test_a_slice_stops_near_its_allowance(make_desk: Make) -> None:
    desk = make_desk(cash_li=10**13, positions=HELD)
    fill_the_book(desk)
    desk.clock.advance(20 * 3600)
    slices = 0
    while True:
        budget = Budget(500)
        desk.engine._counter.advance(desk.clock.now(), budget)
        slices += 1
        assert budget.left > -300
        if not desk.engine._counter.lagging:
            break
    assert slices > 3


def test_many_positions_over_many_days_come_in_slices(make_desk: Make) -> None:
    """四百只持仓隔两个月：每一段不多过几天，多停几次结果一样。"""
    held = tuple((f"{number}.SH", 100, 1_000_000) for number in range(600000, 600400))
    desk = make_desk(positions=held)
    desk.clock.advance(60 * DAY)
    days = []
    while True:
        before = desk.engine._counter.state.progress.day
        lagging = desk.engine.advance().answer
        days.append(desk.engine._counter.state.progress.day - before)
        if not lagging:
            break
    assert max(days) <= 5
    assert sum(days) == 60


def test_catching_up_far_orders_looks_at_no_tick(desk: Desk) -> None:
    desk.buy(CODE, 100, yuan(desk.quote(CODE).limit_down_li))
    looked = []
    market = desk.engine._market
    original = market.path
    market.path = lambda *args: looked.append(args) or original(*args)
    desk.clock.advance(12 * 3600)
    desk.engine.advance()
    assert looked == []


def test_many_codes_overnight(make_desk: Make) -> None:
    """三百只证券各挂一笔，隔 23 小时：数活的份数，不数秒。"""
    desk = make_desk(start=1795104600.0, cash_li=10**14)
    for number in range(600000, 600300):
        code = f"{number}.SH"
        quote = desk.engine._counter.quote(parse_security(code))
        desk.buy(code, 100, yuan(max(quote.bids[0].price_li - 300, quote.limit_down_li)))
    desk.clock.advance(23 * 3600)
    budget = Budget(10**9)
    desk.engine._counter.advance(desk.clock.now(), budget)
    assert len(desk.engine._counter.state.trades_of[ACCOUNT]) > 20
    assert 10**9 - budget.left < 200_000


def test_odd_lot_of_a_fund_is_settled_to_the_fen(make_desk: Make) -> None:
    desk = make_desk(positions=(("162411.SZ", 137, 82_200),), cash_li=10**9)
    while (bid := desk.quote("162411.SZ").bids[0].price_li) % 10 == 0:
        desk.clock.advance(60)
    outcome = desk.sell("162411.SZ", 137, yuan(bid))
    assert kinds(outcome) == [50, "trade", 56]
    exact = bid * 137
    assert exact % 10
    rounded = (exact + 5) // 10 * 10
    trade, order = outcome.events[1].row, outcome.events[2].row
    assert round(trade.traded_amount * 1000) == rounded
    assert order.traded_price == yuan(bid)
    assert round(desk.asset().cash * 1000) == 10**9 + rounded - 5000
    desk.reopen()
    assert desk.trades() == [trade]
