"""两个前端一起用的柜台：一半的委托与撤单从完整版的口走，一个完整版的客户端只听着记账。

它连上时问一次行，以后只靠送来的事：任何时候它记着的委托与成交都与柜台的一字不差，
换日、公司行为、重开也是。钱与持仓的定律照旧，由 `laws_books` 核对。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laws import Laws
from laws_desk import Desk
from laws_world import KINDS

from easytrader.sim.host.terminal_port import Terminals
from easytrader.sim.host.terminal_verbs import COUNTER

if TYPE_CHECKING:
    from pathlib import Path

    from laws_world import World

    from easytrader.sim.gateway.terminal_rows import Row
    from easytrader.sim.ledger.events import Outcome

_IDS = {"ORDER": "_order_id", "DEAL": "m_strTradeID"}
_MIRRORED = {"order": "ORDER", "deal": "DEAL"}


class Ear:
    """听着的客户端：只有 `deliver`，是登记处要的那一面。"""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Any], Row] = {}
        self.stale = True

    def deliver(self, frame: Any) -> None:
        _, kind, row = frame
        if kind in _MIRRORED:
            self.keep(_MIRRORED[kind], row)
        elif kind == "control":
            assert row["do"] == "day"
            self.stale = True  # 新的一天，从头问

    def keep(self, kind: str, row: Row) -> None:
        key = kind, row[_IDS[kind]]
        if kind == "DEAL":
            assert key not in self.rows, f"一笔成交说了两遍：{row}"
        self.rows[key] = row


class BothDesk(Desk):
    """MiniQMT 与完整版轮流下单的柜台。"""

    def __init__(self, path: Path, world: World) -> None:
        super().__init__(path, world)
        self._turn = 0
        self._listen()

    def _listen(self) -> None:
        """开着的柜台换了一个：客户端也重新连上。"""
        self.happened: list[Any] = []
        self.ear = Ear()
        self.terminals = Terminals(self.folder)
        self.terminals.add(self.ear, self.engine)  # type: ignore[arg-type]
        told = self.engine.told

        def heard(found: Outcome, answer: Any) -> Outcome:
            outcome = told(found, answer)
            self.happened += outcome.happened
            return outcome

        self.engine.told = heard  # type: ignore[method-assign]

    def do(self, command: Any) -> Any:
        found = super().do(command)
        self.agree()
        return found

    def agree(self) -> None:
        """听来的与柜台的一样。"""
        self._tell()
        rows = {
            (kind, row[_IDS[kind]]): row
            for name in KINDS
            for kind in _IDS
            for row in self.ask_rows(name, kind)
        }
        if self.happened:  # 问的时候又往前走了一步
            self._tell()
            rows = self.ear.rows if self.ear.stale else rows
        if self.ear.stale:
            self.ear.rows, self.ear.stale = rows, False
        assert self.ear.rows == rows

    def _tell(self) -> None:
        happened, self.happened = self.happened, []
        self.terminals.tell(happened, self.engine)

    def ask_rows(self, name: str, kind: str) -> list[Row]:
        """柜台此刻的行。"""
        args = {"account_id": name, "account_type": KINDS[name], "kind": kind}
        found: list[Row] = COUNTER["rows"].shape(self._ask("rows", args).answer, args)
        return found

    def _ask(self, verb: str, args: dict[str, Any]) -> Outcome:
        return COUNTER[verb].asked(args)(self.engine)

    def _next_is_terminal(self) -> bool:
        self._turn += 1
        return self._turn % 2 == 0

    def _submit(self, name: str, *order: Any) -> Any:
        if not self._next_is_terminal():
            return super()._submit(name, *order)
        order_type, code, volume, price_type, price = order
        args = {
            "account_id": name, "account_type": KINDS[name], "stock_code": code,
            "order_type": order_type, "price_type": price_type, "price": price,
            "volume": volume, "strategy": "策略", "remark": "备注",
        }  # fmt: skip
        outcome = self._ask("submit", args)
        return outcome.answer, list(outcome.events)

    def _cancel(self, name: str, order_id: int) -> Any:
        sysid = self.state.orders[order_id].sysid
        if not self._next_is_terminal() or not sysid:
            return super()._cancel(name, order_id)
        args = {"account_id": name, "account_type": KINDS[name], "sysid": sysid}
        outcome = self._ask("cancel", args)
        return outcome.answer, list(outcome.events)

    def reopen(self) -> None:
        super().reopen()
        self._listen()

    def crash(self) -> None:
        super().crash()
        self._listen()


class BothLaws(Laws):
    """同样的世界与动作，两个前端。"""

    desk_class = BothDesk
