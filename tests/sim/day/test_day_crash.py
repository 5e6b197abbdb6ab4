"""无人看着、分段、随时重启：一天里的每个时段都一样，什么都不丢。"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from counter_desk import SELL, Desk, yuan
from day_helpers import at, jump, stored, walk

from easytrader.sim.counter import engine as engine_module

Make = Callable[..., Desk]
CODES = ("600036.SH", "000001.SZ", "920002.BJ", "113050.SH", "123107.SZ", "510300.SH")
HELD = tuple((code, 50_000, 10**9) for code in CODES)
MOMENTS = {
    "开盘竞价": (9, 16),
    "不可撤单": (9, 22),
    "静默期": (9, 27),
    "上午": (9, 45),
    "下午": (14, 50),
    "收盘竞价": (14, 58),
}


def orders(desk: Desk) -> None:
    """买卖各几笔，价格高低不一；不收的时段自然是废单。"""
    for code in CODES:
        quote = desk.levels(code)
        for depth in (0, 4):
            desk.buy(code, 2000, yuan(quote.asks[depth].price_li))
            desk.buy(code, 2000, yuan(quote.bids[depth].price_li))
            desk.submit(SELL, code, 2000, yuan(quote.bids[depth].price_li))
    for row in desk.orders()[::3]:
        desk.cancel(row.order_id)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize("until", [at(15, 30), at(9, 10, day=23)], ids=["收盘后", "下一个交易日"])
def test_unattended_is_the_same_as_attended(
    make_day: Make, monkeypatch: pytest.MonkeyPatch, moment: tuple[int, ...], until: float
) -> None:
    """逐跳看着、一步跳过去、分许多小段、每段之间重启：推送与账本都一样。"""
    found: list[tuple[Any, Any, Any]] = []
    for how in ("看着", "一步", "小段", "重启"):
        monkeypatch.setattr(
            engine_module, "_SLICE_WORK", {"小段": 60, "重启": 3000}.get(how, 10**9)
        )
        desk = make_day(*moment, positions=HELD)
        orders(desk)
        events: list[Any] | None
        if how == "看着":
            events = walk(desk, at(15, 0), step=30.0) + jump(desk, until)
        elif how == "重启":
            desk.clock.set(until)
            desk.reopen()
            while desk.engine.next_wakeup() == 0:
                desk.reopen()
            events = None
        else:
            events = jump(desk, until)
        found.append((events, desk.snapshot(), stored(desk)))
    assert found[0] == found[1] == found[2]
    assert found[3][1:] == found[0][1:]
    assert found[0][2][1]  # 有成交


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_crash_loses_nothing_at_any_phase(make_day: Make, moment: tuple[int, ...]) -> None:
    desk = make_day(*moment, positions=HELD)
    orders(desk)
    for clock in ((9, 24, 59), (9, 25), (9, 29), (9, 30), (11, 45), (14, 58), (15, 0), (15, 10)):
        if at(*clock) < desk.clock.now():
            continue
        jump(desk, at(*clock))
        desk.engine._counter.changes.progress = True  # 「现在」平时不单独落盘
        desk.engine._flush()
        before = desk.snapshot(), desk.internals()
        desk.reopen()
        assert (desk.snapshot(), desk.internals()) == before


def test_a_failed_write_at_the_bell_happens_again_in_full(make_day: Make) -> None:
    """9:25 那一步没有写成：内存退回去，下一次从头再来，不多不少。"""
    twin, desk = make_day(9, 16, positions=HELD), make_day(9, 16, positions=HELD)
    orders(twin)
    orders(desk)
    whole = jump(twin, at(9, 25))
    full = iter([True, False])
    desk.engine.ask_disk(lambda: next(full, False))
    desk.clock.set(at(9, 25))
    with pytest.raises(Exception, match="写不进去"):
        desk.engine.advance()
    assert desk.engine.advance().events == tuple(whole)
    assert stored(desk) == stored(twin)


def test_a_store_of_the_first_version_is_upgraded(make_day: Make) -> None:
    desk = make_day(9, 45, positions=HELD)
    orders(desk)
    jump(desk, at(10, 0))
    desk.engine.close()
    db = sqlite3.connect(desk.folder.store_path)
    db.executescript(
        "DROP TABLE queues; ALTER TABLE orders DROP COLUMN ahead;"
        "ALTER TABLE orders DROP COLUMN waiting; "
        "ALTER TABLE orders DROP COLUMN off_book; DROP TABLE records;"
        "ALTER TABLE positions DROP COLUMN spent_li;"
        "DROP TABLE closing_assets; DROP TABLE closing_positions;"
        "ALTER TABLE trades DROP COLUMN interest_li; PRAGMA user_version=1;"
    )
    db.close()
    desk.reopen()
    assert desk.orders()
    assert {row[0] for row in stored(desk)[0]} >= {row.order_id for row in desk.orders()}
    jump(desk, at(15, 1))
    desk.reopen()
    assert desk.trades()
