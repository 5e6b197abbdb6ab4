"""命令行测试：真的子进程，有期限，收干净。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0
ACCOUNT = "10001"


def environment(**changes: str) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **changes}
    env.pop("PYTHONWARNINGS", None)
    return env


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "easytrader", *map(str, arguments)]


def easytrader(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """跑完一条命令。"""
    encoding = options.pop("encoding", "utf-8")
    options.setdefault("env", environment())
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding=encoding,
        timeout=DEADLINE_S,
        check=False,
        **options,
    )
