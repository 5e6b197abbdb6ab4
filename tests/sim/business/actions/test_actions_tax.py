"""X2：卖出时按持股期限补扣的红利税。数目都另算一遍。"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, FUND, Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., Desk]

FEN = Decimal("0.01")


def tax(volume: int, per_share: str, rate: str) -> int:
    """厘。"""
    owed = (volume * Decimal(per_share) * Decimal(rate)).quantize(FEN, ROUND_HALF_UP)
    return int(owed * 1000)


def taken(desk: Desk) -> int:
    """已经补扣的，厘。"""
    return desk.line._tax.bill(ACCOUNT).paid_li


def dividend(record: str, ex: str, **more: Any) -> dict[str, Any]:
    return {CODE: [{"record": record, "ex": ex, **more}]}


@pytest.mark.parametrize(
    ("sell_on", "next_day", "rate"),
    [
        ("2026-11-18", "2026-11-19", "0.2"),
        ("2026-12-16", "2026-12-17", "0.2"),  # 11-16 取得，持到 12-15，正好一个月
        ("2026-12-17", "2026-12-18", "0.1"),  # 一个月零一天
    ],
)
def test_the_holding_period_decides_the_rate(
    open_desk: Open, sell_on: str, next_day: str, rate: str
) -> None:
    desk = open_desk(dividend("2026-11-17", "2026-11-18", cash=0.353), {CODE: 1055})
    desk.go("2026-11-18")
    assert desk.account.cash_li == desk.opening - 1055 * 10_000 + 372_420, "派发时不扣"
    desk.go(sell_on)
    desk.trade(24, 1055)
    before = desk.account.cash_li
    assert taken(desk) == 0, "卖出那天不扣"
    desk.go(next_day)
    expected = tax(1055, "0.353", rate)
    assert taken(desk) == before - desk.account.cash_li == expected
    assert desk.balance() == 0


def test_more_than_a_year_is_free(open_desk: Open) -> None:
    desk = open_desk(dividend("2025-06-17", "2025-06-18", cash=1), {CODE: 600}, start="2025-06-16")
    desk.go("2026-06-16")
    desk.trade(24, 300)  # 一年，还不到「以上」
    desk.go("2026-06-17")
    assert taken(desk) == tax(300, "1", "0.1")
    desk.trade(24, 300)
    desk.go("2026-06-18")
    assert taken(desk) == tax(300, "1", "0.1")
    assert desk.balance() == 0


def test_first_in_first_out_and_only_the_sold_part(open_desk: Open) -> None:
    """老的一批过了一个月，新的一批没有；登记日以后买的没有红利。"""
    desk = open_desk(dividend("2026-12-14", "2026-12-15", cash=0.5), {CODE: 300})
    desk.go("2026-12-14")
    desk.trade(23, 400)
    desk.go("2026-12-18")
    desk.trade(23, 500)
    desk.go("2026-12-21")
    desk.trade(24, 200)
    desk.go("2026-12-22")
    assert taken(desk) == tax(200, "0.5", "0.1")
    desk.trade(24, 500)
    desk.go("2026-12-23")
    last = tax(100, "0.5", "0.1") + tax(400, "0.5", "0.2")
    assert taken(desk) == tax(200, "0.5", "0.1") + last
    desk.trade(24, 500)
    desk.go("2026-12-24")
    assert taken(desk) == tax(200, "0.5", "0.1") + last
    assert desk.balance() == 0


def test_bonus_shares_are_taxed_at_par_and_transfers_are_not(open_desk: Open) -> None:
    desk = open_desk(dividend("2026-11-17", "2026-11-18", cash=0.1, bonus=3), {CODE: 1000})
    more = open_desk(dividend("2026-11-17", "2026-11-18", cash=0.1, transfer=3), {CODE: 1000})
    for each in (desk, more):
        each.go("2026-11-18")
        each.trade(24, 1300)
        each.go("2026-11-19")
        assert each.balance() == 0
    assert taken(desk) == tax(1000, "0.4", "0.2")
    assert taken(more) == tax(1000, "0.1", "0.2")


def test_two_dividends_of_one_lot_add_up(open_desk: Open) -> None:
    actions = {
        CODE: [
            {"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.3},
            {"record": "2026-11-19", "ex": "2026-11-20", "cash": 0.2},
        ]
    }
    desk = open_desk(actions, {CODE: 100})
    desk.go("2026-11-20")
    desk.trade(24, 100)
    desk.go("2026-11-23")
    assert taken(desk) == tax(100, "0.5", "0.2")


@pytest.mark.parametrize("tax_ppm", [0, 100_000])
def test_taxed_at_the_payout_means_not_taxed_again(open_desk: Open, tax_ppm: int) -> None:
    actions = dividend("2026-11-17", "2026-11-18", cash=1, tax_ppm=tax_ppm)
    desk = open_desk(actions, {CODE: 1000})
    desk.go("2026-11-18")
    desk.trade(24, 1000)
    desk.go("2026-11-19")
    assert taken(desk) == 0
    assert desk.line.income_li(ACCOUNT) == 1_000_000 - tax_ppm


def test_funds_and_old_records_are_not_taxed(open_desk: Open) -> None:
    fund = {FUND: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 1}]}
    desk = open_desk(fund, {FUND: 1000})
    desk.go("2026-11-18")
    desk.trade(24, 1000, FUND)
    desk.go("2026-11-19")
    old = open_desk(dividend("2015-09-07", "2015-09-08", cash=1), {CODE: 1000}, start="2015-09-02")
    old.go("2015-09-08")
    old.trade(24, 1000)
    old.go("2015-09-09")
    assert taken(desk) == taken(old) == 0


def test_what_cannot_be_taken_is_owed_and_taken_later(open_desk: Open) -> None:
    desk = open_desk(dividend("2026-11-17", "2026-11-18", cash=1), {CODE: 10_000})
    desk.go("2026-11-18")
    desk.trade(24, 10_000)
    desk.account.cash_li, spent = 50_000, desk.account.cash_li - 50_000
    desk.opening -= spent
    desk.go("2026-11-19")
    assert (taken(desk), desk.account.cash_li) == (50_000, 0)
    assert desk.line.owed_li(ACCOUNT) == 1_950_000
    desk.account.cash_li += 3_000_000
    desk.opening += 3_000_000
    desk.go("2026-11-20")
    assert (taken(desk), desk.account.cash_li) == (2_000_000, 1_050_000)
    assert desk.line.owed_li(ACCOUNT) == 0
    assert desk.balance() == 0


def test_every_step_survives_a_restart_and_days_nobody_looked(open_desk: Open) -> None:
    actions = dividend("2026-11-17", "2026-11-18", cash=0.353, pay="2026-11-20")
    slow, fast = open_desk(actions, {CODE: 1055}), open_desk(actions, {CODE: 1055})
    for desk in (slow, fast):
        desk.go("2026-11-19")
        desk.trade(24, 1000)
    for day in ("19", "20", "23", "24", "25"):
        slow.go(f"2026-11-{day}", "11:00")
        slow.reopen()
    fast.go("2026-11-25", "11:00")
    assert taken(slow) == taken(fast) == tax(1000, "0.353", "0.2")
    assert slow.account.cash_li == fast.account.cash_li
    assert slow.line._tax._lots == fast.line._tax._lots
    assert slow.balance() == fast.balance() == 0
