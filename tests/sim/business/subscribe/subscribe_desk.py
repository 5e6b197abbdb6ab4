"""新股申购的柜台：手动时钟 + 引擎，文件夹里先写好 ``ipo.json``。"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.market.symbols import parse_security
from easytrader.sim.business.subscribe import SubscribeBusiness
from easytrader.sim.config.folder import SimFolder, create
from easytrader.sim.config.ipo import FILE_NAME
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import (
    AccountQuery,
    CancelOrder,
    OrdersQuery,
    Outcome,
    SubmitOrder,
)

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.sim.business.subscribe import Subscription
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account

ACCOUNT = "880000001"
CASH = 1_000_000_000
STAR, SHENZHEN, BOND = "787801.SH", "301888.SZ", "754888.SH"
_SHANGHAI = timezone(timedelta(hours=8))


def at(day: str, clock: str = "10:00") -> float:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_SHANGHAI).timestamp()


def star(**more: Any) -> dict[str, Any]:
    """周一申购，周三缴款，下周一上市。"""
    entry = {
        "name": "模拟星辰", "listed_code": "688801.SH", "price": 25.6, "date": "2026-11-16",
        "max": 9000, "listing": "2026-11-23", "wins": 1, **more,
    }  # fmt: skip
    return _fair(entry)


def shenzhen(**more: Any) -> dict[str, Any]:
    entry = {
        "name": "模拟创业", "price": 10.01, "date": "2026-11-16", "max": 16500,
        "listing": "2026-11-24", "wins": 2, **more,
    }  # fmt: skip
    return _fair(entry)


def bond(**more: Any) -> dict[str, Any]:
    entry = {
        "name": "模拟发债", "listed_code": "111888.SH", "price": 100, "date": "2026-11-16",
        "max": 10000, "listing": "2026-11-25", "wins": 1, **more,
    }  # fmt: skip
    return _fair(entry)


def _fair(entry: dict[str, Any]) -> dict[str, Any]:
    """写了中签率的就不写中几签；给 None 的去掉。"""
    if "rate_ppm" in entry:
        entry.pop("wins")
    return {key: value for key, value in entry.items() if value is not None}


WIDE = {"KCB": 100_000, "SH": 100_000, "SZ": 100_000}


class Desk:
    def __init__(
        self,
        path: Path,
        issues: dict[str, Any] | None = None,
        quota: dict[str, int] | None = None,
        held: dict[str, int] | None = None,
        cash_li: int = CASH,
        start: str = "2026-11-16",
        account_type: int = 2,
        **settings: Any,
    ) -> None:
        rows = tuple((code, volume, volume * 10_000) for code, volume in (held or {}).items())
        self.kind = account_type
        account = in_li(ACCOUNT, account_type, cash_li, rows)
        self.folder = create(path, [account], **{"clock": "exchange", **settings})
        if issues is not None:
            body = {"issues": issues, "quota": WIDE if quota is None else quota}
            text = json.dumps(body, ensure_ascii=False)
            (self.folder.path / FILE_NAME).write_text(text, encoding="utf-8")
        self.opening = cash_li + sum(cost for _, _, cost in rows)
        self.clock = ManualClock(at(start))
        self.engine = Engine(self.folder, self.clock)

    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine(SimFolder.open(self.folder.path), self.clock)

    def go(self, day: str, clock: str = "10:00") -> list[Any]:
        self.clock.set(at(day, clock))
        events: list[Any] = []
        while True:
            outcome = self.engine.advance()
            events += outcome.events
            if not outcome.answer:
                return events

    def apply(
        self, code: str, volume: int, price: float, side: int = 23, kind: int = 11
    ) -> Outcome:
        args = SubmitOrder(self.kind, ACCOUNT, code, side, volume, kind, price, "打新", "备注")
        return self.engine.submit(args)

    def cancel(self, order_id: int) -> Outcome:
        return self.engine.cancel(CancelOrder(self.kind, ACCOUNT, order_id))

    def order(self, order_id: int) -> Any:
        return self.engine.orders(OrdersQuery(self.kind, ACCOUNT, order_id)).answer[0]

    def quote(self, code: str) -> Quote:
        self.engine.advance()
        return self.engine._counter.quote(parse_security(code))

    def limits(self) -> dict[str, int]:
        rows = self.engine.ask("new_purchase_limit", AccountQuery(self.kind, ACCOUNT)).answer
        return {row.new_purchase_limit_key: row.new_purchase_limit_value for row in rows}

    def today(self) -> list[Any]:
        rows: list[Any] = self.engine.ask("ipo_data", AccountQuery(0, "")).answer
        return rows

    @property
    def account(self) -> Account:
        return self.engine._counter.state.accounts[ACCOUNT]

    @property
    def line(self) -> SubscribeBusiness:
        lines = self.engine._counter._ledger.businesses
        return next(each for each in lines if isinstance(each, SubscribeBusiness))

    def kept(self, code: str = STAR) -> Subscription:
        return self.line.subscriptions(ACCOUNT)[code]

    def asset(self) -> Any:
        return self.engine.asset(AccountQuery(self.kind, ACCOUNT)).answer[0]

    def held(self, code: str) -> Any:
        rows = self.engine.positions(AccountQuery(self.kind, ACCOUNT, code)).answer
        return rows[0] if rows else None

    def balance(self) -> int:
        """守恒律左边减右边：应当恒为 0。"""
        account = self.account
        cost = sum(each.cost_li for each in account.positions.values())
        total = account.cash_li + account.frozen_li + account.fees_li + cost
        return total + self.line.held_li(ACCOUNT) - account.realized_li - self.opening


def refusal(outcome: Outcome) -> tuple[int, str]:
    """拒绝的编号与文字；收下了是 ``(0, "")``。"""
    assert outcome.answer.order_id > 0, outcome.answer
    errors = [event.row for event in outcome.events if event.kind == "order_error"]
    statuses = [event.row.order_status for event in outcome.events if event.kind == "order"]
    if not errors:
        assert statuses == [50]
        return 0, ""
    assert statuses == [57]
    text: str = errors[0].error_msg
    return int(text.split("[COUNTER] [")[1].split("]")[0]), text
