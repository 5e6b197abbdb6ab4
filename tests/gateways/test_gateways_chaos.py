"""VeighNa 一侧的混沌，一小段：没有重的，没有超期的，说没有发出的不在柜台上。

长的：``python tests/gateways_chaos/run.py --scenarios 1000 --seed 0``。
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("vnpy")

sys.path.append(str(Path(__file__).resolve().parents[1] / "gateways_chaos"))

from gateways_storm import Scenario

pytestmark = pytest.mark.counters


@pytest.mark.parametrize("seed", range(12))
def test_nothing_doubles_in_a_storm(seed: int) -> None:
    scenario = Scenario(seed).run()
    assert scenario.wrong == []
    assert scenario.tally["buy"] + scenario.tally["id"] + scenario.tally["split"]
