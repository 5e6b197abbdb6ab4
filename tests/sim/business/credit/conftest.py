from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import CreditDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[..., CreditDesk]]:
    made: list[CreditDesk] = []

    def make(**settings: Any) -> CreditDesk:
        made.append(CreditDesk(tmp_path / f"sim{len(made)}", **settings))
        return made[-1]

    yield make
    for desk in made:
        desk.engine.close()
