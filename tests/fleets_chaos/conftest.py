"""搭一个世界；PostgreSQL 用 `tests/fleets/pg_server.py`。"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fleet_world import DURABLE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """搭一个世界，起好；``server`` 是 PostgreSQL，不给是 SQLite。"""
    made: list[World] = []

    def build(server: Any = None, **options: Any) -> World:
        place = tmp_path / f"world{len(made)}"
        place.mkdir()
        dsn = f"sqlite:///{place / 'fleet.db'}" if server is None else server.fresh()
        options.setdefault("strategies", 0)
        options.setdefault("boxes", 1)
        options.setdefault("accounts", ("A",))
        world = World(place, "1", dsn=dsn, server=server, **options)
        made.append(world)
        world.start()
        return world

    try:
        yield build
    finally:
        for each in made:
            each.close()


@pytest.fixture
def engine() -> Iterator[Any]:
    """一个自己的、真的落盘的 PostgreSQL；没有装的跳过。"""
    from fleets.pg_server import PgServer, binaries, missing

    if told := missing() or ("" if binaries() else "现成的服务器杀不得"):
        pytest.skip(told)
    with PgServer(settings=DURABLE) as server:
        yield server
