"""执行一个计划的进程：在指定的一步上死去（SIGKILL，什么都来不及收拾），或等着被杀。

python kill_child.py 一个 JSON：``broker connect plan folder options die report``；
``die`` 是第几步，0 不死。连上之后说一行 ``ready``，做完把报告（JSON）写进 ``report``。
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2])]

from loguru import logger  # noqa: E402

import easytrader  # noqa: E402
from easytrader.rebalance.planfile import Plan  # noqa: E402
from easytrader.rebalance.run import run  # noqa: E402
from easytrader.rebalance.runlog import RunLog  # noqa: E402

SITES = ("buy", "sell", "market_buy", "market_sell", "cancel_entrust", "find_entrust")


def die() -> None:
    """没了：Windows 上没有 SIGKILL，用退出码一样什么都不收拾的。"""
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(9)


class Steps:
    """数步子：每一处做之前、做之后各一步。"""

    def __init__(self, last: int) -> None:
        self.last, self.now = last, 0

    def tick(self) -> None:
        self.now += 1
        if self.now == self.last:
            die()

    def around(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        @functools.wraps(real)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            found = real(*args, **kwargs)
            self.tick()
            return found

        setattr(owner, name, counted)


def main(told: str) -> None:
    job = json.loads(told)
    logger.remove()
    user = easytrader.use(job["broker"])
    user.connect(**job["connect"], timeout=20, wait=60, reconnect_interval=0.1)
    steps = Steps(job["die"])
    steps.around(RunLog, "write")
    for name in SITES:
        steps.around(type(user), name)
    plan = Plan.load(job["plan"])
    print("ready", flush=True)
    report = run(user, plan, folder=job["folder"], **job["options"])
    Path(job["report"]).write_text(json.dumps({**report.to_dict(), "steps": steps.now}), "utf-8")
    user.close()


if __name__ == "__main__":
    main(sys.argv[1])
