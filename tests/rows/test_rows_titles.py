"""列名表：与 `easytrader.types` 的键逐个相同，每张表里列名不重复，写成字的样子。"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import get_args, get_type_hints

import pytest

from easytrader import types
from easytrader.errors import UsageError
from easytrader.rebalance import model, report
from easytrader.rows import titles

KINDS = titles.KINDS.values()
TYPED = {
    "balance": types.Asset,
    "position": types.Position,
    "entrusts": types.Entrust,
    "trades": types.Trade,
    "quote": types.Quote,
    "credit.detail": types.CreditDetail,
    "credit.compacts": types.Compact,
    "credit.subjects": types.CreditSubject,
    "credit.slo_codes": types.SloCode,
    "credit.assure": types.CreditAssure,
    "ipo.data": types.IpoIssue,
    "ipo.subscribe_all": types.IpoResult,
    "cancel_all": types.BulkCancel,
    "client.account_infos": types.AccountInfo,
    "client.account_status": types.AccountStatus,
    "client.secu_accounts": types.SecuAccount,
    "client.position_statistics": types.PositionStatistics,
    "transfer.com_fund": types.ComFund,
    "transfer.com_position": types.ComPosition,
    "bank.info": types.Bank,
    "bank.amount": types.BankAmount,
    "bank.transfer_stream": types.BankStream,
    "lending.quoters": types.SmtQuoter,
    "lending.orders": types.SmtOrder,
    "lending.compacts": types.SmtCompact,
    "algo.params": types.SmartAlgoParam,
    "algo.tasks": types.SmartAlgoTask,
}
OTHERS = {
    "plan": model.PlanOrder,
    "skipped": model.Skipped,
    "weights": model.WeightRow,
    "report": report.ReportRow,
    "fills": report.Fill,
    "history_orders": types.PastEntrust,
    "history_trades": types.PastTrade,
    "history_assets": types.PastAsset,
}
"""次序不必相同的：日期在最前。"""
MEASURES_OF = {
    str: {"text", "date"},
    int: {"number", "count", "moment", "date"},
    float: {"price", "money", "ratio", "bp", "count"},  # 券源的数量厂商给小数
    bool: {"flag"},
}


@pytest.mark.parametrize("name", TYPED)
def test_keys_are_those_of_the_type(name: str) -> None:
    hints = get_type_hints(TYPED[name])
    always = tuple(key for key in hints if key not in TYPED[name].__optional_keys__)
    assert titles.KINDS[name].keys == always
    for column in titles.KINDS[name].columns:
        hint = hints[column.key]
        for plain in get_args(hint) if column.measure != "levels" else ():
            hint = plain if isinstance(plain, type) and plain is not type(None) else hint
        assert column.measure in MEASURES_OF.get(hint, {"text", "levels", "list", "number"}), column


@pytest.mark.parametrize("name", OTHERS)
def test_keys_of_the_other_rows(name: str) -> None:
    optional = getattr(OTHERS[name], "__optional_keys__", frozenset())
    assert set(titles.KINDS[name].keys) == {*OTHERS[name].__annotations__} - optional


def test_every_table_has_its_type() -> None:
    assert {*TYPED, *OTHERS} == set(titles.KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_table_can_be_a_frame(kind: titles.Kind) -> None:
    named = [column.title for column in kind.columns]
    assert len(set(named)) == len(named)
    assert len(set(kind.keys)) == len(kind.keys)
    assert all(re.search("[一-鿿]", title) for title in [*named, kind.title])
    assert {column.measure for column in kind.columns} <= set(get_args(titles.Measure))
    assert set(kind.brief) <= set(kind.keys)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_knows_its_table(kind: titles.Kind) -> None:
    assert titles.of_row(dict.fromkeys(kind.keys)) is kind
    assert titles.of_row(dict.fromkeys([*kind.keys, "extra"])) is kind


def test_unknown() -> None:
    assert titles.of_row({}) is None
    assert titles.of_row({"a": 1}) is None
    with pytest.raises(UsageError, match=r"position（持仓）"):
        titles.of("positions")
    assert [each.title for each in titles.of("fills").pick(["price", "currency", "new"])] == [
        "成交价",
        "货币",
        "new",
    ]


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("count", 12300, "12,300"),
        ("count", Decimal("0.00150"), "0.0015"),
        ("price", 35.5, "35.50"),
        ("price", 3.2125, "3.212"),
        ("price", Decimal("0.00001234"), "0.00001234"),
        ("price", 0, "0.00"),
        ("money", -1234567.891, "-1,234,567.89"),
        ("ratio", 0.0512, "5.12%"),
        ("bp", -3.14, "-3.1"),
        ("moment", 1_700_000_000, "06:13:20"),
        ("moment", 0, ""),
        ("number", 1082, "1082"),
        ("number", "a-1", "a-1"),
        ("text", "000001", "000001"),
        ("flag", True, "是"),
        ("side", "sell", "卖出"),
        ("side", "", ""),
        ("money", None, ""),
        ("money", float("nan"), ""),
        ("price", float("inf"), ""),
    ],
)
def test_cells(measure: titles.Measure, value: object, text: str) -> None:
    assert titles.cell(measure, value) == text


def test_currency_column_is_there_only_when_told() -> None:
    kind = titles.KINDS["balance"]
    assert kind.columns_for([{"cash": 1}]) == kind.columns
    first, *rest = kind.columns_for([{"cash": 1}, {"currency": "HKD", "cash": 1}])
    assert (first.title, tuple(rest)) == ("货币", kind.columns)
