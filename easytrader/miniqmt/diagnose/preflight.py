"""连接前看一眼路径，连接失败后说出可能的原因。

厂商的 ``connect()`` 只会返回 -1，路径写错还会默默建目录、写 75 MB 的文件，所以先看。
"""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader.basics import replaying
from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client, file_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.miniqmt.diagnose.file_checks import Verdict
    from easytrader.miniqmt.session_ids import Lease

FOLDER_FORM: Final = (
    r"应为 QMT 客户端安装目录下的 userdata_mini 文件夹，如 D:\国金证券QMT交易端\userdata_mini"
    "（投研端是 userdata）"
)
_ELSEWHERE: Final = (
    "这是真的 MiniQMT 客户端的文件夹，而客户端只在它自己的 Windows 机器上运行，这里是 {system}，"
    "连不到它（共享、挂载过来的文件夹也不行）：在那台 Windows 上运行这个程序。"
    "在这里可以用模拟的：easytrader.use('sim')"
)
_INSTALLED: Final = (
    f"这是完整版 QMT 的安装目录（有 {big_client.EXE}），没有 userdata_mini。{big_client.USE_BIG}"
)
_LOOKS: Final[tuple[Callable[[Path], Verdict], ...]] = (
    file_checks.look_permission,
    file_checks.look_path,
    file_checks.look_disk,
    file_checks.look_sessions,
)


def check_path(value: object) -> str:
    """校验 ``miniqmt_path``：存在、是文件夹。

    Returns:
        绝对路径；正在回放的，写的是哪里都是回放的文件夹。

    Raises:
        UsageError: 不是路径、不存在、不是文件夹、不让看。
    """
    replay = replaying.current()
    if replay is not None:
        return replay.folder
    path = existing_folder(value, FOLDER_FORM)
    _check_layer(path, value)
    try:
        str(path).encode("gb18030")
    except UnicodeEncodeError:
        expected = "路径里有厂商不支持的字符（要能用 GB18030 编码）"
        raise UsageError("miniqmt_path", value, expected) from None
    return str(path.absolute())


def existing_folder(value: object, form: str) -> Path:
    """用户写的文件夹，存在、看得了；不展开到里面一层。

    Args:
        value: 用户给的 ``miniqmt_path``。
        form: 应该写成什么样。

    Raises:
        UsageError: 不是路径、不存在、不是文件夹、不让看。
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError("miniqmt_path", value, form)
    try:
        path = Path(text).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as exc:  # 太长、~没有这个用户
        raise UsageError("miniqmt_path", value, f"这个路径用不了：{exc}。{form}") from None
    if not exists:
        here = form
        if os.name != "nt" and text[1:3] in (":\\", ":/"):
            here = f"客户端只在 Windows 上运行，这里是 {platform.system()}；用模拟的：use('sim')"
        raise UsageError("miniqmt_path", value, f"这个路径不存在。{here}")
    if not path.is_dir():
        raise UsageError("miniqmt_path", value, f"这是文件，不是文件夹。{form}")
    if not os.access(path, os.R_OK | os.X_OK):
        raise UsageError("miniqmt_path", value, "没有权限看这个文件夹：检查它的属主与权限")
    return path


def _check_layer(path: Path, value: object) -> None:
    """给的是安装目录：MiniQMT 的在里面一层；只有完整版的不是 MiniQMT。"""
    nested = path / "userdata_mini"
    if path.name != "userdata_mini" and nested.is_dir():
        told = f"请再往里一层：{nested}"
        if big_client.looks_big(path):
            told += '；券商收回了 MiniQMT 的，用完整版：easytrader.use("bigqmt")'
        raise UsageError("miniqmt_path", value, told)
    if (path / "bin.x64" / big_client.EXE).is_file() and not big_client.looks_mini(path):
        raise UsageError("miniqmt_path", value, _INSTALLED)


def diagnose(path: str, chosen_id: int | None) -> list[str]:
    """连接失败（-1）之后：看得出的毛病在前，看不出的可能在后。

    Args:
        path: userdata_mini。
        chosen_id: 用户自己指定的会话 id；不是指定的为 None（我们自己的锁保证没有别的程序在用）。
    """
    found = []
    for look in _LOOKS:
        with contextlib.suppress(OSError):  # 说明原因时再出错，就少说一条
            verdict = look(Path(path))
            if verdict.status != file_checks.OK:
                found.append(f"{verdict.detail}：{verdict.fix}")
    found.append("MiniQMT 客户端没有运行或还没登录：启动并登录，登录时勾选「极简模式 / 独立交易」")
    if chosen_id is not None:
        found.append(
            f"会话 id {chosen_id} 是你指定的；不用 easytrader 的程序也在用它（或 4 秒内用过）的话，"
            "换一个 session_id，或不指定"
        )
    return found


def failure_text(
    path: str, lease: Lease, code: int | None, told: str = "", *, windows: bool = os.name == "nt"
) -> str:
    """`ConnectFailedError` 的说明。

    Args:
        path: userdata_mini。
        lease: 用的会话 id。
        code: 厂商 ``connect()`` 的返回值；没有等到为 None。
        told: 知道的原因；真的客户端从来不说，说了的是模拟的。
        windows: 是不是在 Windows 上。
    """
    returned = "" if code is None else f"（connect 返回 {code}）"
    first = f"连接 MiniQMT 失败{returned}，路径 {path}。"
    hint = _big_hint(Path(path))
    if told and not windows and _is_real_client(Path(path)):
        return first + _ELSEWHERE.format(system=platform.system()) + hint
    chosen_id = lease.session_id if lease.chosen else None
    if told:
        first += f"原因：{told}"
    lines = [first, "请逐项检查：" if told else "可能的原因："]
    if hint:
        lines.append(f"  {hint}")
    lines += [f"  {number}. {each}" for number, each in enumerate(diagnose(path, chosen_id), 1)]
    lines.append(f"从头到尾查一遍：{doctor_command(path)}")
    return "\n".join(lines)


def _big_hint(folder: Path) -> str:
    """这里装着完整版、而 MiniQMT 没有在用的，说该怎样连；别的为空。"""
    with contextlib.suppress(OSError):
        if any(folder.glob("easytrader_sim*")) or any(folder.glob("up_queue*xtquant")):
            return ""
    if not big_client.looks_big(folder):
        return ""
    return '这里装着完整版 QMT，登录的是它的话 MiniQMT 的接口连不上：用 easytrader.use("bigqmt")'


def _is_real_client(folder: Path) -> bool:
    """真的客户端的文件夹（或它的拷贝），不是模拟的。"""
    with contextlib.suppress(OSError):
        if any(folder.glob("easytrader_sim*")):
            return False
        named = folder.name.lower() == "userdata_mini" and any(folder.iterdir())
        return named or any(folder.glob("*_queue*xtquant*")) or any(folder.glob("down_queue_win*"))
    return False


def doctor_command(path: str) -> str:
    """体检这个文件夹的命令。"""
    return f'easytrader doctor "{path}" --account 资金账号'
