from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from service_helpers import (
    ACCOUNT,
    Caller,
    RawClient,
    TinyEngine,
    eventually,
    submit_args,
)

from easytrader.sim.gateway.wire import Request
from easytrader.sim.host import server
from easytrader.sim.host.framing import FrameError, FrameSocket, encode, to_request
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery, SubmitOrder

if TYPE_CHECKING:
    from easytrader.sim.host.host import Host

Make = Callable[..., RawClient]


def test_a_second_process_shares_the_embedded_counter(raw_client: Make, caller: Caller) -> None:
    remote = raw_client()
    assert remote.greeting[0] == "welcome"
    assert remote.ask("subscribe", AccountQuery(2, ACCOUNT)) == 0
    answer = remote.ask("submit", submit_args("备注"))
    assert (answer.order_id, answer.order_remark) == (1001, "备注")
    order, trade = remote.next(), remote.next()
    assert (order.kind, trade.kind) == ("order", "trade")
    assert caller.kinds(2) == ["order", "trade"]
    assert remote.ask("orders", OrdersQuery(2, ACCOUNT)) == [order.payload]
    assert remote.ask("unsupported", ("x",)) == ("not_simulated", "x")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token": "0" * 32}, "口令不对"),
        ({"token": "中文"}, "口令不对"),
        ({"token": None}, "口令不对"),
        ({"version": 999}, "升级到同一版本"),
        ({"kind": "admin"}, "不认识的连接种类"),
    ],
)
def test_bad_hello_is_refused(raw_client: Make, changes: dict[str, object], reason: str) -> None:
    client = raw_client(**changes)
    assert client.greeting[0] == "refused"
    assert reason in client.greeting[1]
    assert client.eof()


def test_busy_session_id_is_refused_over_the_socket(raw_client: Make) -> None:
    first = raw_client(7)
    second = raw_client(7)
    assert second.greeting[0] == "refused"
    assert "会话号 7" in second.greeting[1]
    assert first.ask("account_infos") == []


@pytest.mark.parametrize("goodbye", ["bye", "eof", "reset"])
def test_session_id_is_free_once_the_client_is_gone(
    raw_client: Make, host: Host, goodbye: str
) -> None:
    client = raw_client(7)
    if goodbye == "bye":
        client.frames.send(["bye"])
        assert client.eof()
    elif goodbye == "eof":
        client.close()
    else:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()
    eventually(lambda: host.control("status")["sessions"] == [])
    assert raw_client(7).greeting[0] == "welcome"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        struct.pack(">I", 3) + b"\xff{}",
        encode(["hello"]),
        encode({"hello": 1}),
        struct.pack(">I", 1 << 31),
    ],
)
def test_garbage_is_hung_up_on(host: Host, garbage: bytes, caller: Caller) -> None:
    with socket.create_connection(("127.0.0.1", host.info.port), timeout=5) as sock:
        sock.sendall(garbage)
        with_reset = True
        with contextlib.suppress(ConnectionResetError):
            with_reset = sock.recv(100) == b""
        assert with_reset
    assert caller.ask("account_infos") == []


def test_garbage_inside_a_session_ends_only_that_session(raw_client: Make, caller: Caller) -> None:
    client = raw_client()
    client.frames.send(["submit", 1, ["缺字段"]])
    assert client.eof()
    assert caller.ask("account_infos") == []


def test_silent_connections_are_dropped(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_HELLO_WAIT_S", 0.1)
    with socket.create_connection(("127.0.0.1", host.info.port), timeout=5) as sock:
        assert sock.recv(1) == b""


def test_a_stuck_client_is_dropped_and_blocks_nobody(
    raw_client: Make, host: Host, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_BACKLOG_LIMIT", 200)
    stuck = raw_client(7)
    stuck.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    assert stuck.ask("subscribe", AccountQuery(2, ACCOUNT)) == 0
    fat = submit_args("肥" * 100_000)

    def dropped() -> bool:
        assert caller.ask("submit", fat).order_id > 0
        caller.kinds(2)
        return len(host.control("status")["sessions"]) == 1

    eventually(dropped)


def test_close_flushes_then_hangs_up(raw_client: Make, host: Host) -> None:
    client = raw_client()
    client.ask("subscribe", AccountQuery(2, ACCOUNT))
    for _ in range(20):
        client.post("submit", submit_args())
    watcher = Caller(host, 50)
    eventually(lambda: len(watcher.ask("orders", OrdersQuery(2, ACCOUNT))) == 20)
    host.close()
    kinds = [client.next().kind for _ in range(60)]
    assert kinds.count("answer") == 20
    assert client.eof()
    with pytest.raises(OSError):  # noqa: PT011  拒绝或超时，随平台
        socket.create_connection(("127.0.0.1", host.info.port), timeout=0.5).close()


def test_a_big_answer_survives_the_wire(raw_client: Make, engine: TinyEngine) -> None:
    client = raw_client()
    for _ in range(3000):
        engine.submit(submit_args("批量"))
    rows = client.ask("orders", OrdersQuery(2, ACCOUNT))
    assert rows == list(engine.rows.values())


def test_frames_round_trip() -> None:
    left, right = socket.socketpair()
    sender, receiver = FrameSocket(left), FrameSocket(right)
    values = [["中文", 1.5, None, "\ud800 半个"], [], "x" * 100_000]
    sender.send(*values)
    assert [receiver.receive() for _ in values] == values
    sender.close()
    sender.close()
    with pytest.raises(EOFError):
        receiver.receive()
    receiver.close()


def test_wire_shapes() -> None:
    request = Request("submit", 3, submit_args())
    assert to_request(list(request)) == request
    assert isinstance(to_request(["submit", 3, list(submit_args())]).args, SubmitOrder)
    for bad in (None, [], ["submit", 1], ["submit", "x", []], ["无", 1, []]):
        with pytest.raises(FrameError):
            to_request(bad)
