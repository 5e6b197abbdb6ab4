"""每种存法都要过同一套测试。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from easytrader.records.memory import MemoryStorage
from easytrader.records.sqlite import SqliteStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.records.storage import Intents, Owner, Storage


@pytest.fixture(params=["sqlite", "memory"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Storage]:
    """再开一次同一处的记录，像另一个程序那样。"""
    if request.param == "memory":
        shared = MemoryStorage()
        return lambda: shared
    return lambda: SqliteStorage(tmp_path / "记录")


@pytest.fixture
def storage(another: Callable[[], Storage]) -> Storage:
    return another()


@pytest.fixture
def opened(storage: Storage) -> Iterator[tuple[Intents, Owner]]:
    intents, owner = storage.open(time.monotonic() + 5)
    yield intents, owner
    intents.close()
    owner.close()
