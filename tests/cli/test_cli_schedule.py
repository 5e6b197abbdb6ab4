"""``easytrader schedule``：写错的一开始就说，列出接下来几次，停得干净。"""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cli_helpers import command, environment
from shell_helpers import Shell
from support import eventually, sigint_restored

from easytrader.basics.beijing import beijing_now
from easytrader.jobs.lock import only_one

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def schedule(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("14:50 rebalanse targets.csv", "没有命令 'rebalanse'"),
        ("14:50 rebalance targets.csv --pofile main", "不认识的参数 --pofile"),
        ("14:50 rebalance targets.csv --profile", "--profile 后面要跟一个值"),
        ('14:50 schedule "15:00 doctor"', "不能再排程"),
        ("26:00 doctor", "00:00:00 到 23:59:59"),
        ("sunday 14:50 doctor", "month-start"),
        ("没有的文件.txt", "month-start"),
        ("14:50 rebalance t.csv --profile nope", "没有这个设置"),
        ("14:50 run a.py --profile nope", "没有这个设置"),
        ("14:50 rebalance t.csv --yes", "要说是哪个账号"),
        ("14:50 rebalance t.csv --broker miniqmt --path x --account 1", "加上 --yes"),
        ("14:50 buy 600036 35 100 --broker miniqmt --path x --account 1", "加上 --yes"),
    ],
)
def test_a_wrong_line_is_told_at_once(schedule: Shell, line: str, says: str) -> None:
    done = schedule("schedule", "09:31 doctor", line)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err


def test_nothing_to_schedule(schedule: Shell, tmp_path: Path) -> None:
    assert schedule("schedule").code == 2
    empty = tmp_path / "空.txt"
    empty.write_text("# 什么都没有\n", encoding="utf-8")
    assert schedule("schedule", "--file", str(empty)).code == 2
    assert schedule("schedule", "--file", str(tmp_path)).code == 2


def test_the_next_runs(schedule: Shell, tmp_path: Path) -> None:
    file = tmp_path / "我的 排程.txt"
    file.write_text("14:50 doctor --json\n每月首个交易日 09:35 doctor\n", encoding="gbk")
    done = schedule("schedule", "周五 10:00:30 doctor", str(file), "--list", "--json")
    assert done.code == 0, done.err
    rows = done.json
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {row["command"] for row in rows} == {"doctor", "doctor --json"}
    assert sum(row["time"].endswith("10:00:30") for row in rows) == 3
    text = schedule("schedule", "--file", str(file), "--list").out
    assert len(text.splitlines()) == 6
    assert "14:50:00  doctor --json" in text


def test_what_is_probably_wrong_is_warned_about(
    schedule: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "有.csv").write_text("code,weight\n", encoding="utf-8")
    live = "--broker miniqmt --path x --account 1"
    fine = (f"14:50 rebalance 有.csv {live} --yes", f"09:35 rebalance 有.csv {live} --dry-run")
    done = schedule("schedule", *fine, "15:30 doctor", "--list")
    assert (done.code, "有.csv" in done.err) == (0, False), done.err
    for line, says in (
        (f"14:50 rebalance 没有.csv {live} --yes", "现在还没有 没有.csv"),
        ("14:50 run 没有.py", "现在还没有 没有.py"),
        (f"22:50 rebalance 有.csv {live} --yes", "22:50:00 不在交易时间（收盘）"),
        ("12:00 run 没有.py", "不在交易时间（午休）"),
    ):
        done = schedule("schedule", line, "--list")
        assert (done.code, says in done.err) == (0, True), done.err
    anytime = f"22:50 rebalance 有.csv {live} --yes --ignore-hours"
    assert "有.csv" not in schedule("schedule", anytime, "--list").err
    assert "写了两遍" in schedule("schedule", "14:50 doctor", "14:50  doctor", "--list").err


def test_the_same_schedule_runs_only_once(schedule: Shell) -> None:
    with only_one("schedule", "14:50 doctor"):
        done = schedule("schedule", "14:50 doctor")
        assert done.code == 1
        assert "正在跑" in done.err


def test_from_start_to_stop(tmp_path: Path) -> None:
    """真的进程：排好了就说，叫停几秒之内就走，退出码 0。"""
    log = tmp_path / "排程.log"
    far = beijing_now() + timedelta(hours=6)
    line = f"{far:%H:%M} doctor"
    group = subprocess.CREATE_NEW_PROCESS_GROUP if os.name == "nt" else 0
    with sigint_restored():
        process = subprocess.Popen(
            command("schedule", line, "--log-file", log),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            encoding="utf-8",
            creationflags=group,
        )
    try:
        assert process.stdout is not None
        with process.stdout as out:
            assert out.readline().startswith("排好了 1 个任务")
            assert out.readline().split()[-3:] != []
            eventually(lambda: log.exists())
            process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGTERM)
            assert process.wait(30) == 0
            assert "已停止" in out.read()
    finally:
        process.kill()
        process.wait(30)
    assert "停止：收到" in log.read_text(encoding="utf-8")
