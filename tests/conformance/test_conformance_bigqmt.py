"""一致性测试：完整版 QMT，客户端在本进程的线程里。"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bigqmt"))
from bigqmt_broker import InsideBroker

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[InsideBroker]:
    one = InsideBroker(tmp_path)
    yield one
    one.close()
