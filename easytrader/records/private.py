"""只给本用户看的文件与文件夹（POSIX：0600 与 0700；Windows 上由用户目录的 ACL 管）。"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def private_folder(path: str | os.PathLike[str]) -> None:
    """建文件夹，连同上级；这次建的只给本用户看，已有的不动。

    Raises:
        OSError: 建不成。
    """
    where = Path(path)
    if where.is_dir():
        return
    if where.parent != where:
        private_folder(where.parent)
    where.mkdir(mode=0o700, exist_ok=True)


def private_file(path: str | os.PathLike[str]) -> None:
    """文件没有就建空的；已有的收紧成只给本用户看（不是自己的、文件系统不认的，保持原样）。

    Raises:
        OSError: 建不成。
    """
    if sys.platform != "win32":
        # 已有的绝不打开再关上：那会放掉本进程在它上面的锁（SQLite 的锁就是这种）
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with suppress(PermissionError):
            os.chmod(path, 0o600)  # noqa: PTH101
