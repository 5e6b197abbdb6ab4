"""一致性测试认得出写坏的后端；嫌它慢，手工跑：``pytest -m soak tests/conformance``。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from broken_brokers import ALL, HARMLESS

HERE = Path(__file__).parent

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("broken", ALL, ids=lambda kind: kind.__name__)
def test_the_suite_fails_a_broken_backend(broken: type, tmp_path: Path) -> None:
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    done = subprocess.run(
        [
            *(sys.executable, "-X", "utf8", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-p", "easytrader.testing", "-p", "broken_brokers"),
            *("-c", str(settings)),
            *("--pyargs", "easytrader.testing.suite", "-k", ALL[broken]),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "BROKEN": broken.__name__,
            "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)]),
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
    )
    assert done.returncode == (0 if broken in HARMLESS else 1), done.stdout + done.stderr
