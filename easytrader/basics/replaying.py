"""正在回放：这个进程里的交易口此刻都该去哪个模拟文件夹。

一字不改的实盘脚本在回放时也会写着真的客户端的路径、服务器的地址；凡是要连出去的地方都先问这里，
所以回放时真的柜台够不着。回放里的脚本起的子进程没有模拟的钟，不许它交易。
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE: Final = "EASYTRADER_REPLAY"
"""子进程靠它知道自己是回放里起的：``进程号:文件夹``。"""


class Guest(NamedTuple):
    """回放里开的一个交易口。

    Attributes:
        settle: (最多几秒，不等前后文了) → 来了的推送都交给回调了为真。
        close: 关掉。
    """

    settle: Callable[[float, bool], bool]
    close: Callable[[], None]


class Replaying(NamedTuple):
    """一次回放。

    Attributes:
        folder: 模拟文件夹。
        account_id: 其中的资金账号；脚本写的是别的账号，也是它。
        guests: 今天的脚本开了哪些交易口。
        clients: 今天的脚本造了哪些厂商的客户端（各有 ``stop()``）。
    """

    folder: str
    account_id: str
    guests: list[Guest]
    clients: list[Callable[[], None]]


_current: Replaying | None = None


def current() -> Replaying | None:
    """正在进行的；没有为 None。

    Raises:
        SimulatorError: 这是回放里的脚本起的子进程。
    """
    if _current is not None and _pid == os.getpid():
        return _current
    told = os.environ.get(VARIABLE, "")
    if told or _current is not None:
        where = told.partition(":")[2]
        raise SimulatorError(
            f"这是回放（{where}）里的脚本起的子进程：它的时间不是回放的时间，不许交易。"
            "把这一段写在脚本自己的进程里，或这一天不起子进程"
        )
    return None


def inside() -> bool:
    """这个进程（或起它的那个）正在回放。不抛异常。"""
    return _current is not None or bool(os.environ.get(VARIABLE))


def forbid(what: str) -> None:
    """要连到外面去之前问一声。

    Raises:
        SimulatorError: 正在回放。
    """
    if current() is not None:
        raise SimulatorError(f"正在回放，不许{what}：回放时只有模拟的账户")


_pid = 0


@contextmanager
def started(folder: str, account_id: str) -> Iterator[Replaying]:
    """在这一段里，本进程的交易口都去 ``folder``。"""
    global _current, _pid
    forbid("再开一次回放")
    before = os.environ.get(VARIABLE)
    made = _current = Replaying(folder, account_id, [], [])
    _pid = os.getpid()
    os.environ[VARIABLE] = f"{_pid}:{folder}"
    try:
        yield made
    finally:
        _current = None
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
