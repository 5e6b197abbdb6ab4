"""随机买卖撤、走时间、换日、重启：账永远是平的。"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counter_desk import BUY, DAY, SELL, Desk, yuan
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from easytrader.codes import FINAL_STATUSES, STATUS_RANK
from easytrader.sim.ledger.events import Outcome

POSITIONS = (
    ("600036.SH", 1055, 35_000_000),
    ("688981.SH", 450, 40_000_000),
    ("162411.SZ", 1037, 600_000),
    ("113050.SH", 128, 14_000_000),
)
CODES = st.sampled_from(
    ["600036.SH", "000001.SZ", "688981.SH", "511880.SH", "162411.SZ", "113050.SH"]
)
T_ZERO = {"511880.SH", "113050.SH", "162411.SZ"}
CASH = 3_000_000_000
ODD = st.sampled_from([1, 55, 155, 201])
LOTS = st.one_of(st.integers(2, 20), st.integers(50, 400)).map(lambda n: n * 100)
VOLUMES = st.one_of(LOTS, LOTS, LOTS, ODD)
DEPTHS = st.one_of(st.integers(-2, 4), st.integers(-12, 12))
"""往对手盘里走几档；负的挂在自己这边。"""
NO_MARKET = {"113050.SH"}
MARKET_TYPES = {"SH": [5, 42, 43, 44, 45], "SZ": [5, 44, 45, 46, 47, 48]}

Command = Callable[[Desk], Outcome | None]


class Trading(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="模拟 "))
        self.desk = self._new("first")
        self.commands: list[Command] = []
        self.log: list[Any] = []
        self.final: dict[int, Any] = {}
        self.rank: dict[int, int] = defaultdict(int)
        self.sold: dict[str, int] = defaultdict(int)
        self.day = self.progress.day

    def _new(self, name: str) -> Desk:
        return Desk(self.root / name, cash_li=CASH, positions=POSITIONS)

    @property
    def progress(self) -> Any:
        return self.desk.engine._counter.state.progress

    def teardown(self) -> None:
        """同样的种子与命令，另起一个文件夹、中途不重启，事件逐条相同。"""
        twin = self._new("twin")
        log: list[Any] = []
        for command in self.commands:
            outcome = command(twin)
            if outcome is not None:
                log.append(outcome)
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
        self._follow(outcome)

    def _follow(self, outcome: Outcome) -> None:
        for event in outcome.events:
            row = event.row
            if event.kind == "order":
                self._order_moved(row)
            elif event.kind == "trade" and row.offset_flag == 49:
                self.sold[row.stock_code] += row.traded_volume

    def _order_moved(self, row: Any) -> None:
        assert row.order_id not in self.final, "终态又变了"
        rank = STATUS_RANK[row.order_status]
        assert rank >= self.rank[row.order_id], "状态往回走"
        self.rank[row.order_id] = rank
        assert 0 <= row.traded_volume <= row.order_volume
        if row.order_status in FINAL_STATUSES:
            self.final[row.order_id] = row
            assert (row.order_status == 56) == (row.traded_volume == row.order_volume)

    @initialize()
    def start(self) -> None:
        self.run(lambda desk: desk.engine.advance())

    def _limit(self, side: int, code: str, volume: int, depth: int) -> None:
        quote = self.desk.quote(code)
        gap = quote.asks[1].price_li - quote.asks[0].price_li
        price = yuan(quote.last_li + (depth if side == BUY else -depth) * gap)
        self.run(lambda desk: desk.submit(side, code, volume, price))

    @rule(code=CODES, volume=VOLUMES, depth=DEPTHS)
    def buy(self, code: str, volume: int, depth: int) -> None:
        self._limit(BUY, code, volume, depth)

    @rule(code=CODES, volume=VOLUMES, depth=DEPTHS)
    def sell(self, code: str, volume: int, depth: int) -> None:
        self._limit(SELL, code, volume, depth)

    @rule(code=CODES, depth=DEPTHS)
    def sell_what_the_row_says(self, code: str, depth: int) -> None:
        held = self.desk.position(code)
        if held is not None and held.can_use_volume:
            self._limit(SELL, code, held.can_use_volume, depth)

    @rule(code=CODES, volume=VOLUMES, pick=st.integers(0, 5), side=st.sampled_from([BUY, SELL]))
    def market(self, code: str, volume: int, pick: int, side: int) -> None:
        allowed = [5] if code in NO_MARKET else MARKET_TYPES[code[-2:]]
        kind = allowed[pick % len(allowed)]
        self.run(lambda desk: desk.submit(side, code, volume, 0.0, kind))

    @precondition(lambda self: self.desk.orders())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        rows = self.desk.orders()
        order_id = data.draw(st.sampled_from([row.order_id for row in rows]))
        self.run(lambda desk: desk.cancel(order_id))

    @rule(seconds=st.sampled_from([0.5, 3.0, 3.0, 9.0, 200.0, 5000.0]))
    def wait(self, seconds: float) -> None:
        self.run(lambda desk: desk.clock.advance(seconds))
        self.run(lambda desk: desk.engine.advance())

    @rule(days=st.sampled_from([1, 3]))
    def next_day(self, days: int) -> None:
        self.run(lambda desk: desk.clock.advance(days * DAY))
        self.run(lambda desk: desk.engine.advance())

    @rule()
    def reopen(self) -> None:
        self.desk.engine._counter.changes.progress = True
        before = self.desk.snapshot(), self.desk.internals()
        self.desk.reopen()
        assert (self.desk.snapshot(), self.desk.internals()) == before

    @invariant()
    def money_is_conserved(self) -> None:
        account = next(iter(self.desk.engine._counter.state.accounts.values()))
        held = account.positions.values()
        assert min(account.cash_li, account.frozen_li) >= 0
        for amount in (account.cash_li, account.frozen_li, account.fees_li, account.proceeds_li):
            assert amount % 10 == 0, "不是整分"
        total = account.cash_li + account.frozen_li + account.fees_li - account.realized_li
        total += sum(position.cost_li for position in held)
        assert total == CASH + sum(cost for _, _, cost in POSITIONS)
        working = [o for o in self.desk.engine._counter.state.orders.values() if o.is_working]
        assert account.frozen_li == sum(order.frozen_li for order in working)
        for position in held:
            assert min(position.sellable, position.locked, position.frozen) >= 0
            assert (position.volume == 0) <= (position.cost_li == 0)
            assert position.frozen == sum(
                order.remaining
                for order in working
                if not order.is_buy and order.stock_code == position.stock_code
            )

    @invariant()
    def trades_add_up(self) -> None:
        traded: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        seen = set()
        for trade in self.desk.trades():
            assert trade.traded_id not in seen
            seen.add(trade.traded_id)
            traded[trade.order_id][0] += trade.traded_volume
            exact = round(trade.traded_price * 1000) * trade.traded_volume
            assert round(trade.traded_amount * 1000) == (exact + 5) // 10 * 10
            traded[trade.order_id][1] += exact
        for order in self.desk.engine._counter.state.orders.values():
            assert [order.traded_volume, order.traded_amount_li] == traded[order.order_id]
            shown = order.snapshot
            order.touch()
            assert order.snapshot == shown

    @invariant()
    def nothing_bought_today_is_sold_today(self) -> None:
        if self.progress.day != self.day:
            self.day = self.progress.day
            self.sold.clear()
            return
        account = next(iter(self.desk.engine._counter.state.accounts.values()))
        for code, volume in self.sold.items():
            if code not in T_ZERO:
                assert volume <= account.positions[code].yesterday


Trading.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, derandomize=True
)
TestTrading = Trading.TestCase
