"""没有收盘集合竞价的收盘价：最后一笔之前一分钟（含它）的均价（SSE 4.1.3、SZSE 4.2.3）。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from market_data import TICK_HEADER, at, bar_line, market, stamp, write
from support import make_folder

from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from pathlib import Path

BOND = "113050.SH"
SHOTS = (
    ("09:30:00", 110.0, 1000),
    ("14:58:30", 111.0, 2000),  # 一分钟以外
    ("14:59:00", 112.0, 2300),
    ("14:59:30", 113.0, 2400),
    ("14:59:57", 113.0, 2400),  # 没有成交
)
VWAP = 112_250  # (112 × 300 + 113 × 100) / 400


def _shots(root: Path, code: str, day: str = "2026-03-02", pre_close: object = 110.0) -> None:
    side = '"[120, 121, 122, 123, 124]","[100, 99, 98, 97, 96]","[10, 10, 10, 10, 10]"'
    lines = [
        f'{stamp(clock, day)},{last},0,0,0,{pre_close},0,{volume},{side},"[10, 10, 10, 10, 10]"'
        for clock, last, volume in SHOTS
    ]
    path = root / f"{code}_tick.csv"
    before = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
    write(path, [*before, *lines], TICK_HEADER)


def test_the_last_minute_of_snapshots(tmp_path: Path) -> None:
    _shots(tmp_path, BOND)
    found, bond = market(tmp_path, "tick"), parse_security(BOND)
    assert found.quote(bond, found.tick_at(at("14:59:57"))).last_li == 113_000
    closed = found.tick_at(at("15:00:00"))
    assert found.quote(bond, closed).last_li == VWAP == found.official_close(bond, closed)
    assert found.path(bond, closed, closed) == [113_000]  # 最后一笔还是最后一笔


@pytest.mark.parametrize(
    ("code", "day", "own"),
    [
        ("510300.SH", "2026-07-03", True),
        ("510300.SH", "2026-07-06", False),
        ("600036.SH", "2018-08-17", True),
        ("600036.SH", "2018-08-20", False),
        ("123107.SZ", "2026-03-02", False),
        ("159915.SZ", "2026-03-02", False),
    ],
)
def test_only_without_a_closing_call(tmp_path: Path, code: str, day: str, own: bool) -> None:
    _shots(tmp_path, code, day)
    found, security = market(tmp_path, "tick"), parse_security(code)
    closed = found.tick_at(at("15:00:00", day))
    assert (found.quote(security, closed).last_li == 113_000) is not own
    assert (found.official_close(security, closed) is not None) is own


def test_a_plain_bond_closes_at_half_past_three(tmp_path: Path) -> None:
    _shots(tmp_path, "019547.SH")
    found, bond = market(tmp_path, "tick"), parse_security("019547.SH")
    assert found.quote(bond, found.tick_at(at("15:10:00"))).last_li == 113_000
    assert found.quote(bond, found.tick_at(at("15:30:00"))).last_li == VWAP


def test_the_daily_bar_closes_at_it(tmp_path: Path) -> None:
    """日线的收盘价是它；分钟线的是最后一笔。"""
    _shots(tmp_path, BOND)
    settings = {
        "clock": "step",
        "start": "2026-03-02 09:00",
        "replay": str(tmp_path),
        "replay_period": "tick",
    }
    quotes = Board(SimFolder.open(make_folder(tmp_path / "模拟", **settings)))
    now = at("15:01:00")
    found = [
        quotes.bars(BOND, period, ("20260302", "20260302", -1), now, new_deadline())[-1].close_li
        for period in ("1d", "1m")
    ]
    assert found == [VWAP, 113_000]


def test_the_next_day_starts_from_it(tmp_path: Path) -> None:
    """数据里没有昨收的：昨收是它。"""
    _shots(tmp_path, BOND)
    _shots(tmp_path, BOND, "2026-03-03", "")
    found = market(tmp_path, "tick")
    tick = found.tick_at(at("10:00:00", "2026-03-03"))
    assert found.quote(parse_security(BOND), tick).pre_close_li == VWAP


def test_bars_take_the_model_of_the_last_one(tmp_path: Path) -> None:
    """线里没有均价：照线的走法算，在最低与最高之间；没有量的线往前找。"""
    lines = [
        bar_line(stamp("14:58:00"), (110, 110, 110, 110)),
        bar_line(stamp("14:59:00"), (111, 114, 110, 113)),
        bar_line(stamp("15:00:00"), (113, 113, 113, 113), 0),
    ]
    write(tmp_path / f"{BOND}_1m.csv", lines)
    found, bond = market(tmp_path), parse_security(BOND)
    close = found.quote(bond, found.tick_at(at("15:00:00"))).last_li
    assert 110_000 < close < 114_000
    assert close != 113_000
