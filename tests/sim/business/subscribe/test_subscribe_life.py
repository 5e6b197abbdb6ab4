"""申购以后：摇号、缴款、上市、卖出；钱数另算一遍。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import (
    ACCOUNT,
    BOND,
    CASH,
    SHENZHEN,
    STAR,
    Desk,
    at,
    bond,
    refusal,
    shenzhen,
    star,
)

from easytrader.errors import SimulatorError
from easytrader.sim.business import subscribe as record
from easytrader.sim.business.subscribe import draw
from easytrader.sim.config.ipo import FILE_NAME, load_issues
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., Desk]


def stage(desk: Desk, code: str = STAR) -> tuple[str, int, int]:
    kept = desk.kept(code)
    return kept.stage, kept.paid, kept.paid_li


def test_the_life_of_a_winner(open_desk: Open) -> None:
    desk = open_desk({STAR: star(wins=3)})
    desk.apply(STAR, 9000, 25.6)
    paid = int(Decimal("25.60") * 1500 * 1000)
    assert stage(desk) == (record.APPLIED, 0, 0)
    desk.go("2026-11-17")
    assert stage(desk) == (record.APPLIED, 0, 0)
    desk.go("2026-11-18")
    assert stage(desk) == (record.WON, 0, 0)
    desk.go("2026-11-18", "15:30")
    assert desk.account.cash_li == CASH, "日终才扣"
    desk.go("2026-11-19")
    assert stage(desk) == (record.PAID, 1500, paid)
    assert desk.account.cash_li == CASH - paid
    assert desk.line.held_li(ACCOUNT) == paid
    assert desk.asset().total_asset == CASH / 1000, "缴了款、没上市的算在总资产里"
    assert desk.held("688801.SH") is None
    assert desk.balance() == 0
    desk.go("2026-11-20", "14:00")
    assert desk.held("688801.SH") is None
    desk.go("2026-11-23", "09:31")
    row = desk.held("688801.SH")
    assert (row.volume, row.can_use_volume, row.open_price) == (1500, 1500, 25.6)
    assert desk.account.positions["688801.SH"].cost_li == paid
    assert desk.line.held_li(ACCOUNT) == 0
    assert desk.balance() == 0
    quote = desk.quote("688801.SH")
    assert quote.pre_close_li == 25_600, "上市首日的前收盘是发行价"
    assert quote.limit_up_li == 256_000, "不设涨跌幅"
    order = desk.apply("688801.SH", 1500, quote.bids[4].price_li / 1000, side=24)
    assert order.events[-1].row.order_status == 56
    assert desk.balance() == 0


def test_the_first_five_sessions_have_no_limit(open_desk: Open) -> None:
    desk = open_desk({STAR: star()})
    bands = {}
    for day in ("23", "24", "25", "26", "27", "30"):
        desk.go(f"2026-11-{day}", "09:31")
        quote = desk.quote("688801.SH")
        bands[day] = quote.limit_up_li / quote.pre_close_li
    assert [bands[day] for day in ("23", "24", "25", "26", "27")] == [10.0] * 5
    assert bands["30"] == pytest.approx(1.2, abs=0.001)


def test_before_listing_there_is_nothing_to_trade(open_desk: Open) -> None:
    desk = open_desk({STAR: star()})
    desk.go("2026-11-20")
    quote = desk.quote("688801.SH")
    assert (quote.last_li, quote.asks, quote.bids, quote.suspended) == (25_600, (), (), True)
    number, text = refusal(desk.apply("688801.SH", 200, 25.6))
    assert (number, "无此证券代码" in text) == (-990221020, True)
    desk.go("2026-11-23")
    ask = desk.quote("688801.SH").asks[0].price_li / 1000
    outcome = desk.apply("688801.SH", 200, ask)
    assert outcome.events[0].row.order_status == 50
    assert outcome.events[0].row.price_type == 50


def test_history_starts_on_the_first_day(open_desk: Open) -> None:
    """上市以前没有 K 线、没有分笔，不是一串停牌。"""
    desk = open_desk({STAR: star()})
    desk.go("2026-11-20")
    board = Board(desk.folder)
    whole = ("", "", -1)
    for period in ("1d", "5m", "1w"):
        assert board.bars("688801.SH", period, whole, desk.clock.now(), new_deadline()) == []
    desk.go("2026-11-24", "15:01")
    bars = board.bars("688801.SH", "1d", whole, desk.clock.now(), new_deadline())
    assert [bar.pre_close_li for bar in bars] == [25_600, bars[0].close_li]
    ticks = board.ticks("688801.SH", ("20261120", "", -1), desk.clock.now(), new_deadline())
    assert ticks[0]["time"] >= at("2026-11-23", "09:00") * 1000


def test_a_shenzhen_stock_is_its_own_code_until_listed(open_desk: Open) -> None:
    desk = open_desk({SHENZHEN: shenzhen()})
    assert refusal(desk.apply(SHENZHEN, 16500, 10.01))[0] == 0
    desk.go("2026-11-20")
    assert refusal(desk.apply(SHENZHEN, 500, 10.01))[0] == 12313
    desk.go("2026-11-24")
    paid = int(Decimal("10.01") * 1000 * 1000)
    assert desk.account.positions[SHENZHEN].cost_li == paid
    bid = desk.quote(SHENZHEN).bids[4].price_li / 1000
    outcome = desk.apply(SHENZHEN, 1000, bid, side=24)
    assert outcome.events[-1].row.order_status == 56
    assert desk.balance() == 0


def test_a_convertible(open_desk: Open) -> None:
    desk = open_desk({BOND: bond(wins=2)}, cash_li=3_000_000)
    desk.apply(BOND, 10000, 100.0)
    desk.go("2026-11-25", "09:31")
    assert desk.account.positions["111888.SH"].volume == 20
    assert desk.account.positions["111888.SH"].cost_li == 2_000_000
    quote = desk.quote("111888.SH")
    assert (quote.pre_close_li, quote.limit_up_li, quote.limit_down_li) == (
        100_000,
        157_300,
        56_700,
    )
    bid = quote.bids[4].price_li / 1000
    outcome = desk.apply("111888.SH", 20, bid, side=24)
    assert outcome.events[-1].row.order_status == 56
    assert desk.balance() == 0


def test_a_loser_pays_nothing(open_desk: Open) -> None:
    desk = open_desk({STAR: star(wins=0)})
    desk.apply(STAR, 9000, 25.6)
    desk.go("2026-11-24")
    assert stage(desk) == (record.LOST, 0, 0)
    assert desk.account.cash_li == CASH
    assert desk.held("688801.SH") is None


@pytest.mark.parametrize(
    ("code", "entry", "price", "cash", "paid"),
    [
        (STAR, star(wins=3), "25.60", 25_600 * 700 + 25_599, 700),
        (STAR, star(wins=3), "25.60", 25_599, 0),
        (STAR, star(wins=3), "25.60", 25_600 * 1500, 1500),
        (BOND, bond(wins=3), "100", 2_999_999, 20),
        (BOND, bond(wins=3), "100", 999_999, 0),
        (
            "072888.SZ",
            bond(wins=3, listed_code="127888.SZ"),
            "100",
            2_999_999,
            29,
        ),
    ],
)
def test_i7_short_of_cash_gives_up_the_rest(
    open_desk: Open, code: str, entry: dict[str, Any], price: str, cash: int, paid: int
) -> None:
    """股票以 1 股为单位，沪市可转债 10 张、深市 1 张。"""
    desk = open_desk({code: entry}, cash_li=cash)
    desk.apply(code, 3000, float(price))
    desk.go("2026-11-19")
    money = int(Decimal(price) * paid * 1000)
    assert stage(desk, code) == (record.PAID if paid else record.GIVEN_UP, paid, money)
    assert desk.account.cash_li == cash - money
    assert desk.kept(code).gave_up == (paid < desk.kept(code).won)
    desk.go("2026-11-30")
    held = desk.held(entry["listed_code"])
    assert (held.volume if held else 0) == paid
    assert desk.balance() == 0


def test_cash_frozen_by_an_open_order_is_back_by_the_payment(open_desk: Open) -> None:
    desk = open_desk({STAR: star(wins=3)}, cash_li=50_000_000)
    desk.apply(STAR, 9000, 25.6)
    desk.go("2026-11-18", "14:00")
    low = desk.quote("600036.SH").limit_down_li / 1000
    desk.apply("600036.SH", 1500, low)
    assert desk.account.cash_li < 38_400_000
    desk.go("2026-11-19")
    assert stage(desk)[:2] == (record.PAID, 1500)


def test_what_is_sold_on_the_payment_day_pays(open_desk: Open) -> None:
    desk = open_desk({STAR: star(wins=3)}, held={"600036.SH": 2000}, cash_li=0)
    desk.apply(STAR, 9000, 25.6)
    desk.go("2026-11-18", "14:00")
    bid = desk.quote("600036.SH").bids[4].price_li / 1000
    desk.apply("600036.SH", 2000, bid, side=24)
    desk.go("2026-11-19")
    assert stage(desk)[:2] == (record.PAID, 1500)
    assert desk.balance() == 0


def test_nobody_looking_for_days_is_the_same_as_day_by_day(open_desk: Open) -> None:
    issues = {STAR: star(), SHENZHEN: shenzhen(), BOND: bond()}
    slow, fast = open_desk(issues), open_desk(issues)
    for desk in (slow, fast):
        for code, price in ((STAR, 25.6), (SHENZHEN, 10.01), (BOND, 100.0)):
            desk.apply(code, 5000, price)
    for day in ("17", "18", "19", "20", "23", "24", "25"):
        slow.reopen()
        slow.go(f"2026-11-{day}")
        assert slow.balance() == 0
    fast.go("2026-11-25")
    assert fast.account.cash_li == slow.account.cash_li
    assert {code: vars_of(held) for code, held in fast.account.positions.items()} == {
        code: vars_of(held) for code, held in slow.account.positions.items()
    }


def vars_of(held: Any) -> tuple[int, int, int]:
    return held.volume, held.cost_li, held.sellable


def test_a_roll_that_was_not_saved_happens_once(open_desk: Open) -> None:
    desk = open_desk({STAR: star()})
    desk.apply(STAR, 9000, 25.6)
    desk.go("2026-11-18")
    full = [True]
    desk.engine.ask_disk(lambda: full[0])
    with pytest.raises(SimulatorError):
        desk.go("2026-11-19")
    full[0] = False
    desk.go("2026-11-19")
    desk.reopen()
    assert desk.account.cash_li == CASH - 12_800_000
    assert desk.balance() == 0


def test_a_subscription_survives_the_file(open_desk: Open) -> None:
    desk = open_desk({STAR: star()})
    order_id = desk.apply(STAR, 9000, 25.6).answer.order_id
    (desk.folder.path / FILE_NAME).unlink()
    desk.reopen()
    assert [each.kind for each in desk.cancel(order_id).events] == ["cancel_error"]
    [event] = desk.go("2026-11-17")
    assert event.row.order_status == 56
    desk.go("2026-11-23")
    assert desk.account.positions["688801.SH"].volume == 500
    assert desk.balance() == 0


def test_a_pay_date_of_ones_own(open_desk: Open) -> None:
    desk = open_desk({STAR: star(pay="2026-11-20")})
    desk.apply(STAR, 9000, 25.6)
    desk.go("2026-11-20")
    assert stage(desk)[0] == record.WON
    desk.go("2026-11-23")
    assert stage(desk)[0] == record.LISTED
    assert desk.account.positions["688801.SH"].volume == 500


def test_always_open_counts_calendar_days(open_desk: Open) -> None:
    desk = open_desk(
        {STAR: star(date="2026-11-21", listing="2026-11-30")}, clock="always", start="2026-11-21"
    )
    assert refusal(desk.apply(STAR, 500, 25.6))[0] == 0
    desk.go("2026-11-23", "00:01")
    assert stage(desk)[0] == record.WON


class TestLottery:
    def rate(self, open_desk: Open, ppm: int, **settings: Any) -> tuple[Any, int]:
        desk = open_desk({STAR: star(rate_ppm=ppm, max=500_000)}, {"KCB": 10**8}, **settings)
        return load_issues(desk.folder.path).issues[STAR], desk.folder.config.seed

    def test_certain_and_impossible(self, open_desk: Open) -> None:
        issue, seed = self.rate(open_desk, 1_000_000)
        assert draw(issue, ACCOUNT, 9000, seed) == 9000
        issue, seed = self.rate(open_desk, 0)
        assert draw(issue, ACCOUNT, 9000, seed) == 0

    def test_the_rate_is_about_right(self, open_desk: Open) -> None:
        issue, seed = self.rate(open_desk, 100_000)
        won = sum(draw(issue, f"{n}", 50_000, seed) for n in range(200)) // 500
        assert 1_800 < won < 2_200  # 二万个号，一成

    def test_seed_and_account_decide(self, open_desk: Open) -> None:
        issue, seed = self.rate(open_desk, 100_000)
        seen = {draw(issue, f"{n}", 50_000, seed) for n in range(50)}
        assert len(seen) > 3
        assert draw(issue, ACCOUNT, 50_000, seed) == draw(issue, ACCOUNT, 50_000, seed)
        assert {draw(issue, ACCOUNT, 500_000, n) for n in range(20)} != {
            draw(issue, ACCOUNT, 500_000, seed)
        }

    def test_the_line_uses_it(self, open_desk: Open) -> None:
        desk = open_desk({STAR: star(rate_ppm=300_000)})
        desk.apply(STAR, 9000, 25.6)
        issue = load_issues(desk.folder.path).issues[STAR]
        expected = draw(issue, ACCOUNT, 9000, desk.folder.config.seed)
        assert 0 < expected < 9000
        desk.go("2026-11-23")
        assert desk.account.positions["688801.SH"].volume == expected
