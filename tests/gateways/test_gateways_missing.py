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


def _key(setting: dict[str, Any], *secret: str) -> tuple[str, str]:
    from easytrader.gateways.trader import _key

    return tuple(_key("X", setting, set(secret)))


def test_the_same_account_is_the_same_key_whatever_the_front() -> None:
    base = {"用户名": "88", "密码": "x", "经纪商代码": "9999", "交易服务器": "tcp://1", "级别": "A"}
    other = {**base, "密码": "y", "交易服务器": "tcp://2", "级别": "B"}
    assert _key(base, "密码") == _key(other, "密码") == ("vnpy:X:经纪商代码=9999", "88")
    assert _key({**base, "经纪商代码": "6666"}, "密码") != _key(base, "密码")
    assert _key({**base, "柜台环境": "测试"}, "密码") != _key(base, "密码")


def test_accounts_with_only_keys_or_addresses_are_told_apart() -> None:
    one, other = {"API Key": "k1", "Secret Key": "s"}, {"API Key": "k2", "Secret Key": "s"}
    assert _key(one, *one) != _key(other, *other)
    assert "k1" not in "".join(_key(one, *one))
    assert _key({"主动请求地址": "tcp://1:1"}) != _key({"主动请求地址": "tcp://1:2"})
