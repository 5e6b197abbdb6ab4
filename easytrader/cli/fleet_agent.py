"""``easytrader fleet agent``：在有客户端的那台机器上，经存储领命令。"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from easytrader.basics.log import Log
from easytrader.cli import serve_command
from easytrader.cli.output import complain, say
from easytrader.errors import EasytraderError, UsageError
from easytrader.server import check_installed

if TYPE_CHECKING:
    import argparse

    from easytrader.agent.process import Agent
    from easytrader.cli.parser import Parser
    from easytrader.server.serve import Serving

_FAILED: Final = 1
_VARIABLE: Final = "EASYTRADER_FLEET"


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``agent``。"""
    parser = rooms.add_parser(
        "agent",
        help="在有客户端的机器上：领这几个账号的命令，前台运行到 Ctrl-C",
        description="例：easytrader fleet agent --dsn postgresql://box1@db/fleet "
        "--broker miniqmt --path D:\\QMT\\userdata_mini --account 12345678 --name main\n"
        "账号也可以写在 --config 文件里，与 easytrader serve 的一样。存储不在的一直等它。\n"
        "退出码：0 停好了，1 没办成，2 用法不对，3（--stop）没有在跑的，130 第二次 Ctrl-C。",
    )
    told = f"存储的地址：postgresql://…、sqlite:///路径、env:变量名（默认看 {_VARIABLE}）"
    add = parser.add_argument
    add("dsn", metavar="DSN", nargs="?", help=told)
    add("--dsn", metavar="DSN", dest="dsn_given", help="同上")
    add("--box", metavar="NAME", default=None, help="这台机器在队里的名字，全队唯一（默认自己取）")
    add("--group", metavar="G", action="append", default=[], help="账号在哪一组，可重复")
    told = "auto：上一任不在了，别的机器就能接；manual（默认）：要人点头"
    add("--takeover", choices=("manual", "auto"), default="manual", help=told)
    told = "--name 在队里是另一个资金账号的，也接过来（默认不接：策略会下到别的账号去）"
    add("--rebind", action="store_true", help=told)
    serve_command.add_account_options(parser)
    serve_command.add_server_options(parser)
    parser.runs(_agent)


def _agent(arguments: argparse.Namespace) -> int:
    if arguments.stop:
        return serve_command.stop(arguments)
    from pathlib import Path

    check_installed()
    from easytrader.agent.process import Agent
    from easytrader.fleets import checks
    from easytrader.fleets.address import open_store
    from easytrader.jobs.logfile import logging_to
    from easytrader.server.serve import run

    dsn = arguments.dsn_given or arguments.dsn or os.environ.get(_VARIABLE, "")
    if not dsn:
        told = f"存储的地址：postgresql://… 或 sqlite:///路径；也可以放在环境变量 {_VARIABLE} 里"
        raise UsageError("--dsn", None, told)
    if arguments.box is not None:  # 空的变量不能悄悄成了默认的
        checks.name("--box", arguments.box)
    for each in arguments.group:
        checks.name("--group", each)
    config = serve_command.config_of(arguments)
    if any(each.broker == "fleet" for each in config.accounts):
        told = "队里的账号不能再给进队里：写有客户端的那个后端，如 miniqmt"
        raise UsageError("--broker", "fleet", told)
    store = open_store(dsn)
    if os.name != "nt":
        os.umask(0o077)  # 同 serve：日志、审计、记录都只给本人看
    file = None if config.log_file is None else Path(config.log_file).expanduser().absolute()
    with logging_to(file, debug=arguments.debug):
        agent = Agent(
            config, store, box=arguments.box or "", groups=arguments.group,
            takeover=arguments.takeover, rebind=arguments.rebind, debug=arguments.debug,
        )  # fmt: skip
        try:
            failure = run(agent, _announce)
        except EasytraderError as exc:
            if sys.stderr is None:  # pythonw：没有屏幕，只有日志能说为什么没有起来
                Log().error("没有起来：{}", exc)
            raise
    if failure is not None:
        complain(f"错误：{failure}")
        return _FAILED
    say("已停止")
    return 0


def _announce(serving: Serving) -> None:
    agent: Agent = serving  # type: ignore[assignment]  # 起的就是它
    station = agent.station
    assert station is not None
    say(f"已就绪：{agent.box} 在 {agent.store.where}  进程 {os.getpid()}")
    for account in agent.accounts:
        say(f"  账号 {account.describe()}")
    if station.silent:
        say(f"  存储还没有应答，一直等着：{station.silent}")
    say(f"  停单（存储不在也行）：{agent.url}，令牌用 easytrader token add 发")
    say(f"  停：Ctrl-C，或 easytrader fleet agent --stop --port {agent.port}")
