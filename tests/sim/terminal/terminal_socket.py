"""一个直接说帧的完整版客户端：看主机说了什么。"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from easytrader.sim.gateway.wire import PROTOCOL_VERSION
from easytrader.sim.host.framing import FrameSocket

if TYPE_CHECKING:
    from easytrader.sim.host.lease import ServiceInfo


class TerminalSocket:
    """连上主机的一个客户端；事件攒在 ``events``。"""

    def __init__(self, info: ServiceInfo, token: str = "") -> None:
        sock = socket.create_connection(("127.0.0.1", info.port), timeout=15)
        self.frames = FrameSocket(sock)
        self.frames.settimeout(15)
        self.frames.send(
            ["hello", PROTOCOL_VERSION, token or info.token, "terminal", 0, os.getpid()]
        )
        self.greeting = self.frames.receive()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._seq = 0

    def ask(self, verb: str, **args: Any) -> Any:
        """问一件事，等到回答；其间的事件收着。"""
        self._seq += 1
        self.frames.send(["ask", self._seq, verb, args])
        while True:
            kind, seq, value = self.frames.receive()
            if kind == "event":
                self.events.append((seq, value))
                continue
            assert seq == self._seq
            if kind == "error":
                raise LookupError(value)
            return value

    def until(self, kind: str) -> dict[str, Any]:
        """收到这一种事件为止（收过的也算），取走它。"""
        while True:
            for place, (found, row) in enumerate(self.events):
                if found == kind:
                    del self.events[: place + 1]
                    return row
            _, found, row = self.frames.receive()
            self.events.append((found, row))

    def close(self) -> None:
        self.frames.close()
