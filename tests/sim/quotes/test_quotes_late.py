"""连续到 15:30 的（逆回购、沪深债券）：快照、分钟线走到 15:30；别的停在 15:00。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import make_folder

from easytrader.basics.beijing import moment
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.exchange.hours import hours_for
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes.board import Board, new_deadline
from easytrader.sim.quotes.tape import Paths

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-20"
LATE = ["204001.SH", "131810.SZ", "019547.SH"]


@pytest.mark.parametrize(("code", "late"), [*((code, True) for code in LATE), ("600036.SH", False)])
def test_until_half_past_three(tmp_path: Path, code: str, late: bool) -> None:
    quotes = Board(SimFolder.open(make_folder(tmp_path / "模拟", clock="exchange")))
    seen = [
        quotes.snapshot([code], moment(f"{DAY} {clock}"))[code]
        for clock in ("15:00:03", "15:10:00", "15:29:57", "15:31:00")
    ]
    volumes = [tick["pvolume"] for tick in seen]
    assert (volumes[0] < volumes[1] < volumes[2] <= volumes[3]) is late
    assert len({tick["time"] for tick in seen}) == (4 if late else 1)
    assert (seen[1]["openInt"] == 13) is late
    rows = quotes.bars(
        code, "1m", (f"{DAY}".replace("-", ""), "", -1), moment(f"{DAY} 16:00"), new_deadline()
    )
    assert len(rows) == (270 if late else 240)
    assert sum(row.volume for row in rows) == volumes[-1]
    assert rows[-1].close_li == round(seen[-1]["lastPrice"] * 1000)
    if late:
        assert sum(row.volume for row in rows[240:]) > 0


def test_before_the_date_of_the_rule(tmp_path: Path) -> None:
    """2022-05-16 以前的债券到 15:00。"""
    quotes = Board(SimFolder.open(make_folder(tmp_path / "模拟", clock="exchange")))
    first, last = (
        quotes.snapshot(["019547.SH"], moment(f"2022-05-13 {clock}"))["019547.SH"]
        for clock in ("15:00:03", "15:20")
    )
    assert first == last


def test_the_fast_path_knows_the_longer_day() -> None:
    market = SyntheticMarket(7, hours_for("exchange"), 3.0)
    day = (34200, 41400)
    paths = Paths(market, (day, (46800, 54000)), (day, (46800, 55800)))
    for code in LATE:
        security = parse_security(code)
        last = market.tick_at(moment(f"{DAY} 15:29"))
        found = [int(each) for each in paths.of(security, last - 1000, last)]
        assert found == market.path(security, last - 1000, last)
    assert paths._trusted
