"""`Guard`：每一项的写法，`Guard.of`。"""

from __future__ import annotations

import os
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import easytrader
from easytrader.errors import UsageError
from easytrader.risk import Guard
from easytrader.risk.limits import orders_line

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_public_and_asks_nothing_by_default() -> None:
    assert easytrader.Guard is Guard
    guard = Guard()
    assert guard.limits() == {"max_per_second": 299, "max_per_day": 19_999, "rate_wait": 1.5}
    assert guard.max_orders_per_day == 18_999


@pytest.mark.parametrize(
    ("name", "given_value", "kept"),
    [
        ("max_order_value", 100_000, 100_000.0),
        ("max_order_value", Decimal("99999.99"), 99_999.99),
        ("max_order_value", np.float64(5.5), 5.5),
        ("max_order_share", 1, 1.0),
        ("max_order_share", np.float32(0.5), 0.5),
        ("max_price_distance", Decimal("0.02"), 0.02),
        ("max_orders_per_minute", np.int64(30), 30),
        ("max_orders_per_minute", 30.0, 30),
        ("max_per_second", 10, 10),
        ("max_per_second", None, None),
        ("max_per_day", np.int32(200), 200),
        ("max_per_day", None, None),
        ("rate_wait", 0, 0.0),
        ("rate_wait", Decimal("2.5"), 2.5),
        ("block", ["sh600036", "000001", "600036.XSHG"], ("600036.SH", "000001.SZ")),
        ("block", {"920002.BJ"}, ("920002.BJ",)),
        ("block", (code for code in ["159915"]), ("159915.SZ",)),
        ("block", ["rb2501.SHFE", "BTC/USDT", "600036"], ("rb2501.SHFE", "BTC/USDT", "600036.SH")),
    ],
)
def test_accepted(name: str, given_value: Any, kept: Any) -> None:
    found = getattr(Guard(**{name: given_value}), name)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            (name, value)
            for name in ("max_order_value", "max_order_share", "max_price_distance")
            for value in (0, -1, True, "10", float("nan"), float("inf"), 10**400, Decimal("sNaN"))
        ],
        ("max_order_share", 1.01),
        ("max_price_distance", 5),
        ("max_orders_per_minute", 0),
        ("max_orders_per_minute", 1.5),
        ("max_orders_per_minute", True),
        ("max_per_second", 0),
        ("max_per_second", "299"),
        ("max_per_day", 1),
        ("max_per_day", -5),
        ("rate_wait", -1),
        ("rate_wait", None),
        ("rate_wait", True),
        ("block", "600036"),
        ("block", 600036),
        ("block", None),
        ("block", ["600036", 1]),
        ("block", ["招商银行"]),
        ("block", [" rb2501.SHFE"]),
        ("block", ["x" * 65]),
        ("kill_switch", ""),
        ("kill_switch", "  "),
        ("kill_switch", 5),
        ("kill_switch", b"stop"),
        ("kill_switch", "a\0b"),
    ],
)
def test_refused_with_the_name_of_the_rule(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Guard(**{name: value})
    assert caught.value.argument == name
    assert caught.value.expected


def test_fields_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        Guard(100_000)  # type: ignore[misc]


def test_the_switch_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guard = Guard(kill_switch="停.txt")
    monkeypatch.chdir("/")
    assert guard.kill_switch == os.fspath(tmp_path / "停.txt")
    assert Guard(kill_switch=tmp_path / "停.txt") == guard
    home = Guard(kill_switch="~/停").kill_switch
    assert home is not None
    assert not home.startswith("~")


def test_of() -> None:
    guard = Guard(max_order_value=5)
    assert Guard.of(None) is None
    assert Guard.of(guard) is guard
    assert Guard.of(True) == Guard()
    assert Guard.of({}) == Guard()
    assert Guard.of({"max_order_value": 5}) == guard
    assert hash(guard) == hash(Guard(max_order_value=5))
    assert pickle.loads(pickle.dumps(guard)) == guard


@pytest.mark.parametrize("value", [False, 1, 0, "on", [], 0.5, object(), Guard])
def test_of_refuses_the_rest(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Guard.of(value)
    assert caught.value.argument == "guard"


@pytest.mark.parametrize("key", ["max_value", 5, None])
def test_of_lists_what_there_is(key: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Guard.of({key: 1, "max_order_value": 3})
    assert caught.value.value == key
    for name in Guard.__dataclass_fields__:
        assert name in caught.value.expected


def test_of_checks_the_values() -> None:
    with pytest.raises(UsageError) as caught:
        Guard.of({"max_order_value": -1})
    assert caught.value.argument == "max_order_value"


@given(st.integers(2, 10**9))
def test_something_is_always_kept_for_cancels(per_day: int) -> None:
    line = orders_line(per_day)
    assert 1 <= line < per_day
    assert per_day - line <= per_day / 20 + 1


def test_limits_are_plain() -> None:
    guard = Guard(block=["600036"], kill_switch="x", max_per_day=None)
    limits = guard.limits()
    assert limits["block"] == ["600036.SH"]
    assert "max_per_day" not in limits
    assert "max_order_value" not in limits
