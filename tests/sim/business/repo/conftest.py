from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import Desk
from repo_helpers import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_repo(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """按交易所时间的柜台，从 ``when``（2026-11-20 10:00 这样）起。"""
    made: list[Desk] = []

    def make(when: str = "2026-11-20 10:00", **settings: Any) -> Desk:
        settings.setdefault("clock", "exchange")
        desk = Desk(tmp_path / f"逆回购 {len(made)}", start=at(when), **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()
