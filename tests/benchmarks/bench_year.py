"""一年的分钟线：300 只股票，每天 50 笔委托，一分钟一分钟地走完。由 run.py 调用。

数据是造的 CSV（一只一个文件，厂商的列名），造数据的时间不算在内。全套都走：厂商的 Python 层、
easytrader 的交易口、回调、账本落盘。
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

STOCKS = int(os.environ.get("BENCH_STOCKS", "300"))
DAYS = int(os.environ.get("BENCH_DAYS", "243"))
ORDERS = 50
FIRST = date(2025, 1, 2)
HEADER = "time,open,high,low,close,volume,amount,preClose\n"


def trading_days() -> list[date]:
    from easytrader.market.calendar import is_trading_day

    numbers = range(FIRST.toordinal(), FIRST.toordinal() + 3 * DAYS)
    days = [date.fromordinal(number) for number in numbers]
    return [day for day in days if is_trading_day(day)][:DAYS]


def codes() -> list[str]:
    half = STOCKS // 2
    return [f"60{n:04d}.SH" for n in range(half)] + [
        f"00{n:04d}.SZ" for n in range(1, STOCKS - half + 1)
    ]


def stamps(day: date) -> list[str]:
    found = []
    for index in range(240):
        minute = 9 * 60 + 31 + index if index < 120 else 13 * 60 + 1 + index - 120
        found.append(f"{day:%Y%m%d}{minute // 60:02d}{minute % 60:02d}00")
    return found


def template(rng: random.Random, anchor: int) -> list[str]:
    """一天的 240 根线：从 ``anchor``（分）出发，收盘回到它，逐日接得上。"""
    price, lines = anchor, []
    for index in range(240):
        opened = price
        pull = (anchor - opened) // max(240 - index, 1)
        close = anchor if index == 239 else opened + pull + rng.randint(-6, 6)
        high = max(opened, close) + rng.randint(0, 4)
        low = min(opened, close) - rng.randint(0, 4)
        volume = rng.randint(50, 3000)
        prices = ",".join(f"{each / 100:.2f}" for each in (opened, high, low, close))
        lines.append(f",{prices},{volume},{volume * close},{anchor / 100:.2f}\n")
        price = close
    return lines


def write_year(root: Path) -> int:
    rng = random.Random(20261121)
    times = [stamps(day) for day in trading_days()]
    size = 0
    for code in codes():
        anchor = rng.randint(500, 8000)
        shapes = [template(rng, anchor) for _ in range(5)]
        parts = [HEADER]
        for day, each in enumerate(times):
            parts += map(str.__add__, each, shapes[day * 7 % 5])
        text = "".join(parts)
        (root / f"{code}_1m.csv").write_text(text, encoding="utf-8")
        size += len(text)
    return size


class Counter:
    """数一数收到的成交。"""

    def __init__(self) -> None:
        self.trades = 0

    def on_stock_trade(self, trade: Any) -> None:
        self.trades += 1


class Peak:
    """每 50 毫秒看一眼本进程的常驻内存。"""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self.before = self.peak = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, self._process.memory_info().rss)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def trade_a_day(user: Any, rng: random.Random, names: list[str]) -> int:
    """一天：一分钟一步，50 笔委托散在各处；一半追着成交，一半挂着等。"""
    held = [row for row in user.position if row["can_use_volume"] >= 100]
    when = sorted(rng.sample(range(1, 239), ORDERS))
    placed = 0
    for minute in range(240):
        user.sim.step(minutes=1)
        if placed == ORDERS or when[placed] != minute:
            continue
        if held and placed % 2:
            row = held.pop()
            user.market_sell(row["stock_code"], row["can_use_volume"] // 100 * 100)
        elif placed % 3:
            user.market_buy(rng.choice(names), 100)
        else:
            code = rng.choice(names)
            user.buy(code, round(user._session.last_price(code) - 0.02, 2), 200)
        placed += 1
    return placed


def year(show: Any) -> None:
    import easytrader
    from easytrader.sim.config.folder import AccountConfig, create

    home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
    try:
        data = home / "data"
        data.mkdir()
        began = time.perf_counter()
        size = write_year(data)
        made_s = time.perf_counter() - began
        start = f"{trading_days()[0]} 09:30"
        create(
            home / "folder",
            (AccountConfig("1", cash=10**10),),
            clock="step",
            start=start,
            replay=str(data),
        )
        counter, peak = Counter(), Peak()
        user: Any = easytrader.use("sim")
        user.connect(str(home / "folder"), "1", counter)
        rng, names = random.Random(7), codes()
        began, cpu = time.perf_counter(), time.process_time()
        placed = 0
        for number in range(DAYS):
            placed += trade_a_day(user, rng, names)
            if number < DAYS - 1:
                user.sim.next_day()
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        peak.close()
        user.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    bars = STOCKS * DAYS * 240
    show(
        f"{STOCKS} 只 {DAYS} 天的分钟线，{DAYS * 240} 步，{placed} 笔委托",
        f"{took:.1f} 秒（处理器 {spent:.1f} 秒）",
        "<= 60 秒",
    )
    show("　委托与成交", f"{placed / took:.0f} 笔委托/秒，成交 {counter.trades} 笔", "仅供参考")
    show(
        "　内存峰值",
        f"{peak.peak / 2**20:.0f} MB（走之前 {peak.before / 2**20:.0f} MB）",
        "仅供参考",
    )
    show("　数据", f"{bars / 1e6:.1f} 百万根，{size / 2**20:.0f} MB，造了 {made_s:.0f} 秒", "不计")


if __name__ == "__main__":
    sys.exit("用 python tests/benchmarks/run.py year")
