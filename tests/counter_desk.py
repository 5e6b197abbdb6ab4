"""测试用的柜台：手动时钟 + 引擎，少打几个字。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder, create
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
    from easytrader.sim.gateway.rows import AssetRow, OrderRow, PositionRow

ACCOUNT = "880000001"
# 2026-11-20（周五）10:00:00 上海时间
START = 1795140000.0
DAY = 86400.0
BUY, SELL = 23, 24


class Desk:
    def __init__(self, path: Path, *, start: float = START, cash_li: int = 10**9, **kw: Any):
        positions = kw.pop("positions", ())
        account_type = kw.pop("account_type", 2)
        self.account_type = account_type
        self.clock = ManualClock(start)
        account = in_li(ACCOUNT, account_type, cash_li, positions)
        self.folder = create(path, [account], **kw)
        self.engine = Engine(self.folder, self.clock)

    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine(SimFolder.open(self.folder.path), self.clock)

    def submit(self, side: int, code: str, volume: int, price: float, kind: int = 11) -> Outcome:
        args = SubmitOrder(
            self.account_type, ACCOUNT, code, side, volume, kind, price, "策略", "备注"
        )
        return self.engine.submit(args)

    def buy(self, code: str, volume: int, price: float, kind: int = 11) -> Outcome:
        return self.submit(BUY, code, volume, price, kind)

    def sell(self, code: str, volume: int, price: float, kind: int = 11) -> Outcome:
        return self.submit(SELL, code, volume, price, kind)

    def cancel(self, order_id: int, **kw: Any) -> Outcome:
        return self.engine.cancel(CancelOrder(self.account_type, ACCOUNT, order_id, **kw))

    def quote(self, code: str) -> Quote:
        self.engine.advance()
        return self.engine._counter.quote(parse_security(code))

    def levels(self, code: str) -> Quote:
        """行情自己此刻的盘口：集合竞价里看不见的五档。"""
        self.engine.advance()
        counter = self.engine._counter
        return counter._market.quote(parse_security(code), counter.state.progress.tick)

    def asset(self) -> AssetRow:
        row: AssetRow = self.engine.asset(AccountQuery(self.account_type, ACCOUNT)).answer[0]
        return row

    def orders(self) -> list[OrderRow]:
        rows: list[OrderRow] = self.engine.orders(OrdersQuery(self.account_type, ACCOUNT)).answer
        return rows

    def order(self, order_id: int) -> OrderRow:
        args = OrdersQuery(self.account_type, ACCOUNT, order_id)
        row: OrderRow = self.engine.orders(args).answer[0]
        return row

    def trades(self) -> list[Any]:
        rows: list[Any] = self.engine.trades(AccountQuery(self.account_type, ACCOUNT)).answer
        return rows

    def position(self, code: str) -> PositionRow | None:
        args = AccountQuery(self.account_type, ACCOUNT, code)
        rows: list[PositionRow] = self.engine.positions(args).answer
        return rows[0] if rows else None

    def internals(self) -> tuple[Any, ...]:
        """账本应当一字不差地记住的内部状态。"""
        state = self.engine._counter.state
        orders = [
            [getattr(order, name) for name in order.__slots__ if name != "_snapshot"]
            for order in state.orders.values()
        ]
        held = [
            (
                account.account_id,
                account.cash_li,
                account.frozen_li,
                account.fees_li,
                account.realized_li,
                account.proceeds_li,
                *map(repr, sorted(account.positions.values(), key=lambda held: held.stock_code)),
            )
            for account in state.accounts.values()
        ]
        return orders, held, repr(state.progress)

    def snapshot(self) -> tuple[Any, ...]:
        """对外能看到的一切。"""
        args = AccountQuery(self.account_type, ACCOUNT)
        return (
            self.engine.asset(args).answer,
            self.engine.positions(args).answer,
            self.orders(),
            self.trades(),
        )


def kinds(outcome: Outcome) -> list[Any]:
    """推送的种类；委托带上状态。"""
    return [
        event.row.order_status if event.kind == "order" else event.kind for event in outcome.events
    ]


def yuan(li: int) -> float:
    return li / 1000
