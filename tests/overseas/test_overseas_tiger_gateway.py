"""老虎：真的 tigeropen 对着自己的网关：私钥、签名、拒绝与不知道、翻页、推出来的成交。"""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("tigeropen")

from tiger_server import ACCOUNT, PEM, TIGER_ID, Tiger

from easytrader import errors
from easytrader.overseas.tiger import client
from easytrader.overseas.tiger.session import TigerSession
from easytrader.overseas.tiger.trader import TigerTrader
from easytrader.testing.broker import Recorder, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.counters


class QuickTrader(TigerTrader):
    """查得勤的。"""

    capabilities = replace(TigerTrader.capabilities, poll_s=0.1)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiger]:
    monkeypatch.setattr(TigerSession, "cache_lag_s", 0.05)
    for name in os.environ:
        if name.startswith("TIGEROPEN_"):
            monkeypatch.delenv(name)
    yield (one := Tiger())
    one.close()


@pytest.fixture
def connect(gateway: Tiger) -> Iterator[Callable[..., TigerTrader]]:
    """连到它；用完都关。"""
    users: list[TigerTrader] = []

    def made(**options: Any) -> TigerTrader:
        users.append(user := QuickTrader())
        given = {"tiger_id": TIGER_ID, "account": ACCOUNT, "private_key": PEM, "timeout": 2}
        user.connect(**{**given, "base_url": gateway.url, "reconnect_interval": 0.05, **options})
        return user

    yield made
    for each in users:
        each.close()


def _sent(gateway: Tiger, method: str) -> list[dict[str, Any]]:
    return [ask for name, ask in gateway.requests if name == method]


def test_key_as_text_file_or_bare(
    gateway: Tiger, connect: Callable[..., TigerTrader], tmp_path: Path
) -> None:
    path = tmp_path / "私钥 1.pem"
    path.write_text(PEM)
    bare = "".join(PEM.splitlines()[1:-1])
    for key in (path, str(path), bare):
        assert connect(private_key=key).state == "已连接"
    assert gateway.bad_signatures == 0


@pytest.mark.parametrize("key", ["", "没有这个文件.pem", "MIIB" * 99, 5, PEM[:200], "\0" * 600])
def test_wrong_key_is_never_shown(gateway: Tiger, key: Any) -> None:
    with pytest.raises(errors.UsageError, match="private_key") as caught:
        QuickTrader().connect(TIGER_ID, ACCOUNT, key, base_url=gateway.url)
    assert len(str(key)) < 9 or str(key)[5:30] not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("tiger_id", ""), ("account", "a b"), ("server", "沙盒"), ("market", "LSE")),
        *(("timeout", 0), ("privatekey", "x")),
    ],
)
def test_wrong_arguments_send_nothing(
    gateway: Tiger, connect: Callable[..., TigerTrader], argument: str, value: Any
) -> None:
    with pytest.raises(errors.UsageError, match=argument) as caught:
        connect(**{argument: value})
    assert PEM[40:80] not in str(caught.value)
    assert gateway.requests == []


def test_paper_needs_a_paper_account(connect: Callable[..., TigerTrader]) -> None:
    assert connect(服务器="仿真").state == "已连接"
    with pytest.raises(errors.UsageError, match="17 位"):
        connect(服务器="仿真", account="U1234567")


