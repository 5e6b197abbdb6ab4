"""坏网线自己：对着一个回声服务器，说坏就坏，说好就好。"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from bad_proxy import DOWN, UP, BadProxy
from support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo:
    """回声，记下收到的一切。"""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link: socket.socket) -> None:
        with link:
            try:
                while data := link.recv(4096):
                    self.heard += data
                    link.sendall(data)
            except OSError:
                pass
        self.ended += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[BadProxy]:
    bad = BadProxy(echo.port)
    yield bad
    bad.close()
    eventually(lambda: not bad.connections)


def dial(proxy: BadProxy) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", proxy.port), 5)
    link.settimeout(5)
    return link


def ask(link: socket.socket, data: bytes) -> bytes:
    link.sendall(data)
    got = b""
    while len(got) < len(data):
        part = link.recv(4096)
        if not part:
            break
        got += part
    return got


def test_nothing_wrong(proxy: BadProxy) -> None:
    with dial(proxy) as link:
        assert ask(link, b"x" * 100_000) == b"x" * 100_000


def test_cut_and_reset(proxy: BadProxy) -> None:
    with dial(proxy) as link:
        assert ask(link, b"one") == b"one"
        proxy.cut()
        assert link.recv(10) == b""
    with dial(proxy) as link:
        assert ask(link, b"two") == b"two"
        proxy.cut(rst=True)
        with pytest.raises(ConnectionResetError):
            link.recv(10)


def test_refuse(proxy: BadProxy) -> None:
    proxy.refuse(1)
    with dial(proxy) as link:
        assert link.recv(10) == b""
    with dial(proxy) as link:
        assert ask(link, b"in") == b"in"


def test_half_open_until_calm(proxy: BadProxy, echo: Echo) -> None:
    with dial(proxy) as link:
        assert ask(link, b"one") == b"one"
        proxy.swallow(DOWN)
        link.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(link, b"two")
        assert echo.heard == b"onetwo"
        link.settimeout(5)
        proxy.calm()
        assert link.recv(10) == b""
    proxy.swallow(UP, fresh=True)
    with dial(proxy) as link:
        link.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(link, b"three")
        assert echo.heard == b"onetwo"


def test_held_bytes_arrive_after_the_sender_left(proxy: BadProxy, echo: Echo) -> None:
    proxy.hold(UP, 0.3)
    with dial(proxy) as link:
        link.sendall(b"late")
    assert echo.heard == b""
    eventually(lambda: echo.heard == b"late" and echo.ended == 1)


def test_twice_half_and_spoilt(proxy: BadProxy, echo: Echo) -> None:
    proxy.duplicate(UP)
    with dial(proxy) as link:
        link.sendall(b"ab")
        eventually(lambda: echo.heard == b"abab")
    echo.heard = b""
    proxy.truncate(UP)
    with dial(proxy) as link:
        link.sendall(b"abcd")
        assert link.recv(10) in (b"", b"ab")
        eventually(lambda: echo.heard == b"ab")
    echo.heard = b""
    proxy.garble(UP)
    with dial(proxy) as link:
        link.sendall(b"abcd")
        eventually(lambda: len(echo.heard) == 4)
        assert sum(a != b for a, b in zip(echo.heard, b"abcd", strict=True)) == 1


def test_slow_and_in_drops(proxy: BadProxy) -> None:
    proxy.delay(DOWN, 0.1)
    with dial(proxy) as link:
        began = time.monotonic()
        assert ask(link, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.1
        proxy.calm()
        proxy.drip(UP)
        assert ask(link, b"in drops") == b"in drops"
