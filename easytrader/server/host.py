"""跑起来：一个线程、一个循环、一个端口。"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from concurrent.futures import wait
from typing import TYPE_CHECKING, Final

import uvicorn

from easytrader.basics import waits
from easytrader.server.app import MOST_HEADERS
from easytrader.server.doors import DoorConfig, Doors, HttpDoor, SocketDoor, TlsGate
from easytrader.server.lanes import Mailbox
from easytrader.wire import words

if TYPE_CHECKING:
    import ssl
    from concurrent.futures import Future

    from easytrader.server.app import App

_START_S: Final = 30.0
_LEAVE_S: Final = 2
_KEEP_ALIVE_S: Final = 60
_PING_S: Final = 20.0
_BACKLOG: Final = 512


def bound(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """占好的端口，还没有听。

    Raises:
        OSError: 占不了。
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # 说明是 TCP：不说的，asyncio 不给它设 TCP_NODELAY，每两个小帧等 40 毫秒
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows 上 SO_REUSEADDR 是别的意思
            found.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except BaseException:
        found.close()
        raise
    return found


class _Server(uvicorn.Server):
    """uvicorn 的服务器，只是端口自己听：TLS 的握手也要在门口的账里。"""

    def __init__(self, config: DoorConfig, tls: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """开始听。"""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()

        def door() -> asyncio.Protocol:
            found = HttpDoor(self.config, self.server_state, self.lifespan.state, loop)
            return found if self._tls is None else TlsGate(found, self._tls)

        self.servers = [
            await loop.create_server(door, sock=each, backlog=_BACKLOG) for each in sockets or []
        ]
        self.started = True


async def _wind_up() -> None:
    """没有做完的任务都取消，等它们收完尾。"""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class Host:
    """一个在跑的服务器；信号不归它管。

    Args:
        app: 应用。
        sock: 占好、还没有听的端口，见 `bound`。
        tls: 证书；None 是明文。
    """

    def __init__(self, app: App, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self.app = app
        self.port: int = sock.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop | None = None
        self.failed: BaseException | None = None
        """循环为什么死了；好好的为 None。"""
        self._sock = sock
        config = DoorConfig(
            app,
            http=HttpDoor,
            ws=SocketDoor,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=logging.ERROR,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            ws_max_size=words.MAX_FRAME,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            ws_per_message_deflate=False,
            h11_max_incomplete_event_size=MOST_HEADERS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_LEAVE_S,
        )
        config.doors = self.doors = Doors()
        self._server = _Server(config, tls)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="easytrader-serve", daemon=True)

    def start(self) -> None:
        """开始听；听上了才返回。

        Raises:
            OSError: 听不了。
        """
        self._thread.start()
        waits.event(self._ready, _START_S)
        if self.failed is not None:
            raise self.failed

    def stop(self, limit_s: float = 10.0) -> None:
        """不再收委托，做完手上的（最多 ``limit_s`` 秒），告诉订阅的人，断开。可以重复调用。"""
        if not self._thread.is_alive() or self.loop is None:
            return
        leaving = self.app.stop(limit_s)
        try:
            done: Future[None] = asyncio.run_coroutine_threadsafe(leaving, self.loop)
        except RuntimeError:  # 循环正好关了
            leaving.close()
        else:
            wait([done], limit_s + 1)
        self._server.should_exit = True
        waits.join(self._thread, _LEAVE_S + 5)

    def wait(self, limit_s: float) -> bool:
        """等到它停了。"""
        return waits.join(self._thread, limit_s)

    def _run(self) -> None:
        loop = asyncio.SelectorEventLoop()  # Windows 的另一种，对面复位一次就不再听了
        self.loop = loop
        try:
            loop.run_until_complete(self._serve())
        except BaseException as exc:  # noqa: BLE001  带回 start() 的线程再抛
            self.failed = exc
        finally:
            self._ready.set()
            self.app.close()
            self._sock.close()
            loop.run_until_complete(_wind_up())
            loop.close()

    async def _serve(self) -> None:
        self.app.open(Mailbox(asyncio.get_running_loop()))
        serving = asyncio.ensure_future(self._server.serve(sockets=[self._sock]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.001)
        self._ready.set()
        await serving
