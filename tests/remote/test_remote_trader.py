"""远程的交易口：与在那台机器上用的一样；断线、重启、事件、进程的边界。"""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from remote_brokers import RemoteMemory, RemoteWire
from server.server_world import World
from support import ROOT, Recorder, eventually

import easytrader
from easytrader.backend.records import CancelRefused, Refusal
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    NotConnectedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.miniqmt import groups as vendor_groups
from easytrader.miniqmt.trader import MiniqmtTrader
from easytrader.remote.groups import GROUPS, group_type
from easytrader.remote.trader import RemoteTrader
from easytrader.trader import Trader, engine_of
from easytrader.wire import verbs

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

CODE = "BTC/USDT"


# ---- 照动词表做的


@pytest.mark.parametrize("verb", [v for v in verbs.TABLE if not v.group], ids=str)
def test_each_verb_looks_like_the_one_there(verb: Any) -> None:
    mine = inspect.getattr_static(RemoteTrader, verb.method)
    there = inspect.getattr_static(Trader, verb.method)
    if isinstance(there, property):
        assert isinstance(mine, property)
        assert mine.__doc__ == there.__doc__
        return
    method = getattr(Trader, verb.method)
    assert mine is not there
    assert inspect.signature(mine) == inspect.signature(method)
    assert mine.__doc__ == method.__doc__


@pytest.mark.parametrize("verb", [v for v in verbs.TABLE if v.group in GROUPS], ids=str)
def test_each_verb_of_a_group_looks_like_the_one_there(verb: Any) -> None:
    kind = getattr(vendor_groups, group_type(verb.group).__name__)
    mine = inspect.getattr_static(group_type(verb.group), verb.method)
    there = inspect.getattr_static(kind, verb.method)
    if isinstance(there, property):
        assert isinstance(mine, property)
        return
    assert inspect.signature(mine) == inspect.signature(getattr(kind, verb.method))
    assert mine.__doc__ == getattr(kind, verb.method).__doc__


def test_every_public_name_of_the_trader_is_here() -> None:
    missing = [
        name for name in dir(MiniqmtTrader) if name[0] != "_" and not hasattr(RemoteTrader, name)
    ]
    assert missing == []


def test_a_group_the_backend_lacks(remote: Any) -> None:
    with pytest.raises(UsageError, match="内存柜台没有这一组"):
        _ = remote.credit


def test_vendor_objects_stay_there(remote: Any) -> None:
    for name in ("trader", "account"):
        with pytest.raises(UsageError, match="只在跑它的那台机器上"):
            getattr(remote, name)


def test_groups_of_a_simulated_account(sim_remote: Any) -> None:
    user, inner = sim_remote
    assert (
        user.client.account_infos()[0]["account_id"]
        == inner.client.account_infos()[0]["account_id"]
    )
    assert user.ipo.limits() == inner.ipo.limits()
    with pytest.raises(UsageError, match="account_type"):
        user.credit.fin_buy("600000", 10, 100)
    with pytest.raises(UsageError, match="那台机器"):
        user.client.export_data("x.csv", "y")
    with pytest.raises(AttributeError):
        _ = user.client.nothing
    rows = user.quote(["600000", "000001.SZ"])
    assert list(rows) == ["600000", "000001.SZ"]
    assert set(rows["600000"]) == set(inner.quote("600000")["600000"])
    assert isinstance(rows["600000"]["bids"][0], tuple)
    row = user.buy("600000", rows["600000"]["bids"][0][0] - 0.3, 100, remark="备注 1")
    assert user.find_entrust(row["entrust_no"]) == inner.find_entrust(row["entrust_no"])
    assert user.client.cancel_sysid(user.find_entrust(row["entrust_no"])["order_sysid"])["success"]


@pytest.fixture
def sim_remote(user: SimTrader, tmp_path: Path) -> Any:
    world = World(tmp_path / "server", {"main": user})
    trader = easytrader.use("remote")
    trader.connect(f"http://127.0.0.1:{world.port}", token=world.token, account="main")
    yield trader, user
    trader.close()
    world.close()


def test_capabilities_come_from_the_server(wire: RemoteWire) -> None:
    user = wire.trader()
    assert user.capabilities.journal is False
    assert user.capabilities.id_type is int
    wire.connect(user)
    assert user.capabilities.id_type is str
    assert user.capabilities.name == "内存柜台（远程）"
    with pytest.raises(UsageError, match="编号是字符串"):
        user.wait(5)
    user.close()


# ---- 连接


def test_the_only_account_need_not_be_named(wire: RemoteWire) -> None:
    user = wire.trader()
    user.connect(f"http://127.0.0.1:{wire.port}", token=wire.world.token, timeout=3)
    assert user.state == "已连接"
    user.close()


