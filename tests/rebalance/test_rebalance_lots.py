"""取整：少的时候与一组一组试出来的一样，多的时候下界站得住。"""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plan_world import World, held, least_error, quote

from easytrader.market.rules.fees import FeeRates
from easytrader.rebalance.lots import Choice, choose


def choice(price: int, need: int, buys: bool, cost: int, *ladders: range) -> Choice:
    rates = FeeRates(250, 5000, 0 if buys else 500, 10)
    return Choice(
        price,
        need,
        buys,
        cost,
        ladders,
        lambda volume: rates.total(volume * cost),
        (250e-6, 5000, (10 if buys else 510) * 1e-6),
    )


def brute(choices: list[Choice], budget: int) -> int | None:
    options = [[0, *(v for ladder in each.ladders for v in ladder)] for each in choices]
    found = [
        sum(each.error(v) for each, v in zip(choices, volumes, strict=True))
        for volumes in itertools.product(*options)
        if budget + sum(each.cash(v) for each, v in zip(choices, volumes, strict=True)) >= 0
    ]
    return min(found, default=None)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    buys = draw(st.booleans())
    price = draw(st.integers(200, 6000)) * 10
    cost = price * (1002 if buys else 998) // 1000
    kind = draw(st.sampled_from(["lots", "odd", "star"]))
    count = draw(st.integers(1, 6))
    ladders = [range(100, 100 * count + 1, 100)]
    if kind == "star":
        ladders = [range(200, 200 + count)]
    elif kind == "odd" and not buys:
        odd = draw(st.integers(1, 99))
        ladders.append(range(odd, odd + 100 * count, 100))
    most = max(ladder[-1] for ladder in ladders)
    return choice(price, draw(st.integers(0, price * most)), buys, cost, *ladders)


@settings(max_examples=150)
@given(st.lists(choices(), min_size=1, max_size=4), st.floats(-0.2, 1.2))
def test_a_few_are_chosen_as_well_as_by_trying_all(found: list[Choice], part: float) -> None:
    """连最低佣金也在约束里。"""
    wanted = -sum(each.cash(each.at(0)) for each in found)
    budget = int(wanted * part)
    chosen = choose(found, budget)
    best = brute(found, budget)
    assert chosen.enough is (best is not None)
    if best is not None:
        gains = sum(each.cash(v) for each, v in zip(found, chosen.volumes, strict=True))
        assert budget + gains >= 0
        assert chosen.error == best
        assert chosen.proved


def many(count: int, seed: int = 7) -> list[Choice]:
    rng = random.Random(seed)
    found = []
    for k in range(count):
        price = rng.randrange(300, 8000) * 10
        lots = rng.randrange(5, 40)
        ladder = range(200, 4000) if k % 5 == 0 else range(100, 100 * lots + 1, 100)
        need = rng.randrange(price * ladder[-1] // 2, price * ladder[-1])
        found.append(choice(price, need, True, price * 1002 // 1000, ladder))
    return found


@pytest.mark.parametrize("short", [0.001, 0.02, 0.3])
@pytest.mark.parametrize("count", [30, 120])
def test_the_bound_holds_for_many(count: int, short: float) -> None:
    found = many(count)
    budget = int(-sum(each.cash(each.at(0)) for each in found) * (1 - short))
    chosen = choose(found, budget)
    spent = -sum(each.cash(v) for each, v in zip(found, chosen.volumes, strict=True))
    assert spent <= budget
    assert chosen.bound <= chosen.error <= chosen.bound * 1.02
    # 下界不比随手凑的可行解高
    rng = random.Random(1)
    for _ in range(30):
        tried = list(chosen.volumes)
        k, j = rng.randrange(count), rng.randrange(count)
        tried[k] = max(tried[k] - 100 * rng.randrange(3), 0)
        tried[j] = tried[j] + 100
        gains = sum(each.cash(v) for each, v in zip(found, tried, strict=True))
        if budget + gains >= 0:
            assert sum(each.error(v) for each, v in zip(found, tried, strict=True)) >= chosen.bound


def test_the_same_question_has_the_same_answer() -> None:
    budget = int(-sum(each.cash(each.at(0)) for each in many(60)) * 0.97)
    assert choose(many(60), budget) == choose(many(60), budget)


def test_nothing_to_choose_from() -> None:
    assert choose([], 0) == ((), 0, 0, True)
    assert choose([], -1).enough is False


# ---- 整个计划与笨办法


CODES = ["600036.SH", "000001.SZ", "688981.SH", "920002.BJ", "113050.SH"]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, dict[str, float]]:
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True))
    quotes, position, parts = [], [], {}
    for code in codes:
        last = draw(st.integers(2500, 9000)) / 100
        quotes.append(quote(code, last))
        if draw(st.booleans()):
            volume = draw(st.integers(1, 350))
            position.append(held(code, volume, draw(st.integers(0, volume))))
        parts[code] = draw(st.integers(0, 9))
    cash = draw(st.integers(0, 15_000))
    world = World(float(cash), quotes, position)
    whole = sum(parts.values()) + draw(st.sampled_from([0, 0, 0, 3]))  # 多半全配满，钱不够
    return world, {code: round(part / max(whole, 1), 4) for code, part in parts.items()}


@settings(max_examples=120)
@given(worlds())
def test_a_plan_is_as_good_as_by_trying_all(made: tuple[World, dict[str, float]]) -> None:
    """手数、零股、可卖、最低佣金、余地都照规则的字面另写了一遍。"""
    world, targets = made
    assume(world.total > 0)
    plan = world.plan(targets)
    assume(plan.scale == 1)  # 卖不掉的占着地方时目标会缩小，与这里比的不是一回事
    best = least_error(world, targets)
    assume(best is not None)
    assert plan.tracking_error == pytest.approx(best**0.5 / (world.total * 1000), abs=2e-9)
    assert plan.bound == plan.tracking_error
    assert plan.cash_after >= -1e-9
