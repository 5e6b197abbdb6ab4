"""让 ``from xtquant import xttrader`` 在任何机器上可用。

``install()`` 往 ``sys.meta_path`` 放一个查找器，它只管两个名字：

- ``xtquant.xtpythonclient``：厂商的原生模块，只有 Windows 版。没有就给替身；有就包一层：
  模拟文件夹走替身，别的路径走真的客户端。
- ``xtquant.xtquant``：老手册的示例从这里导入 ``StockAccount``，新版的包里没有了；没有就补上。

同时装上 `vendor_import` 的查找器：厂商包在导入时不联网、不打印。
"""

from __future__ import annotations

import importlib
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.vendor_import import next_spec, quiet_vendor_import

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["install"]

_PACKAGE: Final = "xtquant"
_NATIVE: Final = "xtquant.xtpythonclient"
_OLD_NAME: Final = "xtquant.xtquant"
_install_lock: Final = threading.Lock()


def install() -> None:
    """装上查找器；可重复调用，不导入 xtquant。"""
    quiet_vendor_import()
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
            real = next_spec(self, fullname, path, target)
            return spec_from_loader(fullname, _NativeLoader(real), origin="easytrader.sim.native")
        if fullname == _OLD_NAME and next_spec(self, fullname, path, target) is None:
            return spec_from_loader(fullname, _OldNameLoader(), origin="easytrader.sim.install")
        return None


class _OldNameLoader(Loader):
    """``xtquant.xtquant``：老版本里数据类型在的地方。"""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        types = vars(importlib.import_module(f"{_PACKAGE}.xttype"))
        module.__dict__.update({key: each for key, each in types.items() if key[:1] != "_"})


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
