from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from risk_helpers import Clock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter_path(tmp_path: Path) -> Path:
    return tmp_path / "账号 一" / "meter.sqlite3"
