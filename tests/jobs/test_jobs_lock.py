"""一个账号的一个任务只跑一份：真的进程，被杀了马上能再跑。"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import ROOT

from easytrader.jobs.lock import JobBusyError, key_of, only_one, running
from easytrader.profiles import AccountSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD = """
import sys
from easytrader.jobs.lock import only_one
with only_one("rebalance", "主账户", command=["easytrader", "rebalance", "token=hunter2"]):
    print("占着", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holding() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-X", "utf8", "-c", _HOLD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline()
    yield process
    process.kill()
    process.wait(30)
    process.stdin.close()
    process.stdout.close()


def test_a_second_one_is_told_who_runs(holding: subprocess.Popen[str]) -> None:
    with pytest.raises(JobBusyError) as caught, only_one("rebalance", "主账户"):
        pass
    error = caught.value
    assert error.pid == holding.pid
    assert error.since > 1_600_000_000
    assert f"进程 {holding.pid}" in str(error)
    assert "easytrader rebalance" in str(error)
    assert "hunter2" not in str(error)
    found = running("rebalance", "主账户")
    assert found is not None
    assert found["pid"] == holding.pid


def test_other_accounts_and_jobs_are_free(holding: subprocess.Popen[str]) -> None:
    with only_one("rebalance", "别的"), only_one("run", "主账户"):
        pass


def test_a_killed_one_leaves_nothing_behind(holding: subprocess.Popen[str]) -> None:
    holding.kill()
    holding.wait(30)
    assert running("rebalance", "主账户") is None
    with only_one("rebalance", "主账户"):
        found = running("rebalance", "主账户")
        assert found is not None
    assert running("rebalance", "主账户") is None


def test_waiting_for_the_other_one(holding: subprocess.Popen[str]) -> None:
    asked: list[bool] = []

    def stop() -> bool:  # 每等一段问一次：第二次问的时候，放它走
        asked.append(True)
        if len(asked) == 2:
            holding.kill()
        return False

    with only_one("rebalance", "主账户", wait_s=60, stop=stop):
        assert len(asked) >= 2


def test_asked_to_stop_while_waiting(holding: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(JobBusyError),
        only_one("rebalance", "主账户", wait_s=600, stop=lambda: True),
    ):
        pass


def test_the_same_account_however_it_is_written(sim_folder: Path) -> None:
    written = (str(sim_folder), f"{sim_folder}/../{sim_folder.name}/")
    specs = [
        AccountSpec("sim", name, {"miniqmt_path": path, "stock_account": "1"})
        for name, path in zip((None, "主"), written, strict=True)
    ]
    assert key_of(specs[0]) == key_of(specs[1])
    other = AccountSpec("sim", connect={"miniqmt_path": str(sim_folder), "stock_account": "2"})
    assert key_of(other) != key_of(specs[0])
