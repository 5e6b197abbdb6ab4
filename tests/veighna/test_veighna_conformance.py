"""一致性测试：模拟账户放进 VeighNa，再从 VeighNa 接出来，交易口的承诺一样守得住。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

pytest.importorskip("vnpy")

from support import ACCOUNT, make_folder
from veighna_floor import EasytraderGateway

import easytrader
from easytrader.gateways.connector import GatewayConnector
from easytrader.gateways.session import GatewaySession
from easytrader.gateways.trader import GatewayTrader
from easytrader.profiles import profile
from easytrader.sim.host.faults import Faults
from easytrader.testing.broker import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.counters
_SETTING = """
broker = "sim"
[connect]
miniqmt_path = '{}'
stock_account = "{}"
reconnect_interval = 0.2
timeout = 5
"""


class QuickSession(GatewaySession):
    """模拟的柜台查得到得快：测试不必等缓存。"""

    cache_lag_s = 0.2


class QuickConnector(GatewayConnector):
    """见 `QuickSession`。"""

    session_type = QuickSession


class RoundTrip(Broker):
    """模拟柜台 → 交易口 → VeighNa 的接口 → VeighNa 的交易口。"""

    security = "600000.SH"
    refused_amount = 900_000
    timeout_s = 1.5
    query_lag_s = 0.3

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder / "国金 QMT交易端" / "userdata_mini")
        self.faults = Faults(self.folder)
        profile.create("round", _SETTING.format(self.folder, ACCOUNT))
        self.keeper = easytrader.use("sim")  # 断线期间柜台也在
        self.keeper.connect(str(self.folder), ACCOUNT, reconnect_interval=0.2)
        quote = self.keeper.quote(self.security)[self.security]
        self.crossing_price = round(quote["asks"][0][0] + 0.05, 2)
        self.resting_price = round(quote["bids"][0][0] - 0.5, 2)

    def trader(self) -> GatewayTrader:
        user = GatewayTrader(gateway=EasytraderGateway)
        user.connector_type = QuickConnector
        return user

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {
            "timeout": self.timeout_s, "login_timeout": 10.0, "settle": 0.5,
            "reconnect_interval": 0.05, "trader_callback": callback, **options,
        }  # fmt: skip
        trader.connect(账号设置="round", 合约="600000.SH", **given)

    def break_link(self) -> None:
        self.faults.refuse_connect(1000)
        self.faults.disconnect()

    def restore_link(self) -> None:
        self.faults.clear()

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        self._lacks(f"丢掉 {verb} 的应答：里面那一层认得出来，见 test_veighna_unknown")

    def break_after_submit(self) -> None:
        self.faults.disconnect_on("submit", when="after")

    def close(self) -> None:
        self.keeper.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RoundTrip]:
    one = RoundTrip(tmp_path)
    yield one
    one.close()
