"""代理的进程：在指定的一步上死去或停住；柜台是一个文件，几个进程都看得见，5 到 50 毫秒才答。

启动一次，之后 stdin 上一行一个 JSON，fork 一个代理，说出进程号::

    {"home": 状态文件夹, "store": 存储, "counter": 柜台的文件, "box": 机器, "takeover": …,
     "step": 哪一步（空的不死）, "how": "kill"、"stop" 或 "doze"}

``doze`` 是睡着：这一步与碰存储的线程都等到 SIGUSR1。真的停住（``stop``）的可能正拿着 SQLite 的锁。
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import pickle
import random
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import agent_hurried  # noqa: F401  在别的之前
from filelock import FileLock
from loguru import logger
from server_world import World

from easytrader.agent import spool
from easytrader.agent.station import Station
from easytrader.fleets.address import open_store
from easytrader.server.caps import TokenGate
from easytrader.server.requests import Requests
from easytrader.testing.memory import Counter, MemoryConnector, MemorySession, MemoryTrader
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.backend.records import Order

CODE = "BTC/USDT"


class FileCounter(Counter):
    """记在文件里的柜台。"""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path.stem, 10**9, {CODE: 10}, {CODE: 10**6})
        self._numbers: Any = self._counted()

    def _counted(self) -> Iterator[int]:
        for _ in itertools.count():
            yield len(self.orders) + 1

    @property
    def orders(self) -> dict[Any, Order]:
        try:
            return pickle.loads(self.path.read_bytes())  # type: ignore[no-any-return]
        except FileNotFoundError:
            return {}

    @orders.setter
    def orders(self, value: Any) -> None:
        pass

    def _change(self, order: Order) -> None:
        temporary = self.path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(pickle.dumps({**self.orders, order.order_id: order}))
        temporary.replace(self.path)
        super()._change(order)

    def submit(self, request: Any) -> Any:
        with FileLock(f"{self.path}.lock"):
            answer = super().submit(request)
        threading.Event().wait(random.uniform(0.005, 0.05))
        return answer

    def cancel(self, order_id: Any) -> bool:
        with FileLock(f"{self.path}.lock"):
            return super().cancel(order_id)


class FileTrader(MemoryTrader):
    """委托记录在盘上，跟着 ``EASYTRADER_HOME``。"""

    def __init__(self, debug: bool = False) -> None:
        Trader.__init__(self, debug)

    def connect(self, counter: Counter, callback: Any = None, **options: Any) -> None:
        connector = MemoryConnector(counter, options.pop("timeout", 5))
        self._open(connector, counter.key, callback=callback, **options)


STEPS: dict[str, tuple[Any, str]] = {
    "领": (None, "claim"),
    "收到": (Station, "_begin"),
    "记下": (Requests, "begin"),
    "关口": (TokenGate, "last"),
    "柜台": (FileCounter, "submit"),
    "交出": (MemorySession, "submit"),
    "记答案": (Requests, "finish"),
    "待传": (spool.Spool, "outcome"),
    "结果": (None, "settle"),
}
"""每一步都有「前」「后」。"""


AWAKE = threading.Event()
AWAKE.set()


def drowsy(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def waiting(*args: Any, **kwargs: Any) -> Any:
        AWAKE.wait()
        return real(*args, **kwargs)

    setattr(owner, name, waiting)


def fall(how: str, home: Path) -> None:
    if how == "kill":
        os._exit(9)
    if how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait(0.2)  # 信号送到之前还会再跑一小会儿
        return
    AWAKE.clear()
    (home / "asleep").touch()
    AWAKE.wait()


def arm(store: Any, step: str, how: str, home: Path) -> None:
    owner, name = STEPS[step[:-1]]
    owner = owner or type(store)
    if how == "doze":
        signal.signal(signal.SIGUSR1, lambda *_: AWAKE.set())
        for each in ("acquire", "renew", "claim", "idle", "questions", "settle", "publish"):
            drowsy(type(store), each)
    real = getattr(owner, name)
    once = iter([functools.partial(fall, how, home)])

    @functools.wraps(real)
    def after(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if (name != "settle" or args[2]) and (name != "claim" or found):
            next(once, bool)()
        return found

    @functools.wraps(real)
    def before(*args: Any, **kwargs: Any) -> Any:
        if name != "settle" or args[2]:
            next(once, bool)()
        return real(*args, **kwargs)

    setattr(owner, name, after if step.endswith("后") else before)


def agent(told: dict[str, Any]) -> None:
    os.environ["EASYTRADER_HOME"] = told["home"]
    logger.remove()
    logger.add(Path(told["home"]) / "agent.log", level="DEBUG")
    home = Path(told["home"])
    trader = FileTrader()
    trader.connect(FileCounter(Path(told["counter"])), timeout=5, **told.get("options", {}))
    (home / "server" / "tokens.json").unlink(missing_ok=True)  # 上一个进程发的
    world = World(home / "server", {"a": trader})
    store = open_store(told["store"])
    if told.get("step"):
        arm(store, told["step"], told.get("how", "kill"), home)
    station = Station(
        store, world.desks, box=told["box"], takeover=told.get("takeover", "manual"),
        folder=home / "spool",
    )  # fmt: skip
    station.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        threading.Event().wait()
    finally:
        station.close()
        world.close()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            try:
                agent(json.loads(line))
            except SystemExit:
                pass
            except BaseException as exc:
                print(repr(exc), file=sys.stderr, flush=True)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
