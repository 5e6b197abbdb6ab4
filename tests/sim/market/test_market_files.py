"""回放的文件：几种放法读出来一样；写错的地方说出文件、行、列、应当怎样。"""

from __future__ import annotations

import csv
import importlib
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_data import (
    CODE,
    DAY,
    HEADER,
    SECURITY,
    TICK_HEADER,
    at,
    bar_line,
    market,
    minute_stamps,
    stamp,
    write,
)

from easytrader.basics.beijing import midnight
from easytrader.errors import MissingDependencyError, SimulatorError
from easytrader.market.symbols import parse_security
from easytrader.sim.market import tables
from easytrader.sim.market.columns import RowError, columns_of, quick_bars, seconds_of
from easytrader.sim.market.library import Library
from easytrader.sim.market.tables import _parse

DAYS = ("2026-03-02", "2026-03-03", "2026-03-05")
GOOD = bar_line(stamp("09:31:00"), (35.0, 35.1, 34.9, 35.0))
TICK = (
    f"{stamp('09:31:00')},35,35,35.1,34.9,34.8,0,10,"
    '"[35.01, 35.02, 35.03, 35.04, 35.05]","[35.0, 34.99, 34.98, 34.97, 34.96]",'
    '"[1, 2, 3, 4, 5]","[1, 2, 3, 4, 5]"'
)


def several_days(code_first: str = "") -> list[str]:
    lead = f"{code_first}," if code_first else ""
    return [
        lead + bar_line(time, (35 + n / 100, 38, 34, 35 + n / 100), n)
        for day in DAYS
        for n, time in enumerate(minute_stamps(240, day))
    ]


def ordinal(day: str) -> int:
    return next(n for n in range(739000, 740500) if midnight(n) == at("00:00", day))


def rows(root: Path, code: str = CODE) -> list[Any]:
    tape = Library(root, "1m").tape(parse_security(code))
    assert tape is not None
    return [(len(tape.day(ordinal(day))), tape.day(ordinal(day))) for day in DAYS]


def milliseconds(line: str) -> str:
    text, rest = line.split(",", 1)
    return f"{seconds_of(text) * 1000},{rest}"


def test_every_layout_reads_the_same(tmp_path: Path) -> None:
    lines = several_days()
    plain = write(_folder(tmp_path, "按证券") / f"{CODE}.csv", lines)
    period = write(_folder(tmp_path, "带周期") / f"{CODE}_1m.csv", lines)
    epoch = write(_folder(tmp_path, "毫秒") / f"{CODE}.csv", [milliseconds(each) for each in lines])
    together = write(tmp_path / "合在一起.csv", several_days(CODE), f"code,{HEADER}")
    windows = _folder(tmp_path, "另一种换行") / f"{CODE}.csv"
    windows.write_bytes(("\ufeff" + "\r\n".join([HEADER, *lines]) + "\r\n\r\n").encode())
    indexed = write(
        _folder(tmp_path, "带索引") / f"{CODE}.csv",
        [f"{line.split(',')[0]},{line}" for line in lines],
        f",{HEADER}",
    )
    expected = rows(plain.parent)
    assert [count for count, _ in expected] == [240, 240, 240]
    for other in (period, epoch, windows, indexed):
        assert rows(other.parent) == expected
    assert rows(together) == expected
    assert Library(together, "1m").codes() == [CODE]
    assert Library(period.parent, "1m").codes() == [CODE]
    assert Library(period.parent, "5m").codes() == []
    assert Library(plain.parent, "1m").check() == 720


def _folder(root: Path, name: str) -> Path:
    (root / name).mkdir()
    return root / name


def test_both_halves_of_a_shared_file(tmp_path: Path) -> None:
    """代码列的文件里，各证券可以交错着放。"""
    lines = [
        f"{code},{bar_line(time, (price, price, price, price), 10)}"
        for time in minute_stamps(3)
        for code, price in ((CODE, 35.0), ("000001.SZ", 11.0))
    ]
    path = write(tmp_path / "两只.csv", lines, f"stock_code,{HEADER}")
    replay = market(path)
    for code, price in ((CODE, 35_000), ("000001.SZ", 11_000)):
        assert replay.quote(parse_security(code), replay.tick_at(at("09:31"))).last_li == price


