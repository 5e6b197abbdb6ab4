"""线上的话：每个动词都在表里，值与异常过线之后原样。"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easytrader import Guard, errors
from easytrader.brokers.sim import sim_trader
from easytrader.wire import errors as wire_errors
from easytrader.wire import values, verbs

if TYPE_CHECKING:
    from easytrader.brokers.sim import SimTrader

_GROUPS = ("credit", "after_hours", "ipo", "bank", "transfer", "lending", "algo", "client")


@pytest.fixture(scope="module")
def unconnected() -> SimTrader:
    return sim_trader()


def _public(owner: object) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


def _passed(value: Any) -> Any:
    return values.from_plain(values.decode(values.encode(values.to_plain(value))))


def test_every_public_name_is_in_the_table_or_left_out_with_a_reason(
    unconnected: SimTrader,
) -> None:
    named = {each.name for each in verbs.TABLE}
    there = _public(type(unconnected))
    for group in _GROUPS:
        there |= {f"{group}.{name}" for name in _public(getattr(unconnected, group))}
    assert there - named == set(verbs.LEFT_OUT)
    assert not named & set(verbs.LEFT_OUT)
    offered = {each.name for each in verbs.offered(unconnected)}
    assert offered == named


def test_names_are_unique_and_async_ones_are_marked() -> None:
    names = [each.name for each in verbs.TABLE]
    assert len(names) == len(set(names))
    for each in verbs.TABLE:
        assert each.is_async == each.name.endswith("_async")


def test_money_moves_only_with_its_own_scope() -> None:
    funds = {each.name for each in verbs.TABLE if each.scope == verbs.FUNDS}
    assert {name for name in funds if name.endswith(("_in", "_out"))} == {
        "bank.transfer_in",
        "bank.transfer_out",
    }
    assert {"transfer.fund", "transfer.secu", "transfer.option_to_future"} <= funds
    for each in verbs.TABLE:
        if each.effect.changes:
            assert each.scope != verbs.READ, each


@pytest.mark.parametrize(
    "name", ["__class__", "trader", "close", "_engine", "buy.__func__", "", None, 7, "BUY", "guard"]
)
def test_unlisted_names_are_not_found(name: object) -> None:
    assert verbs.find(name) is None


def test_a_property_takes_no_arguments(unconnected: SimTrader) -> None:
    balance = verbs.find("balance")
    assert balance is not None
    with pytest.raises(TypeError, match="balance"):
        verbs.invoke(unconnected, balance, [1], {})
    with pytest.raises(errors.NotConnectedError):
        verbs.invoke(unconnected, balance, [], {})


def test_signatures_come_from_the_methods(unconnected: SimTrader) -> None:
    for each in verbs.offered(unconnected):
        if each.group == verbs.SERVER:
            continue
        signature, told = verbs.signature_of(unconnected, each)
        assert "self" not in signature.parameters
        assert told, each


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, 2**63 - 1, -(2**63), 1.5, "代码", "", Decimal("1.50"), (1, (2,)), [], {},
        {"a": [1, {"b": Decimal("0.01")}]}, {1: "整数的键"}, {"$": "自己的键"}, date(2026, 11, 30),
        datetime(2026, 11, 30, 9, 30),  # noqa: DTZ001  用户会这样写
    ],
    ids=repr,
)  # fmt: skip
def test_values_come_back(value: Any) -> None:
    found = _passed(value)
    assert found == value
    assert type(found) is type(value)


def test_odd_numbers() -> None:
    assert math.isnan(_passed(math.nan))
    assert _passed(-math.inf) == -math.inf
    assert _passed(np.int64(7)) == 7
    assert _passed(np.float32(2.5)) == 2.5
    assert _passed(np.array([1, 2])) == [1, 2]
    assert sorted(_passed({1, 2})) == [1, 2]


@pytest.mark.parametrize("value", [object, 2**70, "\ud800", b"x", int], ids=repr)
def test_what_cannot_travel_still_shows_itself(value: Any) -> None:
    assert repr(_passed(value)) == errors.shown(value)


def test_deep_and_endless_values_are_bounded() -> None:
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    _passed(deep)
    plain: Any = 1
    for _ in range(50):
        plain = [plain]
    with pytest.raises(ValueError, match="层"):
        values.from_plain(plain)


@pytest.mark.parametrize(
    "data",
    ['{"$": "decimal", "v": "abc"}', '{"$": "no", "v": 1}', '{"$": "tuple", "v": 3}',
     '{"$": [], "v": 3}', '{"$": "dict", "v": [[[], 1]]}', '{"$": "date", "v": 5}'],
)  # fmt: skip
def test_wrong_marks_are_value_errors(data: str) -> None:
    with pytest.raises(ValueError, match="读不懂"):
        values.from_plain(values.decode(data))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
        | st.floats(allow_nan=False) | st.decimals(allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)  # fmt: skip
def test_any_value_comes_back(value: Any) -> None:
    shown = repr(value)
    assert repr(_passed(value)) == shown or "\\u" in shown  # 落单的代理字符只剩样子


_ERRORS: list[errors.EasytraderError] = [
    errors.UsageError("amount", 1.5, "应为正整数（股/份/张），如 100"),
    errors.UsageError("security", ["很长" * 100], "应为证券代码"),
    errors.RiskRefusedError("风控拒绝", rule="max_order_value", actual=Decimal("1.5"), limit=1.0),
    errors.PlanStaleError("持仓变了", rule="drift", codes=["600036.SH"]),
    errors.RebalanceBusyError("正在调仓"),
    errors.OrdersNotAllowedError("只许看"),
    errors.UnsupportedError("没有银证转账"),
    errors.NotConnectedError("没有连接"),
    errors.ConnectFailedError("连不上", -1),
    errors.ClosedError("关了"),
    errors.JournalError("写不下来"),
    errors.QueryFailedError("没有应答"),
    errors.SimulatorError("文件夹不对"),
    errors.MissingDependencyError("没有装"),
    errors.OutcomeUnknownError("未知", tag="~abc~", entrust_no=7, client_order_id="c1"),
    errors.WaitTimeoutError("还没有", {"order_id": 1, "price": Decimal("1.1")}),
]


@pytest.mark.parametrize("error", _ERRORS, ids=lambda each: type(each).__name__)
def test_exceptions_arrive_as_they_left(error: errors.EasytraderError) -> None:
    sent = values.decode(values.encode(wire_errors.to_wire(error)))
    found = wire_errors.from_wire(sent)
    assert type(found) is type(error)
    assert str(found) == str(error)
    for name in wire_errors.KINDS[type(error)].fields:
        if name == "value":
            assert repr(found.value) == errors.shown(error.value)  # type: ignore[attr-defined]
        else:
            assert getattr(found, name) == getattr(error, name)


def test_every_exception_has_a_row() -> None:
    leaves = {getattr(errors, name) for name in errors.__all__}
    assert leaves == set(wire_errors.KINDS)


def test_subclasses_and_unknown_types_arrive_as_the_nearest() -> None:
    class OwnError(errors.QueryFailedError):
        pass

    assert (
        type(wire_errors.from_wire(wire_errors.to_wire(OwnError("x")))) is errors.QueryFailedError
    )
    assert type(wire_errors.from_wire({"type": "New", "text": "x"})) is errors.EasytraderError
    assert type(wire_errors.from_wire(7)) is errors.EasytraderError


def test_guard_can_be_described_on_the_wire() -> None:
    limits = Guard(max_order_value=1000.0).limits()
    assert Guard.of(_passed(dict(limits))) is not None
