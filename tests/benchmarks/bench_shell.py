"""``easytrader balance`` 从敲下到出结果：与 ``python -c pass`` 交替着跑，报最快的与中位的。

    python tests/benchmarks/bench_shell.py [次数] [--cached]

目标：模拟账户上墙钟 0.6 秒以内，连同解释器启动。机器忙的时候看处理器时间与「减去空跑」那一列。
``--cached``：字节码缓存在一个临时的文件夹里（装好的包就是这样）；不写则照环境变量。
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 0.6
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "--help": ["-m", "easytrader", "--help"],
    "balance": ["-m", "easytrader", "balance", "--broker", "sim"],
    "balance --json": ["-m", "easytrader", "balance", "--broker", "sim", "--json"],
}


def once(words: list[str], env: dict[str, str]) -> tuple[float, float]:
    """跑一次：墙钟秒数，处理器秒数。"""
    before = os.times()
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], env=env, check=True, capture_output=True, cwd=ROOT)
    wall = time.perf_counter() - began
    after = os.times()
    return wall, after.children_user + after.children_system - (
        before.children_user + before.children_system
    )


def main() -> int:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    times = numbers[0] if numbers else 20
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "EASYTRADER_HOME": home}
        if "--cached" in sys.argv:
            env.pop("PYTHONDONTWRITEBYTECODE", None)
            env["PYTHONPYCACHEPREFIX"] = str(Path(home) / "pyc")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for words in COMMANDS.values():
            once(words, env)  # 开户、写缓存的那一次不算
        for _ in range(times):
            for name, words in COMMANDS.items():
                found[name].append(once(words, env))
    empty = min(wall for wall, _ in found["python -c pass"])
    print(f"{'':16} 墙钟最快  中位  减去空跑  处理器最少  中位")
    for name, rows in found.items():
        walls, cpus = ([row[n] for row in rows] for n in (0, 1))
        print(
            f"{name:16} {min(walls):8.3f} {statistics.median(walls):6.3f} "
            f"{min(walls) - empty:8.3f} {min(cpus):10.3f} {statistics.median(cpus):6.3f}"
        )
    return 0 if min(wall for wall, _ in found["balance"]) <= LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
