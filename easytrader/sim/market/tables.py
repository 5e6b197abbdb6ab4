"""回放数据的文件：一只证券一个 CSV（用到哪天读哪天），或整张的表（Parquet，带代码列的 CSV）。"""

from __future__ import annotations

import csv
import importlib
import io
import math
from bisect import bisect_left
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from easytrader.basics.beijing import midnight
from easytrader.errors import MissingDependencyError, SimulatorError
from easytrader.sim.market.arrays import read_arrays
from easytrader.sim.market.columns import (
    CODE_COLUMNS,
    Bar,
    Columns,
    RowError,
    Tick,
    bar_of,
    columns_of,
    quick_bars,
    tick_of,
    time_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import BinaryIO


Row = TypeVar("Row", Bar, Tick)
_TAIL: Final = 8192
_NEAR: Final = 16384
"""一次读这么多字节来找；一天的一分钟线大约 13 KB。"""
_PARQUET: Final = "读 Parquet 要装 pyarrow：pip install pyarrow"


class Tape(Protocol):
    """一只证券的全部行情，按时间先后。"""

    def day(self, number: int) -> Sequence[Any]:
        """``number``（序数）这一天的行。"""
        ...

    def last_before(self, number: int) -> Any | None:
        """这一天之前的最后一行；没有为 None。"""
        ...

    def first(self) -> Any | None:
        """第一行；没有为 None。"""
        ...

    def check(self) -> int:
        """从头到尾读一遍，返回行数；有错抛 SimulatorError。"""
        ...


def _bad(path: Path, line: int, error: RowError) -> SimulatorError:
    return SimulatorError(f"回放数据 {path} 第 {line} 行 {error}")


def _parse(
    columns: Columns, rows: Iterable[Sequence[Any]], unit: int, after: int = 0
) -> Iterable[tuple[int, Any]]:
    """逐行解析，给出（第几行，行）；次序不对抛 RowError。出错时由调用者补上文件与行号。"""
    parse = tick_of if columns.ticks else bar_of
    for index, row in enumerate(rows):
        try:
            if not row:
                continue
            found = parse(columns, row, unit)
            if found is None:
                continue
            if found.at < after or (found.at == after and not columns.ticks):
                raise RowError("time", row[columns.places["time"]], "应晚于上一行：按时间先后排好")
            after = found.at
        except RowError as error:
            error.args = (index, *error.args)
            raise
        yield index, found


class _Mark(NamedTuple):
    """一天的零点：Unix 秒，与 ``YYYYMMDDHHMMSS`` 的写法。"""

    at: int
    text: bytes


class CsvTape:
    """一只证券一个 CSV：按时间排好的，用到哪一天读哪一天。"""

    def __init__(self, path: Path, columns: Columns, unit: int, body: int) -> None:
        self._path = path
        self._columns = columns
        self._unit = unit
        self._body = body
        self._known = math.inf, body  # 上次找的时刻，和它在第几个字节

    def day(self, number: int) -> list[Any]:
        """一天的行。"""
        with self._path.open("rb") as file:
            start, stop = self._find(file, number), self._find(file, number + 1)
            return self._read(file, start, stop)

    def last_before(self, number: int) -> Any | None:
        """这一天之前的最后一行。"""
        with self._path.open("rb") as file:
            stop = self._find(file, number)
            start = max(stop - _TAIL, self._body)
            if start > self._body:
                file.seek(start)
                file.readline()
                start = file.tell()
            rows = self._read(file, start, stop)
        return rows[-1] if rows else None

    def first(self) -> Any | None:
        """第一行。"""
        with self._path.open("rb") as file:
            file.seek(self._body)
            while line := file.readline():  # 前面可能是停牌补的空行
                rows = self._read(file, file.tell() - len(line), file.tell())
                if rows:
                    return rows[0]
        return None

    def check(self) -> int:
        """整个文件读一遍。"""
        with self._path.open("rb") as file:
            return len(self._read(file, self._body, file.seek(0, io.SEEK_END)))

    def _find(self, file: BinaryIO, number: int) -> int:
        """这一天（序数）起的第一行，从哪个字节开始：对字节位置二分，近了就把那一小段整个读来找。"""
        ts = _Mark(midnight(number), f"{date.fromordinal(number):%Y%m%d}000000".encode())
        low, high = self._body, file.seek(0, io.SEEK_END)
        known_ts, known_at = self._known
        if known_ts <= ts.at:  # 多半是一天接一天地问：就在上次的附近
            low = known_at
            near = self._within(file, low, ts)
            if near is not None:
                self._known = ts.at, near
                return near
        while high - low > _NEAR:
            middle = (low + high) // 2
            at = self._line_start(file, middle)
            line = file.readline()
            if self._late(file, at, line, ts):
                high = middle
            else:
                low = middle + 1
        found = self._within(file, self._line_start(file, low), ts)
        if found is None:
            found = self._line_start(file, high)
        self._known = ts.at, found
        return found

    def _within(self, file: BinaryIO, start: int, ts: _Mark) -> int | None:
        """行首 ``start`` 起的一小段里，第一行不早于 ``ts`` 的；还在更后面为 None。"""
        file.seek(start)
        block = file.read(_NEAR) + file.readline()
        low, high, middle = 0, len(block), 0  # 都在行首；多半就是第一行，先看它
        while low < high:
            at = block.rfind(b"\n", low, middle) + 1 or low
            stop = block.find(b"\n", at) + 1 or len(block)
            line = block[at:stop]
            if self._late(file, start + at, line, ts):
                high = at
            else:
                low = stop
            middle = (low + high) // 2
        return None if low == len(block) and file.read(1) else start + low

    def _line_start(self, file: BinaryIO, at: int) -> int:
        """``at`` 或之后的第一个行首。"""
        if at <= self._body:
            file.seek(self._body)
            return self._body
        file.seek(at - 1)
        file.readline()
        return file.tell()

    def _late(self, file: BinaryIO, at: int, line: bytes, ts: _Mark) -> bool:
        """空行，或不早于 ``ts`` 的。"""
        place = self._columns.places["time"]
        cells = line.split(b",", place + 1)
        text = cells[place] if place < len(cells) and b'"' not in line else b""
        if len(text) == len(ts.text) and text.isdigit():
            return text >= ts.text
        if not line.strip():
            return True
        try:
            row = next(csv.reader([line.decode(errors="replace")]))
            return time_of(self._columns, row) >= ts.at
        except RowError as error:
            raise _bad(self._path, self._line_number(file, at), error) from None

    def _read(self, file: BinaryIO, start: int, stop: int) -> list[Any]:
        file.seek(start)
        text = file.read(max(stop - start, 0)).decode(errors="replace")
        if not self._columns.ticks:
            quick = quick_bars(self._columns, text, self._unit)
            if quick is not None:
                return quick
        rows = csv.reader(text.splitlines())
        try:
            return [row for _, row in _parse(self._columns, rows, self._unit)]
        except RowError as error:
            index, message = error.args
            line = self._line_number(file, start) + index
            raise SimulatorError(f"回放数据 {self._path} 第 {line} 行 {message}") from None

    @staticmethod
    def _line_number(file: BinaryIO, at: int) -> int:
        file.seek(0)
        return file.read(at).count(b"\n") + 1


class _MemoryTape:
    """整张表里的一只证券。"""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._times: list[int] = []

    def day(self, number: int) -> list[Any]:
        first, last = self._at(midnight(number)), self._at(midnight(number + 1))
        return self.rows[first:last]

    def last_before(self, number: int) -> Any | None:
        index = self._at(midnight(number))
        return self.rows[index - 1] if index else None

    def first(self) -> Any | None:
        return self.rows[0] if self.rows else None

    def check(self) -> int:
        return len(self.rows)

    def _at(self, ts: int) -> int:
        if len(self._times) != len(self.rows):
            self._times = [row.at for row in self.rows]
        return bisect_left(self._times, ts)


def open_csv(path: Path, unit: int, *, ticks: bool) -> CsvTape:
    """打开一只证券的 CSV，先核对表头。"""
    with path.open("rb") as file:
        line = file.readline()
        body = file.tell()
    try:
        header = next(csv.reader([line.decode("utf-8-sig", errors="replace")]), [])
        return CsvTape(path, columns_of(header, ticks=ticks), unit, body)
    except RowError as error:
        raise _bad(path, 1, error) from None


def read_table(path: Path, unit_of: Any, *, ticks: bool, only: str = "") -> dict[str, Any]:
    """整张表读进来：代码 → 行情。``only``：没有代码列时，全部是这一只。"""
    if path.suffix.lower() == ".parquet" and not ticks:
        for name in CODE_COLUMNS:
            quick = read_arrays(path, name, unit_of)
            if quick is not None:
                return quick
    header, rows = _rows_of(path)
    first_line = 2
    try:
        columns = columns_of(header, ticks=ticks)
        code_column = next((name for name in CODE_COLUMNS if name in columns.places), "")
        if not code_column and not only:
            raise RowError(
                CODE_COLUMNS[0], ",".join(header)[:80], "全部证券放在一个文件里要有代码列"
            )
    except RowError as error:
        raise _bad(path, 1, error) from None
    grouped: dict[str, tuple[list[int], list[Sequence[Any]]]] = {}
    for index, row in enumerate(rows):
        if row:
            code = str(columns.get(row, code_column)).strip() if code_column else only
            lines, group = grouped.setdefault(code, ([], []))
            lines.append(index + first_line)
            group.append(row)
    found: dict[str, Any] = {}
    for code, (lines, group) in grouped.items():
        tape = found[code] = _MemoryTape()
        try:
            tape.rows = [row for _, row in _parse(columns, group, unit_of(code))]
        except RowError as error:
            index, message = error.args
            raise SimulatorError(f"回放数据 {path} 第 {lines[index]} 行 {message}") from None
    return found


def _rows_of(path: Path) -> tuple[list[str], Iterable[Sequence[Any]]]:
    if path.suffix.lower() != ".parquet":
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        rows = csv.reader(text.splitlines())
        return next(rows, []), rows
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(f"{path}：{_PARQUET}") from error
    try:
        table = parquet.read_table(path)
    except Exception as error:
        raise SimulatorError(f"回放数据 {path} 不是读得懂的 Parquet：{error}") from error
    names = list(table.column_names)
    return names, zip(*(table.column(name).to_pylist() for name in names), strict=True)
