"""测试共用的东西：等待、记录回调、模拟 MiniQMT 的文件夹与进程。"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from easytrader.sim.counter.engine import Engine
from easytrader.sim.gateway.translator import Translator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from easytrader.sim.config.folder import AccountConfig

ACCOUNT = "1000000365"
ROOT = Path(__file__).resolve().parent.parent


def eventually(check: Callable[[], object], within_s: float = 30.0) -> None:
    """等一个条件成立；到期就失败。轮询之间让出线程，不靠运气。"""
    pause = threading.Event()
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"{within_s:g} 秒内没有等到 {check}")
        pause.wait(0.01)


@contextlib.contextmanager
def sigint_restored() -> Iterator[None]:
    """后台跑的测试忽略 Ctrl-C，起的子进程会继承；这一段里起的不继承。"""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def freeze(pid: int) -> psutil.Process:
    """冻住一个进程，等它真的停下：信号送到之后它还可能再跑一小会儿。"""
    process = psutil.Process(pid)
    process.suspend()
    eventually(lambda: process.status() == psutil.STATUS_STOPPED)
    return process


class VendorEngine(Translator):
    """说厂商的话的柜台；翻译没有的（内部的状态、时钟）取自柜台。"""

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.engine = Engine(*args, **kw)
        super().__init__(self.engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


class Recorder:
    """记下收到的每个回调；可以指定某个回调里做什么。"""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.doing: dict[str, Callable[[Any], None]] = {}
        self.changed = threading.Condition()

    def _take(self, name: str, argument: Any = None) -> None:
        with self.changed:
            self.events.append((name, argument))
            self.changed.notify_all()
        doing = self.doing.get(name)
        if doing is not None:
            doing(argument)

    def on_connected(self) -> None:
        self._take("connected")

    def on_disconnected(self) -> None:
        self._take("disconnected")

    def on_stock_order(self, order: Any) -> None:
        self._take("order", order)

    def on_stock_trade(self, trade: Any) -> None:
        self._take("trade", trade)

    def on_order_error(self, error: Any) -> None:
        self._take("order_error", error)

    def on_cancel_error(self, error: Any) -> None:
        self._take("cancel_error", error)

    def of(self, name: str) -> list[Any]:
        return [argument for kind, argument in self.events if kind == name]

    def numbers(self) -> list[int]:
        """推送过的委托编号，每笔只算第一次：一笔推几个状态，各家柜台不同。"""
        return list(dict.fromkeys(each.order_id for each in self.of("order")))

    def wait_for(self, name: str, count: int = 1, within_s: float = 30) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.of(name)) >= count, within_s), (
                f"没有等到 {count} 个 {name}：{self.events}"
            )
        return self.of(name)


class SimProcess:
    """一个真实的模拟 MiniQMT 进程，可以杀、可以再起。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "easytrader", "sim", "serve", str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            cwd=ROOT,
        )
        assert process.stdout is not None
        assert process.stdout.readline(), "模拟 MiniQMT 没有起来"
        self.process = process

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()


def in_li(
    account_id: str, kind: int, cash_li: int, held: Iterable[tuple[str, int, int]] = ()
) -> AccountConfig:
    """现金与总成本以厘计的账户：测试里的账按柜台内部的单位算。"""
    from easytrader.sim.config.folder import AccountConfig

    rows = [(code, volume, Decimal(cost) / 1000 / volume) for code, volume, cost in held]
    return AccountConfig(account_id, kind, Decimal(cash_li) / 1000, rows)


def hurry(trader: Any, timeout_s: float) -> None:
    """连上之后把期限改短：机器再忙也要连得上，丢了应答的又不必久等。"""
    trader._engine._connector.timeout_s = timeout_s
    trader._session._replies._timeout_s = timeout_s


def make_folder(path: Path, **options: object) -> Path:
    from easytrader.sim.config.folder import AccountConfig, create

    account = AccountConfig(ACCOUNT, positions=(("600000.SH", 1000, 10), ("000001.SZ", 500, 11)))
    settings_ = {"connect_wait_s": 0.3, **options}
    create(path, (account,), **settings_)
    return path
