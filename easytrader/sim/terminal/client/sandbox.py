"""策略看得见的世界：它的内置函数、它的 ``sys.modules``、哪些模块与文件与地址不许碰。

同一份代码在测试里与别的客户端同在一个进程，所以 ``sys.modules``、套接字、``print`` 都是这个客户端
自己的：杀掉它，它的东西就没了。拦的是策略自己写的 ``import``，与真的客户端一样不管标准库内部。
"""

import builtins
import importlib
import importlib.util
import sys
import types
import weakref
from contextlib import suppress

from . import manners as _manners

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, Callable, Dict, Sequence

    from .terminal import Terminal

NO_FILES = "Foribdden FileIO"
"""原文如此。"""
_FILE_CALLS = (
    "open mkdir makedirs rename renames replace remove unlink rmdir removedirs listdir scandir "
    "walk link symlink truncate chmod utime"
)
_FILE_MODULES = "pathlib shutil tempfile glob fileinput zipfile tarfile mmap"
_LOCAL = ("localhost", "::1", "", "0.0.0.0")  # noqa: S104  认得出来，不是去听


class Sandbox:
    """一个客户端里策略的世界。

    Attributes:
        modules: 策略看到的 ``sys.modules``：自己放进去的是自己的，别的照进程的。
        sockets: 策略开着的套接字。
    """

    def __init__(self, terminal: "Terminal") -> None:
        self._terminal = terminal
        self.modules = _Modules()
        self.sockets: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()
        self._made: "Dict[str, types.ModuleType]" = {}
        self._makers = {
            "sys": self._make_sys,
            "os": self._make_os,
            "io": self._make_io,
            "socket": self._make_socket,
            "importlib": self._make_importlib,
            "ctypes.wintypes": self._make_wintypes,
        }  # type: Dict[str, Callable[[], types.ModuleType]]
        if terminal.clock.manual:
            self._makers["time"] = self._make_time

    def builtins(self) -> "Dict[str, Any]":
        """策略的 ``__builtins__``。"""
        made = dict(vars(builtins))
        made["__import__"] = self.load
        made["open"] = self._file_call(builtins.open)
        made["print"] = self._print
        return made

    def close(self) -> None:
        """像进程没了那样关掉策略开着的套接字。"""
        for each in list(self.sockets):
            with suppress(OSError):
                each.close()

    def load(
        self,
        name: str,
        globals_: "Any" = None,
        locals_: "Any" = None,
        fromlist: "Any" = (),
        level: int = 0,
    ) -> "Any":
        """策略里的 ``import``。

        Raises:
            ImportError: 不在白名单里，原文是客户端的。
            PermissionError: 自己写的模块，而这个客户端不许读文件。
            SystemError: 在交易回调的线程上导入还没有导入过的模块。
        """
        self._permit(name)
        if dict.__contains__(self.modules, name):
            return self.modules[name]
        module = builtins.__import__(name, globals_, locals_, fromlist, level)
        if not fromlist:
            return self._guarded(name.partition(".")[0], module)
        return self._guarded(name, module)

    def _permit(self, name: str) -> None:
        rules, top = self._terminal.manners, name.partition(".")[0]
        if (rules.imports and top not in rules.imports) or (
            top == "ctypes" and rules.ctypes == _manners.NONE
        ):
            raise ImportError("Forbidden: Module<%s> not in whitelist!" % top)
        if name in self.modules:
            return
        if self._terminal.native.is_current() and not rules.callback_imports:
            raise SystemError("error return without exception set")
        if not rules.files and not _is_standard(top):
            raise PermissionError(NO_FILES)

    def _guarded(self, name: str, module: "Any") -> "Any":
        if name == "ctypes" and self._terminal.manners.ctypes == _manners.PATCHED:
            return _copy(module, {"wintypes": self._guarded("ctypes.wintypes", None)})
        if name in _FILE_MODULES.split() and not self._terminal.manners.files:
            return _copy(module, {each: self._refuse for each in dir(module) if each[0] != "_"})
        if name == "ctypes.wintypes" and self._terminal.manners.ctypes != _manners.PATCHED:
            return module
        maker = self._makers.get(name)
        if maker is None:
            return module
        if name not in self._made:
            self._made[name] = maker()
        return self._made[name]

    def _print(self, *values: "Any", **options: "Any") -> None:
        if options.get("file") is not None:
            builtins.print(*values, **options)  # noqa: T201  策略指名写到别处
            return
        gap, end = options.get("sep"), options.get("end")
        text = (" " if gap is None else gap).join(map(str, values))
        self._terminal.log.output(text + ("" if end in (None, "\n") else str(end)))

    def _refuse(self, *_args: "Any", **_named: "Any") -> "Any":
        raise PermissionError(NO_FILES)

    def _file_call(self, real: "Callable[..., Any]") -> "Callable[..., Any]":
        def call(*args: "Any", **named: "Any") -> "Any":
            if not self._terminal.manners.files:
                raise PermissionError(NO_FILES)
            return real(*args, **named)

        return call

    def check_address(self, address: "Any", listening: bool) -> None:
        """这个地址许不许连（``listening``：许不许听）；不许是 PermissionError，原文是客户端的。"""
        refused = (_manners.NONE, _manners.BIND if listening else _manners.CONNECT)
        if self._terminal.manners.loopback not in refused:
            return
        host = address[0] if isinstance(address, tuple) else ""
        if host in _LOCAL or str(host).startswith("127."):
            raise PermissionError("非法IP:%s" % (host or "0.0.0.0"))  # noqa: S104

    def _make_sys(self) -> types.ModuleType:
        writer = _Writer(self._terminal)
        return _copy(sys, {"modules": self.modules, "stdout": writer, "stderr": writer})

    def _make_os(self) -> types.ModuleType:
        import os

        guarded = {
            each: self._file_call(getattr(os, each))
            for each in _FILE_CALLS.split()
            if hasattr(os, each)
        }
        # 同在一个进程的几个客户端，各在各的文件夹里
        guarded["getcwd"] = lambda: self._terminal.folder or os.getcwd()
        return _copy(os, guarded)

    def _make_io(self) -> types.ModuleType:
        import io

        return _copy(io, {"open": self._file_call(io.open), "FileIO": self._file_call(io.FileIO)})

    def _make_importlib(self) -> types.ModuleType:
        def import_module(name: str, package: "Any" = None) -> "Any":
            if name.startswith("."):
                return importlib.import_module(name, package)
            return self.load(name, fromlist=("*",))

        return _copy(importlib, {"import_module": import_module, "__import__": self.load})

    def _make_wintypes(self) -> types.ModuleType:
        import ctypes.wintypes

        return _copy(ctypes.wintypes, {}, ("HANDLE", "BOOL"))

    def _make_time(self) -> types.ModuleType:
        import time

        clock = self._terminal.clock
        told = {"monotonic": clock.monotonic, "perf_counter": clock.monotonic}
        return _copy(time, dict(told, sleep=clock.wait, time=clock.now))

    def _make_socket(self) -> types.ModuleType:
        """标准库 ``socket`` 的另一份：``accept``、``create_server`` 造出来的也都记得住、拦得住。"""
        import socket as real

        spec = importlib.util.spec_from_file_location("_terminal_socket", real.__file__)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules["_terminal_socket"] = made
        try:
            spec.loader.exec_module(made)
        finally:
            del sys.modules["_terminal_socket"]
        vars(made)["socket"] = _tracked(vars(made)["socket"], self)
        return made


