from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        desk = Desk(tmp_path / f"模拟 盘 {len(made)}", **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()
