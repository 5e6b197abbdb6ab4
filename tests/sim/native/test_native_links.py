"""两种连接与 Hub：套接字那头是真的 Host 或一个存心捣乱的服务；谁来开、谁来关、谁先抢到。"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import pytest
from native_desk import ACCOUNT, ORDER, FakeHost, eventually, on_thread, sim_threads

from easytrader.errors import SimulatorError
from easytrader.sim.gateway.wire import PROTOCOL_VERSION, Request
from easytrader.sim.host import hub
from easytrader.sim.host.framing import FrameSocket
from easytrader.sim.host.lease import ServiceInfo
from easytrader.sim.host.links import RefusedError, SocketLink, UnreachableError


class Server:
    """一个监听口；``script(frames)`` 决定怎么对待来客。"""

    def __init__(self, script):
        self._script = script
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.info = ServiceInfo(os.getpid(), self._listener.getsockname()[1], "t0ken", 0.0, "serve")
        self.received = SimpleQueue()
        self.open = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._closing:
            frames = FrameSocket(self._listener.accept()[0])
            self.open.append(frames)
            with suppress(OSError, EOFError):
                self._script(self, frames)

    def close(self):
        self._closing = True
        for frames in self.open:
            frames.close()
        socket.create_connection(("127.0.0.1", self.info.port)).close()
        self._thread.join(30)
        self._listener.close()
        for frames in self.open:
            frames.close()


@pytest.fixture
def serve():
    made = []

    def start(script):
        made.append(Server(script))
        return made[-1]

    yield start
    for server in made:
        server.close()


def welcome(server, frames):
    server.received.put(frames.receive())
    frames.send(["welcome", 1])


def polite(server, frames):
    welcome(server, frames)
    frames.settimeout(5)
    while (frame := frames.receive()) != ["bye"]:
        server.received.put(frame)
        frames.send(["answer", frame[1], 0])
    server.received.put(["bye"])


def link_to(server, timeout_s=2.0):
    got, lost = SimpleQueue(), SimpleQueue()
    link = SocketLink(server.info, 9, got.put, lambda: lost.put(True), timeout_s)
    return link, got, lost


def test_requests_answers_and_goodbye(serve):
    server = serve(polite)
    link, got, lost = link_to(server)
    assert server.received.get(timeout=30) == [
        "hello", PROTOCOL_VERSION, "t0ken", "session", 9, os.getpid(),
    ]  # fmt: skip
    link.send(Request("subscribe", 1, (2, ACCOUNT)))
    assert got.get(timeout=30) == ("answer", 1, 0)
    assert server.received.get(timeout=30) == ["subscribe", 1, [2, ACCOUNT]]
    link.close()
    link.close()
    assert server.received.get(timeout=30) == ["bye"]
    assert lost.empty()
    assert sim_threads() == []


def test_a_server_that_accepts_and_says_nothing(serve):
    server = serve(lambda server, frames: None)
    with pytest.raises(UnreachableError):
        link_to(server, timeout_s=0.2)
    assert sim_threads() == []


@pytest.mark.parametrize("reply", [["refused", "会话号正在用"], ["what"], {"x": 1}, None])
def test_a_server_that_says_no_or_nonsense(serve, reply):
    server = serve(lambda server, frames: (frames.receive(), frames.send(reply)))
    wanted = RefusedError if isinstance(reply, list) and "refused" in reply else UnreachableError
    with pytest.raises(wanted):
        link_to(server)
    assert sim_threads() == []


def test_nobody_listening():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(UnreachableError):
        SocketLink(ServiceInfo(1, port, "t", 0.0, "serve"), 1, print, print, 0.5)


@pytest.mark.parametrize("how", ["close", "garbage"])
def test_loss_is_reported_once_and_leaves_no_thread(serve, how):
    server = serve(welcome)
    link, got, lost = link_to(server)
    eventually(lambda: server.open)
    if how == "close":
        server.open[0].close()
    else:
        server.open[0].send(["a", "b"])
    assert lost.get(timeout=30)
    eventually(lambda: sim_threads() == [])
    link.send(Request("subscribe", 1, ()))  # 断了之后交的请求当没有发生
    link.close()
    assert lost.empty()
    assert got.empty()


def test_sending_never_blocks_even_when_the_server_reads_nothing(serve):
    server = serve(welcome)
    link, _, lost = link_to(server)
    for seq in range(2000):
        link.send(Request("submit", seq, ("x" * 5000,)))
    link.close()
    assert lost.empty()


# Hub ----------------------------------------------------------------------


def ignore(*_):
    return None


def test_an_embedded_host_lives_as_long_as_its_last_client(folder):
    made = []
    own = hub.Hub(lambda path, clock: made.append(FakeHost()) or made[-1])
    with pytest.raises(UnreachableError, match="sim serve"):
        own.open_link(folder, 1, ignore, ignore)
    own.allow_embed(folder)
    first = own.open_link(folder, 1, ignore, ignore)
    second = own.open_link(Path(folder) / ".." / "userdata_mini", 2, ignore, ignore)
    assert len(made) == 1
    first.close()
    first.close()
    assert not made[0].stopped.is_set()
    second.close()
    assert made[0].stopped.is_set()
    own.open_link(folder, 1, ignore, ignore).close()
    assert len(made) == 2


def test_a_refused_host_is_not_asked_twice(folder):
    own = hub.Hub(lambda path, clock: FakeHost())
    own.allow_embed(folder)
    held = own.acquire(folder)
    held.refuse = 1
    refused = set()
    with pytest.raises(RefusedError, match="测试要求拒绝"):
        own.open_link(folder, 1, ignore, ignore, refused_by=refused)
    with pytest.raises(UnreachableError):
        own.open_link(folder, 1, ignore, ignore, refused_by=refused)
    assert held.refusals == 1
    own.open_link(folder, 1, ignore, ignore).close()
    own.release(folder, held)
    assert held.stopped.is_set()


def test_losing_the_race_for_the_folder_is_retried(folder):
    def taken(path, clock):
        raise SimulatorError("已被占用：进程 1")

    own = hub.Hub(taken)
    own.allow_embed(folder)
    with pytest.raises(UnreachableError, match="进程 1"):
        own.open_link(folder, 1, ignore, ignore)
    with pytest.raises(SimulatorError):
        own.acquire(folder)


def test_a_stale_release_does_not_touch_the_next_host(folder):
    own = hub.Hub(lambda path, clock: FakeHost())
    old = own.acquire(folder)
    old.close()
    fresh = own.acquire(folder)
    own.release(folder, old)
    assert fresh is not old
    assert not fresh.stopped.is_set()
    own.close_all()
    own.close_all()
    assert fresh.stopped.is_set()


def test_two_threads_embed_one_host(folder):
    made = []

    def make(path, clock):
        threading.Event().wait(0.02)
        made.append(FakeHost())
        return made[-1]

    own = hub.Hub(make)
    own.allow_embed(folder)
    links = SimpleQueue()
    threads = [
        threading.Thread(target=lambda n=n: links.put(own.open_link(folder, n, ignore, ignore)))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1
    for _ in threads:
        links.get().close()
    assert made[0].stopped.is_set()


# 另一个进程里的真 Host -----------------------------------------------------------

SERVE = """
import json, sys, threading
sys.path[:0] = json.loads(sys.argv[2])
from native_engine import FakeEngine
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.host import Host
host = Host(SimFolder.open(sys.argv[1]), kind="serve", engine_factory=FakeEngine)
print("ready", flush=True)
sys.stdin.readline()
host.close()
"""


@pytest.fixture
def served(folder):
    """``start()`` 起一个服务进程。"""
    made = []

    def start():
        here = Path(__file__).parent
        path = json.dumps([str(here.parents[2]), str(here)])
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, folder, path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        made.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in made:
        process.kill()
        process.wait(30)
        process.stdin.close()
        process.stdout.close()


def test_trading_through_another_process(served, make_trader, account):
    served()
    trader = make_trader()
    assert on_thread(trader.subscribe, account) == 0
    order_id = on_thread(trader.order_stock, account, "600036.SH", 23, 100, 11, 10.5, "s", "备注")
    assert order_id > 0
    eventually(lambda: "on_stock_order" in trader.callback.names())
    [order] = on_thread(trader.query_stock_orders, account)
    assert (order.order_id, order.order_remark, order.price) == (order_id, "备注", ORDER.price)
    assert "暂不支持" in on_thread(trader.query_smart_algo_task, account)["error"]["msg"]


def test_killed_and_restarted(served, make_trader, account):
    first = served()
    trader = make_trader(1)
    first.kill()
    eventually(lambda: trader.callback.names() == ["on_disconnected"])
    assert on_thread(trader.query_stock_orders, account) == []
    served()
    fresh = make_trader(2)
    assert on_thread(fresh.subscribe, account) == 0


def test_the_same_session_id_twice_is_refused(served, make_trader):
    served()
    make_trader(1)
    other = make_trader(1, connect=False)
    assert on_thread(other.connect) == -1
    assert "会话号 1" in other.async_client.connect_failure


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 没有 SIGSTOP")
def test_a_frozen_server_does_not_hang_connect_or_stop(served, make_trader, account):
    import signal

    process = served()
    trader = make_trader(1)
    process.send_signal(signal.SIGSTOP)
    other = make_trader(2, connect=False)
    assert on_thread(other.connect) == -1
    on_thread(trader.order_stock_async, account, "600036.SH", 23, 100, 11, 10.5)
    on_thread(trader.stop)
    process.send_signal(signal.SIGCONT)


def test_embedding_attaches_to_whoever_took_the_folder_first(served, make_trader, folder, account):
    hub.allow_embed(folder)  # 真的 Hub：文件夹有主就走套接字
    process = served()
    trader = make_trader(1)
    assert on_thread(trader.subscribe, account) == 0
    assert process.poll() is None
    assert [name for name in sim_threads() if "read" in name]
