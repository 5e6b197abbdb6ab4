"""逆回购的测试：时刻、借出、独立算出来的利息。"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counter_desk import Desk

    from easytrader.sim.business.repo import RepoBusiness
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.events import Outcome

SHANGHAI = timezone(timedelta(hours=8))
GC001, GC002, GC003, GC004, GC007, GC014 = (
    "204001.SH",
    "204002.SH",
    "204003.SH",
    "204004.SH",
    "204007.SH",
    "204014.SH",
)
R001 = "131810.SZ"


def at(when: str) -> float:
    return datetime.fromisoformat(when).replace(tzinfo=SHANGHAI).timestamp()


def go(desk: Desk, when: str) -> list[Any]:
    """走到那一刻，补撮合做完为止；返回其间的推送。"""
    desk.clock.set(at(when))
    seen: list[Any] = []
    while True:
        outcome = desk.engine.advance()
        seen += outcome.events
        if not outcome.answer:
            return seen


def lend(desk: Desk, code: str, volume: int) -> Outcome:
    """按买一的利率借出，立刻成交。"""
    rate = desk.quote(code).bids[0].price_li / 1000
    outcome = desk.sell(code, volume, rate)
    assert outcome.events[-1].row.order_status == 56, outcome
    return outcome


def fills(outcome: Outcome) -> list[tuple[Decimal, int]]:
    """各笔成交的利率（%）与张数。"""
    return [
        (Decimal(str(event.row.traded_price)), event.row.traded_volume)
        for event in outcome.events
        if event.kind == "trade"
    ]


def interest(outcome: Outcome, days: int) -> Decimal:
    """按定义另算一遍：本金 × 年利率 × 天数 ÷ 365，每笔成交四舍五入到分，元。"""
    fen = Decimal("0.01")
    return sum(
        (
            (Decimal(100) * volume * rate / 100 * days / 365).quantize(fen, ROUND_HALF_UP)
            for rate, volume in fills(outcome)
        ),
        Decimal(0),
    )


def account_of(desk: Desk) -> Account:
    return next(iter(desk.engine._counter.state.accounts.values()))


def line_of(desk: Desk) -> RepoBusiness:
    from easytrader.sim.business.repo import RepoBusiness

    lines = desk.engine._counter._ledger.businesses
    return next(line for line in lines if isinstance(line, RepoBusiness))


def yuan(amount: float) -> Decimal:
    return Decimal(str(round(amount, 2)))


def days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
