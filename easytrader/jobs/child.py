"""跑一个子进程：有期限；到期了、被叫停了，连它的子孙一起停掉。

POSIX 上它自成一个会话，整组都收得到信号；Windows 上它自成一个进程组，用 ``taskkill /T``。
所以终端里的 Ctrl-C 到不了它那里：停不停、什么时候停，由起它的人定。
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GRACE_S: Final = 5.0
"""先叫它停，过这么久还不停就硬杀。"""
_LOOK_S: Final = 0.2
_KILL_S: Final = 10.0


def start(
    command: Sequence[str],
    *,
    out: Any,
    err: Any = subprocess.STDOUT,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """起一个子进程；它没有标准输入。

    Args:
        command: 程序与参数。
        out: 标准输出给谁：打开的文件，或 ``subprocess.PIPE``。
        err: 标准错误给谁；默认与标准输出一起。
        env: 环境变量；None 同本进程。

    Raises:
        OSError: 起不来。
    """
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if sys.stderr is None:  # 没有控制台（pythonw）：不要给它弹一个黑窗口
            own["creationflags"] |= subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(  # noqa: S603  命令是本库自己拼的列表，不经过 shell
        list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, **own
    )


def wait(
    process: subprocess.Popen[bytes],
    limit_s: float,
    stop: Callable[[], bool] | None = None,
) -> int | None:
    """等它结束，返回退出码（被信号杀的为负）；到期、``stop`` 为真时还没有结束为 None。"""

    def step(seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.poll() is not None

    waits.sliced(step, limit_s, stop=stop, slice_s=_LOOK_S)
    return process.returncode


def end(process: subprocess.Popen[bytes], grace_s: float = GRACE_S) -> None:
    """停掉它和它的子孙：先叫一声，过 ``grace_s`` 秒硬杀。最多阻塞十几秒。"""
    _ask(process)
    wait(process, grace_s)
    _kill(process)  # 它自己停了也杀：子孙可能还在
    wait(process, _KILL_S)


def _ask(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):  # 已经没有了；Windows 上它没有控制台
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process.pid, signal.SIGTERM)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError, subprocess.TimeoutExpired):
        if sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            subprocess.run(  # noqa: S603  Windows 自带的命令
                ["taskkill", "/F", "/T", "/PID", str(process.pid)],  # noqa: S607
                capture_output=True,
                timeout=_KILL_S,
                check=False,
                creationflags=subprocess.CREATE_NO_WINDOW,
            )
    with suppress(OSError):
        process.kill()
