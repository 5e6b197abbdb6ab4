"""``easytrader sim init|serve|status|reset|step|run|fault``。"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.cli import replay_command
from easytrader.cli.output import say
from easytrader.cli.parser import Parser, whole_number
from easytrader.errors import SimulatorError, UsageError

if TYPE_CHECKING:
    from easytrader.sim.host.host import Host
    from easytrader.sim.terminal.serve import Served

NOT_SERVED: Final = 3
_UNRESPONSIVE: Final = 1


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``sim`` 的各个命令。"""
    sim = rooms.add_parser("sim", description="模拟 MiniQMT：随处可跑。")
    commands = sim.add_commands()
    _register_init(commands)
    _register_serve(commands)
    status = commands.add_parser(
        "status", help="有没有在运行", description="退出码：0 正在服务，3 没有服务，1 没有回应。"
    )
    _add_path(status)
    status.add_argument("--json", action="store_true", help="输出 JSON")
    status.runs(_status)
    _register_reset(commands)
    _register_step(commands)
    _register_history(commands)
    _register_run(commands)
    _register_fault(commands)
    replay_command.register(commands)


def _add_path(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="模拟 MiniQMT 的文件夹")


# init ---------------------------------------------------------------


def _register_init(commands: argparse._SubParsersAction[Parser]) -> None:
    from easytrader.sim.config.profile import PROFILES

    parser = commands.add_parser(
        "init",
        help="建一个模拟 MiniQMT 的文件夹，或往里加账号",
        description='例：easytrader sim init "D:\\模拟" --account 10001 --cash 1000000',
    )
    _add_path(parser)
    add = parser.add_argument
    add("--account", metavar="ID", action="append", required=True, help="资金账号，可重复")
    add("--cash", metavar="N", default="1000000", help="现金，元（默认 1000000）")
    add(
        "--position",
        metavar="CODE:VOLUME[:COST]",
        action="append",
        default=[],
        help="初始持仓：代码:数量[:成本价]，可重复；不写成本价取昨收",
    )
    add("--credit", action="store_true", help="信用账号")
    add("--exist-ok", action="store_true", help="账号已经有了、开户时的样子也相同，就接着用它")
    add(
        "--clock",
        choices=("always", "exchange", "step"),
        help="全天可交易（默认），按交易所时间，或由脚本一步一步走",
    )
    add("--seed", metavar="N", type=whole_number(), help="行情的种子；种子相同行情相同")
    add(
        "--profile",
        choices=tuple(PROFILES),
        help="哪一家券商的脾气：" + "；".join(f"{name} {p.title}" for name, p in PROFILES.items()),
    )
    _register_market(parser)
    parser.runs(_init)


def _init(arguments: argparse.Namespace) -> int:
    from easytrader.cli.opening import open_accounts
    from easytrader.sim.host.lease import holder_of

    folder = open_accounts(
        arguments.path,
        arguments.account,
        cash=arguments.cash,
        positions=arguments.position,
        credit=arguments.credit,
        exist_ok=arguments.exist_ok,
        clock=arguments.clock,
        seed=arguments.seed,
        profile=arguments.profile,
        **_market_settings(arguments),
    )
    say(f"已建好：{folder.path}")
    for account in folder.config.accounts:
        held = len(account.held)
        say(f"  账号 {account.account_id}  现金 {account.cash:.2f}  持仓 {held} 只")
    holder = holder_of(folder.path)
    if holder is None:
        say(f'启动：easytrader sim serve "{folder.path}"')
    else:
        say(f"正被 {holder.describe()} 使用：重新启动之后才看得到新账号")
    return 0


_SHARES: Final = {
    "gap_days": "隔夜跳空的日子",
    "limit_days": "涨停、跌停的日子",
    "halt_days": "停牌的日子",
    "thin_books": "盘口稀薄的日子",
}
_OTHERS: Final = (
    "start", "replay", "replay_period", "replay_volume", "bar_path", "bar_share", "bar_queue"
)  # fmt: skip


