"""长活的进度条：写到标准错误，有终端看着才画。"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from easytrader.cli.output import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


class Step(Protocol):
    """说做到哪里了。"""

    def __call__(self, done: float, told: str = "", total: float | None = None) -> None:
        """``done`` 是做到的，``told`` 是此刻在做什么，``total`` 是改过的总数。"""


@contextmanager
def progress(title: str, total: float | None = None) -> Iterator[Step]:
    """一件长活。

    ::

        with progress("回放", days) as step:
            for number, day in enumerate(all_days, 1):
                ...
                step(number, day)

    Args:
        title: 在做什么。
        total: 一共多少；还不知道为 None。
    """
    if not is_terminal(sys.stderr):
        yield _silent
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from easytrader.cli.tables import terminal

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=terminal(error=True), transient=True) as shown:
        task = shown.add_task(title, total=total, told="")

        def step(done: float, told: str = "", total: float | None = None) -> None:
            shown.update(task, completed=done, told=told, total=total)

        yield step


def _silent(done: float, told: str = "", total: float | None = None) -> None:
    """没有终端：不画。"""
