"""一致性测试：另一个进程里服务着的模拟柜台。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sim_brokers import ServedSim

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ServedSim]:
    one = ServedSim(tmp_path)
    yield one
    one.close()
