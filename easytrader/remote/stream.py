"""`Stream`：一条 TCP（或 TLS）连接，不阻塞；每一步都有期限，随时可以叫停。"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import select
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from easytrader.basics import replaying
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.remote.address import Address

_CHUNK: Final = 1 << 16
_SLICE_S: Final = 0.1
"""连接的时候隔这么久问一次还要不要连。"""
_LOOK_S: Final = 0.5
"""Windows 上 select 打断不了，一次最多等这么久。"""

_READ, _WRITE = 1, 4
_AGAIN: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_UNDER_WAY: Final = {errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}


class Stream:
    """连好的一条。读写都不阻塞；TLS 的对象不能两个线程同时用，所以都拿着锁。"""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._io = threading.Lock()

    def receive(self) -> bytes | None:
        """来了的；对面关了为空，还没有来为 None。"""
        with self._io:
            try:
                return self._sock.recv(_CHUNK)
            except _AGAIN:
                return None

    def send(self, data: bytes, deadline: float) -> bool:
        """全部写出去；到期没有写完为假。"""
        left = memoryview(data)
        while True:
            with self._io, contextlib.suppress(*_AGAIN):
                left = left[self._sock.send(left) :]
            if not left:
                return True
            limit_s = deadline - time.monotonic()
            if limit_s <= 0:
                return False
            self.ready(_WRITE, min(limit_s, _LOOK_S))

    def readable(self, limit_s: float) -> bool:
        """等到有东西可读（对面关了也算），最多这么多秒。"""
        return self.ready(_READ, limit_s)

    def ready(self, way: int, limit_s: float) -> bool:
        """等到可读、可写。"""
        return _ready(self._sock, way, limit_s)

    def shut(self) -> None:
        """不再用它：正在等的都醒过来。"""
        # TLS 的 shutdown() 会丢下加密层，别的线程正读着的就成了明文：只关底下的
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """放开；不许还有人在用。"""
        with contextlib.suppress(OSError):
            self._sock.close()


if sys.platform != "win32":

    def _ready(sock: socket.socket, way: int, limit_s: float) -> bool:
        poll = select.poll()
        poll.register(sock, way)
        return bool(poll.poll(limit_s * 1000))

else:  # 没有 poll；连不上的在第三栏里

    def _ready(sock: socket.socket, way: int, limit_s: float) -> bool:
        ways = ([sock] if way == _READ else [], [sock] if way == _WRITE else [], [sock])
        return any(select.select(*ways, min(limit_s, _LOOK_S)))


class Dial:
    """拨一次号：每一步都看期限和要不要停。

    Args:
        address: 连哪里。
        deadline: 最晚到什么时候（``time.monotonic``）。
        stopped: 不要连了为真。
    """

    def __init__(self, address: Address, deadline: float, stopped: Callable[[], bool]) -> None:
        self._address = address
        self._deadline = deadline
        self._stopped = stopped

    def open(self, context: ssl.SSLContext | None) -> Stream:
        """连上，握完手。

        Raises:
            ConnectFailedError: 没连上；什么都没有留下。
        """
        replaying.forbid(f"连 {self._address}")
        reasons: list[str] = []
        found = self._resolve()
        for number, (family, target) in enumerate(found):
            share = self.left_s / (len(found) - number)
            try:
                sock = self._connect(family, target, time.monotonic() + share)
            except OSError as exc:
                if isinstance(exc, ConnectFailedError):
                    raise
                reasons.append(str(exc))
                continue
            try:
                return Stream(sock if context is None else self._encrypt(sock, context))
            except BaseException:
                sock.close()
                raise
        why = "；".join(dict.fromkeys(reasons))
        raise ConnectFailedError(
            f"连不上 {self._address}（{why}）：那台机器上 easytrader serve 在不在跑，"
            "地址、端口对不对，防火墙放没放行"
        )

    @property
    def left_s(self) -> float:
        """还剩多少秒。

        Raises:
            ConnectFailedError: 没有了，或不要连了。
        """
        if self._stopped():
            raise ConnectFailedError("这次连接被取消")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ConnectFailedError(f"连接 {self._address}，期限内没有连好")
        return left

    def wait(self, stream: socket.socket | Stream, way: int = _READ) -> None:
        """等到可读、可写，或期限过了、不要连了。"""
        ready = stream.ready if isinstance(stream, Stream) else _bound(stream)
        while not ready(way, min(self.left_s, _SLICE_S)):
            pass

    def _resolve(self) -> list[tuple[int, tuple[object, ...]]]:
        host, port = self._address.host, self._address.port
        local = self._address.is_loopback

        def look() -> list[tuple[int, tuple[object, ...]]]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return [(int(each[0]), tuple(each[4])) for each in found]

        try:
            # 名字服务没有期限；写的是数字、本机的不必问它
            quick = local or _is_number(host)
            found = look() if quick else call_aside(look, self.left_s, stop=self._stopped)
        except AbandonedError:
            self.left_s  # noqa: B018  是叫停的、到期的说清楚
            raise ConnectFailedError(f"找不到主机 {host}：名字服务没有应答") from None
        except OSError as exc:
            raise ConnectFailedError(f"找不到主机 {host}（{exc}）：名字写得对不对") from exc
        found = list(dict.fromkeys(found))
        if local:  # hosts 文件里的 localhost 可以指到别处
            found = [each for each in found if ipaddress.ip_address(str(each[1][0])).is_loopback]
        if not found:
            raise ConnectFailedError(f"找不到主机 {host}：没有地址")
        return found

    def _connect(self, family: int, target: tuple[object, ...], deadline: float) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            code = sock.connect_ex(target)
            while code in _UNDER_WAY:
                limit_s = min(self.left_s, _SLICE_S, deadline - time.monotonic())
                if limit_s <= 0:
                    raise TimeoutError("没有应答")
                if _ready(sock, _WRITE, limit_s):
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    break
            if code:
                raise OSError(code, _told(code))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _encrypt(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        host = self._address.host
        try:
            made = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        except ValueError as exc:
            raise ConnectFailedError(f"主机名 {host} 用不了：{exc}") from exc
        try:
            while True:
                try:
                    made.do_handshake()
                except ssl.SSLWantReadError:  # noqa: PERF203
                    self.wait(made, _READ)
                except ssl.SSLWantWriteError:
                    self.wait(made, _WRITE)
                else:
                    return made
        except BaseException as exc:
            made.close()
            if isinstance(exc, OSError) and not isinstance(exc, ConnectFailedError):
                raise ConnectFailedError(tls_told(self._address, exc)) from exc
            raise


def _bound(sock: socket.socket) -> Callable[[int, float], bool]:
    return lambda way, limit_s: _ready(sock, way, limit_s)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _told(code: int) -> str:
    import os

    return os.strerror(code)


def tls_told(address: Address, error: OSError) -> str:
    """TLS 没有成，怎么说。"""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{address} 的证书系统不认（{error.verify_message}）：自签的证书请给 fingerprint="
            "（easytrader serve init 会打印）；什么都没有发给它"
        )
    return f"与 {address} 的 TLS 握手没有成（{error}）：那个端口上是不是 https"
