"""公用：PostgreSQL 的库（没有的跳过）；两种存储各来一遍的 ``world``。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fleets.pg_server import missing, pg_dsn, pg_server, pg_session
from fleets.store_worlds import PostgresWorld, SqliteWorld, World, close_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["pg_dsn", "pg_server", "pg_session"]


@pytest.fixture(scope="session")
def pg_database(pg_session: Callable[[], Any]) -> Iterator[str]:
    """两种存储各来一遍的那些共用一个库，每个测试前清空：比新建一个快十倍。"""
    told = missing()
    if told:
        pytest.skip(told)
    yield pg_session().fresh()
    close_idle()


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """一份空的存储。"""
    found: World
    if request.param == "sqlite":
        found = SqliteWorld(tmp_path)
    else:
        found = PostgresWorld(request.getfixturevalue("pg_database"))
    yield found
    found.close()
