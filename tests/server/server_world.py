"""一个在跑的服务器：真的端口，内存柜台或模拟的账号，各种权限的令牌。"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from easytrader.server.app import App
from easytrader.server.audit import Audit
from easytrader.server.caps import Caps
from easytrader.server.desk import Desk
from easytrader.server.host import Host, bound
from easytrader.server.stop import StopSwitch
from easytrader.server.tokens import Tokens
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from easytrader.trader import Trader


class World:
    """一个在跑的服务器；``token`` 什么都能做，``tokens_of`` 按权限取。"""

    def __init__(
        self, folder: Path, traders: dict[str, Trader], tls: Any = None, **options: Any
    ) -> None:  # fmt: skip
        self.folder = folder
        self.tokens = Tokens(folder / "tokens.json")
        self.token = self.tokens.add("all", ["trade", "funds"])
        self.scoped = {each: self.tokens.add(each, [each]) for each in ("read", "trade", "funds")}
        self.caps = Caps(folder / "caps.db")
        self.stop = StopSwitch(folder / "stopped.json")
        self.audit = Audit(folder / "audit")
        self.desks = {
            name: Desk(
                name, trader, caps=self.caps, stop=self.stop, audit=self.audit,
                folder=folder / "requests" / name,
            )
            for name, trader in traders.items()
        }  # fmt: skip
        self.app = App(self.desks, self.tokens, audit=self.audit, **options)
        self.host = Host(self.app, bound(), tls)
        self.host.start()
        self.port = self.host.port
        self.brokers: dict[str, MemoryBroker] = {}

    def close(self) -> None:
        self.host.stop()
        self.audit.close()
        self.caps.close()

    # ---- REST

    def http(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = "",
        **headers: str,
    ) -> tuple[int, Any, dict[str, str]]:
        """(状态码, JSON, 头)；``token`` 空是全权的，None 是不带。"""
        given = {name.replace("_", "-"): each for name, each in headers.items()}
        if token is not None:
            given.setdefault("Authorization", f"Bearer {token or self.token}")
        data = body
        if body is not None and not isinstance(body, (bytes, str)):
            data = json.dumps(body)
            given.setdefault("Content-Type", "application/json")
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, data, given)
            answer = line.getresponse()
            text = answer.read()
            told = json.loads(text) if text else None
            return answer.status, told, {k.lower(): v for k, v in answer.getheaders()}
        finally:
            line.close()

    def call(self, account: str, verb: str, token: str = "", **kwargs: Any) -> tuple[int, Any]:
        status, told, _ = self.http("POST", f"/v1/accounts/{account}/{verb}", kwargs, token)
        return status, told

    # ---- WebSocket

    @contextmanager
    def socket(self, account: str, token: str = "", **options: Any) -> Iterator[Socket]:
        """一条连着的 WebSocket，已经听过 hello。"""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        url = f"ws://127.0.0.1:{self.port}/v1/accounts/{account}/ws"
        given = {
            "compression": None,
            "proxy": None,
            "max_size": None,
            "close_timeout": 1,
            **options,
        }
        with connect(url, additional_headers=headers, **given) as raw:
            yield Socket(raw)


class Socket:
    """一条 WebSocket。"""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw
        self._ids = itertools.count(1)
        self._early: list[Any] = []
        self._answers: list[Any] = []
        self.hello = self.read()["hello"]

    def send(self, **frame: Any) -> None:
        self.raw.send(json.dumps(frame))

    def read(self, within_s: float = 30) -> Any:
        return json.loads(self.raw.recv(within_s))

    def ask(self, verb: str, *args: Any, ms: int = 10_000, **kwargs: Any) -> Any:
        """发一次调用，读到它的回答；返回整个帧。"""
        return self.answer(self.start(verb, *args, ms=ms, **kwargs))

    def start(self, verb: str, *args: Any, request: str = "", ms: int = 10_000, **kw: Any) -> int:
        """发一次调用，不等；返回编号。会改变什么的给请求号。"""
        number = next(self._ids)
        named = {"request": request} if request else {}
        self.send(id=number, verb=verb, args=args, kwargs=kw, ms=ms, **named)
        return number

    def order(self, verb: str, *args: Any, request: str = "", **kwargs: Any) -> Any:
        """同 `ask`，带请求号。"""
        number = next(self._ids)
        request = request or f"r{number:031x}"
        self.send(id=number, verb=verb, args=args, kwargs=kwargs, request=request)
        return self.answer(number)

    def answer(self, number: int) -> Any:
        """这个编号的（头一个）回答；先来的别的回答、事件都留着。"""
        for index, frame in enumerate(self._answers):
            if frame["id"] == number:
                return self._answers.pop(index)
        while (frame := self.read()).get("id") != number:
            if "id" in frame:
                self._answers.append(frame)
            self._early += frame.get("events", [])
        return frame

    def close_code(self, within_s: float = 30) -> int:
        """读到服务器关掉为止，它的关闭码。"""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.raw.recv(within_s)
        received = self.raw.protocol.close_rcvd
        assert received is not None
        return int(received.code)

    def events(self, count: int) -> list[Any]:
        """读到这么多条事件。"""
        while len(self._early) < count:
            self._early += self.read().get("events", [])
        found, self._early = self._early[:count], self._early[count:]
        return found


@contextmanager
def memory_world(
    folder: Path, count: int = 1, kind: type[MemoryBroker] = MemoryBroker, **options: Any
) -> Iterator[World]:
    """``count`` 个内存柜台：名字 ``a b c…``；``world.brokers`` 是它们的把手。"""
    brokers = [kind() for _ in range(count)]
    traders = {name: each.trader() for name, each in zip("abcdefgh", brokers, strict=False)}
    for broker, trader in zip(brokers, traders.values(), strict=True):
        broker.connect(trader, timeout=5)
    world = World(folder, traders, **options)
    world.brokers = dict(zip(traders, brokers, strict=True))
    try:
        yield world
    finally:
        world.close()
        for trader in traders.values():
            trader.close()
