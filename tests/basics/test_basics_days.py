"""一个时刻算哪一天。"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from easytrader.basics.days import A_SHARES, DayBoundary

BEIJING = timezone(timedelta(hours=8))
FUTURES = DayBoundary(begins=20, weekends=False)
CRYPTO = DayBoundary(timezone.utc)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING).timestamp()


@pytest.mark.parametrize(
    ("boundary", "moment", "day", "began"),
    [
        (A_SHARES, "2026-11-30 00:00:00", "2026-11-30", "2026-11-30 00:00:00"),
        (A_SHARES, "2026-11-30 23:59:59", "2026-11-30", "2026-11-30 00:00:00"),
        (A_SHARES, "2026-11-28 12:00:00", "2026-11-28", "2026-11-28 00:00:00"),
        (FUTURES, "2026-11-30 19:59:59", "2026-11-30", "2026-11-27 20:00:00"),
        (FUTURES, "2026-11-30 20:00:00", "2026-12-01", "2026-11-30 20:00:00"),
        (FUTURES, "2026-12-01 02:30:00", "2026-12-01", "2026-11-30 20:00:00"),
        (FUTURES, "2026-11-27 21:00:00", "2026-11-30", "2026-11-27 20:00:00"),
        (FUTURES, "2026-11-28 02:30:00", "2026-11-30", "2026-11-27 20:00:00"),
        (FUTURES, "2026-11-29 21:00:00", "2026-11-30", "2026-11-27 20:00:00"),
        (CRYPTO, "2026-11-30 07:59:59", "2026-11-29", "2026-11-29 08:00:00"),
        (CRYPTO, "2026-11-30 08:00:00", "2026-11-30", "2026-11-30 08:00:00"),
    ],
)
def test_a_moment_belongs_to_the_day_of_its_market(
    boundary: DayBoundary, moment: str, day: str, began: str
) -> None:
    assert boundary.text(at(moment)) == day
    assert boundary.began(at(moment)) == at(began)
    assert boundary.day_of(boundary.began(at(moment))) == boundary.day_of(at(moment))
    assert boundary.day_of(boundary.began(at(moment)) - 1) < boundary.day_of(at(moment))
