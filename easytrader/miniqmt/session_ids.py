"""会话 id：一个小池子，跨进程加锁，用过的要冷却。

厂商的规矩：不同程序的会话 id 不能相同；同一 id 断开后约 4 秒内客户端还占着它；
每个用过的 id 在客户端目录里永久留下一个 75 MB 的文件。随机取 id（同类项目的做法）会写满磁盘，
所以每个账号只在 ``POOL_SIZE`` 个里轮换，先用编号小的。
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from filelock import FileLock, Timeout

from easytrader import arguments
from easytrader.errors import ConnectFailedError, UsageError

if TYPE_CHECKING:
    from threading import Event

POOL_SIZE: Final = 16
QUARANTINE_S: Final = 4.0
_FIRST: Final = 100000
_MAX_ID: Final = 2**31 - 1


def check_session_id(value: object) -> int:
    """校验用户指定的会话 id。"""
    try:
        number = arguments.whole("session_id", value)
    except UsageError:
        number = _MAX_ID + 1
    if number > _MAX_ID:
        raise UsageError("session_id", value, f"应为 1 到 {_MAX_ID} 的整数，如 123456")
    return number


class Lease:
    """占着一个会话 id；`release` 之后它开始冷却。"""

    def __init__(self, session_id: int, lock: FileLock, note: Path) -> None:
        self.session_id = session_id
        self._lock = lock
        self._note = note

    def release(self) -> None:
        """归还；可重复调用。"""
        if self._lock.is_locked:
            _write(self._note, {"released": time.time()})
            self._lock.release()


class SessionIds:
    """一个 (路径, 账号) 可用的会话 id。

    Args:
        path: userdata_mini 的绝对路径。
        account_id: 资金账号。
        fixed: 用户指定的 id；None 用池子。
    """

    def __init__(self, path: str, account_id: str, fixed: int | None = None) -> None:
        self._folder = _folder(path)
        self._ids = _pool(account_id) if fixed is None else (fixed,)

    def take(self, stop: Event, deadline: float) -> Lease:
        """占一个 id；都在冷却就等。

        Args:
            stop: 置位时不再等。
            deadline: 最晚等到什么时候（``time.monotonic``）。

        Raises:
            ConnectFailedError: 全部被占用、到期还在冷却，或锁文件写不了。
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._take(stop, deadline)
        except OSError as exc:
            raise ConnectFailedError(
                f"写不了会话 id 的锁文件，文件夹 {self._folder}：{exc}"
            ) from exc

    def _take(self, stop: Event, deadline: float) -> Lease:
        while True:
            waits = []
            for session_id in self._ids:
                result = self._try(session_id)
                if isinstance(result, Lease):
                    return result
                if result is not None:
                    waits.append(result)
            ids = f"{self._ids[0]}" if len(self._ids) == 1 else f"{self._ids[0]}–{self._ids[-1]}"
            if not waits:
                break
            if stop.is_set() or time.monotonic() + min(waits) > deadline:
                raise ConnectFailedError(
                    f"会话 id {ids} 刚断开，客户端要约 {QUARANTINE_S:g} 秒才放开它：过几秒再连"
                )
            stop.wait(min(waits) + 0.01)
        raise ConnectFailedError(
            f"会话 id {ids} 都正被占用：关掉别的连着这个 MiniQMT 的程序，或换一个 session_id"
        )

    def _try(self, session_id: int) -> Lease | float | None:
        """占到返回 Lease；要冷却返回还差几秒；被占用返回 None。"""
        lock = FileLock(self._folder / f"{session_id}.lock", thread_local=False)
        note = self._folder / f"{session_id}.json"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        now = time.time()
        record = _read(note)
        if "acquired" in record:  # 上一个持有者没有归还就没了：从现在开始冷却
            _write(note, {"released": now})
            record = {"released": now}
        cooling = QUARANTINE_S - (now - record.get("released", 0.0))
        if 0 < cooling <= QUARANTINE_S:
            lock.release()
            return cooling
        _write(note, {"acquired": now, "pid": os.getpid()})
        return Lease(session_id, lock, note)


class IdUse(NamedTuple):
    """一个会话 id 此刻的样子。

    Attributes:
        session_id: 会话 id。
        held: 正被占用。
        pid: 占用它的进程；不知道为 None。
        cooling_s: 还要冷却几秒；不在冷却为 0。
    """

    session_id: int
    held: bool
    pid: int | None
    cooling_s: float


def survey(path: str, account_id: str | None = None) -> list[IdUse]:
    """看看会话 id 的占用，不占任何一个。

    Args:
        path: userdata_mini 的绝对路径。
        account_id: 只看这个账号的池子（16 个，没用过的也在内）；不给就看这个路径用过的全部。
    """
    folder = _folder(path)
    if account_id is not None:
        return [_look(folder, session_id) for session_id in _pool(account_id)]
    names = (note.stem for note in folder.glob("*.json"))
    return [_look(folder, int(name)) for name in sorted(names) if name.isdecimal()]


def _look(folder: Path, session_id: int) -> IdUse:
    record = _read(folder / f"{session_id}.json")
    if "acquired" not in record:
        cooling = QUARANTINE_S - (time.time() - record.get("released", 0.0))
        return IdUse(session_id, False, None, cooling if 0 < cooling <= QUARANTINE_S else 0.0)
    # 记着「占了」的才去碰锁：没有归还就没了的进程，锁已经由系统放开
    lock = FileLock(folder / f"{session_id}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = record.get("pid")
        return IdUse(session_id, True, None if pid is None else int(pid), 0.0)
    lock.release()
    return IdUse(session_id, False, None, 0.0)


def _folder(path: str) -> Path:
    return lock_root() / f"{zlib.crc32(path.encode()):08x}"


def _pool(account_id: str) -> tuple[int, ...]:
    first = _FIRST + zlib.crc32(account_id.encode()) % 9000 * 100
    return tuple(range(first, first + POOL_SIZE))


def lock_root() -> Path:
    """锁文件放在哪里。临时目录可能是几个用户共用的，各用各的。"""
    return Path(tempfile.gettempdir()) / f"easytrader-sessions-{_user()}"


def _user() -> str:
    try:
        return "".join(each for each in getpass.getuser() if each.isalnum()) or "user"
    except (OSError, KeyError, ImportError):  # 容器里可能没有用户名
        return "user"


def _read(note: Path) -> dict[str, float]:
    try:
        loaded = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _write(note: Path, record: dict[str, float]) -> None:
    with contextlib.suppress(OSError):  # 记不下来只会少冷却一次，不该因此连不上
        note.write_text(json.dumps(record), encoding="utf-8")
