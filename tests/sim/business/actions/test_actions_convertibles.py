"""可转债：转股、回售、赎回。数目都另算一遍。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, Desk

import easytrader
from easytrader.errors import SimulatorError
from easytrader.sim.config.convertibles import FILE_NAME
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.ledger.events import CancelOrder, OrdersQuery, SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Open = Callable[..., Desk]

BOND, STOCK = "113050.SH", "600919.SH"
CONVERT, PUT = 80, 81
TERMS = {
    "stock": STOCK, "convert_from": "2026-11-17", "convert_price": 5.48,
    "put": {"from": "2026-11-18", "until": "2026-11-19", "pay": "2026-11-24", "price": 100.5},
    "redeem": {
        "last_trade": "2026-11-20", "record": "2026-11-25", "pay": "2026-11-30", "price": 101.2,
    },
}  # fmt: skip


@pytest.fixture
def open_bond(open_desk: Open) -> Open:
    def make(volume: int = 100, **change: Any) -> Desk:
        desk = open_desk(None, {BOND: volume})
        text = json.dumps({BOND: TERMS | change}, ensure_ascii=False)
        (desk.folder.path / FILE_NAME).write_text(text, encoding="utf-8")
        desk.reopen()
        return desk

    return make


def order(desk: Desk, kind: int, volume: int, code: str = BOND) -> tuple[int, int]:
    """（委托编号，拒绝的编号）。"""
    outcome = desk.engine.submit(SubmitOrder(2, ACCOUNT, code, kind, volume, 11, 0.0, "", ""))
    errors = [event.row.error_msg for event in outcome.events if event.kind == "order_error"]
    code_ = int(errors[0].split("[COUNTER] [")[1].split("]")[0]) if errors else 0
    assert desk.balance() == 0
    return outcome.answer.order_id, code_


def test_converted_bonds_are_shares_the_next_morning(open_bond: Open) -> None:
    desk = open_bond()
    assert order(desk, CONVERT, 10)[1] == 12313, "转股期还没有到"
    desk.go("2026-11-17")
    number, code = order(desk, CONVERT, 55)
    assert code == 0
    assert order(desk, CONVERT, 46)[1] == 251005, "100 张，冻结了 55"
    outcome = desk.engine.cancel(CancelOrder(2, ACCOUNT, number))
    assert [event.kind for event in outcome.events] == ["cancel_error"]
    before = desk.account.cash_li
    desk.go("2026-11-17", "15:40")
    [row] = desk.engine.orders(OrdersQuery(2, ACCOUNT, number)).answer
    assert row.order_status == 50
    desk.go("2026-11-18", "09:00")
    shares = 5500 * 100 // 548
    rest = 5_500_000 - shares * 5480
    held = desk.account.positions[STOCK]
    assert (held.volume, held.sellable) == (shares, shares) == (1003, 1003)
    assert desk.account.cash_li - before == (rest + 5) // 10 * 10
    assert held.cost_li == 550_000 - (rest + 5) // 10 * 10, "55 张的成本，减去零头的钱"
    assert desk.account.positions[BOND].volume == 45
    assert desk.balance() == 0
    desk.go("2026-11-18")
    price = desk.quote(STOCK).bids[-1].price_li / 1000
    sold = desk.engine.submit(SubmitOrder(2, ACCOUNT, STOCK, 24, shares, 11, price, "", ""))
    assert "trade" in {event.kind for event in sold.events}
    assert desk.balance() == 0


def test_put_bonds_are_paid_on_the_pay_date(open_bond: Open) -> None:
    desk = open_bond()
    assert order(desk, PUT, 10)[1] == 12313, "回售的申报期还没有到"
    desk.go("2026-11-18")
    assert order(desk, PUT, 101)[1] == 251005
    assert order(desk, PUT, 40)[1] == 0
    before, gain = desk.account.cash_li, desk.account.realized_li
    desk.go("2026-11-20")
    assert order(desk, PUT, 10)[1] == 12313, "过了申报期"
    assert desk.account.positions[BOND].volume == 60
    assert desk.account.cash_li == before
    desk.reopen()
    desk.go("2026-11-24", "09:00")
    assert desk.account.cash_li - before == 40 * 100_500
    assert desk.account.realized_li - gain == 40 * (100_500 - 10_000)
    assert desk.balance() == 0


def test_what_is_left_on_the_record_date_is_redeemed(open_bond: Open) -> None:
    desk = open_bond()
    desk.go("2026-11-20")
    desk.trade(24, 30, BOND)
    desk.go("2026-11-23")
    sold = desk.engine.submit(SubmitOrder(2, ACCOUNT, BOND, 24, 10, 11, 110.0, "", ""))
    [error] = [event.row.error_msg for event in sold.events if event.kind == "order_error"]
    assert "[1232]" in error, "最后交易日之后停止交易"
    assert order(desk, CONVERT, 20)[1] == 0, "登记日之前还能转股"
    desk.go("2026-11-25", "14:00")
    before = desk.account.cash_li
    assert desk.account.positions[BOND].volume == 50
    desk.go("2026-11-26")
    assert order(desk, CONVERT, 20)[1] == 12313
    left = desk.account.positions[BOND]
    assert (left.volume, left.yesterday) == (0, 0)
    assert desk.balance() == 0
    desk.go("2026-12-01")
    assert desk.account.cash_li - before == 50 * 101_200
    assert desk.balance() == 0


@pytest.mark.parametrize(("clock", "refusal"), [("09:20", 12313), ("10:00", 0), ("12:00", 12313)])
def test_only_in_trading_hours(open_bond: Open, clock: str, refusal: int) -> None:
    desk = open_bond()
    desk.go("2026-11-18", clock)
    assert order(desk, CONVERT, 10)[1] == refusal
    assert order(desk, PUT, 10)[1] == refusal


def test_without_terms_nothing_converts(open_desk: Open) -> None:
    desk = open_desk(None, {BOND: 100})
    assert order(desk, CONVERT, 10)[1] == 12313
    assert order(desk, PUT, 10, "600036.SH")[1] == 12313


def test_days_nobody_looked(open_bond: Open) -> None:
    desk = open_bond()
    desk.go("2026-11-18")
    assert order(desk, CONVERT, 10)[1] == 0
    assert order(desk, PUT, 10)[1] == 0
    desk.go("2026-12-02")
    assert desk.account.positions[STOCK].volume == 182
    assert BOND not in desk.account.positions
    assert desk.balance() == 0


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "最外层应为对象"),
        ({"600036.SH": TERMS}, "应为可转债的代码"),
        ({BOND: {}}, "什么也没有写"),
        ({BOND: {"stock": STOCK}}, "转股要写齐"),
        ({BOND: TERMS | {"convert_price": 0}}, "转股要写齐"),
        ({BOND: TERMS | {"stock": BOND}}, "应为正股的代码"),
        ({BOND: {"put": {"from": "2026-11-18"}}}, "应写齐 from until pay price"),
        ({BOND: {"redeem": TERMS["redeem"] | {"pay": "2026-11-25"}}}, "last_trade ≤ record < pay"),
    ],
)
def test_a_wrong_file_is_named(open_desk: Open, body: Any, told: str) -> None:
    desk = open_desk(None, {BOND: 100})
    (desk.folder.path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"convertibles\.json") as caught:
        desk.reopen()
    assert told in str(caught.value)


def test_through_the_vendor(tmp_path: Path) -> None:
    """转股与回售，全部走厂商的接口。"""
    create(
        tmp_path, [AccountConfig("10001", positions=((BOND, 100, 100),))],
        clock="step", start="2026-11-18 10:00",
    )  # fmt: skip
    (tmp_path / FILE_NAME).write_text(json.dumps({BOND: TERMS}), encoding="utf-8")
    user = easytrader.use("sim")
    user.connect(str(tmp_path), "10001")
    try:
        trader, account = user.trader, user.account
        refused = trader.order_stock(account, BOND, CONVERT, 101, 11, 0, "", "")
        assert user.wait(refused)["order_status_name"] == "废单"
        converted = trader.order_stock(account, BOND, CONVERT, 10, 11, 0, "", "")
        put = trader.order_stock(account, BOND, PUT, 20, 11, 0, "", "")
        names = [row["order_type_name"] for row in user.today_entrusts]
        assert sorted(names) == ["回售", "转股", "转股"]
        assert converted > 0 < put
        user.sim.goto("2026-11-24 10:00")
        held = {row["stock_code"]: row["volume"] for row in user.position}
        assert held == {BOND: 70, STOCK: 182}
        cash = trader.query_stock_asset(account).cash
        assert cash == pytest.approx(1_000_000 + 20 * 100.5 + 1000 - 182 * 5.48)
    finally:
        user.close()
