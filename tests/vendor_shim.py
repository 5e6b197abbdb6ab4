"""与 xtquant 同形的模块：只有厂商的方法名，没有厂商的内部。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, ClassVar


class ShimTrader:
    """别人家的 XtQuantTrader：只有同步方法，没有厂商内部的那一层。"""

    instances: ClassVar[list[ShimTrader]] = []

    def __init__(self, path: str, session: int) -> None:
        self.path, self.session = path, session
        self.hang = threading.Event()
        self.hang.set()
        self.sent: list[tuple[Any, ...]] = []
        self.stopped = False
        ShimTrader.instances.append(self)

    def register_callback(self, callback: Any) -> None:
        self.callback = callback

    def start(self) -> None:
        pass

    def connect(self) -> int:
        return 0

    def subscribe(self, account: Any) -> int:
        return 0

    def stop(self) -> None:
        self.stopped = True

    def query_stock_asset(self, account: Any) -> Any:
        self.hang.wait(30)
        return SimpleNamespace(
            total_asset=1.0, market_value=0.0, cash=1.0, frozen_cash=0.0,
            account_type=2, account_id=account.account_id,
        )  # fmt: skip

    def query_stock_orders(self, account: Any) -> list[Any]:
        return []

    query_stock_positions = query_stock_trades = query_stock_orders

    def order_stock(self, *request: Any) -> int:
        self.sent.append(request)
        self.hang.wait(30)
        return 77


class ShimAccount:
    def __init__(self, account_id: str, account_type: str) -> None:
        self.account_id, self.account_type = account_id, account_type