def test_another_key_is_told_and_secrets_are_not(
    gateway: Tiger, connect: Callable[..., TigerTrader], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(errors.ConnectFailedError, match=r"signature.*私钥") as caught:
        connect(tiger_id="20159999")
    told = f"{caught.value!r}{caught.value.__cause__!r}{''.join(capfd.readouterr())}"
    assert not any(each in told for each in (PEM[40:80], ACCOUNT, "sign="))


def test_dead_and_dumb_gateways_are_bounded(connect: Callable[..., TigerTrader]) -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dumb = f"http://127.0.0.1:{listener.getsockname()[1]}/gateway"
        with pytest.raises(errors.ConnectFailedError, match="没有"):
            connect(base_url=dumb, timeout=0.5)
    with pytest.raises(errors.ConnectFailedError, match="连不上"):
        connect(base_url=dumb, timeout=5)
    eventually(lambda: set(threading.enumerate()) <= before)


def test_what_is_sent(gateway: Tiger, connect: Callable[..., TigerTrader]) -> None:
    user = connect()
    user.buy("aapl", 190.5, 10, remark="网格 3")
    user.market_sell("US.AAPL", 5)
    user.buy("700.HK", 300, 100)
    limit, market, hk = _sent(gateway, "place_order")
    assert (limit["symbol"], limit["currency"], limit["sec_type"]) == ("AAPL", "USD", "STK")
    assert (limit["order_type"], limit["limit_price"]) == ("LMT", 190.5)
    assert (limit["total_quantity"], limit["time_in_force"]) == (10, "DAY")
    assert len(limit["user_mark"]) == 9
    assert "adjust_limit" not in limit
    assert (market["order_type"], market["outside_rth"]) == ("MKT", False)
    assert (hk["symbol"], hk["currency"]) == ("00700", "HKD")


def test_refused_and_unknown_are_told_apart(
    gateway: Tiger, connect: Callable[..., TigerTrader]
) -> None:
    user = connect()
    assert "Insufficient" in user.buy("AAPL", 190, 10_000_000)["message"]
    gateway.answers["place_order"] = 429, {"code": 5, "message": "rate limit error"}
    assert user.buy("AAPL", 190, 1)["entrust_no"] == -1
    unsure: list[tuple[int, dict[str, Any]]] = [
        (502, {}),
        (200, {"code": 1, "message": "server error"}),
        (200, {"code": 2, "message": "network read time out"}),
        (200, {"code": 0, "data": {}}),
        (200, {"code": 0, "data": "不是 JSON"}),
    ]
    for answer in unsure:
        gateway.answers["place_order"] = answer
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            user.buy("AAPL", 190, 1)
        assert ACCOUNT not in str(caught.value)
    assert gateway.orders == {}
    strangers: list[tuple[Any, str]] = [("nothing", "是数字"), ("12345", "can not be cancelled")]
    for number, why in strangers:
        told = user.cancel_entrust(number)
        assert told["success"] is False
        assert why in told["message"]


def test_unsent_is_not_unknown(gateway: Tiger, connect: Callable[..., TigerTrader]) -> None:
    user = connect(heartbeat_interval=0)
    user.stop_reconnect()
    gateway.close()
    with pytest.raises(errors.NotConnectedError):
        user.buy("AAPL", 190, 1)
    eventually(lambda: user.state == "已断开")


def test_pages_are_read_to_the_end(gateway: Tiger, connect: Callable[..., TigerTrader]) -> None:
    gateway.page = 2
    user = connect()
    numbers = [user.buy("AAPL", 190, 1)["entrust_no"] for _ in range(5)]
    assert [each["order_id"] for each in user.today_entrusts] == numbers


def test_fills_come_from_orders(gateway: Tiger, connect: Callable[..., TigerTrader]) -> None:
    recorder = Recorder()
    user = connect(trader_callback=recorder)
    number = user.buy("AAPL", 195, 30)["entrust_no"]
    gateway.fill(int(number), 10, 195)
    recorder.wait_for("trade")
    assert user.find_entrust(number)["order_status_name"] == "部成"  # type: ignore[index]
    gateway.fill(int(number), 20, 192)
    trades = recorder.wait_for("trade", 2)
    assert [(each.traded_volume, each.traded_price) for each in trades] == [(10, 195), (20, 192)]
    assert user.wait(number)["order_status_name"] == "已成"


def test_cancelled_with_fills_is_partly(
    gateway: Tiger, connect: Callable[..., TigerTrader]
) -> None:
    user = connect()
    number = user.buy("AAPL", 195, 30)["entrust_no"]
    gateway.fill(int(number), 10, 195)
    user.cancel_entrust(number)
    assert user.wait(number)["order_status_name"] == "部撤"


def test_global_account(gateway: Tiger, connect: Callable[..., TigerTrader]) -> None:
    (row,) = connect(server="环球").balance
    assert (row["cash"], row["currency"]) == (5_000_000, "USD")
    assert _sent(gateway, "prime_assets") == []


def test_wanted_hides_the_key() -> None:
    assert PEM not in repr(client.Wanted(TIGER_ID, ACCOUNT, PEM, False, ""))


def test_nothing_is_doubled_whatever_breaks(
    gateway: Tiger, connect: Callable[..., TigerTrader]
) -> None:
    user = connect(timeout=0.6)
    faults = ("none", "silent", "break", "drop", "unsure") * 3
    for number, fault in enumerate(faults):
        eventually(lambda: user.state == "已连接")
        if fault == "silent":
            gateway.silent.add("place_order")
        elif fault == "break":
            gateway.break_after_submit = True
        elif fault == "drop":
            gateway.drop()
        elif fault == "unsure":
            gateway.answers["place_order"] = 502, {}

        def place(name: str = f"order-{number}") -> bool:
            try:
                return user.buy("AAPL", 190, 1, client_order_id=name)["entrust_no"] != -1
            except (errors.OutcomeUnknownError, errors.NotConnectedError, errors.QueryFailedError):
                return False

        eventually(place, within_s=20)
    assert len(gateway.orders) == len(faults)
