from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from after_helpers import at
from counter_desk import Desk

from easytrader.sim.config.folder import create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_after(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """按交易所时间的柜台，从 ``when``（2026-11-20 10:00 这样）起。"""
    made: list[Desk] = []

    def make(when: str = "2026-11-20 10:00", **settings: Any) -> Desk:
        settings.setdefault("clock", "exchange")
        settings.setdefault("cash_li", 10**12)
        path = tmp_path / f"盘后 {len(made)}"
        if settings["clock"] == "step":  # 日子写在配置里
            create(path, clock="step", start=when)
        desk = Desk(path, start=at(when), **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()
