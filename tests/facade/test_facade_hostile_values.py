"""乱七八糟的值 × 每个公开方法的每个参数：不是成功就是 `UsageError`，拒绝的什么都没有发出。"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import threading
from collections import deque
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from credit_helpers import CREDIT, credit_folder

import easytrader
from easytrader.basics import numbers
from easytrader.errors import ConnectFailedError, EasytraderError, SimulatorError, UsageError
from easytrader.miniqmt.groups import every_group
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Hostile:
    """什么都不肯做。"""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __iter__(self) -> Any:
        raise RuntimeError("iter")

    def __float__(self) -> float:
        raise RuntimeError("float")

    __hash__ = None  # type: ignore[assignment]


ZOO: tuple[Any, ...] = (
    None, True, False, "", " ", "x", "x" * 10_000, "９", "\ud800", "\0", "1e5", b"1",
    bytearray(b"1"), float("nan"), float("inf"), -float("inf"), -1, 0, 0.5, 1e-9, 1e308,
    10**400, 10**5000, -(10**400), 1 + 0j, Fraction(10**400), Fraction(1, 3),
    Decimal("1E+200000"), Decimal("1E-200000"), Decimal("NaN"), Decimal("sNaN"),
    Decimal("Infinity"), np.float64("nan"), np.float32(1e-9), np.int64(100), np.float64(33.0),
    np.uint64(2**64 - 1), np.array(100), np.array(1.5), np.array([1, 2]), np.array(["600036"]),
    np.bool_(True), np.datetime64("NaT"), np.timedelta64(100, "s"), np.timedelta64("NaT"),
    np.str_("x"), np.str_("600036"), pd.NaT, pd.NA, pd.Timestamp("2026-01-01"),
    pd.Series([1, 2]), pd.DataFrame({"a": [1]}), date(1, 1, 1), pd.Timestamp.max, object(),
    [], {}, (), set(), [pd.NA], {"a": pd.NA}, {"a": 10**5000}, {"a": np.float64(1)}, {1: 2},
    {"\ud800": 1}, [{"a": Decimal("1E+200000")}], deque(), range(3), SimpleNamespace(), print, int,
    Hostile(), [Hostile()],
)  # fmt: skip


def endless() -> tuple[Any, ...]:
    return (itertools.repeat("600036"), iter(()), (x for x in ["600036", pd.NA]))


GOOD: dict[str, Any] = {
    "security": "600036", "price": 33.0, "amount": 100, "volume": 100, "codes": "600036",
    "entrust_no": 1, "key": "没有这个", "order_sysid": "888888", "market": "SH",
    "bank_no": "0001", "bank_account": "6222000000000000001", "start_date": "20261101",
    "end_date": "20261120", "direction": 510, "opt_account_id": "1", "ft_account_id": "2",
    "days": 7, "apply_rate": 0.08, "apply_id": "1", "cash_compact_id": "1", "defer_days": 7,
    "defer_amount": 100, "algo_names": "VWAP", "algo_name": "VWAP", "side": "买入",
    "start_time": "10:00:00", "end_time": "14:00:00", "algo_param": {}, "task_id": 1,
    "data_type": "deal", "operation": "ADD", "deals": [{"m_strInstrumentID": "1"}], "timeout": 0,
}  # fmt: skip
"""必填的参数各给一个说得过去的值。"""

SLOW = frozenset(
    {"close", "connect", "stop_reconnect", "subscribe_all", "adjust_weight", "adjust_weights"}
)  # 调仓会一直做到收盘：乱七八糟的值见 tests/rebalance


def verbs(user: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for owner in names:
        thing = getattr(user, owner) if owner else user
        for name, each in inspect.getmembers(type(thing), inspect.isroutine):
            if not name.startswith("_") and name not in SLOW:
                yield f"{owner}.{name}", getattr(thing, name)
                assert each is not None


def good(name: str, call: Any, folder: Path) -> dict[str, Any]:
    found = {
        each.name: GOOD[each.name]
        for each in inspect.signature(call).parameters.values()
        if each.name in GOOD and (each.default is each.empty or each.name == "timeout")
    }
    if name == "transfer.secu":
        found["direction"] = 520
    if "result_path" in inspect.signature(call).parameters:
        found["result_path"] = str(folder / "x.csv")
    if name.startswith("client.") and "end_time" in inspect.signature(call).parameters:
        found["start_time"] = found["end_time"] = None
    return found


class Sent:
    """本线程交给厂商的、不是查询的请求。"""

    def __init__(self, user: Any) -> None:
        self.names: list[str] = []
        me, raw = threading.current_thread(), user.trader

        def watched(real: Any) -> Any:
            def call(seq: int, what: Any) -> Any:
                name = getattr(what[0], "__name__", "?")
                if threading.current_thread() is me and not name.startswith("query"):
                    self.names.append(name)
                return real(seq, what)

            return call

        for name in ("common_op_sync_with_seq", "common_op_async_with_seq"):
            setattr(raw, name, watched(getattr(raw, name)))


def hostile_calls(user: Any, names: tuple[str, ...], folder: Path) -> list[str]:
    sent = Sent(user)
    problems: list[str] = []
    for name, call in verbs(user, names):
        base = good(name, call, folder)
        for argument, parameter in inspect.signature(call).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                continue
            for value in (*ZOO, *endless()):
                before = len(sent.names)
                try:
                    call(**{**base, argument: value})
                except UsageError as exc:
                    str(exc)
                    if len(sent.names) != before:
                        problems.append(f"{name}({argument}={type(value)}) 发出了 {sent.names[-1]}")
                except EasytraderError:
                    pass  # 值是好的，柜台、查询不成
                except BaseException as exc:
                    problems.append(f"{name}({argument}={_shown(value)}) → {type(exc)}: {exc}")
    return problems


def _shown(value: object) -> str:
    try:
        return repr(value)[:60]
    except Exception:
        return str(type(value))


STOCK_GROUPS = [("",), ("bank",), ("transfer",), ("algo",), ("client", "ipo"), ("after_hours",)]


@pytest.mark.parametrize("names", STOCK_GROUPS, ids=lambda names: "-".join(names) or "trader")
def test_only_usage_errors_on_a_stock_account(
    user: Any, tmp_path: Path, names: tuple[str, ...]
) -> None:
    assert hostile_calls(user, names, tmp_path) == []


@pytest.mark.parametrize("names", [("credit",), ("lending",)], ids=lambda names: names[0])
def test_only_usage_errors_on_a_credit_account(tmp_path: Path, names: tuple[str, ...]) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(credit_folder(tmp_path)), CREDIT, account_type="CREDIT", timeout=5)
        assert hostile_calls(user, names, tmp_path) == []


def test_every_group_is_in_the_zoo() -> None:
    visited = {name for names in STOCK_GROUPS for name in names} | {"credit", "lending"}
    assert {each._name for each in every_group()} <= visited


def test_use_and_guard() -> None:
    for argument in ("broker", "debug", "guard"):
        for value in (*ZOO, *endless()):
            try:
                easytrader.use(**{"broker": "sim", argument: value}).close()
            except UsageError as exc:  # noqa: PERF203
                str(exc)


@pytest.mark.parametrize(
    "argument",
    ["miniqmt_path", "stock_account", "trader_callback", "reconnect_enabled", "reconnect_interval",
     "max_reconnect_attempts", "account_type", "session_id", "timeout", "wait",
     "heartbeat_interval", "on_health", "on_give_up", "xtquant"],
)  # fmt: skip
def test_connect(sim_folder: Path, argument: str) -> None:
    good = {"miniqmt_path": str(sim_folder), "reconnect_enabled": False, "timeout": 5}
    for value in (*ZOO, *endless()):
        with easytrader.use("sim") as user:
            try:
                user.connect(**{**good, argument: value})
            except UsageError as exc:
                str(exc)
            except ConnectFailedError:
                assert argument in ("timeout", "wait", "stock_account", "session_id")


# ---- 数


@pytest.mark.parametrize("value", ZOO, ids=lambda value: type(value).__name__)
def test_a_number_is_finite_or_none(value: object) -> None:
    found = numbers.real(value)
    assert found is None or (type(found) is float and abs(found) < float("inf"))
    whole = numbers.whole(value)
    assert whole is None or (type(whole) is int and -(2**63) <= whole < 2**63)
    if isinstance(value, (bool, str, np.ndarray, np.timedelta64)):
        assert (found, whole) == (None, None)


def test_a_huge_decimal_is_never_turned_into_an_integer() -> None:
    class Watched(Decimal):
        def __int__(self) -> int:
            raise AssertionError("取整了")

    assert numbers.whole(Watched("1E+200000")) is None


def test_a_huge_decimal_does_not_freeze_the_process(user: Any) -> None:
    with pytest.raises(UsageError, match="amount"):
        user.buy("600036", 33.0, Decimal("1E+200000"))
    with pytest.raises(UsageError, match="amount"):
        user.buy("600036", 33.0, 10**5000)


@pytest.mark.parametrize(
    ("code", "price"), [("600036", 1e-9), ("600036", 0.009), ("510300", 0.0009), ("113050", 1e-5)]
)
def test_a_price_below_one_tick_is_refused(user: Any, code: str, price: float) -> None:
    before = len(user.today_entrusts)
    for call in (user.buy, user.sell, user.buy_async):
        with pytest.raises(UsageError, match="最小变动价位"):
            call(code, price, 100)
    assert len(user.today_entrusts) == before


def test_one_tick_is_a_price(user: Any) -> None:
    assert user.buy("510300", 0.001, 100)["entrust_no"]
    assert user.buy("600036", 0.01, 100)["entrust_no"]


def test_the_stepped_clock_takes_only_times() -> None:
    clock = Stepper("没有这个文件夹")
    for value in (*ZOO, *endless()):
        for call in (clock.step, lambda seconds: clock.step(seconds=seconds), clock.at, clock.goto):
            with contextlib.suppress(UsageError, SimulatorError):
                call(value)
