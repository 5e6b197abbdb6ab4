"""额度：T−2 日之前 20 个交易日的日均市值；数目另算一遍。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import ACCOUNT, BOND, SHENZHEN, STAR, Desk, bond, refusal, shenzhen, star

from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., Desk]

HELD = {"600036.SH": 1000, "688981.SH": 200, "000001.SZ": 1500, "510300.SH": 9000}
SH, SZ = ("600036.SH", "688981.SH"), ("000001.SZ",)


def shares(value_li: int) -> int:
    """每 5000 元 500 股，不足 1 万元没有。"""
    return value_li // 5_000_000 * 500 if value_li >= 10_000_000 else 0


def value(desk: Desk, codes: tuple[str, ...], held: dict[str, int]) -> int:
    return sum(held[code] * desk.quote(code).last_li for code in codes)


def test_the_first_day_counts_what_is_held_now(open_desk: Open) -> None:
    desk = open_desk({STAR: star()}, {}, HELD)
    sh, sz = value(desk, SH, HELD), value(desk, SZ, HELD)
    assert desk.limits() == {"KCB": shares(sh), "SH": shares(sh), "SZ": shares(sz)}
    assert min(desk.limits().values()) > 0


def test_the_average_of_the_days_there_are(open_desk: Open) -> None:
    """记了四天：到 T−2 为止有三天，按三天平均；基金不算。"""
    desk = open_desk({STAR: star()}, {}, HELD, start="2026-11-10")
    closes: list[tuple[int, int]] = []
    for day in ("10", "11", "12"):
        desk.go(f"2026-11-{day}", "15:01")
        closes.append((value(desk, SH, HELD), value(desk, SZ, HELD)))
    desk.go("2026-11-13", "10:00")
    low = desk.quote("600036.SH").bids[4].price_li / 1000
    assert desk.apply("600036.SH", 1000, low, side=24).events[-1].row.order_status == 56
    desk.go("2026-11-16")  # T−2 是 11-12
    desk.reopen()
    sh = sum(each for each, _ in closes) // 3
    sz = sum(each for _, each in closes) // 3
    assert desk.limits() == {"KCB": shares(sh), "SH": shares(sh), "SZ": shares(sz)}


def test_no_more_than_twenty_days_and_unwatched_days_count(open_desk: Open) -> None:
    desk = open_desk({STAR: star(date="2026-11-20", listing="2026-11-30")}, {}, HELD,
                     start="2026-09-01")  # fmt: skip
    desk.go("2026-09-01", "15:01")
    first = value(desk, SZ, HELD)
    desk.go("2026-11-16", "10:00")  # 两个多月没有人看
    desk.go("2026-11-16", "15:01")
    second = value(desk, SZ, HELD)
    desk.go("2026-11-17", "15:01")
    third = value(desk, SZ, HELD)
    desk.go("2026-11-20")  # T−2 是 11-18：没有人看，照 11-17 的
    assert desk.limits()["SZ"] == shares((first * 17 + second + third * 2) // 20)
    records = desk.engine._counter.state.records
    days = [key for kind, _, key in records if kind == "a_share_value"]
    assert len(days) <= 24


@pytest.mark.parametrize(("volume", "right"), [(999, 0), (1000, 1000)])
def test_less_than_ten_thousand_yuan_is_nothing(
    open_desk: Open, monkeypatch: pytest.MonkeyPatch, volume: int, right: int
) -> None:
    monkeypatch.setattr("easytrader.sim.business.subscribe.Quotas._now", lambda *_: volume * 10_000)
    desk = open_desk({STAR: star()}, {})
    assert set(desk.limits().values()) == {right}


def test_the_quota_bounds_the_order(open_desk: Open) -> None:
    desk = open_desk({STAR: star(), SHENZHEN: shenzhen(), BOND: bond()}, {"KCB": 1000, "SZ": 0})
    number, text = refusal(desk.apply(STAR, 1500, 25.6))
    assert (number, "申购额度=1000" in text) == (1229, True)
    assert refusal(desk.apply(STAR, 1000, 25.6))[0] == 0
    assert refusal(desk.apply(SHENZHEN, 500, 10.01))[0] == 1229
    assert refusal(desk.apply(BOND, 10000, 100.0))[0] == 0, "可转债不要市值"


def test_a_written_quota_wins(open_desk: Open) -> None:
    desk = open_desk({STAR: star()}, {"SH": 10_000}, {"000001.SZ": 1500})
    limits = desk.limits()
    assert (limits["SH"], limits["KCB"]) == (10_000, 0)
    assert limits["SZ"] > 0


def test_a_folder_without_the_file_answers_and_records_nothing(open_desk: Open) -> None:
    desk = open_desk(None, None, HELD)
    assert desk.today() == []
    assert desk.limits()["SH"] > 0
    desk.go("2026-11-18")
    assert desk.engine._counter.state.records == {}


def test_the_answer_is_a_number_of_shares_per_market(open_desk: Open) -> None:
    desk = open_desk({STAR: star()}, {}, {})
    assert desk.limits() == {"KCB": 0, "SH": 0, "SZ": 0}
    assert json.dumps(desk.limits())
    assert desk.account.account_id == ACCOUNT
    assert parse_security("688801.SH").stock_code == "688801.SH"


def test_only_todays_issues_are_told(open_desk: Open) -> None:
    late: Any = shenzhen(date="2026-11-17")
    desk = open_desk({STAR: star(), SHENZHEN: late, BOND: bond()})
    assert [row.ipo_code for row in desk.today()] == [STAR, BOND]
    desk.go("2026-11-17")
    [row] = desk.today()
    assert row == (SHENZHEN, "模拟创业", "STOCK", 16500, 500, "20261117", 10.01)
