"""一台机器照规矩看着的几样，没有站点：真的账号（内存柜台）、真的存储、待传的，钟可以拨。"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from server_world import World, memory_world
from station_world import wish as wished
from station_world import within
from support import eventually

from easytrader.agent.duties import Duties
from easytrader.agent.spool import Spool, Uploader
from easytrader.backend.records import OrderRequest
from easytrader.basics import tags
from easytrader.codes import OrderType, PriceType
from easytrader.fleets.address import open_store
from easytrader.fleets.words import PLACED, Command, Lease, Outcome
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.fleets.words import StoredEvent
    from easytrader.server.desk import Desk
    from easytrader.testing.memory_broker import MemoryBroker

CODE, AMOUNT, RESTING = "BTC/USDT", 0.5, 9.5


class Clock:
    """拨得动的单调时钟；平时跟着真的走。"""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class RulesBox:
    """一台机器。"""

    def __init__(self, folder: Path, dsn: str, server: World, name: str) -> None:
        self.name, self.server = name, server
        self.store = open_store(dsn, 10)
        self.spool = Spool(folder / name / "spool.sqlite")
        self.leases: dict[str, Lease] = {}
        self.clock = Clock()
        self.duties = Duties(self.store, self.spool, box=name, groups=("g",))
        self.duties.alarms._clock = self.clock
        self.uploader = Uploader(
            self.store, self.spool, lambda: self.leases,
            late=self.duties.alarms.late, stop=self.duties.stop,
        )  # fmt: skip
        self.uploader.start()

    @property
    def desk(self) -> Desk:
        return self.server.desks["a"]

    @property
    def broker(self) -> MemoryBroker:
        return self.server.brokers["a"]

    def acquire(self, before: str = "") -> Lease:
        found = self.store.acquire(
            "a", owner=self.name, box=self.name, broker="memory", groups=("g",),
            takeover="auto", previous="", address="", deadline=within(5),
        )  # fmt: skip
        assert isinstance(found, Lease), found
        self.leases["a"] = found
        self.duties.gained(self.desk, found, before)
        eventually(lambda: self.learned)
        return found

    @property
    def learned(self) -> bool:
        return self.duties.alarms._watches["a"].learned

    def claimed(self, **given: Any) -> Command:
        """策略记下一条，这台机器领走、就要做。"""
        self.store.post(wished("buy", CODE, RESTING, AMOUNT, **given), within(5))
        (found,) = self.store.claim([self.leases["a"]], 1, within(5))
        self.duties.begin(found)
        return found

    def claimed_anyway(self) -> Command:
        """停着的时候也有一条在办的：停之前领走的。"""
        self.store.set_switch("account:a", False, within(5))
        found = self.claimed()
        self.store.set_switch("account:a", True, within(5), why="人按的", cancel_open=True)
        return found

    def send(self, command: Command) -> str:
        """柜台收下它的委托，应答没有来：编号。"""
        return self.elsewhere(tags.tag_for(self.account_id, command.command_id))

    def elsewhere(self, tag: str = "") -> str:
        """别处下的一笔，带着标记（可以没有）。"""
        answer = self.broker.counter.submit(
            OrderRequest(
                engine_of(self.desk.trader).capabilities.instruments.security(CODE),
                OrderType.BUY, AMOUNT, PriceType.FIX, RESTING, "",
                tags.tagged(tag, "") if tag else "手工", tag,
            )
        )  # fmt: skip
        return str(answer.order_id)

    @property
    def account_id(self) -> str:
        return engine_of(self.desk.trader).key.account_id

    def ends(self, command: Command, state: str, order_id: str = "") -> None:
        told = json.dumps({"result": {"entrust_no": order_id}}) if state == PLACED else ""
        outcome = Outcome("a", command.command_id, command.attempt, state, "", order_id, told)
        self.duties.record(command, outcome)

    def tick(self, later_s: float = 0.0) -> None:
        self.clock.ahead += later_s
        self.duties.alarms.tick()

    # ---- 看

    def events(self, kind: str = "") -> list[StoredEvent]:
        found = self.store.read("a", 0, 10_000, within(5))
        assert [each.number for each in found] == list(range(1, len(found) + 1))
        return [each for each in found if not kind or each.kind == kind]

    def alarms(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(each.data)["data"] for each in self.events(kind)]

    def drained(self) -> None:
        eventually(lambda: self.spool.depth == 0)

    def switches(self) -> dict[str, str]:
        return {each.scope: each.why for each in self.store.switches(within(5))}

    def until(self, check: Callable[[], object]) -> None:
        eventually(check)

    def close(self) -> None:
        self.duties.close()
        self.uploader.close(2)
        self.spool.close()
        self.store.close()


@contextmanager
def rules_world(folder: Path, dsn: str, *names: str) -> Iterator[list[RulesBox]]:
    """同一个柜台，几台机器都连着它；还没有谁是主人。"""
    with memory_world(folder / "server") as server:
        boxes = [RulesBox(folder, dsn, server, each) for each in names]
        try:
            yield boxes
        finally:
            for each in boxes:
                each.close()
