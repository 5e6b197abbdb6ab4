"""客户端到柜台的一条连接：柜台在本进程里（InProcessLink），或在另一个进程里（SocketLink）。

连接只搬运：交出请求、送来消息、断了说一声。交请求从不阻塞。
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from loguru import logger

from easytrader.sim.gateway.wire import PROTOCOL_VERSION, Message, Request
from easytrader.sim.host.framing import FrameError, FrameSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.host.delivery import Session
    from easytrader.sim.host.lease import ServiceInfo


_LOOPBACK: Final = "127.0.0.1"
_GOODBYE_S: Final = 0.5
_JOIN_S: Final = 2.0
_BATCH: Final = 64


class UnreachableError(ConnectionError):
    """此刻没有柜台可连；它也许正在启动，可以再试。"""


class RefusedError(ConnectionError):
    """柜台在，但不接受这个会话；再试也没有用。"""


class Link(Protocol):
    """一条已经建立的连接。

    ``deliver(message)`` 与 ``lost()`` 都在连接自己的线程上调用；``lost()`` 至多一次，
    之后什么都不再送来。
    """

    send: Callable[[Request], None]

    def close(self) -> None:
        """主动离开：不会再有 ``lost()``，不留线程。可重复调用。"""


class InProcessLink:
    """柜台就在本进程：消息由主机线程直接送来。"""

    def __init__(self, session: Session, release: Callable[[], None]) -> None:
        self.send: Callable[[Request], None] = session.send
        self._session = session
        self._release: Callable[[], None] | None = release

    def close(self) -> None:
        """离开；自己是最后一个客户端时柜台随之关闭。"""
        release, self._release = self._release, None
        if release is not None:
            self._session.detach()
            release()


class SocketLink:
    """柜台在另一个进程：一个线程收，一个线程发。"""

    def __init__(
        self,
        service: ServiceInfo,
        session_id: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
        timeout_s: float,
    ) -> None:
        self._deliver = deliver
        self._lost = lost
        self._closing = False
        self._queue: SimpleQueue[Request | None] = SimpleQueue()
        self.send: Callable[[Request], None] = self._queue.put
        self._frames = _handshake(service, session_id, timeout_s)
        self._reader = self._thread(self._read, f"easytrader-sim-read-{session_id}")
        self._writer = self._thread(self._write, f"easytrader-sim-write-{session_id}")

    def close(self) -> None:
        """把排着的请求发完、道别、断开。"""
        self._closing = True
        self._queue.put(None)
        self._join(self._writer, _GOODBYE_S)
        # 对方不收的话发送线程还卡着，断开套接字它就醒
        self._frames.close()
        self._join(self._writer, _JOIN_S)
        self._join(self._reader, _JOIN_S)

    @staticmethod
    def _thread(target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    @staticmethod
    def _join(thread: threading.Thread, timeout_s: float) -> None:
        if thread is not threading.current_thread():
            thread.join(timeout_s)

    def _read(self) -> None:
        try:
            while True:
                self._deliver(_message(self._frames.receive()))
        except FrameError as error:
            logger.warning("模拟 MiniQMT 的服务进程说了听不懂的话，当作断线：{}", error)
        except (OSError, EOFError):
            pass  # 对端没了，下面说
        except Exception:  # noqa: BLE001  读线程不许带着会话一起无声死掉
            logger.exception("处理模拟 MiniQMT 的消息时出错，当作断线")
        self._frames.close()
        self._queue.put(None)
        if not self._closing:
            self._lost()

    def _write(self) -> None:
        with suppress(OSError):
            while True:
                batch, ended = self._take()
                if batch:
                    self._frames.send(*batch)
                if ended:
                    if self._closing:
                        self._frames.send(["bye"])
                    return

    def _take(self) -> tuple[list[Request], bool]:
        """等到至少一个请求，把手边的一起取走（一次系统调用发完）。"""
        batch: list[Request] = []
        while not batch or (len(batch) < _BATCH and not self._queue.empty()):
            request = self._queue.get()
            if request is None:
                return batch, True
            batch.append(request)
        return batch, False


def _handshake(service: ServiceInfo, session_id: int, timeout_s: float) -> FrameSocket:
    """连上、报上口令、等欢迎；服务进程停住不动也只等 ``timeout_s``。"""
    frames: FrameSocket | None = None
    try:
        sock = socket.create_connection((_LOOPBACK, service.port), timeout=timeout_s)
        frames = FrameSocket(sock)
        hello = ["hello", PROTOCOL_VERSION, service.token, "session", session_id, os.getpid()]
        frames.send(hello)
        reply = frames.receive()
        _check(reply)
        frames.settimeout(None)
    except BaseException as error:
        if frames is not None:
            frames.close()
        if isinstance(error, (OSError, EOFError)) and not isinstance(error, RefusedError):
            raise UnreachableError(f"连不上服务进程 {service.pid}：{error}") from error
        raise
    return frames


def _check(reply: Any) -> None:
    if isinstance(reply, list) and reply[:1] == ["welcome"]:
        return
    if isinstance(reply, list) and reply[:1] == ["refused"]:
        raise RefusedError(str(reply[1]) if len(reply) > 1 else "服务进程拒绝了这个会话")
    raise FrameError(f"握手时收到 {str(reply)[:80]}")


def _message(frame: Any) -> Message:
    if not isinstance(frame, list) or len(frame) != 3:
        raise FrameError(f"不认识的消息：{str(frame)[:80]}")
    return Message(*frame)
