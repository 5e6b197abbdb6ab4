"""一阵故障里几个线程各下各的，同一个 id 一直下到成：数一数有没有重的、有没有超期的。"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

from easytrader import errors

if TYPE_CHECKING:
    from collections.abc import Callable


class Storm:
    """下单的一方。

    Args:
        buy: 用一个 id 下一笔。
        fault: 出一个故障，参数是随机数。
    """

    def __init__(
        self, buy: Callable[[str], Any], fault: Callable[[random.Random], None], *, orders: int
    ) -> None:
        self.worst_s, self.done = 0.0, 0
        self._buy, self._fault = buy, fault
        self._ids = [f"storm-{each}" for each in range(orders)]
        self._over = threading.Event()

    def run(self, seed: int) -> None:
        """做完为止。"""
        chaos = threading.Thread(target=self._blow, args=(random.Random(seed),))
        workers = [threading.Thread(target=self._work, args=(self._ids[n::4],)) for n in range(4)]
        for each in (chaos, *workers):
            each.start()
        for each in workers:
            each.join()
        self._over.set()
        chaos.join()

    def _blow(self, rng: random.Random) -> None:
        while not self._over.wait(rng.uniform(0.1, 0.4)):
            self._fault(rng)

    def _work(self, ids: list[str]) -> None:
        pause = threading.Event()
        for each in ids:
            for _ in range(30):
                began = time.monotonic()
                try:
                    self._buy(each)
                    self.done += 1
                    break
                except errors.UsageError:
                    raise
                except errors.EasytraderError:
                    pause.wait(0.05)
                finally:
                    self.worst_s = max(self.worst_s, time.monotonic() - began)
