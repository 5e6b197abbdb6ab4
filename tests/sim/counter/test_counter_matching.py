"""到达撮合与挂单撮合：一张表一种语义。"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.depth import Level, Prints
from easytrader.sim.exchange.matching import Arrival, Execution, arrive
from easytrader.sim.ledger.orders import SimOrder
from easytrader.sim.ledger.resting import RestingBook

ASKS = tuple(Level(1000 + 10 * i, 100) for i in range(10))
BIDS = tuple(Level(990 - 10 * i, 100) for i in range(10))
UP, DOWN = 1100, 900


def bought(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("kind", "volume", "limit", "fills", "rest"),
    [
        pytest.param(11, 100, 1000, [(1000, 100)], None, id="限价-刚好"),
        pytest.param(11, 150, 1010, [(1000, 100), (1010, 50)], None, id="限价-两档-按对手价"),
        pytest.param(11, 300, 1010, [(1000, 100), (1010, 100)], 1010, id="限价-剩余挂单"),
        pytest.param(11, 100, 990, [], 990, id="限价-够不着"),
        pytest.param(11, 1500, UP, [(p, 100) for p, _ in ASKS], UP, id="限价-扫穿全部"),
        pytest.param(5, 150, 1000, [(1000, 100)], 1000, id="最新价-当限价"),
        pytest.param(42, 700, UP, [(p, 100) for p, _ in ASKS[:5]], None, id="五档撤销-只到五档"),
        pytest.param(42, 300, 1010, [(1000, 100), (1010, 100)], None, id="五档撤销-保护限价"),
        pytest.param(47, 700, UP, [(p, 100) for p, _ in ASKS[:5]], None, id="深五档撤销"),
        pytest.param(43, 700, UP, [(p, 100) for p, _ in ASKS[:5]], 1040, id="五档转限-末笔价"),
        pytest.param(43, 300, 1010, [(1000, 100), (1010, 100)], 1010, id="五档转限-不越保护价"),
        pytest.param(43, 300, 995, [], 990, id="五档转限-未成按本方最优"),
        pytest.param(43, 300, 980, [], 980, id="五档转限-本方最优受保护价限制"),
        pytest.param(44, 300, UP, [(1000, 100)], 1000, id="对手最优-剩余挂在该价"),
        pytest.param(44, 300, 995, [], 995, id="对手最优-受保护价限制"),
        pytest.param(45, 300, UP, [], 990, id="本方最优"),
        pytest.param(45, 300, 980, [], 980, id="本方最优-受保护价限制"),
        pytest.param(46, 1500, UP, [(p, 100) for p, _ in ASKS], None, id="即成剩撤-全部档位"),
        pytest.param(48, 1000, UP, [(p, 100) for p, _ in ASKS], None, id="全成或撤-刚好"),
        pytest.param(48, 1001, UP, [], None, id="全成或撤-差一股"),
    ],
)
def test_buy_arrives(
    kind: int, volume: int, limit: int, fills: list[tuple[int, int]], rest: int | None
) -> None:
    found = arrive(kind, Arrival(True, volume, limit, ASKS, 990))
    assert found == Execution(bought(*fills), rest)


@pytest.mark.parametrize(
    ("kind", "volume", "limit", "fills", "rest"),
    [
        pytest.param(11, 250, 980, [(990, 100), (980, 100)], 980, id="限价"),
        pytest.param(42, 700, DOWN, [(p, 100) for p, _ in BIDS[:5]], None, id="五档撤销"),
        pytest.param(43, 700, DOWN, [(p, 100) for p, _ in BIDS[:5]], 950, id="五档转限"),
        pytest.param(44, 300, DOWN, [(990, 100)], 990, id="对手最优"),
        pytest.param(45, 300, DOWN, [], 1000, id="本方最优"),
        pytest.param(46, 300, 985, [(990, 100)], None, id="即成剩撤-受限价"),
    ],
)
def test_sell_arrives(
    kind: int, volume: int, limit: int, fills: list[tuple[int, int]], rest: int | None
) -> None:
    found = arrive(kind, Arrival(False, volume, limit, BIDS, 1000))
    assert found == Execution(bought(*fills), rest)


@pytest.mark.parametrize("kind", [42, 43, 44, 46, 47, 48])
def test_no_counter_side_is_cancelled_except_against_own_best(kind: int) -> None:
    found = arrive(kind, Arrival(True, 100, UP, (), 1100))
    assert found == Execution((), 1100 if kind == 43 else None)
    assert arrive(45, Arrival(True, 100, UP, (), None)) == Execution((), None)
    assert arrive(43, Arrival(True, 100, UP, (), None)) == Execution((), None)


@given(
    kind=st.sampled_from([5, 11, 42, 43, 44, 45, 46, 47, 48]),
    buy=st.booleans(),
    volume=st.integers(1, 3000),
    limit=st.integers(80, 120).map(lambda n: n * 10),
    sizes=st.lists(st.integers(1, 500), max_size=10),
)
def test_never_through_the_limit_never_more_than_asked(
    kind: int, buy: bool, volume: int, limit: int, sizes: list[int]
) -> None:
    side = ASKS if buy else BIDS
    levels = [Level(price, size) for (price, _), size in zip(side, sizes, strict=False)]
    found = arrive(kind, Arrival(buy, volume, limit, levels, 990 if buy else 1000))
    assert sum(fill.volume for fill in found.fills) <= volume
    shown = {level.price_li: level.volume for level in levels}
    for price, took in found.fills:
        assert 0 < took <= shown[price]
        assert price <= limit if buy else price >= limit
    if found.rest_li is not None:
        assert found.rest_li <= limit if buy else found.rest_li >= limit
        assert sum(fill.volume for fill in found.fills) < volume


def resting(order_id: int, buy: bool, volume: int, limit: int) -> SimOrder:
    code = "600036.SH"
    return SimOrder(
        order_id, 1, "A", 2, code, parse_security(code), 23 if buy else 24, volume, 11, limit, 0,
        "", "", limit_li=limit,
    )  # fmt: skip


def run(book: RestingBook, prints: Prints) -> list[tuple[int, int]]:
    done = []
    for order, volume in book.match(prints):
        order.traded_volume += volume
        order.status = 55 if order.remaining else 56
        done.append((order.order_id, volume))
    return done


@pytest.mark.parametrize(
    ("prints", "done"),
    [
        pytest.param(Prints(1001, 1005, 1000), [], id="没到"),
        pytest.param(Prints(1000, 1005, 1000), [(1, 300), (2, 200)], id="碰到-一半-时间优先"),
        pytest.param(Prints(999, 1005, 1000), [(1, 300), (2, 400)], id="穿过-全部"),
        pytest.param(Prints(980, 1005, 900), [(1, 300), (2, 400), (3, 200)], id="价格优先"),
        pytest.param(Prints(980, 1005, 0), [], id="没有成交"),
        pytest.param(Prints(1000, 1020, 400), [(1, 200), (4, 100)], id="买卖两边"),
    ],
)
def test_resting_orders_take_turns(prints: Prints, done: list[tuple[int, int]]) -> None:
    book = RestingBook(parse_security("600036.SH"))
    for order in (
        resting(3, True, 500, 990),
        resting(2, True, 400, 1000),
        resting(1, True, 300, 1000),
        resting(4, False, 100, 1020),
    ):
        book.add(order)
    assert run(book, prints) == done


def test_dead_orders_are_forgotten() -> None:
    book = RestingBook(parse_security("600036.SH"))
    order = resting(1, True, 300, 1000)
    book.add(order)
    assert book.best() == (1000, None)
    order.status = 54
    assert book.empty
    assert run(book, Prints(900, 1000, 1000)) == []
