"""恰好一次，隔着真的端口：断了再问，换一条路再发，换一次启动，等不到的。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from once_world import CODE, HookedBroker, HookedCounter, new_request
from server_world import World
from support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server_world import Socket

WISH = {"security": CODE, "price": 9.5, "amount": 1}


class Served:
    """一个内存柜台的账号 ``a``，可以换一次启动。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = HookedBroker()
        self.world: World
        self.start()

    def start(self) -> None:
        self.trader = self.broker.trader()
        self.broker.connect(self.trader, timeout=5)
        self.world = World(self.folder, {"a": self.trader})

    def stop(self) -> None:
        self.world.close()
        self.trader.close()
        for name in ("all", *self.world.scoped):
            self.world.tokens.revoke(name)  # 再起来的时候再发，名字相同

    @property
    def counter(self) -> HookedCounter:
        found = self.broker.counter
        assert isinstance(found, HookedCounter)
        return found

    @property
    def numbers(self) -> list[Any]:
        return list(self.counter.orders)

    def settle(self, request: str, token: str = "") -> Any:
        with self.world.socket("a", token) as wire:
            return told(wire, request)


def told(wire: Socket, request: str) -> Any:
    frame = wire.ask("server.settle", request)
    return frame.get("result", frame)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "server")
    yield found
    found.stop()


def test_the_connection_breaks_before_the_answer(served: Served) -> None:
    r, go = new_request(), threading.Event()
    served.counter.before = lambda _: go.wait(30)
    with served.world.socket("a") as wire:
        wire.send(id=1, verb="buy", args=[], kwargs=WISH, request=r, ms=20_000)
        eventually(lambda: served.world.desks["a"].mutations._flying)
    threading.Timer(0.1, go.set).start()  # 问的时候还在办
    answer = served.settle(r)
    (number,) = served.numbers
    assert answer == {"state": "done", "result": {"entrust_no": number}}
    status, row, _ = served.world.http("POST", "/v1/accounts/a/buy", WISH, X_Request_Id=r)
    assert (status, row) == (200, {"result": {"entrust_no": number}})
    assert len(served.counter.attempts) == 1


def test_a_request_still_on_its_way_when_asked_never_acts(served: Served) -> None:
    r = new_request()
    assert served.settle(r) == {"state": "never"}
    with served.world.socket("a") as wire:
        frame = wire.order("buy", request=r, **WISH)
        assert frame["error"]["type"] == "NotConnectedError"
        assert "什么都没有发出" in frame["error"]["text"]
    status, _, _ = served.world.http("POST", "/v1/accounts/a/buy", WISH, X_Request_Id=r)
    assert status == 503
    assert served.counter.attempts == []


def test_answers_outlive_the_server(served: Served) -> None:
    done, refused, bad = new_request(), new_request(), new_request()
    with served.world.socket("a") as wire:
        first = wire.order("buy", request=done, **WISH)["result"]
        no = wire.order("buy", request=refused, **{**WISH, "amount": 10_000_000})["result"]
        wrong = wire.order("buy", request=bad, **{**WISH, "price": -1})["error"]
    served.stop()
    served.start()
    with served.world.socket("a") as wire:
        assert told(wire, done) == {"state": "done", "result": first}
        assert told(wire, refused) == {"state": "done", "result": no}
        assert told(wire, bad) == {"state": "done", "error": wrong}
        assert wire.order("buy", request=done, **WISH)["result"] == first
        again = wire.order("buy", request=refused, **{**WISH, "amount": 10_000_000})
        assert again["result"] == no
    assert len(served.counter.attempts) == 2


def test_the_deadline_passes_while_the_counter_hangs(served: Served) -> None:
    r, go = new_request(), threading.Event()
    served.counter.before = lambda _: go.wait(30)
    try:
        with served.world.socket("a") as wire:
            wire.send(id=1, verb="buy", args=[], kwargs=WISH, request=r, ms=300)
            error = wire.answer(1)["error"]
        assert error["type"] == "OutcomeUnknownError"
        assert error["client_order_id"] == f"r-{r}"
    finally:
        go.set()
    eventually(lambda: served.numbers)
    assert served.settle(r) == {"state": "done", "result": {"entrust_no": served.numbers[0]}}


def test_queued_past_its_deadline_it_is_not_done(served: Served) -> None:
    """道上的线程都卡着，排着的等到过期：说没有发出，就真的没有发出。"""
    go, stuck = threading.Event(), 8
    served.counter.before = lambda _: go.wait(30)
    requests = [new_request() for _ in range(stuck + 4)]
    try:
        with served.world.socket("a") as wire:
            for number, r in enumerate(requests, 1):
                within_ms = 20_000 if number <= stuck else 300
                wire.send(id=number, verb="buy", args=[], kwargs=WISH, request=r, ms=within_ms)
            answers = {}
            while len(answers) < 4:
                frame = wire.read()
                if "error" in frame:
                    answers[frame["id"]] = frame["error"]["type"]
        assert answers == dict.fromkeys(range(stuck + 1, stuck + 5), "NotConnectedError")
    finally:
        go.set()
    eventually(lambda: len(served.numbers) == stuck)
    for r in requests[stuck:]:
        story = served.settle(r)
        assert story == {"state": "never"} or story["error"]["type"] == "NotConnectedError"
    assert len(served.counter.attempts) == stuck


def test_an_async_order_broken_after_its_number(served: Served) -> None:
    r, go = new_request(), threading.Event()
    served.counter.before = lambda _: go.wait(30)
    with served.world.socket("a") as wire:
        wire.send(id=1, verb="buy_async", args=[], kwargs=WISH, request=r)
        assert wire.answer(1)["seq"] > 0
    go.set()
    story = served.settle(r)
    assert story == {"state": "done", "result": {"entrust_no": served.numbers[0]}}


def test_who_may_ask(served: Served) -> None:
    r = new_request()
    with served.world.socket("a") as wire:
        first = wire.order("buy", request=r, **WISH)["result"]
    for name in ("read", "trade", "funds"):
        assert served.settle(r, served.world.scoped[name]) == {"state": "never"}
    assert served.settle(r) == {"state": "done", "result": first}
