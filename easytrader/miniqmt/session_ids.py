"""会话 id：一个小池子，跨进程加锁，用过的要冷却。

厂商的规矩：不同程序的会话 id 不能相同；同一 id 断开后约 4 秒内客户端还占着它；
每个用过的 id 在客户端目录里永久留下一个 75 MB 的文件。随机取 id（同类项目的做法）会写满磁盘，
所以每个账号只在 ``POOL_SIZE`` 个里轮换，先用编号小的。

锁放在本机所有用户都看得到的地方（`lock_root`），客户端文件夹按 `canonical` 认：
两个用户、两种写法，也不会拿到同一个 id。
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import stat
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from filelock import FileLock, Timeout

from easytrader import arguments
from easytrader.basics.paths import canonical
from easytrader.errors import ConnectFailedError, UsageError

if TYPE_CHECKING:
    from threading import Event

    from easytrader.basics.log import Log

POOL_SIZE: Final = 16
QUARANTINE_S: Final = 4.0
_FIRST: Final = 100000
_MAX_ID: Final = 2**31 - 1
_LOCKS: Final = "EASYTRADER_LOCKS"
_SHARED: Final = ("/run/lock", "/var/lock", "/tmp")  # noqa: S108  要的就是大家都看得到的
"""POSIX 上谁都能写、又不能删别人的（粘滞位）的地方，取第一个。"""
_TOLD: Final = 5
"""错误里最多列出这么多个进程。"""


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

    def __init__(self, session_id: int, lock: FileLock, note: Path, *, chosen: bool) -> None:
        self.session_id = session_id
        self.chosen = chosen
        """用户自己指定的。"""
        self._lock = lock
        self._note = note

    def release(self, *, stuck: bool = False) -> None:
        """归还；可重复调用。

        Args:
            stuck: 厂商的收尾卡住了，客户端可能还占着它：有别的就先用别的。
        """
        if self._lock.is_locked:
            _write(self._note, {"released": time.time(), **({"stuck": 1} if stuck else {})})
            self._lock.release()


class SessionIds:
    """一个 (路径, 账号) 可用的会话 id。

    Args:
        path: userdata_mini 的绝对路径。
        account_id: 资金账号。
        fixed: 用户指定的 id；None 用池子。
        log: 日志口。
    """

    def __init__(
        self, path: str, account_id: str, fixed: int | None = None, log: Log | None = None
    ) -> None:
        root, problem = usable_root()
        if problem and log is not None:
            log.warning(
                "会话 id 的锁不能放在所有用户都看得到的地方（{}），放在 {}：别的用户的程序看不到，"
                "同时连一个客户端时请各自指定 session_id",
                problem, root,
            )  # fmt: skip
        self._folder = root / _name(path)
        self._ids = _pool(account_id) if fixed is None else (fixed,)
        self._chosen = fixed is not None

    def take(self, stop: Event, deadline: float) -> Lease:
        """占一个 id；都在冷却就等。

        Args:
            stop: 置位时不再等。
            deadline: 最晚等到什么时候（``time.monotonic``）。

        Raises:
            ConnectFailedError: 全部被占用、到期还在冷却，或锁文件写不了。
        """
        try:
            _make(self._folder)
            return self._take(stop, deadline)
        except ConnectFailedError:
            raise
        except OSError as exc:
            raise ConnectFailedError(
                f"写不了会话 id 的锁文件，文件夹 {self._folder}：{exc}"
            ) from exc

    def _take(self, stop: Event, deadline: float) -> Lease:
        while True:
            waits = []
            for session_id in sorted(self._ids, key=self._is_stuck):
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
        raise ConnectFailedError(f"会话 id {ids} 都正被占用：{self._holders()}")

    def _is_stuck(self, session_id: int) -> bool:
        return "stuck" in _read(self._folder / f"{session_id}.json")

    def _holders(self) -> str:
        """占着的是谁，怎么办。"""
        held = [_look(self._folder, each) for each in self._ids]
        mine = sum(use.held and use.pid == os.getpid() for use in held)
        others = sorted({use.pid for use in held if use.pid not in (None, os.getpid())}, key=str)
        told = []
        if mine:
            told.append(
                f"本进程（{os.getpid()}）占着 {mine} 个，有 trader 用完没有 close()"
                "（笔记本里反复运行的格子，显示过的在 Out 里？列表里留着的？）"
            )
        if others:
            more = " 等" if len(others) > _TOLD else ""
            told.append(
                f"进程 {'、'.join(map(str, others[:_TOLD]))}{more} 正连着这个客户端，关掉它"
            )
        if not told:
            told.append("别的用户的程序正连着这个客户端")
        return "；".join(told) + ("；或换一个 session_id" if self._chosen else "")

    def _try(self, session_id: int) -> Lease | float | None:
        """占到返回 Lease；要冷却返回还差几秒；被占用返回 None。"""
        lock = _lock(self._folder, session_id)
        note = self._folder / f"{session_id}.json"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        except PermissionError:
            if Path(lock.lock_file).exists():
                return None  # 别的用户的：不能确知没有在用，就当在用
            raise
        now = time.time()
        record = _read(note)
        if "acquired" in record:  # 上一个持有者没有归还就没了：从现在开始冷却
            _write(note, {"released": now})
            record = {"released": now}
        cooling: float = QUARANTINE_S - (now - record.get("released", 0.0))
        if 0 < cooling <= QUARANTINE_S:
            lock.release()
            return cooling
        _write(note, {"acquired": now, "pid": os.getpid()})
        return Lease(session_id, lock, note, chosen=self._chosen)


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
    folder = usable_root()[0] / _name(path)
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
    lock = _lock(folder, session_id)
    try:
        lock.acquire(timeout=0)
    except (Timeout, PermissionError):
        pid = record.get("pid")
        return IdUse(session_id, True, None if pid is None else int(pid), 0.0)
    lock.release()
    return IdUse(session_id, False, None, 0.0)


def _name(path: str) -> str:
    return f"{zlib.crc32(canonical(path).encode()):08x}"


def _lock(folder: Path, session_id: int) -> FileLock:
    return FileLock(folder / f"{session_id}.lock", mode=0o666, thread_local=False)


def _pool(account_id: str) -> tuple[int, ...]:
    first = _FIRST + zlib.crc32(account_id.encode()) % 9000 * 100
    return tuple(range(first, first + POOL_SIZE))


def lock_root() -> Path:
    """锁文件放在哪里：本机所有用户都看得到的地方，``EASYTRADER_LOCKS`` 可以另指一处。"""
    told = os.environ.get(_LOCKS, "").strip()
    if told:
        return Path(told).expanduser().absolute()
    if os.name == "nt":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "easytrader" / "sessions"
    base = next((each for each in _SHARED if _is_shared(Path(each))), tempfile.gettempdir())
    return Path(base) / "easytrader-sessions"


def usable_root() -> tuple[Path, str]:
    """用得上的 `lock_root`，没有问题为空；用不上就用自己的临时目录，并说为什么。"""
    root = lock_root()
    try:
        _make(root)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as exc:
        own = Path(tempfile.gettempdir()) / f"easytrader-sessions-{_user()}"
        return own, f"{root}：{exc.strerror or exc}"
    return root, ""


def _make(folder: Path) -> None:
    """建文件夹；POSIX 上大家都能写、不能删别人的，别人放的符号链接不跟着走。"""
    with contextlib.suppress(FileExistsError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        if os.name != "nt":
            folder.chmod(0o1777)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise NotADirectoryError(20, "不是文件夹", str(folder))


def _is_shared(folder: Path) -> bool:
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and mode & 0o1002 == 0o1002


def _user() -> str:
    try:
        return "".join(each for each in getpass.getuser() if each.isalnum()) or "user"
    except (OSError, KeyError, ImportError):  # 容器里可能没有用户名
        return "user"


def _read(note: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _write(note: Path, record: dict[str, Any]) -> None:
    with (
        contextlib.suppress(OSError),  # 记不下来只会少冷却一次，不该因此连不上
        os.fdopen(_open_note(note), "w", encoding="utf-8") as file,
    ):
        json.dump(record, file)


def _open_note(note: Path) -> int:
    """别的用户也要能写；不跟着别人放的符号链接走。"""
    flags = os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(note, flags)  # 先不带 O_CREAT：粘滞目录里别人的文件带着它打不开
    except FileNotFoundError:
        made = os.open(note, flags | os.O_CREAT, 0o666)
    with contextlib.suppress(OSError):
        note.chmod(0o666)  # 建的时候被 umask 去掉了
    return made
