"""MT5 的一致性测试：真的 pyzmq，本机上的假 EA。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_ea import FakeEa

import easytrader
from easytrader.testing import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.trader import Trader


class Mt5Broker(Broker):
    """一个新的终端；补不回断线时成交的，所以没有 ``break_after_submit``。"""

    security, amount = "EURUSD", 0.5
    resting_price, crossing_price, refused_amount = 1.05, 1.15, 10_000_000
    timeout_s = 1.0

    def __init__(self) -> None:
        self.ea = FakeEa({"EURUSD": 1.1})

    def trader(self) -> Trader:
        return easytrader.use("mt5")

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect("127.0.0.1", self.ea.req_port, self.ea.sub_port, callback, **given)

    def break_link(self) -> None:
        self.ea.stop()

    def restore_link(self) -> None:
        self.ea.start()

    def lose_answer(self, verb: str) -> None:
        self.ea.faults.add(f"lose-{verb}")

    def close(self) -> None:
        self.ea.close()


@pytest.fixture
def broker() -> Iterator[Mt5Broker]:
    one = Mt5Broker()
    yield one
    one.close()
