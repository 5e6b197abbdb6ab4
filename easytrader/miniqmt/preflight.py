"""连接前看一眼路径，连接失败后说出可能的原因。

厂商的 ``connect()`` 只会返回 -1，路径写错还会默默建目录、写 75 MB 的文件，所以先看。
依据：厂商 FAQ「connect 返回 -1」与客户端目录里的文件（`up_queue…` 由开通了权限的客户端创建）。
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from easytrader.errors import UsageError

FOLDER_FORM: Final = (
    r"应为 QMT 客户端安装目录下的 userdata_mini 文件夹，如 D:\国金证券QMT交易端\userdata_mini"
    "（投研端是 userdata）"
)


def check_path(value: object) -> str:
    """校验 ``miniqmt_path``：存在、是文件夹。

    Returns:
        绝对路径。

    Raises:
        UsageError: 不是路径、不存在、不是文件夹。
    """
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise UsageError("miniqmt_path", value, FOLDER_FORM)
    text = os.fspath(value)
    if not isinstance(text, str) or "\0" in text:
        raise UsageError("miniqmt_path", value, FOLDER_FORM)
    path = Path(text).expanduser()
    if not path.exists():
        raise UsageError("miniqmt_path", value, f"这个路径不存在。{FOLDER_FORM}")
    if not path.is_dir():
        raise UsageError("miniqmt_path", value, f"这是文件，不是文件夹。{FOLDER_FORM}")
    nested = path / "userdata_mini"
    if path.name != "userdata_mini" and nested.is_dir():
        raise UsageError("miniqmt_path", value, f"请再往里一层：{nested}")
    try:
        str(path).encode("gb18030")
    except UnicodeEncodeError:
        expected = "路径里有厂商不支持的字符（要能用 GB18030 编码）"
        raise UsageError("miniqmt_path", value, expected) from None
    return str(path.absolute())


def diagnose(path: str, session_id: int) -> list[str]:
    """连接失败（-1）之后：逐项看，最可能的在前。"""
    found = []
    folder = Path(path)
    if not any(folder.glob("up_queue*xtquant")):
        found.append(
            "文件夹里没有 up_queue…xtquant：账号可能没有开通 MiniQMT（策略交易）权限，"
            "或客户端登录时没有勾选「极简模式 / 独立交易」，或这不是客户端正在用的 userdata_mini"
        )
    if not _writable(folder):
        found.append("文件夹不可写：客户端装在 C 盘时，客户端和 Python 都要用管理员身份运行")
    found.append("MiniQMT 客户端没有运行或还没登录：启动并登录，登录时勾选「极简模式 / 独立交易」")
    found.append(
        f"会话 id {session_id} 正被别的程序使用（要隔 4 秒以上）：换一个 session_id，或不指定"
    )
    return found


def failure_text(path: str, session_id: int, code: int | None, told: str = "") -> str:
    """`ConnectFailedError` 的说明。

    Args:
        path: userdata_mini。
        session_id: 用的会话 id。
        code: 厂商 ``connect()`` 的返回值；没有等到为 None。
        told: 知道的原因；真的客户端从来不说。
    """
    returned = "" if code is None else f"（connect 返回 {code}）"
    first = f"连接 MiniQMT 失败{returned}，路径 {path}。"
    if told:
        first += f"原因：{told}"
    lines = [first, "请逐项检查：" if told else "可能的原因："]
    lines += [f"  {number}. {each}" for number, each in enumerate(diagnose(path, session_id), 1)]
    return "\n".join(lines)


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
