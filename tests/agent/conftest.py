"""代理的测试：借服务器那一组的内存柜台。"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))

from fleets.pg_server import pg_dsn, pg_session
from station_world import StationWorld, station_world

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pg_dsn", "pg_session"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.chaos)])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """一份新的存储的地址；``-m chaos`` 时是 PostgreSQL。"""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fleet.sqlite'}"
    found: str = request.getfixturevalue("pg_dsn")
    return found


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[StationWorld]:
    """一个内存柜台的账号 ``a``、一份 SQLite 的存储、一个代理。"""
    with station_world(tmp_path) as found:
        yield found
