"""三种线，与线上的话：只管字节的这一头，和认人。"""

from __future__ import annotations

import ctypes
import json
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.bigqmt import agent as product
from easytrader.bigqmt.line import Clock, RefusedError, SilentError, greet
from easytrader.bigqmt.wires import PipeWire, SpoolWire, TcpWire, WireError, ways
from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN, ACCOUNT = "t" * 64, "1000000365"


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


class Peer:
    """回环上的另一头，照中转的话说。"""

    def __init__(self, talk: Callable[[Peer], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.framer = product.Framer(True)
        self.nonce = "a" * 32
        self._talk = talk
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        with suppress(OSError, EOFError):
            self.sock = self._listener.accept()[0]
            with closing(self.sock):
                self._talk(self)

    def say(self, **message: Any) -> None:
        self.sock.sendall(self.framer.pack(message))

    def hear(self) -> dict[str, Any]:
        while (found := self.framer.take()) is None:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.framer.feed(data)
        return found  # type: ignore[no-any-return]

    def hello(self, **changes: Any) -> dict[str, Any]:
        said = {"t": "hello", "v": product.PROTOCOL, "agent": product.AGENT_VERSION}
        self.say(**{**said, "boot": "b" * 16, "nonce": self.nonce, **changes})
        return self.hear()

    def welcome(self, token: str = TOKEN) -> None:
        auth = self.hello()
        assert auth["proof"] == product.sdk_proof(TOKEN, self.nonce, auth["nonce"], ACCOUNT)
        assert ACCOUNT not in str(auth)
        self.say(t="ok", proof=product.agent_proof(token, auth["nonce"], self.nonce), mono=50.0)
        self.framer.key = product.session_key(token, self.nonce, auth["nonce"])

    def close(self) -> None:
        self._listener.close()
        self.thread.join(5)


@contextmanager
def met(talk: Callable[[Peer], None], limit_s: float = 5.0) -> Iterator[Any]:
    """认过人的线。"""
    peer = Peer(talk)
    wire = TcpWire(peer.port, soon(limit_s))
    try:
        line = greet(wire, TOKEN, ACCOUNT, soon(limit_s), lambda: False)
        try:
            yield line
        finally:
            line.fail("好了")
    finally:
        peer.close()


def meet(talk: Callable[[Peer], None], limit_s: float = 5.0) -> None:
    with met(talk, limit_s):
        pass


def listen(line: Any) -> None:
    """一直读，到断了为止。"""
    while True:
        list(line.receive(1.0))


class TestGreeting:
    """认人。"""

    def test_both_prove_they_have_the_token(self) -> None:
        with met(lambda peer: peer.welcome()) as line:
            assert line.boot == "b" * 16

    def test_a_squatter_without_the_token(self) -> None:
        with pytest.raises(ConnectFailedError, match="令牌"):
            meet(lambda peer: peer.welcome("x" * 64))

    def test_told_no(self) -> None:
        def talk(peer: Peer) -> None:
            peer.hello()
            peer.say(t="no", code="token", msg="wrong token")

        with pytest.raises(ConnectFailedError, match="easytrader bigqmt agent"):
            meet(talk)

    @pytest.mark.parametrize(("agent", "told"), [(0, "旧"), (99, "升级")])
    def test_another_version(self, agent: int, told: str) -> None:
        with pytest.raises(ConnectFailedError, match=told):
            meet(lambda peer: peer.hello(agent=agent))

    def test_nobody_speaks(self) -> None:
        with pytest.raises(SilentError):
            meet(lambda peer: peer.hear() and None, limit_s=0.2)

    def test_something_else_is_there(self) -> None:
        with pytest.raises(WireError):
            meet(lambda peer: peer.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))


class TestLine:
    """认过人以后。"""

    def test_parts_then_the_answer_and_the_rest_is_told(self) -> None:
        def talk(peer: Peer) -> None:
            peer.welcome()
            number = peer.hear()["id"]
            peer.say(t="e", seq=1, k="order", v={})
            peer.say(t="p", id=number, v=[1])
            peer.say(t="b", tick=3, mono=60.0, seq=1)
            peer.say(t="r", id=number, ok=True, v="done")
            peer.hear()

        with met(talk) as line:
            asked = line.ask("rows", {}, soon())
            told: list[Any] = []
            while not asked.wait(0.0):
                told += line.receive(1.0)
        assert (asked.parts, asked.value) == ([[1]], "done")
        assert [each["t"] for each in told] == ["e", "b"]

    def test_a_refusal_carries_the_words(self) -> None:
        def talk(peer: Peer) -> None:
            peer.welcome()
            peer.say(t="r", id=peer.hear()["id"], ok=False, code="busy", msg="full", wait_s=3)
            peer.hear()

        with met(talk) as line:
            asked = line.ask("rows", {}, soon())
            while not asked.wait(0.0):
                list(line.receive(1.0))
        error = asked.error
        assert isinstance(error, RefusedError)
        assert (error.code, error.words, error.more["wait_s"]) == ("busy", "full", 3)

    def test_everybody_waiting_knows_it_broke(self) -> None:
        def talk(peer: Peer) -> None:
            peer.welcome()
            peer.hear()

        with met(talk) as line:
            asked = line.ask("rows", {}, soon())
            with pytest.raises(WireError):
                listen(line)
            line.fail("断了")
            assert asked.wait(0.0)
            assert isinstance(asked.error, WireError)
            with pytest.raises(WireError):
                line.ask("rows", {}, soon())

    def test_a_changed_byte_ends_it(self) -> None:
        def talk(peer: Peer) -> None:
            peer.welcome()
            data = bytearray(peer.framer.pack({"t": "b", "tick": 1, "mono": 1.0, "seq": 0}))
            data[-3] ^= 1
            peer.sock.sendall(bytes(data))
            peer.hear()

        with met(talk) as line, pytest.raises(WireError, match="读不懂"):
            listen(line)


def test_the_clock_is_never_too_fast() -> None:
    clock = Clock(100.0)
    now = time.monotonic()
    before = clock.at(now)
    clock.beat(90.0)  # 路上堵了很久的一拍
    assert clock.at(now) == before
    clock.beat(200.0)
    assert clock.at(time.monotonic()) >= 200.0


class TestTcp:
    """TCP。"""

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(WireError, match=str(port)):
            TcpWire(port, soon(1))

    def test_a_peer_that_does_not_read_is_bounded(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            wire = TcpWire(listener.getsockname()[1], soon())
            with pytest.raises(WireError, match="不收"):
                wire.send(b"x" * (64 << 20), soon(0.2))
            wire.close()

    def test_closing_wakes_the_reader(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            wire = TcpWire(listener.getsockname()[1], soon())
            woken: list[Exception] = []

            def read() -> None:
                try:
                    while True:
                        wire.receive(30.0)
                except WireError as exc:
                    woken.append(exc)

            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            wire.close()
            reader.join(5)
            assert woken


class TestSpool:
    """文件夹。"""

    def test_files_in_order_and_nothing_left(self, tmp_path: Path) -> None:
        spool = tmp_path / "中 转"
        spool.mkdir()
        wire = SpoolWire(str(spool))
        (mine,) = spool.iterdir()
        wire.send(b"one", soon())
        wire.send(b"two", soon())
        assert sorted(each.name for each in (mine / "in").iterdir()) == ["0.bin", "1.bin"]
        (mine / "out" / "1.bin").write_bytes(b"second")
        assert wire.receive(0.0) == b""  # 第 0 个还没有来
        (mine / "out" / "0.bin").write_bytes(b"first")
        assert [wire.receive(0.0), wire.receive(0.0)] == [b"first", b"second"]
        wire.close()
        assert list(spool.iterdir()) == []
        with pytest.raises(WireError):
            wire.receive(0.0)

    def test_the_other_end_takes_the_folder_away(self, tmp_path: Path) -> None:
        wire = SpoolWire(str(tmp_path))
        (mine,) = tmp_path.iterdir()
        (mine / "in").rmdir()
        (mine / "out").rmdir()
        with pytest.raises(WireError):
            wire.receive(0.0)
        with pytest.raises(WireError):
            wire.send(b"x", soon())
        wire.close()


class FakeKernel:
    """kernel32 里用到的几样，一根管子。"""

    def __init__(self) -> None:
        self.there = b""
        self.written = b""
        self.error = 0
        self.busy = 2
        self.closed = 0
        self.full = False
        self.mode = 0

    def SetNamedPipeHandleState(self, _: Any, mode: Any, *__: Any) -> int:  # noqa: N802
        self.mode = mode._obj.value
        return 1

    def CreateFileW(self, *_: Any) -> int:  # noqa: N802
        if self.busy:
            self.busy -= 1
            self.error = 231
            return -1
        return 7

    def GetLastError(self) -> int:  # noqa: N802
        return self.error

    def PeekNamedPipe(self, *args: Any) -> int:  # noqa: N802
        if self.error == 109:
            return 0
        args[4]._obj.value = len(self.there)
        return 1

    def ReadFile(self, _: Any, buffer: Any, size: int, got: Any, __: Any) -> int:  # noqa: N802
        data, self.there = self.there[:size], self.there[size:]
        ctypes.memmove(buffer, data, len(data))
        got._obj.value = len(data)
        return 1

    def WriteFile(self, _: Any, data: bytes, size: int, done: Any, __: Any) -> int:  # noqa: N802
        took = 0 if self.full else min(3, size)  # 一次只收几个字节
        self.written += data[:took]
        done._obj.value = took
        return 1

    def CloseHandle(self, _: Any) -> None:  # noqa: N802
        self.closed += 1


class TestPipe:
    """命名管道的道理；真的只有 Windows 上有。"""

    def test_reads_only_what_is_there_and_writes_it_all(self) -> None:
        kernel = FakeKernel()
        wire = PipeWire(r"\\.\pipe\x", soon(), kernel)
        assert wire.receive(0.01) == b""
        kernel.there = b"abc"
        assert wire.receive(1.0) == b"abc"
        wire.send(b"0123456789", soon())
        assert kernel.written == b"0123456789"
        wire.close()
        wire.close()
        assert kernel.closed == 1
        with pytest.raises(WireError):
            wire.receive(0.0)

    def test_the_other_end_is_gone(self) -> None:
        kernel = FakeKernel()
        wire = PipeWire(r"\\.\pipe\x", soon(), kernel)
        kernel.error = 109
        with pytest.raises(WireError, match="断开"):
            wire.receive(1.0)

    def test_a_peer_that_does_not_read_is_bounded(self) -> None:
        kernel = FakeKernel()
        wire = PipeWire(r"\\.\pipe\x", soon(), kernel)
        assert kernel.mode == 1  # PIPE_NOWAIT
        kernel.full = True
        with pytest.raises(WireError, match="不收"):
            wire.send(b"x", soon(0.05))
        wire.close()

    def test_not_allowed(self) -> None:
        kernel = FakeKernel()
        kernel.CreateFileW = lambda *_: -1  # type: ignore[method-assign]
        kernel.error = 5
        with pytest.raises(WireError, match="管理员"):
            PipeWire(r"\\.\pipe\x", soon(), kernel)

    def test_busy_for_ever(self) -> None:
        kernel = FakeKernel()
        kernel.busy = 10_000
        with pytest.raises(WireError, match="231"):
            PipeWire(r"\\.\pipe\x", soon(0.05), kernel)


def test_the_ways_are_tried_fast_ones_first() -> None:
    found = [kind for kind, _ in ways((1, 0, 2), "", "spool")]
    assert found == ["TCP", "文件夹"]
    assert len(ways((1, 0, 2), "", "")[0][1]) == 2


def test_what_is_sent_is_ascii_json() -> None:
    data = product.Framer(False).pack({"t": "auth", "strategy": "趋势"})
    assert json.loads(data[4 + product.MAC_BYTES :].decode("ascii"))["strategy"] == "趋势"
