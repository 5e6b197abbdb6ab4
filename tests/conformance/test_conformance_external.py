"""别人的后端：记录放在默认的地方，一致性测试跑几遍都一样，也不动开发者自己的目录。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGIN = """
import pytest
from easytrader.testing.memory import MemoryTrader
from easytrader.testing.memory_broker import MemoryBroker
from easytrader.trader import Trader

pytest_plugins = ["easytrader.testing"]


class KeptTrader(MemoryTrader):
    def __init__(self, debug=False):
        self._storages = {}
        Trader.__init__(self, debug)


class KeptBroker(MemoryBroker):
    trader_type = KeptTrader


@pytest.fixture
def broker():
    yield (one := KeptBroker())
    one.close()
"""


def test_run_twice_without_touching_the_developers_records(tmp_path: Path) -> None:
    (tmp_path / "kept_plugin.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    for _ in range(2):
        done = subprocess.run(
            [
                *(sys.executable, "-X", "utf8", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-p", "kept_plugin", "--pyargs", "easytrader.testing.suite"),
                *("-k", "TestExactlyOnce", "-c", str(tmp_path / "pytest.ini")),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "EASYTRADER_HOME": str(home),
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(home.iterdir()) == []
