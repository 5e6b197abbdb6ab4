"""富途：真的 futu-api 对着自己的 OpenD：连不上、账户、密码、整手、模拟的成交、不知道的结果。"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if find_spec("futu") is None:  # 在主线程上导入会换掉 Ctrl-C
    pytest.skip("没有装 futu-api", allow_module_level=True)

from opend_server import KIT, PASSWORD, OpenD

from easytrader import errors
from easytrader.overseas.futu.session import FutuSession
from easytrader.overseas.futu.trader import FutuTrader
from easytrader.overseas.futu.wire import network
from easytrader.testing.broker import Recorder, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.counters
network(KIT)
REAL, SIMULATED = "281756480000001111", "9053218"


@pytest.fixture
def opend(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenD]:
    monkeypatch.setattr(FutuSession, "cache_lag_s", 0.05)
    yield (one := OpenD())
    one.close()


@pytest.fixture
def connect(opend: OpenD) -> Iterator[Callable[..., FutuTrader]]:
    """连到它；用完都关。"""
    users: list[FutuTrader] = []

    def made(**options: Any) -> FutuTrader:
        users.append(user := FutuTrader())
        user.connect(**{"port": opend.port, "timeout": 2, "reconnect_interval": 0.05, **options})
        return user

    yield made
    for each in users:
        each.close()


def _sent(opend: OpenD, name: str) -> list[Any]:
    return [request for kind, request in opend.requests if kind == name]


def test_closed_port_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.ConnectFailedError, match=f"{port}.*OpenD"):
        FutuTrader().connect(port=port, timeout=5)


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9], ids=["mute", "http"]
)
def test_port_of_something_else_is_bounded(says: bytes) -> None:
    before = set(threading.enumerate())
    peers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peers.append(listener.accept()[0])
                    peers[-1].sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            with pytest.raises(errors.ConnectFailedError):
                FutuTrader().connect(port=listener.getsockname()[1], timeout=0.5)
            eventually(lambda: set(threading.enumerate()) <= before | {thread})
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for each in peers:
                each.close()
            thread.join(5)


def test_not_logged_in_is_told(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    opend.logged_in = False
    with pytest.raises(errors.ConnectFailedError, match="没有登录"):
        connect()


def test_wrong_password_is_tried_once(
    opend: OpenD, connect: Callable[..., FutuTrader], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(errors.ConnectFailedError, match="密码") as caught:
        connect(env="REAL", account=REAL, password="wr0ng-秘密", wait=1)
    assert len(_sent(opend, "Trd_UnlockTrade")) == 1
    assert "wr0ng" not in f"{caught.value!r}{caplog.text}{opend.requests!r}"


def test_simulated_account_is_not_unlocked(
    opend: OpenD, connect: Callable[..., FutuTrader]
) -> None:
    user = connect(password="whatever")
    assert user.balance[0]["account_id"] == SIMULATED
    assert _sent(opend, "Trd_UnlockTrade") == []


def test_fields_of_the_veighna_page(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    user = connect(地址="127.0.0.1", 端口=str(opend.port), 密码=PASSWORD, 市场="HK", 环境="REAL")
    (row,) = user.balance
    assert (row["account_id"], row["currency"]) == (REAL, "HKD")


def test_several_accounts_need_a_choice(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    opend.accounts += [(1, 281756480000002222, 1), (1, 281756480000003333, 2)]  # 末一个是主账户
    with pytest.raises(errors.ConnectFailedError, match=r"有几个.*1111.*2222.*account=") as caught:
        connect(env="REAL")
    assert REAL not in str(caught.value)
    assert "3333" not in str(caught.value)
    user = connect(env="REAL", account="281756480000002222")
    assert user.balance[0]["account_id"] == "281756480000002222"
    with pytest.raises(errors.ConnectFailedError, match="没有业务账号"):
        connect(env="REAL", account="123456")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("market", "LSE"), ("env", "PAPER"), ("port", 0), ("port", "x"), ("account", "abc")),
        *(("currency", "BTC"), ("rsa_file", "没有这个文件.pem"), ("timeout", 0), ("密碼", "a")),
    ],
)
def test_wrong_arguments_send_nothing(opend: OpenD, argument: str, value: Any) -> None:
    with pytest.raises(errors.UsageError, match=argument):
        FutuTrader().connect(**{"port": opend.port, argument: value})
    assert opend.requests == []


def test_real_and_simulated_at_once_is_refused(opend: OpenD) -> None:
    with pytest.raises(errors.UsageError, match="env"):
        FutuTrader().connect(port=opend.port, env="SIMULATE", 环境="REAL")
    assert opend.requests == []


def test_what_is_sent(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    user = connect(env="REAL")
    user.buy("700.hk", 300.2, 200, remark="网格 3")
    user.market_sell("HK.00700", 100)
    limit, market = (each.c2s for each in _sent(opend, "Trd_PlaceOrder"))
    assert (limit.code, limit.qty, limit.price, limit.orderType) == ("00700", 200, 300.2, 1)
    assert not limit.adjustPrice
    assert limit.remark.endswith("网格 3")
    assert (market.trdSide, market.orderType) == (2, 2)
    assert limit.header.accID == int(REAL)


def test_remark_longer_than_futu_takes(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    user = connect()
    user.buy("00700", 300, 100, remark="字" * 16)
    assert len(_sent(opend, "Trd_PlaceOrder")[0].c2s.remark.encode()) <= 64
    with pytest.raises(errors.UsageError, match="remark"):
        user.buy("00700", 300, 100, remark="字" * 17)
    with pytest.raises(errors.UsageError, match="remark"):
        user.market_buy("00700", 100, remark="字" * 17)
    assert len(_sent(opend, "Trd_PlaceOrder")) == 1


def test_odd_lot_is_refused_before_sending(
    opend: OpenD, connect: Callable[..., FutuTrader]
) -> None:
    user = connect()
    row = user.buy("00700", 300, 150)
    assert row["entrust_no"] == -1
    assert "一手 100 股" in row["message"]
    assert _sent(opend, "Trd_PlaceOrder") == []
    user.buy("00700", 300, 100)
    assert user.buy("AAPL.US", 190, 1)["entrust_no"] != -1  # 美股一股就行
    assert len(_sent(opend, "Qot_GetStaticInfo")) == 1


def test_without_static_info_futu_decides(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    opend.answers["Qot_GetStaticInfo"] = -1
    row = connect().buy("00700", 300, 150)
    assert row == {"entrust_no": -1, "message": "数量不是整手"}


def test_refused_and_unknown_are_told_apart(
    opend: OpenD, connect: Callable[..., FutuTrader]
) -> None:
    user = connect()
    opend.answers["Trd_PlaceOrder"] = -1
    assert user.buy("00700", 300, 100) == {"entrust_no": -1, "message": "测试里说的"}
    for code in (-100, -200, -400, -500):
        opend.answers["Trd_PlaceOrder"] = code
        with pytest.raises(errors.OutcomeUnknownError, match=str(code)):
            user.buy("00700", 300, 100)
    number = user.buy("00700", 300, 100)["entrust_no"]
    opend.answers["Trd_ModifyOrder"] = -100
    with pytest.raises(errors.OutcomeUnknownError):
        user.cancel_entrust(number)
    opend.answers["Trd_ModifyOrder"] = -1
    assert user.cancel_entrust(number) == {"success": False, "message": "测试里说的"}
    opend.answers["Trd_GetFunds"] = -1
    with pytest.raises(errors.QueryFailedError, match="测试里说的"):
        _ = user.balance


@pytest.mark.parametrize("told", ["NN_ProtoRet_TimeOut", "请求超时", "request timed out"])
def test_failed_for_want_of_futus_answer_is_unknown(
    opend: OpenD, connect: Callable[..., FutuTrader], told: str
) -> None:
    user = connect()
    number = user.buy("00700", 300, 100)["entrust_no"]
    opend.told = told
    opend.answers["Trd_PlaceOrder"] = -1
    with pytest.raises(errors.OutcomeUnknownError, match=told):
        user.buy("00700", 300, 100)
    opend.answers["Trd_ModifyOrder"] = -1
    with pytest.raises(errors.OutcomeUnknownError, match=told):
        user.cancel_entrust(number)


def test_simulated_fills_come_from_orders(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    recorder = Recorder()
    user = connect(trader_callback=recorder)
    number = user.buy("00700", 310, 300)["entrust_no"]
    opend.fill(str(number), 100, 310)
    recorder.wait_for("trade")
    opend.up = False
    opend.drop()
    recorder.wait_for("disconnected")
    opend.fill(str(number), 200, 307)
    opend.up = True
    trades = recorder.wait_for("trade", 2)
    assert [(each.traded_volume, each.traded_price) for each in trades] == [(100, 310), (200, 307)]
    assert user.wait(number)["order_status_name"] == "已成"
    rows = [(each["traded_id"], each["traded_volume"]) for each in user.today_trades]
    assert rows == [(f"{number}:100", 100), (f"{number}:300", 200)]
    assert len(recorder.of("trade")) == 2
    assert _sent(opend, "Trd_GetOrderFillList") == []


def test_real_fills_are_the_counters(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    recorder = Recorder()
    user = connect(env="REAL", trader_callback=recorder)
    number = user.buy("00700", 310, 300)["entrust_no"]
    opend.fill(str(number), 100, 309.8)
    opend.fill(str(number), 200, 310)
    user.wait(number)
    trades = recorder.wait_for("trade", 2)
    assert {each.traded_id for each in trades} == {each["traded_id"] for each in user.today_trades}
    assert [each["currency"] for each in user.today_trades] == ["HKD", "HKD"]


def test_other_accounts_are_not_ours(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    recorder = Recorder()
    connect(env="REAL", trader_callback=recorder)
    other = connect(env="SIMULATE")
    number = other.buy("00700", 300, 100)["entrust_no"]
    eventually(lambda: other.find_entrust(number) is not None)
    opend.accounts = opend.accounts[1:]
    opend.fill(str(number), 100, 300)
    other.wait(number)
    assert recorder.of("order") == []


def test_positions_and_quotes(opend: OpenD, connect: Callable[..., FutuTrader]) -> None:
    opend.held["AAPL"] = 1.5
    user = connect(env="REAL")
    rows = {each["stock_code"]: each for each in user.position}
    assert rows["00700.HK"]["volume"] == 10_000
    assert rows["AAPL.US"]["currency"] == "USD"
    assert str(rows["AAPL.US"]["volume"]) == "1.5"
    quote = user.quote("00700.HK")["00700.HK"]
    assert quote["last"] == 320
    with pytest.raises(errors.QueryFailedError):
        user.quote("00001.HK")


def test_encrypted(opend: OpenD, connect: Callable[..., FutuTrader], tmp_path: Path) -> None:
    opend.key = pytest.importorskip("Crypto.PublicKey.RSA").generate(1024)
    path = tmp_path / "私钥 1.pem"
    path.write_bytes(opend.key.export_key())
    with pytest.raises(errors.ConnectFailedError, match="rsa_file"):
        connect(timeout=0.5)
    user = connect(rsa_file=path)
    number = user.buy("00700", 310, 100)["entrust_no"]
    opend.fill(str(number), 100, 310)
    assert user.wait(number)["order_status_name"] == "已成"
    plain = OpenD()
    try:
        assert connect(port=plain.port).state == "已连接"  # 另一个不加密的，同时
    finally:
        plain.close()


def test_nothing_is_doubled_whatever_breaks(
    opend: OpenD, connect: Callable[..., FutuTrader]
) -> None:
    user = connect(env="REAL", timeout=0.5)
    faults = ("none", "silent", "break", "drop", "unsure") * 3
    for number, fault in enumerate(faults):
        eventually(lambda: user.state == "已连接")
        if fault == "silent":
            opend.silent.add("Trd_PlaceOrder")
        elif fault == "break":
            opend.break_after_submit = True
        elif fault == "drop":
            opend.drop()
        elif fault == "unsure":
            opend.answers["Trd_PlaceOrder"] = -400

        def place(name: str = f"order-{number}") -> bool:
            try:
                return user.buy("00700", 300, 100, client_order_id=name)["entrust_no"] != -1
            except (errors.OutcomeUnknownError, errors.NotConnectedError, errors.QueryFailedError):
                return False

        eventually(place, within_s=20)
    assert len(opend.orders) == len(faults)


_SCRIPT = """
import signal, sys
import easytrader
assert "futu" not in sys.modules and "pandas" not in sys.modules
user = easytrader.use("futu")
try:
    user.connect(port=int(sys.argv[1]), timeout=5, account="1")
except easytrader.ConnectFailedError as exc:
    assert "没有业务账号" in str(exc), exc
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_bare_environment_prints_nothing(opend: OpenD) -> None:
    bare = {key: os.environ[key] for key in ("SYSTEMROOT", "EASYTRADER_HOME") if key in os.environ}
    bare["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(opend.port)],
        env=bare,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode(errors="replace")
