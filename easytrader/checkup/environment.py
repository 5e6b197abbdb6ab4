"""Python 与装着的包。"""

from __future__ import annotations

import importlib.util
import platform
import re
import struct
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader._version import __version__
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.checkup.case import Case

_OLDEST: Final = (3, 10)
_NEWEST: Final = (3, 13)
_INSTALL: Final = "pip install -U xtquant"
_NEEDED: Final = ("loguru", "tenacity")
_OLDEST_VENDOR: Final = 250516
_INIT_VERSION: Final = re.compile(r"__version__\s*=\s*['\"]\D*([\d.]+)")


def look_python(
    case: Case,
    *,
    python: tuple[int, int] = sys.version_info[:2],
    bits: int = struct.calcsize("P") * 8,
    implementation: str = platform.python_implementation(),
    system: str = platform.system(),
) -> Verdict:
    """版本、位数、平台。"""
    name = f"{implementation} {platform.python_version()}"
    detail = f"{name}，{bits} 位，{system} {platform.machine()}"
    if python < _OLDEST:
        return Verdict(BAD, detail, "easytrader 要 Python 3.10 以上")
    if bits != 64:
        return Verdict(BAD, detail, "厂商只提供 64 位的二进制：装 64 位的 Python")
    if python > _NEWEST or implementation != "CPython":
        fix = "厂商的二进制只到 CPython 3.13，真的客户端连不上：换 CPython 3.10–3.13"
        return Verdict(BAD if case.is_real else NOTE, detail, fix)
    if case.is_real and system != "Windows":
        fix = "真的客户端只能在它所在的 Windows 上连；这里可以用模拟的：easytrader.use('sim')"
        return Verdict(BAD, detail, fix)
    return Verdict(OK, detail)


def look_packages(
    case: Case,
    *,
    version_of: Callable[[str], str | None] | None = None,
    vendor_folder: Callable[[], Path | None] | None = None,
) -> Verdict:
    """本库与它用的包；xtquant 的版本，有没有这个平台的二进制。"""
    find_version = version_of or _version
    told = [f"easytrader {__version__}"]
    missing = [name for name in _NEEDED if find_version(name) is None]
    told += [f"{name} {find_version(name) or '没有装'}" for name in _NEEDED]
    folder = (vendor_folder or _vendor_folder)()
    if folder is None:
        detail = "，".join([*told, "xtquant 没有装"])
        return Verdict(BAD, detail, f"装上厂商包：{_INSTALL}")
    vendor = find_version("xtquant") or _init_version(folder) or "版本不明"
    binary = _binary(folder)
    told.append(f"xtquant {vendor}（{binary or '没有本平台的二进制，只能连模拟 MiniQMT'}）")
    detail = "，".join(told)
    if missing:
        return Verdict(BAD, detail, f"装上缺的包：pip install {' '.join(missing)}")
    if not binary and case.is_real:
        return Verdict(
            BAD,
            detail,
            "厂商只提供 Windows x64、Python 3.6–3.13 的二进制：在客户端所在的 Windows 上运行；"
            f"本来就是，就重装 {_INSTALL}",
        )
    if _is_old(vendor):
        return Verdict(NOTE, detail, f"xtquant 太旧，少了一些业务的方法：{_INSTALL}")
    return Verdict(OK, detail)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _vendor_folder() -> Path | None:
    """厂商包装在哪里；不导入它。"""
    try:
        spec = importlib.util.find_spec("xtquant")
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec is not None else None
    return next((Path(place) for place in places or ()), None)


def _init_version(folder: Path) -> str:
    """从客户端目录里拷来的 xtquant 没有安装记录，看它自己写的。"""
    try:
        text = (folder / "__init__.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = _INIT_VERSION.search(text)
    return found[1] if found else ""


def _binary(folder: Path) -> str:
    names = (f"xtpythonclient{suffix}" for suffix in EXTENSION_SUFFIXES)
    return next((name for name in names if (folder / name).is_file()), "")


def _is_old(vendor: str) -> bool:
    head = vendor.split(".")[0]
    return head.isdecimal() and int(head) < _OLDEST_VENDOR
