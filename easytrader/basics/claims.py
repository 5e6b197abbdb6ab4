"""只能有一个进程占着的东西：一个端口、一个账号、一个任务。

占着的是文件锁：进程没了（包括被杀）锁就开了。旁边的便条说占着的是谁。
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SHARED_MODE: Final = 0o666
"""账号的锁别的用户也要打得开，才知道有人占着。"""
_PRIVATE_MODE: Final = 0o600
_GRACE_S: Final = 0.5
_PROBE_S: Final = 0.1
"""探查的只拿一瞬间：撞上了再等等，不把两个探查的当成占着的。"""


class TakenError(EasytraderError):
    """已经有人占着；``note`` 是它留的便条，可能为空。"""

    def __init__(self, text: str, note: dict[str, Any]) -> None:
        super().__init__(text)
        self.note = note


class Claim:
    """占着一样东西，到 `release` 为止。

    Args:
        lock: 锁文件。
        note: 给别人看的：占着的是谁。
        shared: 别的用户也看得到。

    Raises:
        TakenError: 别人占着。
        OSError: 锁文件写不了。
    """

    def __init__(self, lock: Path, note: dict[str, Any], *, shared: bool = False) -> None:
        self._mode = _SHARED_MODE if shared else _PRIVATE_MODE
        self._lock = FileLock(lock, mode=self._mode, thread_local=False)
        self._note = note_of(lock)
        try:
            self._lock.acquire(timeout=_GRACE_S, poll_interval=0.05)
        except Timeout:
            raise TakenError("已经有人占着", _read(self._note)) from None
        except PermissionError:
            if not lock.exists():
                raise
            raise TakenError("已经有人占着", {}) from None  # 别的用户的：不能确知就当在用
        try:
            self.write(note)
        except BaseException:
            self._lock.release()
            raise

    def write(self, note: dict[str, Any]) -> None:
        """换一张便条。"""
        temporary = self._note.with_name(f"{self._note.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(temporary, flags, self._mode), "w", encoding="utf-8") as file:
            json.dump(note, file, ensure_ascii=False)
        if self._mode == _SHARED_MODE and os.name != "nt":
            temporary.chmod(self._mode)  # 建的时候被 umask 去掉了
        try:
            _patiently(lambda: temporary.replace(self._note))
        except OSError:
            temporary.unlink(missing_ok=True)
            if self._mode == _PRIVATE_MODE:
                raise  # 共用的便条可能是别的用户留下的：写不了只是少说一个进程号

    def release(self) -> None:
        """放开；可重复调用。"""
        if self._lock.is_locked:
            with suppress(OSError):
                _patiently(lambda: self._note.unlink(missing_ok=True))
            self._lock.release()


def note_of(lock: Path) -> Path:
    """锁的便条在哪里。"""
    return lock.with_suffix(".json")


def holder(lock: Path) -> dict[str, Any] | None:
    """占着的人的便条；没有人占着为 None。"""
    if not lock.exists():
        return None
    probe = FileLock(lock, thread_local=False)
    try:
        probe.acquire(timeout=_PROBE_S, poll_interval=0.02)
    except Timeout:
        return _read(note_of(lock))
    except PermissionError:
        return {}
    probe.release()
    return None


def _patiently(action: Callable[[], object]) -> None:
    """Windows 上别人正读着便条时，换、删会短暂地被拒绝：等一等再来。"""
    left = 40 if os.name == "nt" else 0
    while True:
        try:
            action()
            return
        except PermissionError:  # noqa: PERF203  要的就是出错重来
            if not left:
                raise
            left -= 1
            Event().wait(0.01)


def _read(note: Path) -> dict[str, Any]:
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
