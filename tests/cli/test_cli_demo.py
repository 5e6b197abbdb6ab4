from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, command, easytrader, environment
from support import sigint_restored

from easytrader.cli import demo, main
from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.host import Host
from easytrader.sim.host.lease import holder_of

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("xtquant")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "userdata_mini"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_the_demo_passes_and_leaves_nothing(home: Path, encoding: str) -> None:
    temporary = str(home.parent)
    env = environment(
        PYTHONIOENCODING=encoding, TMPDIR=temporary, TEMP=temporary, TMP=temporary, COLUMNS="80"
    )
    done = easytrader("demo", env=env, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("通过") == 10
    assert "失败" not in done.stdout
    for shown in ("total_asset", "600036.SH", "[回调] MiniQMT 断开", "[回调] MiniQMT 连上"):
        assert shown in done.stdout
    assert "重连成功" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(home.parent.glob("easytrader-demo-*")) == []


def test_keep_and_folder(home: Path) -> None:
    for account_id in ("10001", "10002"):
        done = easytrader("demo", "--folder", home)
        assert done.returncode == 0, done.stderr
        assert f"账号 {account_id}，已连接" in done.stdout
    assert [a.account_id for a in SimFolder.open(home).config.accounts] == ["10001", "10002"]
    assert holder_of(home) is None


def test_a_served_folder_is_not_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(SimFolder.open(folder))
    try:
        assert main(["demo", "--folder", str(folder)]) == 1
    finally:
        host.close()
    assert "占用" in capsys.readouterr().err
    assert [a.account_id for a in SimFolder.open(folder).config.accounts] == [ACCOUNT]


# 厂商的包导入时用了 3.12 起弃用的函数；这一个用例在本进程里导入它
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
def test_a_step_that_fails_fails_the_demo(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: Any) -> str:
        raise SimulatorError("故意的")

    monkeypatch.setattr(demo.Demo, "_cancel", broken)
    assert main(["demo", "--folder", str(home)]) == 1
    out = capsys.readouterr().out
    assert "故意的" in out
    assert out.count("未做") == 4
    assert holder_of(home) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上 Ctrl-C 要整个控制台")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_no_process(home: Path, number: int) -> None:
    with sigint_restored():
        process = subprocess.Popen(
            command("demo", "--folder", home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment(PYTHONUNBUFFERED="1"),
        )
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("2. "):
                    break
            process.send_signal(number)
            process.stdout.read()
            assert process.wait(DEADLINE_S) == 130
        finally:
            process.kill()
    assert holder_of(home) is None
