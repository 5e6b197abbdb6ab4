"""``easytrader completion bash|zsh|powershell``：补全的脚本，由 shtab 照命令的解析器写出。"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from easytrader.cli.output import say
from easytrader.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.cli.parser import Rooms

_SHELLS: Final = ("bash", "zsh", "powershell")
_FILES: Final = frozenset({"path", "config", "cert", "key", "log_file", "script", "targets"})
_PREAMBLE: Final = {
    "bash": """
_easytrader_profiles() {
  compgen -W "$(easytrader completion --profiles 2>/dev/null)" -- "$1"
}
""",
    "zsh": """
_easytrader_profiles() {
  local -a names
  names=(${(f)"$(easytrader completion --profiles 2>/dev/null)"})
  _describe 'profile' names
}
""",
}
"""账号设置的名字：按下 Tab 时才问，新建的也补得出。"""


def register(rooms: Rooms) -> None:
    """挂上 ``completion``。"""
    parser = rooms.add_parser(
        "completion",
        description='bash：写进 ~/.bashrc：eval "$(easytrader completion bash)"\n'
        "zsh：easytrader completion zsh > ~/.zsh/completions/_easytrader，这个文件夹要在 fpath 里\n"
        "PowerShell：easytrader completion powershell >> $PROFILE",
    )
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("shell", metavar="SHELL", nargs="?", choices=_SHELLS, help="、".join(_SHELLS))
    ways.add_argument("--profiles", action="store_true", help="只列出账号设置的名字")
    parser.runs(_completion)


def _completion(arguments: argparse.Namespace) -> int:
    if arguments.profiles:
        from easytrader.profiles import names

        for each in names():
            say(each)
        return 0
    say(script_of(arguments.shell))
    return 0


def script_of(shell: str) -> str:
    """补全的脚本。

    Raises:
        MissingDependencyError: 没有装 shtab，或它太旧。
    """
    try:
        import shtab
    except ImportError:
        told = '补全要 shtab：pip install "easytrader[completion]"'
        raise MissingDependencyError(told) from None
    if shell not in shtab.SUPPORTED_SHELLS:
        told = f"这个 shtab（{shtab.__version__}）不会写 {shell} 的：pip install -U shtab"
        raise MissingDependencyError(told)
    from easytrader.cli import build_parser

    parser = build_parser()
    for action in _actions(parser):
        if action.dest == "profile" and action.metavar == "NAME":
            action.complete = dict.fromkeys(_PREAMBLE, "_easytrader_profiles")  # type: ignore[attr-defined]
        elif action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    written: str = shtab.complete(parser, shell, preamble=_PREAMBLE.get(shell, ""))
    return written


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for each in dict.fromkeys(action.choices.values()):
                yield from _actions(each)
