"""每笔委托自己的规则。"""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_helpers import Clock, View, market_order, order, post_of

from easytrader.codes import OrderType
from easytrader.errors import NotConnectedError, QueryFailedError, RiskRefusedError, UsageError
from easytrader.risk import Guard
from easytrader.risk.rules import Rules

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.backend.records import OrderRequest


def refused(guard: Guard, request: OrderRequest, view: View | None = None) -> RiskRefusedError:
    with pytest.raises(RiskRefusedError) as caught:
        Rules(guard).check(request, view or View())
    assert "什么都没有发出" in str(caught.value)
    assert caught.value.rule in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("rules", "request_", "view", "rule", "actual"),
    [
        # 金额：正好等于上限可以
        ({"max_order_value": 1000}, order(), View(), None, None),
        ({"max_order_value": 999.99}, order(), View(), "max_order_value", 1000.0),
        ({"max_order_value": 3510}, order(price=35.1), View(), None, None),
        ({"max_order_value": 3509}, order(price=35.1), View(), "max_order_value", 3510.0),
        ({"max_order_value": 999}, order(side=OrderType.SELL), View(), "max_order_value", 1000.0),
        # 市价按最新价
        ({"max_order_value": 1000}, market_order(), View(10.0), None, None),
        ({"max_order_value": 1000}, market_order(), View(10.01), "max_order_value", 1001.0),
        ({"max_order_value": 1000}, market_order(), View(None), "max_order_value", None),
        # 逆回购：价是利率，一张 100 元；可转债：元/张 × 张
        ({"max_order_value": 1000}, order("204001", 10, 1.5), View(), None, None),
        ({"max_order_value": 999}, order("204001", 10, 1.5), View(), "max_order_value", 1000.0),
        ({"max_order_value": 1200}, order("113050", 10, 120.0), View(), None, None),
        ({"max_order_value": 1199}, order("113050", 10, 120.0), View(), "max_order_value", 1200.0),
        # 占总资产
        ({"max_order_share": 0.001}, order(), View(), None, None),
        ({"max_order_share": 0.001}, order(price=10.01), View(), "max_order_share", 0.001001),
        ({"max_order_share": 1}, order(), View(asset=999), "max_order_share", 1000 / 999),
        (
            {"max_order_share": 0.5},
            market_order(),
            View(10.0, 1999),
            "max_order_share",
            1000 / 1999,
        ),
        ({"max_order_share": 0.5}, market_order(), View(None), "max_order_share", None),
        # 离最新价：两边都算，正好等于可以；市价没有委托价，不管
        ({"max_price_distance": 0.1}, order(price=11.0), View(), None, None),
        ({"max_price_distance": 0.1}, order(price=9.0), View(), None, None),
        ({"max_price_distance": 0.1}, order(price=11.01), View(), "max_price_distance", 0.101),
        ({"max_price_distance": 0.1}, order(price=8.99), View(), "max_price_distance", 0.101),
        ({"max_price_distance": 0.01}, market_order(), View(None), None, None),
        # 名单
        ({"block": ["600036"]}, order("600036"), View(), "block", "600036.SH"),
        ({"block": ["600036"]}, order("000001"), View(), None, None),
        ({"block": ["000001.SZ"]}, market_order("000001"), View(), "block", "000001.SZ"),
    ],
)
def test_table(
    rules: dict[str, Any], request_: OrderRequest, view: View, rule: str | None, actual: Any
) -> None:
    guard = Guard(**rules)
    if rule is None:
        Rules(guard).check(request_, view)
        return
    error = refused(guard, request_, view)
    assert error.rule == rule
    assert error.actual == (pytest.approx(actual) if isinstance(actual, float) else actual)
    expected = list(guard.block) if rule == "block" else getattr(guard, rule)
    assert error.limit == expected


def test_nothing_is_asked_when_no_rule_needs_it() -> None:
    view = View(RuntimeError("不该问"), RuntimeError("不该问"))
    Rules(Guard(max_order_value=1e6, block=["000001"])).check(order(), view)
    Rules(Guard()).check(market_order(), view)
    assert view.asked == []


