"""随机地借、买、卖、撤、走日子、重启：连同借出去的钱，账永远是平的；命令相同，结果相同。"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counter_desk import Desk, yuan
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from repo_helpers import account_of, at, line_of

from easytrader.market.rules.repo import TERMS
from easytrader.sim.business.repo import RECORD
from easytrader.sim.ledger.plugin import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.ledger.events import Outcome

    Command = Callable[[Desk], Outcome | None]

CASH = 3_000_000_000
STOCK = "600036.SH"
DAY = 86400.0


class Lending(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="逆回购 "))
        self.desk = self._new("first")
        self.commands: list[Command] = []
        self.log: list[Any] = []

    def _new(self, name: str) -> Desk:
        held = ((STOCK, 1000, 35_000_000),)
        start = at("2026-09-23 10:00")  # 前面有中秋与国庆
        return Desk(self.root / name, start=start, cash_li=CASH, positions=held, clock="exchange")

    def teardown(self) -> None:
        twin = self._new("twin")
        log = [outcome for each in self.commands if (outcome := each(twin)) is not None]
        try:
            assert log == self.log
            assert twin.snapshot() == self.desk.snapshot()
        finally:
            twin.engine.close()
            self.desk.engine.close()
            shutil.rmtree(self.root)

    def run(self, command: Command) -> None:
        self.commands.append(command)
        outcome = command(self.desk)
        if outcome is not None:
            self.log.append(outcome)

    @rule(
        code=st.sampled_from(sorted(TERMS)),
        lots=st.one_of(st.integers(1, 50), st.integers(500, 40_000)),
        depth=st.integers(-3, 6),
    )
    def lend(self, code: str, lots: int, depth: int) -> None:
        quote = self.desk.quote(code)
        tick = 5 if code.endswith("SH") else 1
        rate = yuan(max(quote.last_li - depth * tick, tick))
        self.run(lambda desk: desk.sell(code, lots * 10, rate))

    @rule(side=st.sampled_from([23, 24]), lots=st.integers(1, 300), depth=st.integers(-3, 3))
    def trade(self, side: int, lots: int, depth: int) -> None:
        price = yuan(self.desk.quote(STOCK).last_li + depth * 10)
        self.run(lambda desk: desk.submit(side, STOCK, lots * 100, price))

    @precondition(lambda self: self.desk.orders())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        rows = self.desk.orders()
        order_id = data.draw(st.sampled_from([row.order_id for row in rows]))
        self.run(lambda desk: desk.cancel(order_id))

    @rule(seconds=st.sampled_from([3.0, 30.0, 600.0, 7200.0, DAY, 3 * DAY, 9 * DAY]))
    def wait(self, seconds: float) -> None:
        if self.desk.clock.now() + seconds > at("2026-12-20 10:00"):
            return
        self.run(lambda desk: desk.clock.advance(seconds))
        self.run(lambda desk: desk.engine.advance())

    @rule()
    def reopen(self) -> None:
        self.desk.engine._counter.changes.progress = True
        before = self.desk.snapshot(), self.desk.internals(), line_of(self.desk)._contracts
        self.desk.reopen()
        after = self.desk.snapshot(), self.desk.internals(), line_of(self.desk)._contracts
        assert after == before

    @invariant()
    def money_is_conserved(self) -> None:
        account, line = account_of(self.desk), line_of(self.desk)
        held = line.held_li(account.account_id)
        assert min(account.cash_li, account.frozen_li, account.proceeds_li, held) >= 0
        for amount in (account.cash_li, account.frozen_li, account.fees_li, account.proceeds_li):
            assert amount % 10 == 0, "不是整分"
        cost = sum(position.cost_li for position in account.positions.values())
        total = account.cash_li + account.frozen_li + account.fees_li + cost + held
        assert total - account.realized_li == CASH + 35_000_000
        working = [o for o in self.desk.engine._counter.state.orders.values() if o.is_working]
        assert account.frozen_li == sum(order.frozen_li for order in working)

    @invariant()
    def nothing_withdrawable_that_is_not_there(self) -> None:
        account = account_of(self.desk)
        assert 0 <= account.fetch_li <= account.cash_li

    @invariant()
    def contracts_are_what_was_filled(self) -> None:
        state, line = self.desk.engine._counter.state, line_of(self.desk)
        today = {
            order.order_id: order.traded_volume
            for order in state.orders.values()
            if order.stock_code in TERMS and order.traded_volume
        }
        contracts = line._contracts
        new = {n: each.volume for n, each in contracts.items() if each.day == state.progress.day}
        assert new == today
        assert all(each.due > state.progress.day for each in contracts.values())
        assert all(each.due < each.free for each in contracts.values())
        records = {key: body for key, body in state.records.items() if key[0] == RECORD}
        assert records == {
            (RECORD, each.account_id, str(n)): to_json(each) for n, each in contracts.items()
        }


Lending.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, derandomize=True
)
TestLending = Lending.TestCase
