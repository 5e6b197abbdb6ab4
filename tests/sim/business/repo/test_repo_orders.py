"""逆回购的委托：收什么、拒什么、钱怎样冻结、佣金、时段、撤单、重启。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import DAY, kinds
from repo_helpers import GC001, GC007, GC014, R001, at, go, interest, lend, line_of, yuan

from easytrader.errors import UsageError
from easytrader.market.rules.repo import TERMS
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.exchange.hours import day_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from counter_desk import Desk

    Make = Callable[..., Desk]

ALL = sorted(TERMS)


def error_of(outcome: Any) -> str:
    return next(event.row.error_msg for event in outcome.events if event.kind == "order_error")


@pytest.mark.parametrize("code", ALL)
def test_every_term_can_be_lent(make_repo: Make, code: str) -> None:
    desk = make_repo(clock="always")
    quote = desk.quote(code)
    assert 1000 <= quote.last_li <= 2500, "利率在 1%–2.5%"
    outcome = lend(desk, code, 100)
    [trade] = desk.trades()
    assert (trade.traded_amount, trade.offset_flag) == (10_000.0, 49), "成交金额是本金"
    assert trade.instrument_name.startswith("GC" if code.endswith("SH") else "R-")
    assert kinds(outcome) == [50, "trade", 56]
    assert desk.position(code) is None, "不是持仓"


@pytest.mark.parametrize(
    ("code", "volume", "fee"),
    [  # F11：1 天 0.001%，2 天 0.002% …… 28 天 0.02%，91、182 天 0.03%，一笔最多 30 元
        ("204001.SH", 10, "0.01"),
        ("204001.SH", 1000, "1.00"),
        ("131811.SZ", 1000, "2.00"),
        ("131800.SZ", 1000, "3.00"),
        ("204004.SH", 1000, "4.00"),
        ("204007.SH", 1000, "5.00"),
        ("131802.SZ", 1000, "10.00"),
        ("204028.SH", 1000, "20.00"),
        ("131805.SZ", 1000, "30.00"),
        ("131806.SZ", 990, "29.70"),
        ("204182.SH", 5000, "30.00"),
        ("204001.SH", 50_000, "30.00"),
    ],
)
def test_commission_and_its_cap(make_repo: Make, code: str, volume: int, fee: str) -> None:
    desk = make_repo(clock="always", cash_li=10**10)
    lend(desk, code, volume)
    assert yuan(sum(trade.commission for trade in desk.trades())) == Decimal(fee)
    assert yuan(desk.asset().cash) == Decimal(10**7) - volume * 100 - Decimal(fee)


REFUSED = [
    pytest.param("buy", GC001, 10, 1.5, 11, 12314, "不做正回购", id="正回购"),
    pytest.param("buy", R001, 10, 1.5, 11, 12314, "逆回购请用卖出", id="正回购深市"),
    pytest.param("sell", "204005.SH", 10, 1.5, 11, -990221020, "无此证券代码", id="没有这个品种"),
    pytest.param("sell", "131804.SZ", 10, 1.5, 11, -990221020, "无此证券代码", id="深市没有这个"),
    pytest.param("sell", GC001, 10, 0.0, 42, 1224, "不支持市价委托", id="没有市价"),
    pytest.param("sell", R001, 10, 0.0, 44, 1224, "不支持市价委托", id="深市没有市价"),
    pytest.param("sell", GC001, 15, 1.5, 11, -150904070, "10的倍数", id="不是整千元"),
    pytest.param("sell", GC001, 10, 1.502, 11, 1222, "0.005的整数倍", id="沪市价位"),
    pytest.param("sell", R001, 10, 1.5015, 11, 1222, "应为3位", id="深市价位"),
    pytest.param("sell", GC001, 10, 100.005, 11, 1221, "max=100.000", id="利率上限"),
    pytest.param("sell", GC001, 100_000_010, 1.5, 11, 1218, "单笔上限", id="单笔上限"),
    pytest.param("sell", GC001, 10_000, 1.5, 11, 260200, "p_occur_balance=1000010.00", id="没钱"),
]


@pytest.mark.parametrize(("side", "code", "volume", "price", "kind", "number", "text"), REFUSED)
def test_refused(
    make_repo: Make,
    side: str,
    code: str,
    volume: int,
    price: float,
    kind: int,
    number: int,
    text: str,
) -> None:
    desk = make_repo(clock="always")
    before = desk.asset()
    outcome = getattr(desk, side)(code, volume, price, kind)
    assert kinds(outcome) == ["order_error", 57]
    assert f"[COUNTER] [{number}]" in error_of(outcome)
    assert text in error_of(outcome)
    assert desk.asset() == before
    assert outcome.answer.order_id > 0
    cancelled = desk.cancel(outcome.answer.order_id)
    assert kinds(cancelled) == ["cancel_error"]


def test_the_whole_of_the_cash_but_the_commission(make_repo: Make) -> None:
    desk = make_repo(clock="always")
    assert "260200" in error_of(desk.sell(GC001, 10_000, 0.005))
    lend(desk, GC001, 9990)
    assert desk.asset().cash == 1000 - 9.99
    assert "260200" in error_of(desk.sell(GC001, 10, 0.005))


def test_the_cap_is_a_setting(make_repo: Make, tmp_path: Path) -> None:
    desk = make_repo(clock="always", repo_rate_cap=3)
    assert kinds(desk.sell(GC001, 10, 3.0)) == [50]
    assert "max=3.000" in error_of(desk.sell(GC001, 10, 3.005))
    for bad in (0, -1, 1001, "3", True):
        with pytest.raises(UsageError, match="repo_rate_cap"):
            create(tmp_path / "坏的", [AccountConfig("1")], repo_rate_cap=bad)


def test_a_credit_account_may_not(make_repo: Make) -> None:
    desk = make_repo(clock="always", account_type=3)
    assert "信用账户不能做债券回购" in error_of(desk.sell(GC001, 10, 1.5))


def test_not_a_position_to_open_with() -> None:
    with pytest.raises(UsageError, match="债券回购不是持仓"):
        AccountConfig("1", positions=(("204001.SH", 10, 100),))


def test_a_resting_order_freezes_and_gives_back(make_repo: Make) -> None:
    desk = make_repo(clock="always")
    rate = desk.quote(GC007).last_li / 1000 + 1
    placed = desk.sell(GC007, 1000, rate)
    assert kinds(placed) == [50]
    row = desk.asset()
    assert (row.cash, row.frozen_cash, row.total_asset) == (899_995.0, 100_005.0, 1_000_000.0)
    assert row.fetch_balance == 899_995.0, "冻结的不能取"
    assert kinds(desk.cancel(placed.answer.order_id)) == [51, 54]
    assert desk.asset().cash == 1_000_000.0
    desk.sell(GC007, 1000, rate)
    desk.clock.advance(DAY)
    row = desk.asset()
    assert (row.cash, row.frozen_cash) == (1_000_000.0, 0.0), "到期解冻"
    assert line_of(desk).held_li("880000001") == 0


def test_fills_at_several_rates_and_waits_for_the_rest(make_repo: Make) -> None:
    """一笔吃几档、余下的挂着慢慢成交：本金、佣金、利息都对得上。"""
    desk = make_repo(clock="always", cash_li=10**12)
    quote = desk.quote(GC001)
    volume = sum(level.volume for level in quote.bids[:3]) + 1000
    limit = quote.bids[2].price_li / 1000
    outcome = desk.sell(GC001, volume, limit)
    assert len([event for event in outcome.events if event.kind == "trade"]) == 3
    assert kinds(outcome)[-1] == 55
    contract = line_of(desk)._contracts[outcome.answer.order_id]
    assert contract.interest_li == int(interest(outcome, 1) * 1000)
    row = desk.asset()
    assert yuan(row.frozen_cash) == Decimal(100_000), "余下 1000 张的本金；佣金已经封顶"
    earned = interest(outcome, 1)
    for _ in range(200):
        desk.clock.advance(30)
        passive = desk.engine.advance()
        earned += interest(passive, 1)
        if any(event.kind == "order" for event in passive.events):
            break
    [order] = desk.orders()
    if order.order_status != 56:
        desk.cancel(order.order_id)
    [order] = desk.orders()
    lent = Decimal(order.traded_volume * 100)
    assert yuan(desk.asset().total_asset) == Decimal(10**9) - 30
    assert line_of(desk).held_li("880000001") == int(lent * 1000)
    desk.clock.advance(DAY)
    assert yuan(desk.asset().cash) == Decimal(10**9) - 30 + earned


def test_the_hours_of_an_exchange_day(make_repo: Make) -> None:
    """9:30–11:30、13:00–15:30；15:00 以后股票关了，回购照旧（A6）。"""
    desk = make_repo("2026-11-20 09:00")
    assert "12313" in error_of(desk.sell(GC001, 10, 1.5))
    go(desk, "2026-11-20 09:16")
    assert kinds(desk.sell(GC001, 10, 0.005)) == [50], "开盘集合竞价"
    opened = go(desk, "2026-11-20 09:25:03")
    assert [event.kind for event in opened] == ["trade", "order"]
    go(desk, "2026-11-20 12:00")
    assert "12313" in error_of(desk.sell(GC001, 10, 1.5))
    go(desk, "2026-11-20 14:58")
    assert kinds(lend(desk, GC001, 10)) == [50, "trade", 56], "没有收盘集合竞价"
    for clock in ("15:00:00", "15:03:00", "15:10:00", "15:29:57"):
        go(desk, f"2026-11-20 {clock}")
        assert kinds(lend(desk, GC001, 10)) == [50, "trade", 56]
        assert "12313" in error_of(desk.buy("600036.SH", 100, 35.0))
    high = desk.sell(R001, 10, desk.quote(R001).last_li / 1000 + 2)
    assert kinds(desk.cancel(high.answer.order_id)) == [51, 54], "15:29:57 还能撤"
    go(desk, "2026-11-20 15:30")
    assert "12313" in error_of(desk.sell(GC001, 10, 1.5))


def test_resting_orders_fill_until_half_past_three(make_repo: Make) -> None:
    """15:00 以后挂着的照样成交；一步跳过去与一跳一跳走，成交一样。"""
    seen = []
    for walks in (True, False):
        desk = make_repo("2026-11-20 15:05", cash_li=10**12)
        best = desk.quote(GC001).bids[0]
        outcome = desk.sell(GC001, best.volume + 100_000, best.price_li / 1000)
        assert kinds(outcome) == [50, "trade", 55], "吃完买一，余下的挂着"
        wakeup = desk.engine.next_wakeup()
        assert wakeup is not None
        assert wakeup <= 3.0, "还开着，下一跳就该看"
        events: list[Any] = []
        while walks and desk.clock.now() < at("2026-11-20 15:31"):
            desk.clock.advance(3)
            events += desk.engine.advance().events
        events += go(desk, "2026-11-23 09:00")
        seen.append(events)
    assert seen[0] == seen[1]
    filled = [event.row.traded_time for event in seen[0] if event.kind == "trade"]
    assert filled
    assert at("2026-11-20 15:05") < min(filled) <= max(filled) < at("2026-11-20 15:30")


def test_past_the_calendar_the_due_day_counts_weekdays(make_repo: Make) -> None:
    """日历只到 2026-12-31：此后模拟盘把周一至周五当作交易日，照收。"""
    desk = make_repo("2026-12-30 10:00")
    lend(desk, GC014, 10)
    (contract,) = line_of(desk)._contracts.values()
    assert day_code(contract.due) == "20270113"


def test_the_books_remember(make_repo: Make) -> None:
    """借着钱、挂着单重启：与没有重启的一模一样。"""
    desk, twin = make_repo("2026-11-19 10:00"), make_repo("2026-11-19 10:00")
    for each in (desk, twin):
        lend(each, GC001, 1000)
        each.sell(GC007, 100, each.quote(GC007).last_li / 1000 + 1)
    before = desk.snapshot(), desk.internals(), line_of(desk)._contracts
    desk.reopen()
    assert (desk.snapshot(), desk.internals(), line_of(desk)._contracts) == before
    for when in ("2026-11-20 09:00", "2026-11-23 09:00"):
        go(desk, when)
        desk.reopen()
        go(twin, when)
        assert desk.snapshot() == twin.snapshot()
    assert desk.engine._counter.state.records == {}


def test_a_failed_write_forgets_the_contract(make_repo: Make) -> None:
    from easytrader.errors import SimulatorError

    desk = make_repo()
    rate = desk.quote(GC001).bids[0].price_li / 1000
    full = True
    desk.engine.ask_disk(lambda: full)
    with pytest.raises(SimulatorError):
        desk.sell(GC001, 10, rate)
    full = False
    assert desk.asset().cash == 1_000_000.0
    assert line_of(desk).held_li("880000001") == 0
    assert kinds(desk.sell(GC001, 10, rate)) == [50, "trade", 56]
    assert line_of(desk).held_li("880000001") == 1_000_000
