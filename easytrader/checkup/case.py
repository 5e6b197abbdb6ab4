"""一次体检：要查什么，查到哪了；先看客户端目录。"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.paths import home
from easytrader.brokers.sim import default_folder
from easytrader.errors import EasytraderError, UsageError
from easytrader.miniqmt.diagnose import big_client, file_checks
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict
from easytrader.miniqmt.diagnose.preflight import check_path
from easytrader.sim.config.folder import is_sim_folder
from easytrader.sim.host.lease import holder_of

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALL: Final = {"least": 50_000_000, "enough": 500_000_000}
"""没有 75 MB 文件的地方（本库自己的文件、模拟文件夹）要多少空间。"""
_UNSERVED: Final = (
    "没有进程在服务：use('sim') 会把柜台放进自己的进程，use('miniqmt') 要先 easytrader sim serve"
)
_ORDER: Final = (OK, NOTE, BAD)
_GIVE_PATH: Final = (
    r'给出路径，如 easytrader doctor "D:\国金证券QMT交易端\userdata_mini" --account 资金账号'
)


@dataclass
class Case:
    """见模块说明。

    Attributes:
        given: 用户给的路径；None 用默认的模拟文件夹。
        broker: ``miniqmt``、``bigqmt``；空的看文件夹的样子。
        account_id: 资金账号；没给为 None。
        account_type: 账号类型名。
        timeout_s: 连接那一项的期限，秒。
        network: 可不可以上网。
        folder: 要查的文件夹；没有或不能用为 None。
        simulated: 它是模拟文件夹。
        folder_problem: 为什么没有文件夹；有为 None。
        done: 已经查过的各项。
    """

    given: str | None = None
    broker: str = ""
    account_id: str | None = None
    account_type: str = "STOCK"
    timeout_s: float = 10.0
    network: bool = True
    folder: Path | None = None
    simulated: bool = False
    folder_problem: Verdict | None = None
    done: dict[str, Verdict] = field(default_factory=dict)

    @property
    def is_big(self) -> bool:
        """查的是完整版 QMT。"""
        return self.broker == "bigqmt"

    @property
    def is_real(self) -> bool:
        """给的是真的客户端的文件夹。"""
        return self.folder is not None and not self.simulated

    def find_folder(self) -> None:
        """定下要查的文件夹。"""
        self.folder_problem = self._find_folder()

    def _find_folder(self) -> Verdict | None:
        if self.given is None:
            folder = default_folder()
            if not is_sim_folder(folder):
                return Verdict(SKIPPED, "没有给路径，也没有默认的模拟文件夹", _GIVE_PATH)
            self.folder, self.simulated = folder, True
            return None
        if not self.broker and _looks_big(self.given):
            self.broker = "bigqmt"
        check: Callable[[object], str | Path] = check_path
        if self.is_big:
            from easytrader.bigqmt.place import check_path as check_big_path  # 用到才导入

            check = check_big_path
        try:
            self.folder = Path(check(self.given))
        except UsageError as exc:
            return Verdict(BAD, self.given, exc.expected)
        self.simulated = is_sim_folder(self.folder)
        return None


# ---- 客户端目录：路径、权限文件、会话 id、磁盘。看法都在 `miniqmt.diagnose.file_checks`


def look_path(case: Case) -> Verdict:
    """路径在不在、像不像；真的还是模拟的。"""
    if case.folder_problem is not None:
        return case.folder_problem
    folder = _folder(case)
    if case.is_big and not case.simulated:
        return Verdict(OK, f"{folder}（完整版 QMT 的客户端）")
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
        needs = _SMALL if case.simulated or case.is_big else {}
        found.insert(0, file_checks.look_disk(case.folder, **needs, usage=usage))
    worst = max(found, key=lambda each: _ORDER.index(each.status))
    return worst._replace(detail="；".join(each.detail for each in found))


def _looks_big(given: str) -> bool:
    """只有完整版、不是 MiniQMT 的：装着两种的，说的是 MiniQMT。"""
    folder = Path(given)
    return (
        not is_sim_folder(folder)
        and big_client.looks_big(folder)
        and not big_client.looks_mini(folder)
    )


def _folder(case: Case) -> Path:
    assert case.folder is not None
    return case.folder
