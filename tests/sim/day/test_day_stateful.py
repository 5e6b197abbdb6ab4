"""随机买卖撤、跳到随机的时段、随时重启：账永远是平的，同样的命令推送逐条相同。"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counter_desk import BUY, SELL, Desk, yuan
from day_helpers import at
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from easytrader.codes import FINAL_STATUSES
from easytrader.sim.ledger.events import Outcome

CODES = ("600036.SH", "000001.SZ", "920002.BJ", "113050.SH")
HELD = tuple((code, 20_000, 400_000_000) for code in CODES)
CASH = 10**11
CLOCKS = (
    *((9, 14), (9, 15), (9, 18), (9, 20), (9, 23), (9, 25), (9, 28), (9, 30), (9, 31)),
    *((10, 30), (11, 29), (11, 45), (13, 0), (14, 56), (14, 57), (14, 59), (15, 0), (15, 10)),
)
Command = Callable[[Desk], Outcome | None]


class ADay(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="一天 "))
        self.desk = self._new("first")
        self.commands: list[Command] = []
        self.log: list[Any] = []
        self.final: dict[int, Any] = {}
        self.date = 20

    def _new(self, name: str) -> Desk:
        return Desk(
            self.root / name, start=at(9, 14), clock="exchange", cash_li=CASH, positions=HELD
        )

    def teardown(self) -> None:
        """同样的种子与命令，中途不重启，推送逐条相同。"""
        twin = self._new("twin")
        log = [outcome for command in self.commands if (outcome := command(twin)) is not None]
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
        if outcome is None:
            return
        self.log.append(outcome)
        for event in outcome.events:
            if event.kind == "order":
                row = event.row
                assert row.order_id not in self.final, "终态又变了"
                assert 0 <= row.traded_volume <= row.order_volume
                if row.order_status in FINAL_STATUSES:
                    self.final[row.order_id] = row

    @rule(
        side=st.sampled_from([BUY, SELL]),
        code=st.sampled_from(CODES),
        lots=st.sampled_from([1, 3, 20, 900]),
        depth=st.integers(-4, 5),
        kind=st.sampled_from([11, 11, 11, 5, 44]),
    )
    def order(self, side: int, code: str, lots: int, depth: int, kind: int) -> None:
        quote = self.desk.levels(code)
        gap = quote.asks[1].price_li - quote.asks[0].price_li
        price = yuan(quote.last_li + (depth if side == BUY else -depth) * gap)
        self.run(lambda desk: desk.submit(side, code, lots * 100, price if kind == 11 else 0, kind))

    @precondition(lambda self: self.desk.orders())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from([row.order_id for row in self.desk.orders()]))
        self.run(lambda desk: desk.cancel(order_id))

    @rule(clock=st.sampled_from(CLOCKS))
    def later(self, clock: tuple[int, int]) -> None:
        """往后走到这个时刻；已经过了就到下一个交易日的这个时刻。"""
        if at(*clock, day=self.date) < self.desk.clock.now():
            if self.date == 27:
                return  # 到头了：再往后没有这么一天
            self.date = 23 if self.date == 20 else self.date + 1
        moment = at(*clock, day=self.date)
        self.run(lambda desk: desk.clock.set(moment))
        self.run(lambda desk: desk.engine.advance())

    @rule(seconds=st.sampled_from([0.5, 3.0, 40.0]))
    def soon(self, seconds: float) -> None:
        self.run(lambda desk: desk.clock.advance(seconds))
        self.run(lambda desk: desk.engine.advance())

    @rule()
    def reopen(self) -> None:
        self.desk.engine._counter.changes.progress = True
        before = self.desk.snapshot(), self.desk.internals()
        self.desk.reopen()
        assert (self.desk.snapshot(), self.desk.internals()) == before

    @invariant()
    def money_is_conserved(self) -> None:
        state = self.desk.engine._counter.state
        account = next(iter(state.accounts.values()))
        held = account.positions.values()
        total = account.cash_li + account.frozen_li + account.fees_li - account.realized_li
        assert total + sum(p.cost_li for p in held) == CASH + sum(cost for _, _, cost in HELD)
        alive = [o for o in state.orders.values() if o.is_working or o.waiting]
        assert account.frozen_li == sum(order.frozen_li for order in alive)
        sold: dict[str, int] = defaultdict(int)
        for order in alive:
            if not order.is_buy:
                sold[order.stock_code] += order.remaining
        for position in held:
            assert min(position.sellable, position.locked, position.frozen) >= 0
            assert position.frozen == sold[position.stock_code]

    @invariant()
    def nobody_paid_more_than_his_limit(self) -> None:
        limits = {o.order_id: o for o in self.desk.engine._counter.state.orders.values()}
        for trade in self.desk.trades():
            order = limits[trade.order_id]
            beyond = round(trade.traded_price * 1000) - order.limit_li
            if order.price_type == 11:
                assert beyond <= 0 if order.is_buy else beyond >= 0


ADay.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, derandomize=True
)
TestADay = ADay.TestCase
