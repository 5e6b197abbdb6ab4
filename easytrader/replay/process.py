"""像 cron 那样：每天起一个新的进程跑脚本。其实在本进程里，只是什么都是新的。

新的：``__main__``、脚本目录里导入的模块、``sys.argv``、当前目录、环境变量、根日志的处理器、
``atexit``、asyncio 的事件循环；没有终端，标准输入是空的。跑完以后像进程退出那样等它的非守护线程，
再收拾干净。
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import io
import logging
import os
import sys
import sysconfig
import threading
import traceback
import warnings
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from easytrader.basics import scripts
from easytrader.errors import UsageError
from easytrader.replay.stage import DayOverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

    from easytrader.replay.stage import Stage

_GRACE_S: Final = 5.0
"""叫停一个停不下来的脚本，最多等这么久。"""
_PACKAGE: Final = str(Path(__file__).resolve().parents[1])
_NOT_THEIRS: Final = (
    _PACKAGE + os.sep,
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")),
)


class TooLongError(BaseException):
    """这一天的脚本真的跑了太久：像 kill 一样停下它，所以不是 Exception。"""


class Ended(NamedTuple):
    """一天的脚本怎样结束。

    Attributes:
        code: 退出码；0 是好的。
        why: 为什么不好，一行；好的为空。
        trace: 完整的回溯；没有抛异常的为空。
    """

    code: int
    why: str = ""
    trace: str = ""


class Script:
    """一个脚本。

    Args:
        path: 脚本。
        arguments: 它的参数。
        stuck: 超时的脚本叫不停，进程只能退出：退出之前叫一声。

    Raises:
        UsageError: 没有这个脚本，或它写得不对。
    """

    def __init__(
        self, path: str, arguments: Sequence[str], stuck: Callable[[], None] | None = None
    ) -> None:
        found = Path(path)
        if not found.is_file():
            raise UsageError("SCRIPT", path, "没有这个文件；写脚本的路径，例如 strategy.py")
        self._file = str(found.absolute())
        self._folder = str(found.resolve().parent)
        self._argv = [path, *arguments]
        self._stuck = stuck
        try:
            self._code: CodeType = scripts.compiled(self._file)
        except (SyntaxError, ValueError) as error:
            raise UsageError("SCRIPT", path, f"编译不了：{error}") from error

    def is_theirs(self, filename: str) -> bool:
        """一个源文件是不是脚本这边的：脚本自己，和它目录里的。"""
        if filename == self._file:
            return True
        full = os.path.realpath(filename)
        return full.startswith(self._folder + os.sep) and not full.startswith(_NOT_THEIRS)

    def run(self, stage: Stage, output: TextIO, timeout_s: float) -> Ended:
        """跑一遍，真的最多 ``timeout_s`` 秒；它写到屏幕上的进 ``output``。

        Raises:
            KeyboardInterrupt: 有人按了 Ctrl-C。
        """
        before = set(threading.enumerate())
        ended = Ended(0)
        with ExitStack() as stack:
            stack.enter_context(_fresh_loops())
            stack.callback(stage.leave)
            goodbyes = stack.enter_context(_fresh(self._argv, self._folder, self.is_theirs))
            stack.enter_context(redirect_stdout(output))
            stack.enter_context(redirect_stderr(output))
            never_mind = stack.enter_context(_bounded(timeout_s, self._stuck))
            # 解释器退出时的次序：主模块，非守护线程，后登记的先告别
            for part in (self._main, lambda: _join(stage, before), stage.settle):
                ended = _first(ended, self._ended(part))
            while goodbyes:
                ended = _first(ended, self._ended(goodbyes.pop()))
            never_mind()
        return ended

    def _main(self) -> None:
        exec(self._code, scripts.become(self._file))  # noqa: S102  运行用户的脚本正是这里的用途

    def _ended(self, run: Callable[[], Any]) -> Ended:
        try:
            run()
        except SystemExit as stop:
            code = stop.code
            if code is None:
                return Ended(0)
            why = f"退出码 {code}" if isinstance(code, int) else str(code)
            number = code if isinstance(code, int) else 1
            return Ended(number, why if number else "")
        except DayOverError:
            return Ended(1, "到这一天结束还在等")
        except TooLongError:
            return Ended(1, "跑得太久，停下了：循环里要等（time.sleep），时间才会走")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  用户的脚本抛什么都可能：记下来，明天再跑
            trace = scripts.theirs(error, self.is_theirs)
            error = error.with_traceback(trace)
            with suppress(Exception):
                traceback.print_exception(error)
            told = "".join(traceback.format_exception_only(error)).strip().replace("\n", " ")
            return Ended(1, told, "".join(traceback.format_exception(error)))
        return Ended(0)


def _first(ended: Ended, later: Ended) -> Ended:
    """先出的错算。"""
    return ended if ended.code else later


def _join(stage: Stage, before: set[threading.Thread]) -> None:
    """等脚本的非守护线程走完；到这一天结束为止。"""
    while True:
        left = [
            each
            for each in threading.enumerate()
            if each not in before and not each.daemon and not _is_ours(each)
        ]
        if not left:
            return
        stage.let_work(left[0])
        if left[0].is_alive():
            stage.sleep(1.0)


def _is_ours(thread: threading.Thread) -> bool:
    """本库、厂商的执行器的线程：连接关掉就结束。"""
    return thread.name.startswith(("easytrader", "ThreadPoolExecutor"))


@contextmanager
def _bounded(timeout_s: float, stuck: Callable[[], None] | None) -> Iterator[Callable[[], None]]:
    """这一段最多跑这么久，到了就在本线程里抛 `TooLongError`；给出的函数是「不必了」。"""
    done, over, thrown = threading.Event(), threading.Lock(), threading.Event()
    me = threading.get_ident()

    def watch() -> None:
        if done.wait(timeout_s):
            return
        with over:
            if done.is_set():
                return
            thrown.set()
            _throw(me, TooLongError)
        if stuck is not None and not done.wait(_GRACE_S):
            stuck()

    def never_mind() -> None:
        with over:
            done.set()
            # 没有抛过的不能收：CPython 会从此每条指令都停下来看一眼
            if thrown.is_set():
                _throw(me, None)

    thread = threading.Thread(target=watch, name="easytrader-replay-watch", daemon=True)
    thread.start()
    try:
        yield never_mind
    finally:
        never_mind()
        thread.join()


def _throw(thread: int, kind: type[BaseException] | None) -> None:
    """在另一个线程里抛；None 是收回还没有抛的。"""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if kind is None else ctypes.py_object(kind)
    )


@contextmanager
def _fresh(
    argv: list[str], folder: str, is_theirs: Callable[[str], bool]
) -> Iterator[list[Callable[[], Any]]]:
    """一个新进程的样子；给出的是脚本登记的 ``atexit``。"""
    goodbyes: list[Callable[[], Any]] = []
    root = logging.getLogger()
    kept = (
        dict(os.environ),
        Path.cwd(),
        (sys.argv, list(sys.path), sys.stdin, sys.modules["__main__"]),
        (list(root.handlers), root.level),
        set(sys.modules),
    )
    register = atexit.register

    def registered(function: Any, *args: Any, **named: Any) -> Any:
        if not is_theirs(sys._getframe(1).f_code.co_filename):  # noqa: SLF001  别人登记的照旧
            return register(function, *args, **named)
        goodbyes.append(lambda: function(*args, **named))
        return function

    sys.argv, sys.stdin = list(argv), io.StringIO()
    sys.path.insert(0, folder)
    atexit.register = registered  # type: ignore[assignment]  # 脚本登记的由这里叫
    try:
        with warnings.catch_warnings():
            yield goodbyes
    finally:
        atexit.register = register
        environment, place, (sys.argv, sys.path[:], sys.stdin, main), (handlers, level), names = (
            kept
        )
        sys.modules["__main__"] = main
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        os.chdir(place)
        for handler in [each for each in root.handlers if each not in handlers]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
        for name in set(sys.modules) - names:
            if is_theirs(getattr(sys.modules[name], "__file__", None) or ""):
                del sys.modules[name]


class _Loops(asyncio.DefaultEventLoopPolicy):
    """造过的事件循环都记得。"""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[asyncio.AbstractEventLoop] = []

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """造一个。"""
        loop = super().new_event_loop()
        self.made.append(loop)
        return loop


@contextmanager
def _fresh_loops() -> Iterator[None]:
    """新进程的主线程还没有事件循环，要用时才有；昨天 ``asyncio.run`` 过的不留到今天。"""
    before, policy = asyncio.get_event_loop_policy(), _Loops()
    asyncio.set_event_loop_policy(policy)
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)
        for loop in policy.made:
            if not loop.is_running():
                loop.close()
