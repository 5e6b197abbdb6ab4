"""富途：一致性测试，真的 futu-api 对着自己的 OpenD。"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if find_spec("futu") is None:  # 在主线程上导入会换掉 Ctrl-C
    pytest.skip("没有装 futu-api", allow_module_level=True)

from opend_server import KIT, PASSWORD, OpenD

from easytrader.overseas.futu.session import FutuSession
from easytrader.overseas.futu.trader import FutuTrader
from easytrader.overseas.futu.wire import network
from easytrader.testing.broker import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters
network(KIT)  # 全进程一个的网络线程，从此一直在


class FutuBroker(Broker):
    """一个新的 OpenD，连它的实盘账户。"""

    security = "00700.HK"
    resting_price, crossing_price, refused_amount = 300.0, 321.0, 10_000_000
    timeout_s = 2.0

    def __init__(self) -> None:
        self.opend = OpenD()

    def trader(self) -> FutuTrader:
        return FutuTrader()

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect(
            port=self.opend.port, env="REAL", password=PASSWORD, trader_callback=callback, **given
        )

    def break_link(self) -> None:
        self.opend.up = False
        self.opend.drop()

    def restore_link(self) -> None:
        self.opend.up = True

    def lose_answer(self, verb: str) -> None:
        names = {"submit": "Trd_PlaceOrder", "cancel": "Trd_ModifyOrder"}
        self.opend.silent.add(names.get(verb, "Trd_GetOrderList"))

    def break_after_submit(self) -> None:
        self.opend.break_after_submit = True

    def close(self) -> None:
        self.opend.close()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[FutuBroker]:
    monkeypatch.setattr(FutuSession, "cache_lag_s", 0.1)  # 这个 OpenD 不缓存
    yield (one := FutuBroker())
    one.close()
