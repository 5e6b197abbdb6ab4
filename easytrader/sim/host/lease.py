"""一个文件夹同时只有一个占用者：谁占着、怎么找到它。

两把文件锁，一份服务信息：

- 租约锁：占用者活着就一直拿着；进程一死（包括 ``kill -9``）系统自动放开。服务信息是不是过期只看它，
  不看进程号，因此不怕进程号被别人重用。
- 门锁：凡要碰租约锁的（占有、探查）先拿门锁，只拿一瞬间。这样探查不会把正在启动的误挡在外，
  两个同时探查的也不会把对方当成占用者。
- 服务信息 ``service.json``：进程号、端口、口令。占到租约锁后先换成自己的（端口 0，表示还没就绪），
  监听好了再补上端口；所以「锁有人拿着」时服务信息一定是拿锁者的。
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from filelock import FileLock, Timeout

from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import RECORDS, SimFolder, is_sim_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


T = TypeVar("T")

_GATE_WAIT_S: Final = 3.0
UP_LOCK: Final = "lock_up_queue_win_xtquant"
"""真的客户端活着就拿着的锁：连着的程序靠它分得清客户端死了还是只是没有回音。"""
_KIND_NAMES: Final = {
    "serve": "easytrader sim serve",
    "embedded": "嵌在脚本进程里",
    "reset": "正在 sim reset",
}


class ServiceInfo(NamedTuple):
    """服务信息：谁占着这个文件夹，怎么连上它。``port`` 为 0 表示还在启动。"""

    pid: int
    port: int
    token: str
    started: float
    kind: str

    @property
    def ready(self) -> bool:
        """已经在监听，可以连。"""
        return self.port > 0

    def describe(self) -> str:
        """给人看的一句话（不含口令）。"""
        since = datetime.fromtimestamp(self.started).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        kind = _KIND_NAMES.get(self.kind, self.kind)
        port = str(self.port) if self.ready else "启动中"
        return f"进程 {self.pid}（{kind}，端口 {port}，自 {since} 起）"


class Lease:
    """占有一个文件夹；``release()`` 之前别的进程都占不到。"""

    def __init__(self, folder: SimFolder, kind: str) -> None:
        self._service_path = Path(folder.service_path)
        self._lock = _lock(folder.owner_lock_path)
        self._up_lock = _lock(folder.path / UP_LOCK)
        self._released = False
        with _gate(folder):
            if not _try(self._lock):
                raise SimulatorError(_held_message(folder, _read(self._service_path)))
            try:
                self.info = ServiceInfo(os.getpid(), 0, secrets.token_hex(16), time.time(), kind)
                _write(self._service_path, self.info)
            except BaseException:
                self._lock.release(force=True)
                raise

    def announce(self, port: int) -> None:
        """监听好了：把端口写上服务信息，别的进程从此可以连。"""
        self.info = self.info._replace(port=port)
        _try(self._up_lock)
        _write(self._service_path, self.info)

    def release(self) -> None:
        """收起服务信息，放开锁；可重复调用。"""
        if self._released:
            return
        self._released = True
        # 先删服务信息后放锁：反过来会删掉下一个占用者的服务信息
        with suppress(OSError):
            _patiently(lambda: self._service_path.unlink(missing_ok=True))
        self._up_lock.release(force=True)
        self._lock.release(force=True)


def holder_of(path: str | os.PathLike[str]) -> ServiceInfo | None:
    """此刻占着文件夹的是谁（可能还没就绪）；没有人占着，或不是模拟文件夹时为 None。

    Raises:
        SimulatorError: 有人占着，而服务信息读不懂；或拿不到门锁。
    """
    if not is_sim_folder(path):
        return None
    folder = SimFolder.open(path)
    if not Path(folder.service_path).exists():
        return None  # 一占到锁就写服务信息，没有服务信息就没有人占着
    probe = _lock(folder.owner_lock_path)
    with _gate(folder):
        if _try(probe):
            probe.release(force=True)
            return None
        info = _read(folder.service_path)
        if info is None and folder.service_path.exists():
            raise SimulatorError(
                f"{folder.service_path} 读不懂，不知道占着这个文件夹的进程怎么连："
                "停掉那个进程，再启动一次。"
            )
        return info


def service_of(path: str | os.PathLike[str]) -> ServiceInfo | None:
    """此刻服务着这个文件夹、可以连的进程；没有或还没就绪时为 None。"""
    info = holder_of(path)
    return info if info is not None and info.ready else None


def is_served(path: str | os.PathLike[str]) -> bool:
    """文件夹此刻有没有就绪的占用者（独立的 serve，或嵌在某个进程里）。"""
    return service_of(path) is not None


def _lock(path: str | os.PathLike[str]) -> FileLock:
    # thread_local=False：占有与释放可以在不同的线程
    return FileLock(os.fspath(path), thread_local=False)


def _try(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


@contextmanager
def _gate(folder: SimFolder) -> Iterator[None]:
    lock_path = Path(folder.owner_lock_path)
    gate = _lock(lock_path.with_name(lock_path.name + ".gate"))
    try:
        gate.acquire(timeout=_GATE_WAIT_S, poll_interval=0.005)
    except Timeout:
        raise SimulatorError(
            f"{folder.path} 的门锁 {_GATE_WAIT_S:g} 秒内拿不到：可能有进程卡在启动中，稍后再试"
        ) from None
    except OSError as error:
        raise SimulatorError(f"不能在 {folder.path} 里加锁（{error}）；检查目录是否可写") from error
    try:
        yield
    finally:
        gate.release(force=True)


def _held_message(folder: SimFolder, info: ServiceInfo | None) -> str:
    who = info.describe() if info is not None else "另一个进程"
    return (
        f"{folder.path} 已被占用：{who}。一个文件夹同时只能由一个进程占着："
        "要交易直接按这个路径连接即可；要重新启动先停掉它"
    )


def _read(path: Path) -> ServiceInfo | None:
    try:
        fields: Any = json.loads(_patiently(lambda: path.read_text(encoding="utf-8")))
        info = ServiceInfo(
            pid=int(fields["pid"]),
            port=int(fields["port"]),
            token=str(fields["token"]),
            started=float(fields["started"]),
            kind=str(fields["kind"]),
        )
        info.describe()  # 读得出来的时刻
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None  # 没有，或写坏了：当作没有
    return info


def _write(path: Path, info: ServiceInfo) -> None:
    temporary = path.with_name(f"{path.name}.{info.pid}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        # 口令只给本用户看；Windows 上权限由用户目录的 ACL 管
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(info._asdict(), file)
        _patiently(lambda: temporary.replace(path))
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise SimulatorError(f"写不进 {path}：{error}") from error


def _patiently(action: Callable[[], T]) -> T:
    """Windows 上别人正打开着文件时，读、换、删会短暂地被拒绝：等一等再来。"""
    left = 40 if sys.platform == "win32" else 0
    while True:
        try:
            return action()
        except PermissionError:  # noqa: PERF203  要的就是出错重来
            if left <= 0:
                raise
            left -= 1
            Event().wait(0.01)


def reset(path: str | os.PathLike[str]) -> SimFolder:
    """把模拟文件夹回到刚 `create` 的样子；行情种子不变，所以价格也与当初一样。

    Args:
        path: 模拟文件夹。

    Raises:
        SimulatorError: 不是模拟文件夹；正有程序用着它（本进程里的要先 ``close()``）；删不掉。
    """
    folder = SimFolder.open(path)
    records = folder.path / RECORDS
    lease = Lease(folder, kind="reset")  # 占着它删：同时启动的程序要么先占到，要么等删完
    try:
        # 主文件最后删：中途停下，剩下的是一本旧账；反过来，旧的 WAL 会并进新账
        for suffix in ("-shm", "-wal", ""):
            Path(f"{folder.store_path}{suffix}").unlink(missing_ok=True)
        if records.exists():
            shutil.rmtree(records)
    except OSError as exc:
        raise SimulatorError(
            f"{folder.path} 没有删干净（{exc}）：关掉用着它的程序，再来一次。"
        ) from exc
    finally:
        lease.release()
    return folder
