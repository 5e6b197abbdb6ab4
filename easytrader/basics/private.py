"""只给本人看的文件：文件夹 0700，文件 0600。Windows 上用户目录本来就只有本人能看。"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def private_folder(path: str | os.PathLike[str]) -> Path:
    """建好文件夹（上级一并建）；已有的收紧权限，收不紧的（不是本人的）照旧。"""
    folder = Path(path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
