"""计息、换日、除权、重启：合约一天一天地变，账本里什么也不少。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from credit_desk import (
    ACCOUNT,
    BUY_BACK,
    CASH_REPAY,
    CODE,
    FIN_BUY,
    SELL_REPAY,
    at,
)

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_desk import CreditDesk

    Open = Callable[..., CreditDesk]

ETF = "510300.SH"
POOL = {"slo_volume": {CODE: [10_000, 2_000]}}


def test_interest_runs_over_the_weekend(open_desk: Open) -> None:
    """按交易所日历：周五到周一是三天；融券按换日前最后的价。"""
    desk = open_desk(
        hours="exchange", cash=500_000, settings={**POOL, "fin_rate": 0.09, "year_days": 365}
    )
    desk.buy(FIN_BUY, 1000)
    desk.short(1000)
    fees = desk.account.fees_li
    desk.clock.set(at("2026-11-20", "15:30"))
    last = desk.quote().last_li
    desk.clock.set(at("2026-11-23", "10:00"))
    desk.engine.advance()
    desk.check()
    fin, slo = desk.line._debts.contracts(ACCOUNT)
    assert abs(fin.fare_li - fin.amount_li * 0.09 * 3 / 365) <= 5
    assert abs(slo.fare_li - 1000 * last * 0.08 * 3 / 365) <= 5
    assert desk.account.fees_li == fees + fin.fare_li + slo.fare_li


def test_interest_is_not_rounded_day_by_day(open_desk: Open) -> None:
    desk = open_desk(settings={"fin_rate": 0.0001})
    desk.buy(FIN_BUY, 100)
    desk.pass_days()
    [made] = desk.line._debts.contracts(ACCOUNT)
    assert made.fare_li == 0  # 不到半分
    for _ in range(30):
        desk.pass_days()
    [made] = desk.line._debts.contracts(ACCOUNT)
    assert abs(made.fare_li - made.amount_li * 0.0001 * 31 / 360) <= 5
    assert made.fare_li > 0


def test_changing_the_year_does_not_reopen_what_was_charged(open_desk: Open) -> None:
    """付清之后把一年改长：已经记的息费不重算，不会变成负的。"""
    desk = open_desk(cash=500_000, settings={"fin_rate": 0.3, "year_days": 360})
    desk.buy(FIN_BUY, 1000)
    desk.pass_days(30)
    [made] = desk.line._debts.contracts(ACCOUNT)
    desk.order(CASH_REPAY, CODE, made.left_fare_li // 1000 + 1, 0.0)
    charged, left = made.fare_li, made.left_li
    path = desk.folder.path / "credit.json"
    path.write_text('{"fin_rate": 0.3, "year_days": 366}', encoding="utf-8")
    desk.reopen()
    desk.pass_days()
    [made] = desk.line._debts.contracts(ACCOUNT)
    assert abs(made.fare_li - charged - left * 0.3 / 366) <= 10


def test_the_debt_is_in_the_history(open_desk: Open) -> None:
    """收盘的总资产不减负债，负债另记一项；第二天的息费还没有算进去。"""
    from easytrader.sim.gateway import history

    desk = open_desk(cash=100_000, settings={**POOL, "fin_rate": 0, "slo_rate": 0})
    desk.buy(FIN_BUY, 2000)
    desk.short(500)
    desk.clock.set(at("2026-11-20", "23:59") + 59)
    row = desk.detail
    desk.pass_days()
    [kept] = history.assets(desk.folder.path)
    assert (kept["total_asset"], kept["debt"]) == (row.balance, row.total_debt)
    assert kept["lent"] == row.slo_sell_balance > 0


def test_ex_rights_change_what_is_owed(open_desk: Open) -> None:
    """10 派 5 元转 10 股：融券欠的股数翻倍、红利补给出借人；融资的数量跟着持仓翻倍。"""
    action = {"record": "2026-11-20", "ex": "2026-11-21", "cash": 0.5, "transfer": 10}
    desk = open_desk(
        cash=500_000, settings={**POOL, "slo_rate": 0, "fin_rate": 0}, actions={CODE: [action]}
    )
    desk.buy(FIN_BUY, 1000)
    desk.short(500)
    fees, before = desk.account.fees_li, desk.detail
    desk.pass_days(3)
    fin, slo = desk.line._debts.contracts(ACCOUNT)
    assert (fin.volume, fin.left_volume, desk.volume()) == (2000, 2000, 2000)
    assert (slo.volume, slo.left_volume, slo.fare_li) == (1000, 1000, 250_000)
    assert desk.account.fees_li == fees + 250_000
    assert desk.income == 500_000
    after = desk.detail
    assert after.slo_debt == pytest.approx(before.slo_debt, rel=0.2)
    assert after.fin_debt == before.fin_debt
    assert desk.buy(BUY_BACK, 1000).code == 0
    slo = desk.line._debts.contracts(ACCOUNT)[1]
    assert slo.closed
    assert slo.repaid_fare_li == 250_000


def test_contracts_opened_after_the_record_day_are_left_alone(open_desk: Open) -> None:
    action = {"record": "2026-11-19", "ex": "2026-11-21", "cash": 0.5}
    desk = open_desk(settings={**POOL, "slo_rate": 0}, actions={CODE: [action]})
    desk.short(500)
    desk.pass_days()
    [slo] = desk.line._debts.contracts(ACCOUNT)
    assert (slo.fare_li, slo.left_volume) == (0, 500)


def test_a_merged_fund_smaller_than_one_share_is_owed_no_more(open_desk: Open) -> None:
    desk = open_desk(
        settings={"subjects": {ETF: {}}, "slo_volume": {ETF: 1000}, "slo_rate": 0},
        actions={ETF: [{"ex": "2026-11-21", "split": [1, 101]}]},
    )
    desk.short(100, ETF)
    cash = desk.account.cash_li
    desk.pass_days()
    [slo] = desk.line._debts.contracts(ACCOUNT)
    assert slo.closed
    assert desk.account.cash_li == cash + slo.proceeds_li


def test_everything_survives_a_restart(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, cash=500_000)
    desk.buy(FIN_BUY, 1000)
    desk.buy(40, 500)
    desk.short(500)
    desk.pass_days(2)
    desk.order(BUY_BACK, CODE, 300, desk.quote().limit_down_li / 1000)
    resting = desk.order(FIN_BUY, CODE, 100, desk.quote().limit_down_li / 1000)
    verbs = ("credit_detail", "stk_compacts", "credit_slo_code", "credit_subjects")
    before = [desk.ask(verb) for verb in verbs]
    desk.reopen()
    assert [desk.ask(verb) for verb in verbs] == before
    desk.check()
    desk.cancel(resting.order_id)
    assert desk.buy(BUY_BACK, 200).code == 0
    desk.pass_days()
    assert desk.sell(SELL_REPAY, 1000).code == 0
    desk.reopen()
    desk.check()


def test_a_failed_step_leaves_no_trace(open_desk: Open) -> None:
    """落盘不成：内存回到账本里的样子。"""
    desk = open_desk(settings=POOL)
    desk.buy(FIN_BUY, 1000)
    before = desk.ask("stk_compacts"), desk.detail
    full = [True]
    desk.engine.ask_disk(lambda: full[0])
    with pytest.raises(SimulatorError):
        desk.buy(FIN_BUY, 500)
    full[0] = False
    assert (desk.ask("stk_compacts"), desk.detail) == before
    desk.check()
