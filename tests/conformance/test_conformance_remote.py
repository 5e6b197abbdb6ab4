"""一致性测试：远程的交易口，内存柜台；断在路上的。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from remote_brokers import RemoteWire

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RemoteWire]:
    one = RemoteWire(tmp_path)
    yield one
    one.close()
