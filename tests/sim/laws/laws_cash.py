"""普通账户：各种报价类型的买卖。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import rule
from laws_machine import Base
from laws_world import BONDS, CASH, CREDIT, FUNDS, LISTINGS, STOCKS, STRANGERS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

BUY, SELL = 23, 24
LIMIT = 11
CODES: SearchStrategy[str] = st.sampled_from([*STOCKS, *STOCKS, *FUNDS, *BONDS, *LISTINGS])
NAMES = st.sampled_from([CASH, CASH, CREDIT])
SIDES = st.sampled_from([BUY, SELL])
LOTS = st.one_of(st.integers(2, 20), st.integers(50, 900)).map(lambda n: n * 100)
VOLUMES = st.one_of(LOTS, LOTS, LOTS, st.sampled_from([1, 10, 55, 155, 201, 10**6]))
DEPTHS = st.one_of(st.integers(-2, 5), st.integers(-12, 12), st.sampled_from([-21, 21]))
"""往对手盘里走几档；负的挂在自己这边；正负 21 是涨停价、跌停价。"""
MARKET_TYPES = st.sampled_from([5, 42, 43, 44, 45, 46, 47, 48])


class Cash(Base):
    @rule(name=NAMES, side=SIDES, code=CODES, volume=VOLUMES, depth=DEPTHS)
    def limit(self, name: str, side: int, code: str, volume: int, depth: int) -> None:
        price = self.price(code, side == BUY, depth)
        self.submit(name, side, code, volume, LIMIT, price)

    @rule(name=NAMES, side=SIDES, code=CODES, volume=VOLUMES, kind=MARKET_TYPES)
    def market(self, name: str, side: int, code: str, volume: int, kind: int) -> None:
        self.submit(name, side, code, volume, kind, 0.0)

    @rule(name=NAMES, data=st.data(), depth=DEPTHS, kind=st.sampled_from([LIMIT, LIMIT, 5]))
    def sell_what_is_there(self, name: str, data: st.DataObject, depth: int, kind: int) -> None:
        held = self.desk.state.accounts[name].positions
        there = sorted(code for code, each in held.items() if each.sellable)
        if there:
            code = data.draw(st.sampled_from(there))
            price = self.price(code, False, depth)
            self.submit(name, SELL, code, held[code].sellable, kind, price)

    @rule(name=NAMES, code=st.sampled_from(STOCKS), depths=st.lists(DEPTHS, min_size=2, max_size=4))
    def burst(self, name: str, code: str, depths: list[int]) -> None:
        """一个事务里几笔，有买有卖。"""
        self.wait_for_open()
        orders = [
            (name, BUY + n % 2, code, 100 * (n + 1), LIMIT, self.price(code, n % 2 == 0, depth))
            for n, depth in enumerate(depths)
        ]
        self.run("burst", *orders)

    @rule(
        name=NAMES,
        kind=st.sampled_from([BUY, SELL, 25, 27, 0]),
        code=st.sampled_from([*STRANGERS, *STOCKS]),
        volume=st.sampled_from([0, -100, 100, 2**31]),
        how=st.sampled_from([LIMIT, 5, 12, 49]),
        price=st.sampled_from([-1.0, 0.0, 10.0, 10.0005, 1e12]),
    )
    def nonsense(
        self, name: str, kind: int, code: str, volume: int, how: int, price: float
    ) -> None:
        """不像话的委托。"""
        self.submit(name, kind, code, volume, how, price)
