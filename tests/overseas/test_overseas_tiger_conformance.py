"""老虎：一致性测试，真的 tigeropen 对着自己的网关。"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("tigeropen")

from tiger_server import ACCOUNT, PEM, TIGER_ID, Tiger

from easytrader.overseas.tiger.session import TigerSession
from easytrader.overseas.tiger.trader import TigerTrader
from easytrader.testing.broker import Broker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


class QuickTrader(TigerTrader):
    """查得勤的，测试不必等三秒。"""

    capabilities = replace(TigerTrader.capabilities, poll_s=0.25)


class TigerBroker(Broker):
    """一个新的网关。"""

    security = "AAPL.US"
    resting_price, crossing_price, refused_amount = 190.0, 201.0, 10_000_000
    timeout_s = 2.0

    def __init__(self) -> None:
        self.gateway = Tiger()

    def trader(self) -> TigerTrader:
        return QuickTrader()

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect(
            TIGER_ID, ACCOUNT, PEM, base_url=self.gateway.url, trader_callback=callback, **given
        )

    def break_link(self) -> None:
        self.gateway.up = False
        self.gateway.drop()

    def restore_link(self) -> None:
        self.gateway.up = True

    def lose_answer(self, verb: str) -> None:
        names = {"submit": "place_order", "cancel": "cancel_order"}
        self.gateway.silent.add(names.get(verb, "orders"))

    def break_after_submit(self) -> None:
        self.gateway.break_after_submit = True

    def close(self) -> None:
        self.gateway.close()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[TigerBroker]:
    monkeypatch.setattr(TigerSession, "cache_lag_s", 0.1)  # 这个网关马上查得到
    yield (one := TigerBroker())
    one.close()


del TestBadInput  # noqa: F821  代码、数量、价格的规矩与富途是同一份，那边跑过了，不再花时间
