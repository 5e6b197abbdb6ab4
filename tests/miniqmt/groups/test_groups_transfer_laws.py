"""钱和股份在银行、普通柜台、极速柜台之间怎么转、中间怎么买卖换日重启，都一分不多一分不少。"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support import VendorEngine as Engine

from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.gateway import rows as smt_rows
from easytrader.sim.gateway import rows as transfer_rows
from easytrader.sim.gateway.fields import structs
from easytrader.sim.gateway.wire import QUERY_FAILED
from easytrader.sim.ledger.events import BusinessQuery, SubmitOrder

ACCOUNT = "880000001"
START = 1795140000.0  # 2026-11-20（周五）10:00 上海时间
CARD = {"bank_no": "0001", "bank_account": "6222000000000000001"}
COM = {"cash": 20000, "positions": {"600036.SH": {"volume": 500, "cost": 15000.5}}}
MONEY = st.one_of(st.integers(1, 5_000_000), st.integers(1, 3000)).map(lambda fen: fen / 100)
CODES = st.sampled_from(["600036.SH", "SZ000001", "600000.SH"])
VOLUMES = st.integers(-5, 700)


class Moving(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="划拨 "))
        account = AccountConfig(
            ACCOUNT, 2, 50_000, (("600036.SH", 300, 30), ("000001.SZ", 400, 11))
        )
        create(self.root / "sim", [account])
        (self.root / "sim" / "transfers.json").write_text(json.dumps({"com": COM}), "utf-8")
        self.clock = ManualClock(START)
        self.engine = self._open()
        self.total = self.worth()
        self.shares = self.volumes()
        self.bought = 0

    def _open(self) -> Engine:
        return Engine(SimFolder.open(self.root / "sim"), self.clock)

    def teardown(self) -> None:
        self.engine.close()
        shutil.rmtree(self.root)

    def act(self, verb: str, **body: Any) -> bool:
        answer = self.engine.act(verb, BusinessQuery(2, ACCOUNT, json.dumps(body))).answer
        assert answer[0] != QUERY_FAILED
        assert answer[2]
        return bool(answer[1])

    def ask(self, verb: str, **body: Any) -> list[Any]:
        return self.engine.ask(verb, BusinessQuery(2, ACCOUNT, json.dumps(body))).answer

    def worth(self) -> int:
        """三处的钱，加上两处股份的成本，减去买卖带来的；厘。"""
        account = self.engine._counter.state.accounts[ACCOUNT]
        [fund] = self.ask("com_fund")
        [amount] = self.ask("bank_amount", bank_pwd="", **CARD)
        elsewhere = round((fund.current_balance + amount.balance) * 1000)
        theirs = round(sum(row.cost_balance for row in self.ask("com_position")) * 1000)
        own = sum(held.cost_li for held in account.positions.values())
        traded = account.fees_li - account.realized_li
        return account.cash_li + account.frozen_li + own + elsewhere + theirs + traded

    def volumes(self) -> int:
        account = self.engine._counter.state.accounts[ACCOUNT]
        own = sum(held.volume for held in account.positions.values())
        return own + sum(int(row.total_amt) for row in self.ask("com_position"))

    @rule(money=MONEY, direction=st.sampled_from([501, 502]))
    def bank(self, money: float, direction: int) -> None:
        before = len(self.stream())
        done = self.act(
            "bank_transfer", direction=direction, balance=money, bank_pwd="", fund_pwd="", **CARD
        )
        assert len(self.stream()) == before + done

    @rule(money=MONEY, direction=st.sampled_from([510, 511, 512, 999]))
    def funds(self, money: float, direction: int) -> None:
        self.act("transfer", direction=direction, price=money)

    @rule(code=CODES, volume=VOLUMES, direction=st.sampled_from([520, 521]))
    def shares_move(self, code: str, volume: int, direction: int) -> None:
        self.act("transfer", direction=direction, stock_code=code, volume=volume, transfer_type=0)

    @rule(side=st.sampled_from([23, 24]), code=st.sampled_from(["600036.SH", "000001.SZ"]))
    def trade(self, side: int, code: str) -> None:
        kind = 42 if code.endswith("SH") else 47
        price = 100.0 if code.endswith("SH") and side == 23 else 0.0
        args = SubmitOrder(2, ACCOUNT, code, side, 100, kind, price, "", "")
        outcome = self.engine.submit(args)
        for event in outcome.events:
            if event.kind == "trade":
                sign = 1 if event.row.order_type == 23 else -1
                self.bought += sign * event.row.traded_volume

    @rule(days=st.integers(0, 3))
    def time_passes(self, days: int) -> None:
        self.clock.set(self.clock.now() + days * 86400 + 60)
        while self.engine.advance().answer:
            pass

    @rule()
    def restart(self) -> None:
        before = self.worth(), self.volumes(), self.stream()
        self.engine.close()
        self.engine = self._open()
        assert (self.worth(), self.volumes(), self.stream()) == before

    def stream(self) -> list[Any]:
        return self.ask("bank_stream", start_date="0", end_date="9", bank_no="", bank_account="")

    @invariant()
    def nothing_appears_or_vanishes(self) -> None:
        assert self.worth() == self.total
        assert self.volumes() == self.shares + self.bought

    @invariant()
    def nothing_is_negative(self) -> None:
        account = self.engine._counter.state.accounts[ACCOUNT]
        assert account.cash_li >= 0
        for held in account.positions.values():
            assert held.sellable >= 0
            assert held.cost_li >= 0
            assert held.yesterday >= 0
        [fund] = self.ask("com_fund")
        assert fund.current_balance >= 0


TestMoving = Moving.TestCase
TestMoving.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def bare(name: str) -> str:
    """厂商的字段名 → 只剩词，好比较。"""
    found = re.fullmatch(r"m_(?:str|n|e|d|b)([A-Z]\w*)", name)
    return (found[1] if found else name).replace("_", "").lower()


@pytest.mark.parametrize(
    ("row", "struct"),
    [
        (transfer_rows.TransferRow, "TransferResp"),
        (transfer_rows.BankTransferRow, "BankTransferResp"),
        (transfer_rows.BankRow, "BankInfo"),
        (transfer_rows.BankAmountRow, "BankAmount"),
        (transfer_rows.BankStreamRow, "BankTransferStream"),
        (transfer_rows.ComFundRow, "ComFund"),
        (transfer_rows.ComPositionRow, "ComPosition"),
        (transfer_rows.SecuAccountRow, "SecuAccount"),
        (transfer_rows.PositionStatisticsRow, "PositionStatistics"),
        (smt_rows.SmtAnswerRow, "SmtAppointmentResp"),
        (smt_rows.SmtQuoterRow, "SmtQuoter"),
        (smt_rows.SmtOrderRow, "SmtOrder"),
        (smt_rows.SmtCompactRow, "SmtCompact"),
    ],
)
def test_rows_follow_the_native_structs(row: Any, struct: str) -> None:
    wanted = [bare(field.name) for field in structs()[struct]]
    given = [name.replace("_", "") for name in row._fields]
    if struct == "ComPosition":
        wanted[wanted.index("isutfinterface")] = "isutfinterface"
    assert given == wanted
