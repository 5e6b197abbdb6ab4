"""VeighNa 的 SIM 接口的把手，与测试公用的连接。先 ``pytest.importorskip("vnpy")``。"""

from __future__ import annotations

from typing import Any, Literal

from sim_gateway import SimCounter, SimGateway

from easytrader.gateways.connector import GatewayConnector
from easytrader.gateways.session import GatewaySession
from easytrader.gateways.trader import GatewayTrader
from easytrader.testing.broker import Broker


class QuickSession(GatewaySession):
    """查得到得快：测试不必等缓存。"""

    cache_lag_s = 0.2


class QuickConnector(GatewayConnector):
    """见 `QuickSession`。"""

    session_type = QuickSession


def sim_trader(gateway: Any = SimGateway) -> GatewayTrader:
    """一个 SIM 接口的交易口，还没有连接。"""
    user = GatewayTrader(gateway=gateway)
    user.connector_type = QuickConnector
    return user


def connect(user: GatewayTrader, counter: SimCounter, **options: Any) -> GatewayTrader:
    """连到这个柜台，期限短。"""
    given = {
        "用户名": "88880001", "密码": "hunter2-secret", "柜台": counter.name, "timeout": 2.0,
        "login_timeout": 4.0, "settle": 0.5, "reconnect_interval": 0.05, **options,
    }  # fmt: skip
    user.connect(**given)
    return user


class SimBroker(Broker):
    """一个新的柜台，一个新的账号。"""

    security = "600036.SH"
    resting_price, crossing_price, refused_amount = 39.0, 41.0, 10_000_000
    timeout_s = 1.5
    query_lag_s = 0.3

    def __init__(self) -> None:
        self.counter = SimCounter(**{"600036": 1_000_000})

    def trader(self) -> GatewayTrader:
        return sim_trader()

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        if callback is not None:
            options["trader_callback"] = callback
        given = {"timeout": self.timeout_s, "login_timeout": 3.0, **options}
        connect(trader, self.counter, **given)

    def break_link(self) -> None:
        self.counter.drop()

    def restore_link(self) -> None:
        self.counter.restore()

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        if verb == "query":
            self._lacks("丢掉查询的应答：查的是推来的账")
        elif verb == "submit":
            self.counter.faults.lose_order_acks = 1
        else:
            self.counter.faults.lose_cancel_acks = 1

    def break_after_submit(self) -> None:
        self.counter.faults.break_after_order = 1

    def close(self) -> None:
        self.counter.close()
