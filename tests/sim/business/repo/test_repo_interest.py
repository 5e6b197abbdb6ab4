"""利息到分、到期日、可用与可取的日子：逐条与日历上数出来的比。

规则 R1：占款从首次交收日（成交的次一交易日，含）到到期交收日（到期日的次一交易日，不含）。
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from repo_helpers import (
    GC001,
    GC002,
    GC003,
    GC004,
    GC007,
    GC014,
    R001,
    days_between,
    go,
    interest,
    lend,
    line_of,
    yuan,
)

from easytrader.market.rules.repo import interest_li
from easytrader.sim.business.repo import schedule
from easytrader.sim.exchange.hours import AlwaysOpen, ExchangeHours

if TYPE_CHECKING:
    from collections.abc import Callable

    from counter_desk import Desk

    Make = Callable[..., Desk]

# 成交日、代码、首次交收、到期（可用）、到期交收（可取）：对着 2026 年的日历手写
CALENDAR = [
    pytest.param("2026-11-16", GC001, "2026-11-17", "2026-11-17", "2026-11-18", 1, id="周一一天"),
    pytest.param("2026-11-19", GC001, "2026-11-20", "2026-11-20", "2026-11-23", 3, id="周四一天"),
    pytest.param("2026-11-19", R001, "2026-11-20", "2026-11-20", "2026-11-23", 3, id="周四深市"),
    pytest.param("2026-11-20", GC001, "2026-11-23", "2026-11-23", "2026-11-24", 1, id="周五一天"),
    pytest.param("2026-11-18", GC002, "2026-11-19", "2026-11-20", "2026-11-23", 4, id="周三两天"),
    pytest.param("2026-11-19", GC002, "2026-11-20", "2026-11-23", "2026-11-24", 4, id="周四两天"),
    pytest.param("2026-11-20", GC003, "2026-11-23", "2026-11-23", "2026-11-24", 1, id="周五三天"),
    pytest.param("2026-11-20", GC004, "2026-11-23", "2026-11-24", "2026-11-25", 2, id="周五四天"),
    pytest.param("2026-11-20", GC007, "2026-11-23", "2026-11-27", "2026-11-30", 7, id="周五七天"),
    pytest.param("2026-11-16", GC014, "2026-11-17", "2026-11-30", "2026-12-01", 14, id="十四天"),
    # 国庆 2026：10-01（周四）到 10-07（周三）休市，09-30 是最后一个交易日，10-08 开市
    pytest.param("2026-09-28", GC001, "2026-09-29", "2026-09-29", "2026-09-30", 1, id="节前三天"),
    pytest.param("2026-09-29", GC001, "2026-09-30", "2026-09-30", "2026-10-08", 8, id="节前两天"),
    pytest.param("2026-09-30", GC001, "2026-10-08", "2026-10-08", "2026-10-09", 1, id="节前一天"),
    pytest.param("2026-09-28", GC003, "2026-09-29", "2026-10-08", "2026-10-09", 10, id="跨节三天"),
    pytest.param("2026-09-30", GC007, "2026-10-08", "2026-10-08", "2026-10-09", 1, id="跨节七天"),
    pytest.param("2026-09-30", GC014, "2026-10-08", "2026-10-14", "2026-10-15", 7, id="跨节十四"),
    # 中秋 2026-09-25（周五）休市
    pytest.param("2026-09-23", GC001, "2026-09-24", "2026-09-24", "2026-09-28", 4, id="中秋前"),
]


@pytest.mark.parametrize(("day", "code", "first", "due", "free", "days"), CALENDAR)
def test_money_comes_back_with_interest(
    make_repo: Make, day: str, code: str, first: str, due: str, free: str, days: int
) -> None:
    assert days == days_between(first, free), "用例自己数错了"
    desk = make_repo(f"{day} 10:00")
    before = yuan(desk.asset().cash)
    outcome = lend(desk, code, 2000)
    [order] = desk.orders()
    fee = yuan(sum(trade.commission for trade in desk.trades()))
    out = before - Decimal(200_000) - fee
    row = desk.asset()
    assert (yuan(row.cash), row.frozen_cash) == (out, 0.0)
    assert yuan(row.fetch_balance) == out
    assert yuan(row.total_asset) == before - fee, "借出的本金在总资产里"
    assert order.traded_volume == 2000

    earned = interest(outcome, days)
    assert earned > 0
    go(desk, f"{_before(due)} 14:00")
    if _before(due) > day:
        assert yuan(desk.asset().cash) == out, "到期之前没有回来"
    go(desk, f"{due} 09:00")
    row = desk.asset()
    assert yuan(row.cash) == before - fee + earned, "到期日开市前就可用"
    assert yuan(row.total_asset) == before - fee + earned
    assert yuan(row.fetch_balance) == out, "到期日还不能取"
    assert line_of(desk).held_li("880000001") == 0
    go(desk, f"{free} 09:00")
    row = desk.asset()
    assert yuan(row.fetch_balance) == before - fee + earned, "到期交收日可取"


def _before(day: str) -> str:
    """前一个交易日。"""
    from datetime import date

    found = ExchangeHours().previous(date.fromisoformat(day).toordinal())
    return date.fromordinal(found).isoformat()


@pytest.mark.parametrize(
    ("rate_li", "volume", "days", "expected_li"),
    [
        (1500, 10, 1, 40),  # 1000 × 1.5% / 365 = 0.0411
        (1825, 10_000, 1, 50_000),  # 100 万 × 1.825% / 365 = 50 元整
        (5, 10, 1, 0),  # 0.00014 元
        (1825, 1, 1, 10),  # 0.005 元，进一分
        (1824, 1, 1, 0),  # 0.004997 元，舍掉
        (2000, 1000, 3, 16_440),  # 16.4384
        (1730, 123_450, 8, 4_680_950),  # 12,345,000 × 1.73% × 8 / 365 = 4680.953
    ],
)
def test_interest_to_the_fen(rate_li: int, volume: int, days: int, expected_li: int) -> None:
    assert interest_li(rate_li * volume, days) == expected_li


def test_every_day_is_a_trading_day_on_the_default_clock(make_repo: Make) -> None:
    hours = AlwaysOpen()
    for term in (1, 2, 3, 4, 7, 14, 28, 91, 182):
        found = schedule(hours, 739_940, term)
        assert found == (739_940 + term, 739_941 + term, term)
    desk = make_repo(clock="always")
    outcome = lend(desk, "131806.SZ", 100)
    desk.clock.advance(182 * 86400)
    cash = yuan(desk.asset().cash)
    assert cash == Decimal(1_000_000) - Decimal("3.00") + interest(outcome, 182)


def test_an_idle_folder_catches_up_past_both_days(make_repo: Make) -> None:
    """没有人看着到期，过了几个交易日才回来：一次到账，直接可取。"""
    desk = make_repo("2026-11-19 10:00")
    outcome = lend(desk, GC001, 1000)
    go(desk, "2026-11-27 09:31")
    row = desk.asset()
    assert yuan(row.cash) == Decimal(1_000_000) - 1 + interest(outcome, 3)
    assert row.fetch_balance == row.cash


def test_several_orders_several_terms(make_repo: Make) -> None:
    desk = make_repo("2026-11-16 10:00")
    one, two = lend(desk, GC001, 1000), lend(desk, GC007, 2000)
    desk.clock.advance(60)
    three = lend(desk, GC001, 3000)
    fees = Decimal(1) + Decimal(10) + Decimal(3)
    assert line_of(desk).held_li("880000001") == 600_000_000
    go(desk, "2026-11-17 09:00")
    assert line_of(desk).held_li("880000001") == 200_000_000
    short = interest(one, 1) + interest(three, 1)
    assert yuan(desk.asset().total_asset) == Decimal(1_000_000) - fees + short
    go(desk, "2026-11-23 09:00")
    assert yuan(desk.asset().cash) == Decimal(1_000_000) - fees + short + interest(two, 7)
