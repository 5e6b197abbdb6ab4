"""客户端的文件夹：校验 ``miniqmt_path``，从日志里看是不是实盘、不许什么。"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from easytrader.basics.paths import canonical
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


_UP: Final = 6
"""往上看这么多层。"""
_MARK: Final = "easytrader_sim.json"


def client_of(path: Path) -> Path | None:
    """这个地方在哪个客户端里：模拟的文件夹，或有 ``XtItClient.exe`` 的安装目录；都不是为 None。"""
    folder = Path(canonical(path))
    for place in (folder, *folder.parents)[:_UP]:
        with contextlib.suppress(OSError):
            if (place / _MARK).is_file() or (place / "bin.x64" / big_client.EXE).is_file():
                return place
    return None


def elsewhere(path: Path, places: list[str]) -> str:
    """答话的客户端是不是 ``path`` 的那一个；肯定不是的说出来，是的、说不准的为空。

    模拟的文件夹要肯定是才算：练习的不能连到真的上去。

    Args:
        path: 用户给的。
        places: 中转说它在哪里（程序、当前目录）。
    """
    mine = client_of(path)
    found = [client_of(Path(each)) for each in places if each]
    if mine is None or mine in found:
        return ""
    other = next((each for each in found if each is not None), None)
    if other is not None:
        return f"答话的中转在另一个客户端里：{other}，而路径给的是 {path}"
    if (mine / _MARK).is_file():
        return f"答话的中转不在这个模拟的客户端里（它在 {'、'.join(places)}），而路径给的是 {path}"
    return ""
