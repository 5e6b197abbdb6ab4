"""套接字上的一帧：4 字节大端长度 + UTF-8 JSON；JSON 数组换回请求。

服务端和客户端共用。帧的内容::

    客户端 → 服务端   ["hello", 版本, 口令, 种类, 会话号, 进程号]，种类：session control terminal
    服务端 → 客户端   ["welcome", 进程号] | ["refused", 原因]
    会话中           请求 [verb, seq, args]、["bye"]；消息 [kind, seq, payload]
    控制连接         ["status"] | ["faults"] | ["fault", {...}] | ["clear"] | ["stop"]
                     → ["ok", 数据] | ["error", 文字]
    完整版客户端的     见 `terminal_port`
"""

from __future__ import annotations

import json
import socket
import struct
from contextlib import suppress
from typing import Any, Final

from easytrader.sim.gateway.verbs import VERBS
from easytrader.sim.gateway.wire import Request

_HEAD: Final = struct.Struct(">I")
_CHUNK: Final = 1 << 18
MAX_FRAME: Final = 1 << 29
"""一天几十万笔委托的一次全量查询也装得下。"""
MAX_REQUEST: Final = 1 << 20
"""客户端发来的一帧不会这么大；再大就不是我们的客户端。"""

_encoder: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
"""转义成 ASCII：备注里截断出来的半个代理字符也能原样往返。"""


class FrameError(ConnectionError):
    """对端说的不是这套话（长度离谱、不是 JSON、少了字段）。"""


def encode(value: Any) -> bytes:
    """一帧的字节。"""
    body = _encoder.encode(value).encode("ascii")
    return _HEAD.pack(len(body)) + body


class FrameSocket:
    """按帧收发的套接字。一个线程收、一个线程发；``close()`` 谁都可以调。"""

    def __init__(self, sock: socket.socket, limit: int = MAX_FRAME) -> None:
        self._sock = sock
        self._limit = limit
        self._buffer = bytearray()
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def settimeout(self, seconds: float | None) -> None:
        """此后每次收发的期限；None 为一直等到对端说话或断开。"""
        self._sock.settimeout(seconds)

    def send(self, *values: Any) -> None:
        """发一帧或连着几帧（一次系统调用）。"""
        self._sock.sendall(b"".join(map(encode, values)))

    def send_bytes(self, frames: bytes) -> None:
        """发已经编好的帧。"""
        self._sock.sendall(frames)

    def receive(self) -> Any:
        """收一帧；对端正常关闭为 EOFError，说错话为 FrameError。"""
        (size,) = _HEAD.unpack(self._take(_HEAD.size))
        if size > self._limit:
            raise FrameError(f"一帧 {size} 字节，超过上限 {self._limit}")
        try:
            return json.loads(self._take(size))
        except (ValueError, RecursionError) as error:
            raise FrameError(f"收到的不是 JSON：{error}") from error

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            chunk = self._sock.recv(_CHUNK)
            if not chunk:
                raise EOFError("对端已断开")
            self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def stop_receiving(self) -> None:
        """不再收（正等着收的立刻结束），还可以发。"""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """断开；另一个线程里正阻塞的收发立刻结束。可重复调用。"""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._sock.close()


_PLAIN: Final = (str, int, float)


def to_request(frame: Any) -> Request:
    """服务端：``[verb, seq, args]`` → Request（args 换回动作表里的类）。"""
    try:
        verb, seq, args = frame
        made = VERBS[verb].args
        if not all(isinstance(each, _PLAIN) for each in args):
            raise TypeError("参数里有数组或对象")
        return Request(verb, int(seq), tuple(args) if made is None else made(*args))
    except (KeyError, TypeError, ValueError) as error:
        raise FrameError(f"不认识的请求：{str(frame)[:120]}") from error


def to_ask(frame: Any) -> tuple[int, str, dict[str, Any]]:
    """服务端：完整版客户端的 ``["ask", 序号, 动作, {参数}]``。"""
    if isinstance(frame, list) and len(frame) == 4 and frame[0] == "ask":
        _, seq, verb, args = frame
        if isinstance(seq, int) and isinstance(verb, str) and isinstance(args, dict):
            return seq, verb, args
    raise FrameError(f"不认识的请求：{str(frame)[:120]}")
