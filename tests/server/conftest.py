"""在跑的服务器。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server_world import World, memory_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """一个内存柜台的账号，名字 ``a``。"""
    with memory_world(tmp_path / "server") as found:
        yield found


@pytest.fixture
def sim_world(tmp_path: Path, user: SimTrader) -> Iterator[World]:
    """一个模拟账号，名字 ``main``。"""
    found = World(tmp_path / "server", {"main": user})
    yield found
    found.close()
