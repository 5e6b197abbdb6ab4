"""这里的 ``user``、``recorder`` 是一致性测试自己的，不是最外层连着模拟的那几个。"""

from __future__ import annotations

import pytest

from easytrader.testing import recorder, user

__all__ = ["recorder", "user"]

_IN_PROCESS_TOO = ("TestQueries", "TestOrders", "TestCancel", "TestConnect")
"""说的不是连接：嵌在进程里的同一套每次都跑，服务着的手工跑。"""

_OF_THE_TABLE = ("TestExactlyOnce", "TestUnknownOutcome", "TestReconnect")
"""与存储有关的：SQLite 的每次跑，别的与 PostgreSQL 的手工跑。"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for each in items:
        where = each.nodeid
        if "test_conformance_served.py::" in where and where.split("::")[1] in _IN_PROCESS_TOO:
            each.add_marker(pytest.mark.soak)
        if "test_conformance_fleet.py::" in where and where.split("::")[1] not in _OF_THE_TABLE:
            each.add_marker(pytest.mark.soak)