class _Modules(dict):  # type: ignore[type-arg]
    """策略看到的 ``sys.modules``：里面存的是策略自己放的，没有的到进程的里面去找。"""

    def __missing__(self, name: str) -> "Any":
        return sys.modules[name]

    def __contains__(self, name: "Any") -> bool:
        return dict.__contains__(self, name) or name in sys.modules

    def get(self, name: "Any", default: "Any" = None) -> "Any":
        """与 ``dict.get`` 一样。"""
        return self[name] if name in self else default  # noqa: SIM401  正是在写 get


class _Writer:
    """策略的 ``sys.stdout``：整行进策略的输出日志。"""

    def __init__(self, terminal: "Terminal") -> None:
        self._terminal = terminal
        self._left = ""

    def write(self, text: str) -> int:
        """写一段；满一行才出去。"""
        *lines, self._left = (self._left + text).split("\n")
        for line in lines:
            self._terminal.log.output(line)
        return len(text)

    def flush(self) -> None:
        """没有要冲的。"""

    def isatty(self) -> bool:
        """不是终端。"""
        return False


def _tracked(base: "Any", sandbox: Sandbox) -> "Any":
    class socket(base):  # type: ignore[misc]
        """记着的套接字。"""

        def __init__(self, *args: "Any", **named: "Any") -> None:
            base.__init__(self, *args, **named)
            sandbox.sockets.add(self)

        def bind(self, address: "Any") -> None:
            """不许听的，原文拒绝。"""
            sandbox.check_address(address, True)
            base.bind(self, address)

        def connect(self, address: "Any") -> None:
            """不许连的，原文拒绝。"""
            sandbox.check_address(address, False)
            base.connect(self, address)

        def connect_ex(self, address: "Any") -> int:
            """同 ``connect``。"""
            sandbox.check_address(address, False)
            code = base.connect_ex(self, address)
            return int(code)

    return socket


def _copy(
    module: types.ModuleType, changed: "Dict[str, Any]", absent: "Sequence[str]" = ()
) -> types.ModuleType:
    made = types.ModuleType(module.__name__)
    vars(made).update(vars(module))
    vars(made).update(changed)
    for each in absent:
        vars(made).pop(each, None)
    return made


def _is_standard(top: str) -> bool:
    """标准库与装在客户端里的；找不到的也算，由导入自己去说没有。"""
    spec = importlib.util.find_spec(top)
    origin = (spec.origin or "") if spec is not None else "built-in"
    return origin in ("built-in", "frozen") or origin.startswith(_LIBRARY)


_LIBRARY = (importlib.__file__ or "").rpartition("importlib")[0]
