"""``credit.json``：读得懂的照办，读不懂的启动不了，说得出哪一项。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import CODE, CreditDesk

from easytrader.errors import SimulatorError
from easytrader.market.rules.credit import Grade
from easytrader.sim.business.credit.contracts import FIN, SLO
from easytrader.sim.business.credit.contracts import CreditContract as Contract
from easytrader.sim.config.credit import (
    FILE_NAME,
    CreditSettings,
    Subject,
    load_settings,
    parse_settings,
)
from easytrader.sim.ledger.plugin import from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == CreditSettings()
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-8-sig")
    assert load_settings(tmp_path) == CreditSettings()


def test_every_item_is_read(tmp_path: Path) -> None:
    body = {
        "fin_rate": 0.055, "slo_rate": 0.1, "year_days": 365, "term_days": 90,
        "fin_quota": 1000, "slo_quota": 0, "fin_margin": 1.2, "slo_margin": 1.5,
        "withdraw_ratio": 3, "warn_ratio": 1.5, "close_ratio": 1.2, "interest_first": False,
        "fees_on_debt": False, "sell_repays": False, "overdue_blocks": False,
        "slo_in_auction": True,
        "repay_by": "price", "subjects": {"600036": {"slo": False, "fin_margin": 1.1}},
        "collateral": {"sh600036": 0.655}, "slo_volume": {CODE: 100, "000001.SZ": [1, 2]},
        "haircuts": {"stock": 0.5}, "index_members": ["600036"], "static_pe": {CODE: -1},
        "restore_ratio": 1.6, "call_days": 1, "force_close": False,
    }  # fmt: skip
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    assert load_settings(tmp_path) == CreditSettings(
        55_000, 100_000, 365, 90, 1_000_000, 0, 1_200_000, 1_500_000, 3_000_000, 1_500_000,
        1_200_000, False, False, False, False, True, "price",
        {CODE: Subject(True, False, 1_100_000, None)}, {CODE: 655_000},
        {CODE: (100, 0), "000001.SZ": (1, 2)},
        {Grade.STOCK: 500_000}, frozenset({CODE}), {CODE: True},
        1_600_000, 1, False,
    )  # fmt: skip
    assert len(body) == len(CreditSettings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "应为对象"),
        ({"rate": 1}, "'rate'"),
        ({"fin_rate": "6%"}, "fin_rate"),
        ({"fin_rate": -0.1}, "fin_rate"),
        ({"fin_rate": True}, "fin_rate"),
        ({"year_days": 300}, "360–366"),
        ({"term_days": 0}, "term_days"),
        ({"fin_quota": 1.5}, "fin_quota"),
        ({"fin_margin": 0.01}, "fin_margin"),
        ({"warn_ratio": 0.5}, "warn_ratio"),
        ({"warn_ratio": 1.2, "close_ratio": 1.3}, "平仓线"),
        ({"warn_ratio": 1.2}, "（平仓线）1.3 不能高于 warn_ratio（警戒线）1.2"),
        ({"warn_ratio": 140}, "warn_ratio：140。应为 1–10"),
        ({"fin_margin": 6}, "fin_margin：6。应为 0.1–5"),
        ({"interest_first": None}, "interest_first：null。"),
        ({"interest_first": 1}, "true 或 false"),
        ({"repay_by": "cash"}, "volume"),
        ({"subjects": [CODE]}, "证券代码作键"),
        ({"subjects": {"xyz": {}}}, "xyz"),
        ({"subjects": {CODE: True}}, "fin"),
        ({"subjects": {CODE: {"short": True}}}, "'short'"),
        ({"subjects": {"204001.SH": {}}}, "不交易这个品种"),
        ({"collateral": {CODE: 1.1}}, f"{CODE}：1.1。应为 0–1"),
        ({"collateral": {CODE: 0.5, "600036": 0.5}}, "出现了两次"),
        ({"slo_volume": {CODE: -1}}, CODE),
        ({"slo_volume": {CODE: [1, 2, 3]}}, "普通, 专项"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, body: Any, told: str) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"credit\.json") as caught:
        load_settings(tmp_path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "不是合法的 JSON"),
        ('{"fin_rate": 1e999999999999999999999}', "1e999999999999999999999 的指数太大或太小"),
        ('{"fin_rate": 1e-999999999999999999999}', "太大或太小"),
        ('{"fin_rate": NaN}', "fin_rate：NaN。应为 0–1"),
        ('{"fin_rate": ' + "[" * 700 + "]" * 700 + "}", "fin_rate：["),
        ('{"fin_rate": "' + "很长" * 100 + '"}', "…。应为 0–1"),
        ('{"fin_rate": 0.05, "fin_rate": 0.06}', "fin_rate 出现了两次"),
        ('{"collateral": {"600036.SH": 0.7, "000001.SZ": 70}}', "000001.SZ：70。应为 0–1"),
    ],
)
def test_odd_texts_are_named_too(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"credit\.json") as caught:
        load_settings(tmp_path)
    assert told in str(caught.value)
    assert "Decimal" not in str(caught.value)


def test_only_utf8(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-16")
    with pytest.raises(SimulatorError, match="应为 UTF-8 编码的 JSON 文件"):
        load_settings(tmp_path)


def test_a_bad_file_stops_the_engine(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="fin_rate"):
        CreditDesk(tmp_path / "sim", settings={"fin_rate": 9})


def test_an_empty_object_is_the_defaults() -> None:
    assert parse_settings({}) == CreditSettings()


# 一份合约


def made(kind: int, **values: Any) -> Contract:
    return Contract("1", kind, 48, CODE, 1, 181, 1_000_000, accrued_to=1, **values)


def test_a_contract_survives_its_record() -> None:
    each = made(SLO, volume=500, amount_li=5_000_000, accrual=12345)
    assert to_json(from_json(Contract, to_json(each))) == to_json(each)


def test_interest_then_principal() -> None:
    each = made(FIN, volume=100, amount_li=1_000_000)
    assert each.accrue(11, 1_000_000, 360_000, 360) == 10_000
    assert each.pay(4_000, True) == 4_000
    assert (each.left_fare_li, each.left_li) == (6_000, 1_000_000)
    assert each.pay(106_000, True) == 106_000
    assert (each.left_fare_li, each.left_li, each.left_volume) == (0, 900_000, 90)
    assert each.pay(10**9, True) == 900_000
    assert each.closed


def test_principal_then_interest() -> None:
    each = made(FIN, volume=3, amount_li=1_000_000)
    each.accrue(11, 1_000_000, 360_000, 360)
    assert each.pay(1_004_000, False) == 1_004_000
    assert (each.left_fare_li, each.left_li, each.closed) == (6_000, 0, False)


def test_shares_go_back_at_what_they_were_sold_for() -> None:
    each = made(SLO, volume=300, amount_li=1_000_000)
    assert each.give_back(100) == 333_330
    assert (each.left_li, each.left_volume) == (666_670, 200)
    assert each.pay(10**9, True) == 0  # 本金不是钱
    assert each.give_back(200) == 666_670
    assert each.closed
