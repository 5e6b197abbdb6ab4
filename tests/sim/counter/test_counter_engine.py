"""引擎：推送的次序、冻结与费用、T+1、撤单、换日、追赶。"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from counter_desk import ACCOUNT, DAY, START, Desk, kinds, yuan
from support import VendorEngine as Engine

from easytrader.errors import SimulatorError
from easytrader.market import notice
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import AccountQuery, CancelOrder, OrdersQuery
from easytrader.sim.ledger.state import FIRST_ORDER_ID
from easytrader.sim.storage import schema

Make = Callable[..., Desk]
CODE = "600036.SH"
SHANGHAI = timezone(timedelta(hours=8))


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=SHANGHAI).timestamp()


def test_filled_at_once(desk: Desk) -> None:
    quote = desk.quote(CODE)
    price = quote.asks[0].price_li
    outcome = desk.buy(CODE, 100, yuan(price + 500))
    assert outcome.answer.order_id == FIRST_ORDER_ID
    assert kinds(outcome) == [50, "trade", 56]
    accepted, trade, done = (event.row for event in outcome.events)
    assert (accepted.order_sysid, accepted.traded_volume, accepted.traded_price) == ("1", 0, 0.0)
    assert (trade.traded_price, trade.traded_volume) == (yuan(price), 100)
    assert trade.traded_amount == yuan(price * 100)
    assert (len(trade.traded_id), trade.traded_id[:4]) == (16, "1120")
    assert trade.commission == 5.04
    assert (done.traded_volume, done.traded_price) == (100, yuan(price))
    assert (done.price_type, done.offset_flag, done.direction) == (50, 48, 48)
    assert (done.strategy_name, done.order_remark) == ("策略", "备注")
    assert done.order_time == trade.traded_time == int(START)
    assert done.secu_account.startswith("A")
    assert done.instrument_name == "招商银行"
    asset = desk.asset()
    assert asset.cash == 1_000_000 - yuan(price * 100) - 5.04
    assert asset.frozen_cash == 0
    assert asset.total_asset == pytest.approx(asset.cash + asset.market_value)


def test_resting_freezes_and_fills_at_its_own_price(desk: Desk) -> None:
    bid = desk.quote(CODE).bids[0].price_li
    outcome = desk.buy(CODE, 100, yuan(bid))
    assert kinds(outcome) == [50]
    assert desk.asset().frozen_cash == yuan(bid * 100) + 5.04
    assert desk.asset().cash + desk.asset().frozen_cash == 1_000_000
    wake = desk.engine.next_wakeup()
    assert wake is not None
    assert 0 < wake <= 3
    seen = []
    for _ in range(2000):
        desk.clock.advance(3)
        seen += desk.engine.advance().events
        if seen:
            break
    assert [event.kind for event in seen] == ["trade", "order"]
    assert seen[0].row.traded_price == yuan(bid)
    assert seen[0].row.traded_time <= desk.clock.now()
    assert desk.engine.next_wakeup() is None
    assert desk.asset().cash == 1_000_000 - yuan(bid * 100) - 5.04


def test_an_order_that_only_rests_is_written_whole(make_desk: Make) -> None:
    """收下一笔委托写的一句，与分开写的是同样的三行。"""
    desk = make_desk()
    desk.buy(CODE, 100, yuan(desk.quote(CODE).bids[0].price_li))
    counter, store = desk.engine._counter, desk.engine._store
    [order], [account] = counter.state.orders.values(), counter.state.accounts.values()
    rows = {
        name: store._one(f"SELECT * FROM {name}") for name in ("orders", "accounts", "progress")
    }
    assert rows == {
        "orders": schema.order_fields(order),
        "accounts": schema.account_fields(account),
        "progress": (1, *schema.progress_fields(counter.state.progress)),
    }


def test_big_order_fills_over_time_and_pays_the_minimum_once(desk: Desk) -> None:
    quote = desk.quote("162411.SZ")
    ask = quote.asks[0]
    volume = ask.volume + 200_000
    outcome = desk.buy("162411.SZ", volume, yuan(ask.price_li))
    assert kinds(outcome) == [50, "trade", 55]
    desk.reopen()  # 重启也不会再收一次最低佣金
    for _ in range(400):
        desk.clock.advance(3)
        desk.engine.advance()
    row = desk.orders()[0]
    assert row.order_status == 56
    trades = desk.trades()
    assert len(trades) > 1
    assert sum(trade.traded_volume for trade in trades) == volume
    assert {trade.traded_price for trade in trades} == {yuan(ask.price_li)}
    amount = ask.price_li * volume
    fee = max(round(amount * 0.00025 / 10) * 10, 5000)
    assert round(sum(trade.commission for trade in trades) * 1000) == fee
    assert desk.asset().frozen_cash == 0


def test_displayed_quantity_is_not_taken_twice_in_one_tick(desk: Desk) -> None:
    quote = desk.quote(CODE)
    ask = quote.asks[0]
    first = desk.buy(CODE, ask.volume - 100, yuan(ask.price_li))
    assert kinds(first)[-1] == 56
    desk.reopen()  # 重启也不会让盘口复原
    second = desk.buy(CODE, 300, yuan(ask.price_li))
    assert kinds(second) == [50, "trade", 55]
    assert second.events[1].row.traded_volume == 100
    third = desk.buy(CODE, 100, 0.0, 44)
    assert third.events[1].row.traded_price == yuan(quote.asks[1].price_li)
    desk.clock.advance(3)
    fresh = desk.quote(CODE)
    fourth = desk.buy(CODE, 100, yuan(fresh.asks[0].price_li))
    assert kinds(fourth)[-1] == 56


@pytest.mark.parametrize(
    ("code", "kind", "sequence", "shown"),
    [
        (CODE, 42, [50, "trade", 56], 88),
        (CODE, 43, [50, "trade", 56], 85),
        (CODE, 44, [50, "trade", 56], 84),
        (CODE, 45, [50], 86),
        ("000001.SZ", 44, [50, "trade", 56], 84),
        ("000001.SZ", 45, [50], 86),
        ("000001.SZ", 46, [50, "trade", 56], 87),
        ("000001.SZ", 47, [50, "trade", 56], 88),
        ("000001.SZ", 48, [50, "trade", 56], 89),
        ("920002.BJ", 42, [50, "trade", 56], 88),
        ("920002.BJ", 43, [50, "trade", 56], 85),
        ("920002.BJ", 44, [50, "trade", 56], 84),
        ("920002.BJ", 45, [50], 86),
        ("113050.SH", 5, [50, "trade", 56], 50),
    ],
)
def test_market_orders(
    desk: Desk, code: str, kind: int, sequence: list[object], shown: int
) -> None:
    if kind == 5:  # 最新价可能正好在买一，那就只挂着
        while desk.quote(code).last_li != desk.quote(code).asks[0].price_li:
            desk.clock.advance(3)
    outcome = desk.buy(code, 100, 0.0, kind)
    assert kinds(outcome) == sequence
    assert outcome.events[-1].row.price_type == shown
    if sequence == [50]:
        bid = desk.quote(code).bids[0].price_li
        assert desk.asset().frozen_cash == yuan(bid * 100) + 5 + round(bid / 10**6, 2)


def test_rest_of_a_market_order_is_cancelled(make_desk: Make) -> None:
    desk = make_desk(cash_li=10**12)
    shown = sum(level.volume for level in desk.quote(CODE).asks[:5])
    outcome = desk.buy(CODE, shown + 100, 0.0, 42)
    assert kinds(outcome) == [50, *["trade", 55] * 5, 53]
    assert outcome.events[-1].row.traded_volume == shown
    assert desk.asset().frozen_cash == 0
    whole = sum(level.volume for level in desk.quote("300750.SZ").asks)
    missed = desk.buy("300750.SZ", whole + 100, 0.0, 48)
    assert kinds(missed) == [50, 54]
    assert desk.asset().frozen_cash == 0


def test_cancel(desk: Desk) -> None:
    low = yuan(desk.quote(CODE).limit_down_li)
    order_id = desk.buy(CODE, 100, low).answer.order_id
    outcome = desk.cancel(order_id)
    assert outcome.answer == (2, ACCOUNT, 0, order_id, "1", 0, "")
    assert kinds(outcome) == [51, 54]
    assert desk.asset().cash == 1_000_000
    assert desk.asset().frozen_cash == 0
    again = desk.cancel(order_id)
    assert again.answer.cancel_result == 0
    assert kinds(again) == ["cancel_error"]
    error = again.events[0].row
    assert (error.error_id, error.market, error.order_sysid) == (-54, 0, "1")
    assert error.error_msg == "[COUNTER] [251020][委托状态错误不能撤单] [old_entrust_status=6]"


def test_cancel_after_a_partial_fill(desk: Desk) -> None:
    ask = desk.quote(CODE).asks[0]
    order_id = desk.buy(CODE, ask.volume + 100, yuan(ask.price_li)).answer.order_id
    outcome = desk.cancel(order_id)
    assert kinds(outcome) == [52, 53]
    row = desk.order(order_id)
    assert (row.traded_volume, row.order_volume) == (ask.volume, ask.volume + 100)
    assert desk.asset().frozen_cash == 0


def test_cancel_a_partly_filled_sell(make_desk: Make) -> None:
    desk = make_desk(positions=((CODE, 500_000, 10**10),))
    bid = desk.quote(CODE).bids[0]
    order_id = desk.sell(CODE, bid.volume + 1000, yuan(bid.price_li)).answer.order_id
    held = desk.position(CODE)
    assert held is not None
    assert (held.frozen_volume, held.volume) == (1000, 500_000 - bid.volume)
    assert kinds(desk.cancel(order_id)) == [52, 53]
    held = desk.position(CODE)
    assert held is not None
    assert (held.frozen_volume, held.can_use_volume) == (0, 500_000 - bid.volume)


def test_cancel_by_sysid(desk: Desk) -> None:
    low = yuan(desk.quote(CODE).limit_down_li)
    desk.buy(CODE, 100, low)
    assert desk.cancel(0, exchange="SZ", sysid="1").answer.cancel_result == -1
    assert kinds(desk.cancel(0, exchange="SH", sysid="1")) == [51, 54]
    desk.buy(CODE, 100, low)
    assert kinds(desk.cancel(0, sysid="2")) == [51, 54]


@pytest.mark.parametrize(
    "args",
    [
        CancelOrder(2, ACCOUNT, 1),
        CancelOrder(2, "别人", FIRST_ORDER_ID),
        CancelOrder(3, ACCOUNT, FIRST_ORDER_ID),
        CancelOrder(2, ACCOUNT, 0, -1, "404"),
        CancelOrder(2, ACCOUNT, 0, -1, ""),
    ],
)
def test_cancel_of_an_unknown_order(desk: Desk, args: CancelOrder) -> None:
    desk.buy(CODE, 100, yuan(desk.quote(CODE).limit_down_li))
    outcome = desk.engine.cancel(args)
    assert outcome.answer.cancel_result == -1
    assert outcome.answer.error_msg
    assert outcome.events == ()


def test_rejected_order_cannot_be_cancelled_by_empty_sysid(desk: Desk) -> None:
    order_id = desk.buy(CODE, 150, 35.5).answer.order_id
    assert kinds(desk.cancel(order_id)) == ["cancel_error"]


def test_t_plus_one(desk: Desk) -> None:
    desk.buy(CODE, 200, 0.0, 44)
    held = desk.position(CODE)
    assert held is not None
    assert (held.volume, held.can_use_volume, held.on_road_volume) == (200, 0, 200)
    assert held.yesterday_volume == 0
    assert kinds(desk.sell(CODE, 100, 0.0, 44)) == ["order_error", 57]
    desk.clock.advance(DAY)
    held = desk.position(CODE)
    assert held is not None
    assert (held.volume, held.can_use_volume, held.on_road_volume) == (200, 200, 0)
    assert held.yesterday_volume == 200
    low = yuan(desk.quote(CODE).asks[3].price_li)
    assert kinds(desk.sell(CODE, 100, low)) == [50]
    held = desk.position(CODE)
    assert held is not None
    assert (held.can_use_volume, held.frozen_volume) == (100, 100)
    assert kinds(desk.sell(CODE, 200, low)) == ["order_error", 57]


def test_t_plus_zero_and_proceeds_cannot_be_withdrawn(desk: Desk) -> None:
    desk.buy("511880.SH", 1000, 0.0, 44)
    held = desk.position("511880.SH")
    assert held is not None
    assert (held.can_use_volume, held.on_road_volume) == (1000, 0)
    sold = desk.sell("511880.SH", 1000, 0.0, 42)
    assert kinds(sold)[-1] == 56
    proceeds = sum(e.row.traded_amount for e in sold.events if e.kind == "trade")
    asset = desk.asset()
    assert asset.fetch_balance == pytest.approx(asset.cash - proceeds)
    held = desk.position("511880.SH")
    assert held is not None  # 清仓的当天还留一行
    assert held.volume == 0
    desk.clock.advance(DAY)
    assert desk.position("511880.SH") is None
    assert desk.asset().fetch_balance == desk.asset().cash


def test_new_day_expires_orders_and_archives_the_old_ones(desk: Desk) -> None:
    low = yuan(desk.quote(CODE).limit_down_li)
    first = desk.buy(CODE, 100, low).answer.order_id
    desk.clock.advance(DAY)
    outcome = desk.engine.advance()
    assert kinds(outcome) == [54]
    assert outcome.events[0].row.order_id == first
    assert desk.orders() == desk.trades() == []
    assert desk.asset().frozen_cash == 0
    again = desk.buy(CODE, 100, yuan(desk.quote(CODE).limit_down_li))
    assert again.answer.order_id == first + 1
    assert again.events[0].row.order_sysid == "1"
    old = desk.engine._store._db.execute("SELECT order_id, status FROM orders").fetchall()
    assert old == [(first, 54), (first + 1, 50)]
    assert desk.cancel(first).answer.cancel_result == -1


def test_orders_resting_while_nobody_looked_are_matched(make_desk: Make) -> None:
    """一次追到底，与一跳一跳看着，成交完全一样。"""
    asleep, awake = make_desk(), make_desk()
    for desk in (asleep, awake):
        for code in (CODE, "000001.SZ", "162411.SZ"):
            quote = desk.quote(code)
            for depth in (0, 2, 4):
                desk.buy(code, 1000, yuan(quote.bids[depth].price_li))
    hours = 5
    asleep.engine.close()
    asleep.clock.advance(hours * 3600)
    asleep.engine = Engine(asleep.folder, asleep.clock)
    for _ in range(hours * 1200):
        awake.clock.advance(3)
        awake.engine.advance()
    assert len(awake.trades()) >= 3
    assert sorted(asleep.trades()) == sorted(awake.trades())
    assert asleep.snapshot() == awake.snapshot()


def test_credit_account_trades_plainly(make_desk: Make) -> None:
    desk = make_desk(account_type=3)
    assert kinds(desk.buy(CODE, 100, 0.0, 44))[-1] == 56
    assert desk.engine.has_account(3, ACCOUNT)
    assert not desk.engine.has_account(2, ACCOUNT)
    wrong = AccountQuery(2, ACCOUNT)
    for query in (desk.engine.asset, desk.engine.trades, desk.engine.positions):
        assert query(wrong).answer == []
    assert desk.engine.orders(OrdersQuery(2, ACCOUNT)).answer == []
    assert [row.account_type for row in desk.engine.account_infos().answer] == [3]
    assert [row.status for row in desk.engine.account_status().answer] == [0]


def test_cancelable_only(desk: Desk) -> None:
    desk.buy(CODE, 100, 0.0, 44)
    kept = desk.buy(CODE, 100, yuan(desk.quote(CODE).limit_down_li)).answer.order_id
    rows = desk.engine.orders(OrdersQuery(2, ACCOUNT, 0, True)).answer
    assert [row.order_id for row in rows] == [kept]


def test_unchanged_rows_are_the_same_objects(desk: Desk) -> None:
    desk.buy(CODE, 100, 0.0, 44)
    assert desk.orders()[0] is desk.orders()[0]


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (at(2026, 11, 20, 9, 0), ""),
        (at(2026, 11, 20, 12, 0), ""),
        (at(2026, 11, 20, 15, 0), ""),
        (at(2026, 11, 21, 10, 0), ""),
        (at(2027, 1, 9, 10, 0), ""),
    ],
    ids=["开盘前", "午休", "收盘后", "周六", "日历之后的周六"],
)
def test_outside_trading_hours(make_desk: Make, when: float, reason: str) -> None:
    desk = make_desk(start=when, clock="exchange")
    outcome = desk.buy("162411.SZ", 100, 0.618)
    assert outcome.answer.order_id > 0
    assert kinds(outcome) == ["order_error", 57]
    text = outcome.events[0].row.error_msg
    assert text.startswith("限价买入 [SZ162411] [COUNTER] [12313][当前时间不允许此类证券交易]")
    assert reason in text


def test_past_the_calendar_weekdays_trade_and_it_is_said_once(
    make_desk: Make, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice, "_said", set())
    desk = make_desk(start=at(2027, 1, 4, 10, 0), clock="exchange")
    assert kinds(desk.buy("162411.SZ", 100, 0.0, 44))[-1] == 56
    desk.clock.set(at(2027, 1, 6, 10, 0))
    assert kinds(desk.buy("162411.SZ", 100, 0.0, 44))[-1] == 56
    (said,) = [line for line in logged if "交易日历" in line]
    assert said.startswith("WARNING - 交易日历只到 2026-12-31：此后模拟盘把周一至周五都当作交易日")
    assert "trading_days.json" in said


@pytest.mark.parametrize(
    ("clock", "when", "told"),
    [
        ("exchange", at(2026, 11, 1, 10, 0), False),
        ("exchange", at(2026, 11, 20, 10, 0), True),
        ("always", at(2026, 11, 20, 10, 0), False),
        ("always", at(2027, 1, 4, 10, 0), False),
    ],
)
def test_a_calendar_about_to_end_is_said(
    make_desk: Make,
    logged: list[str],
    monkeypatch: pytest.MonkeyPatch,
    clock: str,
    when: float,
    told: bool,
) -> None:
    monkeypatch.setattr(notice, "_said", set())
    make_desk(start=when, clock=clock)
    assert any("交易日历只到 2026-12-31" in line for line in logged) is told


def test_resting_through_the_closing_call(make_desk: Make) -> None:
    """14:57 之后挂单只在 15:00 一次成交，可转债照常连续。"""
    desk = make_desk(start=at(2026, 11, 20, 14, 56), clock="exchange", cash_li=10**12)
    for code in (CODE, "000001.SZ", "510300.SH", "113050.SH"):
        desk.buy(code, 1_000_000, yuan(desk.quote(code).bids[0].price_li))
    desk.clock.set(at(2026, 11, 20, 15, 30))
    desk.engine.advance()
    late, close = at(2026, 11, 20, 14, 57), at(2026, 11, 20, 15)
    times = {t.traded_time for t in desk.trades() if t.stock_code != "113050.SH"}
    assert all(ts < late or ts == close for ts in times)
    bonds = {t.traded_time for t in desk.trades() if t.stock_code == "113050.SH"}
    assert any(late <= ts < close for ts in bonds)


def test_exchange_day(make_desk: Make) -> None:
    """上午挂单，午休不成交，收盘后还在，下一个交易日到期、解锁。"""
    desk = make_desk(start=at(2026, 11, 20, 11, 29, 0), clock="exchange")
    desk.buy(CODE, 100, 0.0, 44)
    low = yuan(desk.quote(CODE).limit_down_li)
    order_id = desk.buy(CODE, 100, low).answer.order_id
    desk.clock.set(at(2026, 11, 20, 12, 0))
    desk.engine.advance()
    assert desk.engine.next_wakeup() == 3600
    desk.clock.set(at(2026, 11, 22, 12, 0))
    assert desk.order(order_id).order_status == 50
    held = desk.position(CODE)
    assert held is not None
    assert held.can_use_volume == 0
    desk.clock.set(at(2026, 11, 23, 9, 30, 1))
    assert kinds(desk.engine.advance()) == [54]
    held = desk.position(CODE)
    assert held is not None
    assert held.can_use_volume == 100


def test_transaction_commits_once_or_not_at_all(desk: Desk) -> None:
    with desk.engine.transaction():
        desk.buy(CODE, 100, 0.0, 44)
        desk.buy(CODE, 200, 0.0, 44)
    before = desk.snapshot()
    with pytest.raises(KeyError), desk.engine.transaction():  # noqa: PT012
        desk.buy(CODE, 300, 0.0, 44)
        raise KeyError
    assert desk.snapshot() == before
    with (
        desk.engine.transaction(),
        pytest.raises(SimulatorError, match="嵌套"),
        desk.engine.transaction(),
    ):
        pass


def test_a_clock_running_backwards_freezes_the_market(desk: Desk) -> None:
    desk.clock.advance(60)
    desk.buy(CODE, 100, 0.0, 44)
    before = desk.snapshot()
    desk.clock.set(START - 3600)
    assert desk.snapshot() == before
    outcome = desk.buy(CODE, 100, yuan(desk.quote(CODE).limit_down_li))
    assert outcome.events[0].row.order_time == int(START + 60)


def test_a_store_from_the_future_is_refused(desk: Desk) -> None:
    desk.buy(CODE, 100, 0.0, 44)
    desk.engine.close()
    with pytest.raises(SimulatorError, match="系统时间"):
        Engine(desk.folder, ManualClock(START - 2 * DAY))
