"""坏人：插进线里伪造帧（`Forger`），占着端口冒充中转（`Squatter`）。都不知道令牌。"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bad_proxy import DOWN, UP, BadProxy

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["FORGED_TAG", "MANNERS_OF_SQUATTERS", "Forger", "Squatter", "frame"]

FORGED_TAG: Final = "~forged000~"
"""伪造的委托用的标记：客户端叫过它一次，就是放进去了。"""

_SUBMIT: Final = {
    "tag": FORGED_TAG, "op": 23, "order_type": 1101, "code": "600036.SH", "pr": 11,
    "price": 32.5, "volume": 100, "strategy": "",
}  # fmt: skip
_ORDER: Final = {"cols": ["m_strOrderSysID", "m_nOrderStatus"], "row": ["999999", 56]}


def frame(message: dict[str, Any], way: str, number: int, key: bytes = b"") -> bytes:
    """照格式写的一帧：`key` 不对，别的都对。"""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    side = b"S" if way == UP else b"A"
    told = side + struct.pack(">Q", number) + body
    mac = hmac.new(key, told, hashlib.sha256).hexdigest()[:32].encode("ascii")
    return struct.pack(">I", len(mac) + len(body)) + mac + body


def _forged(way: str, dice: random.Random) -> bytes:
    number = dice.choice((0, 1, 2, 3, 4, 5, 6))
    if way == UP:
        message = {"t": "q", "id": dice.randint(1, 50), "m": "submit", "a": _SUBMIT, "by": 1e12}
    else:
        message = dice.choice(
            (
                {"t": "r", "id": dice.randint(1, 50), "ok": True, "v": {"state": "dispatched"}},
                {"t": "r", "id": dice.randint(1, 50), "ok": False, "code": "args", "msg": "伪造"},
                {"t": "e", "seq": dice.randint(1, 99), "k": "order", "v": _ORDER},
                {"t": "b", "tick": 10**9, "mono": 1e12, "age_ms": 0, "queue": 0, "seq": 10**9},
            )
        )
    return frame(message, way, number, dice.choice((b"", b"guess")))


class Forger(BadProxy):
    """多会一样：在接下来的一段之前塞进一帧伪造的。"""

    def forge(self, way: str, times: int = 1) -> None:
        """接下来的 ``times`` 段各插一帧；收的一头认出来就会断，所以这条连接算坏了。"""

        def forged(pair: Any, data: bytes) -> list[bytes]:
            pair.damaged = True
            return [_forged(way, self._dice), data]

        self._arm(way, forged, times)


def _hello(dice: random.Random) -> bytes:
    told = {"t": "hello", "v": 1, "agent": 1, "boot": f"{dice.getrandbits(64):016x}"}
    return frame({**told, "nonce": f"{dice.getrandbits(128):032x}"}, DOWN, 0)


def _silent(link: socket.socket, dice: random.Random) -> None:
    _drain(link)


def _garbage(link: socket.socket, dice: random.Random) -> None:
    link.sendall(dice.randbytes(dice.randint(1, 4000)))
    _drain(link)


def _huge(link: socket.socket, dice: random.Random) -> None:
    link.sendall(struct.pack(">I", 0xFFFFFFFF) + b"x" * 100)
    _drain(link)


def _impostor(link: socket.socket, dice: random.Random) -> None:
    """握手照做，证明是编的；有谁当真了，就会来问。"""
    link.sendall(_hello(dice))
    link.recv(65536)
    told = {
        "t": "ok", "proof": secrets.token_hex(32), "account": "", "account_type": "STOCK",
        "orders": True, "mode": "live", "cadence_ms": 100.0, "caps": [], "missing": [],
        "wires": {}, "seq": 0, "mono": 1.0, "tick": 1, "place": "", "cwd": "", "python": "3.6.8",
        "period_ms": 100,
    }  # fmt: skip
    link.sendall(frame(told, DOWN, 1))
    _drain(link)


def _refuser(link: socket.socket, dice: random.Random) -> None:
    link.sendall(_hello(dice))
    link.recv(65536)
    link.sendall(frame({"t": "no", "code": "token", "msg": "squatter"}, DOWN, 1))


MANNERS_OF_SQUATTERS: Final[dict[str, Callable[[socket.socket, random.Random], None]]] = {
    "silent": _silent, "garbage": _garbage, "huge": _huge, "impostor": _impostor,
    "refuser": _refuser,
}  # fmt: skip


class Squatter:
    """占着一个端口，来一个应付一个；``asked``：把它当成中转来问的有几帧。"""

    def __init__(self, dice: random.Random, manner: str, port: int = 0) -> None:
        self._dice, self._manner = dice, MANNERS_OF_SQUATTERS[manner]
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.met = 0
        threading.Thread(target=self._accept, name="squatter", daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for link in self._links:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.met += 1
            with self._lock:
                self._links.add(link)
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link: socket.socket) -> None:
        try:
            with link, suppress(OSError):
                self._manner(link, self._dice)
        finally:
            with self._lock:
                self._links.discard(link)


def _drain(link: socket.socket) -> None:
    while link.recv(65536):
        pass
