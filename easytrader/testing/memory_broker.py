"""内存柜台的把手：一致性测试怎样连它、让它出故障；自己的 `Broker` 照着写。"""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any, Final

from easytrader.backend.records import SubmitAnswer
from easytrader.link.line import NoAnswerError
from easytrader.testing.broker import Broker
from easytrader.testing.memory import Counter, MemoryConnector, MemorySession, MemoryTrader

_numbers: Final = itertools.count(1)


class FaultySession(MemorySession):
    """会出故障的线路：柜台照办，而应答丢了，或者断线；``faults`` 是接下来要出的。"""

    faults: set[str]

    def _serve(self, reply: Any, work: Any, tag: str, latest: float) -> None:
        def serve() -> Any:
            answer = work()
            verb = {SubmitAnswer: "submit", bool: "cancel"}.get(type(answer), "query")
            if verb in self.faults:
                self.faults.discard(verb)
                raise NoAnswerError
            if verb == "submit" and "break" in self.faults:
                self.faults.discard("break")
                self.listener.lost(self, "柜台断线")
            return answer

        super()._serve(reply, serve, tag, latest)


class MemoryBroker(Broker):
    """一个新的柜台，一个新的账号。"""

    security, amount = "BTC/USDT", Decimal("0.5")
    resting_price, crossing_price, refused_amount = 9.5, 10.5, 10_000_000
    timeout_s = 1.0
    counter_type, session_type, trader_type = Counter, FaultySession, MemoryTrader

    def __init__(self) -> None:
        name, code = f"memory-{next(_numbers)}", self.security
        self.counter = self.counter_type(name, 10**6, {code: 10}, {code: 10**6})
        self.faults: set[str] = set()

    def trader(self) -> MemoryTrader:
        session = type("Session", (self.session_type,), {"faults": self.faults})
        trader = self.trader_type()
        connector: Any = type("Connector", (MemoryConnector,), {"session_type": session})
        trader.connector_type = connector
        return trader

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect(self.counter, callback, **given)

    def break_link(self) -> None:
        self.counter.up = False
        for session in self.counter.sessions.copy():
            session.listener.lost(session, "柜台断线")

    def restore_link(self) -> None:
        self.counter.up = True

    def lose_answer(self, verb: str) -> None:
        self.faults.add(verb)

    def break_after_submit(self) -> None:
        self.faults.add("break")
