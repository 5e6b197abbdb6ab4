"""像 ``python SCRIPT ARGS`` 那样运行一个脚本，只是 xtquant 接到模拟 MiniQMT。"""

from __future__ import annotations

import io
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["run_script"]

_FAILED: Final = 1
_INTERRUPTED: Final = 130


def run_script(script: str, arguments: Sequence[str]) -> int | str | None:
    """运行到脚本的主线程结束，返回它的退出码（``SystemExit`` 带的值，照 python 的规矩解释）。

    脚本留下的非守护线程与 python 里一样：解释器等它们走完才退出，嵌着的柜台在那之后才关。

    Raises:
        UsageError: 没有这个脚本。
    """
    from easytrader.sim import hub, install

    path = Path(script)
    if not path.is_file():
        raise UsageError("SCRIPT", script, "没有这个文件；写脚本的路径，例如 strategy.py")
    install.install()
    hub.allow_embed_all()
    module = _main_module(script)
    sys.argv = [script, *arguments]
    # python 把脚本所在目录（符号链接指向的真实目录）放在最前
    sys.path[:1] = [str(path.resolve().parent)]
    sys.modules["__main__"] = module
    try:
        with io.open_code(str(path.absolute())) as file:
            code = compile(file.read(), script, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  运行用户指定的脚本正是这个命令的用途
    except SystemExit as stop:
        return stop.code
    except BaseException as error:  # noqa: BLE001  与解释器一样：交给 excepthook，只换退出码
        _show(error, script)
        return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else _FAILED
    return 0


def _main_module(script: str) -> ModuleType:
    module = ModuleType("__main__")
    names: dict[str, Any] = {
        "__file__": script,
        "__builtins__": __builtins__,
        "__loader__": SourceFileLoader("__main__", script),
        "__package__": None,
        "__cached__": None,
    }
    module.__dict__.update(names)
    module.__dict__.pop("__doc__", None)
    module.__doc__ = None
    return module


def _show(error: BaseException, script: str) -> None:
    """回溯只从脚本自己的第一帧开始。"""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
