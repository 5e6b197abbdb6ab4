"""开盘、收盘集合竞价经过柜台：价格、先后、剩下的、与行情接得上。"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from counter_desk import ACCOUNT, Desk, kinds, yuan
from day_helpers import at, jump, walk

from easytrader.market.symbols import parse_security
from easytrader.market.units import units_of
from easytrader.sim.exchange.auction import TIE_RULES, clear
from easytrader.sim.exchange.crowd import auction_crowd, auction_price
from easytrader.sim.exchange.depth import Level, Quote
from easytrader.sim.exchange.hours import ExchangeHours
from easytrader.sim.market.synthetic import SyntheticMarket

Make = Callable[..., Desk]
SH, SZ, BJ, SH_BOND = "600036.SH", "000001.SZ", "920002.BJ", "113050.SH"
CODES = (SH, SZ, BJ, SH_BOND, "123107.SZ", "510300.SH", "688981.SH", "162411.SZ", "600519.SH")


def trades(seen: list[Any]) -> list[Any]:
    return [each.row for each in seen if each.kind == "trade"]


@pytest.mark.parametrize("code", CODES)
def test_the_crowd_alone_clears_at_the_price_of_the_market(code: str) -> None:
    """开盘价夹在 9:30 的买一卖一之间，收盘价就是次日的前收盘。"""
    security = parse_security(code)
    for seed in range(5):
        market = SyntheticMarket(seed, ExchangeHours())
        for day in (17, 18, 19, 20):
            for clock, start, end in (((9, 30), 33300, 33900), ((15, 0), 53820, 54000)):
                quote = market.quote(security, market.tick_at(at(*clock, day=day)))
                price = auction_price(quote)
                assert price is not None
                crowd = auction_crowd(quote, price, start, end)
                rule = TIE_RULES[security.exchange]
                found = clear(crowd, rule, quote.pre_close_li, units_of(security).tick_li)
                assert found is not None
                assert found.price_li == price
                assert quote.bids[0].price_li <= price <= quote.asks[0].price_li
            tomorrow = market.quote(security, market.tick_at(at(9, 30, day=day) + 4 * 86400))
            if day == 20:  # 周五之后是下周一、二
                monday = market.quote(security, market.tick_at(at(9, 0, day=23)))
                assert price == monday.pre_close_li
            assert tomorrow.pre_close_li > 0


def test_the_crowd_on_odd_books() -> None:
    """停牌没有价格；封涨停的价格就是涨停价，后来的买单排不到；单边不报错。"""
    empty = Quote(1, 1000, 1000, 900, 1100, (), ())
    assert auction_price(empty) is None
    sealed = Quote(1, 1000, 1000, 900, 1100, (), tuple(Level(1100 - 10 * i, 500) for i in range(5)))
    assert auction_price(sealed) == 1100
    crowd = auction_crowd(sealed, 1100, 0, 600)
    for rule in TIE_RULES.values():
        found = clear(crowd, rule, 1000, 10)
        assert found is not None
        assert found.price_li == 1100
    dropped = Quote(1, 1000, 1000, 900, 1100, tuple(Level(900 + 10 * i, 500) for i in range(5)), ())
    assert auction_price(dropped) == 900
    found = clear(auction_crowd(dropped, 900, 0, 600), TIE_RULES["SH"], 1000, 10)
    assert found is not None
    assert found.price_li == 900
    dice = random.Random(5)
    for _ in range(300):  # 别人的数量再不齐，价格也在正中
        sides = [
            tuple(Level(1000 + sign * 10 * i, 100 * dice.randint(1, 90)) for i in range(first, 10))
            for sign, first in ((1, 1), (-1, 0))
        ]
        quote = Quote(1, 1000, dice.choice([1000, 1010]), 900, 1100, *sides)
        price = auction_price(quote)
        assert price is not None
        for rule in TIE_RULES.values():
            found = clear(auction_crowd(quote, price, 0, 600), rule, 1000, 10)
            assert found is not None
            assert found.price_li == price


@pytest.mark.parametrize("code", [SH, SZ, BJ, SH_BOND])
def test_opening_call(make_day: Make, code: str) -> None:
    """9:25 一次成交，成交价是开盘价，不是自己的限价；不进价的接着挂到连续竞价。"""
    desk = make_day(9, 16)
    quote = desk.quote(code)
    eager = desk.buy(
        code, 1000, yuan(quote.bids[0].price_li + 5 * quote.pre_close_li // 1000 // 10 * 10)
    )
    patient = desk.buy(code, 1000, yuan(quote.limit_down_li))
    assert kinds(eager) == kinds(patient) == [50]
    assert jump(desk, at(9, 24, 57)) == []
    seen = jump(desk, at(9, 25))
    assert [each.kind for each in seen] == ["trade", "order"]
    trade, order = seen[0].row, seen[1].row
    assert (trade.order_id, trade.traded_time) == (eager.answer.order_id, at(9, 25))
    assert order.order_status == 56
    opened = desk.quote(code)
    assert trade.traded_price == yuan(auction_price(opened) or 0)
    assert opened.bids[0].price_li <= round(trade.traded_price * 1000) <= opened.asks[0].price_li
    assert desk.order(patient.answer.order_id).order_status == 50
    frozen = desk.asset().frozen_cash
    assert 0 < frozen < 1100 * yuan(quote.limit_down_li)  # 多冻结的已经还了
    jump(desk, at(9, 31))
    assert kinds(desk.cancel(patient.answer.order_id)) == [51, 54]


def test_opening_call_price_is_the_same_whoever_watches(make_day: Make) -> None:
    """同样的种子与命令，逐跳看着与一步跳过去，推送逐条相同。"""
    logs = []
    for attended in (True, False):
        desk = make_day(9, 15)
        for code in CODES:
            quote = desk.levels(code)
            for depth in (0, 2, 9):
                desk.buy(code, 2000, yuan(quote.asks[depth].price_li))
                desk.buy(code, 2000, yuan(quote.bids[depth].price_li))
        logs.append(walk(desk, at(9, 35)) if attended else jump(desk, at(9, 35)))
    assert logs[0] == logs[1]
    assert len(trades(logs[0])) > 10


def test_price_and_time_priority_among_our_own(make_day: Make) -> None:
    """大到盖过全市场时：价高的先得，同价早来的先得，价格被自己推高。"""
    desk = make_day(9, 15, cash_li=10**15)
    quote = desk.quote(SH)
    up, less = quote.limit_up_li, quote.limit_up_li - 10
    first = desk.buy(SH, 1_000_000, yuan(less)).answer.order_id
    desk.clock.advance(1)
    second = desk.buy(SH, 1_000_000, yuan(less)).answer.order_id
    best = desk.buy(SH, 1_000_000, yuan(up)).answer.order_id
    seen = trades(jump(desk, at(9, 25)))
    price = {row.traded_price for row in seen}
    assert len(price) == 1
    assert price.pop() > yuan(auction_price(quote) or 0)
    got = {row.order_id: row.traded_volume for row in seen}
    assert got.get(best, 0) >= got.get(first, 0) >= got.get(second, 0)
    assert got[best] > 0
    assert sum(got.values()) < 3_000_000


def test_our_own_two_sides_meet_in_the_call(make_day: Make) -> None:
    desk = make_day(9, 15, positions=((SH, 10_000, 350_000_000),))
    quote = desk.quote(SH)
    desk.buy(SH, 1000, yuan(quote.limit_up_li))
    desk.sell(SH, 1000, yuan(quote.limit_down_li))
    seen = trades(jump(desk, at(9, 25)))
    assert len(seen) == 2
    assert len({row.traded_price for row in seen}) == 1
    held = desk.position(SH)
    assert held is not None
    assert (held.volume, held.can_use_volume, held.on_road_volume) == (10_000, 9000, 1000)


@pytest.mark.parametrize(
    ("code", "calls"), [(SH, True), (SZ, True), (BJ, True), ("510300.SH", True), (SH_BOND, False)]
)
def test_closing_call(make_day: Make, code: str, calls: bool) -> None:
    """14:57 前挂着的自动参加，14:57–15:00 还能进；15:00 按收盘价成交。SSE26 2.4.2 等。"""
    desk = make_day(14, 50)
    quote = desk.quote(code)
    low = desk.buy(code, 1000, yuan(quote.limit_down_li)).answer.order_id
    jump(desk, at(14, 57))
    frozen = desk.quote(code)
    price = frozen.limit_up_li if calls else frozen.asks[5].price_li
    before = desk.buy(code, 1000, yuan(price))
    assert kinds(before) == ([50] if calls else [50, "trade", 56])
    if calls:
        assert jump(desk, at(14, 59, 57)) == []
        assert desk.quote(code).last_li == frozen.last_li  # 没有成交，价格不动
    seen = jump(desk, at(15, 0))
    if calls:
        assert [row.order_id for row in trades(seen)] == [before.answer.order_id]
        assert trades(seen)[0].traded_time == at(15, 0)
        assert trades(seen)[0].traded_price == yuan(desk.quote(code).last_li)
    assert jump(desk, at(16, 0)) == []
    assert desk.order(low).order_status == 50  # 换日时到期
    seen = jump(desk, at(9, 0, day=23))
    assert [(each.row.order_id, each.row.order_status) for each in seen] == [(low, 54)]
    assert desk.asset().frozen_cash == 0
    assert desk.quote(code).pre_close_li == desk.quote(code).last_li


def test_what_is_left_after_the_close_expires_partly_filled(make_day: Make) -> None:
    desk = make_day(14, 58, cash_li=10**15)
    big = desk.buy(SZ, 1_000_000, yuan(desk.quote(SZ).limit_up_li)).answer.order_id
    more = [
        desk.buy(SZ, 1_000_000, yuan(desk.quote(SZ).limit_up_li)).answer.order_id for _ in range(9)
    ]
    jump(desk, at(15, 0))
    rows = {row.order_id: row for row in desk.orders()}
    assert rows[big].traded_volume >= rows[more[-1]].traded_volume
    part = [row for row in rows.values() if row.order_status == 55]
    seen = jump(desk, at(9, 0, day=23))
    finals = {each.row.order_id: each.row.order_status for each in seen}
    for row in part:
        assert finals[row.order_id] == 53
    assert desk.asset().frozen_cash == 0


def test_the_roll_itself_holds_the_closing_call(make_day: Make) -> None:
    """没有人看着收盘，第二天才来：收盘竞价照样有。"""
    logs = []
    for attended in (True, False):
        desk = make_day(14, 58)
        for code in CODES:
            desk.buy(code, 2000, yuan(desk.levels(code).asks[4].price_li))
        seen = walk(desk, at(15, 1)) if attended else []
        logs.append(seen + jump(desk, at(9, 10, day=23)))
        assert desk.asset().frozen_cash == 0
        rows = desk.engine._store._db.execute("SELECT traded_time FROM trades").fetchall()
        assert (int(at(15, 0)),) in rows
    assert logs[0] == logs[1]


@pytest.mark.parametrize("tick_s", [7.0, 60.0, 3600.0])
def test_ticks_that_do_not_fall_on_the_bells(make_day: Make, tick_s: float) -> None:
    """跳的边界对不上 9:25 也一样：不早于它的第一跳成交，醒来的时刻也对。"""
    desk = make_day(9, 16, tick_s=tick_s)
    quote = desk.levels(SH)
    order_id = desk.buy(SH, 1000, yuan(quote.asks[5].price_li)).answer.order_id
    for _ in range(60):
        wake = desk.engine.next_wakeup()
        if wake is None:
            break
        desk.clock.advance(wake)
        desk.engine.advance()
    assert desk.order(order_id).order_status == 56
    assert at(9, 25) <= desk.trades()[0].traded_time < at(9, 25) + max(tick_s, 1)
    assert desk.trades()[0].account_id == ACCOUNT
