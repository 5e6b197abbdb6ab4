"""一次体检：要查什么，查到哪了。"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from easytrader.brokers.sim import default_folder
from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose.file_checks import BAD, SKIPPED, Verdict
from easytrader.miniqmt.diagnose.preflight import check_path
from easytrader.sim.config.folder import is_sim_folder

_GIVE_PATH: Final = (
    r'给出路径，如 easytrader doctor "D:\国金证券QMT交易端\userdata_mini" --account 资金账号'
)


@dataclass
class Case:
    """见模块说明。

    Attributes:
        given: 用户给的路径；None 用默认的模拟文件夹。
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
    account_id: str | None = None
    account_type: str = "STOCK"
    timeout_s: float = 10.0
    network: bool = True
    folder: Path | None = None
    simulated: bool = False
    folder_problem: Verdict | None = None
    done: dict[str, Verdict] = field(default_factory=dict)

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
        try:
            self.folder = Path(check_path(self.given))
        except UsageError as exc:
            return Verdict(BAD, self.given, exc.expected)
        self.simulated = is_sim_folder(self.folder)
        return None
