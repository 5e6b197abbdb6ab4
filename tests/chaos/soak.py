"""半小时长跑：一个 trader 一直开着，几个线程慢慢交易，每几秒杀一次模拟 MiniQMT。

``python tests/chaos/soak.py --duration 1800``。印出本进程开头、中间、结尾的内存（RSS）、线程数、
描述符数；最后核对账与事件。当日的每笔委托都要占内存（查询的行、交付过什么、测试自己的账），
所以先下 ``--warm`` 笔再量开头，之后多查少下；增长要与委托数一起看。
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import psutil  # noqa: E402
from chaos_check import check_calls, check_events, check_wishes  # noqa: E402
from chaos_ledger import read_ledger  # noqa: E402
from chaos_run import Runner, descriptors, our_threads  # noqa: E402
from chaos_tally import Tally  # noqa: E402
from chaos_verbs import Lane, primary  # noqa: E402
from chaos_world import ACCOUNT, World, pause  # noqa: E402
from loguru import logger  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_ORDERS = ("buy", "market_sell", "cancel_entrust", "same_id_after_unknown")
_QUERIES = ("balance", "position", "today_entrusts", "today_trades", "status")
_BLOWS = ("kill", "kill_and_restart", "disconnect", "suspend", "hang")


class Soak:
    """长跑一次。"""

    def __init__(self, root: Path, options: argparse.Namespace) -> None:
        self._options = options
        self._dice = random.Random(options.seed)
        self._over = threading.Event()
        self.world = World(root / "userdata_mini")
        self._runner = Runner(root, Tally())
        self.blows = 0
        self.marks: list[dict[str, Any]] = []

    def run(self) -> list[str]:
        """跑完，返回核对出来的问题。"""
        workers = [
            threading.Thread(target=self._trade, args=(number,), name="chaos-soak", daemon=True)
            for number in range(self._options.threads)
        ]
        began = time.monotonic()
        for worker in workers:
            worker.start()
        marks = [0.1, 0.25, 0.5, 0.75]  # 头一成是热身：缓存、分配器都到了平常的样子
        next_mark, next_blow = began + marks.pop(0) * self._options.duration, began
        while (now := time.monotonic()) < began + self._options.duration:
            if now >= next_mark:
                self.mark(now - began)
                share = marks.pop(0) if marks else 2.0
                next_mark = began + share * self._options.duration
            if now >= next_blow:
                self._strike()
                next_blow = time.monotonic() + self._dice.uniform(2, 6)
            pause(0.1)
        self._over.set()
        for worker in workers:
            worker.join(30)
        found = ["有线程没有结束"] if any(worker.is_alive() for worker in workers) else []
        found += self._verify()
        self.mark(time.monotonic() - began)
        return found

    def warm(self) -> None:
        """开头就有一些委托，各处的缓存都用过。"""
        lane = Lane(self.world, "warm")
        for number in range(self._options.warm):
            lane.submit(("buy", "market_buy")[number % 2], cid=number % 4 == 0)
        for name in _QUERIES * 20:
            lane.ask(name)
        self._runner.settle(self.world)

    def mark(self, at_s: float) -> None:
        """量一次：内存、线程、描述符。"""
        gc.collect()
        world = self.world
        row = {
            "at_s": round(at_s),
            "rss_mb": round(psutil.Process().memory_info().rss / 2**20, 1),
            "own_mb": round(_own_bytes(world) / 2**20, 1),
            "threads": len(our_threads()),
            "descriptors": descriptors(),
            "starts": world.power.starts,
            "blows": self.blows,
            "orders": len(world.wishes),
            "events": len(world.ears.heard),
        }
        self.marks.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)

    def _strike(self) -> None:
        self.world.calm()
        name = self._dice.choice(_BLOWS)
        seconds = {"seconds": self._dice.uniform(0.2, 1.5)} if name in ("suspend", "hang") else {}
        self.world.blow(name, seconds)
        self.blows += 1
        pause(self._dice.uniform(0, 0.5))
        self.world.calm()

    def _trade(self, number: int) -> None:
        dice = random.Random(f"{self._options.seed}.{number}")
        turn = 0
        while not self._over.is_set():
            turn += 1
            lane = Lane(self.world, f"s{number}.{turn}")
            if dice.random() < self._options.share:
                primary(lane, dice.choice(_ORDERS))
            else:
                lane.ask(dice.choice(_QUERIES))
            self._over.wait(dice.uniform(0, 2 / self._options.rate * self._options.threads))

    def _verify(self) -> list[str]:
        world = self.world
        found = self._runner.settle(world)
        found += check_calls(world.calls)
        ledger = read_ledger(world.folder, ACCOUNT)
        found += check_wishes(world.wishes, ledger.orders, frozenset())
        return found + check_events(ledger.orders, ledger.trades, world.ears.heard)


def _own_bytes(world: World) -> int:
    """测试自己记的账大约占多少，好从 RSS 里看出哪些不是 trader 的。"""
    size = sys.getsizeof
    calls = sum(size(each) + size(each.error) + 2 * size(each.took_s) for each in world.calls)
    heard = sum(
        size(each) + size(each.order_id) + size(each.traded_id) for each in world.ears.heard
    )
    wishes = sum(
        size(each) + size(each.key) + size(each.cid) + size(each.calls)
        for each in world.wishes.values()
    )
    return calls + heard + wishes


def main(argv: Sequence[str] | None = None) -> int:
    """退出码：全过为 0。"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=1800.0, help="跑几秒")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rate", type=float, default=4.0, help="每秒大约做几轮")
    parser.add_argument("--share", type=float, default=0.05, help="其中几分之几下单、撤单")
    parser.add_argument("--warm", type=int, default=500, help="开头先下几笔")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    logger.remove()
    root = Path(tempfile.mkdtemp(prefix="soak-"))
    os.environ.setdefault("EASYTRADER_SIM_PROFILE", "instant")
    os.environ.update(dict.fromkeys(("EASYTRADER_HOME", "TMPDIR", "TEMP", "TMP"), str(root)))
    tempfile.tempdir = None
    before = our_threads()
    try:
        soak = Soak(root, options)
        soak.warm()
        soak.mark(0)
        found = soak.run()
        found += soak.world.close()
        left = our_threads() - before
        found += [f"漏了线程 {sorted(left)}"] if left else []
    finally:
        shutil.rmtree(root, ignore_errors=True)
    rss = [mark["rss_mb"] for mark in soak.marks]
    grown = soak.marks[-1]["orders"] - soak.marks[1]["orders"]
    print(
        f"其间下了 {grown} 笔委托，出了 {soak.blows} 次故障，起了 {soak.world.power.starts} 次进程"
    )
    print(f"内存（MB）：开头 {rss[1]}，中间 {rss[len(rss) // 2]}，结尾 {rss[-1]}")
    print("\n".join(found[:50]) or "账与事件全部对得上")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
