"""当日回转与费用：按规则编号，走真的引擎。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rules_desk import Case, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_desk import RuleDesk

    from easytrader.sim.ledger.events import Outcome

    Open = Callable[..., RuleDesk]


def _fees(outcome: Outcome) -> int:
    """各笔成交收的费用，厘。"""
    paid = [event.row.commission for event in outcome.events if event.kind == "trade"]
    assert paid
    return round(sum(paid) * 1000)


def _bought(desk: RuleDesk, volume: int) -> Outcome:
    outcome = desk.submit("买", volume, "ask+5")
    assert outcome.events[-1].row.order_status == 56
    return outcome


@pytest.mark.parametrize(
    ("rule", "code", "volume", "day", "facts", "same_day"),
    [
        ("D1", "600036.SH", 100, "2026-11-20", {}, False),
        ("D1", "920002.BJ", 100, "2026-11-20", {}, False),
        ("D2", "113050.SH", 10, "2026-11-20", {}, True),
        ("D2", "019547.SH", 1000, "2026-11-20", {}, True),
        ("D3", "511880.SH", 100, "2026-11-20", {}, True),
        ("D3", "518880.SH", 100, "2015-01-18", {}, False),
        ("D3", "513100.SH", 100, "2015-01-19", {}, True),
        ("D3", "510300.SH", 100, "2026-11-20", {}, False),
        *(
            ("D3", f"{code}.SZ", 100, "2026-11-20", {}, True)
            for code in (159792, 159696, 159866, 159740, 159509)
        ),
        ("D3", "520900.SH", 100, "2026-11-20", {}, True),
        ("D3", "530050.SH", 100, "2026-11-20", {}, False),
        ("D3", "161005.SZ", 100, "2026-11-20", {}, False),
        ("D3", "161005.SZ", 100, "2026-11-20", {"same_day_sale": "2015-01-19"}, True),
        *(
            ("D6", code, 100, "2026-11-20", {}, True)
            for code in ("162411.SZ", "501018.SH", "161128.SZ", "164824.SZ")
        ),
        ("D6", "162411.SZ", 100, "2015-01-16", {}, False),
        ("D6", "501029.SH", 100, "2026-11-20", {}, False),
        ("D4", "159985.SZ", 100, "2019-01-11", {}, True),
        ("D4", "159985.SZ", 100, "2019-01-10", {}, False),
        ("D5", "510300.SH", 100, "2020-01-20", {}, False),
    ],
)
def test_selling_what_was_bought_today(
    open_desk: Open,
    rule: str,
    code: str,
    volume: int,
    day: str,
    facts: dict[str, Any],
    same_day: bool,
) -> None:
    desk = open_desk(Case(rule, code, "买", volume, "ask", day=day, facts=facts))
    _bought(desk, volume)
    number, text = refusal(desk.submit("卖", volume, "bid"))
    assert number == (0 if same_day else 251005), text
    if not same_day:
        assert "证券可用数量不足" in text
        desk.clock.advance(86400)
        assert refusal(desk.submit("卖", volume, "bid"))[0] == 0


@pytest.mark.parametrize(
    ("rule", "code", "volume", "day", "buy_ppm", "sell_ppm", "least"),
    [
        ("F1 F3 F5", "600036.SH", 10_000, "2026-11-20", (250, 10), (250, 500, 10), 5000),
        ("F1 F3", "920002.BJ", 10_000, "2026-11-20", (250, 10), (250, 500, 10), 5000),
        ("F2 F3", "600036.SH", 10_000, "2023-08-27", (250, 10), (250, 1000, 10), 5000),
        ("F2 F4", "600036.SH", 10_000, "2022-04-28", (250, 20), (250, 1000, 20), 5000),
        ("F2 F12", "920002.BJ", 10_000, "2022-04-28", (250, 25), (250, 1000, 25), 5000),
        ("F3", "920002.BJ", 10_000, "2022-04-29", (250, 10), (250, 1000, 10), 5000),
        ("F12", "920002.BJ", 10_000, "2021-11-15", (250, 25), (250, 1000, 25), 5000),
        ("F5", "510300.SH", 10_000, "2026-11-20", (250,), (250,), 5000),
        ("F6", "113050.SH", 1000, "2026-11-20", (50,), (50,), 1000),
        ("F7", "511880.SH", 1000, "2026-11-20", (0,), (0,), 0),
    ],
)
def test_fees_by_date(
    open_desk: Open,
    rule: str,
    code: str,
    volume: int,
    day: str,
    buy_ppm: tuple[int, ...],
    sell_ppm: tuple[int, ...],
    least: int,
) -> None:
    desk = open_desk(Case(rule, code, "买", volume, "ask", day=day, held=volume))
    for outcome, rates in (
        (_bought(desk, volume), buy_ppm),
        (desk.submit("卖", volume, "bid-5"), sell_ppm),
    ):
        amount = sum(
            round(event.row.traded_price * 1000) * event.row.traded_volume
            for event in outcome.events
            if event.kind == "trade"
        )
        parts = [(amount * ppm + 5_000_000) // 10_000_000 * 10 for ppm in rates]
        assert _fees(outcome) == max(parts[0], least) + sum(parts[1:])
