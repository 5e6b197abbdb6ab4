"""空的后端：问什么马上答，下单马上收；量的就只有线上与服务器自己的开销。

``python remote_stub.py FOLDER [每秒多少条造出来的事件]``：服务它，印 ``端口 令牌``；
标准输入关了就停。事件的 ``data`` 里有 ``at``：发出时的单调时钟，见 `remote_listeners`。
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from easytrader.backend import records
from easytrader.testing.memory import (
    Counter,
    MemoryConnector,
    MemorySession,
    MemoryTrader,
)

CODE, PRICE, ACCOUNT = "BTC/USDT", 9.0, "stub"


class StubCounter(Counter):
    """收下就忘：几万笔也不长。"""

    def __init__(self) -> None:
        super().__init__(ACCOUNT, 10**9, {CODE: 10}, {CODE: 10**6})
        self._told = super().asset()

    def asset(self) -> records.Asset:
        return self._told

    def submit(self, request: records.OrderRequest) -> records.SubmitAnswer:
        return records.SubmitAnswer(f"{next(self._numbers):06}")


class StubSession(MemorySession):
    """在叫它的线程上马上答。"""

    def asset(self) -> records.Asset:
        return self.counter.asset()

    def submit(self, request: records.OrderRequest, reply: Any) -> None:
        reply.depart(1)
        reply.put(self.counter.submit(request))


class StubConnector(MemoryConnector):
    """怎样开一次会话。"""

    session_type = StubSession


class StubTrader(MemoryTrader):
    """空后端的交易口。"""

    connector_type = StubConnector


def stub_trader() -> StubTrader:
    """连好了的。"""
    user = StubTrader()
    user.connect(StubCounter())
    return user


class Fountain:
    """每秒造这么多条事件，放进一个账号的事件里。"""

    def __init__(self, desk: Any, rate: float) -> None:
        self._desk, self._rate = desk, rate
        self.made = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fountain", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(0.002):
            for _ in range(int((time.monotonic() - began) * self._rate) - self.made):
                self.made += 1
                self._desk.feed.add(_event(self.made))


def _event(number: int) -> dict[str, Any]:
    """一条委托的样子，约 600 字节。"""
    row = {
        "stock_code": "600036.SH", "stock_name": "招商银行", "order_id": number,
        "order_sysid": f"{number:010}", "order_time": "2026-11-30 09:31:05.123", "side": "buy",
        "order_type": 23, "order_type_name": "证券买入", "order_volume": 300, "price_type": 11,
        "price": 32.5, "traded_volume": 100, "traded_price": 32.5, "order_status": 55,
        "order_status_name": "部成", "status_msg": "", "strategy_name": "网格", "order_remark": "x",
        "direction": 48, "offset_flag": 48, "account_id": "******0365", "account_type": 2,
        "at": time.monotonic(),
    }  # fmt: skip
    return {"event": "order", "event_name": "委托", "time": time.time(), "data": row}
