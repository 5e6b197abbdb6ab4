"""一个世界：一个文件夹、一个真实的模拟 MiniQMT 进程、一个一直开着的 trader，和发生过的一切。"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil
from chaos_check import Call, Delivery, Wish
from support import SimProcess, in_li

import easytrader
from easytrader import errors
from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.config.folder import create
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["ACCOUNT", "TIMEOUT_S", "Book", "Ears", "Power", "Reader", "World", "pause", "rich"]

ACCOUNT: Final = "1000000365"
TIMEOUT_S: Final = 0.6
CLOSE_S: Final = 3.0
_CASH_LI: Final = 10**14
_HELD: Final = tuple(
    (code, 500_000_000, 500_000_000 * price)
    for code, price in (
        ("600036.SH", 35_000),
        ("600000.SH", 10_000),
        ("000001.SZ", 11_000),
        ("510300.SH", 4_000),
    )
)
_OUTCOMES: Final = (
    (errors.OutcomeUnknownError, "unknown"),
    (errors.ConnectFailedError, "connect_failed"),
    (errors.NotConnectedError, "not_connected"),
    (errors.QueryFailedError, "failed"),
    (errors.WaitTimeoutError, "wait_timeout"),
    (errors.RiskRefusedError, "risk"),
    (errors.JournalError, "journal"),
    (errors.ClosedError, "closed"),
    (errors.UsageError, "usage"),
    (EasytraderError, "other"),
)


def pause(seconds: float) -> None:
    """等一会儿。"""
    if seconds > 0:
        threading.Event().wait(seconds)


class Ears:
    """trader 的回调：收到的都记下来，可以故意慢。"""

    def __init__(self) -> None:
        self.heard: list[Delivery] = []
        self.slow_s = 0.0
        self.doing: list[Callable[[], Any]] = []
        """在下一个回调里做的事，各做一次。"""
        self.reacting = 0
        """正在回调里做着几件。"""
        self.changed = threading.Condition()

    def _hear(self, delivery: Delivery) -> None:
        with self.changed:
            self.heard.append(delivery)
            doing, self.doing = self.doing, []
            self.reacting += len(doing)
            self.changed.notify_all()
        pause(self.slow_s)
        for action in doing:
            try:
                action()
            finally:
                with self.changed:
                    self.reacting -= 1

    def on_connected(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def on_stock_order(self, order: Any) -> None:
        state = order.order_status, order.traded_volume
        self._hear(Delivery("order", order.order_id, *state, sysid=order.order_sysid))

    def on_stock_trade(self, trade: Any) -> None:
        where = {"traded_id": trade.traded_id, "stock_code": trade.stock_code}
        self._hear(Delivery("trade", trade.order_id, volume=trade.traded_volume, **where))

    def on_order_error(self, error: Any) -> None:
        self._hear(Delivery("order_error", error.order_id))

    def wait_until(self, check: Callable[[], bool], within_s: float) -> bool:
        """等到 ``check`` 为真；有动静就看，没有动静也隔一会儿看一眼。"""
        deadline = time.monotonic() + within_s
        while not check():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            with self.changed:
                self.changed.wait(min(left_s, 0.02))
        return True


class Reader:
    """用 `user.events()` 收事件的线程：与回调收到的应当一样。"""

    def __init__(self, user: Any, ears: Ears) -> None:
        self.heard: list[Delivery] = []
        self._ears = ears
        self._thread = threading.Thread(
            target=self._read, args=(user,), name="chaos-events", daemon=True
        )
        self._thread.start()

    def join(self, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _read(self, user: Any) -> None:
        for event in user.events(timeout=600):
            kind, data = event["event"], event["data"]
            if kind == "order":
                state = data["order_status"], data["traded_volume"]
                told = Delivery("order", data["order_id"], *state, sysid=data["order_sysid"])
                self.heard.append(told)
            elif kind == "trade":
                where = {"traded_id": data["traded_id"], "stock_code": data["stock_code"]}
                volume = data["traded_volume"]
                self.heard.append(Delivery("trade", data["order_id"], volume=volume, **where))
            elif kind == "order_error":
                self.heard.append(Delivery("order_error", data["order_id"]))
            with self._ears.changed:
                self._ears.changed.notify_all()


class Power:
    """模拟 MiniQMT 进程的电源：杀、冻、起。哪个线程都可以用。"""

    def __init__(self, folder: Path) -> None:
        self._sim = SimProcess(folder)
        self._lock = threading.Lock()
        self._faults = Faults(folder)
        self.offset_s = 0.0
        """时钟拨快了多少；进程重启之后要再拨一次。"""
        self.starts = 0

    def start(self) -> None:
        with self._lock:
            self._start()

    def _start(self) -> None:
        self._sim.start()
        self.starts += 1
        if self.offset_s:
            self._faults.clock_jump(self.offset_s)

    @property
    def running(self) -> bool:
        process = self._sim.process
        return process is not None and process.poll() is None

    def kill(self) -> None:
        """SIGKILL（Windows 上是 TerminateProcess）。"""
        with self._lock:
            self._sim.kill()

    def ensure(self) -> None:
        """醒着、活着。"""
        with self._lock:
            if self.running:
                with suppress(psutil.Error):
                    self._process.resume()
            else:
                self._sim.kill()
                self._start()

    def restart(self) -> None:
        with self._lock:
            self._sim.kill()
            self._start()

    def suspend(self, seconds: float) -> None:
        """SIGSTOP，过一会儿 SIGCONT。"""
        with suppress(psutil.Error, AttributeError):
            process = self._process
            process.suspend()
            pause(seconds)
            process.resume()

    @property
    def _process(self) -> psutil.Process:
        return psutil.Process(self._sim.process.pid)  # type: ignore[union-attr]


QUERY_LAG_S = 0.25
"""查询是缓存：刚下的委托过一会儿才查得到。"""


def rich(folder: Path, kind: int = 2, **settings: Any) -> None:
    """一个有钱、有股票的账户；``kind`` 3 是信用账户。"""
    create(folder, (in_li(ACCOUNT, kind, _CASH_LI, _HELD),), connect_wait_s=0.3, **settings)


class Book:
    """一个世界里记账的一半：想过什么、每次调用怎样了；故障照表出。"""

    timeout_s = TIMEOUT_S
    close_s = CLOSE_S
    blows: ClassVar[dict[str, Callable[[Any, dict[str, Any]], object]]] = {}
    """故障的名字 → 怎样出。"""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.wishes: dict[str, Wish] = {}
        self.current = -1
        self._lock = threading.Lock()
        self.ears = Ears()

    def call(
        self, verb: str, allowed_s: float, action: Callable[[], Any], *, keep: bool = True
    ) -> tuple[Call, Any]:
        """调用一次，计时，把结果归类。"""
        began = time.monotonic()
        result, error, outcome = None, "", "ok"
        try:
            result = action()
        except EasytraderError as exc:
            error = f"{type(exc).__name__}: {exc}"
            outcome = next(name for kind, name in _OUTCOMES if isinstance(exc, kind))
            result = exc
        except BaseException as exc:
            error, outcome = f"{type(exc).__name__}: {exc}", "alien"
        call = Call(verb, time.monotonic() - began, allowed_s, outcome, error)
        call.scenario = self.current
        if keep:
            with self._lock:
                self.calls.append(call)
        return call, result

    def submit(self, wish: Wish, send: Callable[..., Any]) -> Call:
        """下一次：``send(remark=…, client_order_id=…)``。"""
        wish.scenario = self.current
        with self._lock:
            self.wishes[wish.key] = wish
        options = {"remark": wish.key, **({"client_order_id": wish.cid} if wish.cid else {})}
        call, result = self.call(wish.verb, self.timeout_s, lambda: send(**options))
        if call.outcome == "ok":
            call.number = result["entrust_no"]
            if call.number <= 0:
                call.outcome, call.error = "refused", result.get("message", "")
        elif call.outcome == "unknown":
            wish.tag = wish.tag or result.client_order_id or result.tag
        wish.calls.append(call)
        return call

    def blow(self, name: str, detail: dict[str, Any]) -> None:
        """出一个故障；进程正好死着、冻着时落空也无妨。"""
        with suppress(SimulatorError, OSError):
            self.blows[name](self, detail)


class World(Book):
    """见模块说明。``events``：另用 `user.events()` 收一遍。"""

    def __init__(self, folder: Path, *, events: bool = False) -> None:
        super().__init__()
        rich(folder, query_lag_s=QUERY_LAG_S)
        self.folder = folder
        self.power = Power(folder)
        self.faults = Faults(folder)
        self.power.start()
        self.user = self.new_trader()
        self.connect(self.user, self.ears, wait=10)  # 忙的机器上，头一次可以慢
        self.reader = Reader(self.user, self.ears) if events else None

    # ---- trader

    @staticmethod
    def new_trader() -> Any:
        return easytrader.use("miniqmt")

    def child(self, wish: Wish) -> tuple[list[str], dict[str, str]]:
        """另一个进程下这一笔：(命令, 环境)。"""
        arguments = [str(self.folder), ACCOUNT, wish.cid, wish.key]
        return [sys.executable, "-c", _CHILD, *arguments], dict(os.environ)

    def connect(self, trader: Any, callback: Any = None, *, wait: bool | float = False) -> None:
        trader.connect(
            str(self.folder),
            ACCOUNT,
            callback,
            reconnect_interval=0.05,
            timeout=TIMEOUT_S,
            wait=wait,
            heartbeat_interval=0.2,
        )

    def close(self) -> list[str]:
        """关掉 trader 和进程；返回关的时候出的岔子。"""
        found = []
        call, _ = self.call("close", CLOSE_S, self.user.close)
        if call.outcome != "ok":
            found.append(f"close() 抛了 {call.error}")
        if self.reader is not None and not self.reader.join(5):
            found.append("close() 之后 events() 没有结束")
        self.power.kill()
        return found

    # ---- 故障

    def calm(self) -> None:
        """故障全收，进程醒着活着。"""
        with self.ears.changed:
            self.ears.slow_s = 0.0
            self.ears.doing = []
        for _ in range(20):
            self.power.ensure()
            with suppress(SimulatorError, OSError):
                self.faults.clear()
                if self.power.offset_s:
                    self.faults.clock_jump(self.power.offset_s)
                return
        raise AssertionError("模拟 MiniQMT 一直没有回应")


def _plan(world: World, name: str, detail: dict[str, Any]) -> None:
    getattr(world.faults, name)(**detail)


def _disconnect_refusing(world: World, detail: dict[str, Any]) -> None:
    world.faults.refuse_connect(**detail)
    world.faults.disconnect()


def _jump(world: World, seconds: float) -> None:
    world.faults.clock_jump(seconds)
    if seconds > 0:
        world.power.offset_s += seconds


def _midnight(world: World) -> None:
    now = time.time() + world.power.offset_s + 8 * 3600
    _jump(world, 86400 - now % 86400 + 1)


def _slow(world: World, seconds: float) -> None:
    world.ears.slow_s = seconds


_CHILD: Final = """
import sys, easytrader
folder, account, cid, key = sys.argv[1:]
user = easytrader.use("miniqmt")
user.connect(folder, account, timeout=2)
print("connected", flush=True)
try:
    print(user.buy("600036", 32.5, 100, remark=key, client_order_id=cid), flush=True)
