"""客户端的文件夹：校验 ``miniqmt_path``，从日志里看是不是实盘、不许什么。"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client
from easytrader.miniqmt.diagnose.preflight import existing_folder

FOLDER_FORM: Final = (
    r"应为完整版 QMT 的安装目录（里面有 bin.x64 和 userdata），如 D:\国金证券QMT交易端"
)
_SIMULATED: Final = "easytrader_sim*"
_INNER: Final = ("userdata", "userdata_mini")
"""原来的脚本写到这一层的，路径不必改。"""


def check_path(value: object) -> Path:
    """校验：存在、是文件夹、有完整版的客户端（或是模拟的）。

    Raises:
        UsageError: 不是。
    """
    outer = _outer(value)
    path = existing_folder(value if outer is None else outer, FOLDER_FORM).absolute()
    if is_simulated(path) or big_client.looks_big(path):
        return path
    if big_client.looks_mini(path):
        raise UsageError(
            "miniqmt_path",
            value,
            '这里只有 MiniQMT，没有完整版的客户端：用 easytrader.use("miniqmt")，'
            f"或给完整版的。{FOLDER_FORM}",
        )
    raise UsageError("miniqmt_path", value, f"这个文件夹里没有完整版 QMT 的客户端。{FOLDER_FORM}")


def is_simulated(path: Path) -> bool:
    """是模拟的文件夹。"""
    return any(path.glob(_SIMULATED))


def _outer(value: object) -> Path | None:
    """模拟的文件夹里的 ``userdata``、``userdata_mini``（有没有都行）→ 那个文件夹；别的为 None。"""
    with contextlib.suppress(OSError, RuntimeError, TypeError, ValueError):
        path = Path(os.fspath(value)).expanduser()  # type: ignore[call-overload]
        inner = path.name.lower() in _INNER and not is_simulated(path)
        if inner and is_simulated(path.parent):
            return path.parent
    return None


def home(path: Path) -> str:
    """同一个客户端只有一种写法：它的 ``userdata``（还没有的也这样写）。"""
    found = big_client.userdata_of(path)
    return str(path / "userdata" if found is None else found)
