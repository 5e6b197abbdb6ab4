"""一致性测试：真的 ccxt 连着记账的 htx，全部。``pytest -m soak tests/crypto``。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ccxt")

from crypto_brokers import HtxBroker

from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.testing.broker import Broker

pytestmark = pytest.mark.soak


@pytest.fixture
def broker() -> Iterator[Broker]:
    one = HtxBroker()
    yield one
    one.close()
