"""盘后固定价格的测试：时刻、推进、下单。"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counter_desk import Desk

    from easytrader.sim.ledger.events import Outcome

SHANGHAI = timezone(timedelta(hours=8))
AFTER_BUY, AFTER_SELL = 1043, 1044
SH, SZ, STAR, CHINEXT, ETF = "600036.SH", "000001.SZ", "688981.SH", "300750.SZ", "510300.SH"
BOARDS = (SH, SZ, STAR, CHINEXT, ETF)
OPENING = 10**12


def at(when: str) -> float:
    return datetime.fromisoformat(when).replace(tzinfo=SHANGHAI).timestamp()


def go(desk: Desk, when: str) -> list[Any]:
    """走到那一刻，补撮合做完为止；返回其间的推送。"""
    desk.clock.set(at(when if "-" in when else f"2026-11-20 {when}"))
    seen: list[Any] = []
    while True:
        outcome = desk.engine.advance()
        seen += outcome.events
        if not outcome.answer:
            return seen


def walk(desk: Desk, when: str, step: float = 3.0) -> list[Any]:
    """一步一步走到那一刻。"""
    until = at(f"2026-11-20 {when}")
    seen: list[Any] = []
    while desk.clock.now() < until:
        desk.clock.set(min(desk.clock.now() + step, until))
        seen += desk.engine.advance().events
    return seen


def buy(desk: Desk, code: str, volume: int, price: float | str = "up", kind: int = 11) -> Outcome:
    return desk.submit(AFTER_BUY, code, volume, price_of(desk, code, price), kind)


def sell(
    desk: Desk, code: str, volume: int, price: float | str = "down", kind: int = 11
) -> Outcome:
    return desk.submit(AFTER_SELL, code, volume, price_of(desk, code, price), kind)


def price_of(desk: Desk, code: str, said: float | str) -> float:
    """元，或 ``up``、``down``、``last``。"""
    if not isinstance(said, str):
        return said
    quote = desk.quote(code)
    known = {"up": quote.limit_up_li, "down": quote.limit_down_li, "last": quote.last_li}
    return known[said] / 1000


def refusal(outcome: Outcome) -> str:
    """拒绝的文字；收下了为空。"""
    assert outcome.answer.order_id > 0, outcome.answer
    errors = [event.row.error_msg for event in outcome.events if event.kind == "order_error"]
    statuses = [event.row.order_status for event in outcome.events if event.kind == "order"]
    assert statuses == ([57] if errors else [50])
    return errors[0] if errors else ""


def trades(events: list[Any]) -> list[Any]:
    return [each.row for each in events if each.kind == "trade"]


def total(events: list[Any], order_id: int = 0) -> int:
    rows = [row for row in trades(events) if order_id in (0, row.order_id)]
    return sum(row.traded_volume for row in rows)


def conserved(desk: Desk, opening: int = OPENING) -> None:
    """现金 + 冻结 + 费用 + 持仓成本 − 已实现盈亏 = 初始。"""
    for account in desk.engine._counter.state.accounts.values():
        held = sum(each.cost_li for each in account.positions.values())
        found = account.cash_li + account.frozen_li + account.fees_li + held
        assert found - account.realized_li == opening
        assert account.cash_li >= 0
        assert account.frozen_li >= 0


def stored(desk: Desk) -> list[Any]:
    """账本里的一切。"""
    db = sqlite3.connect(desk.folder.store_path)
    try:
        tables = ("orders", "trades", "accounts", "positions", "queues")
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    finally:
        db.close()
