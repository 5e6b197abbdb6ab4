"""两种存储对着一个模型：两个代理、两个策略，死、停、接管、拨钟。

默认几十步；长跑 ``HYPOTHESIS_PROFILE=long pytest -n 0 tests/fleets/test_fleets_store_model.py``。
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fleets.fleet_machine import FleetMachine
from fleets.store_worlds import PostgresWorld, SqliteWorld
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

if TYPE_CHECKING:
    import pytest
    from fleets.store_worlds import World

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def _run(make: type[FleetMachine], examples: int) -> None:
    few = settings(
        max_examples=settings.default.max_examples if LONG else examples,
        stateful_step_count=60 if LONG else 30,
        deadline=None,
        derandomize=not LONG,
    )
    run_state_machine_as_test(make, settings=few)


def test_the_model_over_sqlite(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Machine(FleetMachine):
        @staticmethod
        def make_world() -> World:
            return SqliteWorld(tmp_path_factory.mktemp("model"))

    _run(Machine, 6)


def test_the_model_over_postgres(pg_database: str) -> None:
    class Machine(FleetMachine):
        @staticmethod
        def make_world() -> World:
            return PostgresWorld(pg_database)

    _run(Machine, 2)
