"""交易日历（事实表 §10）：休市的周一至周五是手打的；一天一天走两年，走到的就是交易日。"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from case_runner import QUIET

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = {
    2025: """01-01 01-28 01-29 01-30 01-31 02-03 02-04 04-04 05-01 05-02 05-05 06-02
             10-01 10-02 10-03 10-06 10-07 10-08""",
    2026: """01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25
             10-01 10-02 10-05 10-06 10-07""",
}
SESSIONS = {2025: 243, 2026: 242}


def _typed(year: int) -> list[str]:
    day, days = date(year, 1, 1), []
    while day.year == year:
        if day.weekday() < 5 and f"{day:%m-%d}" not in CLOSED[year].split():
            days.append(day.isoformat())
        day += timedelta(days=1)
    return days


@pytest.mark.parametrize("year", CLOSED)
def test_a_year_of_days(tmp_path: Path, year: int) -> None:
    days = _typed(year)
    assert len(days) == SESSIONS[year]
    create(tmp_path, [AccountConfig("10001")], clock="step", start=f"{days[0]} 09:30", **QUIET)
    with easytrader.use("sim") as user:
        user.connect(str(tmp_path), "10001", timeout=10)
        walked = [user.sim.now().date().isoformat()]
        walked += [user.sim.next_day().date().isoformat() for _ in days[1:]]
    assert walked == days
