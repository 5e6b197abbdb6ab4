"""真的 vnpy_ctp 连不通的前置：有期限，说得清，关得掉，进程退得出去。

要编译好的包，慢：``pytest -m "counters and soak" tests/gateways/test_gateways_ctp.py``。
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("vnpy")

pytestmark = [pytest.mark.counters, pytest.mark.soak]

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("front", ["closed", "dumb", "garbage"])
def test_front_that_is_not_there(front: str, tmp_path: Path) -> None:
    name = "CTP"
    if importlib.util.find_spec(f"vnpy_{name.lower()}") is None:
        pytest.skip(f"没有装 vnpy_{name.lower()}")
    env = {
        **os.environ, "PYTHONPATH": str(HERE.parents[1]), "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(HERE / "ctp_dead_front.py"), front, name],
        capture_output=True, encoding="utf-8", env=env, cwd=tmp_path, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(each for each in done.stdout.splitlines() if each.startswith("结果 "))
    found = json.loads(line.partition(" ")[2])
    assert len(found["told"]) == 2
    assert all(each.startswith(f"{name} ") for each in found["told"])
    assert not found["moved"]
    assert "secret" not in done.stdout + done.stderr
