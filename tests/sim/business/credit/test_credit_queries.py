"""五项信用查询：每一个字段都从账上来，互相对得上。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import (
    ACCOUNT,
    BUY,
    BUY_BACK,
    CASH_REPAY,
    CODE,
    FIN_BUY,
    GIVE_BACK,
    OTHER,
    SLO_SELL,
    at,
)

from easytrader.sim.gateway.fields import structs
from easytrader.sim.gateway.rows import (
    CreditAssureRow,
    CreditDetailRow,
    CreditSloCodeRow,
    CreditSubjectRow,
    StkCompactRow,
)
from easytrader.sim.ledger.events import AccountQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_desk import CreditDesk

    Open = Callable[..., CreditDesk]

ETF = "510300.SH"
POOL = {"slo_volume": {CODE: [10_000, 2_000]}}


@pytest.mark.parametrize(
    ("row", "struct"),
    [
        (CreditDetailRow, "XtCreditDetail"),
        (StkCompactRow, "StkCompacts"),
        (CreditSubjectRow, "CreditSubjects"),
        (CreditSloCodeRow, "CreditSloCode"),
        (CreditAssureRow, "CreditAssure"),
    ],
)
def test_rows_follow_the_vendor_structs(row: Any, struct: str) -> None:
    fields = structs()[struct]
    names = [field.name for field in fields]
    assert [name.replace("business_fare", "businessFare") for name in row._fields] == names
    kinds = {"i": int, "q": int, "d": float, "s": str}
    assert [type(zero) for zero in row()] == [kinds[field.code] for field in fields]


def test_a_fresh_account(open_desk: Open) -> None:
    desk = open_desk(cash=500_000)
    row = desk.detail
    assert (row.account_type, row.account_id, row.status, row.calc_config) == (3, ACCOUNT, 0, 0)
    assert row.update_time == int(at("2026-11-20"))
    assert row.balance == row.available == row.fetch_balance == row.assure_asset == 500_000.0
    assert row.enable_bail_balance == 500_000.0
    assert row.per_assurescale_value == 999.0
    assert row.fin_max_quota == row.fin_enable_quota == 5_000_000.0
    assert row.slo_max_quota == row.slo_enable_quota == 5_000_000.0
    zero = (
        "frozen_cash", "position_profit", "market_value", "stock_value", "fund_value",
        "total_debt", "fin_debt", "fin_deal_avl", "fin_fee", "slo_debt", "slo_market_value",
        "slo_fee", "other_fare", "fin_used_quota", "slo_used_quota", "slo_sell_balance",
        "used_slo_sell_balance", "surplus_slo_sell_balance",
    )  # fmt: skip
    assert [getattr(row, name) for name in zero] == [0.0] * len(zero)


def test_detail_by_hand(open_desk: Open) -> None:
    """有担保品、融资、融券、挂着的买券还券时，每一项按定义重算一遍。"""
    desk = open_desk(
        cash=300_000,
        held=((OTHER, 1000, 11_000_000), (ETF, 1000, 3_900_000)),
        settings={**POOL, "collateral": {CODE: 0.7, OTHER: 0.65, ETF: 0.9}},
    )
    desk.buy(FIN_BUY, 1000)
    desk.short(500)
    desk.pass_days(3)
    working = desk.order(BUY_BACK, CODE, 200, desk.quote().limit_down_li / 1000)
    assert working.code == 0
    row = desk.detail
    account, book = desk.account, desk.line._debts
    fin, slo = book.contracts(ACCOUNT)
    price = {code: desk.quote(code).last_li for code in (CODE, OTHER, ETF)}
    market = 1000 * (price[CODE] + price[OTHER] + price[ETF])
    used = book.used_pool(ACCOUNT)
    proceeds = slo.proceeds_li
    assert used == account.frozen_li > 0
    assert row.frozen_cash * 1000 == used
    assert row.available * 1000 == account.cash_li == 300_000_000
    assert row.market_value * 1000 == market
    assert row.stock_value * 1000 == 1000 * (price[CODE] + price[OTHER])
    assert row.fund_value * 1000 == 1000 * price[ETF]
    cost = sum(held.cost_li for held in account.positions.values())
    assert row.position_profit == pytest.approx((market - cost) / 1000)
    assert row.balance == pytest.approx((300_000_000 + proceeds + market) / 1000)
    assert fin.left_fare_li == round(fin.left_li * 0.06 * 3 / 360, -1)
    assert row.fin_deal_avl * 1000 == fin.left_li
    assert row.fin_fee * 1000 == fin.left_fare_li > 0
    assert row.fin_debt == pytest.approx(row.fin_deal_avl + row.fin_fee)
    assert row.slo_market_value * 1000 == 500 * price[CODE]
    assert row.slo_fee * 1000 == slo.left_fare_li > 0
    assert row.slo_debt == pytest.approx(row.slo_market_value + row.slo_fee)
    assert row.other_fare == 0
    assert row.total_debt == pytest.approx(row.fin_debt + row.slo_debt)
    assert row.assure_asset == pytest.approx(row.balance - row.total_debt)
    assert row.per_assurescale_value == pytest.approx(row.balance / row.total_debt, abs=1e-4)
    assert row.fin_used_quota * 1000 == fin.left_li
    assert row.fin_enable_quota == row.fin_max_quota - row.fin_used_quota
    assert row.slo_used_quota * 1000 == slo.left_li
    assert row.slo_enable_quota == row.slo_max_quota - row.slo_used_quota
    assert row.slo_sell_balance * 1000 == proceeds
    assert row.used_slo_sell_balance * 1000 == used
    assert row.surplus_slo_sell_balance == pytest.approx((proceeds - used) / 1000)
    fin_float = 1000 * price[CODE] - fin.left_li
    slo_float = slo.left_li - 500 * price[CODE]
    bail = (
        300_000_000
        + proceeds
        + 1000 * price[OTHER] * 0.65
        + 1000 * price[ETF] * 0.9
        + fin_float * (0.7 if fin_float > 0 else 1)
        + slo_float * (0.7 if slo_float > 0 else 1)
        - slo.left_li
        - fin.left_li
        - 500 * price[CODE]
        - fin.left_fare_li
        - slo.left_fare_li
    )
    assert row.enable_bail_balance * 1000 == pytest.approx(bail, abs=60)
    asset = desk.asset
    assert (asset.cash, asset.frozen_cash, asset.market_value, asset.total_asset) == (
        row.available, row.frozen_cash, row.market_value, row.balance,
    )  # fmt: skip
    assert asset.fetch_balance == row.fetch_balance


def test_what_can_be_withdrawn(open_desk: Open) -> None:
    """RZ11：没有负债全部可取；有负债，取后维持担保比例不低于 300%，也不超过保证金可用余额。"""
    desk = open_desk(cash=200_000)
    assert desk.detail.fetch_balance == 200_000
    desk.buy(FIN_BUY, 1000)
    row = desk.detail
    over = row.balance - 3 * row.total_debt
    assert row.fetch_balance == pytest.approx(min(over, row.enable_bail_balance), abs=0.02)
    assert 0 < row.fetch_balance < row.available
    taken = row.balance - row.fetch_balance
    assert taken / row.total_debt >= 3
    desk.buy(FIN_BUY, 2500)
    assert desk.detail.fetch_balance == desk.asset.fetch_balance == 0
    assert desk.detail.available == 200_000


def test_margin_taken_by_working_orders_cannot_be_withdrawn(open_desk: Open) -> None:
    desk = open_desk(cash=100_000)
    placed = desk.order(FIN_BUY, CODE, 2000, desk.quote().limit_down_li / 1000)
    row = desk.detail
    assert row.total_debt == 0
    assert row.fetch_balance == row.enable_bail_balance < row.available
    desk.cancel(placed.order_id)
    assert desk.detail.fetch_balance == 100_000


def test_compacts(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, held=((CODE, 100, 3_000_000),))
    desk.buy(40, 300)
    desk.short(200)
    desk.pass_days(10)
    desk.order(GIVE_BACK, CODE, 100, 0.0)
    desk.order(45, CODE, 5000, 0.0)
    fin, slo = desk.line._debts.contracts(ACCOUNT)
    first, second = desk.ask("stk_compacts")
    assert (first.account_type, first.account_id) == (3, ACCOUNT)
    assert (first.compact_type, first.cashgroup_prop, first.exchange_id) == (48, 49, 0)
    assert (second.compact_type, second.cashgroup_prop, second.exchange_id) == (49, 48, 0)
    assert (first.open_date, first.ret_end_date) == (20261120, 20270519)
    assert (first.instrument_id, second.instrument_id) == ("600036", "600036")
    assert (first.business_vol, second.business_vol, second.real_compact_vol) == (300, 200, 100)
    assert 0 < first.real_compact_vol < 300
    for row, each in ((first, fin), (second, slo)):
        assert row.business_balance * 1000 == each.amount_li
        assert row.real_compact_balance == pytest.approx(row.business_balance - row.repaid_balance)
        assert row.business_fare * 1000 == each.fare_li > 0
        assert row.real_compact_fare == pytest.approx(row.business_fare - row.repaid_fare)
        assert row.compact_id == row.position_str == each.compact_id
        assert len(row.compact_id) <= 23
    assert first.repaid_fare == first.business_fare  # 先还息费
    assert first.repaid_balance + first.repaid_fare == pytest.approx(5000)
    assert second.repaid_fare == 0
    assert second.repaid_balance * 2 == second.business_balance


def test_a_settled_contract_is_shown_until_the_day_ends(open_desk: Open) -> None:
    desk = open_desk()
    desk.buy(FIN_BUY, 100)
    desk.order(CASH_REPAY, CODE, 10_000, 0.0)
    [row] = desk.ask("stk_compacts")
    assert (row.real_compact_vol, row.real_compact_balance) == (0, 0.0)
    assert row.repaid_balance == row.business_balance
    desk.pass_days()
    assert desk.ask("stk_compacts") == []


def test_subjects(open_desk: Open) -> None:
    desk = open_desk(
        settings={
            "subjects": {
                CODE: {},
                OTHER: {"slo": False, "fin_margin": 1.2},
                "688981.SH": {"fin": False, "slo_margin": 1.3},
            }
        }
    )
    rows = {row.instrument_id: row for row in desk.ask("credit_subjects")}
    assert set(rows) == {"600036", "000001", "688981"}
    assert rows["600036"] == CreditSubjectRow(3, ACCOUNT, 48, 48, 0, 1.0, 1.0, "600036")
    assert rows["000001"] == CreditSubjectRow(3, ACCOUNT, 50, 48, 1, 1.0, 1.2, "000001")
    assert rows["688981"] == CreditSubjectRow(3, ACCOUNT, 48, 50, 0, 1.3, 1.0, "688981")


def test_the_ratio_of_the_day_is_shown(open_desk: Open) -> None:
    desk = open_desk(day="2024-01-02")
    rows = {row.instrument_id: row for row in desk.ask("credit_subjects")}
    assert (rows["600036"].fin_ratio, rows["600036"].slo_ratio) == (0.8, 0.8)
    assert rows["510300"].fin_status == 48
    assert "113050" not in rows


def test_the_short_pool(open_desk: Open) -> None:
    desk = open_desk(settings=POOL)
    assert desk.ask("credit_slo_code") == [
        CreditSloCodeRow(3, ACCOUNT, 0, 48, 10_000, "600036"),
        CreditSloCodeRow(3, ACCOUNT, 0, 49, 2_000, "600036"),
    ]
    desk.order(SLO_SELL, CODE, 300, desk.quote().limit_up_li / 1000)
    desk.order(41, CODE, 2000, desk.quote().limit_up_li / 1000)
    assert [row.enable_amount for row in desk.ask("credit_slo_code")] == [9_700, 0]
    desk.pass_days()
    assert [row.enable_amount for row in desk.ask("credit_slo_code")] == [10_000, 2_000]


def test_without_a_pool_nothing_can_be_borrowed(open_desk: Open) -> None:
    desk = open_desk()
    assert desk.ask("credit_slo_code") == []
    assert desk.order(SLO_SELL, CODE, 100, desk.quote().last_li / 1000).code == 263009


def test_assures(open_desk: Open) -> None:
    desk = open_desk()
    rows = {row.instrument_id: row for row in desk.ask("credit_assure")}
    assert rows["600036"] == CreditAssureRow(3, ACCOUNT, 0, 48, 0.7, "600036")
    assert rows["510300"].assure_ratio == 0.9
    assert rows["000001"].exchange_id == 1
    listed = open_desk(settings={"collateral": {CODE: 0.5, OTHER: 0, "019742.SH": 0.95}})
    assert [(row.instrument_id, row.assure_ratio) for row in listed.ask("credit_assure")] == [
        ("019742", 0.95),
        ("600036", 0.5),
    ]


def test_risk_warned_shares_are_neither_subject_nor_collateral(open_desk: Open) -> None:
    desk = open_desk()
    path = desk.folder.path / "instruments.json"
    path.write_text(f'{{"{CODE}": {{"risk_warning": [["2026-01-01", null]]}}}}', encoding="utf-8")
    desk.reopen()
    assert desk.buy(FIN_BUY, 100).code == 263002
    assert desk.buy(BUY, 100).code == 263001
    assert "600036" not in {row.instrument_id for row in desk.ask("credit_assure")}


def test_a_stock_account_gets_empty_lists(open_desk: Open) -> None:
    from easytrader.sim.config.folder import AccountConfig, create

    desk = open_desk()
    create(desk.folder.path, [AccountConfig("1", 2)])
    desk.folder = type(desk.folder).open(desk.folder.path)
    desk.reopen()
    for verb in ("credit_detail", "stk_compacts", "credit_subjects", "credit_assure"):
        assert desk.engine.ask(verb, AccountQuery(2, "1")).answer == []
        assert desk.engine.ask(verb, AccountQuery(3, "1")).answer == []
