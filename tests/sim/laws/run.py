"""长的一份，手工运行::

    python tests/sim/laws/run.py --runs 10000 --workers 2

一批一批地跑（一批 100 次，种子各不相同），边跑边报；出了错印出最小的复现与再跑那一批的命令，
最后说一共跑了多少次、多少步、多久、做到了什么。有错退出码为 1。
"""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[depth]) for depth in (0, 2, 3)]

_BATCH = 100
_SHM = Path("/dev/shm")


def batch(job: tuple[int, int, int, bool]) -> dict[str, Any]:
    """``seed`` 的一批；``both`` 是委托从 MiniQMT 与完整版两边来。"""
    seed_of, runs, steps, both = job
    from hypothesis import HealthCheck, seed, settings
    from hypothesis.stateful import run_state_machine_as_test
    from laws import Laws
    from laws_terminal import BothLaws

    Laws.tally.clear()
    machine = seed(seed_of)(type("Laws", (BothLaws if both else Laws,), {}))
    began, failure = time.monotonic(), ""
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException:
        failure = traceback.format_exc()
    took = time.monotonic() - began
    return {"seed": seed_of, "tally": Counter(Laws.tally), "took": took, "failure": failure}


def prepare() -> None:
    """不碰使用者的目录；有内存盘就用。"""
    from loguru import logger

    logger.remove()
    root = tempfile.mkdtemp(prefix="laws-", dir=_SHM if _SHM.is_dir() else None)
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    os.environ.setdefault("EASYTRADER_SIM_PROFILE", "instant")  # 不等，推送照次序
    os.environ["TMPDIR"] = os.environ["EASYTRADER_HOME"] = root
    tempfile.tempdir = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=20261121, help="第一批的种子，一批加一")
    parser.add_argument("--both", action="store_true", help="MiniQMT 与完整版轮流下单")
    args = parser.parse_args()
    sizes = [min(_BATCH, args.runs - at) for at in range(0, args.runs, _BATCH)]
    jobs = [(args.seed + n, size, args.steps, args.both) for n, size in enumerate(sizes)]
    prepare()
    began, tally, failures = time.monotonic(), Counter(), 0
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.workers, mp_context=spawn) as pool:
        for future in as_completed([pool.submit(batch, job) for job in jobs]):
            done = future.result()  # 工作进程没了会在这里抛出来，不会一直等下去
            tally.update(done["tally"])
            failures += bool(done["failure"])
            if done["failure"]:
                print(done["failure"])
                again = f"--seed {done['seed']} --runs {_BATCH} --workers 1 --steps {args.steps}"
                again += " --both" * args.both
                print(f"出错的一批，再跑：python tests/sim/laws/run.py {again}")
            print(
                f"{time.monotonic() - began:7.0f} 秒　{tally['次']} 次　{tally['步']} 步　"
                f"出错 {failures} 批（刚做完种子 {done['seed']}，{done['took']:.0f} 秒）",
                flush=True,
            )
    print("\n做到了：")
    for name, count in sorted(tally.items()):
        print(f"  {name:<24} {count}")
    state = f"{failures} 批出错" if failures else "没有出错"
    print(f"{tally['次']} 次，{tally['步']} 步，{time.monotonic() - began:.0f} 秒：{state}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
