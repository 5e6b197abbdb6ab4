"""故意写坏的后端：一致性测试要认得出每一个。作 pytest 插件用，`BROKEN` 说是哪一个。"""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import replace
from typing import Any

import pytest

from easytrader.backend.records import SubmitAnswer, Traded
from easytrader.codes import OrderStatus
from easytrader.errors import ConnectFailedError
from easytrader.testing.memory import Counter, MemoryConnector, MemoryTrader
from easytrader.testing.memory_broker import FaultySession, MemoryBroker

_counts = itertools.count(1)


def _lost(session: FaultySession, verb: str) -> bool:
    found = verb in session.faults
    session.faults.discard(verb)
    return found


class DropsTrades(Counter):
    def _tell(self, event: Any) -> None:
        if not isinstance(event, Traded):
            super()._tell(event)


class TellsTwice(Counter):
    """同一笔成交换个编号又说一遍。"""

    def _tell(self, event: Any) -> None:
        super()._tell(event)
        if isinstance(event, Traded):
            again = replace(event.trade, traded_id=f"again-{event.trade.traded_id}")
            super()._tell(Traded(again))


class SwallowsCancel(Counter):
    def cancel(self, order_id: Any) -> bool:
        return True


class CancelsWhatIsDone(Counter):
    def cancel(self, order_id: Any) -> bool:
        found = self.orders.get(order_id)
        if found is not None:
            self._change(replace(found, order_status=OrderStatus.CANCELED, traded_volume=0))
        return found is not None


class ForgetsTag(Counter):
    def _change(self, order: Any) -> None:
        super()._change(replace(order, order_remark=""))


class SameNumber(Counter):
    def submit(self, request: Any) -> SubmitAnswer:
        answer = super().submit(request)
        return SubmitAnswer("000001") if answer.accepted else answer


class IgnoresPrice(Counter):
    def submit(self, request: Any) -> SubmitAnswer:
        return super().submit(request._replace(price=self.prices[request.security.stock_code]))


class AcceptsAnything(Counter):
    def submit(self, request: Any) -> SubmitAnswer:
        self.cash += 10**12
        return super().submit(request)


class SendsAgain(FaultySession):
    """没有应答就再发一次。"""

    def submit(self, request: Any, reply: Any) -> None:
        if _lost(self, "submit"):
            self.counter.submit(request)
        super().submit(request, reply)


class BlocksInSubmit(FaultySession):
    def submit(self, request: Any, reply: Any) -> None:
        threading.Event().wait()


class BlocksInQuery(FaultySession):
    def trades(self) -> Any:
        if self.counter.orders:
            threading.Event().wait()
        return super().trades()


class EmptyForNoAnswer(FaultySession):
    def orders(self) -> Any:
        return [] if _lost(self, "query") else super().orders()


class FailsForNoAnswer(FaultySession):
    """没有应答说成没有下成。"""

    def submit(self, request: Any, reply: Any) -> None:
        def refuse() -> SubmitAnswer:
            answer = self.counter.submit(request)
            return SubmitAnswer("", "超时") if _lost(self, "submit") else answer

        self.send(reply, refuse)


class ForeignException(FaultySession):
    def orders(self) -> Any:
        if self.counter.orders:
            raise KeyError("status")
        return super().orders()


class LeaksThread(FaultySession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        threading.Thread(target=threading.Event().wait, name="worker", daemon=True).start()


class ConnectsOnce(MemoryTrader):
    """再也连不上。"""

    def connect(self, counter: Any, callback: Any = None, **options: Any) -> None:
        kind = self.connector_type

        class Once(kind):  # type: ignore[misc, valid-type]
            def open(self, listener: Any, deadline: float) -> Any:
                if self.timeout_s < 0:
                    raise ConnectFailedError("不连了")
                session = super().open(listener, deadline)
                self.__class__ = Never
                return session

        self.connector_type = Once
        super().connect(counter, callback, **options)


class Never(MemoryConnector):
    def open(self, listener: Any, deadline: float) -> Any:
        raise ConnectFailedError("不连了")


class AnyOption(MemoryTrader):
    """不认识的参数悄悄丢掉。"""

    def connect(self, counter: Any, callback: Any = None, **options: Any) -> None:
        options.pop("no_such_option", None)
        super().connect(counter, callback, **options)


class OnCallersThread(FaultySession):
    """没有线路：在调用的线程上拿着柜台的锁就推送。慢，但不坏。"""

    def later(self, work: Any, *args: Any) -> None:
        with self.counter._lock:
            work(*args)


COUNTERS = {
    DropsTrades: "Events",
    TellsTwice: "Events",
    SwallowsCancel: "Cancel",
    CancelsWhatIsDone: "Cancel",
    ForgetsTag: "UnknownOutcome or ExactlyOnce",
    SameNumber: "Threads",
    IgnoresPrice: "test_limit_buy_rests",
    AcceptsAnything: "test_refusal",
}
SESSIONS = {
    SendsAgain: "UnknownOutcome",
    BlocksInSubmit: "test_limit_buy_rests",
    BlocksInQuery: "test_crossing_buy_trades",
    EmptyForNoAnswer: "UnknownOutcome",
    FailsForNoAnswer: "UnknownOutcome",
    ForeignException: "test_limit_buy_rests",
    LeaksThread: "test_connected_says_so",
}
TRADERS = {ConnectsOnce: "test_lost_link", AnyOption: "Connect"}
HARMLESS = {OnCallersThread: "Events or Orders or Cancel"}
ALL: dict[type, str] = {**COUNTERS, **SESSIONS, **TRADERS, **HARMLESS}
"""写坏的 → 跑哪些测试就认得出。"""


@pytest.fixture
def broker() -> MemoryBroker:
    named: Any = {each.__name__: each for each in ALL}[os.environ["BROKEN"]]
    where = "counter_type" if named in COUNTERS else "trader_type"
    where = "session_type" if named in SESSIONS or named in HARMLESS else where
    kind: Any = type("Broken", (MemoryBroker,), {where: named, "limit_s": 30.0})
    return kind()
