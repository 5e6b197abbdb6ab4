"""新股、可转债的申购。公司行为不用动作：写在 `World` 里，走到那天自己发生。"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from laws_credit import RARELY
from laws_desk import at
from laws_machine import Base
from laws_world import APPLICATIONS, CASH, CREDIT, RIGHTS_CODES


class Subscribe(Base):
    @precondition(lambda self: self.world.ipo["issues"])
    @rule(
        name=st.sampled_from([CASH] * 6 + [CREDIT]),
        data=st.data(),
        volume=st.sampled_from([500, 1000, 1000, 1000, 9000, 10, 123]),
        side=st.sampled_from([23] * 6 + [24]),
        today=st.integers(0, 5),
    )
    def apply(self, name: str, data: st.DataObject, volume: int, side: int, today: int) -> None:
        """多半先等到申购那天。"""
        issues = self.world.ipo["issues"]
        code = data.draw(st.sampled_from(sorted(issues)))
        wanted = at(issues[code]["date"], "10:00")
        if today and self.desk.clock.now() < wanted:
            self.go(wanted)
        self.submit(name, side, code, volume, 11, float(issues[code]["price"]))

    @precondition(lambda self: "rights" in str(self.world.actions))
    @rule(
        name=st.sampled_from([CASH, CREDIT]),
        code=st.sampled_from(RIGHTS_CODES),
        volume=st.sampled_from([1, 100, 300, 1800, 6000]),
    )
    def pay_for_rights(self, name: str, code: str, volume: int) -> None:
        """配股缴款；多半先等到开市。"""
        self.submit(name, 23, code, volume, 11, 8.5)

    @precondition(lambda self: self.world.bonds)
    @rule(kind=st.sampled_from([80, 80, 81]), volume=st.sampled_from([1, 10, 55, 128, 300]))
    def exchange_bonds(self, kind: int, volume: int) -> None:
        """转股、回售。"""
        self.submit(CASH, kind, "113050.SH", volume, 11, 0.0)

    @rule(code=st.sampled_from(APPLICATIONS), price=st.sampled_from([6.66, 100.0]), any_=RARELY)
    def apply_for_anything(self, code: str, price: float, any_: bool) -> None:
        """多半没有这一只，或价不对。"""
        if not any_:
            return
        self.submit(CASH, 23, code, 500, 11, price)
