"""收不收（I1–I9）：每条规则收下的与拒绝的，拒绝带柜台的文字。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import (
    ACCOUNT,
    BOND,
    SHENZHEN,
    STAR,
    Desk,
    bond,
    refusal,
    shenzhen,
    star,
)

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., Desk]

ALL = {STAR: star(), SHENZHEN: shenzhen(), BOND: bond()}


@pytest.mark.parametrize(
    ("rule", "code", "volume", "price", "number", "text"),
    [
        ("I3", STAR, 500, 25.6, 0, ""),
        ("I3", STAR, 9000, 25.6, 0, ""),
        ("I3", STAR, 600, 25.6, -150904070, "委托数量必须是每手股(张)数的倍数"),
        ("I3", STAR, 200, 25.6, 1218, "委托数量不在合法区间内"),
        ("I3", STAR, 9500, 25.6, 1218, "委托数量不在合法区间内"),
        ("I4", SHENZHEN, 16500, 10.01, 0, ""),
        ("I4", SHENZHEN, 17000, 10.01, 1218, "500-16500"),
        ("I5", BOND, 10, 100.0, 0, ""),
        ("I5", BOND, 10000, 100.0, 0, ""),
        ("I5", BOND, 15, 100.0, -150904070, "委托数量必须是每手股(张)数的倍数"),
        ("价", STAR, 500, 25.59, 1221, "issue_price=25.60"),
        ("价", STAR, 500, 25.61, 1221, "价格不在合法区间内"),
        ("价", STAR, 500, 25.6001, 1221, "价格不在合法区间内"),
        ("码", "787999.SH", 500, 25.6, -990221020, "无此证券代码"),
    ],
)
def test_volume_and_price(
    open_desk: Open, rule: str, code: str, volume: int, price: float, number: int, text: str
) -> None:
    got, said = refusal(open_desk(ALL).apply(code, volume, price))
    assert got == number, said
    assert text in said


def test_selling_and_market_orders_are_refused(open_desk: Open) -> None:
    desk = open_desk(ALL)
    assert refusal(desk.apply(STAR, 500, 25.6, side=24))[0] == 251005
    assert refusal(desk.apply(SHENZHEN, 500, 10.01, side=24))[0] == 251005
    assert refusal(desk.apply(STAR, 500, 25.6, kind=42))[0] == 1224
    assert refusal(desk.apply(STAR, 500, 25.6, kind=5))[0] == 1224
    assert refusal(desk.apply(STAR, 500, 25.6))[0] == 0


def test_i6_once_per_issue_and_account(open_desk: Open) -> None:
    desk = open_desk(ALL)
    assert refusal(desk.apply(STAR, 500, 25.6))[0] == 0
    number, text = refusal(desk.apply(STAR, 500, 25.6))
    assert (number, "重复申购" in text) == (1229, True)
    desk.reopen()
    assert refusal(desk.apply(STAR, 1000, 25.6))[0] == 1229
    assert refusal(desk.apply(SHENZHEN, 500, 10.01))[0] == 0, "另一只不相干"
    rejected = desk.apply(BOND, 15, 100.0)
    assert refusal(rejected)[0] != 0
    assert refusal(desk.apply(BOND, 10, 100.0))[0] == 0, "废单不算申购过"


def test_i6_cannot_be_cancelled(open_desk: Open) -> None:
    desk = open_desk(ALL)
    for code, price in ((STAR, 25.6), (SHENZHEN, 10.01)):
        order_id = desk.apply(code, 500, price).answer.order_id
        outcome = desk.cancel(order_id)
        assert outcome.answer.cancel_result == 0
        [event] = outcome.events
        assert event.kind == "cancel_error"
        assert "申购委托不能撤单" in event.row.error_msg
        desk.reopen()
        assert [each.kind for each in desk.cancel(order_id).events] == ["cancel_error"]
        assert desk.order(order_id).order_status == 50


@pytest.mark.parametrize(
    ("code", "price", "clock", "number"),
    [
        (STAR, 25.6, "09:20", 12313),
        (STAR, 25.6, "09:29", 12313),
        (STAR, 25.6, "09:30", 0),
        (STAR, 25.6, "11:30", 12313),
        (STAR, 25.6, "13:00", 0),
        (STAR, 25.6, "14:59", 0),
        (STAR, 25.6, "15:00", 12313),
        (SHENZHEN, 10.01, "09:14", 12313),
        (SHENZHEN, 10.01, "09:15", 0),
        (SHENZHEN, 10.01, "09:27", 0),
        (SHENZHEN, 10.01, "12:00", 12313),
        (SHENZHEN, 10.01, "14:58", 0),
        (SHENZHEN, 10.01, "15:10", 12313),
        (BOND, 100.0, "09:20", 12313),
        (BOND, 100.0, "10:00", 0),
    ],
)
def test_i9_hours(open_desk: Open, code: str, price: float, clock: str, number: int) -> None:
    desk = open_desk(ALL, start="2026-11-13")
    desk.go("2026-11-16", clock)
    assert refusal(desk.apply(code, 500, price))[0] == number


@pytest.mark.parametrize("code", [STAR, SHENZHEN, BOND])
def test_i9_only_on_the_day(open_desk: Open, code: str) -> None:
    desk = open_desk({code: {**ALL[code], "date": "2026-11-17"}})
    for day, number in (("2026-11-16", 12313), ("2026-11-17", 0), ("2026-11-18", 12313)):
        desk.go(day)
        got, text = refusal(desk.apply(code, 500, ALL[code]["price"]))
        assert got == number
        assert ("不是申购日" in text) == (number != 0)


def test_i7_no_money_is_needed_or_frozen(open_desk: Open) -> None:
    desk = open_desk(ALL, cash_li=0)
    outcome = desk.apply(STAR, 9000, 25.6)
    assert refusal(outcome)[0] == 0
    assert (desk.account.cash_li, desk.account.frozen_li) == (0, 0)


def test_a_credit_account_cannot(open_desk: Open) -> None:
    desk = open_desk(ALL, account_type=3)
    number, text = refusal(desk.apply(STAR, 500, 25.6))
    assert (number, "信用账户不能申购" in text) == (1229, True)
    assert set(desk.limits().values()) == {0}


def test_a_payment_past_the_calendar_counts_weekdays(open_desk: Open) -> None:
    """2026-12-31 是日历的最后一天；此后周一至周五都算，缴款日是 2027-01-01（周五）。"""
    desk = open_desk({STAR: star(date="2026-12-30", listing="2027-01-20")}, start="2026-12-30")
    assert refusal(desk.apply(STAR, 500, 25.6))[0] == 0
    with pytest.raises(SimulatorError, match="缴款日 2027-01-01 不在上市日 2027-01-01 之前"):
        open_desk({STAR: star(date="2026-12-30", listing="2027-01-01")}, start="2026-12-30")


def test_the_order_works_all_day_and_is_done_at_the_end(open_desk: Open) -> None:
    desk = open_desk(ALL)
    outcome = desk.apply(STAR, 9000, 25.6)
    row = outcome.events[0].row
    assert (row.order_status, row.price_type, row.price) == (50, 54, 25.6)
    assert (row.stock_code, row.order_volume, row.traded_volume) == (STAR, 9000, 0)
    assert (row.strategy_name, row.order_remark, row.order_type) == ("打新", "备注", 23)
    assert row.order_sysid
    desk.reopen()
    desk.go("2026-11-16", "15:30")
    assert desk.order(row.order_id) == row, "当天一直是已报，重启也是"
    [event] = desk.go("2026-11-17")
    done = event.row
    assert (done.order_id, done.order_status) == (row.order_id, 56)
    assert (done.traded_volume, done.traded_price) == (9000, 0.0)
    assert desk.account.fees_li == 0


def give_up(day: str, code: str) -> dict[str, Any]:
    return star(date=day, listed_code=code, price=25.6, listing="2026-12-30")


def test_i8_three_give_ups_in_twelve_months(open_desk: Open) -> None:
    days = ("2026-03-02", "2026-03-03", "2026-03-04")
    issues = {f"78780{n}.SH": give_up(day, f"68880{n}.SH") for n, day in enumerate(days)}
    late = {"787810.SH": "2026-09-02", "787811.SH": "2026-09-03"}
    issues |= {code: give_up(day, code.replace("787", "688")) for code, day in late.items()}
    issues["787812.SH"] = give_up("2026-03-05", "688812.SH")
    desk = open_desk(issues, cash_li=1000, start="2026-03-02")
    for n, day in enumerate(days):
        desk.go(day)
        assert refusal(desk.apply(f"78780{n}.SH", 500, 25.6))[0] == 0
    desk.go("2026-03-05")
    assert refusal(desk.apply("787812.SH", 500, 25.6))[0] == 0, "第三次还没有到缴款日"
    desk.go("2026-09-02")  # 3-9 是最近一次缴款日（第四次），其后 180 天到 9-5
    number, text = refusal(desk.apply("787810.SH", 500, 25.6))
    assert (number, "3 次中签未足额缴款" in text) == (1229, True)


@pytest.mark.parametrize(("day", "number"), [("2026-09-02", 1229), ("2026-09-03", 0)])
def test_i8_the_ban_ends_after_180_days(open_desk: Open, day: str, number: int) -> None:
    """三次的缴款日是 3-4、3-5、3-6；3-6 的次日起 180 天，最后一天是 9-2。"""
    days = ("2026-03-02", "2026-03-03", "2026-03-04")
    issues = {f"78780{n}.SH": give_up(each, f"68880{n}.SH") for n, each in enumerate(days)}
    issues["787810.SH"] = give_up(day, "688810.SH")
    desk = open_desk(issues, cash_li=1000, start="2026-03-02")
    for n, each in enumerate(days):
        desk.go(each)
        assert refusal(desk.apply(f"78780{n}.SH", 500, 25.6))[0] == 0
    desk.go(day)
    assert len([each for each in desk.line.subscriptions(ACCOUNT).values() if each.gave_up]) == 3
    assert refusal(desk.apply("787810.SH", 500, 25.6))[0] == number


def test_i1_i2_the_unit_of_the_main_board_is_dated(open_desk: Open) -> None:
    entry = {"listed_code": "600801.SH", "price": 8, "max": 9000, "name": "主板", "wins": 0}
    new = {**entry, "date": "2026-11-16", "listing": "2026-11-25"}
    desk = open_desk({"730801.SH": new})
    assert refusal(desk.apply("730801.SH", 500, 8.0))[0] == 0
    old = {**entry, "date": "2023-02-16", "listing": "2023-02-28"}
    before = open_desk({"730801.SH": old}, start="2023-02-16")
    assert refusal(before.apply("730801.SH", 500, 8.0))[0] == 1218
    assert refusal(before.apply("730801.SH", 1500, 8.0))[0] == -150904070
    assert refusal(before.apply("730801.SH", 1000, 8.0))[0] == 0
    custom = open_desk({"730801.SH": {**new, "step": 1000, "min": 2000}})
    assert refusal(custom.apply("730801.SH", 1000, 8.0))[0] == 1218
    assert refusal(custom.apply("730801.SH", 2000, 8.0))[0] == 0
