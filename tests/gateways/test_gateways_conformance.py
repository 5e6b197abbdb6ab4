"""VeighNa 的接口守得住交易口的承诺：一致性测试，真的 VeighNa，SIM 接口。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("vnpy")

from gateway_brokers import SimBroker

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


@pytest.fixture
def broker() -> Iterator[SimBroker]:
    yield (one := SimBroker())
    one.close()
