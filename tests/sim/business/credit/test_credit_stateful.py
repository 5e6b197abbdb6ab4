"""随机的信用委托、还款还券、撤单、走时间、换日、重启：账永远是平的，额度与券源不会越过。"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from credit_desk import ACCOUNT, CODE, DAY, OTHER, CreditDesk
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from easytrader.sim.ledger.events import CancelOrder, Outcome, SubmitOrder

ETF, STAR = "510300.SH", "688981.SH"
pytestmark = pytest.mark.timeout(600)  # 到了 120 秒才断的，Hypothesis 当成失败去化简
CODES = st.sampled_from([CODE, OTHER, ETF, STAR])
BUYS = st.sampled_from([23, 27, 29, 40, 42])
SELLS = st.sampled_from([24, 28, 31, 41, 44])
VOLUMES = st.one_of(
    st.integers(1, 20).map(lambda n: n * 100), st.sampled_from([1, 50, 150, 233, 30_000])
)
DEPTHS = st.integers(-8, 8)
POOL, QUOTA = 5_000, 600_000
HELD = ((CODE, 1050, 35_000_000), (OTHER, 3000, 33_000_000), (ETF, 5000, 20_000_000))
MARKET_TYPES = {CODE: 42, STAR: 43, OTHER: 47, ETF: 44}


class Credit(RuleBasedStateMachine):
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="两融 "))
        self.desk = self.new("first")
        self.commands: list[Any] = []
        self.log: list[Any] = []

    def new(self, name: str) -> CreditDesk:
        return CreditDesk(
            self.root / name,
            cash=300_000,
            held=HELD,
            settings={
                "slo_volume": {code: [POOL, POOL] for code in (CODE, OTHER, STAR)},
                "fin_quota": QUOTA,
                "slo_quota": QUOTA,
                "year_days": 365,
                "fin_rate": 0.3,
                "slo_rate": 0.3,
                "subjects": {code: {} for code in (CODE, OTHER, ETF, STAR)},
                **self.options,
            },
        )

    def teardown(self) -> None:
        """同样的命令，另起一个、中途不重启：事件逐条相同。"""
        twin = self.new("twin")
        try:
            assert [self.do(twin, command) for command in self.commands] == self.log
        finally:
            twin.engine.close()
            self.desk.engine.close()
            shutil.rmtree(self.root)

    @staticmethod
    def do(desk: CreditDesk, command: Any) -> Outcome:
        if isinstance(command, SubmitOrder):
            return desk.engine.submit(command)
        if isinstance(command, CancelOrder):
            return desk.engine.cancel(command)
        desk.clock.advance(command)
        events: list[Any] = []
        while True:  # 一次只走一段：走到为止，查询有没有先推过它就不相干
            step = desk.engine.advance()
            events += step.events
            if not step.answer:
                return Outcome(False, tuple(events))

    def run(self, command: Any) -> None:
        self.commands.append(command)
        self.log.append(self.do(self.desk, command))

    def place(self, kind: int, code: str, volume: int, price_type: int, price: float) -> None:
        self.run(SubmitOrder(3, ACCOUNT, code, kind, volume, price_type, price, "", ""))

    @rule(kind=BUYS, code=CODES, volume=VOLUMES, depth=DEPTHS)
    def buy(self, kind: int, code: str, volume: int, depth: int) -> None:
        quote = self.desk.quote(code)
        gap = 1 if code == ETF else 10
        price = min(quote.last_li + depth * gap * 2, quote.limit_up_li) / 1000
        self.place(kind, code, volume, 11, price)

    @rule(kind=SELLS, code=CODES, volume=VOLUMES, depth=DEPTHS)
    def sell(self, kind: int, code: str, volume: int, depth: int) -> None:
        quote = self.desk.quote(code)
        gap = 1 if code == ETF else 10
        price = max(quote.last_li - depth * gap * 2, quote.limit_down_li) / 1000
        self.place(kind, code, volume, 11, price)

    @rule(kind=st.one_of(BUYS, SELLS), code=CODES, volume=VOLUMES)
    def market(self, kind: int, code: str, volume: int) -> None:
        self.place(kind, code, volume, MARKET_TYPES[code], 0.0)

    @rule(kind=st.sampled_from([28, 41]), code=CODES, volume=VOLUMES)
    def short(self, kind: int, code: str, volume: int) -> None:
        self.place(kind, code, volume, 5, 0.0)

    @rule(kind=st.sampled_from([30, 43]), code=CODES, volume=st.integers(1, 1500))
    def give_back(self, kind: int, code: str, volume: int) -> None:
        self.place(kind, code, volume, 11, -1.0)

    @rule(kind=st.sampled_from([32, 45]), amount=st.sampled_from([1, 999, 20_000, 10**8]))
    def repay(self, kind: int, amount: int) -> None:
        self.place(kind, CODE, amount, 5, 0.0)

    @precondition(lambda self: self.open_contracts)
    @rule(
        which=st.integers(0, 50),
        how=st.sampled_from(["买", "卖", "直接", "挂"]),
        part=st.sampled_from([1, 2, 3]),
        later=st.booleans(),
    )
    def settle(self, which: int, how: str, part: int, later: bool) -> None:
        """冲着一份还没了结的合约去还。"""
        if later:
            self.run(DAY)
        contracts = self.open_contracts
        if not contracts:
            return
        each = contracts[which % len(contracts)]
        special = 13 if each.group == 49 else 0
        volume = max(each.left_volume // part, 1)
        if each.kind == 48:
            lots = max(volume // 100, 1) * 100
            direct = each.left_li // part // 1000 + 1
            kind, volume = (32, direct) if how == "直接" else (31, lots)
        else:
            kind = 30 if how == "直接" else 29
            volume = volume if how == "直接" else -(-volume // 200) * 200
        if how == "挂":
            quote = self.desk.quote(each.stock_code)
            price = quote.limit_down_li if kind == 29 else quote.limit_up_li
            self.place(kind + special, each.stock_code, volume, 11, price / 1000)
        else:
            price_type = MARKET_TYPES[each.stock_code]
            self.place(kind + special, each.stock_code, volume, price_type, 0.0)

    @property
    def open_contracts(self) -> list[Any]:
        found = self.desk.line._debts.contracts(ACCOUNT)
        return [each for each in found if not each.closed]

    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        working = [
            order for order in self.desk.engine._counter.state.orders.values() if order.is_working
        ]
        if working:
            self.run(CancelOrder(3, ACCOUNT, working[which % len(working)].order_id))

    @rule(seconds=st.sampled_from([3, 60, 600]))
    def wait(self, seconds: int) -> None:
        self.run(seconds)

    @rule(days=st.sampled_from([1, 1, 3, 200]))
    def days(self, days: int) -> None:
        self.run(days * DAY)

    @rule()
    def restart(self) -> None:
        self.desk.reopen()

    @invariant()
    def balanced(self) -> None:
        self.desk.check()
        book, line = self.desk.line._debts, self.desk.line
        for code in (CODE, OTHER, STAR):
            for group in (48, 49):
                assert book.returnable(ACCOUNT, code, group, None) <= POOL
        figures = line._context.scales.weigh(self.desk.account)
        assert figures.fin_left <= QUOTA * 1000
        assert figures.slo_left <= QUOTA * 1000
        assert figures.debts >= 0

    @invariant()
    def queries_agree(self) -> None:
        row, asset = self.desk.detail, self.desk.asset
        assert row.balance == asset.total_asset
        assert row.fetch_balance == asset.fetch_balance <= row.available
        rows = self.desk.ask("stk_compacts")
        left = sum(
            round(each.real_compact_balance * 1000) for each in rows if each.compact_type == 48
        )
        assert round(row.fin_deal_avl * 1000) == left
        fares = sum(round(each.real_compact_fare * 1000) for each in rows)
        assert round((row.fin_fee + row.slo_fee) * 1000) == fares
        kept = row.surplus_slo_sell_balance
        assert kept == 0 or any(each.compact_type == 49 and each.real_compact_vol for each in rows)


class CashFees(Credit):
    options: ClassVar[dict[str, Any]] = {
        "fees_on_debt": False,
        "interest_first": False,
        "sell_repays": False,
        "overdue_blocks": False,
        "warn_ratio": 1.0,
        "close_ratio": 1.0,
        "fin_margin": 0.1,
        "slo_margin": 0.1,
    }


EXAMPLES = settings().max_examples // 10  # 默认十例；手工：HYPOTHESIS_PROFILE=long
TestCredit = Credit.TestCase
TestCredit.settings = settings(max_examples=EXAMPLES, stateful_step_count=40)
TestCashFees = CashFees.TestCase
TestCashFees.settings = settings(max_examples=EXAMPLES, stateful_step_count=40)
