"""示例脚本与笔记本：真的跑一遍。"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from docs_helpers import EXAMPLES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOKS = {
    "demo": ("从被杀到重新可用", "<MiniqmtTrader 已关闭 账号 *0001>"),
    "first_steps": ("参数 security 不对", "风控拒绝", "<SimTrader 已关闭 账号 *0001>"),
    "monthly_rebalance": ("什么都没有发出", "取整误差", "<图：", "请重新做计划"),
    "disconnect_day": ("结果未知", "还是那一笔", "什么都没有发出", "<MiniqmtTrader 已关闭"),
}
"""笔记本 → 跑完之后看得见的。"""


def run(tmp_path: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
    )


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_callback_sells_what_it_bought(tmp_path: Path) -> None:
    out = succeeded(run(tmp_path, str(EXAMPLES / "callback.py")))
    assert "买到 1000 份" in out
    assert re.search(r"卖单最后是 (已撤|部撤|已成)", out)


def test_minute_job_does_not_buy_twice(tmp_path: Path) -> None:
    first = succeeded(run(tmp_path, str(EXAMPLES / "minute_job.py")))
    assert first.count("已委托") == 2
    second = succeeded(run(tmp_path, str(EXAMPLES / "minute_job.py")))
    assert second.count("已到目标") == 2


def test_minute_job_says_why_it_failed(tmp_path: Path) -> None:
    """连不上时一行话、非零退出码，不是回溯。"""
    (tmp_path / "空").mkdir()
    done = run(tmp_path, str(EXAMPLES / "minute_job.py"), str(tmp_path / "没有"), "10001")
    assert done.returncode == 1
    assert "这次没有做成" in done.stderr
    assert "Traceback" not in done.stderr


def test_strategy_faults(tmp_path: Path) -> None:
    script = tmp_path / "test_strategy_faults.py"
    script.write_bytes((EXAMPLES / script.name).read_bytes())
    out = succeeded(run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", script.name))
    assert "2 passed" in out


def test_vendor_script_under_sim_run(tmp_path: Path) -> None:
    folder = str(tmp_path / "my-qmt")
    succeeded(run(tmp_path, "-m", "easytrader", "sim", "init", folder, "--account", "10001"))
    script = str(EXAMPLES / "vendor_script.py")
    out = succeeded(run(tmp_path, "-m", "easytrader", "sim", "run", script, folder, "10001"))
    assert "可用资金 1000000.0" in out
    assert "状态 56 成交 100" in out


def test_every_notebook_is_run() -> None:
    assert {each.stem for each in EXAMPLES.glob("*.ipynb")} == set(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_stored_without_output(name: str) -> None:
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


_EXECUTE = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text") or output.get("data", {}).get("text/plain", ""))
"""


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_in_a_real_kernel(tmp_path: Path, name: str) -> None:
    notebook = str(EXAMPLES / f"{name}.ipynb")
    out = succeeded(run(tmp_path, "-c", _EXECUTE, notebook, IPYTHONDIR=str(tmp_path / "ipython")))
    for told in NOTEBOOKS[name]:
        assert told in out
    assert "Warning" not in out
