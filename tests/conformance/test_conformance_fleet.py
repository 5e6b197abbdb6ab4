"""一致性测试：机队的交易口，真的存储，内存柜台。

每次只跑与存储有关的，全部的手工跑::

    pytest -m "soak or not soak" tests/conformance/test_conformance_fleet.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleets.fleet_broker import FleetMemory, sqlite_dsn
from fleets.pg_server import pg_dsn, pg_session

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["pg_dsn", "pg_session"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FleetMemory]:
    is_sqlite = request.param == "sqlite"
    dsn = sqlite_dsn(tmp_path) if is_sqlite else request.getfixturevalue("pg_dsn")
    one = FleetMemory(tmp_path, dsn)
    yield one
    one.close()
