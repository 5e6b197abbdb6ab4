"""一队账号的混沌，长的：``pytest -m chaos tests/fleets_chaos``；数目与种子由环境变量定。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent / "run.py"
COMMANDS = os.environ.get("EASYTRADER_CHAOS_COMMANDS", "1000")
SEED = os.environ.get("EASYTRADER_CHAOS_SEED", "1")


@pytest.mark.chaos
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("play", ["agents", "server", "all"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_nothing_is_doubled_or_lost(play: str, store: str) -> None:
    if store == "postgres":
        from fleets.pg_server import missing

        if told := missing():
            pytest.skip(told)
    if (store, play) == ("sqlite", "server"):
        pytest.skip("没有服务器")
    command = [sys.executable, str(SCRIPT), "--commands", COMMANDS, "--seed", SEED]
    done = subprocess.run(
        [*command, "--play", play, "--store", store, "--skewed"],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
