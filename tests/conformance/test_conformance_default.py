"""一致性测试：用户遇到的默认脾气（先应答、后推送，状态推得全，撤单要时间，断线知道得晚）。

别的测试都在什么都不用等的柜台上跑；次序与多少照脾气，只有最慢的一项另设短些。
与次序无关的（连接、查询、参数不对）不再跑一遍。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sim_brokers import EmbeddedSim

from easytrader.sim.config.profile import DEFAULT
from easytrader.testing.suite import (  # noqa: F401
    TestCancel,
    TestClose,
    TestEvents,
    TestExactlyOnce,
    TestOrders,
    TestReconnect,
    TestThreads,
    TestUnknownOutcome,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedSim]:
    one = EmbeddedSim(tmp_path, profile=DEFAULT, lost_s=0.3)
    yield one
    one.close()
