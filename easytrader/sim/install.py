"""让 ``from xtquant import xttrader`` 在任何机器上可用。

``install()`` 往 ``sys.meta_path`` 放一个查找器，它只管三个名字：

- ``xtquant.xtpythonclient``：厂商的原生模块，只有 Windows 版。Windows 以外给替身；
  Windows 上包一层：模拟文件夹走替身，别的路径走真的客户端；真的加载不了就抛它的错误，不拿替身顶上。
- ``xtquant.datacenter``：行情的原生模块，同样替代或包一层；包着的时候，
  行情连模拟的还是真的见 `_choosing_quotes`。
- ``xtquant.xtquant``：老手册的示例从这里导入 ``StockAccount``，新版的包里没有了；没有就补上。

同时装上 `vendor_import` 的查找器：厂商包在导入时不联网、不打印。
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import replaying
from easytrader.basics.vendor_import import binary_remedy, next_spec, quiet_vendor_import
from easytrader.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader, MetaPathFinder
    from importlib.machinery import ModuleSpec
else:  # importlib.abc 带进十几个模块，import easytrader 要轻；解释器只看有没有那几个方法
    Loader = MetaPathFinder = object


_PACKAGE: Final = "xtquant"
_NATIVE: Final = "xtquant.xtpythonclient"
_QUOTES: Final = "xtquant.datacenter"
_OLD_NAME: Final = "xtquant.xtquant"
_install_lock: Final = threading.Lock()
_WINDOWS: Final = sys.platform == "win32"
"""这里可以有真的客户端。"""


def install() -> None:
    """装上查找器；可重复调用，不导入 xtquant。"""
    quiet_vendor_import()
    with _install_lock:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        _replace_loaded()


RUN_VARIABLE: Final = "EASYTRADER_SIM_RUN"
"""设着：这个进程与它的子进程由 ``easytrader sim run`` 起，任何模拟文件夹都可以嵌在进程里。

