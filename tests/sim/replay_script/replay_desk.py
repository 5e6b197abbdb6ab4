"""造数据、写脚本、放一遍。"""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING, Any

from easytrader.market import calendar
from easytrader.replay.data import Data
from easytrader.replay.report import Results
from easytrader.replay.year import Options, replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BANK, HOME = "600036.SH", "000001.SZ"
DAYS = ("2025-03-03", "2025-03-04", "2025-03-05", "2025-03-06", "2025-03-07")
"""五个交易日，周一到周五。"""
WHERE = r"D:\国金证券QMT交易端\userdata_mini"
"""真的客户端的路径：这台机器上没有。"""


def trading_days(first: str, last: str) -> list[date]:
    numbers = range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1)
    days = [date.fromordinal(number) for number in numbers]
    return [day for day in days if calendar.is_trading_day(day)]


def snapshots(
    folder: Path, prices: Mapping[str, Sequence[str]], days: Sequence[str] = DAYS
) -> Path:
    """快照：每天每只一个价，从开盘到收盘不变；卖一就是它，买一低一分，各一百万股。"""
    header = "time,lastPrice,lastClose,volume,askPrice,bidPrice,askVol,bidVol"
    for code, row in prices.items():
        lines, before = [header], row[0]
        for day, price in zip(days, row, strict=True):
            under = f"{float(price) - 0.01:.2f}"
            for number, clock in enumerate(("093000", "100000", "144900", "145600", "150000")):
                time = day.replace("-", "") + clock
                book = f'"[{price}]","[{under}]","[10000]","[10000]"'
                lines.append(f"{time},{price},{before},{1000 * (number + 1)},{book}")
            before = price
        (folder / f"{code}_tick.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def dailies(path: Path, codes: Sequence[str], days: Sequence[date], *, halted: str = "") -> Path:
    """日线，一个文件；``halted`` 这一天全没有。"""
    lines = ["code,time,open,high,low,close,volume,preClose"]
    for number, code in enumerate(codes):
        before = 1000 + 100 * number
        for index, day in enumerate(days):
            now = before + (index * 7 + number * 3) % 11 - 5
            high, low = max(before, now) + 3, min(before, now) - 3
            told = ",".join(f"{each / 100:.2f}" for each in (before, high, low, now))
            if day.isoformat() != halted:
                lines.append(f"{code},{day:%Y%m%d},{told},500000,{before / 100:.2f}")
            before = now
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Shown:
    """放完了：结果，与脚本写到屏幕上的。"""

    def __init__(self, results: Results, output: str) -> None:
        self.results = results
        self.output = output
        self.lines = [line for line in output.splitlines() if not line.startswith("== ")]
        self.days = results.done.days


def play(
    folder: Path, data: Path, script: str, days: Sequence[str] | None = None, **options: Any
) -> Shown:
    """把 ``data`` 放给 ``script``（源码）看。"""
    path = folder / "strategy.py"
    path.write_text(script, encoding="utf-8")
    seen = Data(str(data), options.pop("period", None))
    first, last = (days or DAYS)[0], (days or DAYS)[-1]
    told = seen.days(date.fromisoformat(first), date.fromisoformat(last))
    output = io.StringIO()
    done = replay(Options(str(path), told, **options), seen, output)
    return Shown(Results(done), output.getvalue())
