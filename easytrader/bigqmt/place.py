"""客户端的文件夹：校验 ``miniqmt_path``，从日志里看是不是实盘、不许什么。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client
from easytrader.miniqmt.diagnose.preflight import existing_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_FORM: Final = (
    r"应为完整版 QMT 的安装目录（里面有 bin.x64 和 userdata），如 D:\国金证券QMT交易端"
)
_SIMULATED: Final = "easytrader_sim*"


def check_path(value: object) -> Path:
    """校验：存在、是文件夹、有完整版的客户端（或是模拟的）。

    Raises:
        UsageError: 不是。
    """
    path = existing_folder(value, FOLDER_FORM).absolute()
    if any(path.glob(_SIMULATED)) or big_client.looks_big(path):
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
