"""一致性测试：完整版 QMT，客户端在本进程的线程里。

参数的校验在交易口，各家是同一份，这里不再跑一遍；真的进程上整套都跑，见
`test_conformance_bigqmt_served`。
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bigqmt"))
from bigqmt_broker import InsideBroker

from easytrader.testing.suite import *  # noqa: F403

del TestBadInput  # noqa: F821

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[InsideBroker]:
    one = InsideBroker(tmp_path)
    yield one
    one.close()
