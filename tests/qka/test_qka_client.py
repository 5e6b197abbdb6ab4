"""我们的 `QMTClient` 对 QKA 的服务器：答得对、说得清、断了不猜、有期限。"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from qka_shapes import TheirClient, TheirServer

from easytrader.errors import (
    ConnectFailedError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.qka import QMTClient
from easytrader.server import tls
from easytrader.server.app import App
from easytrader.server.host import Host, bound
from easytrader.server.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader


TOKEN = "their-own-token"
ORDER = {
    "stock_code": "600000.SH", "order_type": 23, "order_volume": 100, "price_type": 11,
    "price": 9.9,
}  # fmt: skip


@pytest.fixture
def theirs(user: SimTrader) -> Iterator[TheirServer]:
    """QKA 的服务器，背后是真的厂商对象。"""
    server = TheirServer(user.trader, user.account, TOKEN)
    yield server
    server.close()


@pytest.fixture
def client(theirs: TheirServer) -> QMTClient:
    return QMTClient(base_url=theirs.url + "/", token=TOKEN, timeout=20)


def test_the_scripts_of_qkas_page_work_against_qkas_server(client: QMTClient) -> None:
    assets = client.api("query_stock_asset")
    assert assets["total_asset"] > 0
    number = client.api("order_stock", **ORDER)
    assert number > 0
    orders = client.api("query_stock_orders")
    assert [each["order_id"] for each in orders] == [number]
    assert client.api("cancel_order_stock", order_id=number) in (0, -1)


def test_both_clients_hear_the_same(client: QMTClient, theirs: TheirServer) -> None:
    other = TheirClient(theirs.url, TOKEN)
    for method in ("query_stock_asset", "query_stock_positions", "query_account_infos"):
        assert client.api(method) == other.api(method)


def test_statuses_become_exceptions(theirs: TheirServer, client: QMTClient) -> None:
    with pytest.raises(UsageError, match="无效") as caught:
        QMTClient(theirs.url, "wrong").api("query_stock_asset")
    assert caught.value.argument == "token"
    with pytest.raises(UsageError, match="什么都没有发出"):
        client.api("query_nothing")
    # 服务器那头出错：查询可以再问，委托说不准
    with pytest.raises(QueryFailedError):
        client.api("query_stock_position")
    with pytest.raises(OutcomeUnknownError, match="核对"):
        client.api("order_stock", stock_code="600000.SH")


@pytest.mark.parametrize("mood", ["cut", "half", "hang"])
def test_a_lost_answer_is_unknown_and_never_sent_again(theirs: TheirServer, mood: str) -> None:
    client = QMTClient(theirs.url, TOKEN, timeout=0.5 if mood == "hang" else 20)
    theirs.mood = mood
    with pytest.raises(OutcomeUnknownError):
        client.api("order_stock", **ORDER)
    assert theirs.calls == ["order_stock"]
    assert not issubclass(OutcomeUnknownError, (ConnectionError, TimeoutError))
    with pytest.raises(QueryFailedError):
        client.api("query_stock_asset")


def test_a_slow_drip_does_not_outlast_the_deadline() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        link, _ = listener.accept()
        with link:
            link.recv(65536)
            link.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            with contextlib.suppress(OSError):
                while not stop.wait(0.02):
                    link.sendall(b"a")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    client = QMTClient(f"http://127.0.0.1:{listener.getsockname()[1]}", "t", timeout=0.3)
    began = time.monotonic()
    with pytest.raises(QueryFailedError, match=r"0\.3 秒"):
        client.api("query_stock_asset")
    assert time.monotonic() - began < 15  # 没有期限的话要等到测试的期限
    stop.set()
    thread.join(10)
    listener.close()


def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        QMTClient(f"http://127.0.0.1:{port}", "t").api("order_stock", **ORDER)


def test_a_token_is_demanded_and_never_shown(monkeypatch: Any) -> None:
    monkeypatch.delenv("EASYTRADER_TOKEN", raising=False)
    with pytest.raises(ValueError, match="token"):
        QMTClient()
    with pytest.raises(UsageError) as caught:
        QMTClient(token="secret value\r\nX-Evil: 1")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(QMTClient(token="secret"))
    monkeypatch.setenv("EASYTRADER_TOKEN", "from-environment")
    assert QMTClient().token == "from-environment"


@pytest.mark.parametrize(
    "given",
    [
        {"base_url": "ftp://localhost"},
        {"base_url": "localhost:8000"},
        {"base_url": 8000},
        {"base_url": "http://192.168.1.8:8000"},  # 明文连别的机器要说明
        {"timeout": 0},
        {"timeout": "10"},
        {"plain": "yes"},
        {"base_url": "https://localhost:1", "fingerprint": "abc"},
    ],
)
def test_bad_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        QMTClient(token="t", **given)


def test_the_certificate_is_pinned_before_the_token_goes_out(tmp_path: Path) -> None:
    pair = tls.make(tmp_path / "tls", ["127.0.0.1"])
    tokens = Tokens(tmp_path / "tokens.json")
    app = App({}, tokens, qka=True)
    host = Host(app, bound(), tls.context(pair))
    host.start()
    url, token = f"https://127.0.0.1:{host.port}", tokens.add("t", ["read"])
    with pytest.raises(UsageError, match="看得见"):  # 走到了：这个服务器一个账号也没有
        QMTClient(url, token, fingerprint=pair.fingerprint).api("query_stock_asset")
    with pytest.raises(ConnectFailedError, match="什么都没有发给它"):
        QMTClient(url, token, fingerprint="0" * 64).api("query_stock_asset")
    with pytest.raises(NotConnectedError):  # 系统的根证书不认它
        QMTClient(url, token).api("query_stock_asset")
    host.stop()


def test_plain_http_to_another_machine_only_when_told() -> None:
    client = QMTClient("http://192.168.1.8:8000", "t", plain=True)
    assert client.base_url == "http://192.168.1.8:8000"


def test_method_names_and_parameters_are_checked_before_anything_is_sent(
    theirs: TheirServer, client: QMTClient
) -> None:
    for bad in ("", "../healthz", "query_stock_asset HTTP/1.1\r\nX: 1", "__class__", 7):
        with pytest.raises(UsageError):
            client.api(bad)  # type: ignore[arg-type]
    for bad_value in (float("nan"), object(), {1, 2}):
        with pytest.raises(UsageError) as caught:
            client.api("bank_transfer_in", balance=bad_value, bank_pwd="canary")
        assert "canary" not in str(caught.value)
    assert theirs.calls == []


def test_numbers_of_notebooks_are_numbers(client: QMTClient) -> None:
    from decimal import Decimal

    import numpy as np

    given = {**ORDER, "order_volume": np.int64(100), "price": Decimal("9.9")}
    assert client.api("order_stock", **given) > 0