值是这一家子共用的记事文件：谁看见过哪个文件夹由 ``sim serve`` 服务着，见 `hub`。
"""
_PATHS: Final = "PYTHONPATH"


def start_run() -> None:
    """从这里起是 ``sim run``：本进程接上，此后起的 Python 子进程、孙进程也接上。"""
    if RUN_VARIABLE not in os.environ:
        import tempfile  # 用到才导入：它带进随机、压缩几个模块，import easytrader 要轻

        handle, notes = tempfile.mkstemp(prefix="easytrader-run-", suffix=".txt")
        os.close(handle)
        os.environ[RUN_VARIABLE] = notes
        atexit.register(_remove, notes, os.getpid())
    startup = str(Path(__file__).with_name("startup"))
    before = os.environ.get(_PATHS, "")
    if startup not in before.split(os.pathsep):
        os.environ[_PATHS] = f"{startup}{os.pathsep}{before}" if before else startup
    join_run()


def join_run() -> None:
    """接到模拟 MiniQMT；``sim run`` 的子进程启动时执行。"""
    install()
    atexit.register(_skip_destructors)


def _remove(notes: str, pid: int) -> None:
    """记事文件归起它的进程收；fork 出来的不算。"""
    if os.getpid() == pid:
        with suppress(OSError):
            Path(notes).unlink()


def _skip_destructors() -> None:
    """解释器退出时不跑 ``XtQuantTrader.__del__``。

    真的客户端里这个对象被原生层攥着，析构从不执行；这里会在模块都拆掉之后执行，
    厂商在里面 ``import asyncio`` 就报错刷屏。
    """
    trader = getattr(sys.modules.get("xtquant.xttrader"), "XtQuantTrader", None)
    if trader is not None and "__del__" in vars(trader):
        del trader.__del__


def _replace_loaded() -> None:
    """真的原生模块已经导入了：把它换成包过的，连同 ``xttrader`` 手里的那个引用。"""
    real = sys.modules.get(_NATIVE)
    if real is not None and not isinstance(real, _NativeModule):
        wrapped = _NativeModule(real)
        sys.modules[_NATIVE] = wrapped
        _rebind(real, wrapped, (_PACKAGE, "xtpythonclient"), (f"{_PACKAGE}.xttrader", "_XTQC_"))
    real = sys.modules.get(_QUOTES)
    if real is not None and not isinstance(real, _QuoteModule):
        quotes = _QuoteModule(real)
        sys.modules[_QUOTES] = quotes
        _rebind(real, quotes, (_PACKAGE, "datacenter"), (f"{_PACKAGE}.xtdatacenter", "__dc"))
        client, chosen = real.IPythonApiClient, quotes.IPythonApiClient
        _rebind(client, chosen, (f"{_PACKAGE}.xtdatacenter", "RPCClient"))


def _rebind(old: Any, new: Any, *places: tuple[str, str]) -> None:
    """这几处若正引用着 ``old``，换成 ``new``。"""
    for owner, name in places:
        module = sys.modules.get(owner)
        if getattr(module, name, None) is old:
            setattr(module, name, new)


class _Finder(MetaPathFinder):
    """只回答三个名字，别的都交给后面的查找器。"""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in (_NATIVE, _QUOTES):
            real = next_spec(self, fullname, path, target)
            wrap = _NativeModule if fullname == _NATIVE else _QuoteModule
            loader = _NativeLoader(real, wrap)
            return spec_from_loader(fullname, loader, origin="easytrader.sim.native")
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
    def __init__(
        self,
        real: ModuleSpec | None,
        wrap: Callable[[ModuleType | MissingDependencyError | None], ModuleType],
    ) -> None:
        self._real = real
        self._wrap = wrap

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._wrap(_load_real(self._real))

    def exec_module(self, module: ModuleType) -> None:
        """内容在 create_module 里已经齐了。"""


def _load_real(spec: ModuleSpec | None) -> ModuleType | MissingDependencyError | None:
    """真的原生模块；该有而加载不了的是它的错误；这台机器上不会有的为 None。"""
    if spec is None or spec.loader is None:
        return _missing(None) if _WINDOWS else None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        return _missing(error)
    return module


def _missing(error: ImportError | None) -> MissingDependencyError:
    found = MissingDependencyError(binary_remedy(_PACKAGE, error, windows=_WINDOWS), name=_NATIVE)
    found.__cause__ = error
    return found


class _Wrapper(ModuleType):
    """原生模块：真的在手里就转给真的，没有就是替身。"""

    def __init__(self, name: str, source: Any) -> None:
        super().__init__(name, "厂商原生模块（由 easytrader 提供或包装）。")
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._source)})


class _NativeModule(_Wrapper):
    """``xtquant.xtpythonclient``：Windows 上只有客户端类按路径挑，其余是真的。"""

    def __init__(self, real: ModuleType | MissingDependencyError | None) -> None:
        from easytrader.sim import native

        super().__init__(_NATIVE, real if isinstance(real, ModuleType) else native)
        if real is not None:
            self.XtQuantAsyncClient = _choosing(native.XtQuantAsyncClient, real)


class _QuoteModule(_Wrapper):
    """``xtquant.datacenter``：Windows 上只有客户端类按本进程在用什么挑。"""

    def __init__(self, real: ModuleType | MissingDependencyError | None) -> None:
        from easytrader.sim.native import datacenter

        super().__init__(_QUOTES, real if isinstance(real, ModuleType) else datacenter)
        if real is not None:
            self.IPythonApiClient = _choosing_quotes(datacenter.IPythonApiClient, real)


_real_used: Final = threading.Event()
"""本进程造过真的交易客户端。"""


def _choosing(simulated: Any, real: Any) -> Any:
    """按路径挑客户端类：模拟文件夹用替身，其余用真的；真的加载不了就抛它的错误。"""

    def make(path: str | bytes, name: str, session: int) -> Any:
        from easytrader.sim.config.folder import is_sim_folder

        text = path.decode("gb18030", "replace") if isinstance(path, bytes) else path
        if is_sim_folder(text) or replaying.current() is not None:
            return simulated(path, name, session)
        if isinstance(real, MissingDependencyError):
            raise real.with_traceback(None)
        _real_used.set()
        return real.XtQuantAsyncClient(path, name, session)

    make.__name__ = make.__qualname__ = "XtQuantAsyncClient"
    return make


def _choosing_quotes(simulated: Any, real: Any) -> Any:
    """有真的行情模块时挑哪一个。

    环境变量 EASYTRADER_SIM 说了就用模拟的；否则本进程连过模拟文件夹、又没有碰过真的客户端才用。
    """

    def make() -> Any:
        from easytrader.sim.native.quote_connection import told_by_environment, told_folder

        asked = told_by_environment() or (told_folder() and not _real_used.is_set())
        asked = asked or replaying.current() is not None
        if asked:
            return simulated()
        if isinstance(real, MissingDependencyError):
            raise real.with_traceback(None)
        return real.IPythonApiClient()

    make.__name__ = make.__qualname__ = "IPythonApiClient"
    return make
