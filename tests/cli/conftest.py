from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli_helpers import ACCOUNT

from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """已经建好、没有人服务的模拟文件夹（路径带空格和中文）。"""
    return create(tmp_path / "模拟 userdata_mini", [AccountConfig(ACCOUNT)]).path
