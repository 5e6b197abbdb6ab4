"""客户端的文件夹：校验 ``miniqmt_path``，从日志里看是不是实盘、不许什么。"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client

FOLDER_FORM: Final = (
    r"应为完整版 QMT 的安装目录（里面有 bin.x64 和 userdata），如 D:\国金证券QMT交易端"
)
_SIMULATED: Final = "easytrader_sim*"


def check_path(value: object) -> Path:
    """校验：存在、是文件夹、有完整版的客户端（或是模拟的）。

    Raises:
        UsageError: 不是。
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError("miniqmt_path", value, FOLDER_FORM)
    try:
        path = Path(text).expanduser().absolute()
        if not path.exists():
            raise UsageError("miniqmt_path", value, f"这个路径不存在。{FOLDER_FORM}")
        if not path.is_dir():
            raise UsageError("miniqmt_path", value, f"这是文件，不是文件夹。{FOLDER_FORM}")
        simulated = any(path.glob(_SIMULATED))
    except (OSError, RuntimeError, ValueError) as exc:
        if isinstance(exc, UsageError):
            raise
        raise UsageError("miniqmt_path", value, f"这个路径用不了：{exc}。{FOLDER_FORM}") from None
    if simulated or big_client.looks_big(path):
        return path
    if big_client.looks_mini(path):
        raise UsageError(
            "miniqmt_path",
            value,
            '这里只有 MiniQMT，没有完整版的客户端：用 easytrader.use("miniqmt")，'
            f"或给完整版的。{FOLDER_FORM}",
        )
    raise UsageError("miniqmt_path", value, f"这个文件夹里没有完整版 QMT 的客户端。{FOLDER_FORM}")


def home(path: Path) -> str:
    """同一个客户端只有一种写法：它的 ``userdata``（还没有的也这样写）。"""
    found = big_client.userdata_of(path)
    return str(path / "userdata" if found is None else found)
