"""配股：登记、缴款、到股、除权，没有缴的作废。数目都另算一遍。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, Desk

import easytrader
from easytrader.errors import SimulatorError
from easytrader.sim.business.rights import RightsBusiness
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.ledger.events import CancelOrder, OrdersQuery, SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Open = Callable[..., Desk]

# 周二登记，周三到下周二缴款，周四除权、到股
RIGHTS = {
    "record": "2026-11-17", "until": "2026-11-24", "ex": "2026-11-26",
    "rights": 3, "rights_price": 8.5,
}  # fmt: skip
PAY = "700036.SH"


def pay(
    desk: Desk, volume: int, price: float = 8.5, side: int = 23, kind: int = 11
) -> tuple[int, int]:
    """（委托编号，拒绝的编号）。"""
    outcome = desk.engine.submit(SubmitOrder(2, ACCOUNT, PAY, side, volume, kind, price, "", ""))
    errors = [event.row.error_msg for event in outcome.events if event.kind == "order_error"]
    code = int(errors[0].split("[COUNTER] [")[1].split("]")[0]) if errors else 0
    return outcome.answer.order_id, code


def status(desk: Desk, number: int) -> int:
    [row] = desk.engine.orders(OrdersQuery(2, ACCOUNT, number)).answer
    return int(row.order_status)


def paid_in(desk: Desk) -> int:
    lines: Any = desk.engine._counter.businesses
    line = next(each for each in lines if isinstance(each, RightsBusiness))
    return line.held_li(ACCOUNT)


def test_paid_rights_become_shares_at_their_price(open_desk: Open) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1055})
    desk.go("2026-11-17")
    assert pay(desk, 100)[1] == 12313, "还没有登记"
    desk.go("2026-11-18")
    before = desk.account.cash_li
    number, code = pay(desk, 200)
    assert (code, status(desk, number)) == (0, 50)
    assert before - desk.account.cash_li == paid_in(desk) == 1_700_000
    cancelled = desk.engine.cancel(CancelOrder(2, ACCOUNT, number))
    assert [event.kind for event in cancelled.events] == ["cancel_error"]
    desk.reopen()
    assert pay(desk, 117)[1] == 1218, "10 配 3：316 股，缴过 200"
    assert pay(desk, 116)[1] == 0
    assert pay(desk, 1)[1] == 1218
    assert desk.balance() == 0
    desk.go("2026-11-24")
    assert desk.account.positions[CODE].volume == 1055
    desk.go("2026-11-26")
    held = desk.account.positions[CODE]
    assert (held.volume, held.sellable, held.cost_li) == (1371, 1371, 10_550_000 + 2_686_000)
    assert paid_in(desk) == 0
    desk.trade(24, 1371)
    assert desk.balance() == 0


def test_unpaid_rights_are_lost_and_the_price_falls_anyway(open_desk: Open) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1000})
    desk.go("2026-11-17", "15:01")
    close = desk.quote().last_li
    desk.go("2026-11-25")
    assert pay(desk, 100)[1] == 12313, "缴款期过了"
    desk.go("2026-11-26")
    assert desk.quote().pre_close_li == round((close + 8500 * 0.3) / 1.3 / 10) * 10
    assert desk.account.positions[CODE].volume == 1000
    assert pay(desk, 100)[1] == 12313
    assert desk.balance() == 0


def test_the_share_is_halted_while_the_rights_are_paid(open_desk: Open) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1000})
    for day, expected in (("17", 0), ("18", 1232), ("25", 1232), ("26", 0)):
        desk.go(f"2026-11-{day}")
        price = desk.quote().last_li / 1000
        sold = desk.engine.submit(SubmitOrder(2, ACCOUNT, CODE, 24, 100, 11, price, "", ""))
        errors = [event.row.error_msg for event in sold.events if event.kind == "order_error"]
        assert bool(errors) == bool(expected), day
        assert not errors or f"[{expected}]" in errors[0]


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"volume": 301}, 1218),
        ({"volume": 300, "price": 8.49}, 1221),
        ({"volume": 300, "kind": 42, "price": 0.0}, 1221),
        ({"volume": 100, "side": 24}, 251005),
        ({"volume": 300}, 0),
    ],
)
def test_what_a_payment_must_be(open_desk: Open, asked: dict[str, Any], refusal: int) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1000})
    desk.go("2026-11-18")
    assert pay(desk, **asked)[1] == refusal
    assert desk.balance() == 0


@pytest.mark.parametrize(
    ("clock", "refusal"), [("09:20", 12313), ("10:00", 0), ("12:00", 12313), ("15:01", 12313)]
)
def test_only_in_trading_hours(open_desk: Open, clock: str, refusal: int) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1000})
    desk.go("2026-11-19", clock)
    assert pay(desk, 100)[1] == refusal


def test_no_money_no_rights_and_no_holding_no_rights(open_desk: Open) -> None:
    desk = open_desk({CODE: [RIGHTS]}, {CODE: 1000})
    desk.go("2026-11-18")
    desk.account.cash_li, spent = 849_990, desk.account.cash_li - 849_990
    desk.opening -= spent
    assert pay(desk, 100)[1] == 260200
    assert pay(desk, 99)[1] == 0
    assert desk.balance() == 0
    other = open_desk({CODE: [RIGHTS]}, {})
    other.go("2026-11-18")
    assert pay(other, 100)[1] == 12313


def test_days_nobody_looked(open_desk: Open) -> None:
    desk = open_desk({CODE: [RIGHTS | {"listing": "2026-11-30"}]}, {CODE: 1000})
    desk.go("2026-11-20")
    assert pay(desk, 300)[1] == 0
    desk.go("2026-11-27")
    assert desk.account.positions[CODE].volume == 1000
    desk.go("2026-12-02")
    assert desk.account.positions[CODE].volume == 1300
    assert desk.balance() == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cash": 1}, "是配股：只用于股票"),
        ({"until": "2026-11-17"}, "record（登记）< until（缴款末日）"),
        ({"ex": "2026-11-24"}, "until（缴款末日）< ex（除权）"),
        ({"listing": "2026-11-25"}, "≤ listing"),
        ({"rights": 0}, "应大于 0"),
        ({"rights_price": 8.505}, "至多 2 位小数"),
        ({"rights_code": "600036.SH"}, "不是SH的配股代码"),
        ({"rights_code": "080001.SZ"}, "不是SH的配股代码"),
    ],
)
def test_a_wrong_entry_is_named(open_desk: Open, change: dict[str, Any], told: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        open_desk({CODE: [RIGHTS | change]})
    assert told in str(caught.value)


def test_through_the_vendor(tmp_path: Path) -> None:
    """登记、缴款、到股，全部走厂商的接口。"""
    create(
        tmp_path, [AccountConfig("10001", positions=(("000001.SZ", 1000, 10),))],
        clock="step", start="2026-11-17 10:00",
    )  # fmt: skip
    entry = {"000001.SZ": [RIGHTS | {"rights_price": 6}]}
    (tmp_path / "corporate_actions.json").write_text(json.dumps(entry), encoding="utf-8")
    user = easytrader.use("sim")
    user.connect(str(tmp_path), "10001")
    try:
        user.sim.goto("2026-11-18 10:00")
        refused = user.trader.order_stock(user.account, "080001.SZ", 23, 301, 11, 6, "", "")
        assert user.wait(refused)["order_status_name"] == "废单"
        number = user.trader.order_stock(user.account, "080001.SZ", 23, 300, 11, 6, "", "")
        order = user.trader.query_stock_order(user.account, number)
        assert (order.order_status, order.traded_volume) == (50, 0)
        asset = user.trader.query_stock_asset(user.account)
        assert asset.cash == 1_000_000 - 1800
        user.sim.goto("2026-11-26 09:35")
        [row] = user.position
        assert (row["volume"], row["can_use_volume"]) == (1300, 1300)
        assert row["open_price"] == round((10_000 + 1800) / 1300, 6)
    finally:
        user.close()
