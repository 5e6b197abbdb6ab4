from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import Desk
from day_helpers import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_day(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """按交易所时间的柜台；``when`` 是 2026-11-20（周五）的时、分、秒。"""
    made: list[Desk] = []

    def make(*when: int, **settings: Any) -> Desk:
        settings.setdefault("cash_li", 10**12)
        start = at(*(when or (9, 15)))
        desk = Desk(tmp_path / f"一天 {len(made)}", start=start, clock="exchange", **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()
