"""造推送：一笔委托的状态与成交，只有去重、理顺要看的几项。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

NOW = 1_795_000_000
"""2026-11-18 19:06:40，北京时间。"""


def order(status: int, traded: int = 0, number: Any = 1, *, at: int = NOW, sysid: str = "1") -> Any:
    return SimpleNamespace(
        order_id=number, order_status=status, traded_volume=traded, order_time=at, order_sysid=sysid
    )


def trade(
    name: str,
    volume: int = 100,
    number: Any = 1,
    *,
    at: int = NOW,
    price: float = 1.0,
    code: str = "600036.SH",
) -> Any:
    return SimpleNamespace(
        order_id=number,
        traded_id=name,
        traded_volume=volume,
        traded_time=at,
        traded_price=price,
        stock_code=code,
    )
