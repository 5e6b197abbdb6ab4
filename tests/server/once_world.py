"""一张服务台去掉网线：真的限额、停单开关、审计、请求记录，内存柜台；一次调用像从线上来的那样做。"""

from __future__ import annotations

import os
import secrets
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from support import eventually

from easytrader.errors import OutcomeUnknownError
from easytrader.link.line import NoAnswerError
from easytrader.server.audit import Audit
from easytrader.server.calls import Answer, Call
from easytrader.server.caps import Caps
from easytrader.server.mutations import Mutations
from easytrader.server.stop import StopSwitch
from easytrader.server.tokens import Grant
from easytrader.testing.memory import Counter
from easytrader.testing.memory_broker import FaultySession, MemoryBroker
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.backend.records import OrderRequest, SubmitAnswer

EVERYTHING = Grant("00000001", "全权", ("trade", "funds"))
CODE = "BTC/USDT"


def new_request() -> str:
    return secrets.token_hex(16)


class HookedCounter(Counter):
    """收下一笔委托之前、之后叫一声；``attempts`` 是到过柜台的，拒绝的也算。"""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.attempts: list[OrderRequest] = []
        self.before: Callable[[OrderRequest], None] | None = None
        self.after: Callable[[OrderRequest], None] | None = None

    def submit(self, request: OrderRequest) -> SubmitAnswer:
        if self.before is not None:
            self.before(request)
        self.attempts.append(request)
        answer = super().submit(request)
        if self.after is not None:
            self.after(request)
        return answer


class DroppingSession(FaultySession):
    """另有两种故障，都马上说没有应答，不必等到期：

    ``drop`` 委托没有到柜台，``lost`` 到了。
    """

    def _serve(self, reply: Any, work: Any, tag: str, latest: float) -> None:
        def serve() -> Any:
            for fault in self.faults & {"drop", "lost"} if tag else ():
                self.faults.discard(fault)
                if fault == "lost":
                    work()
                reply.fail(OutcomeUnknownError("线路断了"))
                raise NoAnswerError
            return work()

        super()._serve(reply, serve, tag, latest)


class HookedBroker(MemoryBroker):
    counter_type, session_type = HookedCounter, DroppingSession


class Desk:
    """一个账号；`restart` 换一次启动，`trader` 不给就是内存柜台的。"""

    def __init__(
        self,
        folder: Path,
        trader: Any = None,
        wall: Any = time.time,
        audit: str = "audit",
        broker: HookedBroker | None = None,
    ) -> None:
        self.folder = folder
        self.wall = wall
        self.broker = None if trader is not None else broker or HookedBroker()
        self.trader = trader
        self.caps = Caps(folder / "caps.sqlite")
        self.stop = StopSwitch(folder / "stopped.json")
        self.audit = Audit(folder / audit)
        self.boots = 0
        self.opened: list[Any] = []
        self.mutations: Mutations
        self.start()

    @property
    def counter(self) -> HookedCounter:
        assert self.broker is not None
        found = self.broker.counter
        assert isinstance(found, HookedCounter)
        return found

    def start(self) -> None:
        if self.broker is not None:
            self.trader = self.broker.trader()
            self.opened.append(self.trader)
            self.broker.connect(self.trader)
        self.boots += 1
        self.mutations = Mutations(
            "甲", self.trader, f"{os.getpid()}-{self.boots}",
            caps=self.caps, stop=self.stop, audit=self.audit,
            folder=self.folder / "requests", wall=self.wall,
        )  # fmt: skip

    def restart(self) -> None:
        """好好地停下，再起来。"""
        self.mutations.close()
        if self.broker is not None:
            self.trader.close()
        self.start()

    def close(self) -> None:
        self.mutations.close()
        for each in self.opened:
            each.close()
        self.audit.close()
        self.caps.close()

    # ---- 一次调用

    def call_of(self, name: str, *args: Any, request: str = "", **options: Any) -> Call:
        grant = options.pop("grant", EVERYTHING)
        within_s = options.pop("within_s", 5)
        guard = options.pop("guard", None)
        verb = verbs.find(name)
        assert verb is not None
        deadline = time.monotonic() + within_s
        return Call(
            verb, list(args), options, request or new_request(), deadline, grant,
            "ws", "127.0.0.1", guard,
        )  # fmt: skip

    def start_call(self, name: str, *args: Any, **options: Any) -> Heard:
        """在另一个线程上（像道上那样）做。"""
        heard = Heard()
        call = self.call_of(name, *args, **options)
        heard.thread = threading.Thread(target=self.mutations.run, args=(call, heard))
        heard.thread.start()
        return heard

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        heard = Heard()
        self.mutations.run(self.call_of(name, *args, **options), heard)
        return heard.result()

    def buy(self, request: str = "", **options: Any) -> Any:
        given = {"security": CODE, "price": 9.5, "amount": Decimal("0.5"), **options}
        return self.call("buy", request=request, **given)

    def settle(self, request: Any, grant: Grant = EVERYTHING, within_s: float = 5) -> Any:
        return self.mutations.settle(request, grant, time.monotonic() + within_s)

    # ---- 看

    @property
    def orders(self) -> list[Any]:
        return list(self.counter.orders.values())

    def lines(self) -> list[dict[str, Any]]:
        """审计记录。"""
        found: list[dict[str, Any]] = []
        for path in sorted((self.folder / "audit").glob("*.jsonl")):
            found += [msgspec.json.decode(each) for each in path.read_bytes().splitlines()]
        return found


class Heard:
    """一次调用收到的回答。"""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.seqs: list[int] = []
        self.over = threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self, answer: Answer) -> None:
        if answer.seq is not None:
            assert not self.answers, "有了结果才说序号"
            self.seqs.append(answer.seq)
        else:
            self.answers.append(answer)
            self.over.set()

    def result(self, within_s: float = 30) -> Any:
        assert self.over.wait(within_s), "没有回答"
        if self.thread is not None:
            self.thread.join(within_s)
        (answer,) = self.answers
        if answer.error is not None:
            raise answer.error
        return answer.result


def in_flight(desk: Desk, request: str, grant: Grant = EVERYTHING) -> None:
    """等到这个请求在办。"""
    eventually(lambda: (grant.name, request) in desk.mutations._flying)
