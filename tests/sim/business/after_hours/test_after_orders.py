"""收不收：一条规则至少一笔收下的、一笔拒绝的，用例名里是编号（``rules.after_hours``）。"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from after_helpers import (
    AFTER_BUY,
    BOARDS,
    CHINEXT,
    ETF,
    SH,
    STAR,
    SZ,
    buy,
    conserved,
    go,
    refusal,
    sell,
)
from counter_desk import Desk, kinds

from easytrader.sim.config.instruments import FILE_NAME, RULES_NAME

Make = Callable[..., Desk]
NONE = "[12314][该证券没有盘后固定价格交易]"
TIME = "[12313][当前时间不允许此类证券交易]"


@pytest.mark.parametrize("clock", ["exchange", "step"])
@pytest.mark.parametrize(
    ("rule", "code", "day", "accepted"),
    [
        ("H1", STAR, "2019-07-22", True),
        ("H1", "689009.SH", "2026-07-03", True),
        ("H1", STAR, "2019-07-19", False),
        ("H2", CHINEXT, "2020-08-24", True),
        ("H2", CHINEXT, "2020-08-21", False),
        ("H3", SH, "2026-07-06", True),
        ("H3", SH, "2026-07-03", False),
        ("H3", SZ, "2026-07-06", True),
        ("H3", SZ, "2026-07-03", False),
        ("H4", ETF, "2026-07-06", True),
        ("H4", "159915.SZ", "2026-07-06", True),
        ("H4", ETF, "2026-07-03", False),
        ("H4", "162411.SZ", "2026-11-20", False),
        ("H4", "508000.SH", "2026-11-20", False),
        ("没有", "920002.BJ", "2026-11-20", False),
        ("没有", "113050.SH", "2026-11-20", False),
        ("没有", "204001.SH", "2026-11-20", False),
    ],
)
def test_boards_and_dates(
    make_after: Make, rule: str, code: str, day: str, accepted: bool, clock: str
) -> None:
    outcome = buy(make_after(f"{day} 10:00", clock=clock), code, 1000, "last")
    text = refusal(outcome)
    assert text == "" if accepted else NONE in text


@pytest.mark.parametrize(
    ("code", "clock", "accepted"),
    [
        *((code, "09:14:59", False) for code in BOARDS),
        *((code, "09:15", code in (SZ, CHINEXT)) for code in BOARDS),
        *((code, "09:22", code in (SZ, CHINEXT)) for code in BOARDS),
        *((code, "09:29:59", code in (SZ, CHINEXT)) for code in BOARDS),
        *((code, "09:30", True) for code in BOARDS),
        *((code, "11:29:59", True) for code in BOARDS),
        *((code, "11:30", False) for code in BOARDS),
        *((code, "12:59:59", False) for code in BOARDS),
        *((code, "13:00", True) for code in BOARDS),
        *((code, "14:58", True) for code in BOARDS),
        *((code, "15:00", True) for code in BOARDS),
        *((code, "15:04:59", True) for code in BOARDS),
        *((code, "15:29:59", True) for code in BOARDS),
        *((code, "15:30", False) for code in BOARDS),
        *((code, "20:00", False) for code in BOARDS),
    ],
)
def test_windows(make_after: Make, code: str, clock: str, accepted: bool) -> None:
    """H5 沪 9:30–11:30、13:00–15:30；H6 深 9:15 起。"""
    text = refusal(buy(make_after(f"2026-11-20 {clock}"), code, 1000))
    assert text == "" if accepted else TIME in text
    if not accepted:
        assert ("收单9:15" if code in (SZ, CHINEXT) else "收单9:30") in text


def test_not_on_a_holiday(make_after: Make) -> None:
    """周六；账本里的交易日还是周五。"""
    desk = make_after("2026-11-21 10:00")
    assert TIME in refusal(buy(desk, SH, 100))
    assert TIME in refusal(buy(make_after("2026-10-01 15:10"), SH, 100))


@pytest.mark.parametrize(
    ("code", "clock", "accepted"),
    [
        (SH, "11:29:59", True),
        (SH, "11:45", False),
        (SH, "14:58", True),
        (SH, "15:02", True),
        (SH, "15:29:59", True),
        (SH, "15:30", False),
        (SZ, "09:22", True),
        (SZ, "09:27", True),
        (SZ, "12:00", False),
        (SZ, "14:59", True),
        (SZ, "15:20", True),
        (SZ, "15:31", False),
    ],
)
def test_cancel_windows(make_after: Make, code: str, clock: str, accepted: bool) -> None:
    """H5、H6：没成交的在收单的时候可以撤，15:30 为止；竞价不能撤的时候与它无关。"""
    desk = make_after("2026-11-20 09:16" if code == SZ else "2026-11-20 09:31")
    before = desk.asset()
    order_id = buy(desk, code, 1000, "down").answer.order_id
    assert desk.asset().cash < before.cash
    go(desk, clock)
    outcome = desk.cancel(order_id)
    assert outcome.answer.cancel_result == 0
    if accepted:
        assert kinds(outcome) == [51, 54]
        assert desk.asset() == before
        assert "251020" in desk.cancel(order_id).events[0].row.error_msg
    else:
        assert kinds(outcome) == ["cancel_error"]
        assert "当前时间不允许做该项业务" in outcome.events[0].row.error_msg
        assert desk.order(order_id).order_status == 50


@pytest.mark.parametrize("kind", [5, 42, 43, 44, 45, 46, 47, 48])
def test_limit_price_only(make_after: Make, kind: int) -> None:
    desk = make_after("2026-11-20 15:10")
    assert "[1224][盘后固定价格只收限价]" in refusal(buy(desk, SZ, 100, kind=kind))
    assert refusal(buy(desk, SZ, 100)) == ""


def test_the_daily_band_and_the_tick_apply_but_not_the_cage(make_after: Make) -> None:
    desk = make_after()
    quote = desk.quote(SH)
    up, down = quote.limit_up_li / 1000, quote.limit_down_li / 1000
    assert "超过涨停价格" in refusal(buy(desk, SH, 100, round(up + 0.01, 2)))
    assert "超过跌停价格" in refusal(sell(desk, SH, 100, round(down - 0.01, 2)))
    assert "小数价格应为2位" in refusal(buy(desk, SH, 100, round(up - 0.005, 3)))
    assert "[1024]" in refusal(desk.buy(SH, 100, up)), "连续竞价有笼子"
    assert refusal(buy(desk, SH, 100, up)) == ""
    assert desk.orders()[-1].price_type == 50


@pytest.mark.parametrize(
    ("code", "volume", "text"),
    [
        (SH, 1_000_000, ""),
        (SH, 1_000_100, "单笔上限1000000"),
        (SH, 150, "100的倍数"),
        (SH, 50, "不能少于100"),
        (STAR, 201, ""),
        (STAR, 199, "不能少于200"),
        (STAR, 1_000_000, ""),
        (STAR, 1_000_001, "单笔上限1000000"),
        (CHINEXT, 1_000_000, ""),
        (CHINEXT, 1_000_100, "单笔上限1000000"),
        (ETF, 1_000_000, ""),
        (ETF, 1_000_100, "单笔上限1000000"),
    ],
)
def test_volumes(make_after: Make, code: str, volume: int, text: str) -> None:
    """H7：单笔 100 万；最少多少、多少递增同竞价（竞价里科创板只到 10 万，创业板 30 万）。"""
    found = refusal(buy(make_after(), code, volume, "last"))
    assert text in found if text else found == ""


@pytest.mark.parametrize(("volume", "taken"), [(32, True), (132, True), (232, True), (50, False)])
def test_odd_lots_are_sold_in_one_order(make_after: Make, volume: int, taken: bool) -> None:
    desk = make_after(positions=((SH, 232, 10**7),))
    assert (refusal(sell(desk, SH, volume)) == "") is taken


def test_cash_is_frozen_at_the_limit(make_after: Make) -> None:
    desk = make_after(cash_li=40_000_000)  # 4 万元
    before = desk.asset().cash
    price = desk.quote(SH).limit_up_li / 1000
    assert refusal(buy(desk, SH, 1000, price)) == ""
    frozen = round(price * 1000 + 5 + price * 1000 * 0.00025 - 5, 2)
    assert desk.asset().frozen_cash >= price * 1000
    assert abs(desk.asset().frozen_cash - frozen) < 10
    assert round(desk.asset().cash + desk.asset().frozen_cash, 2) == before
    assert "[260200][可用资金不足]" in refusal(buy(desk, SH, 1000, price))
    conserved(desk, 40_000_000)


def test_shares_are_frozen_and_t_plus_one(make_after: Make) -> None:
    desk = make_after(positions=((SH, 1000, 10**7),))
    assert desk.buy(SH, 1000, desk.quote(SH).asks[1].price_li / 1000).events[-1].row.order_status
    assert refusal(sell(desk, SH, 600)) == ""
    assert "[251005]" in refusal(sell(desk, SH, 600)), "当天买的不能卖"
    assert "[251005]" in refusal(desk.sell(SH, 600, desk.quote(SH).bids[0].price_li / 1000))
    assert desk.position(SH).frozen_volume == 600  # type: ignore[union-attr]


def test_a_limit_that_cannot_take_the_close_is_refused_once_it_is_known(make_after: Make) -> None:
    desk = make_after("2026-11-20 15:05", positions=((SH, 1000, 10**7),))
    close = desk.quote(SH).last_li / 1000
    beyond = "[1221][委托价格比收盘价差"
    assert beyond in refusal(buy(desk, SH, 100, round(close - 0.01, 2)))
    assert beyond in refusal(sell(desk, SH, 100, round(close + 0.01, 2)))
    assert refusal(buy(desk, SH, 100, close)) == ""
    assert refusal(sell(desk, SH, 100, close)) == ""


def test_before_five_past_it_is_taken_and_waits(make_after: Make) -> None:
    desk = make_after("2026-11-20 15:04:59")
    close = desk.quote(SH).last_li / 1000
    order_id = buy(desk, SH, 100, round(close - 0.01, 2)).answer.order_id
    assert not go(desk, "15:40")
    assert desk.order(order_id).order_status == 50


def test_there_is_none_around_the_clock(make_after: Make) -> None:
    desk = make_after("2026-11-20 15:10", clock="always")
    text = refusal(buy(desk, SH, 100))
    assert TIME in text
    assert "clock=always没有盘后定价" in text
    assert desk.asset().frozen_cash == 0.0


def test_credit_accounts_are_refused(make_after: Make) -> None:
    desk = make_after(account_type=3)
    answer = buy(desk, SH, 100).answer
    assert answer.order_id == -1
    assert "信用账号不做盘后固定价格" in answer.error_msg
    plain = make_after().submit(27, SH, 100, 35.0).answer
    assert plain.order_id == -1
    assert "1043 盘后定价买入" in plain.error_msg


def test_no_such_security(make_after: Make) -> None:
    desk = make_after()
    for code in ("nonsense", "999999.SH"):
        assert "无此证券代码" in refusal(desk.submit(AFTER_BUY, code, 100, 10.0))


def test_suspended_all_day(make_after: Make) -> None:
    desk = make_after("2026-11-19 10:00")
    facts = {SH: {"suspended": [["2026-11-20", "2026-11-20"]]}}
    (desk.folder.path / FILE_NAME).write_text(json.dumps(facts), encoding="utf-8")
    desk.reopen()
    assert refusal(buy(desk, SH, 100)) == ""
    go(desk, "2026-11-20 10:00")
    assert "[1232][证券停牌]" in refusal(buy(desk, SH, 100, 35.0))


def test_the_daily_cap_of_risk_warned_shares_counts_after_hours(make_after: Make) -> None:
    """P1：竞价与盘后合计。"""
    desk = make_after("2026-11-20 10:00", cash_li=10**13)
    facts = {SH: {"risk_warning": [["2026-01-05", None]]}}
    (desk.folder.path / FILE_NAME).write_text(json.dumps(facts), encoding="utf-8")
    desk.reopen()
    assert refusal(desk.buy(SH, 300_000, desk.quote(SH).bids[-1].price_li / 1000)) == ""
    assert refusal(buy(desk, SH, 200_000)) == ""
    assert "[1229]" in refusal(buy(desk, SH, 100))


@pytest.mark.parametrize(
    ("started", "clock", "accepted"),
    [
        (None, "2026-11-20 15:10", False),  # H8：没有启用
        ("2026-11-20", "2026-11-20 15:10", True),
        ("2026-11-20", "2026-11-20 09:16", True),
        ("2026-11-20", "2026-11-20 15:30", False),
        ("2026-11-23", "2026-11-20 15:10", False),
    ],
)
def test_beijing_when_it_starts(
    make_after: Make, started: str | None, clock: str, accepted: bool
) -> None:
    """H8、H9、H10：启用日写在 rules.json 里。"""
    desk = make_after(clock)
    if started:
        path = desk.folder.path / RULES_NAME
        path.write_text(json.dumps({"bse_after_hours": started}), encoding="utf-8")
        desk.reopen()
    assert (refusal(buy(desk, "920002.BJ", 100)) == "") is accepted
    assert refusal(buy(desk, "920002.BJ", 1_000_001)) != ""
