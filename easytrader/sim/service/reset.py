"""回到刚开户的样子：账本、历史与委托记录删掉，账号与设置留着。"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from easytrader.errors import SimulatorError
from easytrader.sim.folder import RECORDS, SimFolder
from easytrader.sim.service.owner import Owner

if TYPE_CHECKING:
    import os

__all__ = ["reset"]


def reset(path: str | os.PathLike[str]) -> SimFolder:
    """把模拟文件夹回到刚 `create` 的样子；行情种子不变，所以价格也与当初一样。

    Args:
        path: 模拟文件夹。

    Raises:
        SimulatorError: 不是模拟文件夹；正有程序用着它（本进程里的要先 ``close()``）；删不掉。
    """
    folder = SimFolder.open(path)
    records = folder.path / RECORDS
    owner = Owner(folder, kind="reset")  # 占着它删：同时启动的程序要么先占到，要么等删完
    try:
        # 主文件最后删：中途停下，剩下的是一本旧账；反过来，旧的 WAL 会并进新账
        for suffix in ("-shm", "-wal", ""):
            Path(f"{folder.store_path}{suffix}").unlink(missing_ok=True)
        if records.exists():
            shutil.rmtree(records)
    except OSError as exc:
        raise SimulatorError(
            f"{folder.path} 没有删干净（{exc}）：关掉用着它的程序，再来一次。"
        ) from exc
    finally:
        owner.release()
    return folder
