"""一年的每天 14:50：300 只股票的日线，同一个调仓脚本，跑 243 天。由 run.py 调用。

脚本每天看 300 只的行情，挑近来最强的，`adjust_weights` 到 30 只等权；造数据的时间不算。
``BENCH_DAYS``、``BENCH_STOCKS`` 改大小；``BENCH_PERIOD=1m`` 换分钟线。
"""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import random
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

STOCKS = int(os.environ.get("BENCH_STOCKS", "300"))
DAYS = int(os.environ.get("BENCH_DAYS", "243"))
PERIOD = os.environ.get("BENCH_PERIOD", "1d")
FIRST = date(2025, 1, 2)
SCRIPT = """
import easytrader

NUMBER = 30
user = easytrader.use("miniqmt")
user.connect(r"D:\\QMT\\userdata_mini", "8881234567")
codes = CODES
quotes = user.quote(codes)
seen = [each for each in quotes.values() if each["last"] and each["pre_close"]]
rank = sorted(seen, key=lambda each: (-each["last"] / each["pre_close"], each["stock_code"]))
strong = {each["stock_code"] for each in rank[: 7 * NUMBER]}
kept = [row["stock_code"] for row in user.position if row["stock_code"] in strong]
wanted = (kept + [each["stock_code"] for each in rank if each["stock_code"] not in kept])[:NUMBER]
user.adjust_weights({code: 0.99 / NUMBER for code in wanted}, ignore_minor=0.005)
"""


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


def stamps(day: date) -> list[int]:
    midnight = (day.toordinal() - date(1970, 1, 1).toordinal()) * 86400 - 8 * 3600
    if PERIOD == "1d":
        return [midnight * 1000]
    minutes = [*range(9 * 60 + 31, 11 * 60 + 31), *range(13 * 60 + 1, 15 * 60 + 1)]
    return [(midnight + minute * 60) * 1000 for minute in minutes]


def write_year(path: Path) -> None:
    """随机的行情，写成 Parquet。"""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(20261130)
    times = [stamps(day) for day in trading_days()]
    names = ("code", "time", "open", "high", "low", "close", "volume", "preClose")
    writer = None
    for code in codes():
        price = rng.randint(500, 8000)
        columns: dict[str, list[Any]] = {name: [] for name in names}
        step = 0.02 if PERIOD == "1d" else 0.0008
        for each in times:
            before = price
            for at in each:
                opened, price = price, max(100, round(price * (1 + rng.uniform(-step, step))))
                high = max(opened, price) + rng.randint(0, 4)
                low = min(opened, price) - rng.randint(0, 4)
                volume = rng.randint(50_000, 500_000) // len(each)
                row = (code, at, opened / 100, high / 100, low / 100, price / 100, volume)
                for name, value in zip(names, (*row, before / 100), strict=True):
                    columns[name].append(value)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def year(show: Any) -> None:
    from loguru import logger

    from easytrader.replay.data import Data
    from easytrader.replay.report import Results
    from easytrader.replay.year import Options, replay

    home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
    logger.disable("easytrader")
    try:
        write_year(home / "bars.parquet")
        script = home / "daily.py"
        script.write_text(SCRIPT.replace("CODES", repr(codes())), encoding="utf-8")
        began, cpu = time.perf_counter(), time.process_time()
        data = Data(str(home / "bars.parquet"))
        read = time.perf_counter() - began
        days = trading_days()
        options = Options(str(script), data.days(days[0], days[-1]), cash=1_000_000)
        ran: list[float] = []
        done = replay(
            options, data, io.StringIO(), on_day=lambda run: ran.append(time.perf_counter())
        )
        walked = time.perf_counter() - began
        results = Results(done)
        results.save(home / "report")
        results.plot().save_png(home / "report" / "equity.png")
        took, spent = time.perf_counter() - began, time.process_time() - cpu
    finally:
        logger.enable("easytrader")
        shutil.rmtree(home, ignore_errors=True)
    told = results.summary
    show(
        f"{STOCKS} 只 {DAYS} 天的 {PERIOD}，每天 14:50 调仓一次，{told['orders']} 笔委托",
        f"{took:.1f} 秒（处理器 {spent:.1f} 秒）",
        "<= 30 秒",
    )
    first, last = ran[0] - began - read, ran[-1] - ran[0]
    show("　读数据", f"{read:.2f} 秒", "仅供参考")
    show("　第一天（含导入）", f"{first:.2f} 秒", "仅供参考")
    show("　以后每天", f"{last / max(1, len(ran) - 1) * 1000:.0f} 毫秒", "仅供参考")
    show("　结果与图", f"{took - walked:.2f} 秒", "仅供参考")
    show("　出错的日子", f"{told['days_failed']}", "0")


def profile() -> None:
    """``python tests/benchmarks/bench_replay.py``：主线程的时间花在哪里。"""
    seen = cProfile.Profile()
    seen.enable()
    year(lambda *told: print(*told))
    seen.disable()
    pstats.Stats(seen).sort_stats("cumtime").print_stats(60)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    profile()
