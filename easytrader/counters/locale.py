"""Linux 上的 ``zh_CN.GB18030``：CTP 一类的 C++ 模块要它，没有的话整个进程会被终止，Python 拦不住。

没有的，不要 root 也能做一个：``localedef`` 写进本库自己的文件夹，再用环境变量 ``LOCPATH`` 指过去。
导入那个模块之前做好就行，不必重启进程。
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from easytrader.basics.log import Log
from easytrader.basics.paths import home
from easytrader.errors import MissingDependencyError

NAME: Final = "zh_CN.GB18030"
_VARIABLE: Final = "LOCPATH"
_ALL: Final = 0x1FBF
"""``LC_ALL_MASK``，glibc 的。"""
_LIMIT_S: Final = 240.0
"""做一个要十来秒的 CPU，忙的机器上几十秒。"""
_HOW: Final = (
    "装上系统的字符集再来：Debian、Ubuntu 是 apt install locales，"
    "Fedora、CentOS 是 dnf install glibc-locale-source"
)


def is_needed() -> bool:
    """这个系统上要看它。"""
    return sys.platform.startswith("linux")


def is_there() -> bool:
    """这个进程里现在找得到它；不改进程的区域设置。"""
    try:
        libc = ctypes.CDLL(None)
        libc.newlocale.restype = ctypes.c_void_p
        libc.newlocale.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
        libc.freelocale.argtypes = [ctypes.c_void_p]
        found = libc.newlocale(_ALL, NAME.encode(), None)
    except (OSError, AttributeError):  # 不是 glibc：不知道，不拦
        return True
    if found:
        libc.freelocale(found)
    return bool(found)


def ensure() -> Path | None:
    """没有就找以前做的，再没有就做一个；导入要它的模块之前调用。

    Returns:
        ``LOCPATH`` 指着的文件夹；系统自己有的为 None。

    Raises:
        MissingDependencyError: 做不出来；信息里说装什么。
    """
    if not is_needed() or is_there():
        return None
    folder = made()
    if folder is None:
        folder = make()
    point_at(folder)
    if not is_there():
        raise MissingDependencyError(f"做好了 {NAME}（{folder}），这个进程里还是用不了。{_HOW}")
    return folder


def made() -> Path | None:
    """以前做好的在哪里；没有为 None。"""
    folder = home() / "locale"
    return folder if (folder / NAME / "LC_CTYPE").is_file() else None


def point_at(folder: Path) -> None:
    """让这个进程与它的子进程到那里去找；系统自己的照旧找得到。"""
    before = os.environ.get(_VARIABLE, "")
    places = [each for each in before.split(":") if each]
    if str(folder) not in places:
        os.environ[_VARIABLE] = ":".join([str(folder), *places])


def make() -> Path:
    """做一个；几十秒。

    Raises:
        MissingDependencyError: 没有 ``localedef``、没有字符集，写不了，太慢。
    """
    program = shutil.which("localedef")
    if program is None:
        raise MissingDependencyError(f"没有 {NAME}，也没有 localedef 可以做一个。{_HOW}")
    folder = home() / "locale"
    Log(False).info("没有 {}，正在做一个（只做一次，几十秒）：{}", NAME, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as place:
            done = subprocess.run(  # noqa: S603  就是系统的 localedef
                [program, "-i", "zh_CN", "-f", "GB18030", str(Path(place, NAME))],
                capture_output=True, timeout=_LIMIT_S, check=False,
            )  # fmt: skip
            with suppress(OSError):  # 别的进程同时做好了，用它的
                Path(place, NAME).rename(folder / NAME)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise MissingDependencyError(f"做不出 {NAME}：{exc}。{_HOW}") from None
    if made() is None:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MissingDependencyError(f"做不出 {NAME}：{said[-1] if said else '没有说原因'}。{_HOW}")
    return folder
