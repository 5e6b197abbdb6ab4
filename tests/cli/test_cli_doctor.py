"""``easytrader doctor``：表格、JSON、退出码，各种终端。"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, command, easytrader, environment
from support import SimProcess, freeze

from easytrader.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "python", "packages", "path", "permission", "session",
    "disk", "clock", "trading_day", "connect",
)  # fmt: skip


def doctor(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return easytrader("doctor", "--no-network", *arguments, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_healthy_folder_prints_a_table(folder: Path, encoding: str) -> None:
    env = environment(PYTHONIOENCODING=encoding, COLUMNS="80")
    done = doctor(folder, "--account", ACCOUNT, env=env, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    for shown in ("结果", "客户端路径", "极简模式与权限", "连接与账号", "已登录", "正常"):
        assert shown in done.stdout
    assert "有问题" not in done.stdout
    assert "\x1b" not in done.stdout
    assert "?" not in done.stdout


def test_json_is_one_array_of_the_same_rows(folder: Path) -> None:
    done = doctor(folder, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert tuple(row["check"] for row in rows) == NAMES
    assert str(folder) in rows[2]["detail"]
    assert "模拟" in done.stdout


def test_json_stays_whole_where_chinese_cannot_be_written(folder: Path) -> None:
    env = environment(PYTHONIOENCODING="ascii")
    done = doctor(folder, "--json", env=env, encoding="ascii")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert rows[2]["title"] == "客户端路径"
    assert str(folder) in rows[2]["detail"]


def test_a_problem_is_1_with_the_fix_told_once(tmp_path: Path) -> None:
    missing = tmp_path / "没有 这个"
    done = doctor(missing)
    assert done.returncode == 1
    assert "有问题" in done.stdout
    assert done.stdout.count("这个路径不存在") == 1
    assert "1. 客户端路径：这个路径不存在" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_wrong_account_and_a_wrong_type(folder: Path) -> None:
    for arguments in (("--account", "999"), ("--account", ACCOUNT, "--type", "CREDIT")):
        done = doctor(folder, *arguments, "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)[-1]["status"] == "有问题"
        assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--timeout", "0"),
        ("--timeout", "很久"),
        ("--type", "股票"),
        ("--account", ""),
        ("--nonsense",),
        ("a", "b"),
        ("",),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    done = doctor(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "错误" in done.stderr


def test_no_path_at_all() -> None:
    done = doctor()
    assert done.returncode == 0
    assert "给出路径" in done.stdout


def test_output_nobody_reads(folder: Path) -> None:
    for arguments in (["--json"], []):
        with subprocess.Popen(
            command("doctor", folder, "--no-network", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environment(),
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            complaint = process.stderr.read()
            assert process.wait(DEADLINE_S) == 0
        assert complaint == b""


def test_without_a_terminal_or_a_home(folder: Path) -> None:
    """像 cron 那样：没有终端、没有 LANG、没有 TERM。"""
    env = environment()
    for name in ("TERM", "LANG", "LC_ALL", "COLUMNS", "LINES"):
        env.pop(name, None)
    done = doctor(folder, env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hung_client_does_not_hang_the_command(folder: Path) -> None:
    served = SimProcess(folder)
    served.start()
    assert served.process is not None
    hung = freeze(served.process.pid)
    try:
        done = doctor(folder, "--timeout", "1", "--json")
    finally:
        hung.resume()
        served.kill()
    assert done.returncode == 1
    row = json.loads(done.stdout)[-1]
    assert row["status"] == "有问题"
    assert "没有结果" in row["detail"]


# 厂商的包导入时用了 3.12 起弃用的函数；这一个用例在本进程里导入它
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
def test_the_users_logging_is_as_before(
    folder: Path, capsys: pytest.CaptureFixture[str], logged: list[str]
) -> None:
    from easytrader.basics.log import Log

    assert main(["doctor", str(folder), "--no-network"]) == 0
    assert "已登录" in capsys.readouterr().out
    assert logged == []
    Log().info("之后的日志照常")
    assert logged
