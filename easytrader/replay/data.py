"""回放的数据：什么周期，有哪些证券，从哪天到哪天，哪些日子有；基准的收盘价。"""

from __future__ import annotations

import csv
import importlib
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import day_of
from easytrader.errors import EasytraderError, MissingDependencyError, UsageError
from easytrader.market import calendar
from easytrader.market.symbols import parse_security
from easytrader.sim.config.market import library_at
from easytrader.sim.market.columns import CODE_COLUMNS, PERIODS, VOLUME_UNITS, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOOKED: Final = 5000
"""看这么多行来认周期。"""
_LAST: Final = 10**6
"""比哪一天都晚（序数）。"""
_FORM: Final = (
    "应为 CSV 或 Parquet 文件，或一只证券一个文件的文件夹；列名同厂商："
    "code time open high low close volume（可以有 amount preClose）"
)


class Data:
    """一处数据，看过了。

    Args:
        path: 文件或文件夹。
        period: 周期；None 自己认。
        unit: 数量的单位：``hand`` 手，``share`` 股（张）。

    Attributes:
        root: 绝对路径。
        period: 周期。
        codes: 有哪些证券。

    Raises:
        UsageError: 不在那里，读不懂（说出哪一行哪一列），里面什么都没有。
        MissingDependencyError: 读 Parquet 而没有装 pyarrow。
    """

    def __init__(self, path: str, period: str | None = None, unit: str = "hand") -> None:
        if unit not in VOLUME_UNITS:
            raise UsageError("--volume", unit, f"应为 {' 或 '.join(VOLUME_UNITS)}")
        self.path, self.unit = path, unit
        self.root = Path(path).expanduser().absolute()
        if not self.root.exists():
            raise UsageError("--data", path, f"不在那里；{_FORM}")
        try:
            self.period = period or _period_of(self.root)
            self.library = library_at(self.root, self.period, unit)
            self.codes = [each for each in self.library.codes() if _is_code(each)]
            self._tapes = [self.library.tape(parse_security(each)) for each in self.codes]
            ends = [self._span(tape) for tape in self._tapes if tape is not None]
        except MissingDependencyError:
            raise
        except (EasytraderError, OSError) as error:
            raise UsageError("--data", path, str(error)) from error
        found = [each for each in ends if each is not None]
        if not found:
            raise UsageError("--data", path, f"里面没有 {self.period} 的行情；{_FORM}")
        self.first = min(each[0] for each in found)
        self.last = max(each[1] for each in found)

    def days(self, first: date, last: date) -> list[date]:
        """要跑的交易日：日历说开市的，从 ``first`` 到 ``last``（含）。

        Raises:
            UsageError: 次序不对，其间没有交易日，或数据盖不住。
        """
        if first > last:
            raise UsageError("--from", first.isoformat(), f"应不晚于 --to（{last}）")
        numbers = range(first.toordinal(), last.toordinal() + 1)
        days = [date.fromordinal(each) for each in numbers]
        days = [each for each in days if calendar.is_trading_day(each, past_end=True)]
        if not days:
            raise UsageError("--from", first.isoformat(), f"到 {last} 之间没有交易日")
        have = date.fromordinal(self.first), date.fromordinal(self.last)
        for name, day, inside in (
            ("--from", days[0], days[0] >= have[0]),
            ("--to", days[-1], days[-1] <= have[1]),
        ):
            if not inside:
                told = f"数据从 {have[0]} 到 {have[1]}，盖不住这一天"
                raise UsageError(name, day.isoformat(), told)
        return days

    def has(self, day: date) -> bool:
        """这一天有没有哪一只的行情。"""
        number = day.toordinal()
        return any(tape is not None and len(tape.day(number)) for tape in self._tapes)

    def closes(self, code: str, days: Iterable[date]) -> dict[date, int]:
        """一只证券各日的收盘价，厘；那天没有的是上一个。

        Raises:
            UsageError: 数据里没有它。
        """
        tape = self.library.tape(parse_security(code)) if code in self.codes else None
        if tape is None:
            raise UsageError("--benchmark", code, f"{self.path} 里没有它；也可以给一个文件")
        found: dict[date, int] = {}
        close = 0
        for day in days:
            rows = tape.day(day.toordinal())
            row = rows[-1] if rows else (None if close else tape.last_before(day.toordinal()))
            if row is not None:
                close = getattr(row, "close_li", 0) or row.last_li
            if close:
                found[day] = close
        return found

    @staticmethod
    def _span(tape: Any) -> tuple[int, int] | None:
        last = tape.last_before(_LAST)
        if last is None:
            return None
        first = tape.first()
        return day_of(first.at), day_of(last.at)