@pytest.mark.parametrize("price", [None, 0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("rules", "request_"),
    [
        ({"max_price_distance": 0.1}, order()),
        ({"max_order_value": 1e9}, market_order()),
        ({"max_order_share": 1.0}, market_order()),
    ],
)
def test_no_price_no_order(rules: dict[str, Any], request_: OrderRequest, price: Any) -> None:
    error = refused(Guard(**rules), request_, View(price))
    assert error.rule == next(iter(rules))
    assert "600036.SH 的最新价" in str(error)


@pytest.mark.parametrize("asset", [0.0, -5.0, float("nan")])
def test_no_asset_no_order(asset: float) -> None:
    assert refused(Guard(max_order_share=0.5), order(), View(asset=asset)).rule == "max_order_share"


@pytest.mark.parametrize("error", [QueryFailedError("没有应答"), NotConnectedError("断了")])
def test_a_failed_question_refuses_and_says_why(error: Exception) -> None:
    for guard, request_, view in (
        (Guard(max_price_distance=0.1), order(), View(error)),
        (Guard(max_order_share=0.1), order(), View(asset=error)),
    ):
        found = refused(guard, request_, view)
        assert str(error) in str(found)
        assert found.__cause__ is error


def test_a_bug_in_the_view_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        Rules(Guard(max_price_distance=0.1)).check(order(), View(ZeroDivisionError()))


def test_checks_come_in_order(tmp_path: Path) -> None:
    stop = tmp_path / "停"
    stop.touch()
    rules: dict[str, Any] = {
        "kill_switch": stop,
        "block": ["600036"],
        "max_order_value": 1,
        "max_order_share": 0.0001,
        "max_price_distance": 0.0001,
    }
    while rules:
        first = next(iter(rules))
        assert refused(Guard(**rules), order(price=12.0)).rule == first
        del rules[first]


class TestSwitch:
    def test_on_while_the_file_is_there(self, tmp_path: Path) -> None:
        stop = tmp_path / "国金 证券" / "停止交易.txt"
        stop.parent.mkdir()
        rules = Rules(Guard(kill_switch=stop))
        rules.check(order(), View())
        stop.write_text("停", encoding="utf-8")
        assert refused(Guard(kill_switch=stop), order()).rule == "kill_switch"
        assert str(stop) in rules.switch_says()
        stop.unlink()
        rules.check(order(), View())
        stop.mkdir()
        assert rules.switch_says()

    def test_a_missing_folder_counts_as_on(self, tmp_path: Path) -> None:
        error = refused(Guard(kill_switch=tmp_path / "没有" / "停"), order())
        assert "没有" in str(error)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows 上没有这样的错")
    def test_a_path_that_cannot_be_read_counts_as_on(self, tmp_path: Path) -> None:
        (tmp_path / "文件").touch()
        refused(Guard(kill_switch=tmp_path / "文件" / "停"), order())
        refused(Guard(kill_switch=tmp_path / ("长" * 500)), order())

    def test_no_permission_counts_as_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(path: str) -> os.stat_result:
            raise PermissionError(13, "拒绝访问", path)

        rules = Rules(Guard(kill_switch=tmp_path / "停"))
        assert not rules.switch_says()
        monkeypatch.setattr(os, "lstat", denied)
        assert "拒绝访问" in rules.switch_says()

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows 上建符号链接要权限")
    def test_a_dangling_link_counts_as_on(self, tmp_path: Path) -> None:
        (tmp_path / "停").symlink_to(tmp_path / "不在")
        refused(Guard(kill_switch=tmp_path / "停"), order())


_PRICES = st.integers(1, 10_000_000).map(lambda milli: milli / 1000)


@given(_PRICES, st.integers(1, 10**7), _PRICES.map(lambda price: price * 1000))
def test_value_is_exact(price: float, volume: int, limit: float) -> None:
    """十进制算，没有浮点的零头：正好等于上限总是可以的。"""
    exact = Decimal(str(price)) * volume
    guard = Guard(max_order_value=limit)
    if exact > Decimal(str(limit)):
        assert refused(guard, order(price=price, volume=volume)).actual == float(exact)
    else:
        Rules(guard).check(order(price=price, volume=volume), View())


@given(_PRICES, _PRICES, st.integers(1, 1000).map(lambda n: n / 1000))
def test_distance_is_exact(price: float, last: float, limit: float) -> None:
    near = abs(Decimal(str(price)) - Decimal(str(last))) <= Decimal(str(limit)) * Decimal(str(last))
    guard = Guard(max_price_distance=limit)
    if near:
        Rules(guard).check(order(price=price), View(last))
    else:
        assert refused(guard, order(price=price), View(last)).rule == "max_price_distance"


def test_a_refused_order_takes_no_slot(meter_path: Path, clock: Clock) -> None:
    post = post_of(Guard(max_order_value=1, max_orders_per_minute=1), meter_path, clock)
    for _ in range(5):
        with pytest.raises(RiskRefusedError, match="max_order_value"):
            post.check_order(order(), View(), clock() + 5)
    status = post.status()
    assert (status["sent_today"], status["orders_this_minute"], status["refused"]) == (0, 0, 5)
    post.meter.close()


def test_usage_errors_are_not_risk() -> None:
    assert not issubclass(RiskRefusedError, UsageError)
