"""公司行为的柜台：手动时钟 + 引擎，文件夹里先写好 ``corporate_actions.json``。"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.market.symbols import parse_security
from easytrader.sim.business.corporate import CorporateBusiness
from easytrader.sim.config.corporate_actions import FILE_NAME
from easytrader.sim.config.folder import SimFolder, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import AccountQuery, Outcome, SubmitOrder

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.gateway.rows import PositionRow
    from easytrader.sim.ledger.account import Account

ACCOUNT = "880000001"
CODE = "600036.SH"
FUND = "159915.SZ"
CASH = 10_000_000_000
_SHANGHAI = timezone(timedelta(hours=8))


def at(day: str, clock: str = "10:00") -> float:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_SHANGHAI).timestamp()


class Desk:
    """``held``：代码 → 股数，每股成本 10 元。"""

    def __init__(
        self,
        path: Path,
        actions: Any = None,
        held: dict[str, int] | None = None,
        start: str = "2026-11-16",
        stepped: str = "",
        **settings: Any,
    ) -> None:
        rows = tuple((code, volume, volume * 10_000) for code, volume in (held or {}).items())
        settings = {"clock": "exchange", **settings}
        if stepped:
            settings |= {"clock": "step", "start": stepped}
        self.folder = create(path, [in_li(ACCOUNT, 2, CASH, rows)], **settings)
        if actions is not None:
            text = json.dumps(actions, ensure_ascii=False)
            (self.folder.path / FILE_NAME).write_text(text, encoding="utf-8")
        self.opening = CASH + sum(cost for _, _, cost in rows)
        self.clock = ManualClock(at(start))
        self.engine = Engine(self.folder, self.clock)

    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine(SimFolder.open(self.folder.path), self.clock)

    def go(self, day: str, clock: str = "10:00") -> None:
        self.clock.set(at(day, clock))
        while self.engine.advance().answer:
            pass

    def quote(self, code: str = CODE) -> Quote:
        self.engine.advance()
        return self.engine._counter.quote(parse_security(code))

    @property
    def account(self) -> Account:
        return self.engine._counter.state.accounts[ACCOUNT]

    @property
    def line(self) -> CorporateBusiness:
        lines = self.engine._counter._ledger.businesses
        return next(each for each in lines if isinstance(each, CorporateBusiness))

    def held(self, code: str = CODE) -> PositionRow | None:
        rows = self.engine.positions(AccountQuery(2, ACCOUNT, code)).answer
        return rows[0] if rows else None

    def trade(self, side: int, volume: int, code: str = CODE) -> Outcome:
        """照对手价一次成交。"""
        quote = self.quote(code)
        price = quote.asks[4].price_li if side == 23 else quote.bids[4].price_li
        args = SubmitOrder(2, ACCOUNT, code, side, volume, 11, price / 1000, "", "")
        outcome = self.engine.submit(args)
        assert outcome.events[-1].row.order_status == 56, outcome
        return outcome

    def balance(self) -> int:
        """守恒律左边减右边：应当恒为 0。"""
        account = self.account
        lines: Any = self.engine._counter._ledger.businesses
        cost = sum(each.cost_li for each in account.positions.values())
        held = sum(each.held_li(ACCOUNT) for each in lines if hasattr(each, "held_li"))
        total = account.cash_li + account.frozen_li + account.fees_li + cost + held
        return total - account.realized_li - self.line.income_li(ACCOUNT) - self.opening
