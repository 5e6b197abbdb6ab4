from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from manners_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks = []

    def open_(name: str = "userdata_mini", **settings: Any) -> Desk:
        desks.append(Desk(tmp_path / name, **settings))
        return desks[-1]

    yield open_
    for desk in desks:
        desk.close()
