from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, command, easytrader, environment

from easytrader.cli import main
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def host(folder: Path) -> Any:
    host = Host(SimFolder.open(folder))
    yield host
    host.close()


def test_init_serve_status_stop(tmp_path: Path) -> None:
    path = tmp_path / "新 文件夹"
    made = easytrader(
        "sim", "init", path, "--account", "a1", "--account", "a2", "--cash", "2_000_000.50",
        "--position", "600036.SH:1000:35.5", "--position", "sz000001:300",
        "--credit", "--clock", "always", "--seed", "7",
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    config = SimFolder.open(path).config
    assert [a.account_id for a in config.accounts] == ["a1", "a2"]
    account = config.accounts[0]
    assert (account.account_type, account.cash_li, config.seed) == (3, 2_000_000_500, 7)
    assert account.held[0] == ("600036.SH", 1000, 35_500_000)
    assert account.held[1] == ("000001.SZ", 300, None)

    assert easytrader("sim", "status", path).returncode == 3
    with subprocess.Popen(
        command("sim", "serve", path),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment(),
    ) as server:
        try:
            assert server.stdout is not None
            assert "已就绪" in server.stdout.readline()
            status = easytrader("sim", "status", path)
            assert status.returncode == 0
            for part in (str(server.pid), "a1、a2", "会话 0 个", str(path)):
                assert part in status.stdout
            second = easytrader("sim", "serve", path)
            assert second.returncode == 1
            assert f"进程 {server.pid}" in second.stderr
            assert "Traceback" not in second.stderr
            assert second.stdout == ""
            crash = easytrader("sim", "fault", path, "crash")
            assert crash.returncode == 0
            assert server.wait(DEADLINE_S) == 137
        finally:
            server.kill()
    assert easytrader("sim", "status", path).returncode == 3


def run_main(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_init_again_adds_an_account(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(capsys, "sim", "init", folder, "--account", "b")[0] == 0
    assert [a.account_id for a in SimFolder.open(folder).config.accounts] == [ACCOUNT, "b"]
    code, _, err = run_main(capsys, "sim", "init", folder, "--account", "b")
    assert code == 1
    assert "账号 b" in err


def test_init_twice_and_reset(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ("sim", "init", folder, "--account", "b", "--position", "600036.SH:100:35.5")
    assert run_main(capsys, *one)[0] == 0
    assert run_main(capsys, *one)[0] == 1
    assert run_main(capsys, *one, "--exist-ok")[0] == 0
    assert run_main(capsys, *one, "--exist-ok", "--cash", "5")[0] == 1
    before = SimFolder.open(folder)
    host = Host(before)
    try:
        code, _, err = run_main(capsys, "sim", "reset", folder)
        assert code == 1
        assert "已被占用" in err
    finally:
        host.close()
    assert before.store_path.exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "不")
    assert run_main(capsys, "sim", "reset", folder)[0] == 1
    assert before.store_path.exists()
    assert run_main(capsys, "sim", "reset", folder, "--yes")[0] == 0
    assert not before.store_path.exists()
    assert SimFolder.open(folder) == before
    assert easytrader("sim", "reset", folder).returncode == 0  # 没有终端：不问


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        (["--cash", "abc"], "--cash 不对：'abc'"),
        (["--cash", "0"], "--cash"),
        (["--cash", "-5"], "--cash"),
        (["--cash", "nan"], "--cash"),
        (["--cash", "1e400"], "--cash"),
        (["--cash", "0.001"], "最多到分"),
        (["--position", "600036"], "代码:数量"),
        (["--position", "600036:0"], "代码:数量"),
        (["--position", "600036:1.5"], "代码:数量"),
        (["--position", "999999:100"], "999999"),
        (["--position", "600036:100:-1"], "代码:数量"),
        (["--position", "204001.SH:10"], "--position"),
        (["--position", "204001.SH:10"], "债券回购"),
        (["--position", "900901.SH:100:1"], "--position"),
        (["--position", "600036:100", "--position", "sh600036:200"], "不止一次"),
        (["--account", ""], "account_id"),
        (["--clock", "moon"], "可选：'always', 'exchange'"),
        (["--seed", "x"], "应为整数"),
        (["--gap-days", "x"], "--gap-days 不对：'x'。应为数"),
        (["--sed", "1"], "不认识的参数 --sed 1"),
        (["--seed"], "后面要跟一个值"),
    ],
)
def test_bad_init_values_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], shown: str
) -> None:
    code, out, err = run_main(capsys, "sim", "init", tmp_path / "x", "--account", "a", *extra)
    assert code == 2
    assert shown in err
    assert out == ""
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["sim"], ["sim", "status"], ["nothing"], ["sim", "init", "x"], ["sim", "fault", "x"]],
)
def test_missing_arguments_are_usage_errors(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, _, err = run_main(capsys, *arguments)
    assert code == 2
    assert "错误：" in err
    assert "用法：" in err


@pytest.mark.parametrize("verb", ["status", "serve", "step"])
def test_not_a_simulator_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    for path in (tmp_path, tmp_path / "没有"):
        code, _, err = run_main(capsys, "sim", verb, path)
        assert code == 2
        assert "sim init" in err


def test_run_without_a_script_misses_only_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_main(capsys, "sim", "run")
    assert left.value.code == 2
    assert capsys.readouterr().err.endswith("缺少参数 SCRIPT（脚本的路径），或 -m 模块名\n")


def test_a_broken_config_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "easytrader_sim.json").write_text("{", encoding="utf-8")
    code, _, err = run_main(capsys, "sim", "status", folder)
    assert code == 1
    assert "读不懂" in err
    code, _, err = run_main(capsys, "--debug", "sim", "status", folder)
    assert code == 1
    assert "Traceback" in err
    assert "Traceback" in run_main(capsys, "sim", "status", folder, "--debug")[2]


