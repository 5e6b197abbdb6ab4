"""本进程里的柜台：哪些文件夹可以嵌在本进程里，此刻嵌着哪些，谁在用。

客户端要连一个文件夹时由这里决定怎么连：本进程里有它的柜台就直接连；别的进程在服务它就走套接字；
没有人服务而又允许嵌入，就在本进程里开一个，最后一个客户端离开时关掉。
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.paths import canonical
from easytrader.errors import SimulatorError
from easytrader.sim.gateway.wire import is_quote_session
from easytrader.sim.host.links import (
    InProcessLink,
    Link,
    RefusedError,
    SocketLink,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.exchange.clock import Clock
    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.host.host import Host


_RUN: Final = "EASYTRADER_SIM_RUN"
"""``sim run`` 的环境变量（`install` 设的）：任何模拟文件夹都可以嵌；值是一家子共用的记事文件。"""
_HANDSHAKE_S: Final = 3.0
_LEAST_HANDSHAKE_S: Final = 0.1
Path = str | os.PathLike[str]


class _Entry:
    """一个文件夹。``lock`` 护着开与关：开一个柜台要读账本，不能挡住别的文件夹。"""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.host: Any = None
        self.users = 0
        self.allowed = False
        self.offered = False
        """行情接口指着它：没有人服务过的时候可以嵌。"""
        self.served = False
        """见过它由单独的 ``sim serve`` 服务着：那是一个客户端，死了就是死了。"""
        self.clock: Clock | None = None


class Hub:
    """本进程嵌着的全部柜台。"""

    def __init__(self, make_host: Callable[[str, Clock | None], Any] | None = None) -> None:
        self._make_host = make_host or _make_host
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self.latest = ""
        """本进程最近一次连上的文件夹（行情连接不算）；没有连过为空。"""
        self._pid = os.getpid()

    def allow_embed(self, path: Path, clock: Clock | None = None) -> None:
        """没有人服务 ``path`` 时，允许在本进程里开它的柜台（``clock`` 供测试用）。"""
        entry = self._entry(path)
        entry.allowed = True
        entry.clock = clock

    def offer_embed(self, path: Path) -> None:
        """同 `allow_embed`，只是见过它由 ``sim serve`` 服务着就不算了。"""
        self._entry(path).offered = True

    def _may_embed(self, path: Path, entry: _Entry) -> bool:
        """没有人服务时，可不可以在本进程里开。

        ``sim run`` 之下任何文件夹都可以，行情接口指着的也可以，除非一家子里有谁见过它由
        ``sim serve`` 服务着：客户端被杀掉之后，真的脚本连不上，这里也连不上。
        """
        if entry.allowed:
            return True
        notes = os.environ.get(_RUN)
        if entry.served or (notes is None and not entry.offered):
            return False
        return notes is None or canonical(path) not in _noted(notes)

    def _saw_served(self, path: Path, entry: _Entry) -> None:
        if entry.served:
            return
        entry.served = True
        notes = os.environ.get(_RUN)
        if notes:
            # 记不下来（文件已收走）不要紧：本进程自己记得
            with suppress(OSError), FilePath(notes).open("a", encoding="utf-8") as file:
                file.write(canonical(path) + "\n")

    def acquire(self, path: Path) -> Host:
        """取得文件夹在本进程里的柜台（没有就开），用完 ``release``。

        Raises:
            SimulatorError: 不是模拟文件夹，或别的进程占着它。
        """
        entry = self._entry(path)
        with entry.lock:
            if entry.host is None or _is_closed(entry.host):
                entry.host = self._make_host(os.fspath(path), entry.clock)
                entry.users = 0
            entry.users += 1
            return entry.host  # type: ignore[no-any-return]

    def embedded(self, path: Path) -> Host | None:
        """此刻嵌在本进程里的柜台；没有为 None。"""
        entry = self._entry(path)
        with entry.lock:
            host = entry.host
            return None if host is None or _is_closed(host) else host

    def hold(self, path: Path) -> Callable[[], None]:
        """本进程正嵌着它的柜台时多占一份，断线重连之间不关；返回放手的函数（可重复调用）。"""
        entry = self._entry(path)
        with entry.lock:
            host = entry.host
            if host is None or _is_closed(host):
                return lambda: None
            entry.users += 1
        left = [host]

        def let_go() -> None:
            if left:
                self.release(path, left.pop())

        return let_go

    def release(self, path: Path, host: Host | None = None) -> None:
        """用完了；最后一个用户离开时关掉柜台。``host`` 是当初取得的那个，换过代就不算数。"""
        entry = self._entry(path)
        with entry.lock:
            if entry.host is None or (host is not None and host is not entry.host):
                return
            entry.users -= 1
            if entry.users <= 0:
                entry.host.close()
                entry.host = None

    def open_link(
        self,
        path: Path,
        session_id: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
        timeout_s: float = _HANDSHAKE_S,
        refused_by: set[object] | None = None,
    ) -> Link:
        """连一次。

        Args:
            path: 模拟文件夹。
            session_id: 会话号。
            deliver: 收消息的函数。
            lost: 断线时调用的函数。
            timeout_s: 与别的进程握手的期限。
            refused_by: 已经拒绝过的柜台：不再问它们，但接手的新柜台还要问。由这里填。

        Raises:
            UnreachableError: 此刻没有柜台可连，可以再试。
            RefusedError: 柜台不接受这个会话。
        """
        entry = self._entry(path)
        refused = set() if refused_by is None else refused_by
        holder: object = entry
        try:
            with entry.lock:
                embedded = entry.host is not None and not _is_closed(entry.host)
            service = None if embedded else _service_of(path)
            holder = entry if service is None else service.token
            if holder in refused:
                raise UnreachableError("柜台已经拒绝了这个会话")
            if service is not None:
                if service.kind == "serve":
                    self._saw_served(path, entry)
                wait_s = max(timeout_s, _LEAST_HANDSHAKE_S)
                link: Link = SocketLink(service, session_id, deliver, lost, wait_s)
            elif embedded or self._may_embed(path, entry):
                link = self._attach(path, session_id, deliver, lost)
            else:
                raise UnreachableError(f'没有进程在服务这个文件夹：easytrader sim serve "{path}"')
        except RefusedError:
            refused.add(holder)
            raise
        if not is_quote_session(session_id):
            self.latest = os.fspath(path)
        return link

    def _attach(
        self,
        path: Path,
        session_id: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> Link:
        from easytrader.sim.host.delivery import ConnectRefusedError

        try:
            host = self.acquire(path)
        except SimulatorError as error:
            # 多半是别的进程刚刚占了去：再试时会从套接字连上它
            raise UnreachableError(str(error)) from error
        try:
            session = host.attach(session_id, os.getpid(), deliver, lost)
        except BaseException as error:
            closed = _is_closed(host)
            self.release(path, host)
            if isinstance(error, ConnectRefusedError) and not closed:
                raise RefusedError(str(error)) from error
            if isinstance(error, SimulatorError):
                raise UnreachableError(str(error)) from error
            raise
        return InProcessLink(session, lambda: self.release(path, host))

    def close_all(self) -> None:
        """进程退出时：关掉所有还开着的柜台。"""
        with self._lock:
            entries = list(self._entries.values()) if self._pid == os.getpid() else []
        for entry in entries:
            with entry.lock:
                host, entry.host = entry.host, None
            if host is not None:
                host.close()

    def _entry(self, path: Path) -> _Entry:
        key = canonical(path)
        with self._lock:
            if self._pid != os.getpid():
                # fork 出来的子进程没有父进程的线程：那些柜台不在这里
                self._pid = os.getpid()
                self._entries = {}
            return self._entries.setdefault(key, _Entry())


def _make_host(path: str, clock: Clock | None) -> Host:
    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.host.host import Host

    return Host(SimFolder.open(path), clock)


def _is_closed(host: Any) -> bool:
    return bool(host.stopped.is_set())


def _noted(notes: str) -> list[str]:
    with suppress(OSError):
        return FilePath(notes).read_text(encoding="utf-8").splitlines()
    return []


def _service_of(path: Path) -> Any:
    from easytrader.sim.host.lease import service_of

    try:
        return service_of(path)
    except SimulatorError as error:
        raise UnreachableError(str(error)) from error


HUB: Final = Hub()
"""本进程的那一个。"""

acquire = HUB.acquire
release = HUB.release
allow_embed = HUB.allow_embed
open_link = HUB.open_link
atexit.register(HUB.close_all)
