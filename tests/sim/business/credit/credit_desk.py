"""一张信用柜台：手动时钟 + 引擎 + ``credit.json``。"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.market.symbols import parse_security
from easytrader.sim.business.corporate import CorporateBusiness
from easytrader.sim.business.credit.plugin import CreditBusiness
from easytrader.sim.config.credit import FILE_NAME
from easytrader.sim.config.folder import create
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

    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account

ACCOUNT = "660000001"
CODE = "600036.SH"
OTHER = "000001.SZ"
LIMIT, LATEST, SH_MARKET = 11, 5, 42
BUY, SELL, FIN_BUY, SLO_SELL, BUY_BACK, GIVE_BACK, SELL_REPAY, CASH_REPAY = (
    23, 24, 27, 28, 29, 30, 31, 32,
)  # fmt: skip
DAY = 86400
_SHANGHAI = timezone(timedelta(hours=8))


def at(day: str, clock: str = "10:00") -> float:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_SHANGHAI).timestamp()


@dataclass
class Placed:
    """一笔委托：编号，拒绝的编号（收下为 0）与文字。"""

    order_id: int
    code: int
    text: str


class CreditDesk:
    def __init__(
        self,
        path: Path,
        *,
        cash: int = 1_000_000,
        held: tuple[tuple[str, int, int], ...] = (),
        settings: dict[str, Any] | None = None,
        day: str = "2026-11-20",
        clock: str = "10:00",
        hours: str = "always",
        actions: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        account = in_li(ACCOUNT, 3, cash * 1000, held)
        self.folder = create(path, [account], clock=hours, **more)
        if settings is not None:
            text = json.dumps(settings, ensure_ascii=False)
            (path / FILE_NAME).write_text(text, encoding="utf-8")
        if actions is not None:
            text = json.dumps(actions, ensure_ascii=False)
            (path / "corporate_actions.json").write_text(text, encoding="utf-8")
        self.clock = ManualClock(at(day, clock))
        self.opening = cash * 1000 + sum(cost for _, _, cost in held)
        self.engine = Engine(self.folder, self.clock)

    @property
    def line(self) -> CreditBusiness:
        lines = self.engine._counter._ledger.businesses
        return next(line for line in lines if isinstance(line, CreditBusiness))

    @property
    def account(self) -> Account:
        return self.engine._counter.state.accounts[ACCOUNT]

    @property
    def income(self) -> int:
        """到账的红利。"""
        lines = self.engine._counter._ledger.businesses
        return sum(line.income_li(ACCOUNT) for line in lines if isinstance(line, CorporateBusiness))

    def reopen(self) -> None:
        """柜台进程没了，再开：只剩账本。"""
        self.engine.close()
        self.engine = Engine(self.folder, self.clock)

    def quote(self, code: str = CODE) -> Quote:
        self.engine.advance()
        return self.engine._counter.quote(parse_security(code))

    def order(
        self, kind: int, code: str, volume: int, price: float, price_type: int = LIMIT
    ) -> Placed:
        args = SubmitOrder(3, ACCOUNT, code, kind, volume, price_type, price, "", "")
        outcome = self.engine.submit(args)
        assert outcome.answer.order_id > 0, outcome.answer
        self.check()
        return Placed(outcome.answer.order_id, *refusal(outcome))

    def buy(self, kind: int, volume: int, code: str = CODE) -> Placed:
        """按卖一买；量不大就当场成。"""
        return self.order(kind, code, volume, self.quote(code).asks[0].price_li / 1000)

    def sell(self, kind: int, volume: int, code: str = CODE) -> Placed:
        """按买一卖。"""
        return self.order(kind, code, volume, self.quote(code).bids[0].price_li / 1000)

    def short(self, volume: int, code: str = CODE, kind: int = SLO_SELL) -> Placed:
        """按最新价融券卖出，等到成交。"""
        placed = self.order(kind, code, volume, self.quote(code).last_li / 1000)
        assert placed.code == 0, placed
        for _ in range(2000):
            if self.status(placed.order_id) == 56:
                return placed
            self.clock.advance(3)
            self.engine.advance()
            self.check()
        raise AssertionError("等不到成交")

    def status(self, order_id: int) -> int:
        [row] = self.engine.orders(OrdersQuery(3, ACCOUNT, order_id)).answer
        return int(row.order_status)

    def cancel(self, order_id: int) -> Outcome:
        outcome = self.engine.cancel(CancelOrder(3, ACCOUNT, order_id))
        self.check()
        return outcome

    def ask(self, verb: str) -> list[Any]:
        found = self.engine.ask(verb, AccountQuery(3, ACCOUNT)).answer
        assert isinstance(found, list)
        return found

    @property
    def detail(self) -> Any:
        [row] = self.ask("credit_detail")
        return row

    @property
    def asset(self) -> Any:
        [row] = self.engine.asset(AccountQuery(3, ACCOUNT)).answer
        return row

    def volume(self, code: str = CODE) -> int:
        held = self.account.positions.get(code)
        return held.volume if held else 0

    def pass_days(self, days: int = 1) -> None:
        self.clock.advance(days * DAY)
        self.engine.advance()
        self.check()

    def check(self) -> None:
        """守恒律到厘，没有负数。"""
        account = self.account
        total = (
            account.cash_li
            + account.frozen_li
            + account.fees_li
            + sum(held.cost_li for held in account.positions.values())
            + self.line.held_li(ACCOUNT)
            - self.income
            - account.realized_li
        )
        assert total == self.opening, (total, self.opening)
        book = self.line._debts
        assert min(account.cash_li, account.frozen_li, account.proceeds_li) >= 0
        assert min(book.pool(ACCOUNT), book.used_pool(ACCOUNT)) >= 0
        assert book.used_pool(ACCOUNT) <= account.frozen_li
        for held in account.positions.values():
            assert min(held.volume, held.frozen, held.locked, held.cost_li, held.sellable) >= 0
        for each in book.contracts(ACCOUNT):
            assert min(each.left_li, each.left_volume, each.left_fare_li) >= 0
            assert (each.left_li, each.left_fare_li) == tuple(
                value // 10 * 10 for value in (each.left_li, each.left_fare_li)
            )


def refusal(outcome: Outcome) -> tuple[int, str]:
    """拒绝的编号与文字；收下了是 ``(0, "")``。"""
    errors = [event.row for event in outcome.events if event.kind == "order_error"]
    if not errors:
        return 0, ""
    text = errors[-1].error_msg
    return int(text.split("[COUNTER] [")[1].split("]")[0]), text
