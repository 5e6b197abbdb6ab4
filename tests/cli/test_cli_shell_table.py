"""命令的表：敲了哪个才导入哪个的模块，帮助里一个不少。"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from easytrader.cli import COMMANDS, build_parser, main

if TYPE_CHECKING:
    from shell_helpers import Shell


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, (_, told) in COMMANDS.items():
        assert f" {name} {told[:8]}" in text


def test_every_command_of_the_table_is_registered_and_no_other() -> None:
    [rooms] = [action for action in build_parser()._actions if action.choices is not None]
    assert set(rooms.choices or ()) == set(COMMANDS)


def test_only_the_module_of_the_command_is_imported() -> None:
    code = (
        "import sys; from easytrader.cli import main\n"
        "main(['--help']); main(['doctor', '--help'])\n"
        "print(sorted(each for each in sys.modules if each.startswith('easytrader.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    homes = {f"easytrader.cli.{home}" for home, _ in COMMANDS.values()}
    found = set(eval(done.stdout.splitlines()[-1]))
    assert found & homes == {"easytrader.cli.doctor_command"}


def test_balance_imports_nothing_it_does_not_need() -> None:
    """起得快靠这个：哪天又牵出了它们，这里先知道。"""
    code = (
        "import sys; from easytrader.cli import main\n"
        "main(['balance', '--broker', 'sim', '--json'])\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    heavy = {
        *("rich", "tenacity", "importlib.metadata", "pandas", "pyarrow", "numpy", "msgspec"),
        *("websockets", "starlette", "shtab", "tomllib", "easytrader.server", "easytrader.risk"),
        *("easytrader.jobs", "easytrader.remote", "easytrader.notebook"),
        *("easytrader.miniqmt.groups.credit", "easytrader.types", "easytrader.rebalance.run"),
    }
    assert heavy & set(done.stdout.splitlines()[-1].split()) == set()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tokn"], "没有命令 'tokn'。是不是 token？有的是：balance、"),
        (["zzzzzz"], "没有命令 'zzzzzz'。有的是：balance、"),
        (["sim", "sttus"], "没有命令 'sttus'。是不是 status？"),
        (["--debug", "tokn"], "是不是 token？"),
    ],
)
def test_unknown_command(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "缺少参数 命令" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("quote", "999999", "--json"), 2, "999999"),
        (("position", "--account", "nosuch", "--json"), 2, "nosuch"),
        (("buy", "600036", "x", "100", "--json"), 2, "PRICE"),
        (("buy", "600036", "--json"), 2, "缺少参数"),
        (("balance", "--json", "--wrong"), 2, "--wrong"),
        (("balance", "--json", "--broker", "sim", "--path", "/没有/这里"), 2, "没有"),
    ],
)
def test_a_failure_is_one_json_too(
    shell: Shell, words: tuple[str, ...], code: int, reason: str
) -> None:
    done = shell.bare(*words)
    assert done.code == code
    assert done.json["exit_code"] == code
    assert done.json["result"] == "usage"
    assert reason in done.json["reason"]
    assert done.err  # 给人看的话照旧在标准错误
