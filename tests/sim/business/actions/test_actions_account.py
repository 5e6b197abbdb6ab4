"""登记、除权、派发在账上的样子；数目都另算一遍。"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, FUND, Desk

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., Desk]

FEN = Decimal("0.01")


def action(**more: Any) -> dict[str, Any]:
    """周二登记，周三除权除息。"""
    return {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", **more}]}


def dividend(volume: int, cash: str, tax_ppm: int = 0) -> int:
    gross = (volume * Decimal(cash)).quantize(FEN, ROUND_HALF_UP)
    tax = (gross * tax_ppm / 1_000_000).quantize(FEN, ROUND_HALF_UP)
    return int((gross - tax) * 1000)


@pytest.mark.parametrize(
    ("volume", "cash", "tax_ppm"),
    [
        (1055, "0.35", 0),
        (1, "0.004", 0),
        (3, "0.005", 0),
        (777, "1.738333", 0),
        (777, "1.738333", 100_000),
        (123_457, "0.000001", 0),
    ],
)
def test_x2_cash_arrives_on_the_pay_date_to_the_fen(
    open_desk: Open, volume: int, cash: str, tax_ppm: int
) -> None:
    entry = action(cash=float(cash), tax_ppm=tax_ppm, pay="2026-11-20")
    desk = open_desk(entry, {CODE: volume})
    before = desk.account.cash_li
    for day in ("2026-11-17", "2026-11-18", "2026-11-19"):
        desk.go(day)
        assert desk.account.cash_li == before
    desk.go("2026-11-20")
    assert desk.account.cash_li - before == dividend(volume, cash, tax_ppm)
    assert desk.line.income_li(ACCOUNT) == dividend(volume, cash, tax_ppm)
    assert desk.account.positions[CODE].cost_li == volume * 10_000, "红利不减成本"
    assert desk.balance() == 0


def test_cash_is_paid_on_the_ex_date_unless_said(open_desk: Open) -> None:
    desk = open_desk(action(cash=0.35), {CODE: 1000})
    before = desk.account.cash_li
    desk.go("2026-11-18", "09:00")
    assert desk.account.cash_li - before == 350_000


@pytest.mark.parametrize(("volume", "more"), [(1000, 300), (1055, 316), (3, 0), (4, 1)])
def test_gift_shares_come_on_the_ex_date_and_can_be_sold(
    open_desk: Open, volume: int, more: int
) -> None:
    desk = open_desk(action(bonus=1, transfer=2), {CODE: volume})
    desk.go("2026-11-17")
    assert desk.account.positions[CODE].volume == volume
    desk.go("2026-11-18")
    row = desk.held()
    assert row is not None
    assert (row.volume, row.can_use_volume, row.yesterday_volume) == (volume + more,) * 3
    assert desk.account.positions[CODE].cost_li == volume * 10_000, "总成本不变"
    assert row.avg_price == round(volume * 10 / (volume + more), 6)
    desk.trade(24, volume + more)
    assert desk.balance() == 0


def test_bought_on_the_record_date_counts_and_sold_on_it_does_not(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, bonus=10), {CODE: 600})
    desk.go("2026-11-17")
    desk.trade(24, 600)
    desk.trade(23, 200)
    before = desk.account.cash_li
    desk.go("2026-11-18")
    assert desk.account.cash_li - before == 200_000
    assert desk.account.positions[CODE].volume == 400
    assert desk.balance() == 0


def test_bought_or_sold_on_the_ex_date_changes_nothing(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, pay="2026-11-19", tax_ppm=0), {CODE: 600})
    desk.go("2026-11-18")
    desk.trade(24, 600)
    desk.trade(23, 900)
    before = desk.account.cash_li
    desk.go("2026-11-19")
    assert desk.account.cash_li - before == 600_000, "卖掉了也有自己那一份"
    assert desk.balance() == 0


def test_gift_shares_of_a_sold_out_position_open_it_again(open_desk: Open) -> None:
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-19", "transfer": 5}]}
    desk = open_desk(entry, {CODE: 600})
    desk.go("2026-11-18")
    desk.trade(24, 600)
    desk.go("2026-11-19")
    held = desk.account.positions[CODE]
    assert (held.volume, held.cost_li, held.open_date) == (300, 0, "20261119")
    assert desk.balance() == 0


@pytest.mark.parametrize(
    ("ratio", "before", "after"), [([2, 1], 1037, 2074), ([1, 4], 1037, 259), ([3, 2], 5, 7)]
)
def test_fund_splits_keep_the_cost(
    open_desk: Open, ratio: list[int], before: int, after: int
) -> None:
    desk = open_desk({FUND: [{"ex": "2026-11-18", "split": ratio}]}, {FUND: before})
    desk.go("2026-11-17")
    assert desk.account.positions[FUND].volume == before
    desk.go("2026-11-18")
    held = desk.account.positions[FUND]
    assert (held.volume, held.sellable, held.yesterday) == (after,) * 3
    assert held.cost_li == before * 10_000
    desk.trade(24, after, FUND)
    assert desk.balance() == 0


def test_a_merge_that_leaves_less_than_one_unit_is_a_loss(open_desk: Open) -> None:
    desk = open_desk({FUND: [{"ex": "2026-11-18", "split": [1, 4]}]}, {FUND: 3})
    desk.go("2026-11-18")
    assert desk.account.realized_li == -30_000
    assert desk.balance() == 0
    desk.go("2026-11-19")
    assert desk.held(FUND) is None


def test_who_holds_nothing_gets_nothing(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, bonus=1), {"000001.SZ": 1000})
    before = desk.account.cash_li
    desk.go("2026-11-19")
    assert desk.account.cash_li == before
    assert desk.held(CODE) is None


def test_an_action_from_before_the_account_is_not_its_own(open_desk: Open) -> None:
    entry = {CODE: [{"record": "2026-11-10", "ex": "2026-11-11", "pay": "2026-11-19", "cash": 1}]}
    desk = open_desk(entry, {CODE: 1000})
    before = desk.account.cash_li
    desk.go("2026-11-20")
    assert desk.account.cash_li == before


SEVERAL = {
    CODE: [
        {"record": "2026-11-16", "ex": "2026-11-17", "bonus": 3.5, "cash": 0.21},
        {"record": "2026-11-18", "ex": "2026-11-19", "pay": "2026-11-23", "cash": 0.333333},
    ],
    FUND: [
        {"ex": "2026-11-17", "split": [5, 2]},
        {"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.123},
    ],
}


def test_nobody_looking_for_days_is_the_same_as_day_by_day(open_desk: Open) -> None:
    """后一次登记的股数含前一次送的。"""
    held = {CODE: 1055, FUND: 1037}
    slow, fast = open_desk(SEVERAL, held), open_desk(SEVERAL, held)
    for day in ("17", "18", "19", "20", "23", "24"):
        slow.go(f"2026-11-{day}")
        slow.reopen()
        assert slow.balance() == 0
    fast.go("2026-11-24")
    assert fast.account.cash_li == slow.account.cash_li
    for code in held:
        mine, other = fast.account.positions[code], slow.account.positions[code]
        assert (mine.volume, mine.cost_li) == (other.volume, other.cost_li)
    volume, units = 1055 + 369, 1037 * 5 // 2
    cash = dividend(1055, "0.21") + dividend(volume, "0.333333") + dividend(units, "0.123")
    assert fast.line.income_li(ACCOUNT) == cash
    assert fast.balance() == 0


def test_what_was_recorded_stays_when_the_file_is_edited(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, bonus=10), {CODE: 1000})
    desk.go("2026-11-17")
    desk.go("2026-11-17", "23:00")
    desk.engine.close()
    (desk.folder.path / "corporate_actions.json").unlink()
    desk.reopen()
    desk.go("2026-11-18")
    assert desk.account.positions[CODE].volume == 1000, "还没有登记，撤下来的就没有了"


def test_an_unpaid_dividend_survives_the_file(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, pay="2026-11-20"), {CODE: 1000})
    desk.go("2026-11-18")
    (desk.folder.path / "corporate_actions.json").unlink()
    desk.reopen()
    before = desk.account.cash_li
    desk.go("2026-11-20")
    assert desk.account.cash_li - before == 1_000_000
    assert desk.balance() == 0


def test_a_roll_that_was_not_saved_happens_once(open_desk: Open) -> None:
    desk = open_desk(action(cash=1, bonus=10), {CODE: 1000})
    desk.go("2026-11-17")
    before = desk.account.cash_li
    full = [True]
    desk.engine.ask_disk(lambda: full[0])
    with pytest.raises(SimulatorError):
        desk.go("2026-11-18")
    full[0] = False
    desk.go("2026-11-18")
    desk.reopen()
    assert desk.account.cash_li - before == 1_000_000
    assert desk.account.positions[CODE].volume == 2000
    assert desk.balance() == 0


def test_always_open_folders_have_actions_too(open_desk: Open) -> None:
    entry = {CODE: [{"record": "2026-11-21", "ex": "2026-11-22", "cash": 1}]}
    desk = open_desk(entry, {CODE: 1000}, start="2026-11-20", clock="always")
    before = desk.account.cash_li
    desk.go("2026-11-22", "00:01")
    assert desk.account.cash_li - before == 1_000_000
