"""还券与还款：至少一笔收下的、一笔拒绝的；先用哪份钱、先还哪份合约。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import (
    BUY,
    BUY_BACK,
    CASH_REPAY,
    CODE,
    DAY,
    FIN_BUY,
    GIVE_BACK,
    SELL,
    SELL_REPAY,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_desk import CreditDesk

    Open = Callable[..., CreditDesk]

POOL: dict[str, Any] = {"slo_volume": {CODE: [10_000, 2_000]}}
ETF, STAR, BSE, CONVERTIBLE = "510300.SH", "688981.SH", "920002.BJ", "113050.SH"


def contract(desk: CreditDesk, number: int = 0) -> Any:
    return desk.line._debts.contracts("660000001")[number]


# 买券还券、直接还券


def test_buying_back_spends_the_proceeds_first(open_desk: Open) -> None:
    desk = open_desk(settings=POOL)
    desk.short(500)
    assert desk.buy(BUY_BACK, 500).code == 263013  # RZ9：当天融的当天不能还
    desk.pass_days()
    cash, pool = desk.account.cash_li, desk.line._debts.pool("660000001")
    resting = desk.order(BUY_BACK, CODE, 500, desk.quote().limit_down_li / 1000)
    assert resting.code == 0
    assert desk.account.cash_li == cash  # 冻结的全是融券所得
    assert desk.line._debts.used_pool("660000001") == desk.account.frozen_li > 0
    desk.cancel(resting.order_id)
    assert desk.line._debts.pool("660000001") == pool
    assert desk.buy(BUY_BACK, 600).code == 263013
    assert desk.buy(BUY_BACK, 500).code == 0
    assert contract(desk).closed
    assert desk.line._debts.pool("660000001") == 0
    assert desk.volume() == 0
    desk.pass_days()
    assert desk.ask("stk_compacts") == []


def test_cash_helps_when_the_proceeds_are_not_enough(open_desk: Open) -> None:
    desk = open_desk(settings=POOL)
    desk.short(500)
    desk.pass_days()
    pool = desk.line._debts.pool("660000001")
    cash = desk.account.cash_li
    order = desk.order(BUY_BACK, CODE, 500, desk.quote().asks[0].price_li * 1.015 // 10 * 10 / 1000)
    assert order.code == 0
    assert desk.status(order.order_id) == 56
    [trade] = desk.engine._counter.state.trades_of["660000001"]
    spent = trade.amount_li + trade.fees_li
    fare = contract(desk).repaid_fare_li
    assert desk.account.cash_li == cash + pool - spent - fare


def test_an_odd_lot_is_bought_back_with_a_whole_one(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, held=((CODE, 50, 1_500_000),))
    desk.short(200)
    desk.pass_days()
    assert desk.order(GIVE_BACK, CODE, 50, 0.0).code == 0
    assert desk.order(GIVE_BACK, CODE, 10, 0.0).code == 251005  # 持仓里没有了
    assert desk.buy(BUY_BACK, 300).code == 263013
    assert desk.buy(BUY_BACK, 200).code == 0  # 欠 150，买 200
    assert contract(desk).left_volume == 0
    assert desk.volume() == 50


def test_returning_shares_one_holds(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, held=((CODE, 800, 24_000_000),))
    desk.short(500)
    assert desk.order(GIVE_BACK, CODE, 500, 0.0).code == 263013  # 当天
    desk.pass_days()
    assert desk.order(GIVE_BACK, CODE, 600, -1.0).code == 263013
    assert desk.order(43, CODE, 500, -1.0).code == 263013  # 专项没有欠
    placed = desk.order(GIVE_BACK, CODE, 500, -1.0)
    assert placed.code == 0
    assert desk.status(placed.order_id) == 56
    assert desk.volume() == 300
    assert contract(desk).left_volume == 0
    assert desk.line._debts.pool("660000001") == 0  # 还清了，所得是自己的
    assert desk.order(GIVE_BACK, "900901.SH", 100, -1.0).code == -990221020
    before = desk.status(placed.order_id)
    outcome = desk.cancel(placed.order_id)
    assert [event.kind for event in outcome.events] == ["cancel_error"]
    assert desk.status(placed.order_id) == before


def test_before_2015_shares_could_go_back_the_same_day(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, day="2015-07-31", held=((CODE, 500, 15_000_000),))
    desk.short(100)
    assert desk.order(GIVE_BACK, CODE, 100, 0.0).code == 0


@pytest.mark.parametrize(("short", "back"), [(41, 42)])
def test_special_shorts_are_bought_back_by_special_orders(
    open_desk: Open, short: int, back: int
) -> None:
    desk = open_desk(settings=POOL)
    desk.short(200, kind=short)
    desk.pass_days()
    assert desk.buy(BUY_BACK, 200).code == 263013
    assert desk.buy(back, 200).code == 0
    assert contract(desk).closed


# 卖券还款、直接还款


def test_selling_to_repay_settles_the_oldest_contract_first(open_desk: Open) -> None:
    desk = open_desk(cash=100_000)
    assert desk.sell(SELL_REPAY, 100).code == 263007
    desk.buy(FIN_BUY, 500)
    desk.buy(FIN_BUY, 500)
    desk.pass_days()
    first, second = desk.line._debts.contracts("660000001")
    fare = first.left_fare_li
    assert fare > 0
    cash = desk.account.cash_li
    assert desk.sell(44, 600).code == 263007  # 专项没有负债
    assert desk.sell(SELL_REPAY, 600).code == 0
    first, second = desk.line._debts.contracts("660000001")
    assert first.closed
    assert first.repaid_fare_li == fare
    assert second.repaid_fare_li > 0
    assert desk.account.cash_li == cash


def test_a_collateral_sale_of_financed_shares_repays_them_first(open_desk: Open) -> None:
    desk = open_desk(cash=100_000, held=((CODE, 300, 9_000_000),))
    desk.buy(FIN_BUY, 500)
    desk.pass_days()
    cash = desk.account.cash_li
    assert desk.sell(SELL, 300).code == 0
    assert desk.account.cash_li > cash  # 自己的 300 股
    cash = desk.account.cash_li
    left = contract(desk).left_li
    assert desk.sell(SELL, 200).code == 0
    assert desk.account.cash_li == cash
    assert contract(desk).left_li < left


def test_that_can_be_turned_off(open_desk: Open) -> None:
    desk = open_desk(cash=100_000, settings={"sell_repays": False})
    desk.buy(FIN_BUY, 500)
    desk.pass_days()
    cash, left = desk.account.cash_li, contract(desk).left_li
    assert desk.sell(SELL, 500).code == 0
    assert desk.account.cash_li > cash
    assert contract(desk).left_li == left


def test_cash_repayment(open_desk: Open) -> None:
    desk = open_desk(cash=40_000)
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 263007
    desk.buy(FIN_BUY, 1000)
    desk.pass_days()
    fare, left = contract(desk).left_fare_li, contract(desk).left_li
    cash = desk.account.cash_li
    placed = desk.order(CASH_REPAY, "whatever", 1000, -1.0)  # 代码是占位的
    assert placed.code == 0
    assert desk.status(placed.order_id) == 56
    assert desk.account.cash_li == cash - 1_000_000
    assert contract(desk).left_fare_li == 0
    assert contract(desk).left_li == left - (1_000_000 - fare)
    assert desk.order(45, CODE, 100, 0.0).code == 263007  # 专项没有负债
    cash, left = desk.account.cash_li, contract(desk).left_li
    assert desk.order(CASH_REPAY, CODE, 10**9, 0.0).code == 0  # 给多了只收欠的
    assert contract(desk).closed
    assert desk.account.cash_li == cash - left


def test_cash_repayment_needs_the_cash(open_desk: Open) -> None:
    desk = open_desk(cash=50_000)
    desk.buy(FIN_BUY, 1000)
    desk.buy(BUY, 1000)
    refused = desk.order(CASH_REPAY, CODE, 30_000, 0.0)
    assert (refused.code, "可用资金不足" in refused.text) == (260200, True)
    assert desk.order(CASH_REPAY, CODE, 5_000, 0.0).code == 0


def test_repaying_principal_first(open_desk: Open) -> None:
    desk = open_desk(cash=100_000, settings={"interest_first": False})
    desk.buy(FIN_BUY, 100)
    desk.pass_days(30)
    fare, left = contract(desk).left_fare_li, contract(desk).left_li
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 0
    assert contract(desk).left_li == left - 100_000
    assert contract(desk).left_fare_li == fare


def test_the_amount_may_be_in_the_price(open_desk: Open) -> None:
    desk = open_desk(cash=100_000, settings={"repay_by": "price"})
    desk.buy(FIN_BUY, 1000)
    cash = desk.account.cash_li
    assert desk.order(CASH_REPAY, CODE, 200, 1234.56).code == 0
    assert desk.account.cash_li == cash - 1_234_560
    assert desk.order(CASH_REPAY, CODE, 200, 0.0).code == 263014


def test_special_financing_is_repaid_by_special_orders(open_desk: Open) -> None:
    desk = open_desk(cash=200_000)
    desk.buy(40, 1000)
    desk.pass_days()
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 263007
    assert desk.order(45, CODE, 100, 0.0).code == 0
    assert desk.sell(44, 1000).code == 0


def test_slo_interest_can_be_repaid_directly(open_desk: Open) -> None:
    desk = open_desk(settings=POOL)
    desk.short(500)
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 263007
    desk.pass_days(30)
    fare, cash = contract(desk).left_fare_li, desk.account.cash_li
    assert fare > 0
    assert desk.order(CASH_REPAY, CODE, 10_000, 0.0).code == 0
    assert (contract(desk).left_fare_li, contract(desk).left_volume) == (0, 500)
    assert desk.account.cash_li == cash - fare


def test_nothing_is_done_when_the_market_is_closed(open_desk: Open) -> None:
    desk = open_desk(hours="exchange", clock="10:00", cash=200_000)
    desk.buy(FIN_BUY, 100)
    desk.clock.advance(8 * 3600)
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 12313
    desk.clock.advance(3 * DAY - 8 * 3600)
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 0


@pytest.mark.parametrize(
    ("clock", "code"),
    [("09:14", 12313), ("09:15", 263007), ("12:00", 263007), ("15:02", 263007), ("15:30", 12313)],
)
def test_direct_repayments_are_taken_from_the_first_call_to_half_past_three(
    open_desk: Open, clock: str, code: int
) -> None:
    desk = open_desk(hours="exchange", clock=clock)
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == code
