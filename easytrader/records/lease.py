"""谁还活着：每个 trader 占一把文件锁，进程没了锁就开了，别的进程据此知道它不会再有下文。"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from easytrader.basics.private import private_folder
from easytrader.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "owners"
_YOUNG_S: Final = 10.0
_OLD_S: Final = 86400.0


class FileOwner:
    """一个 trader 在委托记录里的身份（`storage.Owner`）。

    Args:
        folder: 账号的文件夹。

    Raises:
        JournalError: 锁文件写不了。
    """

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(8)
        self._folder = folder / _FOLDER
        try:
            private_folder(self._folder, tighten=True)
            self.path = self._path(self.name)
            self._lock = FileLock(self.path, thread_local=False)
            self._lock.acquire(timeout=0)
        except (OSError, Timeout) as exc:
            raise JournalError(f"占不住锁文件 {self._path(self.name)}：{exc}") from exc
        self._tidy()

    def is_alive(self, name: str, since: float = 0.0) -> bool:
        """这个身份的主人还在不在。

        Args:
            name: 身份。
            since: 它最近一次有动静，Unix 秒。
        """
        if name == self.name:
            return True
        path = self._path(name)
        if not path.exists():
            # 正常关掉的。刚发的先当它还在：也许只是锁文件还没来得及看见
            return time.time() - since < _YOUNG_S
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return True  # 看不了不等于没有了
        lock.release()
        return False

    def close(self) -> None:
        """不再是它了；可重复调用。"""
        self._lock.release()
        with suppress(OSError):
            self.path.unlink()

    def _tidy(self) -> None:
        """收走早就没有主人的锁文件；刚建的不碰，它的主人可能还没来得及上锁。"""
        with suppress(OSError):
            for path in self._folder.glob("*.lock"):
                if time.time() - path.stat().st_mtime > _OLD_S and not self.is_alive(path.stem):
                    path.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"
