"""集合竞价的撮合：与穷举每个价位的笨办法逐个对照，加上不变的性质。"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easytrader.sim.exchange import auction
from easytrader.sim.exchange.auction import TIE_RULES, Clearing, Interest, TieRule, clear

TICK = 10


def brute(orders: list[Interest], rule: TieRule, reference: int, tick: int) -> Clearing | None:
    """逐个价位按规则的原文核对，不用任何累计。"""
    prices = [each.price_li for each in orders]
    if not prices:
        return None
    found = []
    every = range(min(prices), max(prices) + tick, tick)
    for price in sorted(set(prices)) if rule is TieRule.MIDDLE else every:
        buys = sum(each.volume for each in orders if each.buy and each.price_li >= price)
        sells = sum(each.volume for each in orders if not each.buy and each.price_li <= price)
        better_buys = sum(each.volume for each in orders if each.buy and each.price_li > price)
        better_sells = sum(each.volume for each in orders if not each.buy and each.price_li < price)
        matched = min(buys, sells)
        one_side_done = matched in (buys, sells)
        if better_buys <= matched and better_sells <= matched and one_side_done:
            found.append((matched, -abs(buys - sells), price))
    most = max((each[0] for each in found), default=0)
    if most == 0:
        return None
    found = [each for each in found if each[0] == most]
    calm = max(each[1] for each in found)
    tied = sorted(each[2] for each in found if each[1] == calm)
    if rule is TieRule.MIDDLE:
        twice = tied[0] + tied[-1]
        price = next(p for p in every if 2 * p >= twice)
    else:
        price = min(tied, key=lambda each: (abs(each - reference), -each))
    filled = [0] * len(orders)
    for buy in (True, False):
        left = most
        queue = sorted(
            (i for i, each in enumerate(orders) if each.buy is buy),
            key=lambda i: (-orders[i].price_li if buy else orders[i].price_li, orders[i].rank),
        )
        for index in queue:
            limit = orders[index].price_li
            if left and (limit >= price if buy else limit <= price):
                filled[index] = min(left, orders[index].volume)
                left -= filled[index]
    return Clearing(price, most, tuple(filled))


@pytest.mark.parametrize("exchange", ["SH", "SZ", "BJ"])
def test_a_thousand_random_books_against_brute_force(exchange: str) -> None:
    """SSE26 3.5.2、SZSE26 3.4.2、BSE26 3.4.2。"""
    dice = random.Random(20261121)
    crossed = tied = 0
    for _ in range(1000):
        width = dice.choice([3, 8, 25])
        unit = dice.choice([1, 100])
        orders = [
            Interest(
                dice.random() < 0.5,
                1000 + TICK * dice.randint(0, width),
                unit * dice.randint(1, dice.choice([2, 9])),
                (dice.randint(0, 5), index),
            )
            for index in range(dice.randint(0, 14))
        ]
        reference = 1000 + dice.randint(-20, TICK * width + 20)
        found = clear(orders, TIE_RULES[exchange], reference, TICK)
        assert found == brute(orders, TIE_RULES[exchange], reference, TICK), orders
        crossed += found is not None
        low = clear(orders, TieRule.NEAREST, 0, TICK)
        tied += low is not None and low != clear(orders, TieRule.NEAREST, 10**6, TICK)
    assert crossed > 600
    assert tied > 50  # 几个价格并列的情形真的出现过


def bids(*rows: tuple[int, int]) -> list[Interest]:
    return [Interest(True, price, volume, (index,)) for index, (price, volume) in enumerate(rows)]


def asks(*rows: tuple[int, int]) -> list[Interest]:
    return [Interest(False, price, volume, (index,)) for index, (price, volume) in enumerate(rows)]


@pytest.mark.parametrize(
    ("orders", "rule", "reference", "price", "volume"),
    [
        pytest.param(
            bids((1020, 100), (1000, 300)), TieRule.MIDDLE, 0, None, 0, id="9.1-只有一边-没有价格"
        ),
        pytest.param(
            [*bids((1000, 100)), *asks((1010, 100))], TieRule.MIDDLE, 0, None, 0, id="9.1-没有交叉"
        ),
        pytest.param(
            [*bids((1030, 100), (1010, 200)), *asks((1000, 250), (1030, 100))],
            TieRule.MIDDLE,
            0,
            1010,
            250,
            id="9.1-成交量最大",
        ),
        pytest.param(
            [*bids((1040, 100)), *asks((1000, 100))],
            TieRule.MIDDLE,
            0,
            1020,
            100,
            id="SSE26-3.5.2-中间价-没有人报这个价",
        ),
        pytest.param(
            [*bids((1030, 100)), *asks((1000, 100))],
            TieRule.MIDDLE,
            0,
            1020,
            100,
            id="SSE-中间价不在价位上-四舍五入",
        ),
        pytest.param(
            [*bids((1040, 300), (1000, 200)), *asks((1000, 300))],
            TieRule.MIDDLE,
            0,
            1040,
            300,
            id="SSE-只在报过的价里选-每个价位算是1030",
        ),
        pytest.param(
            [*bids((1040, 100)), *asks((1000, 100))],
            TieRule.NEAREST,
            1030,
            1030,
            100,
            id="SZSE26-3.4.2-离前收盘最近",
        ),
        pytest.param(
            [*bids((1040, 100)), *asks((1000, 100))],
            TieRule.NEAREST,
            900,
            1000,
            100,
            id="SZSE-前收盘在外面-取靠近的一头",
        ),
        pytest.param(
            [*bids((1040, 100)), *asks((1000, 100))],
            TieRule.NEAREST,
            1015,
            1020,
            100,
            id="12.5-等距取高",
        ),
        pytest.param(
            [*bids((1020, 100), (1000, 200)), *asks((1000, 100))],
            TieRule.NEAREST,
            1000,
            1010,
            100,
            id="9.1-未成交量最小先于离参考价最近",
        ),
    ],
)
def test_price_rules(
    orders: list[Interest], rule: TieRule, reference: int, price: int | None, volume: int
) -> None:
    found = clear(orders, rule, reference, TICK)
    assert (found and found.price_li) == price
    assert (found.volume if found else 0) == volume


def test_equidistant_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [*bids((1040, 100)), *asks((1000, 100))]
    monkeypatch.setattr(auction, "EQUIDISTANT_HIGHER", False)
    found = clear(orders, TieRule.NEAREST, 1015, TICK)
    assert found is not None
    assert found.price_li == 1010


def test_price_then_time() -> None:
    orders = [
        Interest(True, 1010, 100, (3, 1)),
        Interest(True, 1010, 100, (2, 2)),
        Interest(True, 1020, 100, (9, 3)),
        Interest(False, 1010, 150, (1, 4)),
    ]
    found = clear(orders, TieRule.MIDDLE, 0, TICK)
    assert found == Clearing(1010, 150, (0, 50, 100, 150))


BOOKS = st.lists(
    st.builds(
        Interest,
        st.booleans(),
        st.integers(0, 30).map(lambda n: 1000 + n * TICK),
        st.integers(1, 2000),
        st.tuples(st.integers(0, 3), st.integers(0, 10**6)),
    ),
    max_size=40,
    unique_by=lambda each: each.rank,
)


@settings(max_examples=300, deadline=None)
@given(BOOKS, st.sampled_from(TieRule), st.integers(900, 1400))
def test_nobody_trades_through_his_limit_and_nothing_crosses_afterwards(
    orders: list[Interest], rule: TieRule, reference: int
) -> None:
    found = clear(orders, rule, reference, TICK)
    left = list(orders)
    if found is not None:
        bought = sum(v for each, v in zip(orders, found.filled, strict=True) if each.buy)
        sold = sum(v for each, v in zip(orders, found.filled, strict=True) if not each.buy)
        assert bought == sold == found.volume > 0
        assert found.price_li % TICK == 0
        left = []
        for each, volume in zip(orders, found.filled, strict=True):
            assert 0 <= volume <= each.volume
            if volume:
                beyond = each.price_li - found.price_li
                assert beyond >= 0 if each.buy else beyond <= 0
            if volume < each.volume:
                left.append(each)
    buy = max((each.price_li for each in left if each.buy), default=0)
    sell = min((each.price_li for each in left if not each.buy), default=10**9)
    assert buy < sell


@settings(max_examples=200, deadline=None)
@given(BOOKS, st.sampled_from(TieRule), st.randoms(use_true_random=False))
def test_the_order_of_arrival_in_the_list_does_not_matter(
    orders: list[Interest], rule: TieRule, dice: random.Random
) -> None:
    first = clear(orders, rule, 1100, TICK)
    shuffled = list(orders)
    dice.shuffle(shuffled)
    second = clear(shuffled, rule, 1100, TICK)
    if first is None or second is None:
        assert first is second
        return
    assert (first.price_li, first.volume) == (second.price_li, second.volume)
    assert dict(zip(orders, first.filled, strict=True)) == dict(
        zip(shuffled, second.filled, strict=True)
    )
