"""``easytrader`` 命令。退出码是接口的一部分：0 成功，1 没办成，2 用法不对，其余见各命令。"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from easytrader.cli.output import complain, finish_streams, prepare_streams
from easytrader.cli.parser import Parser
from easytrader.errors import EasytraderError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ["build_parser", "main"]

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """解析并执行，返回退出码（``sim run`` 时是脚本自己的）。"""
    arguments = _parse(argv)
    if isinstance(arguments, int):
        return arguments
    command: Callable[[argparse.Namespace], int] = arguments.command
    if arguments.own_output:
        prepare_streams()
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        return _report(error, arguments.debug, USAGE)
    except EasytraderError as error:
        return _report(error, arguments.debug, FAILED)
    except Exception as error:  # noqa: BLE001  命令行不把回溯丢给用户；--debug 才看
        return _report(error, arguments.debug, FAILED)
    finally:
        if arguments.own_output:
            finish_streams()


def build_parser() -> Parser:
    """认得全部命令的解析器。"""
    from easytrader.cli import demo, doctor_command, serve_command, sim_commands, token_command

    parser = Parser(prog="easytrader", description="A 股自动交易：接 MiniQMT，自带模拟 MiniQMT。")
    parser.add_version()
    rooms = parser.add_commands()
    sim_commands.register(rooms)
    serve_command.register(rooms)
    token_command.register(rooms)
    demo.register(rooms)
    doctor_command.register(rooms)
    return parser


def _parse(argv: Sequence[str] | None) -> argparse.Namespace | int:
    parser = build_parser()
    prepare_streams()
    try:
        given = sys.argv[1:] if argv is None else list(argv)
        arguments = parser.parse_args(given)
        arguments.given = given
        return arguments
    except SystemExit as stop:  # argparse：--help 为 0，写错为 2
        finish_streams()
        return stop.code if isinstance(stop.code, int) else USAGE


def _report(error: Exception, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exception(error)
        return code
    if isinstance(error, EasytraderError):
        complain(f"错误：{error}")
    else:
        complain(f"内部错误：{type(error).__name__}: {error}（加 --debug 看回溯）")
    return code
