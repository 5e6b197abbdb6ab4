"""15:05–15:30 的成交：什么时候、什么价、谁先谁后、没成交的怎么样。"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from after_helpers import (
    AFTER_BUY,
    AFTER_SELL,
    BOARDS,
    OPENING,
    SH,
    STAR,
    SZ,
    at,
    buy,
    conserved,
    go,
    refusal,
    sell,
    total,
    trades,
    walk,
)
from counter_desk import Desk, kinds
from support import VendorEngine as Engine

from easytrader.sim.business.after_hours import Crowd, Entry, cross, crowd_of, queue
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import CancelOrder, Outcome, SubmitOrder
from easytrader.sim.market.synthetic import SyntheticMarket

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., Desk]
HELD = tuple((code, 1_000_000, 10**10) for code in BOARDS)


@pytest.mark.parametrize("code", BOARDS)
def test_only_between_five_past_and_half_past_at_the_close(make_after: Make, code: str) -> None:
    """15:05 之前（含 15:00–15:05）一股不成；价格都是收盘价，等于次日的前收盘。"""
    desk = make_after("2026-11-20 10:00", positions=HELD, cash_li=10**13)
    up, down = buy(desk, code, 1_000_000), sell(desk, code, 500_000)
    assert refusal(up) == refusal(down) == ""
    assert not trades(go(desk, "14:59"))
    assert not trades(walk(desk, "15:04:59"))
    seen = trades(walk(desk, "15:31"))
    assert {row.order_id for row in seen} == {up.answer.order_id, down.answer.order_id}
    assert at("2026-11-20 15:05") <= min(row.traded_time for row in seen)
    assert max(row.traded_time for row in seen) < at("2026-11-20 15:30")
    close = desk.quote(code).last_li / 1000
    assert {row.traded_price for row in seen} == {close}
    assert {row.order_type for row in seen} == {AFTER_BUY, AFTER_SELL}
    assert not trades(go(desk, "2026-11-23 09:00"))
    assert desk.quote(code).pre_close_li / 1000 == close
    conserved(desk, 10**13 + 5 * 10**10)


def test_a_good_limit_does_not_trade_in_the_day(make_after: Make) -> None:
    """报在涨停价的盘后买单：竞价时段不成交，也不占竞价的盘口。"""
    twin, desk = make_after(), make_after()
    buy(desk, SH, 1000)
    assert not trades(go(desk, "15:00"))
    go(twin, "15:00")
    assert desk.quote(SH) == twin.quote(SH)
    assert desk.order(desk.orders()[0].order_id).order_status == 50


def test_the_rest_of_the_frozen_money_comes_back(make_after: Make) -> None:
    desk = make_after("2026-11-20 15:10")
    before = desk.asset().cash
    order_id = buy(desk, STAR, 300).answer.order_id
    go(desk, "15:29")
    row = desk.order(order_id)
    assert row.order_status == 56
    close = desk.quote(STAR).last_li / 1000
    paid = close * 300
    assert row.traded_price == close
    assert desk.asset().frozen_cash == 0.0
    fees = sum(each.commission for each in desk.trades())
    assert desk.asset().cash == round(before - paid - fees, 2)
    assert 5.0 <= fees < 20.0
    conserved(desk)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_limit_that_cannot_take_the_close_waits_and_expires(make_after: Make, side: str) -> None:
    """收盘前报的、容不下收盘价的：无效，不成交，换日到期，钱和券放开。"""
    desk = make_after(positions=((SH, 1000, 10**7),))
    before = desk.asset()
    outcome = buy(desk, SH, 1000, "down") if side == "buy" else sell(desk, SH, 1000, "up")
    assert not go(desk, "15:45")
    assert desk.order(outcome.answer.order_id).order_status == 50
    assert kinds(outcome) == [50]
    events = go(desk, "2026-11-23 09:00")
    assert [each.row.order_status for each in events] == [54]
    asset = desk.asset()
    assert (asset.cash, asset.frozen_cash) == (before.cash, 0.0)
    held = desk.position(SH)
    assert held is not None
    assert (held.can_use_volume, held.frozen_volume) == (1000, 0)
    conserved(desk, OPENING + 10**7)


def test_a_large_order_is_partly_filled_then_expires(make_after: Make) -> None:
    desk = make_after("2026-11-20 10:00", cash_li=10**13)
    order_id = buy(desk, SH, 1_000_000).answer.order_id
    events = go(desk, "15:40")
    done = total(events)
    assert 0 < done < 1_000_000
    assert len(trades(events)) > 3, "半分钟一次，慢慢地成"
    assert desk.order(order_id).order_status == 55
    assert desk.asset().frozen_cash > 0
    events = go(desk, "2026-11-23 09:00")
    assert [each.row.order_status for each in events] == [53]
    assert desk.asset().frozen_cash == 0.0
    held = desk.position(SH)
    assert held is not None
    assert (held.volume, held.can_use_volume) == (done, done)
    conserved(desk, 10**13)


def test_what_is_left_can_be_cancelled(make_after: Make) -> None:
    desk = make_after("2026-11-20 10:00", cash_li=10**13)
    order_id = buy(desk, SH, 1_000_000).answer.order_id
    go(desk, "15:20")
    assert desk.order(order_id).order_status == 55
    assert kinds(desk.cancel(order_id)) == [52, 53]
    assert desk.asset().frozen_cash == 0.0
    assert not go(desk, "15:40")
    conserved(desk, 10**13)


def test_bought_after_hours_is_sold_the_next_day(make_after: Make) -> None:
    desk = make_after("2026-11-20 15:04")
    buy(desk, STAR, 400)
    go(desk, "15:25")
    held = desk.position(STAR)
    assert held is not None
    assert (held.volume, held.can_use_volume) == (400, 0)
    assert "[251005]" in refusal(sell(desk, STAR, 400, "last"))
    go(desk, "2026-11-23 15:10")
    assert refusal(sell(desk, STAR, 400, "last")) == ""


def test_time_comes_first_and_the_limit_does_not_count(make_after: Make) -> None:
    desk = make_after("2026-11-20 09:31", cash_li=10**13)
    first = buy(desk, STAR, 20_000, round(desk.quote(STAR).last_li / 1000 * 1.1, 2))
    second = buy(desk, STAR, 500_000, "up")
    go(desk, "15:05")
    assert desk.order(first.answer.order_id).order_status == 56
    assert desk.order(second.answer.order_id).order_status == 55
    assert [row.order_id for row in desk.trades()] == [
        first.answer.order_id,
        second.answer.order_id,
    ]


def test_coming_early_gets_more(make_after: Make) -> None:
    """排在前面的别人是先来的：9:31 的比 15:20 的先轮到。"""
    done = []
    for when in ("09:31", "14:50", "15:20"):
        desk = make_after(f"2026-11-20 {when}", cash_li=10**13)
        buy(desk, STAR, 1_000_000)
        done.append(total(go(desk, "15:40")))
    assert done[0] > done[1] > done[2]


def test_every_code_has_someone_on_the_other_side(make_after: Make) -> None:
    """一边多一边少：少的那一边一来就成。"""
    desk = make_after("2026-11-20 15:04", positions=HELD)
    for code in BOARDS:
        sell(desk, code, 200)
        buy(desk, code, 200)
    go(desk, "15:29:59")
    for code in BOARDS:
        done = [row.order_status for row in desk.orders() if row.stock_code == code]
        assert 56 in done


def test_halted_at_the_close_trades_nothing(
    make_after: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """15:00 还停着牌：收的单都不成交，到期。"""
    plain = SyntheticMarket.quote

    def halted(self: Any, security: Any, tick: int) -> Any:
        quote = plain(self, security, tick)
        late = self.tick_time(tick) >= at("2026-11-20 14:50")
        return quote._replace(asks=(), bids=()) if late else quote

    desk = make_after("2026-11-20 10:00")
    buy(desk, SH, 1000)
    monkeypatch.setattr(SyntheticMarket, "quote", halted)
    assert not go(desk, "15:45")
    assert [each.row.order_status for each in go(desk, "2026-11-23 09:00")] == [54]


def test_sealed_days_have_one_side_only() -> None:
    day = 739_000
    assert crowd_of(SH, day, 10**7, bought=True, sold=False).sells == 0
    assert crowd_of(SH, day, 10**7, bought=True, sold=True).sells > 0
    assert crowd_of(SH, day, 10**7, bought=False, sold=True).buys == 0
    assert crowd_of(SH, day, 0, bought=True, sold=True) == Crowd(0, 0)


def test_the_crowd_is_a_small_share_and_comes_in_time() -> None:
    crowd = crowd_of(SH, 739_000, 10**8, bought=True, sold=True)
    for buying, whole in ((True, crowd.buys), (False, crowd.sells)):
        assert 100_000 <= whole <= 600_000
        seen = [crowd.arrived(buying, second) for second in range(0, 86400, 600)]
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0, whole)
        assert 0.3 < crowd.arrived(buying, 54000) / whole < 0.45
    assert crowd_of(SH, 739_001, 10**8, bought=True, sold=True) != crowd


def test_the_queue_is_by_arrival() -> None:
    mine = [(1, 500, 300), (2, 200, 300), (3, 100, 900)]
    assert queue(0, 1000, mine) == [
        Entry(0, 300), Entry(1, 500), Entry(2, 200), Entry(0, 600), Entry(3, 100), Entry(0, 100),
    ]  # fmt: skip
    assert queue(400, 1000, mine)[:2] == [Entry(1, 500), Entry(2, 200)]
    assert queue(0, 0, []) == []


def test_both_sides_are_crossed_from_the_front() -> None:
    buys = [Entry(0, 300), Entry(1, 500), Entry(2, 200)]
    assert cross(buys, [Entry(0, 600)]) == ({1: 300}, 300, 600)
    assert cross(buys, [Entry(9, 900), Entry(0, 500)]) == ({9: 900, 1: 500, 2: 200}, 300, 100)
    assert cross(buys, []) == ({}, 0, 0)


@pytest.fixture
def pair(tmp_path: Path) -> Any:
    """两个账户：甲有股份，乙有钱。"""
    accounts = [
        AccountConfig("甲", 2, 10**10, ((SH, 1_000_000, 10),)),
        AccountConfig("乙", 2, 10**10),
    ]
    folder = create(tmp_path / "两个账户", accounts, clock="exchange")
    engine = Engine(folder, ManualClock(at("2026-11-20 09:31")))
    yield engine
    engine.close()


def test_two_accounts_meet_by_time(pair: Engine) -> None:
    def order(name: str, side: int, price: float) -> Outcome:
        return pair.submit(SubmitOrder(2, name, SH, side, 1_000_000, 11, price, "", ""))

    from easytrader.market.symbols import parse_security

    quote = pair._counter.quote(parse_security(SH))
    sold = order("甲", AFTER_SELL, quote.limit_down_li / 1000).answer.order_id
    bought = order("乙", AFTER_BUY, quote.limit_up_li / 1000).answer.order_id
    clock: Any = pair.clock
    clock.set(at("2026-11-20 15:05"))
    events = list(pair.advance().events)
    assert total(events, sold) > 900_000
    assert total(events, bought) > 900_000
    assert abs(total(events, sold) - total(events, bought)) < 100_000
    assert pair.cancel(CancelOrder(2, "甲", bought)).answer.cancel_result == -1


@pytest.mark.parametrize("code", [SH, SZ])
def test_the_same_seed_gives_the_same_log(make_after: Make, code: str) -> None:
    logs = []
    for seed in (7, 7, 8):
        desk = make_after("2026-11-20 14:55", seed=seed, cash_li=10**13)
        outcome = desk.submit(AFTER_BUY, code, 300_000, desk.quote(code).limit_up_li / 1000)
        logs.append([*outcome.events, *go(desk, "2026-11-23 09:00")])
    assert logs[0] == logs[1] != logs[2]
