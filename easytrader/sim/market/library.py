"""回放数据放在哪里：一个文件夹（一只证券一个文件），或一个带代码列的文件。"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError, UsageError
from easytrader.market.symbols import Board, parse_security
from easytrader.sim.market.columns import CODE_COLUMNS
from easytrader.sim.market.tables import open_csv, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.market.symbols import Security
    from easytrader.sim.market.tables import Tape


_SUFFIXES: Final = (".csv", ".parquet")


class Library:
    """一处回放数据。

    Args:
        root: 文件夹或文件。文件夹里一只证券一个文件：``600036.SH.csv``，或带周期的
            ``600036.SH_1m.csv``；``.parquet`` 也行。
        period: 周期，见 `columns.PERIODS`。
        volume_unit: 数量的单位：``hand`` 手（厂商的样子），``share`` 股（张）。

    Raises:
        SimulatorError: 那里没有数据。
    """

    def __init__(self, root: Path, period: str, volume_unit: str = "hand") -> None:
        if not root.exists():
            raise SimulatorError(f"回放数据不在 {root}；核对 replay 设置")
        self._root = root
        self._period = period
        self._ticks = period == "tick"
        self._hand = volume_unit == "hand"
        self._tapes: dict[str, Tape | None] = {}
        self._table: dict[str, Tape] | None = None

    def tape(self, security: Security) -> Tape | None:
        """一只证券的行情；没有为 None。"""
        code = security.stock_code
        if code not in self._tapes:
            self._tapes[code] = self._open(code)
        return self._tapes[code]

    def codes(self) -> list[str]:
        """有哪些证券。"""
        if self._root.is_file():
            return sorted(self._whole())
        names = {path.stem.split("_")[0] for path in self._files()}
        return sorted(names)

    def check(self, say: Callable[[str, int], None] | None = None) -> int:
        """每个文件从头到尾读一遍，返回总行数。

        Raises:
            SimulatorError: 某个文件的某一行某一列不对，或一只证券也没有。
        """
        total = 0
        for code in self.codes():
            try:
                security = parse_security(code)
            except UsageError as error:
                raise SimulatorError(
                    f"回放数据 {self._root} 里的 {code!r} 不是证券代码；应当像 600036.SH"
                ) from error
            tape = self.tape(security)
            count = 0 if tape is None else tape.check()
            total += count
            if say is not None:
                say(code, count)
        if not total:
            raise SimulatorError(
                f"{self._root} 里没有 {self._period} 的回放数据；"
                f"一只证券一个文件，例如 600036.SH_{self._period}.csv"
            )
        return total

    def _files(self) -> Iterator[Path]:
        for path in sorted(self._root.iterdir()):
            plain = "_" not in path.stem
            if path.suffix in _SUFFIXES and (plain or path.stem.endswith(f"_{self._period}")):
                yield path

    def _open(self, code: str) -> Tape | None:
        if self._root.is_file():
            return self._whole().get(code)
        for name in (f"{code}_{self._period}", code):
            for suffix in _SUFFIXES:
                path = self._root / f"{name}{suffix}"
                if path.is_file():
                    return self._one(path, code)
        return None

    def _one(self, path: Path, code: str) -> Tape | None:
        if path.suffix == ".csv" and not _has_code_column(path):
            return open_csv(path, self._unit(code), ticks=self._ticks)
        return read_table(path, self._unit, ticks=self._ticks, only=code).get(code)

    def _whole(self) -> dict[str, Any]:
        if self._table is None:
            self._table = dict(read_table(self._root, self._unit, ticks=self._ticks))
        return self._table

    def _unit(self, code: str) -> int:
        """一手多少股（张）。"""
        if not self._hand:
            return 1
        try:
            return 10 if parse_security(code).board is Board.BOND else 100
        except UsageError:
            return 100


def _has_code_column(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = next(csv.reader([file.readline()]), [])
    return any(name in header for name in CODE_COLUMNS)
