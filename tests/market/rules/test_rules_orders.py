"""按规则编号：每条至少一笔收下的、一笔拒绝的委托，都走真的引擎。"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from rules_cases import CASES, MAIN, ST
from rules_desk import ACCEPTED, Case, refusal
from rules_page import all_rows

from easytrader.market.rules.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_desk import RuleDesk

    Open = Callable[..., RuleDesk]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_order(open_desk: Open, case: Case) -> None:
    number, text = refusal(open_desk(case).run())
    assert number == case.code, text
    assert case.text in text


ELSEWHERE = {f"{letter}{n}" for letter, most in (("D", 6), ("F", 12)) for n in range(1, most + 1)}
"""回转与费用不是一笔委托收不收的事，见 `test_rules_settle`。"""
ELSEWHERE |= {"R2", "R3"}
"""应计利息见 `test_rules_accrual`。"""
ELSEWHERE |= {"X1", "X2", *(f"I{n}" for n in range(1, 10))}
"""除权除息见 ``tests/sim/business/actions``，申购见 ``tests/sim/business/subscribe``。"""
ELSEWHERE |= {f"RZ{n}" for n in range(1, 24)}
"""两融见 ``tests/sim/business/credit``。"""
ELSEWHERE |= {f"H{n}" for n in range(1, 11)}
"""盘后固定价格见 ``tests/sim/business/after_hours``。"""
ELSEWHERE |= {"V1", "V2"}
"""盘中停牌见 `test_market_halts`。"""


def test_every_rule_has_an_accepted_and_a_refused_order() -> None:
    verdicts: dict[str, set[bool]] = defaultdict(set)
    for case in CASES:
        verdicts[case.rule].add(case.code == ACCEPTED)
    for row in all_rows():
        if row.rule not in ELSEWHERE:
            assert verdicts[row.rule] == {True, False}, row.rule


def test_every_row_has_a_date_and_a_known_source() -> None:
    used: set[str] = set()
    for row in all_rows():
        assert row.scopes
        tags = row.source.split()
        assert tags, row
        assert set(tags) <= set(SOURCES), row
        used |= set(tags)
    assert used == set(SOURCES), "没有用到的出处"


def test_the_buy_cap_counts_fills_and_working_orders(open_desk: Open) -> None:
    desk = open_desk(Case("P1", MAIN, "买", 0, 0.0, facts=ST))
    assert refusal(desk.submit("买", 300_000, "bid-5"))[0] == 0
    assert refusal(desk.submit("买", 300_000, "bid-5"))[0] == 1229
    assert refusal(desk.submit("买", 200_000, "bid-5"))[0] == 0
    assert refusal(desk.submit("买", 100, "bid-5"))[0] == 1229
    desk.clock.advance(86400)  # 第二天重新数
    assert refusal(desk.submit("买", 500_000, "bid-5"))[0] == 0
