"""前台跑着的命令怎样被叫停：Ctrl-C、SIGTERM、Ctrl-Break。"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INTERRUPTED: Final = 130
_OTHERS: Final = ("SIGTERM", "SIGBREAK", "SIGHUP")


@contextmanager
def heard(ask: Callable[[str], None]) -> Iterator[None]:
    """这一段里，第一个信号只是叫一声 ``ask``；再来一个立刻退出（退出码 130）。

    Args:
        ask: 收到了哪个信号；在信号处理里调用，只许放进 `SimpleQueue`、改一个变量。

    不在主线程里的什么也不装：Python 只许主线程接信号。
    """
    told = False

    def hear(number: int, _frame: object) -> None:
        nonlocal told
        if told:
            os._exit(_INTERRUPTED)
        told = True
        ask(f"收到 {signal.Signals(number).name}")

    with _handled(("SIGINT", *_OTHERS), hear):
        yield


@contextmanager
def interrupting() -> Iterator[None]:
    """这一段里，SIGTERM、Ctrl-Break、挂断都像 Ctrl-C：抛 ``KeyboardInterrupt``，收尾再走。"""

    def hear(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(f"收到 {signal.Signals(number).name}")

    with _handled(_OTHERS, hear):
        yield


@contextmanager
def _handled(names: tuple[str, ...], hear: Callable[[int, Any], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    hangup = getattr(signal, "SIGHUP", None)
    # nohup 让 SIGHUP 不起作用，要尊重它
    numbers = [n for n in numbers if n != hangup or signal.getsignal(n) != signal.SIG_IGN]
    before: dict[int, Any] = {each: signal.signal(each, hear) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
