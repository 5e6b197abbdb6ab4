"""一致性测试的把手：记账的交易所，按 okx 或 htx 说话。"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crypto_desk import connect, use
from exchange_server import Exchange, Fault

from easytrader.testing.broker import Broker

if TYPE_CHECKING:
    from easytrader.crypto.trader import CryptoTrader


class CryptoBroker(Broker):
    """一家新的交易所，一个新的账户。"""

    security, amount = "BTC/USDT", Decimal("0.5")
    resting_price, crossing_price, refused_amount = 9.5, 10.5, 10_000_000
    timeout_s = 1.0
    query_lag_s = 0.0
    name = "okx"

    def __init__(self) -> None:
        self.exchange = Exchange()

    def trader(self) -> CryptoTrader:
        return use(self.name, self.exchange)

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        connect(trader, callback, **{"timeout": self.timeout_s, **options})

    def break_link(self) -> None:
        self.exchange.down()

    def restore_link(self) -> None:
        self.exchange.up()

    def lose_answer(self, verb: str) -> None:
        # 查询：引擎自己也在轮询，所以不是下一个，是这一小段时间里的都没有应答
        kind, until = {"query": "orders"}.get(verb, verb), 0.0
        if verb == "query":
            until = time.monotonic() + self.timeout_s / 2
        self.exchange.faults.append(Fault(kind, "hang", until))

    def break_after_submit(self) -> None:
        self.exchange.faults.append(Fault("submit", "break"))

    def close(self) -> None:
        self.exchange.stop()


class HtxBroker(CryptoBroker):
    name = "htx"
