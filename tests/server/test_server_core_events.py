"""事件：编号不缺不重，补发没有缝，读得慢的断开，令牌吊销了马上断。"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from raw_ws import RawWs, frame
from support import eventually
from websockets.frames import Frame

from easytrader.server import events
from easytrader.server.events import CLOSE_SLOW, Feed
from easytrader.server.lanes import Mailbox
from easytrader.server.ws import CLOSE_REVOKED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server_world import World


def told(number: int) -> dict[str, Any]:
    return {"event": "order", "event_name": "委托", "time": 0.0, "data": {"number": number}}


class Listener:
    """记下收到的。"""

    def __init__(self) -> None:
        self.ready = True
        self.seen: list[int] = []
        self.frames: list[bytes] = []
        self.closed: int | None = None

    def push(self, frame: bytes) -> None:
        self.frames.append(frame)
        head = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
        self.seen += [each["seq"] for each in json.loads(frame[head:])["events"]]

    def cut(self, code: int, reason: str) -> None:
        self.closed = code


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    found = asyncio.new_event_loop()
    yield found
    found.close()


def feed_on(loop: asyncio.AbstractEventLoop, kept: int = 1000) -> Feed:
    found = Feed(kept)
    found.open(Mailbox(loop))
    return found


def turn(loop: asyncio.AbstractEventLoop, seconds: float = 0.05) -> None:
    loop.run_until_complete(asyncio.sleep(seconds))


def test_everyone_shares_the_same_frame(loop: asyncio.AbstractEventLoop) -> None:
    feed, one, two = feed_on(loop), Listener(), Listener()
    for each in (one, two):
        feed.attach(each, None, None)
    for number in range(100):
        feed.add(told(number))
    turn(loop)
    assert one.seen == two.seen == list(range(1, 101))
    assert all(a is b for a, b in zip(one.frames, two.frames, strict=True))
    assert len(one.frames) < 10


def test_replay_joins_what_comes_without_a_crack(loop: asyncio.AbstractEventLoop) -> None:
    feed, early, late = feed_on(loop, 100_000), Listener(), Listener()
    feed.attach(early, None, None)
    done = threading.Event()

    def pour() -> None:
        for number in range(20_000):
            feed.add(told(number))
        done.set()

    pouring = threading.Thread(target=pour)
    pouring.start()
    turn(loop, 0.02)
    assert feed.attach(late, feed.boot, 3) == {"boot": feed.boot, "after": 3}
    while not done.is_set():
        turn(loop)
    pouring.join()
    turn(loop)
    assert early.seen == list(range(1, 20_001))
    assert late.seen == list(range(4, 20_001))


@pytest.mark.parametrize("boot_known", [True, False])
def test_what_is_gone_is_said(loop: asyncio.AbstractEventLoop, boot_known: bool) -> None:
    feed, listener = feed_on(loop, 10), Listener()
    for number in range(25):
        feed.add(told(number))
    oldest = 25 - 10
    if boot_known:
        assert "gap" not in feed.attach(Listener(), feed.boot, oldest)
        found = feed.attach(listener, feed.boot, oldest - 1)
    else:
        found = feed.attach(listener, "another", 25)
    assert found["gap"]["next"] == 26
    feed.add(told(26))
    turn(loop)
    assert listener.seen == [26]
    for wrong in (26 + 1, -1, 2.5, "3", True, None):
        assert "gap" in feed.attach(Listener(), feed.boot, wrong)


def test_a_slow_listener_waits_then_is_cut(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEHIND_S", 0.2)
    feed, slow, quick = feed_on(loop), Listener(), Listener()
    for each in (slow, quick):
        feed.attach(each, None, None)
    slow.ready = False
    feed.add(told(1))
    turn(loop)
    assert (slow.seen, quick.seen) == ([], [1])
    slow.ready = True
    feed.resume(slow)
    assert slow.seen == [1]
    slow.ready = False
    feed.add(told(2))
    turn(loop, 0.1)
    feed.sweep()
    assert slow.closed is None
    turn(loop, 0.15)
    feed.sweep()
    assert slow.closed == CLOSE_SLOW
    assert feed.listeners == 1


def test_a_listener_left_behind_by_the_log_is_cut(loop: asyncio.AbstractEventLoop) -> None:
    feed, slow = feed_on(loop, 10), Listener()
    feed.attach(slow, None, None)
    slow.ready = False
    for number in range(11):
        feed.add(told(number))
    turn(loop)
    assert slow.closed == CLOSE_SLOW


def test_the_log_does_not_grow(loop: asyncio.AbstractEventLoop) -> None:
    feed = feed_on(loop, 10)
    for number in range(1000):
        feed.add(told(number))
    assert len(feed._ring) == 10


def test_a_stalled_socket_slows_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEHIND_S", 0.5)
    feed = world.desks["a"].feed
    big = {"text": "x" * 5000}
    stalled = RawWs(world.port, "a", world.token)
    ask = json.dumps({"id": 1, "verb": "server.events"}).encode()
    stalled.link.sendall(frame(ask))
    with world.socket("a") as quick:
        quick.ask("server.events")
        eventually(lambda: feed.listeners == 2)
        sent = 0
        while feed.listeners == 2:
            for _ in range(200):
                feed.add({"event": "order", "data": big})
            sent += 200
            assert [each["seq"] for each in quick.events(200)] == [*range(sent - 199, sent + 1)]
    stalled.link.settimeout(30)
    got = b""
    while part := stalled.link.recv(1 << 20):
        got = (got + part)[-200:]
    assert Frame(8, CLOSE_SLOW.to_bytes(2, "big")).data in got
    stalled.link.close()


def test_a_revoked_token_is_cut_at_once(world: World) -> None:
    with world.socket("a", world.scoped["read"]) as quiet, world.socket("a") as other:
        quiet.ask("server.events")
        world.tokens.revoke("read")
        assert quiet.close_code() == CLOSE_REVOKED
        other.order("buy", "BTC/USDT", 9.5, 1)
        assert other.ask("balance")["result"]
    assert world.http("GET", "/v1/accounts", token=world.scoped["read"])[0] == 401


def test_the_connection_of_the_account_is_an_event(world: World) -> None:
    broker = world.brokers["a"]
    with world.socket("a") as socket:
        socket.ask("server.events")
        broker.break_link()
        assert socket.events(1)[0]["event"] == "disconnected"
        assert socket.ask("balance")["error"]["type"] == "NotConnectedError"
        broker.restore_link()
        assert socket.events(1)[0]["event"] == "connected"
        assert socket.ask("server.status")["result"]["state"] == "已连接"
