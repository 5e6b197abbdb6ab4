"""混沌：默认跑一小段；``-m chaos`` 跑一长段（见 run.py，数目与种子由环境变量定）。"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from chaos_plan import FAULTS, VERBS, scenario
from chaos_run import Runner
from chaos_spread import spread
from chaos_tally import Tally

SCRIPT = Path(__file__).resolve().parent / "run.py"
SHORT_SEED = 20261121
SHORT_S = 6.0
SCENARIOS = int(os.environ.get("EASYTRADER_CHAOS_SCENARIOS", "10000"))
SEED = int(os.environ.get("EASYTRADER_CHAOS_SEED", "1"))
WORKERS = int(os.environ.get("EASYTRADER_CHAOS_WORKERS", "4"))


def test_a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYTRADER_CHAOS_GRACE_S", "30")  # 机器忙的时候只认挂住的，不认晚一点的
    tally = spread(SCRIPT, SHORT_SEED, (0, 40), workers=4, budget_s=SHORT_S)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios


@pytest.mark.chaos
@pytest.mark.timeout(6 * 3600)
def test_a_long_run() -> None:
    tally = spread(SCRIPT, SEED, (0, SCENARIOS), WORKERS)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios == SCENARIOS


def test_one_in_this_process(tmp_path: Path) -> None:
    """run.py 之外也能用：在调试器里重放一个场景。"""
    tally = Tally()
    Runner(tmp_path, tally).run(SHORT_SEED, [3])
    assert tally.scenarios == 1
    assert not tally.failures


def test_the_dice_fall_the_same_way_and_everywhere() -> None:
    first = [scenario(1, index) for index in range(3000)]
    assert first == [scenario(1, index) for index in range(3000)]
    assert first[:50] != [scenario(2, index) for index in range(50)]
    met = {(blow.name, each.verb) for each in first for blow in each.blows}
    assert {fault for fault, _ in met} == set(FAULTS)
    assert {verb for _, verb in met} == set(VERBS)
    assert len(met) > 0.95 * len(FAULTS) * len(VERBS)
