"""混沌：断线、丢应答、半路断开，盈透与 MT5 都没有重的委托，没有超期的调用。

``pytest -m chaos tests/overseas/test_overseas_storm.py``；没有 ib_async 的只跑 MT5。
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from overseas_storm import Storm

import easytrader

if TYPE_CHECKING:
    import random

pytestmark = pytest.mark.chaos

_TIMEOUT_S = 1.0
_SLACK_S = 2.0  # 两个核上跑着别的


@pytest.mark.counters
@pytest.mark.parametrize("seed", range(3))
def test_ib_in_a_storm(seed: int) -> None:
    pytest.importorskip("ib_async")
    from tws_server import TwsServer

    tws = TwsServer()
    user: Any = easytrader.use("ib")
    user.connect(port=tws.port, timeout=_TIMEOUT_S, reconnect_interval=0.05)

    def fault(rng: random.Random) -> None:
        kinds = ["lose-submit", "break-submit", "lose-query", "drop"]
        kind = rng.choice(kinds)
        tws.drop() if kind == "drop" else tws.faults.add(kind)

    storm = Storm(lambda name: user.buy("AAPL.US", 150, 1, client_order_id=name), fault, orders=40)
    try:
        storm.run(seed)
    finally:
        user.close()
        tws.close()
    counted = Counter(each["ref"] for each in tws.orders)
    assert len(counted) >= storm.done > 0
    assert set(counted.values()) == {1}
    assert storm.worst_s < _TIMEOUT_S + _SLACK_S


@pytest.mark.parametrize("seed", range(3))
def test_mt5_in_a_storm(seed: int) -> None:
    from fake_ea import FakeEa

    ea = FakeEa({"EURUSD": 1.1})
    user: Any = easytrader.use("mt5")
    given = {"timeout": _TIMEOUT_S, "reconnect_interval": 0.05}
    user.connect("127.0.0.1", ea.req_port, ea.sub_port, **given)

    def fault(rng: random.Random) -> None:
        ea.silent = rng.random() < 0.2
        ea.faults.add(rng.choice(["lose-submit", "drop-submit", "lose-query", "break-submit"]))

    def buy(name: str) -> Any:  # 一半马上成交：不在挂单里，断了就核对不清楚
        price = 1.2 if int(name[-1]) % 2 else 1.0
        return user.buy("EURUSD", price, 1, client_order_id=name)

    storm = Storm(buy, fault, orders=24)
    try:
        storm.run(seed)
    finally:
        user.close()
        ea.close()
    counted = Counter(each["order_comment"] for each in ea.everything)
    assert len(counted) >= storm.done > 0
    assert set(counted.values()) == {1}
    assert storm.worst_s < _TIMEOUT_S + _SLACK_S
