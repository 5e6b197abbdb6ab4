"""一致性测试：另一个进程里服务着的模拟柜台。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sim_brokers import ServedSim

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSim]:
    """写错参数的用同一个：什么都不发给它，不必每次另起进程。"""
    one = ServedSim(tmp_path_factory.mktemp("写错参数的"))
    yield one
    one.close()


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedSim]:
    if request.cls is TestBadInput and request.node.originalname != "test_wait_seconds":  # noqa: F405
        yield request.getfixturevalue("untouched")
        return
    one = ServedSim(tmp_path)
    yield one
    one.close()
