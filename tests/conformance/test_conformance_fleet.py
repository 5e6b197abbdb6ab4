"""一致性测试：机队的交易口，SQLite 的存储，内存柜台。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleets.fleet_broker import FleetMemory, sqlite_dsn

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[FleetMemory]:
    one = FleetMemory(tmp_path, sqlite_dsn(tmp_path))
    yield one
    one.close()
