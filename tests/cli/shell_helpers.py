"""在本进程里跑 ``easytrader`` 的命令；真的子进程见 `cli_helpers`。"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from easytrader.cli import main

if TYPE_CHECKING:
    import pytest


class Done(NamedTuple):
    """一条命令跑完：退出码，写了什么。"""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def csv(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))


class Shell:
    """``shell("balance", "--json")``；``account`` 的选项每条命令都加上。"""

    def __init__(self, capsys: pytest.CaptureFixture[str], *account: str) -> None:
        self._capsys = capsys
        self.account = account

    def __call__(self, *words: str) -> Done:
        self._capsys.readouterr()
        code = main([*words, *self.account])
        return Done(code, *self._capsys.readouterr())

    def bare(self, *words: str) -> Done:
        """不加账号的选项。"""
        return Shell(self._capsys)(*words)


class Screen(io.StringIO):
    """标准输出：写到第 ``most`` 行，对方就不读了（None 一直读）；``tty`` 是终端。"""

    def __init__(self, most: int | None = None, *, tty: bool = False) -> None:
        super().__init__()
        self.most, self._tty = most, tty

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        if self.most is not None and self.getvalue().count("\n") >= self.most:
            raise BrokenPipeError
        return super().write(text)
