"""导入厂商包时不联网、不打印；没有它的二进制时说得出怎么办。

``xtquant/__init__.py`` 在导入时查 PyPI（最多等 10 秒）并打印一行；240119 在 Linux 上还会打印
一段出错的堆栈。这里只对这一个模块把它要用的三个导入换成空壳，进程里别处照常；厂商的代码一行不改。
"""

from __future__ import annotations

import builtins
import contextlib
import platform
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader, MetaPathFinder
    from importlib.machinery import ModuleSpec
else:  # importlib.abc 带进十几个模块，import easytrader 要轻；解释器只看有没有那几个方法
    Loader = MetaPathFinder = object

_PACKAGE: Final = "xtquant"
_HOLLOW: Final = frozenset({"requests", "pkg_resources", "traceback"})
_install_lock: Final = threading.Lock()


def quiet_vendor_import() -> None:
    """装上查找器；可重复调用，不导入 xtquant。"""
    with _install_lock:
        if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _QuietFinder())


def binary_remedy(name: str, error: ImportError | None, *, windows: bool | None = None) -> str:
    """厂商的二进制用不了时怎么说、怎么办；不导入厂商包。

    Args:
        name: 包名。
        error: 加载时的错误；根本没有本机的文件为 None。
        windows: 是不是在 Windows 上，默认看本机。
    """
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    here = f"{platform.system()} {platform.machine()}，Python {version}"
    why = "" if error is None else f"。原始错误：{error}"
    if not (sys.platform == "win32" if windows is None else windows):
        return (
            f"装着 {name}，但没有本平台的二进制（{here}）：厂商只提供 Windows x64 的，"
            "真的客户端在它的 Windows 机器上，在那台机器上运行这个程序；"
            f"在这里可以用模拟 MiniQMT：easytrader.use('sim'){why}"
        )
    have = _binary_versions(name)
    shown = "、".join(have) or "一个也没有"
    if version not in have:
        return (
            f"装着的 {name} 没有这个 Python 的二进制（{here}）；它有 Windows x64 的 "
            f"Python {shown}：换一个这样的 64 位 Python，或升级 pip install -U {name}{why}"
        )
    return (
        f"装着的 {name} 的二进制加载不了（{here}）：多半缺 Microsoft Visual C++ 运行库，"
        "装 https://aka.ms/vs/17/release/vc_redist.x64.exe 再试；"
        f"Python 要 64 位的；还不行就重装 pip install --force-reinstall {name}{why}"
    )


def _binary_versions(name: str) -> list[str]:
    """厂商包带着哪些 Python 版本的二进制，如 ``3.11``。"""
    found = set()
    with contextlib.suppress(ImportError, ValueError, OSError):
        spec = find_spec(name)
        for folder in (spec and spec.submodule_search_locations) or ():
            for each in Path(folder).glob("xtpythonclient.cp*-win_amd64.pyd"):
                digits = each.name.split(".")[1].split("-")[0].removeprefix("cp")
                found.add((int(digits[0]), int(digits[1:])))
    return [f"{major}.{minor}" for major, minor in sorted(found)]


def next_spec(
    asking: MetaPathFinder,
    fullname: str,
    path: Sequence[str] | None,
    target: ModuleType | None = None,
) -> ModuleSpec | None:
    """除了 ``asking`` 自己，别的查找器找到什么。"""
    for finder in sys.meta_path:
        find = None if finder is asking else getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(fullname, path, target) if find else None
        if spec is not None:
            return spec
    return None


class _QuietFinder(MetaPathFinder):
    """只回答 ``xtquant`` 这一个名字。"""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        spec = next_spec(self, fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(Loader):
    """照常执行 ``xtquant/__init__.py``，只是它导入 requests 等几个模块时得到空壳。

    厂商把用它们的那一段包在 ``try … except: pass`` 里，于是不联网、不打印。不能让导入本身失败：
    240329 写在文件开头，没有包。
    """

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._real.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        # 解释器按模块自己的 __builtins__ 找 __import__：换掉的只是这一个模块的
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _quiet_import}
        try:
            self._real.exec_module(module)
        finally:
            module.__dict__["__builtins__"] = vars(builtins)


def _quiet_import(name: str, *args: Any, **options: Any) -> Any:
    if name.partition(".")[0] in _HOLLOW:
        return _Hollow(name)
    return builtins.__import__(name, *args, **options)


class _Hollow(ModuleType):
    """空壳：里面的每个函数都什么也不做，返回 None。"""

    def __getattr__(self, name: str) -> Any:
        return _nothing


def _nothing(*_args: Any, **_options: Any) -> None:
    """空壳里的函数。"""
