"""只给本人看的文件：文件夹 0700，文件 0600。Windows 上用户目录本来就只有本人能看。"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


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
