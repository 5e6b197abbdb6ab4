"""真的子进程：GBK、管道、没有终端、没有标准输出、伪终端、补全。"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli_helpers import ROOT, command, easytrader, environment

from easytrader.cli.completion_command import script_of
from easytrader.cli.progress import progress
from easytrader.profiles import folder as profile_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_gbk_without_colours() -> None:
    done = easytrader("balance", env=environment(PYTHONIOENCODING="gbk"), encoding="gbk")
    assert done.returncode == 0
    assert "可用资金" in done.stdout
    assert "─" in done.stdout  # GBK 里有这条线
    assert "\x1b" not in done.stdout + done.stderr


def test_ascii_gets_ascii_lines() -> None:
    done = easytrader("balance", env=environment(PYTHONIOENCODING="ascii"))
    assert done.returncode == 0
    assert "1,000,000.00" in done.stdout
    assert done.stdout.isascii()
    done = easytrader("balance", "--json", env=environment(PYTHONIOENCODING="ascii"))
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="sh 的管道")
def test_a_closed_pipe_is_quiet() -> None:
    words = "-m easytrader quote 600036 --broker sim | true; echo ${PIPESTATUS[0]}"
    line = f"'{sys.executable}' {words}"
    done = subprocess.run(
        ["bash", "-c", line], env=environment(), capture_output=True, text=True, timeout=60,
        check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_no_streams_at_all() -> None:
    """pythonw：标准输入、输出、错误都是 None。"""
    code = (
        "import sys; sys.stdin = sys.stdout = sys.stderr = None\n"
        "from easytrader.cli import main\n"
        "codes = [main(words) for words in (['balance'], ['balance', '--json'], ['--help'],\n"
        "         ['buy', '600036', 'x', '1'], ['watch', 'balance', '--for', '1'])]\n"
        "import os; os._exit(0 if codes == [0, 0, 0, 2, 2] else 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="伪终端")
def test_a_terminal() -> None:
    import pty

    changes = {"TERM": "xterm-256color", "COLUMNS": "70"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("balance", "--broker", "sim"), env=environment(**changes), stdout=theirs,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # 对方关了
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode("utf-8")
    assert "可用资金" in text
    assert "\x1b[1m" in text  # 表头是粗的


# ---- 补全与进度条


@pytest.mark.skipif(os.name == "nt", reason="bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("bal", "balance"),
        ("balance --prof", "--profile"),
        ("balance --profile ma", "main"),
        ("watch qu", "quote"),
    ],
)
def test_bash_completes(words: str, found: str, tmp_path: Path) -> None:
    file = profile_folder() / "main.toml"
    file.parent.mkdir(parents=True)
    file.write_text("broker = 'sim'\n", encoding="utf-8")
    script = tmp_path / "script"
    script.write_text(script_of("bash"), encoding="utf-8")
    program = (
        f"easytrader() {{ '{sys.executable}' -m easytrader \"$@\"; }}; source '{script}'\n"
        f"COMP_WORDS=(easytrader {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        '_shtab_easytrader; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", program], env=environment(), cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [found]


def test_every_shell_gets_every_command() -> None:
    for shell in ("bash", "zsh", "powershell"):
        script = script_of(shell)
        assert "easytrader" in script
        for word in ("balance", "--client-order-id", "entrusts"):
            assert word in script


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("回放", 2) as step:
        step(1, "2026-01-05")
        step(2, total=3)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress("回放", 2) as step:
        step(1, "2026-01-05")
    out, err = capsys.readouterr()
    assert out == ""
    assert "回放" in err
