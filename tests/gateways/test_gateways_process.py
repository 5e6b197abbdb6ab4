"""VeighNa 改动进程的那几样都还原：Ctrl-C、日志、工作目录、语言，没有 close() 的脚本退得出去。"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("vnpy")

pytestmark = pytest.mark.counters

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

_START = """
import json, sys, threading
from gateway_brokers import connect, sim_trader
from sim_gateway import SimCounter
counter = SimCounter(**{"600036": 1000, "rb2510": 5})
user = connect(sim_trader(), counter)
"""


def run(code: str, tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    home = tmp_path / "用 户"
    home.mkdir(exist_ok=True)
    own = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]), "HOME": str(home),
        "USERPROFILE": str(home), "PYTHONIOENCODING": "utf-8", "EASYTRADER_HOME": str(home / "e"),
        **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}, **env,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=own, timeout=90, check=False,
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_script_that_fails_without_closing_exits(tmp_path: Path) -> None:
    done = run(_START + "raise RuntimeError('脚本出错')", tmp_path)
    assert done.returncode == 1, done.stderr
    assert "脚本出错" in done.stderr


def test_threads_of_the_gateway_do_not_keep_the_process(tmp_path: Path) -> None:
    code = """
import threading
from gateway_brokers import connect, sim_trader
from sim_gateway import SimCounter, SimGateway
class Busy(SimGateway):
    def connect(self, setting):
        threading.Thread(target=threading.Event().wait).start()
        super().connect(setting)
user = connect(sim_trader(Busy), SimCounter(**{"600036": 1000}))
raise RuntimeError("脚本出错")
"""
    assert run(code, tmp_path).returncode == 1


def test_language_does_not_change_a_row(tmp_path: Path) -> None:
    code = _START + (
        "number = user.sell('600036', 40, 100)['entrust_no']\n"
        "rows = [user.wait(number, 5), *user.position, *user.contracts('rb25')]\n"
        "for row in rows: row.pop('order_time', 0)\n"
        "print(json.dumps(rows)); user.close()"
    )
    found = [run(code, tmp_path, LANG=lang) for lang in ("zh_CN.UTF-8", "en_US.UTF-8")]
    rows: list[Any] = [json.loads(each.stdout) for each in found]
    assert rows[0] == rows[1]
    assert rows[0][0]["order_status_name"] == "已成"


def test_nothing_of_the_process_is_changed(tmp_path: Path) -> None:
    pytest.importorskip("vnpy_rpcservice")
    code = """
import json, os, signal, sys
from loguru import logger
lines = []
logger.add(lines.append, format="{message}")
before = signal.getsignal(signal.SIGINT), os.getcwd(), list(sys.path)
from easytrader.gateways import package
kind = package.gateway_class("vnpy_rpcservice", "RpcGateway", "")
logger.info("还听得见")
import vnpy.trader.setting as setting
print(json.dumps({
    "same": before == (signal.getsignal(signal.SIGINT), os.getcwd(), sys.path),
    "heard": any("还听得见" in each for each in lines),
    "active": setting.SETTINGS["log.active"], "kind": kind.__name__,
}))
"""
    done = run(code, tmp_path)
    assert json.loads(done.stdout) == {
        "same": True, "heard": True, "active": False, "kind": "RpcGateway"
    }, done.stderr  # fmt: skip
    assert not list(tmp_path.rglob("vt_*.log"))


def test_first_import_may_be_on_any_thread(tmp_path: Path) -> None:
    pytest.importorskip("vnpy_rpcservice")
    code = """
import signal, threading
from easytrader.gateways import package
found = []
def load():
    found.append(package.gateway_class("vnpy_rpcservice", "RpcGateway", ""))
thread = threading.Thread(target=load); thread.start(); thread.join()
print(len(found), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    done = run(code, tmp_path)
    assert done.stdout.split() == ["1", "True"], done.stderr


def test_missing_gateway_package_says_how(tmp_path: Path) -> None:
    code = """
import easytrader
from easytrader import errors
try:
    easytrader.use("vnpy", gateway="CTP").connect(用户名="1", 密码="2")
except errors.EasytraderError as exc:
    print(type(exc).__name__, exc)
"""
    done = run(code, tmp_path)
    assert "MissingDependencyError" in done.stdout or "UnsupportedError" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
