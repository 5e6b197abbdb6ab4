"""VeighNa 一侧的混沌：``python tests/gateways_chaos/run.py --scenarios 1000 --seed 0``。"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent), str(HERE.parents[1] / "gateways")]


def main() -> int:
    """逐个做，错的打印出种子。"""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenarios", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["EASYTRADER_HOME"] = folder
        return run(given.scenarios, given.seed)


def run(scenarios: int, first: int) -> int:
    """返回错了几个。"""
    from gateways_storm import Scenario
    from loguru import logger

    logger.remove()
    tally: Counter[str] = Counter()
    worst_s, bad, began = 0.0, 0, time.monotonic()
    for seed in range(first, first + scenarios):
        scenario = Scenario(seed)
        try:
            scenario.run()
        except Exception as exc:
            scenario.wrong.append(f"跑不完：{exc!r}")
        tally += scenario.tally
        worst_s = max(worst_s, scenario.worst_s)
        for each in scenario.wrong:
            print(f"种子 {seed}：{each}", flush=True)
        bad += bool(scenario.wrong)
    took_s = time.monotonic() - began
    print(f"{scenarios} 个场景，错 {bad} 个；最多超期 {worst_s:.2f} 秒；用了 {took_s:.0f} 秒")
    print(dict(sorted(tally.items())))
    return bad


if __name__ == "__main__":
    sys.exit(min(1, main()))
