"""什么都不说时用哪个模拟文件夹、开什么账户；行情接口连哪个文件夹。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from easytrader.records import paths
from easytrader.sim import hub
from easytrader.sim.folder import AccountConfig, create, is_sim_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_ACCOUNT",
    "DEFAULT_CASH",
    "default_folder",
    "quote_folder",
    "told_by_environment",
    "told_folder",
]

DEFAULT_ACCOUNT: Final = "1000000001"
DEFAULT_CASH: Final = 1_000_000
"""默认账户的初始资金，元。"""

_VARIABLE: Final = "EASYTRADER_SIM"


def default_folder() -> Path:
    """`use('sim')` 不给路径时用的模拟 MiniQMT 文件夹。"""
    return paths.home() / "sim" / "userdata_mini"


def told_by_environment() -> str:
    """环境变量 ``EASYTRADER_SIM`` 说的模拟文件夹；没有说为空。"""
    return os.environ.get(_VARIABLE, "").strip()


def told_folder() -> str:
    """行情接口该连的模拟文件夹，有人说过的：环境变量，或本进程最近连过的；都没有为空。"""
    if told := told_by_environment():
        return told
    latest = hub.HUB.latest
    return latest if latest and is_sim_folder(latest) else ""


def quote_folder() -> str:
    """行情接口连哪个模拟文件夹：`told_folder`，否则是默认的（没有就建，同 ``use('sim')``）。

    环境变量指定的与默认的文件夹，没有进程在服务时可以嵌在本进程里。
    """
    told = told_folder()
    if not told:
        told = str(default_folder())
        if not is_sim_folder(told):
            create(told, (AccountConfig(DEFAULT_ACCOUNT, cash=DEFAULT_CASH),))
        hub.allow_embed(told)
    elif told_by_environment() and is_sim_folder(told):
        hub.allow_embed(told)
    return told
