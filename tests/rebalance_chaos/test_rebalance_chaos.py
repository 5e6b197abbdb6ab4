"""杀执行：默认跑几个点；``-m soak`` 各跑 200 个（见 run.py，数目与种子由环境变量定）。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kill_world import Point, play, point

SCRIPT = Path(__file__).resolve().parent / "run.py"
SHORT = [
    *(Point(index, "step", at, 1, "对手价+2", None, 10) for index, at in enumerate((2, 22))),
    Point(2, "counter", 0.1, 1, "对手价+2", None, 10),
]
POINTS = os.environ.get("EASYTRADER_KILL_POINTS", "200")
SEED = os.environ.get("EASYTRADER_CHAOS_SEED", "1")


def test_killed_at_a_few_points_and_run_again(tmp_path: Path) -> None:
    done = list(play(tmp_path, "sim", SHORT, "instant", thin=False))
    assert [each.wrong for each in done] == [[]] * len(SHORT)
    assert [each.kills for each in done[:-1]] == [1] * (len(SHORT) - 1)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("broker", ["sim", "remote"])
def test_killed_at_many_points_and_run_again(broker: str) -> None:
    told = ["--points", POINTS, "--seed", SEED, "--broker", broker]
    done = subprocess.run([sys.executable, str(SCRIPT), *told], check=False)
    assert done.returncode == 0


def test_the_points_are_the_same_every_time_and_everywhere() -> None:
    first = [point(1, index) for index in range(200)]
    assert first == [point(1, index) for index in range(200)]
    assert first != [point(2, index) for index in range(200)]
    assert {each.how for each in first} == {"step", "time", "counter"}
