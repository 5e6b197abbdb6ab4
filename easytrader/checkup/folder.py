"""客户端目录：路径、权限文件、会话 id、磁盘。看法都在 `miniqmt.file_checks`。"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.paths import home
from easytrader.errors import EasytraderError
from easytrader.miniqmt.diagnose import file_checks
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, Verdict
from easytrader.sim.host.lease import holder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.checkup.case import Case

_SMALL: Final = {"least": 50_000_000, "enough": 500_000_000}
"""没有 75 MB 文件的地方（本库自己的文件、模拟文件夹）要多少空间。"""
_UNSERVED: Final = (
    "没有进程在服务：use('sim') 会把柜台放进自己的进程，use('miniqmt') 要先 easytrader sim serve"
)
_ORDER: Final = (OK, NOTE, BAD)


def look_path(case: Case) -> Verdict:
    """路径在不在、像不像；真的还是模拟的。"""
    if case.folder_problem is not None:
        return case.folder_problem
    folder = _folder(case)
    if not case.simulated:
        found = file_checks.look_path(folder)
        return found._replace(detail=f"{found.detail}（真的客户端的文件夹）")
    try:
        holder = holder_of(folder)
    except EasytraderError as exc:
        return Verdict(BAD, f"{folder}（模拟 MiniQMT）", str(exc))
    served = _UNSERVED if holder is None else f"正由{holder.describe()}服务"
    return Verdict(OK, f"{folder}（模拟 MiniQMT，{served}）")


def look_permission(case: Case) -> Verdict:
    """极简模式与权限的文件。"""
    return file_checks.look_permission(_folder(case))


def look_session(case: Case) -> Verdict:
    """会话 id 的占用与攒下的文件。"""
    return file_checks.look_sessions(_folder(case), case.account_id)


def look_disk(case: Case, *, usage: Callable[[Path], Any] = shutil.disk_usage) -> Verdict:
    """客户端目录与本库自己目录的剩余空间。"""
    found = [file_checks.look_disk(home(), **_SMALL, usage=usage)]
    if case.folder is not None:
        needs = _SMALL if case.simulated else {}
        found.insert(0, file_checks.look_disk(case.folder, **needs, usage=usage))
    worst = max(found, key=lambda each: _ORDER.index(each.status))
    return worst._replace(detail="；".join(each.detail for each in found))


def _folder(case: Case) -> Path:
    assert case.folder is not None
    return case.folder