def benchmark_of(given: str, data: Data, days: list[date]) -> dict[date, int]:
    """基准各日的收盘价，厘：数据里的一只证券，或一个文件（列 ``time close``）。

    Raises:
        UsageError: 没有，或读不懂。
    """
    path = Path(given).expanduser()
    if not path.is_file():
        try:
            code = parse_security(given).stock_code
        except UsageError:
            told = "应为数据里的证券代码，如 510300.SH，或一个有 time、close 两列的文件"
            raise UsageError("--benchmark", given, told) from None
        return data.closes(code, days)
    try:
        header, rows = _head(path, None)
        at, price = header.index("time"), header.index("close")
        closes = sorted((day_of(seconds_of(row[at])), float(row[price])) for row in rows if row)
    except MissingDependencyError:
        raise
    except (EasytraderError, ValueError, IndexError, OSError) as error:
        told = f"应有 time、close 两列：{error}"
        raise UsageError("--benchmark", given, told) from error
    found: dict[date, int] = {}
    index, close = 0, 0
    for day in days:
        while index < len(closes) and closes[index][0] <= day.toordinal():
            close = round(closes[index][1] * 1000)
            index += 1
        if close:
            found[day] = close
    if not found:
        raise UsageError("--benchmark", given, f"{days[0]} 到 {days[-1]} 之间一个价格也没有")
    return found


def _is_code(text: str) -> bool:
    try:
        parse_security(text)
    except UsageError:
        return False
    return True


def _period_of(root: Path) -> str:
    """一只证券相邻两行最近隔多久，就是什么周期。"""
    if root.is_dir():
        files = [each for each in sorted(root.iterdir()) if each.suffix in (".csv", ".parquet")]
        if not files:
            return "1m"
        told = files[0].stem.partition("_")[2]
        if told in PERIODS:
            return told
        root = files[0]
    header, rows = _head(root, _LOOKED)
    if "lastPrice" in header:
        return "tick"
    if "time" not in header:
        return "1m"  # 缺列，读的时候会说
    at = header.index("time")
    code = next((header.index(name) for name in CODE_COLUMNS if name in header), None)
    times: dict[object, set[int]] = {}
    for row in rows:
        if len(row) == len(header):
            try:
                seen = seconds_of(row[at])
            except (ValueError, OverflowError):
                continue
            times.setdefault("" if code is None else row[code], set()).add(seen)
    gaps = [
        right - left
        for each in times.values()
        for left, right in zip(sorted(each), sorted(each)[1:], strict=False)
    ]
    least = min(gaps, default=PERIODS["1d"])
    known = [name for name, seconds in PERIODS.items() if seconds and seconds <= least]
    return known[-1] if known and least < PERIODS["1d"] else ("1d" if known else "tick")


def _head(path: Path, most: int | None) -> tuple[list[str], list[Any]]:
    """表头与前几行（None 是全部）。

    Raises:
        MissingDependencyError: 读 Parquet 而没有装 pyarrow。
        UsageError: 不是读得懂的 Parquet。
    """
    if path.suffix.lower() != ".parquet":
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = csv.reader(file)
            header = [each.strip() for each in next(lines, [])]
            return header, list(islice(lines, most))
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        told = f'{path} 是 Parquet，要装 pyarrow：pip install "easytrader[replay]"'
        raise MissingDependencyError(told) from None
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            wanted = [each for each in names if each in ("time", "close", *CODE_COLUMNS)]
            found: list[Any] = []
            for batch in file.iter_batches(batch_size=_LOOKED, columns=wanted):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                found += rows
                if most is not None and len(found) >= most:
                    break
            return wanted if "lastPrice" not in names else names, found
    except Exception as error:  # noqa: BLE001  边界：pyarrow 读坏文件时抛什么都可能
        raise UsageError("--data", str(path), f"不是读得懂的 Parquet：{error}") from None
