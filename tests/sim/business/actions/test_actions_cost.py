"""持仓成本的三种算法：买入均价、摊薄成本、保本价。数目都另算一遍。"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, Desk

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Open = Callable[..., Desk]

DIVIDEND = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.5, "bonus": 2}]}


def prices(desk: Desk, basis: str) -> tuple[float, float, float]:
    """(avg_price, open_price, float_profit)。"""
    desk.engine.engine.cost_basis = basis
    row = desk.held()
    assert row is not None
    return row.avg_price, row.open_price, row.float_profit


def trades(desk: Desk) -> list[Any]:
    return desk.engine._counter.state.trades_of[ACCOUNT]


def test_buys_and_sells_with_their_fees_dilute_the_cost(open_desk: Open) -> None:
    desk = open_desk(None, {CODE: 1000})
    desk.trade(23, 500)
    desk.trade(24, 300)
    paid = 10_000_000
    for each in trades(desk):
        sign = 1 if each.order_type == 23 else -1
        paid += sign * each.amount_li + each.fees_li
    row = desk.held()
    assert row is not None
    average = row.open_price
    assert prices(desk, "average")[:2] == (average, average)
    diluted, opened, profit = prices(desk, "diluted")
    assert (diluted, opened) == (round(paid / 1200 / 1000, 6), average)
    assert profit == pytest.approx(row.market_value - paid / 1000)


def test_the_break_even_price_is_where_a_sale_returns_everything(open_desk: Open) -> None:
    desk = open_desk(None, {CODE: 1000})
    desk.trade(23, 500)
    spent = desk.account.positions[CODE].spent_li
    need = desk.engine._counter.break_even(desk.account.positions[CODE])
    # 佣金 0.025%（最低 5 元）、印花税 0.05%、过户费 0.001%，各自四舍五入到分
    fees = sum(
        max(least, round(need * rate / 10) * 10)
        for rate, least in ((0.00025, 5000), (0.0005, 0), (0.00001, 0))
    )
    assert need - fees == pytest.approx(spent, abs=10)
    assert prices(desk, "breakeven")[0] == round(need / 1500 / 1000, 6)
    assert prices(desk, "breakeven")[0] > prices(desk, "diluted")[0]


def test_dividends_dilute_and_bonus_shares_only_divide(open_desk: Open) -> None:
    desk = open_desk(DIVIDEND, {CODE: 1000})
    desk.go("2026-11-18")
    assert desk.account.positions[CODE].volume == 1200
    assert prices(desk, "diluted")[0] == round((10_000 - 500) / 1200, 6)
    assert prices(desk, "average")[0] == round(10_000 / 1200, 6)


def test_a_cost_below_nothing_is_negative_and_needs_nothing_back(open_desk: Open) -> None:
    desk = open_desk(None, {CODE: 1000})  # 成本 10 元，市价 35 元上下
    desk.trade(24, 900)
    diluted, _, profit = prices(desk, "diluted")
    assert diluted < 0
    assert profit > 0
    assert prices(desk, "breakeven")[0] == diluted
    row = desk.held()
    assert row is not None
    assert row.profit_rate == 0.0


def test_a_cleared_row_is_zero_and_starts_over_tomorrow(open_desk: Open) -> None:
    desk = open_desk(None, {CODE: 1000})
    desk.trade(24, 1000)
    assert prices(desk, "diluted")[:2] == (0.0, 0.0)
    desk.go("2026-11-17")
    desk.trade(23, 100)
    [bought] = trades(desk)
    cost = (bought.amount_li + bought.fees_li) / 100_000
    assert prices(desk, "diluted")[0] == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize("basis", ["average", "diluted", "breakeven"])
def test_the_user_sees_it_in_the_position_rows(tmp_path: Path, basis: str) -> None:
    """经厂商的接口：文件夹里写哪一种，`user.position` 就是哪一种。"""
    code = "600036.SH"
    create(
        tmp_path, [AccountConfig("10001", cash=500_000, positions=((code, 1000, 30),))],
        clock="step", start="2026-11-17 10:00", cost_basis=basis,
    )  # fmt: skip
    user = easytrader.use("sim")
    user.connect(str(tmp_path), "10001")
    try:
        number = user.trader.order_stock(user.account, code, 24, 400, 42, 0, "", "")
        assert user.wait(number)["order_status_name"] == "已成"
        [trade] = user.trader.query_stock_trades(user.account)
        spent = 30_000 - trade.traded_amount + trade.commission
        need = {"average": 18_000, "diluted": spent, "breakeven": spent + 5 + spent * 0.00051}
        [row] = user.position
        assert row["avg_price"] == pytest.approx(need[basis] / 600, abs=2e-4)
        assert row["open_price"] == 30
        [vendor] = user.trader.query_stock_positions(user.account)
        assert vendor.float_profit == pytest.approx(vendor.market_value - need[basis], abs=0.02)
    finally:
        user.close()


def test_it_survives_a_restart_and_old_ledgers_start_from_the_average(open_desk: Open) -> None:
    desk = open_desk(None, {CODE: 1000})
    desk.trade(23, 500)
    before = desk.account.positions[CODE].spent_li
    desk.reopen()
    assert desk.account.positions[CODE].spent_li == before
    desk.engine.close()
    with sqlite3.connect(desk.folder.store_path) as db:
        db.execute("ALTER TABLE positions DROP COLUMN spent_li")
        db.execute("ALTER TABLE trades DROP COLUMN interest_li")  # 版本 6 加的
        db.execute("PRAGMA user_version=4")
    db.close()
    desk.reopen()
    held = desk.account.positions[CODE]
    assert held.spent_li == held.cost_li > 0
