"""只看文件就知道的：客户端目录、权限文件、会话 id、磁盘。`doctor` 与 `ConnectFailedError` 共用。

每一项看完给一个 `Verdict`；都很快，不碰厂商的接口，不改任何东西。
依据：厂商 FAQ「connect 返回 -1」与客户端目录里的文件（`up_queue…` 由开通了权限的客户端创建，
`down_queue…` 每个用过的会话 id 一个，75 MB）。
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.miniqmt import session_ids
from easytrader.miniqmt.diagnose.big_client import USE_BIG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.miniqmt.session_ids import IdUse

OK: Final = "正常"
NOTE: Final = "注意"
BAD: Final = "有问题"
SKIPPED: Final = "跳过"

QUEUE_BYTES: Final = 75_497_752
"""客户端为每个会话 id 留下的文件的大小。"""

_MB: Final = 1_000_000
_MANY_QUEUES: Final = 2 * session_ids.POOL_SIZE
_FOLDER_NAMES: Final = ("userdata_mini", "userdata")
_PERMISSION_FILES: Final = ("up_queue*xtquant", "lock_up_queue*xtquant", "winsemaphore_flag*")


class Verdict(NamedTuple):
    """一项检查的结论。

    Attributes:
        status: ``正常``、``注意``、``有问题``、``跳过``。
        detail: 看到了什么。
        fix: 怎么办；正常时为空。
    """

    status: str
    detail: str
    fix: str = ""


def look_path(
    folder: Path, *, windows: bool = os.name == "nt", is_admin: Callable[[], bool] | None = None
) -> Verdict:
    """路径存在之后：名字像不像、是不是在 C 盘。"""
    on_c = windows and PureWindowsPath(folder).drive.upper() == "C:"
    if on_c and Path.home() not in folder.parents and not (is_admin or _is_admin)():
        return Verdict(
            NOTE,
            f"{folder} 在 C 盘，而 Python 不是以管理员身份运行",
            "客户端装在 C 盘时，客户端和 Python 都要用管理员身份运行；或把客户端装到别的盘",
        )
    if folder.name.lower() not in _FOLDER_NAMES and not any(folder.glob("up_queue*xtquant")):
        return Verdict(
            NOTE,
            f"{folder} 的名字不是 userdata_mini",
            "确认它就是正在运行的客户端的 userdata_mini（投研端是 userdata）",
        )
    return Verdict(OK, str(folder))


def look_permission(folder: Path, *, write_problem: Callable[[Path], str] | None = None) -> Verdict:
    """极简模式与权限：``up_queue…xtquant`` 在不在，文件夹可不可写。"""
    found = sorted({path.name for each in _PERMISSION_FILES for path in folder.glob(each)})
    told = "有 " + "、".join(found) if found else "没有 up_queue…xtquant 等文件"
    if not any(name.startswith("up_queue") for name in found):
        return Verdict(
            BAD,
            f"文件夹里没有 up_queue…xtquant（{told}）",
            "客户端登录时勾选「极简模式 / 独立交易」；勾了还没有，就是账号没有开通 MiniQMT"
            "（策略交易）权限，找券商开通；或者这不是客户端正在用的 userdata_mini。" + USE_BIG,
        )
    problem = (write_problem or _write_problem)(folder)
    if problem:
        return Verdict(
            BAD,
            f"文件夹不可写：{problem}",
            "客户端装在 C 盘时，客户端和 Python 都要用管理员身份运行；也看看磁盘有没有写满",
        )
    return Verdict(OK, f"{told}；可写")


def look_sessions(folder: Path, account_id: str | None = None) -> Verdict:
    """会话 id：哪些在用、在冷却，``down_queue`` 文件攒了多少。"""
    uses = session_ids.survey(str(folder), account_id)
    held = [use for use in uses if use.held]
    cooling = [use for use in uses if use.cooling_s > 0]
    told = [_told_uses(held, cooling)]
    count, size = _queues(folder)
    told.append(f"down_queue 文件 {count} 个，{size / _MB:.0f} MB" if count else "")
    detail = "；".join(filter(None, told))
    if account_id is not None and len(held) == len(uses):
        return Verdict(BAD, detail, "会话 id 全部被占用：关掉几个连着这个客户端的程序")
    if account_id is not None and len(held) + len(cooling) == len(uses):
        wait_s = max(use.cooling_s for use in cooling)
        return Verdict(NOTE, detail, f"没有空闲的会话 id：过 {wait_s:.0f} 秒再连")
    if count > _MANY_QUEUES:
        return Verdict(
            NOTE,
            detail,
            "每个用过的会话 id 留下一个 75 MB 的文件。退出客户端和脚本之后可以删掉 down_queue*；"
            "不指定 session_id 时 easytrader 只轮换 16 个",
        )
    return Verdict(OK, detail)


def look_disk(
    folder: Path,
    *,
    least: int = 2 * QUEUE_BYTES,
    enough: int = session_ids.POOL_SIZE * QUEUE_BYTES,
    usage: Callable[[Path], Any] = shutil.disk_usage,
) -> Verdict:
    """剩余空间；文件夹还不存在时看它所在的磁盘。

    Args:
        folder: 看哪里。
        least: 少于这么多字节就是有问题。
        enough: 少于这么多字节要注意；默认是 16 个会话 id 的文件。
        usage: 怎样问剩余空间。
    """
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    free = int(usage(place).free)
    detail = f"{folder} 剩 {_size(free)}"
    why = "（每个会话 id 的文件 75 MB）" if least >= QUEUE_BYTES else ""
    if free < least:
        return Verdict(BAD, detail, f"清理磁盘：至少要有 {_size(least)}{why}")
    if free < enough:
        return Verdict(NOTE, detail, f"清理磁盘：最好有 {_size(enough)} 以上{why}")
    return Verdict(OK, detail)


def _told_uses(held: Sequence[IdUse], cooling: Sequence[IdUse]) -> str:
    if not held and not cooling:
        return "没有会话 id 在使用"
    told = []
    if held:
        told.append("在用：" + "、".join(_told_use(use) for use in held))
    if cooling:
        told.append("冷却中：" + "、".join(str(use.session_id) for use in cooling))
    return "；".join(told)


def _told_use(use: IdUse) -> str:
    if use.pid is None:
        return f"{use.session_id}"
    who = "本进程" if use.pid == os.getpid() else f"进程 {use.pid}"
    return f"{use.session_id}（{who}）"


def _queues(folder: Path) -> tuple[int, int]:
    sizes = []
    for path in folder.glob("down_queue*"):
        if path.name.endswith("__mutex"):
            continue
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # 正好在这时被删掉
            continue
    return len(sizes), sum(sizes)


def _write_problem(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as exc:
        return exc.strerror or str(exc)


def _is_admin() -> bool:
    """是不是以管理员身份运行（只在 Windows 上问）。"""
    import ctypes

    windll: Any = getattr(ctypes, "windll", None)
    try:
        return bool(windll.shell32.IsUserAnAdmin())
    except (AttributeError, OSError):
        return False


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / _MB:.0f} MB"
