"""客户端这一头的连接：内置 Python 与占着文件夹的柜台之间。

帧与 `sim.host.framing` 一样：4 字节大端长度 + ASCII JSON。问一句等一句（哪个线程都可以问，
都有期限），柜台主动说的在收的线程上交给 `listen` 的那个函数。
"""

import itertools
import json
import os
import socket
import struct
import threading
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

PROTOCOL_VERSION = 3
"""与 `sim.gateway.wire.PROTOCOL_VERSION` 同一个数（测试看着）。"""
ASK_S = 30.0
"""问一句最多等多久；柜台在同一台机器上，等这么久就是坏了。"""

_HEAD = struct.Struct(">I")
_MAX_FRAME = 1 << 29


class LinkError(Exception):
    """柜台不答应这一句；文字是柜台说的。"""


class LinkLost(LinkError):
    """与柜台断开了，或一直没有回答。"""


class Killed(BaseException):
    """客户端已经被杀：正在跑的策略代码从这里断掉，谁也没有通知。"""


class Link:
    """一条连着柜台的线。

    Args:
        host: 柜台的地址，总是本机。
        port: 端口。
        token: 口令，不进日志。

    Raises:
        LinkLost: 连不上，或对方不收。
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._numbers = itertools.count(1)
        self._waiting: "Dict[int, _Waiting]" = {}
        self._sending = threading.Lock()
        self._on_event: "Optional[Callable[[str, Any], None]]" = None
        self._on_lost: "Optional[Callable[[str], None]]" = None
        self._reader: "Optional[threading.Thread]" = None
        self._killed = False
        self.lost = ""
        """断开的原因；还连着是空的。"""
        try:
            self._sock = socket.create_connection((host, port), timeout=ASK_S)
        except OSError as error:
            raise LinkLost("连不上柜台：%s" % error) from error
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._sock.makefile("rb", 1 << 16)
        try:
            self._send(["hello", PROTOCOL_VERSION, token, "terminal", 0, os.getpid()])
            said, about = self._receive()
        except (OSError, TypeError, ValueError) as error:
            self.close()
            raise LinkLost("柜台没有招呼：%s" % error) from error
        if said != "welcome":
            self.close()
            raise LinkLost("柜台不收：%s" % about)
        self.host_pid = int(about)
        self._sock.settimeout(None)

    def listen(
        self, on_event: "Callable[[str, Any], None]", on_lost: "Callable[[str], None]"
    ) -> None:
        """开始收：柜台主动说的交给 ``on_event(kind, row)``，断开了叫一次 ``on_lost(原因)``。"""
        self._on_event, self._on_lost = on_event, on_lost
        self._reader = threading.Thread(
            target=self._read, name="easytrader-terminal-link", daemon=True
        )
        self._reader.start()

    def ask(self, verb: str, wait_s: float = ASK_S, **args: "Any") -> "Any":
        """问一句，等回答；不等了的，柜台照样会办。

        Raises:
            LinkError: 柜台说不行，文字是它的。
            LinkLost: 断开了，或 ``wait_s`` 秒没有回答。
            Killed: 客户端已经被杀。
        """
        if self._killed:
            raise Killed
        if self.lost:
            raise LinkLost(self.lost)
        seq, waiting = next(self._numbers), _Waiting()
        self._waiting[seq] = waiting
        try:
            self._send(["ask", seq, verb, args])
        except OSError as error:
            self._waiting.pop(seq, None)
            self._close_with("断开了：%s" % error)
        answered = waiting.done.wait(wait_s)
        self._waiting.pop(seq, None)
        if self._killed:
            raise Killed
        if not answered:
            raise LinkLost("柜台 %g 秒没有回答 %s" % (wait_s, verb))
        if waiting.error is not None:
            raise waiting.error
        return waiting.value

    def kill(self) -> None:
        """像进程被杀那样断开：正在问的都断在 `Killed`。"""
        self._killed = True
        self.close()

    def close(self) -> None:
        """断开，等收的线程结束。可以重复叫。"""
        with suppress(OSError):
            if not self._killed:
                self._send(["bye"])
        self._close_with("已经关闭")
        reader = self._reader
        if reader is None:
            self._input.close()
        elif reader is not threading.current_thread():
            reader.join(10)

    def _send(self, value: "Any") -> None:
        body = json.dumps(value, separators=(",", ":")).encode("ascii")
        with self._sending:
            self._sock.sendall(_HEAD.pack(len(body)) + body)

    def _receive(self) -> "Any":
        (size,) = _HEAD.unpack(self._take(_HEAD.size))
        if size > _MAX_FRAME:
            raise ValueError("一帧 %d 字节" % size)
        return json.loads(self._take(size).decode("ascii"))

    def _take(self, size: int) -> bytes:
        taken: bytes = self._input.read(size)
        if len(taken) < size:
            raise OSError("对端已断开")
        return taken

    def _read(self) -> None:
        why = ""
        try:
            while True:
                self._dispatch(self._receive())
        except (OSError, LookupError, TypeError, ValueError) as error:
            why = str(error)  # 断了，或者说的不是这套话
        told = not self.lost
        self._close_with("断开了：%s" % why)
        self._input.close()
        if told and self._on_lost is not None:
            self._on_lost(self.lost)

    def _dispatch(self, frame: "List[Any]") -> None:
        kind = frame[0]
        if kind == "event":
            if self._on_event is not None:
                self._on_event(frame[1], frame[2])
        elif kind in ("answer", "error"):
            waiting = self._waiting.get(frame[1])
            if waiting is not None:
                if kind == "answer":
                    waiting.value = frame[2]
                else:
                    waiting.error = LinkError(str(frame[2]))
                waiting.done.set()
        else:
            raise ValueError("不认识的话 %r" % (kind,))

    def _close_with(self, why: str) -> None:
        if not self.lost:
            self.lost = why
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for waiting in list(self._waiting.values()):
            if not waiting.done.is_set():
                waiting.error = LinkLost(self.lost)
                waiting.done.set()


class _Waiting:
    """一句等着回答的话。"""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: "Any" = None
        self.error: "Optional[LinkError]" = None
