"""只给本人看的文件：文件夹 0700，文件 0600。Windows 上用户目录本来就只有本人能看。"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_R = TypeVar("_R")

_AGAIN_S: Final = 0.02
_TRIES: Final = 10
"""Windows 上另一个进程正好开着文件，换不了、读不了：隔一会儿再试，最多这么多次。"""
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows 上不要替我们换行。"""


def private_folder(path: str | os.PathLike[str], *, tighten: bool = False) -> Path:
    """建好文件夹，连同上级；这次建的都只给本人看。

    Args:
        path: 文件夹。
        tighten: 已有的也收紧（本库自己的），收不紧的（不是本人的）照旧；用户自己的文件夹不动它。
    """
    folder = Path(path)
    if not folder.is_dir():
        if folder.parent != folder:
            private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    if tighten:
        _tighten(folder, 0o700)
    return folder


def private_file(path: str | os.PathLike[str]) -> Path:
    """没有就建空的；已有的只收紧权限。SQLite 的 -wal、-shm 跟着主文件的权限。

    已有的绝不打开：本进程关上它的任何一个句柄，都会丢掉 SQLite 在它上面的 POSIX 锁。
    """
    file = Path(path)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for each in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        _tighten(each, 0o600)
    return file


def _tighten(path: Path, mode: int) -> None:
    if os.name == "nt":
        return
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(mode)
    except OSError:
        return


def replace_file(path: Path, data: bytes) -> None:
    """写好一份只给本人看的，再整个换上去：别人看到的不是旧的就是新的。"""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        patiently(lambda: beside.replace(path))
    finally:
        beside.unlink(missing_ok=True)


def patiently(work: Callable[[], _R]) -> _R:
    """Windows 上文件正被别人开着的，隔一会儿再试。"""
    for left in range(_TRIES - 1, -1, -1):
        try:
            return work()
        except PermissionError:  # noqa: PERF203  占着才会再来
            if os.name != "nt" or not left:
                raise
            threading.Event().wait(_AGAIN_S)
    raise AssertionError("不会走到这里")
