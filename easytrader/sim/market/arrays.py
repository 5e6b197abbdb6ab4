"""大的 Parquet：一列一列地读成整数，用到哪天才变成一行一行的；几百只一年的分钟线也放得下。

只走好走的路：列的类型、数值、次序有一处不对，就说读不了，由逐行的去说是第几行。
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight
from easytrader.sim.market.columns import MOST_VOLUME, MOST_YUAN, Bar, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PRICES: Final = ("open", "high", "low", "close")


class ArrayTape:
    """一只证券；``columns`` 是 `Bar` 各项的数组，按时间先后。"""

    def __init__(self, columns: list[Any], unit: int) -> None:
        self._columns = columns
        self._times = columns[0]
        self._unit = unit

    def day(self, number: int) -> list[Bar]:
        """一天的行。"""
        return self._rows(*(int(self._at(each)) for each in (number, number + 1)))

    def last_before(self, number: int) -> Bar | None:
        """这一天之前的最后一行。"""
        end = self._at(number)
        return self._rows(end - 1, end)[0] if end else None

    def first(self) -> Bar | None:
        """第一行。"""
        rows = self._rows(0, 1)
        return rows[0] if rows else None

    def check(self) -> int:
        """一共几行；读的时候都核对过了。"""
        return len(self._times)

    def _at(self, number: int) -> int:
        return int(self._times.searchsorted(midnight(number)))

    def _rows(self, start: int, stop: int) -> list[Bar]:
        at, opened, high, low, close, volume, before = (
            each[start:stop].tolist() for each in self._columns
        )
        if self._unit != 1:
            volume = [each * self._unit for each in volume]
        rows = zip(at, opened, high, low, close, volume, before, strict=True)
        return [Bar(*row) for row in rows]


def read_arrays(
    path: Path, code_column: str, unit_of: Callable[[str], int]
) -> dict[str, ArrayTape] | None:
    """整张的 Parquet：代码 → 行情；不好走的为 None。"""
    try:
        np: Any = importlib.import_module("numpy")
        parquet: Any = importlib.import_module("pyarrow.parquet")
        names = parquet.read_schema(path).names
        codes = _read(parquet, path, code_column).dictionary_encode()
        if codes.null_count:
            return None
        index = codes.indices.to_numpy()
        order = None if bool((index[1:] >= index[:-1]).all()) else index.argsort(kind="stable")
        columns = _columns(np, parquet, path, names, order)
        kept = ~((columns[5] == 0) & (columns[1] <= 0))  # 停牌补的空行
        index = (index if order is None else index[order])[kept]
        columns = [each[kept] for each in columns]
        known = [str(each).strip() for each in codes.dictionary.to_pylist()]
    except (ImportError, ValueError, TypeError, ArithmeticError, RuntimeError, OSError, KeyError):
        return None
    if len(set(known)) != len(known) or not _good(columns, index):
        return None
    edges = index.searchsorted(range(len(known) + 1)).tolist()
    return {
        code: ArrayTape([each[edges[at] : edges[at + 1]] for each in columns], unit_of(code))
        for at, code in enumerate(known)
    }


def _read(parquet: Any, path: Path, name: str) -> Any:
    return parquet.read_table(path, columns=[name]).column(0).combine_chunks()


def _columns(np: Any, parquet: Any, path: Path, names: list[str], order: Any) -> list[Any]:
    """`Bar` 的各项；一次只有一列是原来的样子。"""

    def numbers(name: str) -> Any:
        return _read(parquet, path, name).to_numpy(zero_copy_only=False).astype("float64")

    times = _read(parquet, path, "time").dictionary_encode()
    seconds = [seconds_of(each) for each in times.dictionary.to_pylist()]
    found = [np.array(seconds, dtype="int64")[times.indices.to_numpy()]]
    del times
    found += [_li(np, numbers(name)) for name in _PRICES]
    found.append(np.nan_to_num(numbers("volume"), nan=-1.0).astype("int64"))
    blank = np.zeros(len(found[0]), dtype="int32")
    found.append(_li(np, numbers("preClose")) if "preClose" in names else blank)
    return found if order is None else [each[order] for each in found]


def _li(np: Any, yuan: Any) -> Any:
    """元 → 厘；没有的、太大的为 0。"""
    yuan[~(np.abs(yuan) < MOST_YUAN)] = 0.0
    scaled = np.rint(yuan * 1000)
    return scaled.astype("int32" if scaled.max(initial=0) < 2**31 else "int64")


def _good(columns: list[Any], index: Any) -> bool:
    """价格、数量、次序都对。"""
    times, opened, high, low, close, volume, before = columns
    ahead = (times[1:] > times[:-1]) | (index[1:] != index[:-1])
    return bool(
        len(times)
        and (low > 0).all()
        and (low <= opened).all()
        and (low <= close).all()
        and (high >= opened).all()
        and (high >= close).all()
        and (volume >= 0).all()
        and (volume <= MOST_VOLUME).all()
        and (before >= 0).all()
        and ahead.all()
    )
