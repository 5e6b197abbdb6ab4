"""一致性测试：远程的交易口，断在服务器与柜台之间的；与断线无关的不再跑一遍。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from remote_brokers import RemoteMemory

from easytrader.testing.suite import (  # noqa: F401
    TestClose,
    TestReconnect,
    TestUnknownOutcome,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RemoteMemory]:
    one = RemoteMemory(tmp_path)
    yield one
    one.close()
