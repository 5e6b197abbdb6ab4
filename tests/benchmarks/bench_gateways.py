"""经 VeighNa 接口的一笔委托从发出到柜台收下，与 VeighNa 自己的「发出、等回报」交替着比。

手工运行，不是测试；要有 VeighNa 的环境::

    python tests/benchmarks/bench_gateways.py            # 10 轮，每轮各 200 笔
    python tests/benchmarks/bench_gateways.py 30 200

两边是同一个进程、同样的 SIM 接口（柜台在自己的线程上），都从调用算到知道「已报」。
VeighNa 那边是它的用户会写的：``send_order``，在 ``EVENT_ORDER`` 的处理函数里叫醒等着的人。
我们多做的是校验、照合约核对、认出重复的、换到自己的线路上发（``send_order`` 卡住也到期返回）、
记下编号、报推送。先是柜台马上答的（只剩两边自己的开销），再是柜台 2 毫秒才答的（真的柜台更慢）。
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "gateways"), str(HERE.parent), str(HERE.parent.parent)]

if TYPE_CHECKING:
    from collections.abc import Callable

_SYMBOL = "600036"
_OWN = "VeighNa 自己"


class Own:
    """VeighNa 自己：一个 ``MainEngine``，发出，等到不是 SUBMITTING。"""

    def __init__(self, counter: Any) -> None:
        from sim_gateway import SimGateway

        from easytrader.gateways.package import load

        self.vt = vt = load()
        events = vt.EventEngine()
        events._thread.daemon = events._timer.daemon = True
        self.main = vt.MainEngine(events)
        self.main.add_gateway(SimGateway)
        self.changed = threading.Condition()
        events.register(vt.EVENT_ORDER, self._heard)
        self.main.connect({"柜台": counter.name}, "SIM")
        deadline = time.monotonic() + 10
        while not self.main.get_all_accounts() and time.monotonic() < deadline:
            threading.Event().wait(0.01)

    def _heard(self, _: Any) -> None:
        with self.changed:
            self.changed.notify_all()

    def buy(self, price: float) -> None:
        """一笔。"""
        vt = self.vt
        request = vt.OrderRequest(
            symbol=_SYMBOL, exchange=vt.Exchange.SSE, direction=vt.Direction.LONG,
            type=vt.OrderType.LIMIT, volume=100, price=price,
        )  # fmt: skip
        number = self.main.send_order(request, "SIM")
        with self.changed:
            assert self.changed.wait_for(lambda: self._is_known(number), 5)

    def _is_known(self, number: str) -> bool:
        order = self.main.get_order(number)
        return order is not None and order.status is not self.vt.Status.SUBMITTING


def _timed(call: Callable[[], object], count: int) -> list[float]:
    took = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1e3)
    return took


def main(rounds: int, count: int) -> None:
    """跑，印出中位数与比值。"""
    home = tempfile.mkdtemp()
    os.environ["EASYTRADER_HOME"] = home
    os.environ["EASYTRADER_LOCKS"] = str(Path(home) / "locks")

    from gateway_orders_gear import connected
    from loguru import logger
    from sim_gateway import SimCounter

    logger.disable("easytrader")
    numbers = itertools.count()
    theirs, ours = SimCounter(cash=1e12), SimCounter(cash=1e12, **{_SYMBOL: 1000})
    ours.carries_reference = False
    own = Own(theirs)
    with connected(ours) as user:

        def once() -> object:
            return user.buy(_SYMBOL, 39, 100, client_order_id=f"{next(numbers)}")

        ways: dict[str, Callable[[], object]] = {
            _OWN: lambda: own.buy(39.0),
            "user.buy": lambda: user.buy(_SYMBOL, 39, 100),
            "user.buy，带 client_order_id": once,
        }
        for delay_s in (0.0, 0.002):
            theirs.faults.delay_s = ours.faults.delay_s = delay_s
            print(f"柜台 {delay_s * 1e3:g} 毫秒答：")
            _compare(ways, rounds, count, (theirs, ours))
    for counter in (theirs, ours):
        counter.close()
    own.main.close()


def _compare(
    ways: dict[str, Callable[[], object]], rounds: int, count: int, counters: tuple[Any, Any]
) -> None:
    medians: dict[str, list[float]] = {name: [] for name in ways}
    tails: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        _timed(call, 50)
    for _ in range(rounds):
        for name, call in ways.items():
            took = sorted(_timed(call, count))
            medians[name].append(took[len(took) // 2])
            tails[name].append(took[int(len(took) * 0.99)])
            for counter in counters:  # 不让柜台的单子越积越多
                counter.orders.clear()
    plain = medians[_OWN]
    base = statistics.median(plain)
    for name in ways:
        middle, tail = statistics.median(medians[name]), statistics.median(tails[name])
        each = [mine / its for mine, its in zip(medians[name], plain, strict=True)]
        print(
            f"  {name}：中位 {middle:.3f} ms，p99 {tail:.3f} ms，"
            f"{middle / base:.2f} 倍（逐轮 {min(each):.2f}–{max(each):.2f}）"
        )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given or (10, 200)))
