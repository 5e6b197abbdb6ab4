"""委托的测试共用的：连着 SIM 接口的交易口。用的测试先 ``importorskip("vnpy")``。"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sim_gateway import SimCounter, SimGateway

from easytrader.gateways.trader import GatewayTrader

if TYPE_CHECKING:
    from collections.abc import Iterator

STOCK = "600036"
REBAR = "rb2510.SHFE"


@contextlib.contextmanager
def counter_of(**held: float) -> Iterator[SimCounter]:
    """一个柜台；不给持仓就有 1000 股招商银行。"""
    counter = SimCounter(**(held or {STOCK: 1000}))
    counter.carries_reference = False  # 真的柜台没有一家带回来
    try:
        yield counter
    finally:
        counter.close()


@contextlib.contextmanager
def connected(counter: SimCounter, callback: Any = None, **options: Any) -> Iterator[Any]:
    """连着的交易口；编号是字符串，字典的类型写的是整数，所以是 Any。"""
    with GatewayTrader(gateway=SimGateway) as user:
        user.connect(
            config={"柜台": counter.name}, trader_callback=callback, **{"timeout": 1.5, **options}
        )
        yield user
