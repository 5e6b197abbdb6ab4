"""什么都不说时用哪个模拟文件夹、开什么账户。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.basics import paths

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_ACCOUNT", "DEFAULT_CASH", "default_folder"]

DEFAULT_ACCOUNT: Final = "1000000001"
DEFAULT_CASH: Final = 1_000_000
"""默认账户的初始资金，元。"""


def default_folder() -> Path:
    """`use('sim')` 不给路径时用的模拟 MiniQMT 文件夹。"""
    return paths.home() / "sim" / "userdata_mini"
