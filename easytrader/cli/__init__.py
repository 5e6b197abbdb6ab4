"""``easytrader`` 命令。退出码是接口的一部分：0 成功，1 没办成，2 用法不对，其余见各命令。

命令记在 `COMMANDS` 里，敲了哪个才导入哪个的模块：``easytrader balance`` 不必等服务器、演示的导入。
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Final

from easytrader.cli import startup
from easytrader.cli.output import complain, finish_streams, prepare_streams, say_json
from easytrader.cli.parser import Parser, WrongUsage
from easytrader.errors import EasytraderError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ["COMMANDS", "build_parser", "main"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "balance": ("look_commands", "资金"),
    "position": ("look_commands", "持仓"),
    "entrusts": ("look_commands", "当日委托"),
    "trades": ("look_commands", "当日成交"),
    "quote": ("look_commands", "行情"),
    "buy": ("order_commands", "买入"),
    "sell": ("order_commands", "卖出"),
    "cancel": ("order_commands", "撤单"),
    "history": ("history_command", "往日的委托、成交、资金"),
    "reconcile": ("reconcile_command", "收盘之后对账：委托、成交、持仓、资金，一页 Markdown"),
    "status": ("look_commands", "连不连得上，连接的健康状况"),
    "watch": ("watch_command", "盯着持仓、委托、资金或行情，在原地刷新"),
    "profile": ("profile_command", "账号的设置文件：列出、看、检查、新建"),
    "completion": ("completion_command", "bash、zsh、PowerShell 的补全"),
    "doctor": ("doctor_command", "体检：Python、客户端、权限、账号……逐项检查，说出怎么修"),
    "demo": ("demo", "演示：连接、买卖、撤单、断线重连，半分钟以内"),
    "sim": ("sim_commands", "模拟 MiniQMT"),
    "brokers": ("brokers_command", "登记的柜台：各是什么、在这台机器上能不能用、字段叫什么"),
    "bigqmt": ("bigqmt_command", "完整版 QMT：写出要贴进客户端的中转文件"),
    "serve": ("serve_command", "把这台机器上的账号给别的机器用，前台运行到 Ctrl-C"),
    "token": ("token_command", "发、看、吊销 easytrader serve 的令牌"),
    "fleet": ("fleet_command", "几台机器上的一队账号：建表、登录名、看、停、交接"),
    "rebalance": ("rebalance_command", "把持仓调到一个文件里的目标：计划、执行、报告"),
    "run": ("run_command", "把一个脚本当作定时任务跑：不开市不跑、只跑一份、到期停掉、通知"),
    "schedule": ("schedule_command", "到点跑任务，只在交易日：给没有 cron 的机器"),
}
"""命令 → 它的模块（有 ``register(rooms)``）与帮助里的一行；帮助照这个顺序列。"""

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """解析并执行，返回退出码（``sim run`` 时是脚本自己的）。"""
    if argv is None:
        startup.own_process()
    with startup.quickly():
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
        return _report(error, arguments, USAGE)
    except EasytraderError as error:
        return _report(error, arguments, FAILED)
    except Exception as error:  # noqa: BLE001  命令行不把回溯丢给用户；--debug 才看
        return _report(error, arguments, FAILED)
    finally:
        if arguments.own_output:
            finish_streams()
        startup.leaving()


def build_parser(only: str | None = None) -> Parser:
    """认得全部命令的解析器；``only``：只装这一个命令，别的只在帮助里列出。"""
    parser = Parser(prog="easytrader", description="A 股自动交易：接 MiniQMT，自带模拟 MiniQMT。")
    parser.add_version()
    rooms = parser.add_commands()
    for name, (_, told) in COMMANDS.items():
        rooms.mention(name, told)
    wanted = {home for name, (home, _) in COMMANDS.items() if only in (None, name)}
    for home in sorted(wanted):
        import_module(f"easytrader.cli.{home}").register(rooms)
    return parser


def _parse(argv: Sequence[str] | None) -> argparse.Namespace | int:
    given = sys.argv[1:] if argv is None else list(argv)
    prepare_streams()
    # 命令之前只有 --debug、--help、--version，都不带值：第一个不是选项的就是命令
    name = next((each for each in given if each[:1] != "-"), "")
    try:
        parser = build_parser(name)
        arguments = parser.parse_args(given)
        arguments.given = given
        return arguments
    except SystemExit as stop:  # argparse：--help 为 0，写错为 2
        if isinstance(stop, WrongUsage) and "--json" in given:
            document = _job_document(name, stop.reason)
            if document is None:
                _say_failure("usage", USAGE, stop.reason, UsageError.__name__)
            else:
                say_json(document)
        finish_streams()
        return stop.code if isinstance(stop.code, int) else USAGE


def _report(error: Exception, arguments: argparse.Namespace, code: int) -> int:
    known = isinstance(error, EasytraderError)
    told = str(error) if known else f"{type(error).__name__}: {error}"
    if arguments.debug:
        traceback.print_exception(error)
    elif known:
        complain(f"错误：{told}")
    else:
        complain(f"内部错误：{told}（加 --debug 看回溯）")
    if getattr(arguments, "json", False):
        _say_failure("usage" if code == USAGE else "failed", code, told, type(error).__name__)
    return code


def _job_document(name: str, reason: str) -> dict[str, object] | None:
    """任务（rebalance、run）的选项写错了：键与它别的结果一样；不是任务为 None。"""
    if name not in ("rebalance", "run"):
        return None
    from easytrader.basics import pace
    from easytrader.jobs.outcome import Outcome

    blank = getattr(import_module(f"easytrader.cli.{COMMANDS[name][0]}"), "BLANK", {})
    return {**blank, **Outcome(name, "usage", reason, pace.current().now()).to_dict()}


def _say_failure(result: str, code: int, reason: str, error: str) -> None:
    """``--json`` 的命令没办成时：标准输出上也是一个 JSON，键与任务的结果（`jobs.outcome`）同名。"""
    say_json({"result": result, "exit_code": code, "reason": reason, "error": error})
