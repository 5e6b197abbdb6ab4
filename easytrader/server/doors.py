"""门口：HTTP 与 WebSocket 的连接。uvicorn 不管的在这里管：半截的请求、连接数、直接写的帧。

连接多了，先请走还没有出示过有效令牌的里最早来的：占着不放的人挡不住后来的人。
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:  # 没有编译好的
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

PATIENCE_S: Final = 10.0
"""连上到第一个请求收完、一个请求从第一个字节到最后一个，最多这么久。"""
MOST: Final = 400
"""一共最多这么多条连接：Windows 的 select 只管得了 512 个套接字，Linux 多半一个进程 1024 个。"""
MOST_STRANGERS: Final = 128
"""同一个地址、还没有出示过有效令牌的，最多这么多条；一下子来一百个好人也够。"""
MOST_BACKLOG: Final = 16 << 20
"""一条连接上写好了、对面还没有读走的超过这么多字节，又有一个回答要写：断开它。"""
CLOSE_SLOW: Final = 4408
"""WebSocket 的关闭码：读得太慢，重新连上、重新订阅。"""
_HIGH_WATER: Final = 256 << 10
_CUT_S: Final = 1.0
_FIN, _MASKED, _SHORTEST = 0x80, 0x80, 6
_TEXT: Final = _FIN | Opcode.TEXT
_LONGER: Final = _MASKED | 126
_MOST_REASON: Final = 40
"""关闭的理由最多 123 个字节，一个汉字三个。"""


class Doors:
    """连着的连接；都在循环的线程上。

    Args:
        most: 一共最多几条。
        most_strangers: 同一个地址、还没有出示过有效令牌的，最多几条。
    """

    def __init__(self, most: int = MOST, most_strangers: int = MOST_STRANGERS) -> None:
        self._most = most
        self._most_strangers = most_strangers
        self._all: set[asyncio.Transport] = set()
        # 连接 → 哪里来的，早来的在前
        self._strangers: dict[asyncio.Transport, str] = {}

    def enter(self, transport: asyncio.Transport) -> None:
        """来了一条；太多了就请走一条陌生的，没有陌生的就不让它进。"""
        if transport in self._all:
            return  # 升级成 WebSocket 的
        place = _place(transport.get_extra_info("peername"))
        near = [each for each, of in self._strangers.items() if of == place]
        if len(near) >= self._most_strangers:
            self._turn_out(near[0])
        elif len(self._all) >= self._most:
            self._turn_out(next(iter(self._strangers), transport))
        self._all.add(transport)
        self._strangers[transport] = place

    def trust(self, transport: asyncio.Transport) -> None:
        """它出示了有效的令牌。"""
        self._strangers.pop(transport, None)

    def leave(self, transport: asyncio.Transport) -> None:
        """走了。"""
        self._all.discard(transport)
        self._strangers.pop(transport, None)

    def __len__(self) -> int:
        return len(self._all)

    def _turn_out(self, transport: asyncio.Transport) -> None:
        self.leave(transport)
        transport.abort()


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))


def _place(peer: Any) -> str:
    """地址；IPv6 的看前 64 位，后面的一台机器想有多少有多少。"""
    return _network(str(peer[0])) if peer else ""


class DoorConfig(uvicorn.Config):
    """uvicorn 的设置，带着门口的账。"""

    doors: Doors


class TlsGate(asyncio.Protocol):
    """握着 TLS 的手的连接：也在门口的账里，握完了才交给 `HttpDoor`。

    ``create_server(ssl=…)`` 要到握完手才说有这条连接：沉默的、只说一半的就数不到了。

    Args:
        door: 握完了交给谁。
        tls: 证书。
    """

    def __init__(self, door: HttpDoor, tls: ssl.SSLContext) -> None:
        self._door = door
        self._tls = tls
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        """来了。"""
        self._door.config.doors.enter(transport)
        self._task = self._door.loop.create_task(self._shake_hands(transport))

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        early, door = _Early(), self._door
        if transport.is_closing():
            return  # 已经请走了：再去握手，要占着它的缓冲到期限为止
        try:
            secure = await door.loop.start_tls(
                transport, early, self._tls, server_side=True, ssl_handshake_timeout=PATIENCE_S
            )
        except OSError as exc:  # 断了、说的不是 TLS、太慢
            # 回溯里的那几层又指着它，成了圈：四分之一兆的缓冲要等很久才有人收
            exc.with_traceback(None)
            return
        finally:
            door.config.doors.leave(transport)
        if secure is not None and not early.is_lost:
            door.connection_made(secure)
            secure.set_protocol(door)
            if early.data:
                door.data_received(bytes(early.data))


class _Early(asyncio.Protocol):
    """手刚握完就来了的：还没有轮到 `HttpDoor`，先留着。"""

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


class HttpDoor(H11Protocol):
    """一条 HTTP 连接；端点在 ``scope["state"]["door"]`` 拿到它。"""

    config: DoorConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "door": self}
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """来了。"""
        super().connection_made(transport)
        self.config.doors.enter(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """走了。"""
        self._relax()
        self.config.doors.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """来了一段。"""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """答完了；对面接着发的下一个也许已经来了一半。"""
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """换成 WebSocket：从此归 `SocketDoor`。"""
        self._relax()
        super().handle_websocket_upgrade(event)

    def trust(self) -> None:
        """它出示了有效的令牌。"""
        self.config.doors.trust(self.transport)

    def _watch(self) -> None:
        """半截的请求只等这么久：再来几个字节也不重新算。"""
        if self.transport.get_protocol() is not self or not self._is_half():
            self._relax()
        elif self._patience is None:
            self._patience = self.loop.call_later(PATIENCE_S, self.transport.abort)

    def _is_half(self) -> bool:
        state = self.conn.their_state
        if state is h11.IDLE:
            return self.cycle is None or bool(self.conn.trailing_data[0])
        return state is h11.SEND_BODY

    def _relax(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Line:
    """一条连接的写：循环与别的线程都可以写，帧不会夹在一起。

    别的线程直接写套接字（另一个描述符），写不完的、前面还堵着的才交给循环：少叫醒循环一次。
    TLS 的都交给循环。
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._lock = threading.Lock()
        self._rest: list[bytes] = []
        """要交给循环写的。"""
        secure = transport.get_extra_info("ssl_object") is not None
        self._sock: socket.socket | None = None
        if not secure:
            self._sock = transport.get_extra_info("socket").dup()
            self._sock.setblocking(False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """在循环的线程上写。"""
        with self._lock:
            self._hand_over()
            self._transport.write(data)

    def send(self, data: bytes) -> None:
        """在随便哪个线程上写。"""
        with self._lock:
            left = data if self._sock is None or self._is_blocked() else self._try(data)
            if not left:
                return
            self._rest.append(left)
        with contextlib.suppress(RuntimeError):  # 循环关了：没有人要了
            self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """把交给循环的写出去。"""
        with self._lock:
            self._hand_over()

    def close(self) -> None:
        """写完再关。"""
        self.flush()
        self._transport.close()

    def backlog(self) -> int:
        """写好了、对面还没有读走的字节数。"""
        try:
            waiting: int = self._transport.get_write_buffer_size()
        except RuntimeError:  # 循环正在写它的缓冲
            waiting = 0
        return waiting + sum(map(len, self._rest))

    def release(self) -> None:
        """连接没有了。"""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
                self._sock = None
            self._rest.clear()

    def _hand_over(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, []
            self._transport.write(b"".join(rest))

    def _is_blocked(self) -> bool:
        try:
            return bool(self._rest) or self._transport.get_write_buffer_size() > 0
        except RuntimeError:  # 循环正在写它的缓冲
            return True

    def _try(self, data: bytes) -> bytes:
        """写得了多少写多少；返回没有写的。"""
        assert self._sock is not None
        try:
            return data[self._sock.send(data) :]
        except (BlockingIOError, InterruptedError):
            return data
        except OSError:  # 断了：循环会知道
            return b""


class SocketDoor(WebSocketsSansIOProtocol):
    """一条 WebSocket：来的帧在循环的线程上直接交出去，不经过任务；回答在哪个线程上写都可以。

    端点在 ``scope["state"]["door"]`` 拿到它。
    """

    config: DoorConfig
    transport: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "door": self}
        self.hear: Callable[[bytes], None] | None = None
        """来了一个文本帧；没有放的在 ``receive`` 里。"""
        self.resumed: Callable[[], None] = _nothing
        """堵着的发出去了。"""
        self._is_whole = False
        """到此为止来的每一段都正好是一个帧：下一段从帧头开始。"""

    def connection_made(self, transport: Any) -> None:
        """开始。"""
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self.config.doors.enter(transport)
        super().connection_made(_Line(transport, self.loop))  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """走了。"""
        self.config.doors.leave(self.transport._transport)  # noqa: SLF001  同一个文件里的
        super().connection_lost(exc)
        self.transport.release()

    async def send(self, message: Any) -> None:
        """应用要发的。"""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # 没有握手就答完了（令牌不对、正在停）：不这样说，uvicorn 记成应用的错
            self.handshake_complete = True

    def trust(self) -> None:
        """它出示了有效的令牌。"""
        self.config.doors.trust(self.transport._transport)  # noqa: SLF001  同上

    @property
    def is_open(self) -> bool:
        """握过手，还没有关。"""
        return self.handshake_complete and not (
            self.close_sent or self.disconnected or self.transport.is_closing()
        )

    @property
    def ready(self) -> bool:
        """发得出去：前面的没有堵着。"""
        return self.writable.is_set() and self.is_open

    def push(self, frame: bytes) -> None:
        """在循环的线程上发一个写好的帧（见 `framed`）；已经关了的丢掉。"""
        if self.is_open:
            self.transport.write(frame)

    def write(self, text: bytes) -> None:
        """在随便哪个线程上发一段文字；已经关了的丢掉，前面堆着太多没有读走的断开。"""
        if not self.is_open:
            return
        if self.backlog > MOST_BACKLOG:
            told = "回答堆着没有读走，断开"
            with contextlib.suppress(RuntimeError):  # 循环关了
                self.loop.call_soon_threadsafe(self.cut, CLOSE_SLOW, told)
            return
        self.transport.send(framed(text))

    @property
    def backlog(self) -> int:
        """写好了、对面还没有读走的字节数。"""
        waiting: int = self.transport.backlog()
        return waiting

    def cut(self, code: int, reason: str) -> None:
        """关掉；对面不读的，一会儿就断。"""
        if not self.is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason[:_MOST_REASON])
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self.loop.call_later(_CUT_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """来了一段。正好是一个不分片的文本帧的，不必经过通用的解析。"""
        if not self.handshake_initiated:
            super().data_received(data)  # 升级的请求，是完整的一段
            self._is_whole = True
            return
        self._is_whole = self._is_whole and _frame_size(data) == len(data)
        if self._is_whole and self.hear is not None and data[0] == _TEXT and self.is_open:
            start = 6 if data[1] < _LONGER else 8
            self._heard(apply_mask(data[start:], data[start - 4 : start]))
        else:
            super().data_received(data)

    def _heard(self, text: bytes) -> None:
        """一段文字；回答堆着没有读走的，先不收新的。"""
        assert self.hear is not None
        self.hear(text)
        if not self.writable.is_set() and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def send_receive_event_to_app(self) -> None:
        """收完了一条消息。"""
        if self.hear is None or self.close_sent or self.curr_msg_data_type != "text":
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        self._heard(data)

    def resume_writing(self) -> None:
        """堵着的发出去了。"""
        super().resume_writing()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.resumed()


def _frame_size(data: bytes) -> int:
    """开头那一帧该有多长；看不出来、不是一段里放得下的为 -1。"""
    if len(data) < _SHORTEST or not data[0] & _FIN or not data[1] & _MASKED:
        return -1
    size = data[1] - _MASKED
    if data[1] < _LONGER:
        return size + 6
    return int.from_bytes(data[2:4], "big") + 8 if data[1] == _LONGER else -1


def framed(text: bytes) -> bytes:
    """一个文本帧的字节。"""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def _nothing() -> None:
    """没有人等。"""