@given(st.data())
def test_reading_one_day_is_the_same_as_reading_all(data: st.DataObject) -> None:
    """按字节二分找一天，与整个读一遍再挑，得到同样的行。"""
    import tempfile

    days = data.draw(st.lists(st.sampled_from(range(1, 28)), unique=True, max_size=8).map(sorted))
    lines = []
    for number in days:
        count = data.draw(st.integers(1, 5))
        width = data.draw(st.integers(0, 40))
        times = minute_stamps(count, f"2026-03-{number:02d}")
        lines += [bar_line(time, (35, 35, 35, 35)) + "0" * width for time in times]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / f"{CODE}.csv", lines)
        tape = Library(Path(folder), "1m").tape(SECURITY)
        assert tape is not None
        assert tape.check() == len(lines)
        first = ordinal("2026-03-01") - 1
        for number in range(29):
            wanted = [
                seconds_of(line.split(",")[0])
                for line in lines
                if line.startswith(f"202603{number:02d}")
            ]
            assert [bar.at for bar in tape.day(first + number)] == wanted
            assert bool(tape.last_before(first + number)) == any(day < number for day in days)


BAD_BARS = [
    ("time", "time", "昨天,35,35,35,35,1,0,35", "毫秒时间戳"),
    ("time 秒", "time", "1772415060,35,35,35,35,1,0,35", "毫秒时间戳"),
    ("time 25 点", "time", "20260302250000,35,35,35,35,1,0,35", "毫秒时间戳"),
    ("open 空", "open", f"{stamp('09:32:00')},,35,35,35,1,0,35", "大于 0 的价格"),
    ("high 不是数", "high", f"{stamp('09:32:00')},35,三十五,35,35,1,0,35", "大于 0 的价格"),
    ("low 负", "low", f"{stamp('09:32:00')},35,35,-1,35,1,0,35", "大于 0 的价格"),
    ("close nan", "close", f"{stamp('09:32:00')},35,35,35,nan,1,0,35", "大于 0 的价格"),
    ("close inf", "close", f"{stamp('09:32:00')},35,35,35,inf,1,0,35", "大于 0 的价格"),
    ("low 太高", "low", f"{stamp('09:32:00')},35,36,35.5,35.2,1,0,35", "不高于"),
    ("high 太低", "high", f"{stamp('09:32:00')},35,35,34,35.2,1,0,35", "不低于"),
    ("volume 负", "volume", f"{stamp('09:32:00')},35,35,35,35,-5,0,35", "不小于 0"),
    ("volume 空", "volume", f"{stamp('09:32:00')},35,35,35,35,,0,35", "不小于 0"),
    ("preClose", "preClose", f"{stamp('09:32:00')},35,35,35,35,1,0,昨收", "大于 0 的价格"),
    ("少一列", "最后一", f"{stamp('09:32:00')},35,35,35,35,1,0", "应有 8 列"),
    ("多一列", "最后一", f"{stamp('09:32:00')},35,35,35,35,1,0,35,9", "应有 8 列"),
    ("次序", "time", f"{stamp('09:30:00')},35,35,35,35,1,0,35", "晚于上一行"),
    ("重复", "time", GOOD, "晚于上一行"),
]


@pytest.mark.parametrize(
    ("column", "line", "expected"), [case[1:] for case in BAD_BARS], ids=[c[0] for c in BAD_BARS]
)
@pytest.mark.parametrize("shared", [False, True], ids=["按证券", "代码列"])
def test_a_bad_bar_is_pointed_at(
    tmp_path: Path, column: str, line: str, expected: str, shared: bool
) -> None:
    if shared:
        lines = [f"{CODE},{each}" for each in (GOOD, line)]
        path = write(tmp_path / "全部.csv", lines, f"code,{HEADER}")
        expected = expected.replace("8 列", "9 列")
    else:
        path = write(tmp_path / f"{CODE}.csv", [GOOD, line])
    with pytest.raises(SimulatorError) as caught:
        Library(path if shared else tmp_path, "1m").check()
    said = str(caught.value)
    for part in (str(path), "第 3 行", f"{column} 列", expected):
        assert part in said


