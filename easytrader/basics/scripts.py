"""像 ``python SCRIPT`` 那样运行一个脚本要的几样。"""

from __future__ import annotations

import builtins
import io
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType


def compiled(filename: str) -> CodeType:
    """读一个脚本，编译好。

    Raises:
        SyntaxError: 脚本写得不对。
    """
    with io.open_code(filename) as file:
        return compile(file.read(), filename, "exec", dont_inherit=True)


def become(filename: str) -> dict[str, Any]:
    """让 ``__main__`` 是 python 直接运行它时的样子，返回它的名字空间。"""
    module = ModuleType("__main__")
    names: dict[str, Any] = {
        "__file__": filename,
        "__builtins__": builtins,
        "__loader__": SourceFileLoader("__main__", filename),
        "__cached__": None,
    }
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module.__dict__


def theirs(error: BaseException, is_theirs: Callable[[str], bool]) -> TracebackType | None:
    """回溯从脚本自己的第一帧开始；``is_theirs``：这个文件是不是脚本自己的。"""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and not is_theirs(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace
