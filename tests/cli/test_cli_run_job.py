"""``easytrader run``：脚本当作定时任务跑。"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import psutil
import pytest
from cli_helpers import ROOT, easytrader, environment
from shell_helpers import Shell
from sim.replay_script.replay_desk import BANK, HOME, dailies, trading_days
from support import ACCOUNT, eventually, make_folder

from easytrader.basics.beijing import beijing_now
from easytrader.basics.paths import canonical, home
from easytrader.cli import main
from easytrader.jobs.lock import lock_file
from easytrader.market import calendar
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh_calendar() -> Iterator[None]:
    calendar.reload()
    yield
    calendar.reload()


@pytest.fixture
def run(sim_folder: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """``easytrader run …``，账号是模拟的，选项写在前面。"""
    return Shell(capsys)


def account(folder: Path) -> tuple[str, ...]:
    return ("--broker", "sim", "--path", str(folder), "--account", ACCOUNT)


def script(tmp_path: Path, text: str) -> str:
    file = tmp_path / "我的 脚本.py"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_output_arguments_and_exit_code_are_the_scripts_own(
    run: Shell, sim_folder: Path, tmp_path: Path
) -> None:
    text = (
        "import sys\n"
        "print('你好', sys.argv[1:], __name__, sys.stdin.read() == '')\n"
        "print('出错了', file=sys.stderr)\n"
        "sys.exit(int(sys.argv[1]))\n"
    )
    log = tmp_path / "run.log"
    words = ("run", *account(sim_folder), "--log-file", str(log), script(tmp_path, text))
    done = run(*words, "7", "--own", "x", "--", "--json", "-h")
    assert done.code == 7
    assert done.out == "你好 ['7', '--own', 'x', '--json', '-h'] __main__ True\n"
    assert "出错了" in done.err
    assert "脚本的退出码是 7" in done.err
    written = log.read_text(encoding="utf-8")
    assert "你好 ['7'" in written
    assert "出错了" in written
    for code, result in ((0, "done"), (3, "closed"), (4, "partly"), (1, "failed")):
        told = run("run", "--json", *words[1:], str(code))
        assert (told.code, told.json["result"], told.json["exit_code"]) == (code, result, code)
        assert "你好" in told.err


def test_the_script_opens_the_account_it_was_given(
    run: Shell, sim_folder: Path, tmp_path: Path
) -> None:
    text = (
        "from easytrader import profiles\n"
        "with profiles.open() as user:\n"
        "    print(user.balance[0]['account_id'], len(user.position))\n"
    )
    done = run("run", *account(sim_folder), script(tmp_path, text))
    assert done.code == 0, done.err
    assert done.out == f"{ACCOUNT} 2\n"
    assert not list((home() / "jobs").glob("*.toml"))
    file = home() / "profiles" / "main.toml"
    file.parent.mkdir()
    connect = f"miniqmt_path = '{sim_folder}'\nstock_account = '{ACCOUNT}'\n"
    file.write_text(f"broker = 'sim'\n[connect]\n{connect}", encoding="utf-8")
    by_name = run("run", script(tmp_path, text), "--profile", "main")  # 选项写在后面也认
    assert by_name.out == f"{ACCOUNT} 2\n", by_name.err


def test_too_long_ends_the_whole_tree(run: Shell, sim_folder: Path, tmp_path: Path) -> None:
    """到期：说出停在哪一行，脚本起的子进程也停掉。"""
    pid_file = tmp_path / "pid"
    text = (
        "import pathlib, subprocess, sys, threading\n"
        "stay = 'import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN);'\n"
        "sleep = stay + 'print(1, flush=True); threading.Event().wait()'\n"
        "child = subprocess.Popen([sys.executable, '-c', sleep], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))\n"
        "threading.Event().wait()\n"
    )
    words = ("--json", "--timeout", "1", script(tmp_path, text))
    done = run("run", *account(sim_folder), *words)
    assert (done.code, done.json["result"]) == (1, "timeout")
    assert '我的 脚本.py", line 7' in done.err
    pid = int(pid_file.read_text())
    eventually(lambda: not psutil.pid_exists(pid) or is_zombie(pid))


def is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_crash_is_a_failure_that_is_told(run: Shell, sim_folder: Path, tmp_path: Path) -> None:
    text = "import os\nprint('快了', flush=True)\nos.abort()\n"
    done = run("run", *account(sim_folder), "--json", script(tmp_path, text))
    assert (done.code, done.json["result"]) == (1, "failed")
    assert "崩溃" in done.json["reason"]
    assert "Fatal Python error: Aborted" in done.err


def test_closed_days_do_not_start_it(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "交易日.json"
    told = {"source": "测试", "as_of": "2026-01-01", "closed": [str(beijing_now().date())]}
    file.write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setenv("EASYTRADER_TRADING_DAYS", str(file))
    touched = tmp_path / "跑了"
    text = f"import pathlib; pathlib.Path({str(touched)!r}).touch()"
    folder = make_folder(tmp_path / "按日历", clock="exchange")
    for where in (account(folder), ()):  # 没有说账号的，照沪深北的日历
        done = run("run", *where, "--json", script(tmp_path, text))
        assert (done.code, done.json["result"]) == (3, "closed")
    assert not touched.exists()


def test_only_one_at_a_time(run: Shell, sim_folder: Path, tmp_path: Path) -> None:
    """起它的进程被硬杀了，脚本还在：不起第二个。"""
    started = tmp_path / "开始了"
    text = (
        "import pathlib, sys, threading\n"
        f"pathlib.Path({str(started)!r}).touch()\n"
        "'wait' in sys.argv and threading.Event().wait()\n"
    )
    path = script(tmp_path, text)
    first = subprocess.Popen(
        [sys.executable, "-m", "easytrader", "run", *account(sim_folder), path, "wait"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    children: list[psutil.Process] = []
    try:
        eventually(started.exists, 60)
        busy = run("run", *account(sim_folder), "--json", path)
        assert (busy.code, busy.json["result"]) == (1, "busy")
        children = psutil.Process(first.pid).children(recursive=True)
        first.kill()
        first.wait(30)
        orphan = run("run", *account(sim_folder), "--json", path)
        assert (orphan.code, orphan.json["result"]) == (1, "busy")
        assert "上一次留下的脚本还在跑" in orphan.json["reason"]
        assert run("run", *account(sim_folder), "--no-lock", path).code == 0
    finally:
        first.kill()
        for each in children:
            each.kill()
    psutil.wait_procs(children, 30)
    assert lock_file("script", canonical(path)).exists()
    assert run("run", *account(sim_folder), path).code == 0


def test_usage(run: Shell, sim_folder: Path, tmp_path: Path) -> None:
    done = run("run", *account(sim_folder), str(tmp_path / "没有.py"))
    assert done.code == 2
    assert "没有这个文件" in done.err
    assert run("run", *account(sim_folder), str(tmp_path)).code == 2
    assert run("run").code == 2
    assert run("run", "x.py", "--profile", "没有").code == 2
    with pytest.raises(SystemExit, match="2"):
        run("run", "x.py", "--timeout", "很久")


def test_without_streams_terminal_or_environment(
    run: Shell, sim_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = script(tmp_path, "print('中文 ✓')")
    with monkeypatch.context() as patch:
        for name in ("stdin", "stdout", "stderr"):
            patch.setattr(sys, name, None)
        assert main(["run", *account(sim_folder), path]) == 0
    if os.name == "nt":
        return
    bare = {name: os.environ[name] for name in ("EASYTRADER_HOME", "EASYTRADER_LOCKS")}
    bare["PYTHONPATH"] = environment()["PYTHONPATH"]
    done = easytrader(
        "run", *account(sim_folder), path,
        env={**bare, "PYTHONIOENCODING": "gbk"}, cwd="/", encoding="gbk",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "中文 ?\n"), done.stderr


def test_the_monthly_example(run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """文档里的脚本：做完是 0，当天再跑一次也是 0，没有新的委托。"""
    small = AccountConfig(ACCOUNT, cash=Decimal(60_000))
    folder = create(tmp_path / "月初", [small]).path
    example = str(ROOT / "docs" / "zh" / "examples" / "monthly.py")
    done = run("run", example, *account(folder))
    assert done.code == 0, done.err
    assert "600036.SH" in done.out
    rows = run("entrusts", *account(folder), "--json").json
    assert len(rows) == 3
    assert run("run", example, *account(folder)).code == 0
    assert run("entrusts", *account(folder), "--json").json == rows


def test_the_same_script_in_a_replay(run: Shell, tmp_path: Path) -> None:
    """一字不改：回放的机器上没有实盘的设置，``profiles.open()`` 打开的是回放的账户。"""
    days = trading_days("2025-03-03", "2025-03-05")
    dailies(tmp_path / "bars.csv", (BANK, HOME), days)
    text = (
        "from easytrader import profiles\n"
        "with profiles.open() as user:\n"
        "    print(user.adjust_weights({'600036': 0.5}, deadline=60).result)\n"
    )
    done = easytrader(
        "sim", "replay", script(tmp_path, text), "--data", tmp_path / "bars.csv", "--json",
        "--from", "2025-03-03", "--to", "2025-03-05", "--at", "10:00", "--cash", "100000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["orders"] >= 1
