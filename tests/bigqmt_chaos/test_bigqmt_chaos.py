"""完整版 QMT 的混沌：默认跑一小段；``-m chaos`` 跑一长段（见 run.py，数目与种子由环境变量定）。"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from big_plan import FAULTS, SERVED, VERBS, scenario, served_scenario
from chaos_spread import spread

HERE = Path(__file__).resolve().parent
SHORT_SEED, SHORT, SHORT_S = 20261130, 5, 2.5
SCENARIOS = int(os.environ.get("EASYTRADER_CHAOS_SCENARIOS", "3000"))
SEED = int(os.environ.get("EASYTRADER_CHAOS_SEED", "1"))
WORKERS = int(os.environ.get("EASYTRADER_CHAOS_WORKERS", "2"))


def test_a_short_run_over_the_big_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYTRADER_CHAOS_GRACE_S", "30")  # 机器忙的时候只认挂住的，不认晚一点的
    tally = spread(HERE / "run.py", SHORT_SEED, (0, SHORT), workers=1, budget_s=SHORT_S)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios


@pytest.mark.chaos
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("script", ["run.py", "run_served.py"])
def test_a_long_run_over_the_big_client(script: str) -> None:
    count = SCENARIOS if script == "run.py" else SCENARIOS // 20
    tally = spread(HERE / script, SEED, (0, count), WORKERS)
    print(tally.show())
    assert not tally.failures, tally.show()
    assert tally.scenarios == count


def test_the_big_dice_fall_the_same_way_and_everywhere() -> None:
    first = [scenario(1, index) for index in range(3000)]
    assert first == [scenario(1, index) for index in range(3000)]
    assert first[:50] != [scenario(2, index) for index in range(50)]
    met = {(blow.name, each.verb) for each in first for blow in each.blows}
    assert {fault for fault, _ in met} == set(FAULTS)
    assert {verb for _, verb in met} == set(VERBS)
    served = {blow.name for index in range(500) for blow in served_scenario(1, index).blows}
    assert served == set(SERVED)
