"""对面不是我们的服务器、说读不懂的话、不说话：有名字的异常，期限之内，不留线程。"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

import easytrader
from easytrader.errors import ConnectFailedError, EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote_brokers import RemoteWire

HELLO: dict[str, Any] = {
    "api": 1, "features": [], "boot": "b1", "server_time": 0.0, "account": "main",
    "account_id": "main", "account_key": "k", "state": "已连接", "last": 0, "limits": {},
    "backend": {"name": "内存柜台", "id_type": "int", "kinds": ["limit"], "tag_in": "remark",
                "markets": [], "cache_lag_s": 0.0},
    "verbs": ["balance"],
}  # fmt: skip


class Stranger:
    """一个端口，来一条连接就照 ``play`` 做。"""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        self._play = play
        self._lines: list[socket.socket] = []
        self.heard = b""
        self.times = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="stranger", daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.times += 1
                self._lines.append(line)
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, IndexError):  # 客户端挂断了
            self._play(line)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def read_head(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(4096)
        if not piece:
            raise OSError("断了")
        data += piece
    return data


def upgrade(line: socket.socket) -> None:
    head = read_head(line)
    key = next(
        row.split(b": ", 1)[1]
        for row in head.split(b"\r\n")
        if row.startswith(b"Sec-WebSocket-Key")
    )
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key + guid).digest())
    line.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def frame(data: bytes, head: int = 0x81) -> bytes:
    size = len(data)
    short = bytes([head, size]) if size < 126 else bytes([head, 126]) + struct.pack("!H", size)
    return short + data


def said(value: Any) -> bytes:
    return frame(json.dumps(value).encode())


@pytest.fixture
def stranger() -> Iterator[Callable[[Callable[[socket.socket], None]], Stranger]]:
    opened: list[Stranger] = []

    def open_(play: Callable[[socket.socket], None]) -> Stranger:
        opened.append(Stranger(play))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def connect(port: int, **options: Any) -> Any:
    trader = easytrader.use("remote")
    given = {"timeout": 1, "token": "et_1_secret", "account": "main", **options}
    try:
        trader.connect(f"http://127.0.0.1:{port}", **given)
    except BaseException:
        trader.close()
        raise
    return trader


def http(status: bytes, body: bytes = b"", head: bytes = b"") -> Callable[[socket.socket], None]:
    def play(line: socket.socket) -> None:
        read_head(line)
        size = str(len(body)).encode()
        line.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + size + b"\r\n" + head)
        threading.Event().wait(0.05)  # 头与身子不在一段里来
        line.sendall(b"\r\n" + body)
        line.recv(1)

    return play


def ours(text: str) -> bytes:
    return json.dumps({"error": {"type": "EasytraderError", "text": text}}).encode()


NOT_OURS: dict[str, Callable[[socket.socket], None]] = {
    "SSH": lambda line: line.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "挂断": lambda line: line.close(),
    "不说话": lambda line: threading.Event().wait(3),
    "200 网页": http(b"200 OK", b"<html>hello</html>"),
    "404 代理的": http(b"404 Not Found", b"<html>nginx</html>"),
    "502": http(b"502 Bad Gateway"),
    "转跳": http(b"302 Found", head=b"Location: http://evil/\r\n"),
    "没有尽头的头": lambda line: [
        line.sendall(b"X: " + b"y" * 4000 + b"\r\n") for _ in range(9999)
    ],  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_something_else_listens_there(name: str, stranger: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectFailedError) as caught:
        connect(stranger(NOT_OURS[name]).port)
    assert time.monotonic() - began < 2.5
    assert "et_1_secret" not in str(caught.value)


def hello_of(**changes: Any) -> bytes:
    return said({"hello": {**HELLO, **changes}})


BAD_HELLOS: dict[str, bytes] = {
    "不是 JSON": frame(b"hello"),
    "不是对象": said([1]),
    "没有 hello": said({"id": 1}),
    "hello 是空的": said({"hello": {}}),
    "版本不同": hello_of(api=2),
    "编号不是数": hello_of(last="7"),
    "账号没有连着": hello_of(state="已断开"),
    "二进制": frame(b"{}", 0x82),
    "坏的 UTF-8": frame(b'{"hello": "\xff"}'),
    "马上关": frame(b"\x03\xe8", 0x88),
    "带掩码": b"\x81\x82abcd\x00\x00",
    "保留位": frame(b"{}", 0xF1),
    "巨大": b"\x81\x7f" + struct.pack("!Q", 1 << 62),
}


@pytest.mark.parametrize("name", BAD_HELLOS)
def test_the_first_word_is_wrong(name: str, stranger: Any) -> None:
    def play(line: socket.socket) -> None:
        upgrade(line)
        line.sendall(BAD_HELLOS[name])
        threading.Event().wait(2)

    began = time.monotonic()
    with pytest.raises(ConnectFailedError):
        connect(stranger(play).port)
    assert time.monotonic() - began < 2.5


def answers(line: socket.socket, spoil: Callable[[socket.socket, int], None]) -> None:
    """像个服务器：补查都答，之后的交给 ``spoil``。"""
    upgrade(line)
    line.sendall(hello_of())
    for number in range(1, 999):
        head = line.recv(2)
        size = head[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", line.recv(2))
        mask = line.recv(4)
        data = line.recv(size) if size else b""
        if head[0] & 0x0F != 1:
            continue
        text = json.loads(bytes(each ^ mask[at % 4] for at, each in enumerate(data)))
        if number > 5:
            spoil(line, text["id"])
        asset = {"total_asset": 1, "market_value": 0, "cash": 1, "frozen_cash": 0}
        row = {**asset, "account_type": 2, "account_id": "main"}
        result = {"balance": [row]}.get(text["verb"], [])
        line.sendall(said({"id": text["id"], "result": result}))


SPOILT: dict[str, bytes] = {
    "不是 JSON": frame(b"?"),
    "不是对象": frame(b"[]"),
    "套得太深": frame(b"[" * 5000),
    "二进制": frame(b"{}", 0x82),
    "没有头的续帧": frame(b"{}", 0x80),
    "保留的操作码": frame(b"{}", 0x83),
    "挂断": frame(b"\x03\xe9" + "服务器停了".encode(), 0x88),
    "巨大": b"\x81\x7f" + struct.pack("!Q", 1 << 62),
    "事件没有编号": said({"boot": "b1", "events": [{"event": "order"}]}),
    "事件不是列表": said({"boot": "b1", "events": 5}),
    "遗漏读不懂": said({"boot": "b1", "gap": 5}),
    "编号不能查表": frame(b'{"id": []}'),
    "值读不懂": said({"id": 6, "result": {"$": "decimal", "v": "x"}}),
}


@pytest.mark.parametrize("name", SPOILT)
def test_garbage_in_the_middle_is_a_lost_link(name: str, stranger: Any) -> None:
    """断开、重连、再问一次；不死、不挂。"""
    spoilt: list[int] = []

    def spoil(line: socket.socket, number: int) -> None:
        if not spoilt:
            spoilt.append(number)
            line.sendall(SPOILT[name].replace(b'"id": 6', b'"id": %d' % number))

    one = stranger(lambda line: answers(line, spoil))
    user = connect(one.port, timeout=3, reconnect_interval=0.05)
    try:
        assert user.balance[0]["cash"] == 1
        eventually(lambda: user.state == "已连接")
        assert one.times >= 2
        assert user.balance[0]["cash"] == 1
    finally:
        user.close()


def test_what_nobody_asked_for_is_ignored(stranger: Any) -> None:
    extra = [
        said({"id": 999, "result": 1}),
        said({"tomorrow": 1}),
        said({"id": None, "error": {"type": "UsageError"}}),
        frame(b"", 0x89),
        frame(b"x", 0x8A),
    ]
    one = stranger(lambda line: answers(line, lambda line, _: line.sendall(b"".join(extra))))
    user = connect(one.port)
    assert user.balance[0]["cash"] == 1
    assert one.times == 1
    user.close()


def test_an_error_we_do_not_understand_is_still_ours(stranger: Any) -> None:
    def spoil(line: socket.socket, number: int) -> None:
        line.sendall(said({"id": number, "error": {"type": "Tomorrow", "text": "明天的错"}}))

    user = connect(stranger(lambda line: answers(line, spoil)).port)
    with pytest.raises(EasytraderError, match="明天的错"):
        _ = user.balance
    user.close()


@pytest.mark.parametrize(
    ("play", "told"),
    [
        (http(b"401 Unauthorized", ours("令牌不对")), "token add"),
        (http(b"403 Forbidden", ours("看不到")), "403"),
        (http(b"404 Not Found", ours("没有这个账号")), "没有这个账号"),
    ],
    ids=["令牌", "权限", "账号"],
)
def test_a_refusal_is_not_retried(play: Any, told: str, stranger: Any) -> None:
    asked: list[bytes] = []

    def listen(line: socket.socket) -> None:
        if b"/accounts/mine/ws" in line.recv(4096, socket.MSG_PEEK):  # 别的测试还在重连的不算
            asked.append(b"")
        play(line)

    with pytest.raises(ConnectFailedError, match=told):
        connect(stranger(listen).port, account="mine", wait=True, reconnect_interval=0.01)
    assert len(asked) == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ConnectFailedError, match="easytrader serve 在不在跑"):
        connect(port)


def test_a_token_never_reaches_the_logs(
    wire: RemoteWire, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    user = easytrader.use("remote", debug=True)
    wire.connect(user, timeout=3)
    user.buy("BTC/USDT", 9.5, 1)
    wire.proxy.cut()
    eventually(lambda: user.status["reconnects"] == 1)
    user.close()
    everything = "".join(logged) + caplog.text + repr(user) + repr(user.status) + repr(vars(user))
    assert wire.world.token not in everything
    assert wire.world.token.rpartition("_")[2] not in everything


def test_proxies_from_the_environment_are_ignored(
    wire: RemoteWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    user = wire.trader()
    wire.connect(user)
    assert user.balance
    user.close()


def test_32_threads_on_one_connection(remote: Any) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                code = remote.find_entrust(f"none-{number}") if number % 4 == 0 else None
                assert code is None
                assert remote.balance[0]["cash"] == 1_000_000
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(each,), name=f"u-{each}") for each in range(32)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert not failures


def test_events_arrive_while_a_call_waits(wire: RemoteWire, remote: Any, recorder: Any) -> None:
    """一个线程在等柜台的应答，推送照常来。"""
    numbers = [remote.buy("BTC/USDT", 9.5, 1)["entrust_no"] for _ in range(3)]
    recorder.wait_for("order", 3)
    wire.lose_answer("query")
    failures: list[EasytraderError] = []

    def ask() -> None:
        try:
            _ = remote.position
        except EasytraderError as exc:
            failures.append(exc)

    asking = threading.Thread(target=ask, name="asking")
    asking.start()
    wire.counter.move("BTC/USDT", 9)
    recorder.wait_for("trade", 3, within_s=2)
    asking.join(10)
    assert failures
    assert {each.order_id for each in recorder.of("trade")} == set(numbers)


def test_closing_while_connecting(stranger: Any) -> None:
    one = stranger(lambda line: threading.Event().wait(5))
    user = easytrader.use("remote")
    failures: list[BaseException] = []

    def open_() -> None:
        try:
            user.connect(f"http://127.0.0.1:{one.port}", token="t", account="main", timeout=30)
        except EasytraderError as exc:
            failures.append(exc)

    thread = threading.Thread(target=open_, name="opening")
    thread.start()
    eventually(lambda: one.times)
    began = time.monotonic()
    user.close()
    thread.join(10)
    assert time.monotonic() - began < 5
    assert failures
