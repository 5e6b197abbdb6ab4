"""客户端的文件夹：用户给的 ``miniqmt_path`` 是不是完整版 QMT 的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client
from easytrader.miniqmt.diagnose.preflight import existing_folder

if TYPE_CHECKING:
    from pathlib import Path

FORM: Final = (
    r"应为完整版 QMT 客户端的安装目录（里面有 bin.x64\XtItClient.exe），如 D:\国金证券QMT交易端；"
    "写它的 userdata、userdata_mini 也行"
)


def check_folder(value: object) -> Path:
    """校验 ``miniqmt_path``：存在，装着完整版的客户端（或是模拟的文件夹）。

    Returns:
        绝对路径，照用户给的那一层。

    Raises:
        UsageError: 不存在、不是文件夹，或那里没有完整版的客户端。
    """
    path = existing_folder(value, FORM).absolute()
    if is_simulated(path) or big_client.looks_big(path):
        return path
    if big_client.looks_mini(path):
        told = '这里只有 MiniQMT，没有完整版的客户端：用 easytrader.use("miniqmt")；'
        raise UsageError("miniqmt_path", value, told + FORM)
    raise UsageError("miniqmt_path", value, f"这里没有完整版的客户端。{FORM}")


def is_simulated(path: Path) -> bool:
    """是模拟的文件夹。"""
    return any(path.glob("easytrader_sim*"))


def home(path: Path) -> str:
    """同一个客户端只有一种写法：它的 ``userdata``，还没有的也这样写。"""
    found = big_client.userdata_of(path)
    return str(path / "userdata" if found is None else found)
