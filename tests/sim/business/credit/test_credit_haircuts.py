"""折算率与名单：哪一类给多少，从哪天起，文件夹里怎样改。编号见文档页「交易规则」。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from credit_desk import BUY, CODE, FIN_BUY

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_desk import CreditDesk

    Open = Callable[..., CreditDesk]

MEMBER, STOCK, LOSS, CHINEXT, STAR = "600036.SH", "600004.SH", "000002.SZ", "300010.SZ", "688001.SH"
BSE, ETF, LOF, CONVERTIBLE, TREASURY = (
    "920002.BJ", "510300.SH", "161725.SZ", "113050.SH", "019742.SH",
)  # fmt: skip


def ratio(desk: CreditDesk, code: str) -> float:
    return desk.line._context.scales.haircut(code) / 1_000_000


@pytest.mark.parametrize(
    ("rule", "code", "expected"),
    [
        ("RZ12", MEMBER, 0.7),
        ("RZ12", "300750.SZ", 0.7),
        ("RZ13", STOCK, 0.65),
        ("RZ13", CHINEXT, 0.65),
        ("RZ13", STAR, 0.65),
        ("RZ14", BSE, 0.65),
        ("RZ15", ETF, 0.9),
        ("RZ15", "511880.SH", 0.9),
        ("RZ16", TREASURY, 0.95),
        ("RZ17", CONVERTIBLE, 0.8),
        ("RZ17", LOF, 0.8),
        ("RZ21", LOSS, 0.0),
    ],
)
def test_each_class_has_its_haircut(open_desk: Open, rule: str, code: str, expected: float) -> None:
    assert ratio(open_desk(), code) == expected, rule


@pytest.mark.parametrize(
    ("rule", "code", "day", "expected"),
    [
        ("RZ14", BSE, "2023-02-10", 0.0),
        ("RZ14", BSE, "2023-02-13", 0.65),
        ("RZ21", LOSS, "2025-04-30", 0.7),
        ("RZ21", LOSS, "2025-05-06", 0.0),
    ],
)
def test_the_lists_are_dated(
    open_desk: Open, rule: str, code: str, day: str, expected: float
) -> None:
    assert ratio(open_desk(day=day), code) == expected, rule


@pytest.mark.parametrize(
    ("day", "pe", "expected"),
    [
        ("2016-12-09", -1, 0.7),
        ("2016-12-12", -1, 0.0),
        ("2026-11-20", -0.01, 0.0),
        ("2026-11-20", 300, 0.0),
        ("2026-11-20", 299.99, 0.7),
    ],
)
def test_rz19_negative_or_very_high_earnings_ratios(
    open_desk: Open, day: str, pe: float, expected: float
) -> None:
    assert ratio(open_desk(day=day, settings={"static_pe": {MEMBER: pe}}), MEMBER) == expected


def test_the_folder_says_a_listed_loser_earns_again(open_desk: Open) -> None:
    desk = open_desk(settings={"static_pe": {LOSS: 12}})
    assert ratio(desk, LOSS) == 0.7
    assert desk.buy(BUY, 100, LOSS).code == 0


def test_without_earnings_no_collateral_but_still_a_subject(open_desk: Open) -> None:
    desk = open_desk(cash=500_000)
    assert desk.buy(BUY, 100, LOSS).code == 263001
    assert desk.buy(FIN_BUY, 100, LOSS).code == 0
    assert "000002" not in {row.instrument_id for row in desk.ask("credit_assure")}


@pytest.mark.parametrize("what", ["risk_warning", "delisting_period"])
def test_rz18_risk_warned_or_leaving_is_worth_nothing(open_desk: Open, what: str) -> None:
    desk = open_desk()
    text = json.dumps({CODE: {what: [["2026-01-01", None]]}})
    (desk.folder.path / "instruments.json").write_text(text, encoding="utf-8")
    desk.reopen()
    assert ratio(desk, CODE) == 0
    assert desk.buy(BUY, 100).code == 263001
    assert desk.buy(FIN_BUY, 100).code == 263002


def test_the_broker_is_stricter_never_looser(open_desk: Open) -> None:
    desk = open_desk(settings={"haircuts": {"stock": 0.5, "etf": 0.95, "index_stock": 0.3}})
    assert (ratio(desk, STOCK), ratio(desk, ETF), ratio(desk, MEMBER)) == (0.5, 0.9, 0.3)


def test_rz20_index_members_can_be_replaced(open_desk: Open) -> None:
    desk = open_desk(settings={"index_members": [STOCK]})
    assert (ratio(desk, STOCK), ratio(desk, MEMBER)) == (0.7, 0.65)


@pytest.mark.parametrize(
    ("day", "code", "accepted"),
    [
        ("2026-11-20", ETF, True),
        ("2026-11-20", "159915.SZ", True),
        ("2026-11-20", "159001.SZ", False),
        ("2026-11-20", LOF, False),
        ("2012-03-01", ETF, False),
        ("2012-03-01", "510050.SH", True),
        ("2011-12-02", "510050.SH", False),
    ],
)
def test_rz22_rz23_etfs_are_subjects_by_list(
    open_desk: Open, day: str, code: str, accepted: bool
) -> None:
    desk = open_desk(day=day)
    assert desk.buy(FIN_BUY, 1000, code).code == (0 if accepted else 263002)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"haircuts": {"gold": 0.5}}, "没有 'gold' 这一项"),
        ({"haircuts": {"etf": 1.5}}, "应为 0–1"),
        ({"haircuts": 0.7}, "haircuts 应为对象"),
        ({"index_members": {"600036.SH": True}}, "应为证券代码的列表"),
        ({"index_members": ["204001.SH"]}, "信用账户不交易这个品种"),
        ({"static_pe": {"600036.SH": "亏损"}}, "亏损的写负数"),
        ({"static_pe": {"600036.SH": True}}, "亏损的写负数"),
        ({"static_pe": [600036]}, "应为对象，证券代码作键"),
    ],
)
def test_a_wrong_entry_is_named(open_desk: Open, body: object, told: str) -> None:
    desk = open_desk()
    path = desk.folder.path / "credit.json"
    path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"credit\.json") as caught:
        desk.reopen()
    assert told in str(caught.value)
