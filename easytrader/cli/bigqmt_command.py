"""``easytrader bigqmt agent|probe``：写出要贴进完整版 QMT 的文件。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Parser


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``bigqmt`` 的各个命令。"""
    rooms.add_parser("bigqmt", description="完整版 QMT 的内置 Python。").add_commands()
