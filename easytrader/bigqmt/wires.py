"""三种线：回环上的 TCP、命名管道、文件夹。只管字节，话由 `line` 说。

都只在本机：中转只在 127.0.0.1 上听，管道拒绝远程的，文件夹是自己的。
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from easytrader.basics.private import private_folder
from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable

_HOST: Final = "127.0.0.1"
_READ_BYTES: Final = 1 << 18
_PIPE_PAUSE_S: Final = 0.005
_FILE_PAUSE_S: Final = 0.01
_PIPE_BUSY: Final = 231
_DENIED: Final = 5
_NO_WAIT: Final = 1
"""PIPE_NOWAIT：对面不收的时候写不进去就回来，不占着句柄等。"""
_PIPE_GONE: Final = frozenset({109, 232, 233})
"""对面走了：断开的管道。"""


class WireError(EasytraderError):
    """线断了、接不上；信息里说为什么。"""


class Wire(Protocol):
    """一条接通的线。一个线程读，许多线程写（写的人自己排队），任何线程可以关。"""

    name: str
    """给人看的。"""

    def send(self, data: bytes, deadline: float) -> None:
        """写完，最晚到 ``deadline``（``time.monotonic``）；写不完抛 `WireError`。"""

    def receive(self, limit_s: float) -> bytes:
        """来了什么；这么久没有为空。断了抛 `WireError`。"""

    def close(self) -> None:
        """断开，正在读的马上知道；可重复。"""


class TcpWire:
    """回环上的 TCP。

    Args:
        port: 端口。
        deadline: 最晚到什么时候接通（``time.monotonic``）。

    Raises:
        WireError: 接不上。
    """

    def __init__(self, port: int, deadline: float) -> None:
        self.name = f"TCP {_HOST}:{port}"
        try:
            self._sock = socket.create_connection((_HOST, port), max(0.01, _left(deadline)))
        except OSError as exc:
            raise WireError(f"{self.name}：{exc}") from exc
        self._sock.setblocking(False)
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._closed = False

    def send(self, data: bytes, deadline: float) -> None:
        """写完。"""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except (BlockingIOError, InterruptedError):  # noqa: PERF203  写满了才会来
                self._await_room(deadline)
            except OSError as exc:
                raise WireError(f"{self.name} 写不出去：{exc}") from exc

    def _await_room(self, deadline: float) -> None:
        left_s = _left(deadline)
        if left_s <= 0:
            raise WireError(f"{self.name}：对面不收")
        try:
            select.select((), (self._sock,), (), min(left_s, 0.5))
        except (OSError, ValueError) as exc:
            raise WireError(f"{self.name} 断开了：{exc}") from exc

    def receive(self, limit_s: float) -> bytes:
        """来了什么。"""
        try:
            if not select.select((self._sock,), (), (), max(0.0, limit_s))[0]:
                return b""
            data = self._sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except (OSError, ValueError) as exc:
            raise WireError(f"{self.name} 断开了：{exc}") from exc
        if not data:
            raise WireError(f"{self.name}：对面断开了")
        return data

    def close(self) -> None:
        """断开。"""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # 正在 select 的马上醒
            self._sock.close()


class PipeWire:
    r"""Windows 的命名管道。同一个句柄上边读边写会互相卡住，所以先看有没有再读，读写各占一小会儿。

    Args:
        path: 管道，``\\.\pipe\…``。
        deadline: 最晚到什么时候接通。
        kernel32: ``ctypes.windll.kernel32``；测试给假的。

    Raises:
        WireError: 接不上。
    """

    def __init__(self, path: str, deadline: float, kernel32: Any = None) -> None:
        import ctypes

        self.name = f"管道 {path}"
        self._ctypes = ctypes
        if kernel32 is None:
            if os.name != "nt":
                raise WireError(f"{self.name}：命名管道只有 Windows 上有")
            # 平常的 windll 取不准错误码：中间 Python 自己也会调用系统
            kernel32 = vars(ctypes)["WinDLL"]("kernel32", use_last_error=True)
            self._last_error = vars(ctypes)["get_last_error"]
        else:
            self._last_error = kernel32.GetLastError
        self._kernel = kernel32
        self._gate = threading.Lock()
        self._closed = threading.Event()
        self._handle = self._open(path, deadline)

    def _open(self, path: str, deadline: float) -> int:
        read_write, existing = 0xC0000000, 3
        create = self._kernel.CreateFileW
        if hasattr(create, "restype"):
            create.restype = self._ctypes.c_void_p
        while True:
            handle = create(path, read_write, 0, None, existing, 0, None)
            if handle not in (None, -1, 2**64 - 1, 2**32 - 1):
                mode = self._ctypes.c_ulong(_NO_WAIT)
                pointer = self._ctypes.c_void_p(handle)
                self._kernel.SetNamedPipeHandleState(pointer, self._ctypes.byref(mode), None, None)
                return int(handle)
            error = self._last_error()
            if error == _DENIED:
                told = "不让打开：客户端是以管理员身份运行的，这个程序也要以管理员身份运行"
                raise WireError(f"{self.name}：{told}")
            if error != _PIPE_BUSY or _left(deadline) <= 0:
                raise WireError(f"{self.name}：打不开（错误 {error}）")
            self._closed.wait(_PIPE_PAUSE_S)

    def send(self, data: bytes, deadline: float) -> None:
        """写完。"""
        rest = data
        while rest:
            written = self._ctypes.c_ulong(0)
            with self._gate:
                self._check_open()
                done = self._kernel.WriteFile(
                    self._pointer, rest, len(rest), self._ctypes.byref(written), None
                )
            if not done:
                raise WireError(f"{self.name} 写不出去（错误 {self._last_error()}）")
            rest = rest[written.value :]
            if rest:
                if _left(deadline) <= 0:
                    raise WireError(f"{self.name}：对面不收")
                self._closed.wait(_PIPE_PAUSE_S)

    def receive(self, limit_s: float) -> bytes:
        """来了什么。"""
        deadline = time.monotonic() + limit_s
        while True:
            data = self._read()
            left_s = _left(deadline)
            if data or left_s <= 0:
                return data
            self._closed.wait(min(_PIPE_PAUSE_S, left_s))

    def _read(self) -> bytes:
        count = self._ctypes.c_ulong(0)
        with self._gate:
            self._check_open()
            pointer, there = self._pointer, self._ctypes.byref(count)
            if not self._kernel.PeekNamedPipe(pointer, None, 0, None, there, None):
                error = self._last_error()
                gone = "对面断开了" if error in _PIPE_GONE else f"读不了（错误 {error}）"
                raise WireError(f"{self.name}：{gone}")
            if not count.value:
                return b""
            size = min(count.value, _READ_BYTES)
            buffer = self._ctypes.create_string_buffer(size)
            if not self._kernel.ReadFile(pointer, buffer, size, there, None):
                raise WireError(f"{self.name}：读不了（错误 {self._last_error()}）")
            return buffer.raw[: count.value]

    @property
    def _pointer(self) -> Any:
        return self._ctypes.c_void_p(self._handle)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise WireError(f"{self.name}：已经关了")

    def close(self) -> None:
        """断开。"""
        if not self._closed.is_set():
            self._closed.set()
            with self._gate:
                self._kernel.CloseHandle(self._pointer)


class SpoolWire:
    """一个文件夹：``in`` 是给中转的，``out`` 是它给的，一个文件几帧，写好才改成真名，读完就删。

    Args:
        spool: 中转看着的文件夹；这里建一个 ``c-随机``。

    Raises:
        WireError: 建不了。
    """

    def __init__(self, spool: str) -> None:
        self.name = f"文件夹 {spool}"
        self._folder = Path(spool) / f"c-{secrets.token_hex(8)}"
        self._in, self._out = self._folder / "in", self._folder / "out"
        self._closed = threading.Event()
        self._written = self._taken = 0
        try:
            private_folder(self._out)
            private_folder(self._in)
        except OSError as exc:
            raise WireError(f"{self.name}：{exc}") from exc

    def send(self, data: bytes, deadline: float) -> None:
        """写一个文件。"""
        name = str(self._written)
        try:
            beside = self._in / f"{name}.tmp"
            beside.write_bytes(data)
            beside.replace(self._in / f"{name}.bin")
        except OSError as exc:
            raise WireError(f"{self.name} 写不出去：{exc}") from exc
        self._written += 1

    def receive(self, limit_s: float) -> bytes:
        """下一个文件。"""
        deadline = time.monotonic() + limit_s
        while True:
            data = self._next()
            left_s = _left(deadline)
            if data or left_s <= 0:
                return data
            self._closed.wait(min(_FILE_PAUSE_S, left_s))

    def _next(self) -> bytes:
        if self._closed.is_set() or not self._out.is_dir():
            raise WireError(f"{self.name}：对面收走了文件夹")
        path = self._out / f"{self._taken}.bin"
        try:
            data = path.read_bytes()
            path.unlink()
        except FileNotFoundError:
            return b""
        except PermissionError:  # Windows 上对面还没有放手
            return b""
        except OSError as exc:
            raise WireError(f"{self.name} 读不了：{exc}") from exc
        self._taken += 1
        return data

    def close(self) -> None:
        """收走自己的文件夹。"""
        if not self._closed.is_set():
            self._closed.set()
            shutil.rmtree(self._folder, ignore_errors=True)


def ways(
    ports: tuple[int, ...], pipe: str, spool: str
) -> list[tuple[str, list[Callable[[float], Wire]]]]:
    """可以试的线，先快的：（哪一种，各是怎样接）。

    Args:
        ports: TCP 的端口；0 不算。
        pipe: 管道；空、不在 Windows 上不算。
        spool: 文件夹；空的、还没有的不算。
    """
    found: list[tuple[str, list[Callable[[float], Wire]]]] = []
    tcp: list[Callable[[float], Wire]] = [_tcp(port) for port in ports if port]
    if tcp:
        found.append(("TCP", tcp))
    if pipe and os.name == "nt":
        found.append(("命名管道", [lambda deadline: PipeWire(pipe, deadline)]))
    if spool:
        found.append(("文件夹", [lambda _: SpoolWire(spool)]))
    return found


def _tcp(port: int) -> Callable[[float], Wire]:
    return lambda deadline: TcpWire(port, deadline)


def _left(deadline: float) -> float:
    return deadline - time.monotonic()
