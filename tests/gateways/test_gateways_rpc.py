"""VeighNa 的 RPC 原样的毛病都有交代：晚来的合约、两边语言不同、没有应答、对面没了、端口不通。"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy_rpcservice")

from rpc_process import RpcProcess

import easytrader
from easytrader import errors
from easytrader.testing import Recorder, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.gateways.trader import GatewayTrader

pytestmark = pytest.mark.counters


@pytest.fixture(scope="module")
def process() -> Iterator[RpcProcess]:
    yield (one := RpcProcess())
    one.close()


@pytest.fixture
def fields(process: RpcProcess) -> dict[str, str]:
    return process.new()


@pytest.fixture
def user(fields: dict[str, str]) -> Iterator[GatewayTrader]:
    with opened(fields) as one:
        yield one


def opened(fields: dict[str, str], **options: Any) -> GatewayTrader:
    one: Any = easytrader.use("vnpy", gateway="rpc")
    given = {"timeout": 1.5, "login_timeout": 3.0, "settle": 0.3, "reconnect_interval": 0.05}
    try:
        one.connect(**{**given, **fields, **options})
    except BaseException:
        one.close()
        raise
    return one  # type: ignore[no-any-return]


def test_contract_that_comes_later_can_be_traded(process: RpcProcess, user: GatewayTrader) -> None:
    with pytest.raises(errors.UsageError, match="合约"):
        user.buy("600999.SH", 9, 100)
    process.ask("contract", "600999")
    eventually(lambda: user.contracts("600999"))
    assert user.buy("600999.SH", 9, 100)["entrust_no"] != -1


def test_offsets_go_through(process: RpcProcess, user: GatewayTrader) -> None:
    sold = user.sell("rb2510.SHFE", 3600, 2)
    assert "+" not in sold["entrust_no"]
    assert user.short("rb2510.SHFE", 3600, 1)["entrust_no"] != -1
    flags = [each["offset_flag_name"] for each in user.today_entrusts]
    assert sorted(flags) == ["平今", "开仓"]


@pytest.mark.skipif(os.name == "nt", reason="停住一个进程要信号")
def test_no_answer_is_unknown_and_the_next_order_goes(
    process: RpcProcess, user: GatewayTrader
) -> None:
    sends, _ = process.ask("told")
    os.kill(process.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("600036", 38, 100)
        took_s = time.monotonic() - began
    finally:
        os.kill(process.process.pid, signal.SIGCONT)
    assert took_s < user.trader.get_gateway("RPC").limit_s + 5
    # 原来的从此每一个请求都是 ZMQError
    assert user.buy("600036", 39, 100)["entrust_no"] != -1
    assert process.ask("told")[0] == sends + 2
    assert sorted(each["price"] for each in user.today_entrusts) == [38.0, 39.0]


def test_server_gone_is_told_and_closing_is_quick(process: RpcProcess, fields: Any) -> None:
    recorder = Recorder()
    user = opened(fields, trader_callback=recorder)
    process.ask("stop")
    recorder.wait_for("disconnected")
    with pytest.raises(errors.NotConnectedError):
        user.buy("600036", 39, 100)
    before = set(threading.enumerate())
    user.close()
    assert process.ask("told") == [0, 0]
    eventually(lambda: not [each for each in before if is_left(each)], "RPC 的线程还在")


def is_left(thread: threading.Thread) -> bool:
    """是 RPC 接口的线程，还活着。"""
    return thread.is_alive() and "(run)" in thread.name


def test_the_other_language_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vnpy.trader.constant import Direction

    other = "en_US.UTF-8" if Direction.LONG.value == "多" else "zh_CN.UTF-8"
    server = RpcProcess(LANG=other, LANGUAGE=other, LC_ALL=other)
    try:
        fields = server.new()
        with pytest.raises(errors.ConnectFailedError, match="语言"):
            opened(fields)
        assert server.ask("told") == [0, 0]
    finally:
        server.close()


@pytest.mark.parametrize("is_dumb", [False, True])
def test_closed_and_dumb_ports_are_bounded(is_dumb: bool) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if is_dumb:
            listening.listen()
        at = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        fields = {"主动请求地址": at, "推送订阅地址": at}
        with pytest.raises(errors.ConnectFailedError, match="RPC"):
            opened(fields, timeout=0.3, login_timeout=0.6)
    eventually(lambda: not [each for each in threading.enumerate() if is_left(each)])


def test_rubbish_pushed_does_not_kill_the_receiver(user: GatewayTrader) -> None:
    gateway = user.trader.get_gateway("RPC")
    told: list[str] = []
    gateway.write_log = told.append
    for frames in ([b""], [b"", b"not a pickle"], [b"", pickle.dumps(None)]):
        gateway._take(frames)
        gateway._take(frames)
    assert len(told) == 2  # 一样的只说一次
    assert user.buy("600036", 39, 100)["entrust_no"] != -1


def test_asked_orders_do_not_go_back(user: GatewayTrader) -> None:
    gateway = user.trader.get_gateway("RPC")
    number = user.buy("600036", 41, 100)["entrust_no"]
    eventually(lambda: user.today_entrusts[-1]["order_status_name"] == "已成")
    old = SimpleNamespace(
        orderid=number, status=SimpleNamespace(name="NOTTRADED"), traded=0, vt_orderid="RPC.x"
    )
    gateway.on_order(old)
    assert user.today_entrusts[-1]["order_status_name"] == "已成"


def test_two_servers_do_not_share_their_records(process: RpcProcess, fields: Any) -> None:
    other = process.new()
    for each in (fields, other):
        with opened(each) as user:
            assert user.buy("600036", 39, 100, client_order_id="同一个")["entrust_no"] == "1_1"
    assert process.ask("told") == [1, 1]


def test_address_elsewhere_is_warned_of() -> None:
    from easytrader.gateways.mends import _is_here

    assert _is_here("tcp://127.0.0.1:2014")
    assert _is_here("tcp://localhost:2014")
    assert not _is_here("tcp://10.0.0.8:2014")
    assert not _is_here("tcp://*:2014")
