"""前台服务：占着一个文件夹扮演 MiniQMT 客户端，直到 Ctrl-C、SIGTERM 或被要求停止。"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.sim.config.folder import SimFolder


_LOOK_S: Final = 0.2
"""隔多久看一眼主机还在不在；Windows 上 Ctrl-C 也要等这么久才轮到处理。"""

_HANGUP: Final = getattr(signal, "SIGHUP", None)


def serve(folder: SimFolder, announce: Callable[[Host], None]) -> None:
    """服务到被叫停为止；就绪时调用 ``announce``。

    Raises:
        SimulatorError: 文件夹已被占用、柜台打不开，或中途出错停止。
    """
    with stop_signals() as stop:
        host = Host(folder, kind="serve")
        try:
            announce(host)
            while not host.stopped.is_set():
                try:
                    stop.get(timeout=_LOOK_S)
                except Empty:
                    continue
                return
            if host.crashed is not None:
                raise SimulatorError(f"模拟 MiniQMT 出错停止：{host.crashed!r}") from host.crashed
        finally:
            host.close()


@contextmanager
def stop_signals() -> Iterator[SimpleQueue[int]]:
    """这一段里 Ctrl-C、SIGTERM、关窗口都只往队列里放一个数，出去时复原；只在主线程上用。"""
    # SimpleQueue.put 可以在信号处理函数里调用（可重入），Event.set 不行
    stop: SimpleQueue[int] = SimpleQueue()
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # nohup 让 SIGHUP 不起作用，要尊重它
    numbers = [n for n in numbers if n != _HANGUP or signal.getsignal(n) != signal.SIG_IGN]
    before: dict[int, Any] = {
        number: signal.signal(number, lambda received, _: stop.put(received)) for number in numbers
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
