"""每一种信用委托：至少一笔收下的、一笔拒绝的，拒绝的话对得上；钱、券、合约各是多少。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import (
    BUY,
    CASH_REPAY,
    CODE,
    FIN_BUY,
    LATEST,
    OTHER,
    SELL,
    SELL_REPAY,
    SH_MARKET,
    SLO_SELL,
)

from easytrader.market.rules.credit import FIN_MARGINS, SLO_MARGINS
from easytrader.sim.ledger.events import SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_desk import CreditDesk

    from easytrader.market.rules.tables import Dated

    Open = Callable[..., CreditDesk]

POOL: dict[str, Any] = {"slo_volume": {CODE: [10_000, 2_000]}}
ETF, STAR, BSE, CONVERTIBLE = "510300.SH", "688981.SH", "920002.BJ", "113050.SH"


def contract(desk: CreditDesk, number: int = 0) -> Any:
    return desk.line._debts.contracts("660000001")[number]


# 担保品买卖


def test_collateral_is_bought_with_cash_and_any_holding_is_sold(open_desk: Open) -> None:
    desk = open_desk(settings={"collateral": {CODE: 0.7}}, held=((OTHER, 300, 3_000_000),))
    assert desk.buy(BUY, 100).code == 0
    assert desk.volume() == 100
    refused = desk.buy(BUY, 100, OTHER)
    assert (refused.code, "不是担保品" in refused.text) == (263001, True)
    assert desk.sell(SELL, 300, OTHER).code == 0  # 卖出不看名单
    assert desk.sell(SELL, 100).code == 251005  # T+1
    assert not desk.line._debts.contracts("660000001")


def test_without_a_list_everything_but_st_is_collateral(open_desk: Open) -> None:
    desk = open_desk(cash=10_000_000)
    for code in (CODE, ETF, BSE, CONVERTIBLE):
        assert desk.buy(BUY, 100, code).code == 0, code


def test_no_repo_on_a_credit_account(open_desk: Open) -> None:
    desk = open_desk()
    assert desk.order(SELL, "204001.SH", 100, 2.0).code == 12314


# 融资买入


@pytest.mark.parametrize(("kind", "group"), [(FIN_BUY, 48), (40, 49)])
def test_a_financed_buy_borrows_what_it_costs(open_desk: Open, kind: int, group: int) -> None:
    desk = open_desk(held=((OTHER, 10_000, 100_000_000),), cash=200_000)
    cash = desk.account.cash_li
    assert desk.buy(kind, 1000).code == 0
    made = contract(desk)
    [trade] = desk.engine._counter.state.trades_of["660000001"]
    lent = trade.amount_li + trade.fees_li
    assert (made.kind, made.group, made.volume, made.amount_li) == (48, group, 1000, lent)
    assert desk.account.cash_li == cash  # 费用也在合约里
    assert desk.volume() == 1000
    assert desk.sell(SELL_REPAY if group == 48 else 44, 1000).code == 251005  # 融资买入的也是 T+1


def test_fees_can_be_paid_in_cash_instead(open_desk: Open) -> None:
    desk = open_desk(cash=200_000, settings={"fees_on_debt": False})
    cash = desk.account.cash_li
    assert desk.buy(FIN_BUY, 1000).code == 0
    [trade] = desk.engine._counter.state.trades_of["660000001"]
    assert contract(desk).amount_li == trade.amount_li
    assert desk.account.cash_li == cash - trade.fees_li
    assert desk.account.frozen_li == 0


@pytest.mark.parametrize("on_debt", [True, False])
def test_an_order_placed_before_the_fees_setting_changed_still_fills(
    open_desk: Open, on_debt: bool
) -> None:
    """挂着的时候改了 ``fees_on_debt`` 再重启：费用照冻结了的付，没有冻结的借。"""
    desk = open_desk(cash=200_000, settings={"fees_on_debt": on_debt})
    cash = desk.account.cash_li
    placed = desk.order(FIN_BUY, CODE, 1000, desk.quote().bids[0].price_li / 1000)
    text = "false" if on_debt else "true"
    path = desk.folder.path / "credit.json"
    path.write_text(f'{{"fees_on_debt": {text}}}', encoding="utf-8")
    desk.reopen()
    for _ in range(2000):
        desk.clock.advance(3)
        if desk.status(placed.order_id) == 56:
            break
    desk.check()
    trades = desk.engine._counter.state.trades_of["660000001"]
    assert sum(trade.volume for trade in trades) == 1000
    assert contract(desk).amount_li + cash - desk.account.cash_li == sum(
        trade.amount_li + trade.fees_li for trade in trades
    )
    assert desk.account.frozen_li == 0


def test_only_listed_subjects_can_be_financed(open_desk: Open) -> None:
    desk = open_desk(settings={"subjects": {CODE: {"slo": False}, STAR: {"fin": False}}})
    assert desk.buy(FIN_BUY, 100).code == 0
    for code in (OTHER, STAR):
        refused = desk.buy(FIN_BUY, 200, code)
        assert (refused.code, "不是融资标的" in refused.text) == (263002, True)


def test_by_default_shares_of_both_exchanges_and_listed_etfs_are_subjects(
    open_desk: Open,
) -> None:
    desk = open_desk(cash=10_000_000)
    for code in (CODE, OTHER, STAR, ETF, "300059.SZ"):
        assert desk.buy(FIN_BUY, 200, code).code == 0, code
    for code in ("510020.SH", BSE, CONVERTIBLE):
        assert desk.buy(FIN_BUY, 200, code).code == 263002, code


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-01-16", 0),  # RZ2：80%，新规施行之前
        ("2026-01-19", 263010),  # RZ1：100%
        ("2023-09-11", 0),  # RZ2：收市后施行，从下一个交易日起
        ("2023-09-08", 263010),  # RZ3：100%
        ("2015-11-20", 0),  # RZ4：50%
    ],
)
def test_the_margin_of_the_day(open_desk: Open, day: str, code: int) -> None:
    desk = open_desk(cash=9_000, day=day)
    lots = int(10_600_000 / desk.quote(OTHER).asks[0].price_li // 100) * 100
    got = desk.buy(FIN_BUY, lots, OTHER)
    assert got.code == code, got.text
    if code:
        assert "保证金可用余额不足" in got.text


@pytest.mark.parametrize("row", [*FIN_MARGINS, *SLO_MARGINS], ids=lambda row: str(row.rule))
def test_each_margin_row(open_desk: Open, row: Dated[int]) -> None:
    """每一行的起始日：保证金刚好够的收，多一点的不收。"""
    desk = open_desk(cash=100_000, day=str(row.since), settings={"slo_volume": {OTHER: 10**6}})
    kind = FIN_BUY if row in FIN_MARGINS else SLO_SELL
    price = desk.quote(OTHER).last_li
    most = int(100_000_000 * 1_000_000 / row.value / price // 100) * 100
    assert desk.order(kind, OTHER, most + 100, price / 1000).code == 263010
    assert desk.order(kind, OTHER, most - 100, price / 1000).code == 0


def test_old_contracts_keep_their_margin(open_desk: Open) -> None:
    desk = open_desk(cash=20_000, day="2026-01-16")
    assert desk.buy(FIN_BUY, 300).code == 0
    desk.pass_days(3)
    assert desk.buy(FIN_BUY, 100).code == 0
    assert [each.margin_ppm for each in desk.line._debts.contracts("660000001")] == [
        800_000,
        1_000_000,
    ]


def test_working_orders_take_margin_and_quota(open_desk: Open) -> None:
    desk = open_desk(cash=60_000)
    low = desk.quote().limit_down_li / 1000
    first = desk.order(FIN_BUY, CODE, 1000, low)
    assert first.code == 0
    assert desk.order(FIN_BUY, CODE, 1000, low).code == 263010
    desk.cancel(first.order_id)
    assert desk.order(FIN_BUY, CODE, 1000, low).code == 0


def test_the_credit_line(open_desk: Open) -> None:
    desk = open_desk(settings={"fin_quota": 5000, "slo_quota": 5000, **POOL})
    assert desk.buy(FIN_BUY, 100).code == 0
    refused = desk.buy(FIN_BUY, 100)
    assert (refused.code, "超过融资授信额度" in refused.text) == (263011, True)
    desk.short(100)
    refused = desk.order(SLO_SELL, CODE, 100, desk.quote().last_li / 1000)
    assert (refused.code, "超过融券授信额度" in refused.text) == (263011, True)


@pytest.mark.parametrize("price_type", [SH_MARKET, LATEST])
def test_financed_buys_take_market_types(open_desk: Open, price_type: int) -> None:
    desk = open_desk()
    assert desk.order(FIN_BUY, CODE, 100, 0.0, price_type).code == 0
    assert desk.order(FIN_BUY, OTHER, 100, 0.0, SH_MARKET).code == 1224  # 深市没有 42


def test_a_partly_filled_financed_buy_owes_only_what_was_filled(open_desk: Open) -> None:
    desk = open_desk(cash=100_000_000, settings={"fin_quota": 10**9})
    quote = desk.quote()
    depth = sum(level.volume for level in quote.asks if level.price_li == quote.asks[0].price_li)
    volume = (depth // 100 + 50) * 100
    placed = desk.order(FIN_BUY, CODE, volume, quote.asks[0].price_li / 1000)
    assert desk.status(placed.order_id) == 55
    assert contract(desk).volume == depth
    desk.cancel(placed.order_id)
    assert desk.detail.fin_used_quota == contract(desk).left_li / 1000


# 融券卖出


@pytest.mark.parametrize(("kind", "group"), [(SLO_SELL, 48), (41, 49)])
def test_a_short_sale_keeps_its_proceeds_aside(open_desk: Open, kind: int, group: int) -> None:
    desk = open_desk(settings=POOL)
    cash = desk.account.cash_li
    desk.short(500, kind=kind)
    made = contract(desk)
    assert (made.kind, made.group, made.volume) == (49, group, 500)
    assert desk.account.cash_li == cash
    assert desk.line._debts.pool("660000001") == made.proceeds_li > 0
    assert desk.volume() == 0


def test_shorting_needs_a_subject_a_pool_and_a_limit_order(open_desk: Open) -> None:
    desk = open_desk(settings={"subjects": {CODE: {}, OTHER: {"slo": False}}, **POOL})
    last = desk.quote().last_li / 1000
    refused = desk.order(SLO_SELL, OTHER, 100, desk.quote(OTHER).last_li / 1000)
    assert (refused.code, "不是融券标的" in refused.text) == (263003, True)
    assert desk.order(SLO_SELL, CODE, 100, 0.0, SH_MARKET).code == 263004
    refused = desk.order(SLO_SELL, CODE, 10_100, last)
    assert (refused.code, "融券可用数量不足" in refused.text) == (263009, True)
    assert desk.order(SLO_SELL, CODE, 150, last).code == -150904070  # 没有零股一说
    assert desk.order(41, CODE, 2100, last).code == 263009  # 专项是另外的券源
    assert desk.order(SLO_SELL, CODE, 10_000, last).code == 0
    assert desk.order(SLO_SELL, CODE, 100, last).code == 263009  # 挂着的也占券源


def test_shorts_may_not_be_priced_below_the_last(open_desk: Open) -> None:
    """RZ8：报价不得低于最新成交价；ETF 不受限制。"""
    desk = open_desk(
        settings={"slo_volume": {CODE: 1000, ETF: 1000}, "subjects": {CODE: {}, ETF: {}}}
    )
    last = desk.quote().last_li
    refused = desk.order(SLO_SELL, CODE, 100, (last - 10) / 1000)
    assert (refused.code, "不得低于最新成交价" in refused.text) == (263008, True)
    assert desk.order(SLO_SELL, CODE, 100, last / 1000).code == 0
    assert desk.order(SLO_SELL, ETF, 100, (desk.quote(ETF).last_li - 1) / 1000).code == 0


def test_latest_price_is_a_limit_order(open_desk: Open) -> None:
    desk = open_desk(settings=POOL)
    assert desk.order(SLO_SELL, CODE, 100, 0.0, LATEST).code == 0


def test_no_shorts_in_the_call_auction(open_desk: Open) -> None:
    desk = open_desk(settings=POOL, hours="exchange", clock="09:20")
    pre_close = desk.quote().pre_close_li / 1000
    assert desk.order(SLO_SELL, CODE, 100, pre_close).code == 263005
    assert desk.order(FIN_BUY, CODE, 100, pre_close).code == 0
    desk.clock.advance(1200)
    assert desk.order(SLO_SELL, CODE, 100, desk.quote().limit_up_li / 1000).code == 0


def test_shorts_in_the_call_auction_can_be_allowed(open_desk: Open) -> None:
    """RZ8：还没有成交的，不低于前收盘。"""
    settings = {**POOL, "slo_in_auction": True}
    desk = open_desk(settings=settings, hours="exchange", clock="09:20")
    pre_close = desk.quote().pre_close_li
    assert desk.order(SLO_SELL, CODE, 100, (pre_close - 10) / 1000).code == 263008
    assert desk.order(SLO_SELL, CODE, 100, pre_close / 1000).code == 0


def test_short_margin(open_desk: Open) -> None:
    """额度够而保证金不够。"""
    desk = open_desk(cash=9_000, settings=POOL)
    last = desk.quote().last_li
    lots = int(9_500_000 / last // 100) * 100
    refused = desk.order(SLO_SELL, CODE, lots + 100, last / 1000)
    assert refused.code == 263010
    assert desk.order(SLO_SELL, CODE, 100, last / 1000).code == 0


# 线与到期


def test_below_the_warning_line_no_new_debt_and_below_the_closing_line_no_collateral(
    open_desk: Open,
) -> None:
    desk = open_desk(cash=50_000, settings={"warn_ratio": 4, "close_ratio": 1.5, **POOL})
    desk.buy(FIN_BUY, 1000)  # 约 240%
    refused = desk.buy(FIN_BUY, 100)
    assert (refused.code, "维持担保比例低于400%" in refused.text) == (263012, True)
    assert desk.order(SLO_SELL, CODE, 100, desk.quote().last_li / 1000).code == 263012
    assert desk.buy(BUY, 100).code == 0
    path = desk.folder.path / "credit.json"
    path.write_text('{"warn_ratio": 4, "close_ratio": 4}', encoding="utf-8")
    desk.reopen()
    assert desk.buy(BUY, 100).code == 263012
    assert desk.order(CASH_REPAY, CODE, 100, 0.0).code == 0


def test_overdue_contracts_stop_new_ones(open_desk: Open) -> None:
    """RZ10：180 个自然日。"""
    desk = open_desk()
    desk.buy(FIN_BUY, 100)
    made = contract(desk)
    assert made.due - made.opened == 180
    desk.pass_days(180)
    assert desk.buy(FIN_BUY, 100).code == 0
    desk.pass_days(1)
    refused = desk.buy(FIN_BUY, 100)
    assert (refused.code, "到期未了结" in refused.text) == (263006, True)
    assert desk.buy(BUY, 100).code == 0


# 账号类型


@pytest.mark.parametrize("kind", [27, 28, 29, 30, 31, 32, 40, 41, 42, 43, 44, 45])
def test_a_stock_account_has_no_credit_orders(open_desk: Open, kind: int) -> None:
    from easytrader.sim.config.folder import AccountConfig, create

    desk = open_desk()
    create(desk.folder.path, [AccountConfig("1", 2)])
    desk.folder = type(desk.folder).open(desk.folder.path)
    desk.reopen()
    args = SubmitOrder(2, "1", CODE, kind, 100, 11, 30.0, "", "")
    answer = desk.engine.submit(args).answer
    assert answer.order_id == -1
    assert f"委托类型 {kind}" in answer.error_msg
    assert "信用账号" in answer.error_msg


@pytest.mark.parametrize("kind", [25, 33, 46, 50])
def test_unknown_order_types_are_refused_at_the_door(open_desk: Open, kind: int) -> None:
    args = SubmitOrder(3, "660000001", CODE, kind, 100, 11, 30.0, "", "")
    answer = open_desk().engine.submit(args).answer
    assert (answer.order_id, f"不支持委托类型 {kind}" in answer.error_msg) == (-1, True)


def test_unknown_codes_are_refused_by_the_counter(open_desk: Open) -> None:
    desk = open_desk()
    for code in ("nothing", "000300.SH"):
        assert desk.order(FIN_BUY, code, 100, 10.0).code == -990221020
