"""信用账户：融资、融券、还款、还券，连同专项的。"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from laws_cash import DEPTHS, LIMIT
from laws_machine import Base
from laws_world import CASH, CREDIT

from easytrader.sim.business.credit.contracts import FIN, SLO, SPECIAL
from easytrader.sim.business.credit.contracts import CreditContract as Contract
from easytrader.sim.business.credit.plugin import CreditBusiness

SUBJECTS = st.sampled_from(["600036.SH", "600036.SH", "000001.SZ", "300750.SZ", "159915.SZ"])
SPECIALS = st.sampled_from([0, 0, 0, 13])
"""专项的委托类型比普通的大 13。"""
RARELY = st.integers(0, 7).map(lambda n: n == 7)
LOTS = st.sampled_from([100, 100, 300, 1000, 5000])


class Credit(Base):
    @rule(code=SUBJECTS, lots=LOTS, depth=DEPTHS, extra=SPECIALS)
    def buy_on_margin(self, code: str, lots: int, depth: int, extra: int) -> None:
        self._credit(27 + extra, code, lots, self.price(code, True, depth))

    @rule(code=SUBJECTS, lots=LOTS, depth=st.sampled_from([0, 0, 0, -1, -5, 1]), extra=SPECIALS)
    def sell_short(self, code: str, lots: int, depth: int, extra: int) -> None:
        self._credit(28 + extra, code, lots, self.price(code, False, depth))

    @rule(data=st.data(), depth=DEPTHS, kind=st.sampled_from([29, 29, 30]), more=st.booleans())
    def give_back(self, data: st.DataObject, depth: int, kind: int, more: bool) -> None:
        """买券还券、直接还券：照着欠的来，或多一点。"""
        owed = [each for each in self._contracts(SLO) if each.left_volume]
        if not owed:
            return
        contract = data.draw(st.sampled_from(owed))
        volume = -(-contract.left_volume // 100) * 100 if more else contract.left_volume
        extra = 13 if contract.group == SPECIAL else 0
        price = self.price(contract.stock_code, True, depth)
        self._credit(kind + extra, contract.stock_code, volume, price)

    @rule(data=st.data(), depth=DEPTHS, extra=SPECIALS, anyway=RARELY)
    def sell_to_repay(self, data: st.DataObject, depth: int, extra: int, anyway: bool) -> None:
        if not (anyway or self._contracts(FIN)):
            return
        held = self.desk.state.accounts[CREDIT].positions
        there = sorted(code for code, each in held.items() if each.sellable)
        if there:
            code = data.draw(st.sampled_from(there))
            part = data.draw(st.sampled_from([1, 1, 2, 3]))
            volume = held[code].sellable // part // 100 * 100 or held[code].sellable
            self._credit(31 + extra, code, volume, self.price(code, False, depth))

    @rule(yuan=st.sampled_from([1, 100, 10_000, 10**6]), extra=SPECIALS, anyway=RARELY)
    def repay_cash(self, yuan: int, extra: int, anyway: bool) -> None:
        if anyway or self._contracts(FIN):
            self._credit(32 + extra, "", yuan, float(yuan))

    @rule(kind=st.sampled_from([27, 28, 29, 30, 31, 32, 40, 43]))
    def not_for_cash_accounts(self, kind: int) -> None:
        self.submit(CASH, kind, "600036.SH", 100, LIMIT, 35.0)

    def _credit(self, kind: int, code: str, volume: int, price: float) -> None:
        self.submit(CREDIT, kind, code, volume, LIMIT, price)

    def _contracts(self, kind: int) -> list[Contract]:
        line = next(each for each in self.desk.lines if isinstance(each, CreditBusiness))
        return line._debts.contracts(CREDIT, kind)
