"""一条命令跑一长段：场景分给几个进程，各有各的目录、用户目录、模拟 MiniQMT，结果合起来。"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main", "spread"]

_SLACK_S = 60.0
"""限了时间的，过了还不结束就算卡住。"""


def main(script: Path, doc: str, scenarios: int, runner: Callable[[Path, Tally], Any]) -> int:
    """``script`` 是命令自己，起的进程也跑它；``runner``：目录、记数 → 跑场景的。全过返回 0。"""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--scenarios", type=int, default=scenarios)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="一个序号，或一段，如 120-137")
    parser.add_argument("--json", type=Path, help="结果写到这里")
    parser.add_argument("--budget", type=float, default=float("inf"), help="最多跑几秒")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    first, last = _range(options.only, options.scenarios)
    if options.worker is not None:
        return _work(options, runner, range(first + options.worker, last, options.workers))
    workers = 1 if options.only else options.workers
    began = time.monotonic()
    tally = spread(script, options.seed, (first, last), workers, options.budget)
    took_s = time.monotonic() - began
    print(tally.show())
    print(f"用了 {took_s:.0f} 秒，每秒 {tally.scenarios / took_s:.2f} 个场景")
    if options.json:
        data = {"seed": options.seed, "took_s": round(took_s, 1), **tally.as_json()}
        options.json.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    cut_short = tally.scenarios < last - first and options.budget == float("inf")
    return 1 if tally.failures or cut_short else 0


def _range(only: str | None, scenarios: int) -> tuple[int, int]:
    if only is None:
        return 0, scenarios
    first, _, last = only.partition("-")
    return int(first), int(last or first) + 1


def spread(
    script: Path, seed: int, span: tuple[int, int], workers: int, budget_s: float = float("inf")
) -> Tally:
    """分给几个进程跑：各有各的目录、用户目录、模拟 MiniQMT。"""
    tally = Tally()
    command = [
        *(sys.executable, str(script), "--seed", str(seed)),
        *(
            "--only",
            f"{span[0]}-{span[1] - 1}",
            "--workers",
            str(workers),
            "--budget",
            str(budget_s),
        ),
    ]
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(workers):
            place = home / f"w{number}"
            own = ["--worker", str(number), "--home", str(place), "--json", f"{place}.json"]
            running.append(subprocess.Popen([*command, *own], env=_environment(place)))
        for number, process in enumerate(running):
            if process.wait(budget_s + _SLACK_S if math.isfinite(budget_s) else None) != 0:
                tally.fail(-1, [f"worker {number} 退出码 {process.returncode}"])
            result = home / f"w{number}.json"
            if result.exists():
                tally.merge(json.loads(result.read_text(encoding="utf-8")))
    finally:
        for process in running:
            process.terminate()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)
    return tally


def _environment(home: Path) -> dict[str, str]:
    """各 worker 的用户目录、临时目录（会话 id 的锁在那里）互不相干。"""
    home.mkdir(parents=True)
    places = dict.fromkeys(("EASYTRADER_HOME", "TMPDIR", "TEMP", "TMP"), str(home))
    kept = {"EASYTRADER_SIM_PROFILE": "instant", **os.environ}
    return {**kept, **places, "PYTHONIOENCODING": "utf-8"}


def _work(options: argparse.Namespace, runner: Callable[[Path, Tally], Any], indices: range) -> int:
    from loguru import logger

    logger.remove()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # 被叫停也要收走自己起的进程
    tally = Tally()
    try:
        runner(options.home, tally).run(options.seed, _told(indices, tally), options.budget)
    finally:
        text = json.dumps(tally.as_json(), ensure_ascii=False)
        options.json.write_text(text, encoding="utf-8")
    return 0


def _told(indices: range, tally: Tally):  # type: ignore[no-untyped-def]
    """每隔一会儿说一声走到哪里了。"""
    began = said = time.monotonic()
    for done, index in enumerate(indices):
        if time.monotonic() - said > 30:
            said = time.monotonic()
            rate = done / (said - began)
            print(
                f"{done}/{len(indices)} 每秒 {rate:.2f} 没过 {len(tally.failures)}",
                file=sys.stderr, flush=True,
            )  # fmt: skip
        yield index