def _register_market(parser: Parser) -> None:
    """``sim init`` 的行情选项。"""
    add = parser.add_argument
    for name, title in _SHARES.items():
        text = f"合成行情里{title}占多少，0–1（默认 0）"
        add(f"--{name.replace('_', '-')}", metavar="R", type=float, help=text)
    add("--start", metavar="WHEN", help="--clock step 从哪一刻开始，例如 '2026-03-02 09:30'")
    add("--replay", metavar="PATH", help="回放数据的文件夹或文件；要配 --clock step")
    periods = ("tick", "1m", "5m", "15m", "30m", "1h", "1d")
    add("--replay-period", choices=periods, metavar="P", help=f"周期：{'、'.join(periods)}")
    units = ("hand", "share")
    add("--replay-volume", choices=units, help="数量单位：手（默认），或股")
    ways = ("adverse", "body", "low_first", "high_first")
    add("--bar-path", choices=ways, metavar="P", help=f"线里先低还是先高：{'、'.join(ways)}")
    add("--bar-share", metavar="R", type=float, help="自己至多分到一根线成交量的多少（默认 0.25）")
    queues = ("through", "shown")
    add("--bar-queue", choices=queues, help="只碰到限价：不成交（默认），或排在盘口显示的后面")


def _market_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """命令行 → 文件夹的设置；没有给的为 None。"""
    return {name: getattr(arguments, name) for name in (*_SHARES, *_OTHERS)}


# step ---------------------------------------------------------------


def _register_step(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "step",
        help="让单步的时钟走一步",
        description="文件夹要用 --clock step 建，并且正被服务着；什么都不给就只看现在。",
    )
    add = parser.add_argument
    _add_path(parser)
    add("--minutes", type=float, metavar="N", help="走几分钟交易时间")
    add("--to", metavar="WHEN", help="走到哪一刻，例如 '2026-03-02 14:30'")
    add("--next-day", action="store_true", help="走到下一个交易日的 09:30")
    parser.runs(_step)


