"""一致性测试：远程的交易口，``easytrader serve --broker sim`` 在另一个进程里。

手工跑：``pytest -m soak tests/conformance/test_conformance_remote_sim.py``。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from remote_brokers import RemoteSim

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.soak  # 一个测试起一个服务器进程，几分钟


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RemoteSim]:
    one = RemoteSim(tmp_path)
    yield one
    one.close()
