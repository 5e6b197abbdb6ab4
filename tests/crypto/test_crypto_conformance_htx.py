"""一致性测试：真的 ccxt 连着记账的 htx，下单与恰好一次的；其余在 ``_whole`` 里。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ccxt")

from crypto_brokers import HtxBroker

from easytrader.testing.suite import (  # noqa: F401  fixture 与测试类
    TestExactlyOnce,
    TestOrders,
    recorder,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.testing.broker import Broker

pytestmark = pytest.mark.counters


@pytest.fixture
def broker() -> Iterator[Broker]:
    one = HtxBroker()
    yield one
    one.close()
