"""杀执行：``python tests/rebalance_chaos/run.py --points 200 --seed 1 [--broker sim|remote]``。

每个点：一个子进程照着计划做，在随机的一步（或随机的一刻）被 SIGKILL，再起，直到做完；
有的点杀的是柜台。做完以后查柜台的账：每只成交的总数等于计划的，没有一个 id 用过两次，
没有别的委托，持仓等于计划的 ``after``。重放一个：``--only 137``，一段：``--only 100-199``。
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[each]) for each in range(3)]

from kill_world import Outcome, play, point  # noqa: E402
from loguru import logger  # noqa: E402

BATCH = 20


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=("sim", "remote"), default="sim")
    parser.add_argument("--profile", default="push")
    parser.add_argument("--only", default="")
    told = parser.parse_args(words)
    logger.remove()
    first, _, last = told.only.partition("-")
    indexes = range(int(first), int(last or first) + 1) if first else range(told.points)
    points = [point(told.seed, index) for index in indexes]
    began = time.monotonic()
    done: list[Outcome] = []
    for start in range(0, len(points), BATCH):
        with tempfile.TemporaryDirectory(prefix="杀 ") as folder:
            os.environ["EASYTRADER_HOME"] = str(Path(folder) / "home")
            os.environ["EASYTRADER_LOCKS"] = str(Path(folder) / "locks")
            os.environ["PYTHONPATH"] = str(HERE.parents[2])
            batch = points[start : start + BATCH]
            for each in play(Path(folder), told.broker, batch, told.profile):
                done.append(each)
                if each.wrong:
                    print("错", each.point, *each.wrong, sep="\n  ", flush=True)
        print(f"{len(done)}/{len(points)} {time.monotonic() - began:.0f} 秒", flush=True)
    print(shown(done, time.monotonic() - began))
    return sum(bool(each.wrong) for each in done)


def shown(done: list[Outcome], seconds: float) -> str:
    """一段话。"""
    hows = Counter(each.point.how for each in done)
    kinds = "、".join(f"{name} {count}" for name, count in sorted(hows.items()))
    wrong = sum(bool(each.wrong) for each in done)
    return (
        f"{len(done)} 个点（{kinds}），杀了 {sum(each.kills for each in done)} 次，"
        f"起了 {sum(each.starts for each in done)} 次，"
        f"柜台上 {sum(each.orders for each in done)} 笔，"
        f"错 {wrong} 个，{seconds:.0f} 秒"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