except easytrader.EasytraderError as exc:
    print(repr(exc), flush=True)
sys.stdin.read()
"""

World.blows = {
    "none": lambda world, detail: None,
    "drop_answer": lambda world, detail: _plan(world, "drop_answer", detail),
    "delay_answer": lambda world, detail: _plan(world, "delay_answer", detail),
    "delay_past_deadline": lambda world, detail: _plan(world, "delay_answer", detail),
    "refuse_connect": _disconnect_refusing,
    "disconnect": lambda world, detail: world.faults.disconnect(),
    "disconnect_after": lambda world, detail: _plan(world, "disconnect_after", detail),
    "disconnect_on_before": lambda w, detail: w.faults.disconnect_on(when="before", **detail),
    "disconnect_on_after": lambda w, detail: w.faults.disconnect_on(when="after", **detail),
    "duplicate_push": lambda world, detail: _plan(world, "duplicate_push", detail),
    "reorder_push": lambda world, detail: _plan(world, "reorder_push", detail),
    "disk_full": lambda world, detail: _plan(world, "disk_full", detail),
    "clock_jump_forward": lambda world, detail: _jump(world, detail["seconds"]),
    "clock_jump_back": lambda world, detail: _jump(world, detail["seconds"]),
    "clock_jump_midnight": lambda world, detail: _midnight(world),
    "hang": lambda world, detail: _plan(world, "hang", detail),
    "suspend": lambda world, detail: world.power.suspend(detail["seconds"]),
    "kill": lambda world, detail: world.power.kill(),
    "kill_and_restart": lambda world, detail: world.power.restart(),
    "crash_on_before": lambda world, detail: world.faults.crash_on(when="before", **detail),
    "crash_on_after": lambda world, detail: world.faults.crash_on(when="after", **detail),
    "slow_callback": lambda world, detail: _slow(world, detail["seconds"]),
}
