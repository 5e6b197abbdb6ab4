"""VeighNa 的 RPC 接口守得住交易口的承诺：一致性测试，对面是另一个进程里真的 RPC 服务。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

pytest.importorskip("vnpy_rpcservice")

from gateway_brokers import QuickConnector
from rpc_process import RpcProcess

from easytrader.gateways.trader import GatewayTrader
from easytrader.testing.broker import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


class RpcBroker(Broker):
    """服务进程里一套新的。"""

    security = "600036.SH"
    resting_price, crossing_price, refused_amount = 39.0, 41.0, 10_000_000
    timeout_s = 1.5
    query_lag_s = 0.3

    def __init__(self, process: RpcProcess) -> None:
        self.process = process
        self.fields = process.new()

    def trader(self) -> GatewayTrader:
        user = GatewayTrader(gateway="RPC")
        user.connector_type = QuickConnector
        return user

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {
            "timeout": self.timeout_s, "login_timeout": 3.0, "settle": 0.5,
            "reconnect_interval": 0.05, "trader_callback": callback,
        }  # fmt: skip
        trader.connect(**{**given, **self.fields, **options})

    def break_link(self) -> None:
        self.process.ask("stop")

    def restore_link(self) -> None:
        self.process.ask("restart")

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        if verb == "query":
            self._lacks("丢掉查询的应答：查的是推来的账")
        name = "lose_order_acks" if verb == "submit" else "lose_cancel_acks"
        self.process.ask("fault", name, 1)


@pytest.fixture(scope="module")
def process() -> Iterator[RpcProcess]:
    yield (one := RpcProcess())
    one.close()


@pytest.fixture
def broker(process: RpcProcess) -> RpcBroker:
    return RpcBroker(process)