def test_token_from_the_environment(wire: RemoteWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYTRADER_TOKEN", wire.world.token)
    user = wire.trader()
    user.connect(f"http://127.0.0.1:{wire.port}", account="main", timeout=3)
    assert user.state == "已连接"
    user.close()


@pytest.mark.parametrize("account", ["nobody", "主账户", "a b", "main&x=1"])
def test_an_account_that_is_not_there(wire: RemoteWire, account: str) -> None:
    user = wire.trader()
    with pytest.raises(ConnectFailedError):
        user.connect(
            f"http://127.0.0.1:{wire.port}", token=wire.world.token, account=account, wait=True,
            reconnect_interval=0.05,
        )  # fmt: skip
    user.close()


def test_a_wrong_token_is_not_tried_for_ever(wire: RemoteWire) -> None:
    user = wire.trader()
    with pytest.raises(ConnectFailedError, match="token add"):
        user.connect(
            f"http://127.0.0.1:{wire.port}", token="et_x_y", account="main", wait=True,
            reconnect_interval=0.05,
        )  # fmt: skip
    assert user.state == "未连接"
    wire.connect(user)
    assert user.state == "已连接"
    user.close()


def test_a_revoked_token_gives_up_and_says_so(wire: RemoteWire, recorder: Recorder) -> None:
    gave_up: list[Exception] = []
    user = wire.trader()
    wire.connect(user, recorder, on_give_up=gave_up.append)
    wire.world.tokens.revoke("all")
    wire.proxy.cut()
    eventually(lambda: gave_up)
    assert user.state == "已断开"
    assert user.status["gave_up"] is True
    user.close()


def test_waiting_for_a_server_that_is_not_up_yet(wire: RemoteWire) -> None:
    wire.proxy.refuse(3)
    user = wire.trader()
    wire.connect(user, wait=10)
    assert user.state == "已连接"
    user.close()


def test_waiting_for_an_account_that_is_not_up_yet(tmp_path: Path) -> None:
    one = RemoteMemory(tmp_path / "server")
    one.break_link()
    eventually(lambda: one.inner.state != "已连接")
    user = one.trader()
    with pytest.raises(ConnectFailedError, match="在服务器上是"):
        one.connect(user)
    threading.Timer(0.3, one.restore_link).start()
    one.connect(user, wait=10)
    assert user.state == "已连接"
    user.close()
    one.close()


def test_the_account_is_back_before_the_next_attempt(tmp_path: Path, recorder: Recorder) -> None:
    """柜台断开一会儿就好了：不必等到下一次重连。"""
    one = RemoteMemory(tmp_path / "server")
    user = one.trader()
    one.connect(user, recorder, timeout=5, reconnect_interval=60)
    one.break_link()
    eventually(lambda: user.state != "已连接")
    one.restore_link()
    eventually(lambda: user.state == "已连接", within_s=5)
    assert one.inner.buy(CODE, 9.5, 1)["entrust_no"] in one.counter.orders
    recorder.wait_for("order")
    user.close()
    one.close()


def test_wrong_arguments() -> None:
    user = easytrader.use("remote")
    for options, argument in (
        ({"token": "t"}, "address"),
        ({"address": "http://127.0.0.1:1"}, "token"),
        ({"address": "http://127.0.0.1:1", "token": "t", "account": 5}, "account"),
        ({"address": "http://127.0.0.1:1", "token": "t", "account": "a/b"}, "account"),
        ({"address": "http://127.0.0.1:1", "token": "t", "account": ".."}, "account"),
        ({"address": "http://127.0.0.1:1", "token": "t", "account": "main?x=1"}, "account"),
        ({"address": "http://127.0.0.1:1", "token": "t" * 201}, "token"),
        ({"address": "http://127.0.0.1:1", "token": "t", "account": "a", "timeout": 0}, "timeout"),
        ({"address": "http://127.0.0.1:1", "token": "t", "finger_print": "x"}, "fingerprint"),
        ({"address": "http://127.0.0.1:1", "token": "t", "trader_callback": 5}, "trader_callback"),
    ):
        with pytest.raises(UsageError, match=argument):
            user.connect(**options)  # type: ignore[arg-type]
    user.close()


# ---- 风控


def test_the_guard_is_kept_over_a_reconnect(wire: RemoteWire, remote: Any) -> None:
    remote.guard = {"max_order_value": 100}
    assert remote.guard.max_order_value == 100
    wire.proxy.cut()
    eventually(lambda: remote.status["reconnects"] == 1)
    with pytest.raises(RiskRefusedError) as caught:
        remote.buy(CODE, 9.5, 100)
    assert caught.value.rule == "max_order_value"
    assert not wire.counter.orders
    told = remote.status["guard"]
    assert told["limits"]["max_order_value"] == 100
    assert (told["refused"], told["last_refusal"]) == (1, str(caught.value))


def test_the_guard_given_before_connecting(wire: RemoteWire) -> None:
    user = easytrader.use("remote", guard={"max_order_value": 100})
    wire.connect(user)
    with pytest.raises(RiskRefusedError):
        user.buy(CODE, 9.5, 100)
    user.guard = None
    assert user.buy(CODE, 9.5, 100)["entrust_no"] in wire.counter.orders
    user.close()


def test_a_guard_of_one_connection_is_not_anothers(wire: RemoteWire, remote: Any) -> None:
    other = wire.trader()
    wire.connect(other)
    remote.guard = {"max_order_value": 100}
    assert other.buy(CODE, 9.5, 100)["entrust_no"] in wire.counter.orders
    other.close()


def test_a_wrong_guard_changes_nothing(remote: Any) -> None:
    remote.guard = {"max_order_value": 100}
    with pytest.raises(UsageError):
        remote.guard = {"max_order_valeu": 100}
    with pytest.raises(UsageError):
        remote.guard = {"max_order_value": -1}
    assert remote.guard.max_order_value == 100


def test_a_guard_that_did_not_arrive_lets_no_order_through(wire: RemoteWire, remote: Any) -> None:
    wire.proxy.swallow("up")
    remote.guard = {"max_order_value": 100}
    wire.proxy.calm()
    eventually(lambda: remote.status["reconnects"] == 1)
    with pytest.raises(RiskRefusedError):
        remote.buy(CODE, 9.5, 100)
    assert not wire.counter.orders


# ---- 服务器自己的


def test_the_stop_switch(wire: RemoteWire, remote: Any) -> None:
    number = remote.buy(CODE, 9.5, 1)["entrust_no"]
    remote.server.stop_orders("盘中异常")
    assert remote.server.status()["stop"]["reason"] == "盘中异常"
    with pytest.raises(RiskRefusedError, match="盘中异常"):
        remote.buy(CODE, 9.5, 1)
    assert remote.cancel_entrust(number)["success"] is True
    remote.server.allow_orders()
    assert remote.buy(CODE, 9.5, 1)["entrust_no"] in wire.counter.orders


def test_the_server_answers_while_the_account_is_down(tmp_path: Path) -> None:
    one = RemoteMemory(tmp_path / "server")
    user = one.trader()
    one.connect(user, timeout=3)
    one.break_link()
    eventually(lambda: user.state != "已连接")
    assert user.server.status()["state"] != "已连接"
    user.server.stop_orders("断线了")
    with pytest.raises(NotConnectedError):
        _ = user.balance
    user.close()
    with pytest.raises(ClosedError):
        user.server.status()
    one.close()


# ---- 事件


def kinds(recorder: Recorder) -> list[str]:
    return [kind for kind, _ in recorder.events]


def test_events_while_away_arrive_once_each(
    wire: RemoteWire, remote: Any, recorder: Recorder
) -> None:
    """断线期间的每一条，连同补查补不回来的（撤单失败），各一次。"""
    courier = engine_of(wire.inner).courier
    courier.deliver(CancelRefused(Refusal(order_id="0", error_msg="断线之前")))
    recorder.wait_for("cancel_error")
    wire.break_link()
    numbers = [wire.inner.buy(CODE, 9.5, 1)["entrust_no"] for _ in range(20)]
    wire.inner.cancel_entrust(numbers[0])
    for each in numbers[:3]:
        courier.deliver(CancelRefused(Refusal(order_id=each, error_msg="断线期间")))
    eventually(lambda: remote.state != "已连接")
    wire.restore_link()
    eventually(lambda: remote.state == "已连接")
    last = wire.inner.buy(CODE, 9.5, 1)["entrust_no"]
    eventually(lambda: last in {each.order_id for each in recorder.of("order")})
    seen = [(each.order_id, each.order_status) for each in recorder.of("order")]
    assert len(seen) == len(set(seen))
    assert {number for number, _ in seen} == {*numbers, last}
    assert [each.order_id for each in recorder.of("cancel_error")] == ["0", *numbers[:3]]
    assert kinds(recorder).count("disconnected") == 1
    assert kinds(recorder).count("connected") == 2


def test_rows_in_events_are_the_servers(wire: RemoteWire, remote: Any) -> None:
    number = remote.buy(CODE, 10.5, 1, remark="~abcdefghi~像标记的")["entrust_no"]
    remote.wait(number)
    (row,) = remote.today_entrusts
    found = [
        each["data"]
        for each in remote.events(timeout=1)
        if each["event"] == "order" and each["data"]["order_status"] == 56
    ]
    assert found == [row]
    assert row == wire.inner.today_entrusts[0]


# ---- 线程、进程的边界


def test_closing_in_a_callback(wire: RemoteWire, recorder: Recorder) -> None:
    user = wire.trader()
    closed = threading.Event()

    def close(_: Any) -> None:
        user.close()
        closed.set()

    recorder.doing["order"] = close
    wire.connect(user, recorder)
    wire.inner.buy(CODE, 9.5, 1)
    assert closed.wait(10)
    assert user.state == "已关闭"


def test_trading_in_a_callback(wire: RemoteWire, recorder: Recorder) -> None:
    user = wire.trader()
    placed: list[Any] = []

    def follow(_: Any) -> None:
        if not placed:
            placed.append(user.buy(CODE, 9.5, 1)["entrust_no"])
            placed.append(user.balance)
            placed.append(user.buy_async(CODE, 9.5, 1).result())

    recorder.doing["order"] = follow
    wire.connect(user, recorder)
    wire.inner.buy(CODE, 9.5, 1)
    eventually(lambda: len(placed) == 3)
    user.close()


def test_a_trader_nobody_holds_is_closed(wire: RemoteWire) -> None:
    user = wire.trader()
    wire.connect(user)
    held = weakref.ref(user)
    del user
    gc.collect()
    assert held() is None
    eventually(lambda: wire.proxy.connections == 0)


def test_a_notebook_cell_run_again_and_again(wire: RemoteWire) -> None:
    for _ in range(5):
        user = wire.trader()
        wire.connect(user, Recorder())
        user = None
    user = wire.trader()
    wire.connect(user)
    eventually(lambda: wire.proxy.connections == 1)
    user.close()


def test_closing_twice_from_two_threads(remote: Any) -> None:
    threads = [threading.Thread(target=remote.close, name=f"close-{each}") for each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert remote.state == "已关闭"
    remote.guard = None
    with pytest.raises(ClosedError):
        _ = remote.balance
    with pytest.raises(ClosedError):
        remote.buy(CODE, 9.5, 1)


def run(code: str, wire: RemoteWire, **env: str) -> subprocess.CompletedProcess[bytes]:
    where = {"PORT": str(wire.port), "EASYTRADER_TOKEN": wire.world.token}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **where, **env},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


CONNECT = """
import os, easytrader
user = easytrader.use("remote")
user.connect(f"http://127.0.0.1:{os.environ['PORT']}", account="main", timeout=5)
"""


def test_the_interpreter_exits_without_noise_on_a_gbk_console(wire: RemoteWire) -> None:
    done = run(CONNECT + "print(user.balance[0]['cash'], user)", wire, PYTHONIOENCODING="gbk")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("gbk").startswith("1000000 <RemoteTrader 已连接")
    assert b"Traceback" not in done.stderr
    eventually(lambda: wire.proxy.connections == 0)


FORK = (
    CONNECT
    + """
pid = os.fork()
if pid == 0:
    try:
        user.balance
    except easytrader.errors.ClosedError:
        user.close()
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print(user.balance[0]["cash"])
"""
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="没有 fork")
def test_fork(wire: RemoteWire) -> None:
    done = run(FORK, wire)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == b"1000000"


LIGHT = (
    CONNECT
    + """
import sys
user.buy("BTC/USDT", 9.5, 1)
heavy = {"starlette", "uvicorn", "h11", "cryptography", "httpx", "xtquant", "pandas"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
)


def test_the_client_brings_in_none_of_the_servers_packages(wire: RemoteWire) -> None:
    done = run(LIGHT, wire)
    assert done.returncode == 0, done.stderr
    found = done.stdout.decode().strip()
    assert found == "[]", found


INTERRUPT = (
    CONNECT
    + """
import _thread, threading
threading.Timer(0.5, _thread.interrupt_main).start()
try:
    user.buy("BTC/USDT", 9.5, 1)
except KeyboardInterrupt:
    print("interrupted", user.balance[0]["cash"])
"""
)


def test_ctrl_c_while_waiting_says_it_is_unknown(wire: RemoteWire) -> None:
    wire.lose_answer("submit")
    done = run(INTERRUPT, wire)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"interrupted")
    told = done.stderr.decode()
    assert "结果未知" in told
    assert "user.find_entrust('r-" in told


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['websockets'] = None; sys.modules['msgspec'] = None\n"
        "import easytrader\n"
        "try:\n    easytrader.use('remote')\n"
        "except easytrader.errors.MissingDependencyError as exc: print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert "pip install easytrader[remote]" in done.stdout.decode(), done.stderr