def _step(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.stepping import Stepper

    stepper = Stepper(_folder(arguments.path).path)
    if arguments.next_day:
        now = stepper.next_day()
    elif arguments.to is not None:
        now = stepper.goto(arguments.to)
    elif arguments.minutes is not None:
        now = stepper.step(minutes=arguments.minutes)
    else:
        now = stepper.now()
    say(f"{now:%Y-%m-%d %H:%M:%S}")
    return 0


# reset --------------------------------------------------------------


def _register_reset(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "reset",
        help="回到刚开户的样子",
        description="删掉账本、历史与委托记录，账号与设置留着；正有程序使用时不做。"
        "在终端里会先问一声，脚本里不问。",
    )
    _add_path(parser)
    parser.add_argument("--yes", action="store_true", help="不问")
    parser.runs(_reset)


def _reset(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.lease import reset

    folder = _folder(arguments.path)
    if not arguments.yes and sys.stdin is not None and sys.stdin.isatty():
        say(f"{folder.path} 里的委托、成交、持仓与历史都会删掉。")
        if input("确定就输入 yes：").strip().lower() not in {"y", "yes"}:
            say("没有动它")
            return 1
    reset(folder.path)
    names = "、".join(account.account_id for account in folder.config.accounts) or "无"
    say(f"已回到刚开户的样子：{folder.path} 账号 {names}")
    return 0


# serve 与 status -------------------------------------------------------


def _folder(path: str) -> Any:
    from easytrader.sim.config.folder import SimFolder, is_sim_folder

    if not is_sim_folder(path):
        raise UsageError(
            "PATH", path, "应为模拟 MiniQMT 的文件夹；还没有就先 easytrader sim init 建一个"
        )
    return SimFolder.open(path)


def _register_serve(commands: argparse._SubParsersAction[Parser]) -> None:
    from easytrader.sim.terminal.client.manners import MANNERS

    parser = commands.add_parser(
        "serve",
        help="启动，前台运行到 Ctrl-C",
        description="扮演 MiniQMT 客户端；加上 --terminal big 是完整版 QMT 的内置 Python，"
        "跑着 --strategy 的文件。文件夹已经有人服务着时接上去，两边看着同一个账户。",
    )
    _add_path(parser)
    add = parser.add_argument
    add("--terminal", choices=("big",), help="完整版（大）QMT 的内置 Python")
    add("--strategy", metavar="FILE", help="装进去的策略，例如 easytrader bigqmt agent 写的中转")
    add("--account", metavar="ID", help="策略绑定的资金账号（默认文件夹里的第一个）")
    add("--manners", choices=tuple(MANNERS), help="客户端的脾气（默认 open，什么都许）")
    add("--mode", choices=("live", "sim", "editor"), help="实盘（默认）、模拟、编辑器里运行")
    add("--python", metavar="FILE", help="用哪个 Python（默认自己找 3.6）")
    parser.runs(_serve)


_TERMINAL_ONLY: Final = ("strategy", "account", "manners", "mode", "python")


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.terminal:
        return _serve_terminal(arguments)
    for name in _TERMINAL_ONLY:
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name}", getattr(arguments, name), "要与 --terminal big 一起给")
    from easytrader.sim.host.serve import serve

    serve(_folder(arguments.path), _announce)
    say("已停止")
    return 0


def _serve_terminal(arguments: argparse.Namespace) -> int:
    from easytrader.sim.terminal.serve import serve_terminal, settings_for

    if arguments.strategy is None:
        told = "应为策略文件：easytrader bigqmt agent --account ID -o FILE 写一个"
        raise UsageError("--strategy", None, told)
    folder = _folder(arguments.path)
    given = {name: getattr(arguments, name) for name in ("account", "manners", "mode")}
    given = {name: value for name, value in given.items() if value is not None}
    settings = settings_for(folder, arguments.strategy, **given)
    serve_terminal(folder, settings, _announce_terminal, python=arguments.python)
    say("已停止")
    return 0


def _announce_terminal(served: Served) -> None:
    settings = served.settings
    from easytrader.basics.log import masked

    where = "接上已有的柜台" if served.joined else "柜台也在这里"
    say(
        f"策略已加载：{Path(settings.strategy).name} 账号 {masked(settings.account)} "
        f"{served.interpreter.describe()} 脾气 {settings.manners} 进程 {served.process.pid} "
        f"端口 {served.service.port}（{where}）"
    )


def _announce(host: Host) -> None:
    names = "、".join(account.account_id for account in host.folder.config.accounts) or "无"
    info = host.info
    say(f"已就绪：{host.folder.path} 进程 {info.pid} 端口 {info.port} 账号 {names}")


def _status(arguments: argparse.Namespace) -> int:
    folder = _folder(arguments.path)
    code, status = _look(folder)
    if arguments.json:
        say(json.dumps(status, ensure_ascii=False))
    else:
        _show_status(status)
    return code


def _look(folder: Any) -> tuple[int, dict[str, Any]]:
    from easytrader.sim.host.faults import control
    from easytrader.sim.host.lease import holder_of

    holder = holder_of(folder.path)
    status: dict[str, Any] = {"served": False, "path": str(folder.path)}
    if holder is None or not holder.ready:
        return NOT_SERVED, {**status, "starting": holder is not None}
    try:
        return 0, {**status, "served": True, **control(folder.path, "status")}
    except SimulatorError as error:
        if holder_of(folder.path) != holder:
            return NOT_SERVED, {**status, "starting": False}  # 正好在这时停了
        return _UNRESPONSIVE, {**status, "error": str(error)}


def _show_status(status: dict[str, Any]) -> None:
    if not status["served"]:
        if "error" in status:
            say(f"没有回应：{status['error']}")
        else:
            say(f"{'正在启动' if status['starting'] else '没有服务'}：{status['path']}")
        return
    kind = {"serve": "easytrader sim serve", "embedded": "嵌在脚本进程里"}[status["kind"]]
    say(f"正在服务：{status['path']}")
    say(f"  进程 {status['pid']}（{kind}）端口 {status['port']} 自 {_when(status['started'])}")
    say(f"  账号 {'、'.join(row['account_id'] for row in status['accounts']) or '无'}")
    say(f"  会话 {len(status['sessions'])} 个")
    for row in status["sessions"]:
        accounts = "、".join(row["accounts"]) or "无"
        say(
            f"    {row['session_id']}  进程 {row['pid']}  自 {_when(row['since'])}  订阅 {accounts}"
        )
    terminals = status.get("terminals", ())
    if terminals:
        say(f"  完整版客户端 {len(terminals)} 个")
    for row in terminals:
        names = ("strategy", "mode", "python", "manners")
        told = "  ".join(f"{name} {row[name]}" for name in names if row.get(name))
        say(f"    进程 {row['pid']}  自 {_when(row['since'])}  {told}".rstrip())
    if status["faults"]:
        say(f"  等着触发的故障 {len(status['faults'])} 条（easytrader sim fault PATH list）")


def _when(stamp: float) -> str:
    return datetime.fromtimestamp(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


# run ----------------------------------------------------------------


def _register_run(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "run",
        help="运行一个 xtquant 脚本，脚本一字不改",
        description="脚本里的 xtquant 接到模拟 MiniQMT；退出码就是脚本自己的。",
    )
    parser.add_argument(
        "-m",
        dest="module",
        metavar="MODULE",
        nargs=argparse.REMAINDER,
        help="像 python -m 那样运行一个模块或包，后面的都是它的参数",
    )
    parser.add_argument(
        "--qmt",
        metavar="PATH",
        help="行情接口连这个模拟文件夹：脚本在连交易之前就取行情时，也是同一个市场",
    )
    parser.add_argument("script", metavar="SCRIPT", nargs="?", help="脚本文件")
    parser.add_argument(
        "arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="原样交给脚本的参数"
    ).required = False  # 没有给脚本时，不说还缺 ARGS
    # 脚本的输出由脚本自己负责，与直接用 python 运行时一样
    parser.set_defaults(own_output=False)
    parser.set_defaults(fail=parser.error)
    parser.runs(_run)


def _run(arguments: argparse.Namespace) -> int:
    from easytrader.cli.run_script import passed_on, run_module, run_script
    from easytrader.sim.config.folder import SimFolder

    if arguments.qmt is not None:
        # 子进程也看得到
        os.environ["EASYTRADER_SIM"] = str(SimFolder.open(arguments.qmt).path)
    if arguments.module is not None:  # 「--」之后的 argparse 会当成脚本，也是模块的参数
        module = arguments.given[arguments.given.index("-m") + 1 :]
        if not module:
            raise UsageError("-m", None, "后面写模块的名字，例如 -m strategies.daily")
        return run_module(module[0], module[1:])
    if arguments.script is None:
        arguments.fail("缺少参数 SCRIPT（脚本的路径），或 -m 模块名")
    return run_script(arguments.script, passed_on(arguments.given, arguments.arguments))


# fault --------------------------------------------------------------

_FAULTS: Final = {
    "drop-answer": ("照办而不回答", ("verb", "times")),
    "delay-answer": ("晚回答", ("verb", "seconds", "times")),
    "refuse-connect": ("拒绝连接", ("times",)),
    "disconnect": ("现在断开所有会话", ()),
    "disconnect-after": ("再答 N 个请求后断开", ("calls",)),
    "disconnect-on": ("处理请求时断开", ("verb", "when", "times")),
    "duplicate-push": ("推送送两遍", ("push", "times")),
    "reorder-push": ("推送与下一条对调", ("push", "times")),
    "disk-full": ("账本写不下", ("times",)),
    "hang": ("停住，连接都还在", ("seconds",)),
    "clock-jump": ("柜台的时钟跳过去", ("seconds",)),
    "account-status": ("账号状态变成这样", ("status",)),
    "crash": ("服务进程立刻猝死", ()),
    "crash-on": ("处理请求时进程猝死", ("verb", "when", "times")),
}


def _register_fault(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("fault", help="让正在服务的模拟 MiniQMT 出故障")
    _add_path(parser)
    kinds = parser.add_commands()
    kinds.add_parser("list", help="还没触发的故障").runs(_list_faults)
    kinds.add_parser("clear", help="全部取消").runs(_clear_faults)
    for name, (title, options) in _FAULTS.items():
        kind = kinds.add_parser(name, help=title)
        for option in options:
            _add_option(kind, name, option)
        kind.set_defaults(kind=name.replace("-", "_"), options=options)
        kind.runs(_add_fault)
    _register_terminal_faults(kinds)


_SECONDS: Final = {
    "delay-answer": "晚几秒",
    "hang": "停住几秒",
    "clock-jump": "往前跳几秒；往回写成 --seconds=-60",
}


def _add_option(parser: Parser, fault: str, option: str) -> None:
    from easytrader.sim.host.faults import PUSHES, TARGETS, WHENS

    add = parser.add_argument
    if option == "verb":
        _add_choice(parser, "verb", TARGETS, "submit", "哪种请求")
    elif option == "when":
        _add_choice(parser, "when", WHENS, "before", "柜台受理之前还是之后")
    elif option == "push":
        _add_choice(parser, "push", PUSHES, "any", "哪种推送")
    elif option == "seconds":
        add("--seconds", type=float, required=True, metavar="S", help=_SECONDS[fault])
    elif option == "status":
        add("--status", type=int, required=True, metavar="N", help="状态代码；0 是恢复正常")
    elif option == "calls":
        add("--calls", type=whole_number(1), required=True, metavar="N", help="第几个请求之后")
    elif fault == "disk-full":
        text = "几次落盘写不下（默认 0，一直到 clear）"
        add("--times", type=whole_number(), default=0, metavar="N", help=text)
    else:
        add("--times", type=whole_number(1), default=1, metavar="N", help="触发几次（默认 1）")


def _add_choice(
    parser: Parser, name: str, choices: tuple[str, ...], default: str, title: str
) -> None:
    text = f"{title}（默认 {default}）：{'、'.join(choices)}"
    parser.add_argument(
        f"--{name}", choices=choices, default=default, metavar=name.upper(), help=text
    )


def _add_fault(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.faults import Faults

    spec = {name: getattr(arguments, name) for name in arguments.options}
    Faults(_folder(arguments.path).path).add({"kind": arguments.kind, **spec})
    say("已生效")
    return 0


_TERMINAL_FAULTS: Final = {
    "profile": "换一份脾气",
    "set": "改脾气的几项",
    "hang": "主线程停住，套接字都还在",
    "kill": "立刻猝死",
    "rerun": "在同一个进程里重跑策略",
    "relogin": "清早重新登录",
    "quotes": "行情断开或恢复",
    "counter": "柜台断开或恢复",
}


def _register_terminal_faults(kinds: argparse._SubParsersAction[Parser]) -> None:
    from easytrader.sim.terminal.client.manners import MANNERS

    for do, title in _TERMINAL_FAULTS.items():
        kind = kinds.add_parser(f"terminal-{do}", help=f"完整版客户端：{title}")
        if do == "profile":
            kind.add_argument("name", choices=tuple(MANNERS), metavar="NAME", help="脾气的名字")
        elif do == "set":
            text = "例如 passorder_s=0.2、order_lag_s=[1,6]、cancel_returns=lies"
            kind.add_argument("fields", nargs="+", metavar="NAME=VALUE", help=text)
        elif do == "hang":
            kind.add_argument("--seconds", type=float, required=True, metavar="S", help="几秒")
        elif do in ("quotes", "counter"):
            kind.add_argument("state", choices=("off", "on"), help="断开，或恢复")
        kind.set_defaults(do=do)
        kind.runs(_add_terminal_fault)


def _add_terminal_fault(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.faults import Faults

    details: dict[str, Any] = {}
    if arguments.do == "profile":
        details["name"] = arguments.name
    elif arguments.do == "set":
        details["fields"] = _manners_fields(arguments.fields)
    elif arguments.do == "hang":
        details["seconds"] = arguments.seconds
    elif arguments.do in ("quotes", "counter"):
        details["up"] = arguments.state == "on"
    Faults(_folder(arguments.path).path).terminal(arguments.do, **details)
    say("已生效")
    return 0


def _manners_fields(given: list[str]) -> dict[str, Any]:
    """``名字=值`` → 脾气的各项；值照 JSON 读，读不成的是文字。"""
    from easytrader.sim.terminal.client.manners import DEFAULT, MANNERS

    fields: dict[str, Any] = {}
    for each in given:
        name, sign, text = each.partition("=")
        if not sign:
            raise UsageError("NAME=VALUE", each, "应为 名字=值，例如 passorder_s=0.2")
        try:
            fields[name] = json.loads(text)
        except ValueError:
            fields[name] = text
    try:
        MANNERS[DEFAULT].changed(**fields)
    except (ValueError, TypeError) as error:
        raise UsageError("NAME=VALUE", " ".join(given), str(error)) from None
    return fields


def _list_faults(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.faults import Faults

    for row in Faults(_folder(arguments.path).path).active():
        details = " ".join(f"{name}={value}" for name, value in row.items() if name != "kind")
        say(f"{row['kind'].replace('_', '-')} {details}".rstrip())
    return 0


def _clear_faults(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.faults import Faults

    Faults(_folder(arguments.path).path).clear()
    say("已全部取消")
    return 0


# history：按日子看以前的委托、成交、收盘的资金与持仓 -----------------------


def _register_history(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "history",
        help="看以前某一天的委托、成交，和每天收盘的资金",
        description="正在服务着也能看。什么都不给就列出有记录的日子；只给日期是那天的委托。",
    )
    add = parser.add_argument
    _add_path(parser)
    add("--date", metavar="YYYY-MM-DD", help="哪一天")
    add("--account", metavar="ID", help="只看这个资金账号")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--trades", action="store_true", help="成交")
    kinds.add_argument("--positions", action="store_true", help="那天收盘的持仓")
    kinds.add_argument("--assets", action="store_true", help="每天收盘的资金，不用给日期")
    add("--json", action="store_true", help="输出 JSON")
    parser.runs(_history)


def _history(arguments: argparse.Namespace) -> int:
    rows, form = _ask(arguments)
    if arguments.json:
        say(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        say(_line(form, row))
    if not rows:
        say("没有")
    return 0


def _ask(arguments: argparse.Namespace) -> tuple[list[Any], str]:
    """要的行，与一行的样子。"""
    from easytrader.sim.gateway import history

    path, day, account = arguments.path, arguments.date, arguments.account
    if arguments.assets:
        found = history.assets(path, account)
        return [row for row in found if day in (None, row["date"])], _ASSET
    if day is None:
        if arguments.trades or arguments.positions:
            raise UsageError("--date", None, "要说哪一天，例如 --date 2026-11-20")
        return history.days(path), "{}"
    if arguments.trades:
        return history.trades(path, day, account), _TRADE
    if arguments.positions:
        return history.positions(path, day, account), _POSITION
    return history.orders(path, day, account), _ORDER


def _line(form: str, row: Any) -> str:
    if not isinstance(row, dict):
        return form.format(row)
    from easytrader.basics.beijing import stamp

    told = row.get("traded_time", row.get("order_time"))
    at = "" if told is None else stamp(told, "%H:%M:%S")
    return form.format(**row, at=at).rstrip()


_ORDER: Final = (
    "{at}  {order_id}  {stock_code}  {offset_flag_name}  {price:g} × {order_volume}  "
    "成交 {traded_volume}  {order_status_name}  {status_msg}"
)
_TRADE: Final = (
    "{at}  {order_id}  {stock_code}  {offset_flag_name}  {traded_price:g} × {traded_volume}  "
    "{traded_amount:.2f}"
)
_POSITION: Final = (
    "{account_id}  {stock_code}  {volume}  成本 {avg_price:g}  收盘 {last_price:g}  "
    "市值 {market_value:.2f}"
)
_ASSET: Final = (
    "{date}  {account_id}  总资产 {total_asset:.2f}  可用 {cash:.2f}  市值 {market_value:.2f}  "
    "借出 {lent:.2f}  负债 {debt:.2f}  费用 {fees:.2f}"
)
