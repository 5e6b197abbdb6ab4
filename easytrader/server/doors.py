"""门口：HTTP 与 WebSocket 的连接。uvicorn 不管的在这里管：半截的请求、连接数、直接写的帧。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH_WATER: Final = 256 << 10
_CUT_S: Final = 1.0


class HttpDoor(H11Protocol):
    """一条 HTTP 连接。"""


class SocketDoor(WebSocketsSansIOProtocol):
    """一条 WebSocket：帧在循环的线程上直接写，不经过任务。

    端点在 ``scope["state"]["door"]`` 拿到它。
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "door": self}
        self.resumed: Callable[[], None] = _nothing
        """堵着的发出去了。"""

    def connection_made(self, transport: Any) -> None:
        """开始。"""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    @property
    def ready(self) -> bool:
        """发得出去：前面的没有堵着。"""
        return self.writable.is_set() and self.is_open

    @property
    def is_open(self) -> bool:
        """握过手，还没有关。"""
        return self.handshake_complete and not (
            self.close_sent or self.disconnected or self.transport.is_closing()
        )

    def push(self, text: bytes) -> None:
        """发一个文本帧；已经关了的丢掉。"""
        if self.is_open:
            self.transport.write(framed(text))

    def cut(self, code: int, reason: str) -> None:
        """关掉；对面不读的，一会儿就断。"""
        if not self.is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason[:40])
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self.loop.call_later(_CUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        """堵着的发出去了。"""
        super().resume_writing()
        self.resumed()


def framed(text: bytes) -> bytes:
    """一个文本帧的字节。"""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def _nothing() -> None:
    """没有人等。"""