BAD_TICKS = [
    ("lastPrice", TICK.replace(",35,35,", ",x,35,", 1), "大于 0 的价格"),
    ("askPrice", TICK.replace('"[35.01, 35.02, 35.03, 35.04, 35.05]"', "35.01"), "五档的列表"),
    ("bidPrice", TICK.replace("34.99", "低"), "大于 0 的价格"),
    ("askVol", TICK.replace('"[1, 2, 3, 4, 5]"', '"[1, 2]"', 1), "一样多档"),
    ("bidVol", TICK.removesuffix('"[1, 2, 3, 4, 5]"') + '"[1, 2, 3, 4, 负]"', "不小于 0"),
    ("volume", TICK.replace(",0,10,", ",0,很多,"), "不小于 0"),
]


@pytest.mark.parametrize(("column", "line", "expected"), BAD_TICKS, ids=[c[0] for c in BAD_TICKS])
def test_a_bad_snapshot_is_pointed_at(
    tmp_path: Path, column: str, line: str, expected: str
) -> None:
    path = write(tmp_path / f"{CODE}.csv", [TICK, line], TICK_HEADER)
    with pytest.raises(SimulatorError) as caught:
        Library(tmp_path, "tick").check()
    said = str(caught.value)
    for part in (str(path), "第 3 行", f"{column} 列", expected):
        assert part in said


def test_an_error_met_while_trading_names_the_line_too(tmp_path: Path) -> None:
    lines = several_days()
    lines[300] = lines[300].replace(",38.00,", ",很高,")
    path = write(tmp_path / f"{CODE}.csv", lines)
    replay = market(tmp_path)
    assert replay.quote(SECURITY, replay.tick_at(at("10:00")))
    with pytest.raises(SimulatorError, match="第 302 行 high 列：'很高'"):
        replay.quote(SECURITY, replay.tick_at(at("10:00", DAYS[1])))
    assert str(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / f"{CODE}.csv", [], HEADER.replace("close", "收盘"))
    with pytest.raises(SimulatorError) as caught:
        Library(tmp_path, "1m").check()
    assert f"{path} 第 1 行 close 列" in str(caught.value)
    assert "至少要有：time open high low close volume" in str(caught.value)
    shared = write(tmp_path / "全部.csv", [GOOD])
    with pytest.raises(SimulatorError, match="要有代码列"):
        Library(shared, "1m").check()


def test_an_empty_place_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"600036\.SH_1m\.csv"):
        Library(tmp_path, "1m").check()
    with pytest.raises(SimulatorError, match="核对 replay 设置"):
        Library(tmp_path / "没有", "1m")
    write(tmp_path / "readme.csv", [GOOD])
    with pytest.raises(SimulatorError, match="不是证券代码"):
        Library(tmp_path, "1m").check()


def test_suspended_rows_are_skipped(tmp_path: Path) -> None:
    lines = [
        GOOD,
        f"{stamp('09:32:00')},0,0,0,0,0,0,35",
        f"{stamp('09:33:00')},nan,nan,nan,nan,0,,",
    ]
    write(tmp_path / f"{CODE}.csv", lines)
    assert Library(tmp_path, "1m").check() == 1


@pytest.mark.parametrize(
    ("code", "unit", "shares"),
    [(CODE, "hand", 1000), (CODE, "share", 10), ("113050.SH", "hand", 100)],
)
def test_volume_units(tmp_path: Path, code: str, unit: str, shares: int) -> None:
    write(tmp_path / f"{code}.csv", [bar_line(stamp("09:31:00"), (35, 35, 35, 35), 10)])
    tape = Library(tmp_path, "1m", unit).tape(parse_security(code))
    assert tape is not None
    assert tape.day(ordinal(DAY))[0].volume == shares


def test_parquet_without_pyarrow_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{CODE}.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r"pip install pyarrow"):
        Library(tmp_path, "1m").check()


