"""债券净价交易、全价结算：应计利息在钱与成交金额里，付息日付息。数都是手算的。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from rules_desk import ACCOUNT, Case, RuleDesk, at, refusal

from easytrader.market.rules.accrual import Coupon, accrued_e8, coupon_e8, interest_li
from easytrader.market.rules.tables import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.events import Outcome

    Open = Callable[..., RuleDesk]

BOND = "019547.SH"
HALF = {"coupon": {"rate": 3.46, "starts": "2016-11-24", "per_year": 2}}
"""半年付一次：5 月 24 日与 11 月 24 日。"""


def _account(desk: RuleDesk) -> Account:
    return desk.engine._counter.state.accounts[ACCOUNT]


def _trades(outcome: Outcome) -> list[Any]:
    return [event.row for event in outcome.events if event.kind == "trade"]


@pytest.mark.parametrize(
    ("scope", "day", "coupon", "each"),
    [
        # 100 × 3.46% × 180 ÷ 365
        (Scope.BOND, "2026-11-20", Coupon(34_600, date(2016, 11, 24), 2), 170_630_137),
        (Scope.BOND, "2026-11-24", Coupon(34_600, date(2016, 11, 24), 2), 0),
        (Scope.BOND, "2026-11-25", Coupon(34_600, date(2016, 11, 24), 2), 947_945),
        (Scope.BOND, "2016-11-23", Coupon(34_600, date(2016, 11, 24), 2), 0),
        # R3：没有写的，100 × 2.5% × 142 ÷ 365
        (Scope.BOND, "2026-11-20", None, 97_260_274),
        (Scope.BOND, "2022-05-15", None, 0),
        (Scope.CONVERTIBLE, "2026-11-20", None, 0),
        (Scope.SH_MAIN, "2026-11-20", None, 0),
        # 月末起息：没有 31 日的月份在月末付
        (Scope.BOND, "2026-03-01", Coupon(36_500, date(2025, 8, 31), 2), 1_000_000),
    ],
)
def test_accrued_by_hand(scope: Scope, day: str, coupon: Coupon | None, each: int) -> None:
    assert accrued_e8(scope, date.fromisoformat(day), coupon) == each


def test_coupons_by_hand() -> None:
    coupon = Coupon(34_600, date(2016, 11, 24), 2)
    ask = lambda after, until: coupon_e8(  # noqa: E731
        Scope.BOND, date.fromisoformat(after), date.fromisoformat(until), coupon
    )
    assert ask("2026-11-23", "2026-11-24") == 173_000_000
    assert ask("2026-11-24", "2026-11-25") == 0
    assert ask("2026-05-23", "2026-11-24") == 346_000_000
    assert ask("2016-11-01", "2016-11-30") == 0, "起息日不付"
    assert coupon_e8(Scope.CONVERTIBLE, date(2026, 1, 1), date(2026, 12, 31), coupon) == 0


def test_interest_is_rounded_to_the_fen() -> None:
    assert interest_li(170_630_137, 1000) == 1_706_300
    assert interest_li(500_000, 1) == 10, "半分进位"
    assert interest_li(499_999, 1) == 0


def test_money_and_amounts_carry_the_interest(open_desk: Open) -> None:
    """R2：买卖各收付一次，成交金额是全价，均价是净价，持仓成本是全价。"""
    desk = open_desk(Case("R2", BOND, "买", 2000, "ask", facts=HALF))
    before = _account(desk).cash_li
    bought = desk.submit("买", 2000, "ask+5")
    fills = _trades(bought)
    clean = sum(round(row.traded_price * 1000) * row.traded_volume for row in fills)
    paid = sum(round(row.traded_amount * 1000) for row in fills)
    fee = sum(round(row.commission * 1000) for row in fills)
    assert paid == clean + 3_412_600  # 1.70630137 × 2000
    assert _account(desk).cash_li == before - paid - fee
    assert _account(desk).positions[BOND].cost_li == paid
    order = [event.row for event in bought.events if event.kind == "order"][-1]
    assert round(order.traded_price * 1000 * 2000) == pytest.approx(clean, abs=2000)
    had = _account(desk).cash_li
    sold = _trades(desk.submit("卖", 2000, "bid-5"))
    got = sum(round(row.traded_amount * 1000 - row.commission * 1000) for row in sold)
    assert _account(desk).cash_li == had + got
    assert got > sum(round(row.traded_price * 1000) * row.traded_volume for row in sold)


def test_a_convertible_and_an_older_day_are_full_price(open_desk: Open) -> None:
    for case in (
        Case("R2", "113050.SH", "买", 100, "ask"),
        Case("R2", BOND, "买", 1000, "ask", day="2022-05-13"),
    ):
        desk = open_desk(case)
        for row in _trades(desk.submit("买", case.volume, "ask+5")):
            assert row.traded_amount == pytest.approx(row.traded_price * row.traded_volume)


@pytest.mark.parametrize(("short", "code"), [(0, 0), (10, 260200)])
def test_the_interest_must_be_affordable(open_desk: Open, short: int, code: int) -> None:
    """R2：钱够净价、不够利息的是废单；冻结里也有它，撤单全退。"""
    price = 99.5
    need = 99_500 * 1000 + 1_706_300 + (99_500 * 1000 * 50 + 5_000_000) // 10_000_000 * 10
    case = Case("R2", BOND, "买", 1000, price, facts=HALF)
    desk = open_desk(case, cash_li=need - short)
    desk.engine._counter.quote(desk.security)
    outcome = desk.submit("买", 1000, price)
    assert refusal(outcome)[0] == code
    if code == 0 and not _trades(outcome):
        assert (_account(desk).cash_li, _account(desk).frozen_li) == (0, need)


def test_partial_fills_add_up(open_desk: Open) -> None:
    """几笔的利息合起来正好是整笔的，重启之后也是。"""
    desk = open_desk(Case("R2", BOND, "买", 1000, "ask", facts=HALF))
    total = 0
    outcome = desk.submit("买", 3_000_000, "ask+1")
    rows = _trades(outcome)
    assert rows
    volume = sum(row.traded_volume for row in rows)
    for row in rows:
        total += round(row.traded_amount * 1000) - round(
            round(row.traded_price * 1000) * row.traded_volume, -1
        )
    assert total == interest_li(170_630_137, volume)
    account = _account(desk)
    before = (account.cash_li, account.frozen_li)
    shown = [trade.amount_li for trade in desk.engine._counter.state.trades_of[ACCOUNT]]
    desk.engine.advance()
    folder = desk.engine.folder
    desk.engine.close()
    desk.engine = type(desk.engine)(folder, desk.clock)
    account = _account(desk)
    assert (account.cash_li, account.frozen_li) == before
    assert [t.amount_li for t in desk.engine._counter.state.trades_of[ACCOUNT]] == shown


@pytest.mark.parametrize(
    ("bought", "until", "each"),
    [
        ("2026-11-23", "2026-11-24", 1_730),  # 半年的一半：1.73 元
        ("2026-11-24", "2026-11-25", 0),  # 付息日买的不得
        ("2026-11-20", "2026-11-23", 0),
        ("2026-05-22", "2026-05-25", 1_730),  # 5 月 24 日是周日，下一个交易日付
    ],
)
def test_coupons_are_paid(open_desk: Open, bought: str, until: str, each: int) -> None:
    """持有过付息日的得到利息；付息之后应计利息从头算，律不破。"""
    case = Case("R2", BOND, "买", 1000, "ask", day=bought, hours="exchange", facts=HALF)
    desk = open_desk(case)
    desk.submit("买", 1000, "ask+5")
    held = _account(desk).positions[BOND].volume
    assert held == 1000
    before, gained = _account(desk).cash_li, _account(desk).realized_li
    desk.clock.set(at(until, "09:00"))
    desk.engine.advance()
    assert _account(desk).cash_li - before == each * 1000
    assert _account(desk).realized_li - gained == each * 1000


def test_coupons_are_paid_once_over_a_long_absence(open_desk: Open) -> None:
    desk = open_desk(
        Case("R2", BOND, "买", 1000, "ask", day="2026-01-05", hours="exchange", facts=HALF)
    )
    desk.submit("买", 1000, "ask+5")
    before = _account(desk).cash_li
    desk.clock.set(at("2026-12-01", "10:00"))
    while desk.engine.advance().answer:
        pass
    assert _account(desk).cash_li - before == 2 * 1_730 * 1000


def test_bonds_fill_after_three(open_desk: Open) -> None:
    """A8：15:00 以后照常成交，挂着的到 15:30 到期。"""
    desk = open_desk(Case("A8", BOND, "买", 1000, "ask", clock="15:10", hours="exchange"))
    assert _trades(desk.submit("买", 1000, "ask"))
    waiting = desk.submit("买", 1000, "bid-20")
    assert refusal(waiting)[0] == 0
    desk.clock.set(at("2026-11-20", "15:29:59"))
    desk.engine.advance()
    orders = desk.engine._counter.state.orders
    assert orders[waiting.answer.order_id].is_working
    desk.clock.set(at("2026-11-23", "09:00"))
    desk.engine.advance()
    assert waiting.answer.order_id not in desk.engine._counter.state.orders
    assert _account(desk).frozen_li == 0
