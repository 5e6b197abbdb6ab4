"""一致性测试：完整版 QMT，客户端是另一个进程（找得到 CPython 3.6 就是它）。

手工跑：``pytest -m soak tests/conformance/test_conformance_bigqmt_served.py``。
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bigqmt"))
from bigqmt_broker import ServedBroker

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soak  # 一个测试起两个进程，几分钟


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ServedBroker]:
    one = ServedBroker(tmp_path)
    yield one
    one.close()
