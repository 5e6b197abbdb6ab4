"""别的行情也一样：回放、稀疏的跳、封死与停牌的日子。"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest
from after_helpers import OPENING, SH, STAR, at, buy, conserved, go, refusal, sell, trades
from counter_desk import Desk

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., Desk]
HELD = ((STAR, 100_000, 10**9), (SH, 100_000, 10**9))
DAY = "2026-03-02"
HEADER = "time,open,high,low,close,volume,amount,preClose"


def minute_bars(last: int) -> str:
    """``last`` 根一分钟线，一天 240 根，收在 90.12。"""
    lines = [HEADER]
    for index in range(last):
        minute = 9 * 60 + 31 + index if index < 120 else 13 * 60 + 1 + index - 120
        close = 90.12 if index == 239 else 90.0 + index % 7 / 100
        stamp = f"{DAY.replace('-', '')}{minute // 60:02d}{minute % 60:02d}00"
        lines.append(f"{stamp},{close:.2f},{close:.2f},{close:.2f},{close:.2f},5000,0,89.00")
    return "\n".join(lines) + "\n"


def replayed(make_after: Make, data: Path, bars: int) -> Desk:
    data.mkdir()
    (data / f"{STAR}.csv").write_text(minute_bars(bars), encoding="utf-8")
    return make_after(f"{DAY} 10:00", positions=HELD[:1], clock="step", replay=str(data))


def test_replayed_bars(make_after: Make, tmp_path: Path) -> None:
    desk = replayed(make_after, tmp_path / "数据", 240)
    up, down = buy(desk, STAR, 50_000), sell(desk, STAR, 50_000)
    assert not trades(go(desk, f"{DAY} 15:04"))
    seen = trades(go(desk, f"{DAY} 15:40"))
    assert {row.order_id for row in seen} == {up.answer.order_id, down.answer.order_id}
    assert {row.traded_price for row in seen} == {90.12}
    conserved(desk, OPENING + 10**9)


def test_no_data_at_the_close_is_a_halt(make_after: Make, tmp_path: Path) -> None:
    desk = replayed(make_after, tmp_path / "数据", 200)
    assert refusal(buy(desk, STAR, 50_000)) == ""
    assert not trades(go(desk, f"{DAY} 15:40"))
    assert desk.orders()[0].order_status == 50


@pytest.mark.parametrize("tick_s", [0.5, 7.0, 60.0, 100.0])
def test_any_tick(make_after: Make, tick_s: float) -> None:
    desk = make_after("2026-11-20 14:00", tick_s=tick_s, positions=HELD)
    for code in (STAR, SH):
        buy(desk, code, 5000)
        sell(desk, code, 5000)
    seen = trades(go(desk, "15:50"))
    assert seen
    assert min(row.traded_time for row in seen) >= at("2026-11-20 15:05")
    assert max(row.traded_time for row in seen) < at("2026-11-20 15:30")
    for row in seen:
        assert row.traded_price == desk.quote(row.stock_code).last_li / 1000
    conserved(desk, OPENING + 2 * 10**9)


def test_sealed_days(make_after: Make) -> None:
    """封着涨停买不到、卖得掉，封着跌停反过来。"""
    desk = make_after("2026-03-02 14:50", limit_days=1.0, positions=HELD, cash_li=10**13)
    sides: set[bool] = set()
    for _ in range(25):
        day = date.fromordinal(desk.engine._counter.state.progress.day).isoformat()
        quote = desk.quote(STAR)
        if not quote.asks or not quote.bids:
            buy(desk, STAR, 200)
            go(desk, f"{day} 15:10")  # 各自来，不互相对上
            bought = bool(desk.trades())
            for row in desk.orders():
                desk.cancel(row.order_id)
            sell(desk, STAR, 200)
            go(desk, f"{day} 15:40")
            sold = any(row.offset_flag == 49 for row in desk.trades())
            up = not quote.asks
            assert (bought, sold) == (not up, up), day
            sides.add(up)
        following = desk.engine._hours.following(desk.engine._counter.state.progress.day)
        go(desk, f"{date.fromordinal(following).isoformat()} 14:50")
    assert sides == {True, False}
