"""主机的服务口：本机回环上的 TCP，凭服务信息里的口令进门。

每个会话连接两个线程：一个收请求，一个发消息。发送有自己的队列，客户端卡住只卡它自己的发送线程，
积压太多就断开它，从不拖住主机。
"""

from __future__ import annotations

import hmac
import os
import socket
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from loguru import logger

from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.gateway.wire import PROTOCOL_VERSION
from easytrader.sim.host.delivery import ConnectRefusedError
from easytrader.sim.host.framing import (
    MAX_REQUEST,
    FrameError,
    FrameSocket,
    encode,
    to_ask,
    to_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.host.delivery import Session
    from easytrader.sim.host.terminal_port import TerminalPort


LOOPBACK: Final = "127.0.0.1"
_HELLO_WAIT_S: Final = 5.0
_CONTROL_WAIT_S: Final = 30.0
_ACCEPT_WAIT_S: Final = 5.0
_FLUSH_S: Final = 1.0
_CLOSE_S: Final = 2.0
_BACKLOG_LIMIT: Final = 200_000
_MAX_CONNECTIONS: Final = 512
_WRITE_BYTES: Final = 1 << 18


class _HostLike(Protocol):
    """服务口要用到的主机。"""

    def attach(
        self,
        session_id: int,
        pid: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> Session: ...

    def attach_terminal(
        self, pid: int, deliver: Callable[[Any], None], lost: Callable[[], None]
    ) -> TerminalPort: ...

    def detach_terminal(self, port: TerminalPort) -> None: ...

    def control(self, command: str, spec: Mapping[str, Any] | None = None) -> Any: ...


class Server:
    """监听，直到 `close()`。"""

    def __init__(self, host: _HostLike, token: str) -> None:
        self._host = host
        self._token = token.encode()
        self._closing = False
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._listener = _listen()
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._accept, name="easytrader-sim-accept", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """停止监听，断开所有连接（已入队的消息先发完，限时）。"""
        self._closing = True
        self._knock()
        self._thread.join(_CLOSE_S)
        with suppress(OSError):
            self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.hang_up()
        flushed = time.monotonic() + _FLUSH_S
        for connection in connections:
            connection.flush(flushed)
        deadline = time.monotonic() + _CLOSE_S
        for connection in connections:
            connection.join(deadline)

    def _knock(self) -> None:
        # 各平台唤醒阻塞中的 accept 的办法不同，只有真连一下处处管用
        with suppress(OSError):
            socket.create_connection((LOOPBACK, self.port), timeout=_FLUSH_S).close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if not self._closing:
                    logger.warning("模拟 MiniQMT 停止接受新连接：{}", error)
                return
            self._welcome(sock)

    def _welcome(self, sock: socket.socket) -> None:
        with self._lock:
            if self._closing or len(self._connections) >= _MAX_CONNECTIONS:
                sock.close()
                return
            connection = _Connection(sock, self._host, self._token, self._forget)
            self._connections.add(connection)
        connection.start()

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:  # Windows：不许别的进程抢同一个端口
            listener.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        listener.bind((LOOPBACK, 0))
        listener.listen(128)
        # accept 也有期限：万一唤醒它的那一下没有连上，线程仍会自己走
        listener.settimeout(_ACCEPT_WAIT_S)
    except BaseException:
        listener.close()
        raise
    return listener


class _Connection:
    """一个连接：先验口令，再按会话或控制办。"""

    def __init__(
        self,
        sock: socket.socket,
        host: _HostLike,
        token: bytes,
        forget: Callable[[_Connection], None],
    ) -> None:
        sock.settimeout(_HELLO_WAIT_S)
        self._frames = FrameSocket(sock, MAX_REQUEST)
        self._host = host
        self._token = token
        self._forget = forget
        self._session: Session | None = None
        self._outbox: SimpleQueue[Any] = SimpleQueue()
        self._choked = False
        self._reader = threading.Thread(target=self._read, name="easytrader-sim-in", daemon=True)
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        self._reader.start()

    def hang_up(self) -> None:
        """不再收；排在队里的、正在办的控制命令的回答，发完就断。"""
        self._outbox.put(None)
        self._frames.stop_receiving()

    def flush(self, deadline: float) -> None:
        """等发完，到期限为止；然后断开，两个线程随即醒来。"""
        thread = self._reader if self._writer is None else self._writer
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
        self._frames.close()

    def join(self, deadline: float) -> None:
        """等两个线程走完，到期限为止。"""
        for thread in (self._writer, self._reader):
            if thread is not None and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    # 收 ---------------------------------------------------------------

    def _read(self) -> None:
        try:
            kind, session_id, pid = self._hello()
            if kind == "control":
                self._control()
            elif kind == "terminal":
                self._serve_terminal(pid)
            else:
                self._converse(session_id, pid)
        except (OSError, EOFError):
            pass  # 对端断开，或说的不是这套话：挂断就是回答
        except Exception:  # noqa: BLE001  一个连接出错，别的照常
            logger.exception("模拟 MiniQMT 的一个连接出错，断开它")
        finally:
            if self._session is not None:
                self._session.detach()
            self._outbox.put(None)
            if self._writer is not None:
                self._writer.join(_FLUSH_S)  # 对方不收的话，只等这么久
            self._frames.close()
            self._forget(self)

    def _hello(self) -> tuple[str, int, int]:
        frame = self._frames.receive()
        if not (isinstance(frame, list) and len(frame) == 6 and frame[0] == "hello"):
            raise FrameError("第一帧应为 hello")
        _, version, token, kind, session_id, pid = frame
        # 口令按固定时间比较；错了不解释原因
        if not hmac.compare_digest(str(token).encode("utf-8", "replace"), self._token):
            self._refuse("口令不对")
        if version != PROTOCOL_VERSION:
            self._refuse(f"版本不同：这里是 {PROTOCOL_VERSION}，来者是 {version}；请升级到同一版本")
        if kind not in ("session", "control", "terminal"):
            self._refuse(f"不认识的连接种类：{kind}")
        return str(kind), int(session_id), int(pid)

    def _refuse(self, reason: str) -> NoReturn:
        self._frames.send(["refused", reason])
        raise EOFError(reason)

    def _control(self) -> None:
        self._frames.send(["welcome", os.getpid()])
        self._frames.settimeout(_CONTROL_WAIT_S)
        while True:
            command, *rest = self._frames.receive()
            try:
                answer = ["ok", self._host.control(str(command), *rest[:1])]
            except EasytraderError as error:
                answer = ["error", str(error)]
            self._frames.send(answer)

    def _converse(self, session_id: int, pid: int) -> None:
        try:
            session = self._host.attach(session_id, pid, self._deliver, self._lost)
        except ConnectRefusedError as error:
            self._refuse(str(error))
        except SimulatorError as error:
            raise EOFError("主机正在停止") from error  # 不是拒绝：对方可以再试
        self._session = session
        self._start_writing()
        while True:
            frame = self._frames.receive()
            if frame == ["bye"]:
                return
            session.send(to_request(frame))

    def _serve_terminal(self, pid: int) -> None:
        try:
            port = self._host.attach_terminal(pid, self._deliver, self._lost)
        except SimulatorError as error:
            raise EOFError("主机正在停止") from error
        try:
            self._start_writing()
            while True:
                frame = self._frames.receive()
                if frame == ["bye"]:
                    return
                port.ask(*to_ask(frame))
        finally:
            self._host.detach_terminal(port)

    def _start_writing(self) -> None:
        self._frames.settimeout(None)
        self._frames.send(["welcome", os.getpid()])
        self._writer = threading.Thread(target=self._write, name="easytrader-sim-out", daemon=True)
        self._writer.start()

    # 发（`_deliver` 与 `_lost` 在主机线程上，只入队） -------------------------

    def _deliver(self, message: Any) -> None:
        self._outbox.put(message)
        if self._outbox.qsize() > _BACKLOG_LIMIT and not self._choked:
            self._choked = True
            logger.warning("一个会话积压了 {} 条消息没有收，断开它", _BACKLOG_LIMIT)
            self._frames.close()

    def _lost(self) -> None:
        self._outbox.put(None)

    def _write(self) -> None:
        try:
            while self._write_some():
                pass
        except OSError:
            pass  # 对端断开；收的线程会看到
        finally:
            self._frames.close()

    def _write_some(self) -> bool:
        """发一批；队列给出结束标记时返回假。"""
        chunks: list[bytes] = []
        size = 0
        more = True
        item = self._outbox.get()
        while True:
            if item is None:
                more = False
                break
            chunks.append(encode(item() if callable(item) else item))
            size += len(chunks[-1])
            if size >= _WRITE_BYTES:
                break
            try:
                item = self._outbox.get_nowait()
            except Empty:
                break
        if chunks:
            self._frames.send_bytes(b"".join(chunks))
        return more
