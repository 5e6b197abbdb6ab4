"""让 ``from xtquant import xttrader`` 在任何机器上可用。

``install()`` 往 ``sys.meta_path`` 放一个查找器，它只管两个名字：

- ``xtquant.xtpythonclient``：厂商的原生模块，只有 Windows 版。没有就给替身；有就包一层：
  模拟文件夹走替身，别的路径走真的客户端。
- ``xtquant``：它在导入时查 PyPI 并打印。只对这一个模块挡住那两个导入，进程里别处照常。
"""

from __future__ import annotations

import builtins
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["install"]

_PACKAGE: Final = "xtquant"
_NATIVE: Final = "xtquant.xtpythonclient"
_REFUSED: Final = frozenset({"requests", "pkg_resources"})
_install_lock: Final = threading.Lock()


def install() -> None:
    """装上查找器；可重复调用，不导入 xtquant。"""
    with _install_lock:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        _replace_loaded()


def _replace_loaded() -> None:
    """真的原生模块已经导入了：把它换成包过的，连同 ``xttrader`` 手里的那个引用。"""
    real = sys.modules.get(_NATIVE)
    if real is None or isinstance(real, _NativeModule):
        return
    wrapped = _NativeModule(real)
    sys.modules[_NATIVE] = wrapped
    for owner, name in ((_PACKAGE, "xtpythonclient"), (f"{_PACKAGE}.xttrader", "_XTQC_")):
        module = sys.modules.get(owner)
        if getattr(module, name, None) is real:
            setattr(module, name, wrapped)


class _Finder(MetaPathFinder):
    """只回答两个名字，别的都交给后面的查找器。"""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname == _NATIVE:
            real = _next_spec(fullname, path, target)
            return spec_from_loader(fullname, _NativeLoader(real), origin="easytrader.sim.native")
        if fullname == _PACKAGE:
            spec = _next_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _QuietLoader(spec.loader)
            return spec
        return None


def _next_spec(
    fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = None if isinstance(finder, _Finder) else getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(fullname, path, target) if find else None
        if spec is not None:
            return spec
    return None


class _QuietLoader(Loader):
    """照常执行 ``xtquant/__init__.py``，只是它导入 requests、pkg_resources 时得到 ImportError。

    厂商把这段包在 ``try … except: pass`` 里，于是不联网、不打印。
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
    if name.partition(".")[0] in _REFUSED:
        raise ImportError(f"导入 xtquant 时不联网：略过 {name}")
    return builtins.__import__(name, *args, **options)


class _NativeLoader(Loader):
    def __init__(self, real: ModuleSpec | None) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _NativeModule(_load_real(self._real))

    def exec_module(self, module: ModuleType) -> None:
        """内容在 create_module 里已经齐了。"""


def _load_real(spec: ModuleSpec | None) -> ModuleType | None:
    """真的原生模块；没有，或这台机器上加载不了，为 None。"""
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        logger.warning("厂商的原生模块加载失败，只能用模拟 MiniQMT：{}", error)
        return None
    return module


class _NativeModule(ModuleType):
    """``xtquant.xtpythonclient``：真的在手里就转给真的，只有客户端类按路径挑。"""

    def __init__(self, real: ModuleType | None) -> None:
        super().__init__(_NATIVE, "厂商原生模块（由 easytrader 提供或包装）。")
        from easytrader.sim import native

        self._source: Any = native if real is None else real
        if real is not None:
            self.XtQuantAsyncClient = _choosing(native.XtQuantAsyncClient, real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._source)})


def _choosing(simulated: Any, real: Any) -> Any:
    """按路径挑客户端类：模拟文件夹用替身，其余用真的。"""

    def make(path: str | bytes, name: str, session: int) -> Any:
        from easytrader.sim.folder import is_sim_folder

        text = path.decode("gb18030", "replace") if isinstance(path, bytes) else path
        chosen = simulated if is_sim_folder(text) else real.XtQuantAsyncClient
        return chosen(path, name, session)

    make.__name__ = make.__qualname__ = "XtQuantAsyncClient"
    return make
