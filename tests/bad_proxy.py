"""坏网线：客户端与服务器之间的 TCP 代理，会剪断、拖慢、吞掉、重放、截短、弄乱。

方向 ``up`` 是客户端到服务器，``down`` 反过来。一次性的故障落在那个方向接下来的一段字节上；
吞掉的方向再也不通，直到连接断开：真的半开就是这样，TCP 不会丢了中间再接着给。
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DOWN", "UP", "WAYS", "BadProxy"]

UP, DOWN = "up", "down"
WAYS: Final = (UP, DOWN)
_CHUNK: Final = 65536
_CONNECT_S: Final = 5.0


class _Pair:
    """一条连接的两头。"""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.ends = {UP: (client, server), DOWN: (server, client)}
        self.swallowed: set[str] = set()
        self.left = 2
        self.damaged = False
        self.gone = threading.Event()

    def cut(self, rst: bool) -> None:
        self.gone.set()
        for end, _ in self.ends.values():
            if rst:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                with suppress(OSError):  # 正等着读的线程也要醒
                    end.shutdown(socket.SHUT_RD)
            else:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            end.close()


class BadProxy:
    """``target`` 是服务器的端口，都在回环上。故障哪个线程都可以出。"""

    def __init__(self, target: int, seed: int | str = 0) -> None:
        self.target = target
        self.accepted = 0
        self.flip = 0x80
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()
        self._once: dict[str, list[Callable[[_Pair, bytes], list[bytes]]]] = {UP: [], DOWN: []}
        self._delay_s = {UP: 0.0, DOWN: 0.0}
        self._drip = {UP: False, DOWN: False}
        self._swallow_new: set[str] = set()
        self._refusals = 0
        self._calm = threading.Event()
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="bad-proxy", daemon=True).start()

    # ---- 故障

    def cut(self, rst: bool = False) -> None:
        """现有的连接全断；``rst``：不打招呼。"""
        for pair in self._current():
            pair.cut(rst)

    def refuse(self, times: int) -> None:
        """接下来这么多条新连接一来就断。"""
        with self._lock:
            self._refusals = times

    def delay(self, way: str, seconds: float) -> None:
        """每一段都慢这么久，直到 `calm`。"""
        self._delay_s[way] = seconds

    def drip(self, way: str) -> None:
        """拆成几个字节几个字节地给，直到 `calm`。"""
        self._drip[way] = True

    def swallow(self, way: str, *, fresh: bool = False) -> None:
        """现有的连接这个方向再也不通；``fresh``：之后的新连接也是，直到 `calm`。"""
        with self._lock:
            if fresh:
                self._swallow_new.add(way)
            for pair in self._pairs:
                pair.swallowed.add(way)
                pair.damaged = True

    def hold(self, way: str, seconds: float) -> None:
        """接下来的一段扣住这么久再送；那一头挂断了也照样送到。"""

        def held(pair: _Pair, data: bytes) -> list[bytes]:
            self._closed.wait(seconds)
            return [data]

        self._arm(way, held, 1)

    def duplicate(self, way: str, times: int = 1) -> None:
        """接下来的一段送两遍。"""
        self._arm(way, lambda pair, data: [data, data], times)

    def truncate(self, way: str, times: int = 1) -> None:
        """接下来的一段只送前一半，就断。"""

        def truncated(pair: _Pair, data: bytes) -> list[bytes]:
            pair.damaged = True
            return [data[: len(data) // 2], b""]

        self._arm(way, truncated, times)

    def garble(self, way: str, times: int = 1) -> None:
        """接下来的一段里坏一个字节：与 `flip` 异或。

        明文的线上翻最高位：无论落在帧头还是文字里都认得出；翻别的位会把 32.5 变成 72.5，
        没有校验的明文谁也看不出来，那是 TLS 的事（走 TLS 时什么都可以翻）。请求行与头里的也不翻：
        令牌变了一个字，谁看都是令牌不对。
        """

        def garbled(pair: _Pair, data: bytes) -> list[bytes]:
            if data.startswith((b"GET ", b"POST ")):
                self._arm(way, garbled, 1)
                return [data]
            pair.damaged = True
            spoilt = bytearray(data)
            spoilt[self._dice.randrange(len(spoilt))] ^= self.flip
            return [bytes(spoilt)]

        self._arm(way, garbled, times)

    def calm(self) -> None:
        """故障全收；已经坏了的连接断开。"""
        with self._lock:
            self._refusals = 0
            self._swallow_new.clear()
            for way in WAYS:
                self._once[way].clear()
                self._delay_s[way] = 0.0
                self._drip[way] = False
        self._calm.set()  # 正在慢的不必慢完
        self._calm = threading.Event()
        for pair in self._current():
            if pair.damaged:
                pair.cut(rst=False)

    def close(self) -> None:
        """不再接，全断。"""
        self._closed.set()
        self._calm.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    @property
    def connections(self) -> int:
        """还没有断的。"""
        return len(self._current())

    # ---- 里面

    def _arm(self, way: str, fault: Callable[[_Pair, bytes], list[bytes]], times: int) -> None:
        with self._lock:
            self._once[way] += [fault] * times

    def _current(self) -> list[_Pair]:
        with self._lock:
            return list(self._pairs)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                refused = self._refusals > 0
                self._refusals -= refused
            if refused:
                client.close()
                continue
            threading.Thread(target=self._open, args=(client,), daemon=True).start()

    def _open(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), _CONNECT_S)
        except OSError:
            client.close()
            return
        pair = _Pair(client, server)
        for end in (client, server):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            pair.swallowed |= self._swallow_new
            pair.damaged = bool(pair.swallowed)
            self._pairs.add(pair)
        if self._closed.is_set():
            pair.cut(rst=False)
        for way in WAYS:
            threading.Thread(
                target=self._pump, args=(pair, way), name=f"bad-proxy-{way}", daemon=True
            ).start()

    def _pump(self, pair: _Pair, way: str) -> None:
        source, drain = pair.ends[way]
        try:
            while data := source.recv(_CHUNK):
                for piece in self._treat(pair, way, data):
                    if not piece:
                        pair.cut(rst=False)
                        return
                    with suppress(OSError):  # 收的一头没了：发的一头还要读干净
                        drain.sendall(piece)
        except OSError:
            pass
        finally:
            if not pair.gone.is_set():  # 剪断的不再打招呼
                with suppress(OSError):
                    drain.shutdown(socket.SHUT_WR)
            self._ended(pair)

    def _ended(self, pair: _Pair) -> None:
        with self._lock:
            pair.left -= 1
            last = pair.left == 0
            if last:
                self._pairs.discard(pair)
        if last:
            pair.cut(rst=False)

    def _treat(self, pair: _Pair, way: str, data: bytes) -> list[bytes]:
        with self._lock:
            once = self._once[way]
            fault = once.pop(0) if once else None
            delay_s, drip, calm = self._delay_s[way], self._drip[way], self._calm
        if delay_s:
            calm.wait(delay_s)
        pieces = [data] if fault is None else fault(pair, data)
        if way in pair.swallowed:
            return []
        if drip and fault is None:
            return [data[at : at + 3] for at in range(0, len(data), 3)]
        return pieces
