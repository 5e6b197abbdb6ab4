"""门口：半截的请求、占着不放的、太大的；人人都答得了别人占不住。"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from raw_ws import PING, TEXT, RawWs, frame, upgrade
from server_world import memory_world
from support import eventually

from easytrader.server import doors, tls, ws
from easytrader.wire import words

if TYPE_CHECKING:
    from pathlib import Path

    from server_world import World

_HALF = (
    b"",
    b"GET / HT",
    b"GET /v1/accounts HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    b"POST /v1/accounts/a/balance HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
)


def line(world: World) -> socket.socket:
    return socket.create_connection(("127.0.0.1", world.port), 30)


def told(link: socket.socket) -> bytes:
    """读到断为止。"""
    got = b""
    try:
        while part := link.recv(65536):
            got += part
    except ConnectionError:
        pass
    return got


@pytest.mark.parametrize("half", _HALF)
def test_half_a_request_is_not_waited_for(
    half: bytes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PATIENCE_S", 0.3)
    with line(world) as link:
        link.sendall(half)
        told(link)  # 断了才返回
    assert world.http("GET", "/healthz")[0] == 200


def test_a_drop_at_a_time_is_not_patience(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PATIENCE_S", 0.5)
    with line(world) as link:
        link.settimeout(0.05)
        dropped = 0
        try:
            while dropped < 1000:
                link.sendall(b"X")
                dropped += 1
                try:
                    if not link.recv(1):
                        break
                except TimeoutError:
                    continue
        except ConnectionError:
            pass
    assert dropped < 100


def test_keep_alive_may_be_quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PATIENCE_S", 0.2)
    with line(world) as link:
        for _ in range(3):
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            got = b""
            while not got.endswith(b'{"ok":true}'):
                got += link.recv(65536)
            link.settimeout(0.4)
            with pytest.raises(TimeoutError):
                link.recv(1)
            link.settimeout(30)


def test_the_silent_do_not_keep_the_others_out(world: World) -> None:
    silent = [line(world) for _ in range(300)]
    assert world.http("GET", "/v1/accounts")[0] == 200
    with world.socket("a") as good:
        more = [line(world) for _ in range(300)]
        assert good.ask("balance")["result"]
        assert len(world.host.doors) <= doors.MOST
    for each in (*silent, *more):
        each.close()


def test_too_big_is_refused(world: World) -> None:
    body = b'{"key": "' + b"x" * words.MAX_FRAME + b'"}'
    status, said, _ = world.http(
        "POST", "/v1/accounts/a/find_entrust", body, Content_Type="application/json"
    )
    assert (status, said["error"]["type"]) == (413, "UsageError")
    with line(world) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n")
        assert told(link)[:13] in (b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")
    with world.socket("a") as ws:
        ws.raw.send("x" * (words.MAX_FRAME + 1))
        assert ws.close_code() == 1009


def test_odd_frames(world: World) -> None:
    with world.socket("a") as ws:
        for text in ("", "[]", "{", '{"id": true}', '{"id": -1, "verb": "balance"}', "[" * 5000):
            ws.raw.send(text)
            assert ws.read()["error"]["type"] == "UsageError"
        assert ws.ask("balance")["result"]
        ws.raw.send(b"\x00")
        assert ws.close_code() == 1003


def test_no_small_frame_waits_for_another(world: World) -> None:
    with world.socket("a"):
        (connection,) = world.app.connections
        inner = connection._door.transport.get_extra_info("socket")
        assert inner.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_frames_from_many_threads_are_never_mixed(world: World) -> None:
    """几个线程同时写、循环也在写，对面还读得慢：帧还是一个一个的。"""
    # 一共十一兆：没有读走的超过十六兆会被断开，那是另一回事
    rows = [{"security": f"{n}", "text": "行" * 80} for n in range(200)]
    world.desks["a"].encoded = lambda verb, result: words_of(rows)  # type: ignore[method-assign]
    link = RawWs(world.port, "a", world.token)
    feed = world.desks["a"].feed
    link.link.sendall(frame(b'{"id": 0, "verb": "server.events"}'))
    for number in range(1, 201):
        verb = "balance" if number % 2 else "position"
        link.link.sendall(frame(b'{"id": %d, "verb": "%s"}' % (number, verb.encode())))
        feed.add({"event": "order", "data": {}})
    seen: set[int] = set()
    while len(seen) < 201:  # 夹在一起的读不成 JSON
        told = link.receive()
        if "id" in told:
            seen.add(told["id"])
    assert seen == set(range(201))
    link.link.close()


def words_of(rows: list[dict[str, str]]) -> bytes:
    from easytrader.wire import values

    return values.encode(rows)


def test_only_so_many_sockets_per_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from easytrader.server import app

    monkeypatch.setattr(app, "MOST_SOCKETS", 2)
    with memory_world(tmp_path / "server") as world:
        read = world.scoped["read"]
        with world.socket("a", read), world.socket("a", read):
            with line(world) as link:
                link.sendall(upgrade(world.port, "a", read))
                assert b" 503 " in told(link)
            with world.socket("a", world.scoped["trade"]) as other:
                assert other.ask("balance")["result"]
        eventually(lambda: not world.app.connections)


@pytest.mark.parametrize("size", [2, 120, 126, 5000, 65_000, 66_000, 300_000])
def test_frames_of_any_size_in_pieces_of_any_size(world: World, size: int) -> None:
    """一个帧一段、一段里几个帧、一个帧几段、分片的，都是同一个意思。"""
    link = RawWs(world.port, "a", world.token)

    def asked(number: int) -> bytes:
        text = b'{"id": %d, "verb": "balance"' % number
        return text + b" " * max(0, size - len(text) - 1) + b"}"

    whole = frame(asked(1))
    link.link.sendall(whole)
    assert link.receive()["id"] == 1
    link.link.sendall(frame(b"", PING) + frame(asked(2)) + frame(asked(3)))
    for part in (whole[:1], whole[1:7], whole[7:]):
        link.link.sendall(part)
    link.link.sendall(frame(asked(4)[:10], fin=False))
    link.link.sendall(frame(b"x", PING) + frame(asked(4)[10:], 0))
    link.link.sendall(frame(asked(5)))
    said: list[int] = []
    while len(said) < 5:
        kind, data = link.frame()
        if kind == TEXT:
            said.append(json.loads(data)["id"])
    assert sorted(said) == [1, 2, 3, 4, 5]
    link.link.close()


@pytest.mark.parametrize(("most", "behind_s"), [(1 << 20, 1e9), (1 << 40, 0.5)])
def test_answers_nobody_reads_do_not_pile_up(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, behind_s: float
) -> None:
    """堆过了界限马上断；没有过的，10 秒没有读走一个字节也断。"""
    monkeypatch.setattr(doors, "MOST_BACKLOG", most)
    monkeypatch.setattr(ws, "BEHIND_S", behind_s)
    body = b'"' + b"x" * 300_000 + b'"'
    world.desks["a"].encoded = lambda verb, result: body  # type: ignore[method-assign]
    link = RawWs(world.port, "a", world.token)
    link.link.sendall(b"".join(frame(b'{"id": %d, "verb": "balance"}' % n) for n in range(200)))
    eventually(lambda: not world.app.connections)
    with world.socket("a") as other:
        assert other.ask("balance")["result"]
    link.link.close()


def test_unfinished_tls_handshakes_count_too(tmp_path: Path) -> None:
    """握着手不说话的、只说一半的也有数，挡不住后来的人。"""
    pair = tls.make(tmp_path / "tls", ["127.0.0.1"])
    trusting = ssl.create_default_context(cafile=str(pair.cert))
    with memory_world(tmp_path / "server", tls=tls.context(pair)) as world:
        silent = [line(world) for _ in range(200)]
        for each in silent[::2]:
            with contextlib.suppress(OSError):
                each.sendall(b"\x16\x03\x01\x02\x00\x01")
        silent[0].settimeout(doors.PATIENCE_S / 2)
        assert told(silent[0]) == b""  # 最早来的被请走了，没有等到握手的期限
        for _ in range(3):
            with (
                line(world) as plain,
                trusting.wrap_socket(plain, server_hostname="127.0.0.1") as good,
            ):
                good.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert good.recv(100).startswith(b"HTTP/1.1 200 ")
                more = [line(world) for _ in range(100)]
                silent += more
        with line(world) as odd:
            odd.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            told(odd)  # 断了才返回
        for each in silent:
            each.close()
        eventually(lambda: len(world.host.doors) == 0)


def test_a_refused_handshake_is_no_error_of_ours(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for token in ("et_wrong", None):
        with line(world) as link:
            link.sendall(upgrade(world.port, "a", token))
            assert told(link).startswith(b"HTTP/1.1 401")
    with world.socket("a") as socket_:
        assert socket_.ask("balance")["result"]
    assert [each.getMessage() for each in caplog.records if each.name == "uvicorn.error"] == []


def test_a_qka_client_hears_that_this_is_not_for_it(world: World) -> None:
    status, answer, _ = world.http("POST", "/api/query_stock_asset", {}, None, X_Token=world.token)
    assert status == 404
    assert "--qka" in answer["error"]["text"]
    assert world.http("POST", "/api/query_stock_asset", {}, None, X_Token="et_x")[0] == 401
    assert world.http("POST", "/api/query_stock_asset", {}, None)[0] == 401
