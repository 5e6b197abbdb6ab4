"""与另一个版本并排比：各在新的进程里，交替着跑，印出中位数之比（墙钟与处理器时间）。手工运行::

    git worktree add /tmp/before v0.33.0
    python tests/benchmarks/against.py /tmp/before                 # 全部，约三分钟
    python tests/benchmarks/against.py /tmp/before order balance   # 只跑几项
    python tests/benchmarks/against.py /tmp/before year --days 243 --rounds 1

机器忙的时候看处理器时间。``balance`` 的处理器时间是客户端与服务进程两边的和。
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve()
OURS = HERE.parents[2]
ACCOUNT = "1"
PRICE = 33.0


# 被测的进程里：只用各版本都有的接口 ------------------------------------------


def timed(function: Callable[[], object], count: int, also: Any = None) -> dict[str, float]:
    """``function`` 做 ``count`` 遍，每遍的秒数；``also`` 是另一个也要算处理器时间的进程。"""

    def spent() -> float:
        other = sum(also.cpu_times()[:2]) if also is not None else 0.0
        return time.process_time() + other

    cpu, began = spent(), time.perf_counter()
    for _ in range(count):
        function()
    wall = time.perf_counter() - began
    return {"wall": wall / count, "cpu": (spent() - cpu) / count}


class Embedded:
    """厂商自己的会话，柜台嵌在本进程里；没有交易口。"""

    def __init__(self, folder: str, subscribe: bool) -> None:
        import easytrader

        user = easytrader.use("sim")
        user.connect(folder, ACCOUNT)
        from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
        from xtquant.xttype import StockAccount

        self.vendor = XtQuantTrader(folder, 7)
        self.vendor.register_callback(XtQuantTraderCallback())
        self.vendor.start()
        assert self.vendor.connect() == 0
        self.account = StockAccount(ACCOUNT)
        if subscribe:
            assert self.vendor.subscribe(self.account) == 0
        user.close()

    def buy(self) -> None:
        assert (
            self.vendor.order_stock(self.account, "600036.SH", 23, 100, 11, PRICE, "demo", "x") > 0
        )

    def fill_up_to(self, total: int) -> None:
        """异步地把当天的委托推到 ``total`` 笔。"""
        have = len(self.vendor.query_stock_orders(self.account))
        for done in range(have, total):
            if done % 1000 == 999:
                self.buy()  # 同步的一笔等前面的都办完
                continue
            self.vendor.order_stock_async(
                self.account, "600036.SH", 23, 100, 11, PRICE, "demo", "x"
            )


def order(folder: str, _: int, subscribe: bool = True) -> dict[str, float]:
    desk = Embedded(folder, subscribe)
    timed(desk.buy, 300)
    found = timed(desk.buy, 3000)
    desk.vendor.stop()
    return found


def bare(folder: str, size: int) -> dict[str, float]:
    return order(folder, size, subscribe=False)


def scale(folder: str, _: int) -> dict[str, float]:
    desk = Embedded(folder, True)
    desk.fill_up_to(1000)
    few = timed(desk.buy, 2000)
    desk.fill_up_to(100_000)
    many = timed(desk.buy, 2000)
    desk.vendor.stop()
    return {
        **many,
        "growth_wall": many["wall"] / few["wall"],
        "growth_cpu": many["cpu"] / few["cpu"],
    }


def balance(folder: str, _: int) -> dict[str, float]:
    import psutil

    import easytrader

    server = subprocess.Popen(
        [sys.executable, "-m", "easytrader", "sim", "serve", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline(), "模拟 MiniQMT 没有起来"
        user: Any = easytrader.use("sim")
        user.connect(folder, ACCOUNT)
        also = psutil.Process(server.pid)
        timed(lambda: user.balance, 300)
        found = timed(lambda: user.balance, 3000, also)
        user.close()
    finally:
        server.kill()
        server.wait(30)
    return found


def quiet(folder: str, _: int) -> dict[str, float]:
    """没有委托的一天，一分钟一步；报一天的时间。"""
    import easytrader

    user: Any = easytrader.use("sim")
    user.connect(folder, ACCOUNT)

    def day() -> None:
        for _ in range(240):
            user.sim.step(minutes=1)
        user.sim.next_day()

    day()
    found = timed(day, 5)
    user.close()
    return found


def year(folder: str, days: int) -> dict[str, float]:
    import bench_year

    import easytrader

    user: Any = easytrader.use("sim")
    user.connect(folder, ACCOUNT, bench_year.Counter())
    rng, names = random.Random(7), bench_year.codes()
    cpu, began = time.process_time(), time.perf_counter()
    for number in range(days):
        bench_year.trade_a_day(user, rng, names)
        if number < days - 1:
            user.sim.next_day()
    found = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    user.close()
    return found


ITEMS: dict[str, tuple[Callable[[str, int], dict[str, float]], str, int]] = {
    "order": (order, "同步委托，嵌着的柜台，订阅了推送", 5),
    "bare": (bare, "同步委托，嵌着的柜台，没有订阅", 5),
    "balance": (balance, "balance，服务着的柜台", 5),
    "quiet": (quiet, "没有委托的一天，一分钟一步", 5),
    "year": (year, "分钟线回放，300 只，每天 50 笔委托", 3),
    "scale": (scale, "当天 10 万笔时的一笔", 1),
}
"""名字 → 函数、说明、跑几轮。"""


# 比的进程里 ----------------------------------------------------------------


def prepare(checkout: Path, item: str, folder: Path, data: Path) -> None:
    """建一个各版本自己的模拟文件夹。"""
    options = ["--account", ACCOUNT, "--cash", "10000000000"]
    if item == "quiet":
        options += ["--clock", "step", "--start", "2025-03-03 09:30"]
    elif item == "year":
        import bench_year

        start = f"{bench_year.trading_days()[0]} 09:30"
        options += ["--clock", "step", "--start", start, "--replay", str(data)]
    command = [sys.executable, "-m", "easytrader", "sim", "init", str(folder), *options]
    subprocess.run(
        command, env=environment(checkout), cwd=checkout, check=True, stdout=subprocess.DEVNULL
    )


def environment(checkout: Path) -> dict[str, str]:
    """只从那个版本导入。"""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(checkout), str(HERE.parent))),
        "PYTHONIOENCODING": "utf-8",
        "EASYTRADER_SIM_PROFILE": "instant",  # 量要多少活，不量等多久；0.33 没有这一项，本来就不等
    }


def run_once(checkout: Path, item: str, days: int, data: Path) -> dict[str, float]:
    home = Path(tempfile.mkdtemp(prefix="easytrader-against-"))
    try:
        prepare(checkout, item, home / "folder", data)
        command = [sys.executable, str(HERE), "--work", item, "--days", str(days)]
        env = {**environment(checkout), "EASYTRADER_HOME": str(home / "home")}
        done = subprocess.run(
            [*command, str(home / "folder")],
            env=env,
            cwd=checkout,  # python -m 先看当前目录
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        shutil.rmtree(home, ignore_errors=True)


def compare(before: Path, item: str, rounds: int | None, days: int, data: Path) -> None:
    _, what, usual = ITEMS[item]
    found: dict[Path, list[dict[str, float]]] = {before: [], OURS: []}
    for number in range(rounds or usual):
        for checkout in (before, OURS) if number % 2 == 0 else (OURS, before):
            found[checkout].append(run_once(checkout, item, days, data))
    for key, name in (("wall", "墙钟"), ("cpu", "处理器")):
        old, new = (
            statistics.median(each[key] for each in found[where]) for where in (before, OURS)
        )
        print(f"{what:<24} {name:<4} {shown(new)} / {shown(old)} = {new / old:.2f}", flush=True)
    if item == "scale":
        for key, name in (("growth_wall", "墙钟"), ("growth_cpu", "处理器")):
            old, new = (found[where][0][key] for where in (before, OURS))
            print(f"　10 万笔时 / 1 千笔时 {name:<4} {new:.2f}（比的版本 {old:.2f}）", flush=True)


def shown(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 0.01 else f"{seconds * 1e6:.0f} us"


def main() -> None:
    parser = argparse.ArgumentParser(description="与另一个版本并排比")
    parser.add_argument("checkout", type=Path, help="另一个版本的目录（git worktree）")
    parser.add_argument("items", nargs="*", help=f"只跑几项：{'、'.join(ITEMS)}；不写是全部")
    parser.add_argument("--rounds", type=int, help="每项跑几轮；不写用各项自己的")
    parser.add_argument("--days", type=int, default=20, help="year 走多少天，全年 243；默认 20")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        from loguru import logger

        logger.remove()
        print(json.dumps(ITEMS[options.work][0](str(options.checkout), options.days)))
        return
    before = options.checkout.resolve()
    if not (before / "easytrader" / "__init__.py").is_file():
        parser.error(f"{before} 里没有 easytrader")
    unknown = [name for name in options.items if name not in ITEMS]
    if unknown:
        parser.error(f"没有这一项：{'、'.join(unknown)}；有：{'、'.join(ITEMS)}")
    os.environ["BENCH_DAYS"] = str(options.days)
    sys.path.insert(0, str(OURS))
    items = options.items or list(ITEMS)
    data = Path(tempfile.mkdtemp(prefix="easytrader-against-data-"))
    try:
        if "year" in items:
            import bench_year

            bench_year.write_year(data)
        for item in items:
            compare(before, item, options.rounds, options.days, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
