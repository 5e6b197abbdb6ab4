"""两个账户的柜台：手动时钟 + 引擎。命令是元组，同样的一串命令可以在另一个文件夹里再做一遍。"""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from laws_world import CASH, CREDIT, HELD, KINDS, MONEY
from support import VendorEngine as Engine
from support import in_li

from easytrader.errors import SimulatorError
from easytrader.market.rules.phases import Phase
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import AccountQuery, CancelOrder, OrdersQuery, SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from laws_world import World

    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.gateway.rows import OrderRow
    from easytrader.sim.ledger.state import CounterState

Command = tuple[Any, ...]
_SHANGHAI = timezone(timedelta(hours=8))
_CREDIT_VERBS = (
    "credit_detail", "stk_compacts", "credit_subjects", "credit_slo_code", "credit_assure",
)  # fmt: skip
_ANY_VERBS = ("ipo_data", "new_purchase_limit")


def at(day: Any, clock: str) -> float:
    """上海时间 → Unix 秒。"""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_SHANGHAI).timestamp()


def shown(ts: float) -> datetime:
    """Unix 秒 → 上海时间。"""
    return datetime.fromtimestamp(ts, _SHANGHAI)


class Desk:
    """一个文件夹里的柜台。"""

    def __init__(self, path: Path, world: World) -> None:
        self.path, self._copies = path, 0
        accounts = [in_li(name, KINDS[name], MONEY[name], HELD[name]) for name in KINDS]
        self.folder = create(path, accounts, clock="exchange", **world.settings)
        for name, body in (
            ("credit.json", world.credit),
            ("corporate_actions.json", world.actions),
            ("ipo.json", world.ipo),
            ("convertibles.json", world.bonds),
        ):
            if body is not None:
                (path / name).write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        self.clock = ManualClock(at(world.start, world.clock))
        self.engine = Engine(self.folder, self.clock)

    def do(self, command: Command) -> Any:
        """做一条命令；返回应答与推送。"""
        verb, *args = command
        found: Any = getattr(self, f"_{verb}")(*args)
        return found

    def _go(self, ts: float) -> Any:
        self.clock.set(ts)
        events: list[Any] = []
        while True:  # 走得远就分段
            outcome = self.engine.advance()
            events += outcome.events
            if not outcome.answer:
                return None, events

    def _submit(self, name: str, *order: Any) -> Any:
        outcome = self.engine.submit(_submission(name, *order))
        return outcome.answer, list(outcome.events)

    def _burst(self, *orders: tuple[Any, ...]) -> Any:
        """几笔委托一个事务。"""
        with self.engine.transaction():
            made = [self.engine.submit(_submission(*order)) for order in orders]
        return [each.answer for each in made], [event for each in made for event in each.events]

    def _cancel(self, name: str, order_id: int) -> Any:
        outcome = self.engine.cancel(CancelOrder(KINDS[name], name, order_id))
        return outcome.answer, list(outcome.events)

    def close(self) -> None:
        self.engine.close()

    def reopen(self) -> None:
        """正常关掉，再开。"""
        self.engine.close()
        self.engine = Engine(SimFolder.open(self.folder.path), self.clock)

    def crash(self) -> None:
        """没有关就没了：接着用此刻磁盘上的那一份。"""
        self._copies += 1
        copy = self.path.with_name(f"{self.path.name} 之后 {self._copies}")
        shutil.copytree(self.folder.path, copy)
        self.engine.close()
        self.folder = SimFolder.open(copy)
        self.engine = Engine(self.folder, self.clock)

    def forget(self) -> None:
        """上一步没有落成盘：柜台从账本重读。"""
        self.engine._stale = True

    def settle(self) -> None:
        """走到的时刻也落盘：重开前后可以逐项比。"""
        self.engine._counter.changes.progress = True
        self.engine.advance()

    def next_open(self) -> float | None:
        """此刻休市就是下一次开市之后不久；开着为 None。"""
        hours, now = self.engine._hours, self.clock.now()
        if hours.phase(now, True, True) is not Phase.CLOSED:
            return None
        today = shown(now).date()
        while True:
            for clock in ("09:31", "13:01"):
                if at(today, clock) > now and hours.is_open(at(today, clock)):
                    return at(today, clock)
            today += timedelta(1)

    @property
    def state(self) -> CounterState:
        return self.engine._counter.state

    @property
    def lines(self) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self.engine._counter._ledger.businesses
        return found

    def quote(self, code: str) -> Quote | None:
        """看得见的盘口；没有行情为 None。"""
        try:
            return self.engine._counter.quote(parse_security(code))
        except (SimulatorError, ValueError):
            return None

    def orders(self, name: str) -> list[OrderRow]:
        rows: list[OrderRow] = self.engine.orders(OrdersQuery(KINDS[name], name)).answer
        return rows

    def snapshot(self) -> dict[str, Any]:
        """两个账户对外能看到的一切。"""
        engine, found = self.engine, {}
        for name, kind in KINDS.items():
            args = AccountQuery(kind, name)
            asks: list[tuple[str, Callable[[], Any]]] = [
                ("asset", lambda args=args: engine.asset(args).answer),  # type: ignore[misc]
                ("positions", lambda args=args: engine.positions(args).answer),  # type: ignore[misc]
                ("trades", lambda args=args: engine.trades(args).answer),  # type: ignore[misc]
            ]
            for what, ask in asks:
                found[f"{name} {what}"] = ask()
            found[f"{name} orders"] = self.orders(name)
            for verb in (*_ANY_VERBS, *(_CREDIT_VERBS if name == CREDIT else ())):
                found[f"{name} {verb}"] = engine.ask(verb, args).answer
        return found

    def internals(self) -> dict[str, Any]:
        """账本应当一字不差地记住的。"""
        state = self.state
        found: dict[str, Any] = {"progress": repr(state.progress), "records": dict(state.records)}
        for order in state.orders.values():
            fields = [getattr(order, name) for name in order.__slots__ if name != "_snapshot"]
            found[f"order {order.order_id}"] = fields
        for name, account in state.accounts.items():
            held = sorted(account.positions.values(), key=lambda each: each.stock_code)
            found[name] = [
                getattr(account, field) for field in account.__slots__ if field != "positions"
            ]
            found[f"{name} held"] = list(map(repr, held))
        found["resting"] = {
            code: [order.order_id for order in book.orders()]
            for code, book in state.resting.items()
        }
        return found


def _submission(
    name: str, kind: int, code: str, volume: int, how: int, price: float
) -> SubmitOrder:
    return SubmitOrder(KINDS[name], name, code, kind, volume, how, price, "策略", "备注")


__all__ = ["CASH", "CREDIT", "Command", "Desk", "at", "shown"]
