"""客户端连柜台的线：问一句等一句，柜台主动说的，断开与被杀。另一头是测试自己。"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.sim.host.framing import FrameSocket
from easytrader.sim.terminal.client.link import PROTOCOL_VERSION, Killed, Link, LinkError, LinkLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "secret-token"


class Counter:
    """另一头：收下招呼，此后测试说什么就是什么。"""

    def __init__(self, greeting: list[Any]) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._greeting = greeting
        self.port = self._server.getsockname()[1]
        self.hello: list[Any] = []
        self.frames: FrameSocket | None = None
        self._thread = threading.Thread(target=self._accept, name="easytrader-test-counter")
        self._thread.start()

    def _accept(self) -> None:
        sock, _ = self._server.accept()
        self.frames = FrameSocket(sock)
        self.hello = self.frames.receive()
        self.frames.send(self._greeting)

    def line(self) -> FrameSocket:
        self._thread.join(10)
        assert self.frames is not None
        return self.frames

    def close(self) -> None:
        self.line().close()
        self._server.close()


@pytest.fixture
def counter() -> Iterator[Counter]:
    made = Counter(["welcome", 7])
    yield made
    made.close()


class Heard(Link):
    """记下听到的。"""

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port, TOKEN)
        self.heard: list[tuple[str, Any]] = []
        self.gone: list[str] = []
        self.listen(lambda *event: self.heard.append(event), self.gone.append)


@pytest.fixture
def link(counter: Counter) -> Iterator[Heard]:
    made = Heard(counter.port)
    yield made
    made.close()


def asking(link: Heard, verb: str = "now") -> tuple[threading.Thread, list[Any]]:
    """另一个线程上问一句；回答或异常放进列表。"""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(link.ask(verb, code="1"))
        except (LinkError, Killed) as error:
            found.append(error)

    thread = threading.Thread(target=ask, name="easytrader-test-asker")
    thread.start()
    return thread, found


def answered(
    counter: Counter, link: Heard, reply: Callable[[int], list[Any]], verb: str = "now"
) -> Any:
    thread, found = asking(link, verb)
    kind, seq, name, args = counter.line().receive()
    assert (kind, name, args) == ("ask", verb, {"code": "1"})
    counter.line().send(reply(seq))
    thread.join(10)
    return found[0]


def test_greets_as_a_terminal(counter: Counter, link: Heard) -> None:
    said, version, token, kind, _, _ = counter.hello
    assert (said, version, token, kind) == ("hello", PROTOCOL_VERSION, TOKEN, "terminal")
    assert link.host_pid == 7


def test_answers_and_errors_go_to_who_asked(counter: Counter, link: Heard) -> None:
    assert answered(counter, link, lambda seq: ["answer", seq, {"a": "中"}]) == {"a": "中"}
    error = answered(counter, link, lambda seq: ["error", seq, "没有这个动作"])
    assert (type(error), str(error)) == (LinkError, "没有这个动作")
    one, first = asking(link, "one")
    seq_one = counter.line().receive()[1]
    two, second = asking(link, "two")
    seq_two = counter.line().receive()[1]
    counter.line().send(["answer", seq_two, "two"], ["answer", seq_one, "one"])
    one.join(10)
    two.join(10)
    assert (first, second) == (["one"], ["two"])


def test_events_come_in_order(counter: Counter, link: Heard) -> None:
    counter.line().send(*(["event", "order", number] for number in range(100)))
    eventually(lambda: len(link.heard) == 100)
    assert link.heard == [("order", number) for number in range(100)]


def test_late_answer_is_nobodys(counter: Counter, link: Heard) -> None:
    counter.line().send(["answer", 99, "late"])
    assert answered(counter, link, lambda seq: ["answer", seq, "mine"]) == "mine"


NONSENSE = [
    b"\x00\x00\x00\x02{{",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x04null",
    b"\x00\x00\x00\x02[]",
]


@pytest.mark.parametrize("garbage", NONSENSE)
def test_a_counter_that_talks_nonsense_is_lost(
    counter: Counter, link: Heard, garbage: bytes
) -> None:
    thread, found = asking(link)
    counter.line().receive()
    counter.line().send_bytes(garbage)
    thread.join(10)
    assert isinstance(found[0], LinkLost)


def test_when_the_counter_goes_the_question_ends_at_once(counter: Counter, link: Heard) -> None:
    thread, found = asking(link)
    counter.line().receive()
    counter.line().close()
    thread.join(10)
    assert isinstance(found[0], LinkLost)
    eventually(lambda: link.gone == [link.lost])
    with pytest.raises(LinkLost, match="断开了"):
        link.ask("now")


def test_killed_ends_the_question_and_every_later_one(counter: Counter, link: Heard) -> None:
    thread, found = asking(link)
    counter.line().receive()
    link.kill()
    thread.join(10)
    assert isinstance(found[0], Killed)
    with pytest.raises(Killed):
        link.ask("now")
    with pytest.raises(EOFError):
        counter.line().receive()
    assert link.gone == []


def test_leaving_says_goodbye(counter: Counter, link: Heard) -> None:
    link.close()
    link.close()
    assert counter.line().receive() == ["bye"]
    assert link.gone == []


def test_refused_says_why_and_not_the_token() -> None:
    counter = Counter(["refused", "口令不对"])
    with pytest.raises(LinkLost, match=r"柜台不收.*口令不对") as refused:
        Link("127.0.0.1", counter.port, TOKEN)
    assert TOKEN not in str(refused.value)
    counter.close()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkLost, match="连不上柜台"):
        Link("127.0.0.1", port, TOKEN)


@pytest.mark.parametrize("greeting", [None, [], ["welcome"]])
def test_something_else_answers(greeting: Any) -> None:
    counter = Counter(greeting)
    with pytest.raises(LinkLost, match="柜台没有招呼"):
        Link("127.0.0.1", counter.port, TOKEN)
    counter.close()
