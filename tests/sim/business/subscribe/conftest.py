from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*args: Any, **settings: Any) -> Desk:
        desk = Desk(tmp_path / f"打新 {len(made)}", *args, **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()
