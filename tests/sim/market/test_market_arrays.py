"""大的 Parquet 一列一列地读，与逐行读的一字不差；一段里的最低最高，与一跳一跳地看一样。"""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sim.market.market_data import DAY, SECURITY, at, bar_line, market, minute_stamps, write

from easytrader.errors import SimulatorError
from easytrader.sim.market import tables
from easytrader.sim.market.arrays import ArrayTape, read_arrays

if TYPE_CHECKING:
    from pathlib import Path

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
NAMES = ("code", "time", "open", "high", "low", "close", "volume", "preClose")


def _unit(code: str) -> int:
    return 10 if code.startswith("11") else 100


def _rows(**changes: Any) -> list[dict[str, Any]]:
    rng = random.Random(3)
    rows = []
    for time in ("20260302", "20260303", "20260304"):
        for code in ("600036.SH", "110059.SH"):
            price = rng.randint(1000, 2000) / 100
            bar = (price, price + 0.03, price - 0.02, price + 0.01, rng.randint(1, 900), price)
            rows.append(dict(zip(NAMES, (code, time, *bar), strict=True)))
    rows[2].update(changes)
    return rows


def _saved(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pa.table({name: [row[name] for row in rows] for name in NAMES}), path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"volume": 0, "open": float("nan"), "high": float("nan"), "low": 0.0, "close": 0.0},
        {"preClose": None},
        {"volume": 12.0},
    ],
)
def test_the_same_as_row_by_row(
    tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _saved(tmp_path / "bars.parquet", _rows(**changes))
    quick = tables.read_table(path, _unit, ticks=False)
    assert all(isinstance(each, ArrayTape) for each in quick.values())
    monkeypatch.setattr(tables, "read_arrays", lambda *_: None)
    slow = tables.read_table(path, _unit, ticks=False)
    assert set(quick) == set(slow)
    for code, tape in slow.items():
        assert quick[code].first() == tape.first()
        assert quick[code].check() == tape.check()
        for number in range(date(2026, 3, 1).toordinal(), date(2026, 3, 6).toordinal()):
            assert quick[code].day(number) == tape.day(number)
            assert quick[code].last_before(number) == tape.last_before(number)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"low": 99.0}, "low 列"),
        ({"open": -1.0}, "open 列"),
        ({"volume": -5}, "volume 列"),
        ({"time": "2026-03"}, "time 列"),
        ({"time": "20260302"}, "晚于上一行"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    path = _saved(tmp_path / "bars.parquet", _rows(**changes))
    assert read_arrays(path, "code", _unit) is None
    with pytest.raises(SimulatorError, match=f"第 4 行.*{word}"):
        tables.read_table(path, _unit, ticks=False)


@pytest.mark.parametrize("period", ["1m", "1d"])
def test_the_swing_is_that_of_the_path(tmp_path: Path, period: str) -> None:
    rng = random.Random(11)
    stamps = minute_stamps(240) if period == "1m" else [DAY.replace("-", "")]
    lines, price = [], 3500
    for number, stamp in enumerate(stamps):
        opened, price = price, price + rng.randint(-8, 8)
        high, low = max(opened, price) + rng.randint(0, 5), min(opened, price) - rng.randint(0, 5)
        bar = [each / 100 for each in (opened, high, low, price)]
        volume = 0 if period == "1m" and number % 9 == 4 else 5000
        if period == "1d" or number % 31 != 7:  # 有的分钟没有
            lines.append(bar_line(stamp, bar, volume))
    write(tmp_path / f"600036.SH_{period}.csv", lines)
    seen = market(tmp_path, period)
    for start, stop in (("09:30", "11:30"), ("13:00", "14:56")):
        first, last = seen.tick_at(at(start)), seen.tick_at(at(stop))
        for _ in range(60):
            left, right = sorted(rng.sample(range(first, last + 1), 2))
            path = seen.path(SECURITY, left, right)
            assert seen.swing(SECURITY, left, right) == (min(path), max(path))
