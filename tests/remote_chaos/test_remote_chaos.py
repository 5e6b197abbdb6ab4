"""坏网线上的混沌：默认跑一小段；``-m chaos`` 跑一长段（见 run.py，数目与种子由环境变量定）。"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from chaos_spread import spread
from remote_plan import FAULTS, VERBS, scenario

SCRIPT = Path(__file__).resolve().parent / "run.py"
SHORT_SEED, SHORT, SHORT_S = 20261130, 15, 6.0
SCENARIOS = int(os.environ.get("EASYTRADER_CHAOS_SCENARIOS", "1000"))
SEED = int(os.environ.get("EASYTRADER_CHAOS_SEED", "1"))
WORKERS = int(os.environ.get("EASYTRADER_CHAOS_WORKERS", "2"))


def test_a_short_run_over_the_bad_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYTRADER_CHAOS_GRACE_S", "30")  # 机器忙的时候只认挂住的，不认晚一点的
    tally = spread(SCRIPT, SHORT_SEED, (0, SHORT), workers=1, budget_s=SHORT_S)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios


@pytest.mark.chaos
@pytest.mark.timeout(6 * 3600)
def test_a_long_run_over_the_bad_line() -> None:
    tally = spread(SCRIPT, SEED, (0, SCENARIOS), WORKERS)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios == SCENARIOS


def test_the_remote_dice_fall_the_same_way_and_everywhere() -> None:
    first = [scenario(1, index) for index in range(3000)]
    assert first == [scenario(1, index) for index in range(3000)]
    assert first[:50] != [scenario(2, index) for index in range(50)]
    met = {(blow.name, each.verb) for each in first for blow in each.blows}
    assert {fault for fault, _ in met} == set(FAULTS)
    assert {verb for _, verb in met} == set(VERBS)
