"""没有装 VeighNa 的时候：说出要执行的命令，什么都没有做。"""

from __future__ import annotations

import sys
from typing import Any

import pytest

import easytrader
from easytrader import counters, errors
from easytrader.gateways import package


class NoGateway:
    """样子像一个接口。"""

    default_name = "像"
    default_setting: dict[str, Any] = {"用户名": ""}  # noqa: RUF012  VeighNa 的写法

    def __init__(self, event_engine: Any, gateway_name: str) -> None: ...

    def connect(self, setting: dict[str, Any]) -> None: ...

    def send_order(self, request: Any) -> str: ...

    def cancel_order(self, request: Any) -> None: ...


@pytest.fixture(autouse=True)
def _no_veighna(monkeypatch: pytest.MonkeyPatch) -> None:
    package.load.cache_clear()
    for name in [each for each in sys.modules if each.split(".")[0] == "vnpy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "vnpy", None)


def test_recipe_is_told() -> None:
    user = easytrader.use("vnpy", gateway=NoGateway)
    try:
        with pytest.raises(errors.MissingDependencyError, match="pip install --no-deps vnpy"):
            user.connect(用户名="1")
        assert user.state == "未连接"
    finally:
        user.close()


def test_before_connecting() -> None:
    user = easytrader.use("vnpy", gateway=NoGateway)
    try:
        with pytest.raises(errors.NotConnectedError):
            user.buy("600036", 39, 100)
        with pytest.raises(errors.NotConnectedError):
            user.contracts()
        assert "像" in user.capabilities.name
    finally:
        user.close()


@pytest.mark.parametrize("gateway", ["没有这一家", "", None, 3, dict])
def test_gateway_that_is_not_one(gateway: Any) -> None:
    with pytest.raises(errors.UsageError, match="gateway"):
        easytrader.use("vnpy", gateway=gateway)


def test_closed_counter_is_a_sentence() -> None:
    with pytest.raises(errors.UnsupportedError):
        easytrader.use("vnpy", gateway="BITMEX")


def test_registered_counters_have_a_day_and_types() -> None:
    from easytrader.gateways.trader import _day, _policy

    for each in counters.everyone():
        assert _policy(each, None).types, each.name
        assert _day(each, None) is not None


@pytest.mark.parametrize(
    ("setting", "secret", "expected"),
    [
        ({"用户名": "88", "密码": "x", "交易服务器": "tcp://1"}, {"密码"}, ("vnpy:CTP:", "88")),
        (
            {"用户名": "88", "密码": "x", "经纪商代码": "9999", "交易服务器": "tcp://2"},
            {"密码"},
            ("vnpy:CTP:经纪商代码=9999", "88"),
        ),
    ],
)
def test_the_same_account_is_the_same_key_whatever_the_front(
    setting: dict[str, Any], secret: set[str], expected: tuple[str, str]
) -> None:
    from easytrader.gateways.trader import _key

    assert tuple(_key("CTP", setting, secret)) == expected