def test_status_json(folder: Path, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.attach(42, 99, lambda _: None, lambda: None)
    code, out, _ = run_main(capsys, "sim", "status", folder, "--json")
    status = json.loads(out)
    assert code == 0
    assert status["served"] is True
    assert status["kind"] == "embedded"
    assert [row["session_id"] for row in status["sessions"]] == [42]
    code, out, _ = run_main(capsys, "sim", "status", folder)
    assert "嵌在脚本进程里" in out
    host.close()
    code, out, _ = run_main(capsys, "sim", "status", folder, "--json")
    assert (code, json.loads(out)["served"]) == (3, False)


def test_fault_commands(folder: Path, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["drop-answer", "--verb", "query", "--times", "3"],
        ["delay-answer", "--seconds", "0.5"],
        ["refuse-connect"],
        ["disconnect-after", "--calls", "2"],
        ["disconnect-on", "--verb", "cancel", "--when", "after"],
        ["duplicate-push", "--push", "trade"],
        ["crash-on", "--when", "after"],
        ["disconnect"],
    ):
        assert run_main(capsys, "sim", "fault", folder, *arguments)[0] == 0
    assert run_main(capsys, "sim", "fault", folder, "list")[1].splitlines() == [
        "drop-answer verb=query times=3",
        "delay-answer verb=submit seconds=0.5 times=1",
        "refuse-connect times=1",
        "disconnect-after calls=2",
        "disconnect-on verb=cancel when=after times=1",
        "duplicate-push push=trade times=1",
        "crash-on verb=submit when=after times=1",
    ]
    assert run_main(capsys, "sim", "fault", folder, "clear")[0] == 0
    assert run_main(capsys, "sim", "fault", folder, "list") == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["explode"],
        ["drop-answer", "--verb", "buy"],
        ["drop-answer", "--times", "0"],
        ["delay-answer"],
        ["delay-answer", "--seconds", "-1"],
        ["disconnect-after"],
        ["refuse-connect", "--verb", "any"],
    ],
)
def test_bad_faults_are_usage_errors(
    folder: Path, host: Host, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, _, err = run_main(capsys, "sim", "fault", folder, *arguments)
    assert code == 2
    assert "错误：" in err


def test_fault_on_an_unserved_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run_main(capsys, "sim", "fault", folder, "clear")
    assert code == 1
    assert "没有人服务" in err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    from easytrader import __version__

    assert run_main(capsys, "--version") == (0, f"{__version__}\n", "")
    code, out, _ = run_main(capsys, "sim", "fault", "x", "drop-answer", "--help")
    assert code == 0
    assert "用法：" in out
    assert "选项" in out


def test_gbk_console_pipe_and_closed_output(folder: Path) -> None:
    gbk = easytrader(
        "sim", "status", folder, encoding="gbk", env=environment(PYTHONIOENCODING="gbk")
    )
    assert gbk.returncode == 3
    assert "没有服务" in gbk.stdout
    ascii_only = easytrader(
        "sim", "status", folder, env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    )
    assert ascii_only.returncode == 3
    assert ascii_only.stderr == ""


def test_a_reader_that_went_away_is_no_error(folder: Path) -> None:
    import os

    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            command("sim", "status", folder),
            stdout=write_end,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environment(),
            timeout=DEADLINE_S,
            check=False,
        )
    finally:
        os.close(write_end)
    assert done.returncode == 3
    assert done.stderr == b""


def test_cli_import_is_light() -> None:
    script = (
        "import sys; import easytrader.cli;"
        "heavy = {'rich', 'xtquant', 'pandas', 'numpy', 'sqlite3', 'exchange_calendars'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr
