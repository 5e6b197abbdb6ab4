"""像 ``python SCRIPT ARGS`` 那样运行一个脚本；``sim run`` 的，xtquant 接到模拟 MiniQMT。"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from easytrader.basics import scripts
from easytrader.cli.output import complain
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FAILED: Final = 1
_INTERRUPTED: Final = 130


def run_script(script: str, arguments: Sequence[str], *, simulated: bool = True) -> int:
    """运行到脚本的主线程结束，返回它的退出码。

    脚本留下的非守护线程与 python 里一样：解释器等它们走完才退出，嵌着的柜台在那之后才关。

    Args:
        script: 脚本的路径。
        arguments: 它的参数。
        simulated: 接上模拟 MiniQMT；否则 xtquant 是装着的那个。

    Raises:
        UsageError: 没有这个脚本。
    """
    path = Path(script)
    if not path.is_file():
        raise UsageError("SCRIPT", script, "没有这个文件；写脚本的路径，例如 strategy.py")
    filename = str(path.absolute())

    def run() -> None:
        code = scripts.compiled(filename)
        exec(code, sys.modules["__main__"].__dict__)  # noqa: S102  运行用户的脚本正是这个命令的用途

    _start([script, *arguments], str(path.resolve().parent), simulated)
    scripts.become(filename)
    return _finish(run, lambda name: name == filename)


def run_module(name: str, arguments: Sequence[str]) -> int:
    """像 ``python -m NAME ARGS`` 那样运行一个模块或包，其余同 `run_script`。"""
    import runpy

    _start(["-m", *arguments], str(Path.cwd()), simulated=True)
    sys.modules["__main__"] = ModuleType("__main__")
    sys.modules["__main__"].__dict__["__builtins__"] = builtins
    # python -m 自己用的就是它：找不到模块时以 1 退出，说的话也一样
    ours = {__file__, runpy.__file__, "<frozen runpy>"}
    run = runpy._run_module_as_main  # type: ignore[attr-defined]  # noqa: SLF001
    return _finish(lambda: run(name), lambda filename: filename not in ours)


def _finish(run: Callable[[], object], is_theirs: Callable[[str], bool]) -> int:
    """运行，返回退出码；``is_theirs``：回溯里的这个文件是不是脚本自己的。"""
    try:
        run()
    except SystemExit as stop:
        return _exit_code(stop.code)
    except BaseException as error:  # noqa: BLE001  与解释器一样：交给 excepthook，只换退出码
        _show(error, is_theirs)
        return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else _FAILED
    return 0


def passed_on(given: Sequence[str], rest: Sequence[str]) -> list[str]:
    """脚本的参数，一个不差：argparse 会吃掉 SCRIPT 之后的第一个「--」，而它属于脚本。

    Args:
        given: 原样的命令行。
        rest: argparse 收在最后的。
    """
    start = len(given) - len(rest)
    while start > 0 and given[start - 1] == "--":
        start -= 1
    return list(given[start:])


def _start(argv: list[str], folder: str, simulated: bool) -> None:
    """接上模拟 MiniQMT；``sys.argv``、``sys.path`` 是 python 直接运行它时的样子。"""
    if simulated:
        from easytrader.sim import install

        install.start_run()
        _bring_children_along()
    sys.argv = argv
    if not getattr(sys.flags, "safe_path", False):
        # 脚本所在目录（符号链接指向的真实目录）在最前，顶掉本命令自己的
        sys.path[:1] = [folder]


def _join_simulation() -> None:
    """在 multiprocessing 的子进程里、导入主模块之前执行。"""
    from easytrader.sim import install

    install.join_run()


class _Joining:
    """随准备数据送到子进程；在那边还原出来时，子进程就接到模拟 MiniQMT 了。"""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _join_simulation, ()


def _bring_children_along() -> None:
    """spawn、forkserver 的子进程是全新的解释器（Windows、macOS 的默认）：让它们也接上。"""
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data

    def with_simulation(name: str) -> dict[str, object]:
        return {**prepare(name), "easytrader": _Joining()}

    spawn.get_preparation_data = with_simulation


def _exit_code(code: object) -> int:
    """``sys.exit(...)`` 的规矩：None 为 0，整数照传，别的印到标准错误、以 1 退出。"""
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    complain(str(code))
    return _FAILED


def _show(error: BaseException, is_theirs: Callable[[str], bool]) -> None:
    """回溯只从脚本自己的第一帧开始。"""
    trace = scripts.theirs(error, is_theirs)
    sys.excepthook(type(error), error.with_traceback(trace), trace)
