"""权重从哪里来、各家至多多少：可卖的、钱、一笔的上限、几股一手，别的市场的代码。"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from easytrader import UsageError
from easytrader.fleets import quotas
from easytrader.fleets.quotas import Facts

D = Decimal


def shared(verb: str, code: str, amount: Any, way: Any, **given: Any) -> quotas.Shared:
    facts = given.pop("facts")
    price = None if verb.startswith("market") else given.pop("price", 10)
    order = quotas.order(verb, code, price, amount, given.pop("lot", None))
    return quotas.shared(order, way, facts, **given)


def assets(**totals: int) -> dict[str, Facts]:
    return {name: Facts(total=D(each), cash=D(each)) for name, each in totals.items()}


def test_by_total_asset_in_whole_lots() -> None:
    found = shared("buy", "600036", 1000, "assets", facts=assets(A=500, B=300, C=200))
    assert found == ({"A": 500, "B": 300, "C": 200}, 0, [])


def test_an_account_that_owes_more_than_it_has_gets_nothing() -> None:
    found = shared("buy", "600036", 1000, "assets", facts=assets(A=500, B=-300))
    assert found.amounts == {"A": 1000, "B": 0}


def test_the_lot_is_that_of_the_board() -> None:
    facts = assets(A=1, B=1, C=1)
    assert shared("buy", "688981", 500, "equal", facts=facts).amounts == {
        "A": 250,
        "B": 250,
        "C": 0,
    }
    assert shared("buy", "113050", 100, "equal", facts=facts).amounts == {"A": 40, "B": 30, "C": 30}
    assert shared("buy", "600036", 250, "equal", facts=facts).left == 50


def test_sells_stay_within_what_can_be_sold_today() -> None:
    facts = {"A": Facts(usable=D(0)), "B": Facts(usable=D(250)), "C": Facts(usable=D(5000))}
    found = shared("sell", "600036", 1000, "equal", facts=facts)
    assert found.amounts == {"A": 0, "B": 250, "C": 700}  # 零股只在清掉的那一家
    assert found.left == 50
    assert "A、B 到顶了" in found.notes[0]
    told = shared("sell", "600036", 900, "equal", facts=facts, spill=False)
    assert (told.amounts, told.left) == ({"A": 0, "B": 250, "C": 300}, 350)
    free = shared("sell", "600036", 900, "equal", facts=facts, within_position=False)
    assert free.amounts == {"A": 300, "B": 300, "C": 300}


def test_buys_stay_within_the_cash_with_fees_when_asked() -> None:
    facts = assets(A=10_006, B=10_005, C=1_000_000)
    found = shared("buy", "600036", 9000, "equal", facts=facts, within_cash=True)
    assert found.amounts == {"A": 1000, "B": 900, "C": 7100}  # 1,000 股 10,000 元，费用 5.1 元
    assert shared("buy", "600036", 9000, "equal", facts=facts).amounts["A"] == 3000


def test_one_order_is_never_larger_than_the_exchange_takes() -> None:
    found = shared("buy", "600036", 3_000_000, "equal", facts=assets(A=1, B=1))
    assert (found.amounts, found.left) == ({"A": 1_000_000, "B": 1_000_000}, 1_000_000)


def test_each_is_not_split() -> None:
    assert shared("buy", "600036", 150, "each", facts=assets(A=1, B=1)).amounts == {
        "A": 150, "B": 150,
    }  # fmt: skip


def test_other_markets_need_the_smallest_piece() -> None:
    facts = assets(A=1, B=1, C=1)
    found = shared("buy", "BTC/USDT", D("0.01"), "equal", facts=facts, lot=D("0.001"))
    assert found.amounts == {"A": D("0.004"), "B": D("0.003"), "C": D("0.003")}
    with pytest.raises(UsageError, match="lot="):
        quotas.order("buy", "BTC/USDT", 10, 1, None)


def test_the_split_is_the_same_whatever_the_order_of_the_accounts() -> None:
    facts = assets(A=3, B=5, C=7)
    turned = dict(reversed(list(facts.items())))
    assert shared("buy", "600036", 900, "assets", facts=facts) == shared(
        "buy", "600036", 900, "assets", facts=turned
    )


def test_weights_by_table_are_exact_decimals() -> None:
    way = quotas.way_of({"A": 0.1, "B": 0.2}, ["A", "B"])
    found = shared("buy", "600036", 300, way, facts=assets(A=1, B=1))
    assert found.amounts == {"A": 100, "B": 200}
