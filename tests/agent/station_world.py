"""一队里的一台机器：内存柜台、SQLite 的存储、真的代理；策略一头只会 `post` 与等。"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from server_world import World, memory_world
from support import eventually

from easytrader.agent.station import Station
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.words import FINAL, Command, Posted, Question, StoreDownError, Wish
from easytrader.wire import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.fleets.store import Store

CODE, AMOUNT = "BTC/USDT", 0.5
RESTING = 9.5


def within(seconds: float) -> float:
    return time.monotonic() + seconds


def wish(
    verb: str, *args: Any, account: str = "a", command_id: str = "", effect: str = "order",
    valid_s: float = 5.0, limits: Any = None, strategy: str = "", **kwargs: Any,
) -> Wish:  # fmt: skip
    """一个心愿；没有给编号的就是请求号。"""
    request = secrets.token_hex(16)
    told = values.encode(values.to_plain({"args": list(args), "kwargs": kwargs})).decode()
    return Wish(
        account, command_id or (f"r-{request}" if effect == "order" else request), request, verb,
        effect,  # type: ignore[arg-type]
        told, hashlib.sha256(f"{verb} {told}".encode()).hexdigest(), valid_s, strategy, "host1",
        "" if limits is None else json.dumps(limits),
    )  # fmt: skip


class Strategy:
    """策略那一头。"""

    def __init__(self, store: Store) -> None:
        self.store = store

    def post(self, told: Wish) -> Posted:
        posted = self.store.post(told, within(5))
        if posted.box:
            self.store.hint([posted.box])
        return posted

    def see(self, command: Command) -> Command:
        return self.store.outcomes([command.number], within(5))[0]

    def until(self, command: Command, *states: str, within_s: float = 20.0) -> Command:
        """等到它有了结果（或到了 ``states``）。"""
        wanted, deadline = states or FINAL, within(within_s)
        while (row := self.see(command)).state not in wanted:
            assert time.monotonic() < deadline, row
            self.store.wait("host1", 0.1)
        return row

    def do(self, told: Wish, *states: str) -> Command:
        """记下，等到有结果。"""
        return self.until(self.post(told).command, *states)

    def buy(self, price: float = RESTING, amount: Any = AMOUNT, **options: Any) -> Command:
        return self.do(wish("buy", CODE, price, amount, **options))

    def ask(self, verb: str, *args: Any, account: str = "a", left_s: float = 5.0) -> Any:
        text = values.encode(values.to_plain({"args": list(args), "kwargs": {}})).decode()
        number, box = self.store.ask(Question(0, account, verb, text, "host1", left_s), within(5))
        if box:
            self.store.hint([box])
        found: dict[int, str] = {}

        def answered() -> bool:
            found.update(self.store.replies([number], within(5)))
            return number in found

        eventually(answered)
        return json.loads(found[number])


_CALLS = (
    "greet", "acquire", "renew", "claim", "left_over", "settle", "questions", "reply", "idle",
    "publish", "switches", "budgets", "draw", "read", "accounts", "release",
)  # fmt: skip


class Faulty:
    """出得了故障的存储：``before``、``after`` 里放着的，在做之前、做成之后抛出。"""

    def __init__(self, real: Store) -> None:
        self.real = real
        self.before: dict[str, Exception] = {}
        self.after: dict[str, list[Exception]] = {}
        self.changed: dict[str, Callable[[Any], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)
        if not callable(real):
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if name in self.before:
                raise self.before[name]
            found = real(*args, **kwargs)
            if self.after.get(name) and found:
                raise self.after[name].pop()
            return self.changed[name](found) if name in self.changed else found

        return call

    def silence(self) -> None:
        """一问三不知：断网、倒了。"""
        self.before = {name: StoreDownError("断网了") for name in _CALLS}

    def heal(self) -> None:
        self.before = {}


class StationWorld:
    """见模块说明。"""

    def __init__(self, folder: Path, server: World) -> None:
        self.folder = folder
        self.file = folder / "队 里" / "fleet.sqlite"
        self.server = server
        self.stations: list[Station] = []
        self.faulty: list[Faulty] = []
        self.stores: list[SqliteStore] = []
        self.strategy = Strategy(self.store())

    @property
    def broker(self) -> Any:
        return self.server.brokers["a"]

    def store(self) -> SqliteStore:
        found = SqliteStore(self.file)
        self.stores.append(found)
        return found

    def station(self, box: str = "box1", silent: bool = False, **options: Any) -> Station:
        """起一个代理，等它开始领命令；``silent``：存储不在，不等。"""
        folder = self.folder / f"spool-{box}-{len(self.stations)}"
        store: Any = Faulty(self.store())
        found = Station(store, self.server.desks, box=box, folder=folder, **options)
        self.stations.append(found)
        self.faulty.append(store)
        if silent:
            store.silence()
        found.start()
        if not silent:
            eventually(lambda: len(found.held) == len(self.server.desks))
        return found

    def close(self) -> None:
        for each in self.stations:
            each.close()
        for store in self.stores:
            store.close()


@contextmanager
def station_world(folder: Path, count: int = 1, agents: int = 1) -> Iterator[StationWorld]:
    with memory_world(folder / "server", count) as server:
        found = StationWorld(folder, server)
        try:
            for number in range(agents):
                found.station(f"box{number + 1}")
            yield found
        finally:
            found.close()
