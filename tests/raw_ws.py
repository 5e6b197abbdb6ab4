"""自己写的最小的 HTTP 与 WebSocket 客户端：发得出任何字节，也看得见收到的每一个字节。"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
from typing import Any, Final

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "RawWs", "dial", "frame", "http", "upgrade"]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_KEY: Final = base64.b64encode(b"0123456789abcdef").decode()


def frame(
    payload: bytes,
    opcode: int = TEXT,
    *,
    fin: bool = True,
    masked: bool = True,
    rsv: int = 0,
    length: int | None = None,
) -> bytes:
    """一帧；``length`` 可以说谎。"""
    said = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if said < 126:
        head += bytes([bit | said])
    elif said < 1 << 16:
        head += bytes([bit | 126]) + struct.pack("!H", said)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", said)
    if not masked:
        return head + payload
    key = os.urandom(4)
    wide = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")
    return head + key + mixed.to_bytes(len(payload), "big")


def dial(port: int, timeout: float, secure: bool = False) -> socket.socket:
    """连上；``secure``：TLS，谁的证书都收（认证书是别的测试的事）。"""
    link = socket.create_connection(("127.0.0.1", port), timeout)
    if not secure:
        return link
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(link)
    except BaseException:
        link.close()
        raise


def upgrade(port: int, account: str, token: str | None, extra: str = "", host: str = "") -> bytes:
    """升级的请求。"""
    lines = [
        f"GET /v1/accounts/{account}/ws HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port}'}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
    ]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + f"\r\n{extra}\r\n").encode("utf-8")


def http(
    port: int,
    method: str,
    path: str,
    token: str | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 10.0,
    secure: bool = False,
) -> tuple[int, dict[str, str], bytes]:
    """一个请求：(状态, 头, 体)。不走代理，不跟跳转。"""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with dial(port, timeout, secure) as link:
        link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
        return answer(link)


def answer(link: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """读到对方关为止。"""
    got = b""
    while part := link.recv(65536):
        got += part
    head, _, rest = got.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("没有应答就断了")
    first, *lines = head.decode("latin-1").split("\r\n")
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        found[name.strip().lower()] = value.strip()
    if found.get("transfer-encoding") == "chunked":
        rest = _unchunked(rest)
    return int(first.split()[1]), found, rest


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        whole, data = whole + data[:count], data[count + 2 :]
    return whole


class RawWs:
    """一条 WebSocket：只管帧，不管里面说什么。"""

    def __init__(
        self,
        port: int,
        account: str,
        token: str | None,
        timeout: float = 10.0,
        extra: str = "",
        secure: bool = False,
    ) -> None:
        self.link = dial(port, timeout, secure)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._id = 0
        self.events: list[dict[str, Any]] = []
        """不是应答的帧。"""
        try:
            self.link.sendall(upgrade(port, account, token, extra))
            status, head = self._head()
            if status != 101:
                raise ConnectionError(f"没有升级：{head}")
            self.hello: dict[str, Any] = self.receive()["hello"]
        except BaseException:
            self.link.close()
            raise

    def _head(self) -> tuple[int, str]:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode("latin-1")

    def _more(self) -> None:
        part = self.link.recv(1 << 18)
        if not part:
            raise ConnectionError("服务器断开了")
        self._buffer += part

    def _take(self, count: int) -> bytes:
        if len(self._buffer) < count:
            parts, have = [self._buffer], len(self._buffer)
            while have < count:
                part = self.link.recv(1 << 18)
                if not part:
                    raise ConnectionError("服务器断开了")
                parts.append(part)
                have += len(part)
            self._buffer = b"".join(parts)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """一条完整的消息：(opcode, 内容)；ping 回了再说。"""
        whole, kind = b"", 0
        while True:
            first, second = self._take(2)
            count = second & 0x7F
            if count == 126:
                count = struct.unpack("!H", self._take(2))[0]
            elif count == 127:
                count = struct.unpack("!Q", self._take(8))[0]
            data, opcode = self._take(count), first & 0xF
            if opcode == PING:
                self.link.sendall(frame(data, PONG))
                continue
            if opcode >= CLOSE:
                return opcode, data
            whole, kind = whole + data, kind or opcode
            if first & 0x80:
                return kind, whole

    def receive(self) -> dict[str, Any]:
        """下一个 JSON 对象；服务器要关就是 ConnectionError。"""
        opcode, data = self.frame()
        if opcode == CLOSE:
            code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
            raise ConnectionError(f"服务器关了：{code} {data[2:].decode(errors='replace')}")
        told: dict[str, Any] = json.loads(data)
        return told

    def send(self, message: Any) -> None:
        self.link.sendall(frame(json.dumps(message).encode()))

    def call(self, verb: str, *args: Any, request: str = "", ms: int = 5000, **kwargs: Any) -> Any:
        """调用，返回整个应答（``result`` 或 ``error``）。"""
        self._id += 1
        told: dict[str, Any] = {"id": self._id, "verb": verb, "args": list(args), "ms": ms}
        told["kwargs"] = kwargs
        if request:
            told["request"] = request
        self.send(told)
        return self.reply(self._id)

    def reply(self, number: int) -> dict[str, Any]:
        """等这个编号的应答；路上的事件放进 `events`。"""
        while True:
            heard = self.receive()
            if heard.get("id") == number and ("result" in heard or "error" in heard):
                return heard
            self.events.append(heard)

    def close(self) -> None:
        self.link.close()

    def __enter__(self) -> RawWs:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
