"""盈透的一致性测试：真的 ib_async，本机上的 TWS。"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ib_async")

from tws_server import TwsServer

import easytrader
from easytrader.testing import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.trader import Trader

pytestmark = pytest.mark.counters


class IbBroker(Broker):
    """一个新的 TWS；同时连着的交易口各用一个客户号，断了重连还是原来的。"""

    security, amount = "AAPL.US", 10.0
    resting_price, crossing_price, refused_amount = 150.0, 210.0, 10_000_000
    timeout_s = 1.5

    def __init__(self) -> None:
        self.tws = TwsServer()
        self._clients = itertools.count(1)
        self._of: dict[int, int] = {}

    def trader(self) -> Trader:
        return easytrader.use("ib")

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        client = self._of.setdefault(id(trader), next(self._clients))
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect("127.0.0.1", self.tws.port, client, "", callback, **given)

    def break_link(self) -> None:
        self.tws.stop()

    def restore_link(self) -> None:
        self.tws.start()

    def lose_answer(self, verb: str) -> None:
        self.tws.faults.add(f"lose-{verb}")

    def break_after_submit(self) -> None:
        self.tws.faults.add("break-submit")

    def close(self) -> None:
        self.tws.close()


@pytest.fixture
def broker() -> Iterator[IbBroker]:
    one = IbBroker()
    yield one
    one.close()