def test_parquet_reads_the_same(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    lines = [milliseconds(line).split(",") for line in several_days()]
    columns = {
        name: [int(line[n]) if name in ("time", "volume") else float(line[n]) for line in lines]
        for n, name in enumerate(HEADER.split(","))
    }
    csv_home, parquet_home = _folder(tmp_path, "csv"), _folder(tmp_path, "parquet")
    write(csv_home / f"{CODE}.csv", several_days())
    parquet.write_table(pyarrow.table(columns), parquet_home / f"{CODE}.parquet")
    assert rows(parquet_home) == rows(csv_home)
    shared = tmp_path / "全部.parquet"
    parquet.write_table(pyarrow.table({"code": [CODE] * len(lines), **columns}), shared)
    assert rows(shared) == rows(csv_home)
    columns["high"][5] = -1.0
    parquet.write_table(pyarrow.table(columns), parquet_home / f"{CODE}.parquet")
    with pytest.raises(SimulatorError, match="第 7 行 high 列"):
        Library(parquet_home, "1m").check()
    (parquet_home / f"{CODE}.parquet").write_bytes(b"junk")
    with pytest.raises(SimulatorError, match="读得懂的 Parquet"):
        Library(parquet_home, "1m").check()


def test_parquet_snapshots(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    columns: dict[str, list[Any]] = {
        "time": [int(at("09:30:01") * 1000)],
        "lastPrice": [35.0],
        "lastClose": [34.8],
        "volume": [10],
        "askPrice": [[35.01, 35.02, 35.03, 35.04, 0.0]],
        "bidPrice": [[35.0, 34.99, 34.98, 34.97, 34.96]],
        "askVol": [[7, 8, 9, 10, 0]],
        "bidVol": [[1, 2, 3, 4, 5]],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / f"{CODE}_tick.parquet")
    replay = market(tmp_path, "tick")
    quote = replay.quote(SECURITY, replay.tick_at(at("09:30:03")))
    assert (quote.last_li, len(quote.asks), len(quote.bids)) == (35_000, 4, 5)


_cell = st.sampled_from(["35", "35.01", "34.995", "0", "", "nan", "inf", "-1", "x", "1e9", " 35 "])


@given(
    st.lists(st.tuples(st.integers(0, 3), _cell, _cell, _cell, _cell, _cell, _cell), max_size=6),
    st.booleans(),
)
def test_the_quick_way_reads_what_the_careful_way_reads(
    drawn: list[tuple[Any, ...]], calm: bool
) -> None:
    """整列读的那条路，读得出来的与逐行的一样；读不出来的都交给逐行的。"""
    if calm:
        drawn = [(1, "35.00", "35.10", "34.90", "35.05", "12", "35") for _ in drawn]
    minute, lines = 0, []
    for step, *cells in drawn:
        minute += step
        lines.append([stamp(f"10:{minute:02d}:00"), *cells[:5], "0", cells[5]])
    columns = columns_of(HEADER.split(","), ticks=False)
    text = "\n".join(",".join(line) for line in lines)
    try:
        careful = [row for _, row in _parse(columns, csv.reader(text.splitlines()), 100)]
    except RowError:
        careful = None
    quick = quick_bars(columns, text, 100)
    assert quick is None or quick == careful
    if calm and lines:
        assert quick is not None


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=8),
    st.lists(st.integers(-2, 20), min_size=1, max_size=12),
    st.sampled_from([1, 150, 16_384]),
)
def test_days_in_any_order_are_found(
    spread: list[tuple[int, int]], asked: list[int], near: int
) -> None:
    """一天一天接着问、跳着问、倒着问，都是那一天的行；数据里哪几天有、一天几行都行。"""
    first = ordinal(DAYS[0])
    number, days = first, {}
    for gap, count in spread:
        number += gap + 1
        days[number] = count
    with tempfile.TemporaryDirectory() as root, mock.patch.object(tables, "_NEAR", near):
        path = Path(root) / f"{CODE}_1m.csv"
        body = [
            bar_line(f"{date.fromordinal(day):%Y%m%d}{stamp}", (35.0, 35.1, 34.9, 35.0))
            for day, count in days.items()
            for stamp in [f"10{minute:02d}00" for minute in range(count)]
        ]
        path.write_text("\n".join([HEADER, *body]), encoding="utf-8")
        tape = Library(Path(root), "1m").tape(parse_security(CODE))
        assert tape is not None
        for each in asked:
            rows = tape.day(first + each)
            assert len(rows) == days.get(first + each, 0)
            assert all(
                midnight(first + each) <= row.at < midnight(first + each + 1) for row in rows
            )
            assert bool(tape.last_before(first + each)) == any(day < first + each for day in days)
