"""计划：每一种跳过、每一种零股、钱、费用、说错了的目标。"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import pytest
from plan_world import NOW, World, entrust, held, moves, quote, rules

from easytrader.basics.beijing import moment
from easytrader.errors import UsageError
from easytrader.rebalance import Target
from easytrader.rebalance.planning import OPTIONS, parts, sellable

BANK, PINGAN, STAR, BSE, ETF, BOND = (
    "600036.SH", "000001.SZ", "688981.SH", "920002.BJ", "510300.SH", "113050.SH",
)  # fmt: skip


def rich(*quotes: dict[str, Any], **other: Any) -> World:
    return World(1_000_000.0, list(quotes), **other)


# ---- 平常的


def test_weights_become_whole_lots() -> None:
    world = rich(quote(BANK, 35.0), quote(STAR, 50.0), quote(BSE, 20.0), quote(BOND, 110.0))
    plan = world.plan({"600036": 0.1, "688981": 0.1, "920002": 0.1, "113050": 0.1})
    # 100,000 元各是 2857.1、2000、5000、909.1
    assert moves(plan) == {BANK: 2900, STAR: 2000, BSE: 5000, BOND: 910}
    assert plan.skipped == []
    assert [each["id"] for each in plan.orders] == [0, 1, 2, 3]
    bank = next(each for each in plan.orders if each["stock_code"] == BANK)
    assert (bank["price"], bank["value"]) == (35.01, 101_529.0)
    assert bank["fee"] == pytest.approx(25.38 + 1.02)
    assert (bank["before"], bank["target"], bank["after"]) == (0, 2857.14, 2900)


def test_sells_come_first_and_what_is_not_named_is_closed() -> None:
    world = rich(
        quote(BANK, 35.0), quote(PINGAN, 11.0), position=[held(PINGAN, 1050), held(BANK, 100)]
    )
    plan = world.plan({BANK: 0.1})
    assert [each["side_name"] for each in plan.orders] == ["卖出", "买入"]
    assert moves(plan)[PINGAN] == -1050  # 零股一起清掉
    kept = world.plan({BANK: 0.1}, others="keep")
    assert PINGAN not in moves(kept)
    assert rules(kept)[PINGAN] == "not_named"


def test_targets_in_shares_yuan_and_weights_together() -> None:
    world = rich(quote(BANK, 35.0), quote(STAR, 50.0), quote(ETF, 4.0))
    wanted = {BANK: Target(1200, "shares"), STAR: Target(Decimal(50_000), "value"), ETF: 0.04}
    assert moves(world.plan(wanted)) == {BANK: 1200, STAR: 1000, ETF: 10_000}


def test_an_exact_portfolio_needs_nothing() -> None:
    world = World(0.0, [quote(BANK, 35.0)], [held(BANK, 1000)])
    plan = world.plan({BANK: 1.0})
    assert (plan.orders, plan.skipped, plan.turnover, plan.fees) == ([], [], 0, 0)


def test_a_full_portfolio_leaves_room_for_fees_and_the_cushion() -> None:
    """合计 1.0 也做得完：买贵了千分之二还付得起费用。"""
    codes = [f"60{k:04d}.SH" for k in range(40)]
    world = rich(*(quote(code, 10.0 + k) for k, code in enumerate(codes)))
    plan = world.plan(dict.fromkeys(codes, 0.025))
    worst = sum(
        min(math.ceil(each["price"] * 1002), round(each["price"] * 1100)) / 1000 * each["volume"]
        for each in plan.orders
    )
    assert worst + plan.fees * 1.01 <= 1_000_000
    assert plan.cash_after < 20_000
    assert set(rules(plan).values()) <= {"cash"}


def test_buying_power_counts_only_what_the_bid_pays() -> None:
    """卖得便宜了也不透支：卖按买一减余地，买按卖一加余地。"""
    wide = quote(PINGAN, 10.0, bids=[(9.5, 100)], asks=[(10.5, 100)])
    world = World(0.0, [wide, quote(BANK, 20.0)], [held(PINGAN, 1000)])
    plan = world.plan({BANK: 0.98})
    assert moves(plan) == {PINGAN: -1000, BANK: 400}  # 9,500 元只够 400 股


# ---- 钱


def test_the_buffer_is_kept() -> None:
    world = rich(quote(BANK, 35.0))
    plan = world.plan({BANK: 1.0}, cash_buffer=0.1)
    assert plan.cash_buffer == 100_000
    assert plan.cash_after >= 100_000
    assert plan.scale == pytest.approx(0.9)
    assert world.plan({BANK: 0.5}, cash_buffer=0.1).scale == 1.0  # 够的不缩
    yuan = world.plan({BANK: 1.0}, cash_buffer=250_000)
    assert 250_000 <= yuan.cash_after < 255_000


def test_too_little_cash_cuts_every_target_alike() -> None:
    """一只卖不掉的占着六成，其余的按比例分剩下的。"""
    stuck = quote(PINGAN, 10.0, asks=[(0.0, 0)], bids=[(0.0, 0)], volume=0)
    world = World(400_000.0, [stuck, quote(BANK, 35.0), quote(ETF, 4.0)], [held(PINGAN, 60_000)])
    plan = world.plan({BANK: 0.8, ETF: 0.2})
    assert rules(plan)[PINGAN] == "suspended"
    assert plan.scale == pytest.approx(0.4)
    value = {code: moves(plan)[code] * world.quotes[code]["last"] for code in (BANK, ETF)}
    assert value[BANK] == pytest.approx(320_000, abs=3500)
    assert value[ETF] == pytest.approx(80_000, abs=3500)
    assert any("40.00%" in note for note in plan.notes)


def test_what_cash_cannot_buy_is_told() -> None:
    world = World(3_000.0, [quote(BANK, 35.0)], total=10_000.0)
    plan = world.plan({BANK: 0.7})
    assert plan.orders == []
    assert rules(plan) == {BANK: "cash"}
    assert plan.cash_after == 3_000


def test_a_buffer_out_of_reach_sells_what_it_can_and_buys_nothing() -> None:
    world = World(100.0, [quote(BANK, 35.0), quote(PINGAN, 10.0)], [held(PINGAN, 500, 100)])
    plan = world.plan({BANK: 0.5, PINGAN: 0.3}, cash_buffer=4_000)
    assert all(each["side"] == "sell" for each in plan.orders)
    assert plan.notes


def test_money_frozen_elsewhere_is_not_spent() -> None:
    world = World(10_000.0, [quote(BANK, 35.0)], total=100_000.0)
    plan = world.plan({BANK: 0.5})
    assert plan.cash_after >= 0
    assert moves(plan)[BANK] * 35.01 <= 10_000


# ---- 做不了的


NO_SIDE = [(0.0, 0)]


@pytest.mark.parametrize(
    ("changes", "targets", "rule"),
    [
        ({"asks": NO_SIDE, "bids": NO_SIDE, "volume": 0}, {BANK: 0.5}, "suspended"),
        ({"asks": NO_SIDE, "bids": NO_SIDE}, {BANK: 0.5}, "suspended"),  # 盘中停牌
        ({"asks": NO_SIDE, "last": 38.5, "limit_up": 38.5}, {BANK: 0.5}, "limit_up"),
        ({"bids": NO_SIDE, "last": 31.5, "limit_down": 31.5}, {BANK: 0.0}, "limit_down"),
        ({"last": None, "pre_close": None}, {BANK: 0.5}, "no_quote"),
    ],
)
def test_the_book_forbids(changes: dict[str, Any], targets: Any, rule: str) -> None:
    world = World(100_000.0, [quote(BANK, 35.0)], [held(BANK, 100)])
    world.quotes[BANK].update(changes)
    plan = world.plan(targets)
    assert rules(plan) == {BANK: rule}
    assert plan.orders == []


def test_limit_up_can_be_sold_and_limit_down_can_be_bought() -> None:
    up = quote(BANK, 38.5, asks=NO_SIDE, limit_up=38.5)
    down = quote(PINGAN, 9.0, bids=NO_SIDE, limit_down=9.0)
    plan = World(100_000.0, [up, down], [held(BANK, 500)]).plan({BANK: 0.0, PINGAN: 0.5})
    assert moves(plan)[BANK] == -500
    assert moves(plan)[PINGAN] > 0


def test_limit_up_with_someone_selling_can_be_bought() -> None:
    world = World(100_000.0, [quote(BANK, 38.5, limit_up=38.5, asks=[(38.5, 100)])])
    assert moves(world.plan({BANK: 0.5}))[BANK] == 1300


def test_no_book_outside_trading_hours_is_not_a_suspension() -> None:
    evening = moment("2026-11-30 20:00")
    shut = quote(BANK, 35.0, asks=NO_SIDE, bids=NO_SIDE, open=None, volume=0)
    world = World(100_000.0, [shut])
    assert moves(world.plan({BANK: 0.5}, now=evening)) == {BANK: 1400}
    assert rules(world.plan({BANK: 0.5})) == {BANK: "suspended"}


def test_a_code_without_a_quote_does_not_stop_the_rest() -> None:
    world = rich(quote(BANK, 35.0), position=[held(PINGAN, 100, market_value=1000.0)])
    plan = world.plan({BANK: 0.1, STAR: 0.1})
    assert rules(plan) == {PINGAN: "no_quote", STAR: "no_quote"}
    assert moves(plan) == {BANK: 2900}
    [row] = [each for each in plan.weights if each["stock_code"] == PINGAN]
    assert row["before"] == row["after"] == pytest.approx(0.001)


def test_shares_bought_today_stay() -> None:
    world = World(0.0, [quote(BANK, 35.0), quote(PINGAN, 10.0)], [held(BANK, 1000, 300)])
    plan = world.plan({BANK: 0.0, PINGAN: 0.5})
    assert moves(plan)[BANK] == -300
    [skipped] = [each for each in plan.skipped if each["rule"] == "t1"]
    assert (skipped["stock_code"], skipped["wanted"]) == (BANK, 700)
    frozen = World(0.0, [quote(BANK, 35.0)], [held(BANK, 1000, 0)]).plan({BANK: 0.0})
    assert (frozen.orders, rules(frozen)) == ([], {BANK: "t1"})


@pytest.mark.parametrize("status", [48, 49, 50, 51, 52, 55, 255])
def test_a_code_with_an_open_order_is_left_alone(status: int) -> None:
    world = rich(quote(BANK, 35.0), entrusts=[entrust(BANK, status)])
    assert rules(world.plan({BANK: 0.1})) == {BANK: "open_order"}


@pytest.mark.parametrize("status", [53, 54, 56, 57])
def test_a_finished_order_does_not_matter(status: int) -> None:
    world = rich(quote(BANK, 35.0), entrusts=[entrust(BANK, status)])
    assert moves(world.plan({BANK: 0.1})) == {BANK: 2900}


def test_kinds_that_are_not_held_as_shares_are_left_alone() -> None:
    world = World(
        10_000.0,
        [quote(BANK, 35.0), quote("900901", 0.5), quote("204001", 2.0), quote("019666", 100.0)],
        [held("900901", 100), held("204001", 100), held("019666", 1000), held("730001.SH", 1)],
    )
    plan = world.plan({BANK: 0.0})
    assert plan.orders == []
    assert set(rules(plan).values()) == {"untradable"}
    retired = rich(quote("430047.BJ", 10.0)).plan({"430047.BJ": 0.1})
    assert rules(retired) == {"430047.BJ": "untradable"}


def test_a_position_nobody_knows_is_told_and_left_alone() -> None:
    world = rich(quote(BANK, 35.0), position=[held(BANK, 100) | {"stock_code": "GARBAGE"}])
    plan = world.plan({BANK: 0.1})
    assert any("GARBAGE" in note for note in plan.notes)
    assert moves(plan) == {BANK: 2900}


def test_a_risk_warned_stock_has_a_daily_cap() -> None:
    st = "600000.SH"
    world = World(10_000_000.0, [quote(st, 2.0)], entrusts=[entrust(st, 56, 23, 100_000)])
    plan = world.plan({st: 0.5}, risk_warned=["600000"])
    assert moves(plan) == {st: 400_000}
    [skipped] = plan.skipped
    assert (skipped["rule"], skipped["wanted"]) == ("buy_cap", 2_100_000)
    named = World(10_000_000.0, [quote(st, 2.0)], [held(st, 100, security_name="*ST 某某")])
    assert moves(named.plan({st: 0.5})) == {st: 500_000}
    assert moves(World(10_000_000.0, [quote(st, 2.0)]).plan({st: 0.5})) == {st: 2_500_000}


# ---- 零股与最小金额


@pytest.mark.parametrize(
    ("code", "volume", "target", "moved"),
    [
        (PINGAN, 1050, 0, -1050),
        (PINGAN, 50, 0, -50),
        (PINGAN, 1050, 900, -150),  # 零股和整手一起
        (PINGAN, 1050, 950, -100),
        (STAR, 250, 0, -250),
        (STAR, 150, 0, -150),  # 不足 200 一次卖完
        (STAR, 450, 251, -200),  # 199 股不收，卖 200 比不动近
        (STAR, 450, 249, -201),
        (BSE, 60, 0, -60),
        (BSE, 160, 60, -100),
        (BOND, 37, 0, -37),
    ],
)
def test_odd_lots(code: str, volume: int, target: int, moved: int) -> None:
    world = World(0.0, [quote(code, 10.0)], [held(code, volume)])
    plan = world.plan({code: Target(target, "shares")})
    assert moves(plan).get(code, 0) == moved


@pytest.mark.parametrize(
    ("usable", "lot", "found"),
    [
        (1050, (100, 100), {50, 100, 150, 1000, 1050}),
        (50, (100, 100), {50}),
        (300, (100, 100), {100, 200, 300}),
        (150, (200, 1), {150}),
        (0, (200, 1), set()),
        (0, (100, 100), set()),
    ],
)
def test_what_can_be_sold(usable: int, lot: tuple[int, int], found: set[int]) -> None:
    every = {volume for ladder in sellable(usable, *lot) for volume in ladder}
    assert found <= every
    assert max(every, default=0) == usable
    assert all(0 < volume <= usable for volume in every)


def test_less_than_a_lot_is_told() -> None:
    world = rich(quote(STAR, 50.0), quote(BANK, 35.0))
    plan = world.plan({STAR: Target(80, "shares"), BANK: Target(40, "shares")})
    assert plan.orders == []
    assert rules(plan) == {STAR: "below_lot", BANK: "below_lot"}


def test_ordinary_rounding_is_not_told() -> None:
    """手里有而只差零头的不说，可卖不可卖都一样：收敛了的账户没有「没有做的」。"""
    world = World(1_000.0, [quote(BANK, 35.0), quote(PINGAN, 10.0)])
    world.position[:] = [held(BANK, 1000, 0), held(PINGAN, 500, 500)]
    world.account["balance"][0]["total_asset"] = 41_000.0
    for shares in (Target(956, "shares"), Target(1044, "shares"), Target(997, "shares")):
        plan = world.plan({BANK: shares, PINGAN: Target(520, "shares")})
        assert (plan.orders, plan.skipped) == ([], [])
    locked = world.plan({BANK: Target(900, "shares"), PINGAN: Target(500, "shares")})
    assert (rules(locked), locked.skipped[0]["wanted"]) == ({BANK: "t1"}, 100)


def test_shares_that_are_no_whole_lots_are_told() -> None:
    world = rich(quote(BOND, 110.0), quote(BANK, 35.0), quote(ETF, 4.0))
    wanted = {BOND: Target(14, "shares"), BANK: Target(130, "shares"), ETF: Target(100, "shares")}
    plan = world.plan(wanted)
    assert moves(plan) == {BOND: 10, BANK: 100, ETF: 100}
    assert {each["stock_code"]: each["wanted"] for each in plan.skipped} == {BOND: 4, BANK: 30}
    assert {each["rule"] for each in plan.skipped} == {"below_lot"}
    assert plan.options["by"] == "shares"
    assert {each["reason"] for each in plan.orders} == {"目标 14 张", "目标 130 股", "目标 100 份"}
    assert world.plan({BANK: Target(100, "shares"), ETF: 0.1}).options["by"] == "mixed"


def test_small_changes_are_not_made() -> None:
    world = World(
        50_000.0,
        [quote(BANK, 35.0), quote(PINGAN, 10.0), quote(ETF, 4.0)],
        [held(BANK, 1000), held(PINGAN, 100)],
    )
    wanted = {BANK: Target(1100, "shares"), ETF: Target(5000, "shares"), PINGAN: 0.0}
    assert set(moves(world.plan(wanted))) == {BANK, ETF, PINGAN}
    plan = world.plan(wanted, min_turnover=5_000)
    assert set(moves(plan)) == {ETF}
    assert rules(plan) == {BANK: "threshold", PINGAN: "dust"}
    assert all(each["value"] >= 5_000 for each in plan.orders)
    share = world.plan(wanted, min_turnover=0.1)  # 一成是 8,600 元
    assert set(moves(share)) == {ETF}


def test_rounding_never_makes_an_order_below_the_minimum() -> None:
    world = World(100_000.0, [quote(BANK, 33.0)], [held(BANK, 1000)])
    # 差 150 股是 4,950 元，够 4,000；取整成 100 股就不够了
    plan = world.plan({BANK: Target(1150, "shares")}, min_turnover=4_000)
    assert moves(plan) == {BANK: 200}


# ---- 大单


def test_large_orders_are_split_below_the_limit() -> None:
    world = World(1e9, [quote(STAR, 50.0), quote(BANK, 10.0)])
    plan = world.plan({STAR: Target(120_001, "shares"), BANK: Target(2_500_000, "shares")})
    star = [each["volume"] for each in plan.orders if each["stock_code"] == STAR]
    assert sum(star) == 120_001
    assert max(star) <= 50_000
    assert min(star) >= 200
    bank = [each["volume"] for each in plan.orders if each["stock_code"] == BANK]
    assert bank == [833_400, 833_300, 833_300]
    assert all(each["after"] == 2_500_000 for each in plan.orders if each["stock_code"] == BANK)
    text = str(plan)  # 给人看的一只一行
    assert (text.count(BANK), text.count(STAR)) == (1, 1)
    assert "  2,500,000  " in text
    assert "，分 3 笔" in text


@pytest.mark.parametrize(
    ("volume", "most", "step"),
    [(1_000_050, 1_000_000, 100), (1_999_950, 1_000_000, 100), (199, 50, 1), (7, 100, 100)],
)
def test_parts_add_up(volume: int, most: int, step: int) -> None:
    found = parts(volume, most, step)
    assert sum(found) == volume
    assert max(found) <= most
    assert all(each % step == 0 for each in found[:-1])


# ---- 数目


def test_the_numbers_add_up() -> None:
    world = World(
        80_000.0,
        [quote(BANK, 35.0), quote(PINGAN, 10.0), quote(ETF, 4.0)],
        [held(PINGAN, 5000), held(BANK, 300)],
    )
    plan = world.plan({BANK: 0.5, ETF: 0.3})
    sold = sum(each["value"] for each in plan.orders if each["side"] == "sell")
    bought = sum(each["value"] for each in plan.orders if each["side"] == "buy")
    assert plan.fees == pytest.approx(sum(each["fee"] for each in plan.orders))
    assert plan.cash_after == pytest.approx(80_000 + sold - bought - plan.fees)
    assert plan.turnover == pytest.approx((sold + bought) / plan.total_asset)
    assert plan.weights[-1]["stock_code"] == "现金"
    assert sum(each["before"] for each in plan.weights) == pytest.approx(1)
    assert plan.holdings == {PINGAN: 5000, BANK: 300}


def test_fees_follow_the_brokers_commission() -> None:
    world = rich(quote(BANK, 35.0))
    [order] = world.plan({BANK: 0.1}, commission=0.0001, min_commission=0).orders
    assert order["fee"] == pytest.approx(10.15 + 1.02)
    [small] = world.plan({BANK: Target(100, "shares")}).orders
    assert small["fee"] == pytest.approx(5 + 0.04)


def test_the_same_question_has_the_same_answer() -> None:
    world = rich(quote(BANK, 35.0), quote(STAR, 50.0), quote(ETF, 4.0))
    wanted = {BANK: 0.4, STAR: 0.3, ETF: 0.3}
    assert world.plan(wanted) == world.plan(wanted)
    assert world.plan(wanted).plan_id != world.plan(wanted, now=NOW + 1).plan_id


# ---- 说错了的


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ({BANK: 0.6, PINGAN: 0.5}, "合计不能超过 1"),
        ({BANK: 30}, "30% 写 0.3"),
        ({BANK: -0.1}, "不能小于 0"),
        ({BANK: float("nan")}, "不小于 0 的数"),
        ({BANK: float("inf")}, "不小于 0 的数"),
        ({BANK: "0.3"}, "不小于 0 的数"),
        ({BANK: None}, "不小于 0 的数"),
        ({BANK: True}, "不小于 0 的数"),
        ({"600036": 0.1, "sh600036": 0.1}, "同一只"),
        ({"999999": 0.1}, "后缀"),
        ({"000300.SH": 0.1}, "指数"),
        ({"1": 0.1}, "丢了开头的 0"),
        ({1: 0.1}, "字符串"),
        ({}, "一只也没有"),
        ([BANK], "字典"),
        (None, "字典"),
        ({BANK: Target(100, "shares"), PINGAN: 1.2}, "不超过 1"),
    ],
)
def test_wrong_targets_are_refused(targets: Any, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        rich(quote(BANK, 35.0)).plan(targets)
    assert caught.value.argument == "targets"


def test_rounded_weights_may_add_up_to_a_little_more_than_one() -> None:
    codes = [f"60{k:04d}.SH" for k in range(300)]
    world = World(1e8, [quote(code, 10.0) for code in codes])
    plan = world.plan(dict.fromkeys(codes, 0.003336))  # 合计 1.0008
    assert plan.cash_after >= 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("by", "percent"), ("others", "sell"), ("cash_buffer", -1), ("cash_buffer", float("nan")),
        ("min_turnover", "1%"), ("cushion", 0.5), ("commission", 2.5), ("min_commission", -5),
        ("risk_warned", 600000), ("cash_bufer", 0.1),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(option: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        rich(quote(BANK, 35.0)).plan({BANK: 0.1}, **{option: value})
    assert caught.value.argument in (option, "codes")


def test_an_empty_account_is_told() -> None:
    with pytest.raises(UsageError, match="没有资产"):
        World(0.0, [quote(BANK, 35.0)]).plan({BANK: 0.1})


@pytest.mark.parametrize(
    ("target", "by"), [(0.5, "shares"), (-1, "value"), (1e13, "value"), (2**31, "shares"), (1, "x")]
)
def test_wrong_single_targets_are_refused(target: Any, by: Any) -> None:
    with pytest.raises(UsageError):
        Target(target, by)


def test_every_option_is_written_in_the_plan() -> None:
    plan = rich(quote(BANK, 35.0)).plan({BANK: 0.1}, cash_buffer=0.02)
    assert tuple(plan.options) == OPTIONS
    assert plan.options["cash_buffer"] == 0.02


# ---- 一分不差的地方


def test_the_last_lot_needs_its_fee_too() -> None:
    """100 股连余地 3,508.1 元，费用 5.04 元。"""
    enough = 3_508.1 + 5.04
    for cash, bought in ((enough, 100), (enough - 0.01, 0)):
        world = World(cash, [quote(BANK, 35.0)], total=3_600.0)
        assert moves(world.plan({BANK: 1.0})).get(BANK, 0) == bought


def test_the_best_is_not_found_by_swapping_pairs() -> None:
    """一只多一手、三只一起少一点才最好：要分支定界。"""
    world = World(
        800_000.0,
        [quote(BANK, 35.0), quote(STAR, 50.0), quote(ETF, 4.0), quote(BSE, 20.0),
         quote(PINGAN, 10.0), quote("600000", 10.0)],
        [held("600000", 10_000), held(PINGAN, 10_050)],
        total=1_000_000.0,
    )  # fmt: skip
    plan = world.plan({BANK: 0.3, STAR: 0.3, ETF: 0.2, BSE: 0.1, "600000": 0.1})
    assert moves(plan)[BANK] == 8_600
    assert plan.tracking_error == plan.bound
    assert plan.tracking_error < 0.0024


def test_a_suspension_is_seen_in_the_evening_too() -> None:
    evening = moment("2026-11-30 20:00")
    world = World(100_000.0, [quote(BANK, 35.0, asks=NO_SIDE, bids=NO_SIDE, volume=0)])
    assert rules(world.plan({BANK: 0.5}, now=evening)) == {BANK: "suspended"}


def test_what_was_bought_today_takes_its_room() -> None:
    """六成是当天买的，目标只有一成：其余的分剩下的四成。"""
    world = World(
        400_000.0,
        [quote(PINGAN, 10.0), quote(BANK, 35.0), quote(ETF, 4.0)],
        [held(PINGAN, 60_000, 0)],
    )
    plan = world.plan({PINGAN: 0.1, BANK: 0.45, ETF: 0.45})
    assert plan.scale == pytest.approx(0.4 / 0.9)
    value = {code: moves(plan)[code] * world.quotes[code]["last"] for code in (BANK, ETF)}
    assert value[BANK] == pytest.approx(200_000, abs=3_500)
    assert value[ETF] == pytest.approx(200_000, abs=3_500)


@pytest.mark.parametrize(
    ("targets", "options", "argument", "says"),
    [
        ({BANK: 0.5}, {"cash_buffer": 5_000_000}, "cash_buffer", "比总资产 1,000,000.00 元还多"),
        ({BANK: 200_000}, {"by": "shares"}, "targets", "照这个账户写"),
        ({BANK: 1_100_000}, {"by": "value"}, "targets", "多出 10%"),
    ],
)
def test_more_than_the_account_has_is_refused(
    targets: dict[str, float], options: dict[str, Any], argument: str, says: str
) -> None:
    """多打了几个零、给别的账户写的：照比例缩了会把钱都买进去，持仓都卖掉。"""
    with pytest.raises(UsageError) as caught:
        rich(quote(BANK, 10.0)).plan(targets, **options)
    assert caught.value.argument == argument
    assert says in str(caught.value)
    slightly = rich(quote(BANK, 10.0)).plan({BANK: 1_030_000}, by="value")
    assert slightly.scale < 1  # 价格动了一点：照比例少要一些
