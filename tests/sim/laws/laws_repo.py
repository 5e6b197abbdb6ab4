"""逆回购：借出、借得太多、借错了地方。"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from laws_machine import Base
from laws_world import CASH, CREDIT, REPOS


class Repo(Base):
    @rule(
        who=st.integers(0, 9).map({8: (CREDIT, 24), 9: (CASH, 23)}.get),
        code=st.sampled_from(REPOS),
        lots=st.one_of(st.integers(1, 50), st.integers(500, 40_000)),
        depth=st.integers(-3, 6),
        kind=st.sampled_from([11, 11, 11, 5]),
    )
    def lend(
        self, who: tuple[str, int] | None, code: str, lots: int, depth: int, kind: int
    ) -> None:
        name, side = who or (CASH, 24)
        quote = self.desk.quote(code)
        assert quote is not None
        tick = 5 if code.endswith("SH") else 1
        rate = max(quote.last_li - depth * tick, tick) / 1000
        self.submit(name, side, code, lots * 10, kind, rate)
