"""内存柜台：最小的后端，文档「写一个后端」照着它讲。`Counter` 是别人的，要写的是后面三个。"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from easytrader import arguments
from easytrader.backend import records
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Capabilities
from easytrader.backend.records import Order, Side
from easytrader.basics.numbers import exact
from easytrader.basics.paths import AccountKey
from easytrader.codes import AccountType, Direction, OrderStatus
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.link.line import LineSession
from easytrader.records.memory import MemoryStorage
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.numbers import Number, OrderId

    Numbers = Mapping[str, Number]


class Counter:
    """一个柜台、一个账号：每只证券一个价，到价就全部成交；持仓为负是空头。"""

    id_type: type[int] | type[str] = str
    account_type = AccountType.STOCK

    def __init__(self, name: str, cash: Number, prices: Numbers, held: Numbers) -> None:
        self.key, self.cash = AccountKey(name, f"account-{name}"), exact(cash)
        self.prices, self.held = dict(prices), {code: exact(held[code]) for code in held}
        self.orders: dict[OrderId, Order] = {}
        self.trades: list[records.Trade] = []
        self.sessions: set[MemorySession] = set()
        self.storage = MemoryStorage(name)
        self.up = True
        self._whose: Any = {"account_id": self.key.account_id, "account_type": self.account_type}
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)

    def submit(self, request: records.OrderRequest) -> records.SubmitAnswer:
        """收下一笔委托，或当场拒绝。"""
        code, side, volume = request.security.stock_code, request.side, exact(request.volume)
        with self._lock:
            if code not in self.prices:
                return records.SubmitAnswer("", f"没有 {code}")
            value, held = exact(request.price or self.prices[code]) * volume, self.held.get(code, 0)
            may = {Side.BUY: self.asset().cash >= value, Side.SELL: held >= volume,
                   Side.COVER: -held >= volume}  # fmt: skip
            if not may.get(side, True):
                return records.SubmitAnswer("", "资金或可平的数量不足")
            order = Order(
                stock_code=code, order_id=self.id_type(f"{next(self._numbers):06}"), side=side,
                order_volume=request.volume, price=request.price or None, **self._whose,
                order_status=OrderStatus.REPORTED, order_time=int(time.time()),
                order_remark=request.remark, strategy_name=request.strategy_name,
            )  # fmt: skip
            self._change(order)
            self._match(order)
            return records.SubmitAnswer(order.order_id)

    def cancel(self, order_id: OrderId) -> bool:
        """撤单；没有的、已经完了的撤不了。"""
        with self._lock:
            found = [each for each in self._resting() if each.order_id == order_id]
            for order in found:
                self._change(replace(order, order_status=OrderStatus.CANCELED))
            return bool(found)

    def move(self, code: str, price: Number) -> None:
        """现价变了：挂着的到价就成交。"""
        with self._lock:
            self.prices[code] = price
            for order in [each for each in self._resting() if each.stock_code == code]:
                self._match(order)

    def asset(self) -> records.Asset:
        with self._lock:
            buys = [each for each in self._resting() if each.side is Side.BUY]
            frozen = sum(exact(each.price or 0) * exact(each.order_volume) for each in buys)
            total = self.cash + sum(exact(self.prices[code]) * n for code, n in self.held.items())
            return records.Asset(
                total_asset=total, cash=self.cash - frozen, frozen_cash=frozen, **self._whose
            )

    def positions(self) -> list[records.Position]:
        made: Any = partial(records.Position, **self._whose)
        ways, held = (Direction.LONG, Direction.SHORT), self.held.copy().items()
        return [made(stock_code=code, volume=abs(n), direction=ways[n < 0]) for code, n in held]

    def _match(self, order: Order) -> None:
        code, buys = order.stock_code, order.side in (Side.BUY, Side.COVER)
        last = self.prices[code]
        if order.price and (order.price < last if buys else order.price > last):
            return
        volume = exact(order.order_volume) * (1 if buys else -1)
        self.cash -= exact(last) * volume
        self.held[code] = self.held.get(code, 0) + volume
        trade = records.Trade(
            stock_code=code, order_id=order.order_id, side=order.side, traded_price=last,
            traded_id=f"T{order.order_id}", traded_time=int(time.time()),
            traded_volume=order.order_volume, order_remark=order.order_remark, **self._whose,
        )  # fmt: skip
        self.trades.append(trade)
        self._tell(records.Traded(trade))
        self._change(replace(order, order_status=OrderStatus.SUCCEEDED, traded_price=last,
                             traded_volume=order.order_volume))  # fmt: skip

    def _resting(self) -> list[Order]:
        return [o for o in self.orders.values() if o.order_status == OrderStatus.REPORTED]

    def _change(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self._tell(records.OrderChanged(order))

    def _tell(self, event: records.PushEvent) -> None:
        for each in self.sessions.copy():
            each.later(each.listener.pushed, each, event)


class MemorySession(LineSession):
    """一次会话。"""

    def __init__(self, counter: Counter, listener: Listener, timeout_s: float) -> None:
        super().__init__(timeout_s)
        self.counter, self.listener = counter, listener
        counter.sessions.add(self)

    def asset(self) -> records.Asset:
        return self.ask("资金", self.counter.asset)

    def positions(self) -> list[records.Position]:
        return self.ask("持仓", self.counter.positions)

    def orders(self) -> list[Order]:
        return self.ask("当日委托", lambda: list(self.counter.orders.values()))

    def trades(self) -> list[records.Trade]:
        return self.ask("当日成交", self.counter.trades.copy)

    def last_price(self, stock_code: str) -> Any:
        return self.counter.prices.get(stock_code)

    def submit(self, request: records.OrderRequest, reply: Reply[records.SubmitAnswer]) -> None:
        self.send(reply, lambda: self.counter.submit(request), request.tag)

    def cancel(self, target: Any, reply: Reply[bool]) -> None:
        self.send(reply, lambda: self.counter.cancel(target))

    def close(self, limit_s: float = 3.0) -> None:
        self.counter.sessions.discard(self)
        super().close(limit_s)


class MemoryConnector:
    """怎样开一次会话。"""

    session_id, session_type = 0, MemorySession

    def __init__(self, counter: Counter, timeout_s: float) -> None:
        self.counter, self.timeout_s, self._cancelled = counter, timeout_s, False

    def open(self, listener: Listener, deadline: float) -> MemorySession:
        if self._cancelled or not self.counter.up:
            raise ConnectFailedError(f"柜台 {self.counter.key.place} 连不上")
        return self.session_type(self.counter, listener, self.timeout_s)

    def cancel(self) -> None:
        self._cancelled = True


class MemoryTrader(Trader):
    """内存柜台的交易口。"""

    capabilities = Capabilities("内存柜台", id_type=str, instruments=ANY_INSTRUMENTS)
    connector_type = MemoryConnector

    def __init__(self, debug: bool = False) -> None:
        self._storages: dict[AccountKey, MemoryStorage] = {}
        super().__init__(debug, storage_of=self._storages.__getitem__)

    def connect(
        self, counter: Counter, callback: Any = None, *, timeout: float = 5, **options: Any
    ) -> None:
        if not isinstance(counter, Counter):
            raise UsageError("counter", counter, "应为 Counter(...)")
        connector = self.connector_type(counter, arguments.seconds("timeout", timeout))
        self._storages[counter.key] = counter.storage  # 记录跟着柜台走；真的后端用默认的文件
        self._open(connector, counter.key, callback=callback, **options)
