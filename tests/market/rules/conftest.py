from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rules_desk import Case, RuleDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[..., RuleDesk]]:
    made: list[RuleDesk] = []

    def make(case: Case, **settings: Any) -> RuleDesk:
        desk = RuleDesk(tmp_path / f"规则 {len(made)}", case, **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.engine.close()
