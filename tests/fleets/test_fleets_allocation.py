"""一个总数分给几个账号：加起来恰好、整手、不超过能做的、照权重、与次序无关。"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easytrader.fleets.allocation import Part, by_weight, split

if TYPE_CHECKING:
    from random import Random

Lot = tuple[int, int]
Wish = tuple[int, list[Part], Lot]
few = settings(max_examples=25)

LOTS = ((100, 100), (200, 1), (10, 10), (1, 1), (1000, 1000), (100, 1))


@st.composite
def wishes(draw: st.DrawFn, *, capped: bool = True) -> Wish:
    count = draw(st.integers(1, 8))
    parts = []
    for k in range(count):
        weight = Fraction(draw(st.integers(0, 1000)), draw(st.integers(1, 20)))
        most = draw(st.none() | st.integers(0, 5000)) if capped else None
        parts.append(Part(f"账号{k}", weight, most, draw(st.booleans())))
    return draw(st.integers(0, 20_000)), parts, draw(st.sampled_from(LOTS))


def allowed(amount: int, part: Part, lot: Lot) -> bool:
    minimum, step = lot
    if amount == 0 or (part.clears and amount == part.most):
        return True
    most = amount if part.most is None else part.most
    return minimum <= amount <= most and (amount - minimum) % step == 0


def following(amount: int, part: Part, lot: Lot) -> list[int]:
    """比它多的下一档；到顶了没有。"""
    minimum, step = lot
    up = amount + step if amount else minimum
    if part.most is None or up <= part.most:
        return [up]
    return [part.most] if part.clears and part.most > amount else []


@few
@given(wishes(), st.booleans())
def test_the_sum_is_exact_and_every_amount_can_be_ordered(wish: Wish, spill: bool) -> None:
    total, parts, lot = wish
    found = split(total, parts, *lot, spill=spill)
    assert sum(found.amounts.values()) + found.left == total
    assert found.left >= 0
    for part in parts:
        amount = found.amounts[part.name]
        assert amount >= 0
        assert allowed(amount, part, lot)
        assert part.weight or not amount


@few
@given(wishes())
def test_what_is_left_fits_nobody(wish: Wish) -> None:
    total, parts, lot = wish
    found = split(total, parts, *lot)
    for part in parts:
        amount = found.amounts[part.name]
        if part.weight:
            assert all(up - amount > found.left for up in following(amount, part, lot))


@few
@given(wishes(), st.randoms())
def test_the_order_of_the_accounts_does_not_matter(wish: Wish, random: Random) -> None:
    total, parts, lot = wish
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert split(total, shuffled, *lot) == split(total, parts, *lot)


@few
@given(wishes(capped=False))
def test_more_weight_is_never_less(wish: Wish) -> None:
    total, parts, lot = wish
    found = split(total, parts, *lot).amounts
    for heavy in parts:
        for light in parts:
            if heavy.weight > light.weight:
                assert found[heavy.name] >= found[light.name]


@few
@given(wishes(capped=False))
def test_nobody_is_a_whole_lot_off_its_quota(wish: Wish) -> None:
    total, parts, (_, step) = wish
    total -= total % step
    weight = sum((each.weight for each in parts), Fraction(0))
    found = split(total, parts, step, step).amounts
    for each in parts:
        if weight:
            assert abs(found[each.name] - total * each.weight / weight) < step


@few
@given(wishes(), st.fractions(min_value=Fraction(1, 50), max_value=50))
def test_only_the_ratios_of_the_weights_count(wish: Wish, factor: Fraction) -> None:
    total, parts, lot = wish
    scaled = [each._replace(weight=each.weight * factor) for each in parts]
    assert split(total, scaled, *lot) == split(total, parts, *lot)


def parts(**weights: int) -> list[Part]:
    return [Part(name, Fraction(weight)) for name, weight in weights.items()]


@pytest.mark.parametrize(
    ("total", "weights", "lot", "amounts", "left"),
    [
        (1000, {"A": 1, "B": 1, "C": 1}, (100, 100), [400, 300, 300], 0),
        (200, {"A": 5, "B": 3, "C": 2}, (100, 100), [100, 100, 0], 0),
        (1050, {"A": 1, "B": 1}, (100, 100), [500, 500], 50),
        (1000, dict.fromkeys("ABCDEF", 1), (200, 1), [200] * 5 + [0], 0),
        (401, {"A": 1, "B": 1}, (200, 1), [201, 200], 0),
        (99, {"A": 1}, (100, 100), [0], 99),
        (0, {"A": 1}, (100, 100), [0], 0),
        (500, {"A": 0, "B": 0}, (100, 100), [0, 0], 500),
    ],
)
def test_examples(
    total: int, weights: dict[str, int], lot: Lot, amounts: list[int], left: int
) -> None:
    found = split(total, parts(**weights), *lot)
    assert (list(found.amounts.values()), found.left) == (amounts, left)


def test_a_full_account_passes_its_share_on_or_it_is_told() -> None:
    wish = [Part("A", Fraction(1), 100), Part("B", Fraction(1))]
    assert split(1000, wish, 100, 100).amounts == {"A": 100, "B": 900}
    found = split(1000, wish, 100, 100, spill=False)
    assert (found.amounts, found.left) == ({"A": 100, "B": 500}, 400)


def test_odd_shares_only_go_with_the_last_of_them() -> None:
    wish = [Part(name, Fraction(1), 350, clears=True) for name in "AB"]
    assert split(300, wish, 100, 100).amounts == {"A": 200, "B": 100}
    assert split(700, wish, 100, 100).amounts == {"A": 350, "B": 350}


def test_amounts_with_huge_steps_do_not_loop_for_ever() -> None:
    found = split(10**15, parts(A=1, B=1, C=1), 10**10, 1)
    assert found.left == 0
    assert max(found.amounts.values()) - min(found.amounts.values()) == 1


def test_a_float_weight_means_what_is_written() -> None:
    assert by_weight({"A": 0.1, "B": 2}) == {"A": Fraction(1, 10), "B": Fraction(2)}
