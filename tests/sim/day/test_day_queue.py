"""连续竞价里的排队：前面的人先成交、先撤走，才轮到自己。"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from counter_desk import Desk, kinds, yuan
from day_helpers import at, jump, stored, walk
from hypothesis import given
from hypothesis import strategies as st

from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.crowd import LIFE_PPM, queue_ahead, withdrawn
from easytrader.sim.exchange.depth import Level, Prints, Quote
from easytrader.sim.ledger.orders import SimOrder
from easytrader.sim.ledger.resting import Queue, RestingBook

Make = Callable[..., Desk]
SH = "600036.SH"
ASKS = (Level(1010, 300), Level(1030, 500))
BIDS = (Level(1000, 700), Level(980, 900))
QUOTE = Quote(1, 1000, 1000, 900, 1100, ASKS, BIDS)


@pytest.mark.parametrize(
    ("buy", "limit", "ahead"),
    [
        pytest.param(True, 1000, 700, id="买一-这一档的数量"),
        pytest.param(True, 980, 900, id="买二"),
        pytest.param(True, 990, 0, id="两档之间-没有人"),
        pytest.param(True, 1005, 0, id="比买一还高-没有人"),
        pytest.param(True, 950, 900, id="比看得见的更深-最深一档"),
        pytest.param(False, 1010, 300, id="卖一"),
        pytest.param(False, 1020, 0, id="卖盘两档之间"),
        pytest.param(False, 1005, 0, id="比卖一还低"),
        pytest.param(False, 1090, 500, id="卖盘更深"),
    ],
)
def test_who_is_ahead(buy: bool, limit: int, ahead: int) -> None:
    assert queue_ahead(QUOTE, buy, limit) == ahead
    assert queue_ahead(QUOTE._replace(asks=(), bids=()), buy, limit) == 0


def resting(order_id: int, volume: int, limit: int, *, buy: bool = True) -> SimOrder:
    side = 23 if buy else 24
    return SimOrder(
        order_id, 1, "A", 2, SH, parse_security(SH), side, volume, 11, limit, 0, "", "",
        limit_li=limit,
    )  # fmt: skip


def run(book: RestingBook, prints: Prints, now: int = 0) -> list[tuple[int, int]]:
    done = []
    for order, volume in book.match(prints, now, lambda ts: 0):
        order.traded_volume += volume
        order.status = 55 if order.remaining else 56
        done.append((order.order_id, volume))
    return done


@pytest.fixture
def book() -> RestingBook:
    """1000 的价位上：500 个别人，1 号 300，又来 200 个别人（显示 700），2 号 400。"""
    found = RestingBook(parse_security(SH))
    for order, crowd in ((resting(1, 300, 1000), 500), (resting(2, 400, 1000), 700)):
        found.queue_up(order, crowd)
        found.add(order)
    return found


def test_prints_eat_the_queue_in_turn(book: RestingBook) -> None:
    assert run(book, Prints(1001, 1010, 10_000)) == []  # 没到
    assert run(book, Prints(1000, 1010, 800)) == []  # 一半 400：都给前面的
    assert book.queues[True, 1000] == Queue(400, 0)
    assert run(book, Prints(1000, 1010, 400)) == [(1, 100)]  # 100 给前面，余下 100 是自己的
    assert run(book, Prints(1000, 1010, 600)) == [(1, 200)]  # 再 100 给后来的那 200 个
    assert run(book, Prints(1000, 1010, 600)) == [(2, 200)]
    assert run(book, Prints(1000, 1010, 600)) == [(2, 200)]
    assert book.empty


def test_a_print_through_the_price_leaves_nobody_ahead(book: RestingBook) -> None:
    assert run(book, Prints(990, 1010, 600)) == [(1, 300), (2, 300)]


def test_the_crowd_walks_away_with_time(book: RestingBook) -> None:
    assert run(book, Prints(1000, 1010, 2), LIFE_PPM // 2) == []  # 撤走一半，再成交 1 个
    assert book.queues[True, 1000] == Queue(251, LIFE_PPM // 2)
    assert run(book, Prints(1000, 1010, 2), 3 * LIFE_PPM) == [(1, 1)]  # 撤光了
    assert book.touched == {(True, 1000)}


def test_cancelled_orders_do_not_move_the_crowd(book: RestingBook) -> None:
    first = book.orders()[0]
    first.status = 54
    assert run(book, Prints(1000, 1010, 1400)) == []
    assert run(book, Prints(1000, 1010, 200)) == [(2, 100)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 900)), max_size=8),
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 3), st.integers(0, 2000), st.integers(0, 10**6)
        ),
        max_size=25,
    ),
)
def test_queue_properties(
    rows: list[tuple[bool, int, int]], days: list[tuple[int, int, int, int]]
) -> None:
    """没有人成交得比一跳的量多；同一价位先来的先得；碰到时前面的人没走完就没有自己的。"""
    found = RestingBook(parse_security(SH))
    orders = []
    for number, (buy, depth, crowd) in enumerate(rows):
        order = resting(
            number, 100 + number, 1000 - 10 * depth if buy else 1000 + 10 * depth, buy=buy
        )
        found.queue_up(order, crowd)
        found.add(order)
        orders.append(order)
    now = 0
    for low, high, volume, step in days:
        now += step // 20
        prints = Prints(1000 - 10 * low, 1000 + 10 * high, volume)
        gone = {key: each.gone for key, each in found.queues.items()}
        for side in (True, False):
            best = [o for o in orders if o.is_buy is side and o.is_working]
            done = run(found, prints, now) if side else []
            assert sum(v for n, v in done if orders[n].is_buy is side) <= volume
            for earlier in best:
                for later in best:
                    same = earlier.limit_li == later.limit_li and earlier.order_id < later.order_id
                    assert not (same and later.traded_volume and earlier.remaining)
        for key, queue in found.queues.items():
            assert queue.gone >= gone.get(key, 0)


def test_withdrawal_is_gradual_and_total() -> None:
    assert withdrawn(1000, -5) == 0
    assert withdrawn(1000, LIFE_PPM // 4) == 250
    assert withdrawn(1000, 10 * LIFE_PPM) == 1000


@pytest.mark.parametrize("clock", [(9, 31), (13, 30)])
def test_behind_the_crowd_through_the_engine(make_day: Make, clock: tuple[int, ...]) -> None:
    """挂在买一：前面显示的数量没走完之前，碰到也不成交。"""
    desk = make_day(*clock)
    bid = desk.quote(SH).bids[0]
    desk.buy(SH, 100, yuan(bid.price_li))
    order = next(iter(desk.engine._counter.state.orders.values()))
    assert order.ahead == bid.volume
    while order.is_working:
        touched = desk.engine._counter.state.queues.get(SH, {}).get((True, bid.price_li))
        before = 0 if touched is None else touched.gone
        walk(desk, desk.clock.now() + 3)
        if order.is_working:
            after = desk.engine._counter.state.queues.get(SH, {}).get((True, bid.price_li))
            assert after is None or before <= after.gone
    assert desk.trades()[0].traded_price == yuan(bid.price_li)


def test_the_place_in_the_queue_survives_a_restart(make_day: Make) -> None:
    logs = []
    for restarts in (False, True):
        desk = make_day(9, 31)
        for depth in (0, 0, 1, 2):
            desk.buy(SH, 30_000, yuan(desk.quote(SH).bids[depth].price_li))
            desk.clock.advance(1)
        for _ in range(200):
            desk.clock.advance(3)
            desk.engine.advance()
            if restarts:
                desk.reopen()
        logs.append((desk.snapshot(), desk.internals(), stored(desk)))
    assert logs[0] == logs[1]
    assert logs[0][2][4]  # 真的有走掉的别人


def test_waiting_since_the_call_means_fewer_ahead(make_day: Make) -> None:
    """开盘竞价里来得早的，没成交的部分在连续竞价里前面的人也少。"""
    ahead = []
    for second in (0, 200, 500):
        desk = make_day(9, 15)
        price = yuan(desk.quote(SH).pre_close_li - 50)
        desk.clock.advance(second)
        assert kinds(desk.buy(SH, 100, price)) == [50]
        jump(desk, at(9, 25))
        ahead.append(next(iter(desk.engine._counter.state.orders.values())).ahead)
    assert ahead[0] == 0 < ahead[1] < ahead[2]
