"""``easytrader schedule``：没有 cron 的机器上，一个前台的程序到点跑各个任务，只在交易日。"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader.basics import beijing, stopping
from easytrader.cli.job_frame import log_file_of
from easytrader.cli.output import complain, say, say_json
from easytrader.cli.parser import seconds
from easytrader.errors import EasytraderError, UsageError
from easytrader.jobs import codes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from easytrader.cli.parser import Rooms
    from easytrader.jobs.schedule import Line
    from easytrader.profiles import Profile

_JOB: Final = "schedule"
_SHOWN: Final = 3
"""``--list`` 每个任务列几次。"""
_TIMEOUT_S: Final = 6 * 3600.0
_GRACE_S: Final = 60.0
_STOP_S: Final = 30.0
_ORDERING: Final = ("rebalance", "buy", "sell")
"""真的账户要问一声的。"""
_WEEKDAYS: Final = "一二三四五六日"


def register(rooms: Rooms) -> None:
    """挂上 ``schedule``。"""
    parser = rooms.add_parser(
        "schedule",
        description="一行一个任务：[哪天] 时:分[:秒] 命令 参数…，北京时间，只在交易日跑。\n"
        '例：easytrader schedule "14:50 rebalance targets.csv --profile main --yes" '
        '"month-start 09:35 run monthly.py"\n'
        "哪天：不写是每个交易日；month-start（每月首个交易日）、month-end、week-start、\n"
        "week-end；mon 到 fri。反斜杠照写，带空格的路径用引号。\n"
        '要 APScheduler：pip install "easytrader[schedule]"\n'
        "退出码：0 停好了，1 停的时候还有任务在跑（没有杀它），2 有一行写得不对，"
        "130 第二次 Ctrl-C。",
    )
    add = parser.add_argument
    add("lines", metavar="LINE", nargs="*", help="一行一个任务；也可以是装着它们的文件")
    add("--file", metavar="FILE", help="装着各行的文件，空行与 # 开头的不算")
    add("--list", action="store_true", help="列出接下来几次什么时候跑，就退出")
    add("--json", action="store_true", help="--list 输出 JSON")
    add("--profile", metavar="NAME", help="没做成的（错过、超时、退出码不对）照这个账号的设置通知")
    told = f"一个任务最多跑这么久，秒，到期停掉（默认 {_TIMEOUT_S:g}）"
    add("--timeout", metavar="S", type=seconds, default=_TIMEOUT_S, help=told)
    told = f"晚了这么多秒以内的还跑，再晚就错过了（默认 {_GRACE_S:g}）"
    add("--grace", metavar="S", type=seconds, default=_GRACE_S, help=told)
    told = f"停的时候，在跑的最多等这么多秒（默认 {_STOP_S:g}），还没有跑完的不杀"
    add("--stop-wait", metavar="S", type=seconds, default=_STOP_S, help=told)
    add("--assume-open", action="store_true", help="日历不知道的周一至周五当作开市")
    add("--log-file", metavar="FILE", help="日志也写进这个文件，写满 20 MB 换一个，留 10 个")
    parser.runs(_schedule)


def _schedule(arguments: argparse.Namespace) -> int:
    from easytrader.jobs import schedule

    schedule.check_installed()
    lines = [schedule.parse(text, _wrong_command) for text in _texts(arguments)]
    if not lines:
        told = '至少一行，例如 "14:50 rebalance targets.csv --profile main"，或 --file 文件'
        raise UsageError("LINE", None, told)
    for told in _doubts(lines, arguments.assume_open):
        complain(f"警告：{told}")
    if arguments.list:
        return _list(lines, arguments)
    return _run(lines, arguments)


def _texts(arguments: argparse.Namespace) -> list[str]:
    """各行的文字：命令行上的，``--file`` 的，写成一个文件的路径的。"""
    from easytrader.jobs import schedule

    found = [] if arguments.file is None else schedule.read(arguments.file)
    for each in arguments.lines:
        found += schedule.read(each) if Path(each).is_file() else [each]
    return found


def _wrong_command(given: Sequence[str]) -> str:
    """命令、选项哪里不对；对的为空。照真的解析一遍，到点了才说就晚了。"""
    from easytrader.cli import COMMANDS

    name = given[0]
    if name == "schedule":
        return "排程里不能再排程"
    if name not in COMMANDS:
        return f"没有命令 {name!r}，有的是：{'、'.join(COMMANDS)}"
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            told = _parsed(given)
    except SystemExit as stop:
        wrong = said.getvalue().strip().splitlines()
        return wrong[-1].removeprefix("错误：") if stop.code else ""
    try:
        return _never_works(given[0], told)
    except EasytraderError as exc:  # 没有这个账号的设置、密码取不到、后端写错了
        return str(exc)


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    from easytrader.cli import build_parser

    told = build_parser(given[0]).parse_args(list(given))
    told.given = list(given)
    if given[0] == "run":
        from easytrader.cli.run_command import own_arguments

        own_arguments(told)
    return told


def _profile_of(name: str, told: argparse.Namespace) -> Profile | None:
    """这一行用哪个账号；不用账号的、没有说的（脚本自己连）为 None。

    Raises:
        UsageError: 没有说清，没有这个设置，写得不对。
    """
    from easytrader.cli.account_options import chosen, is_told

    if name == "doctor":  # 它的账号选项是自己的：只有设置的名字是一样的
        from easytrader.profiles import find

        return None if told.profile is None else find(told.profile)
    if not hasattr(told, "profile") or (name not in _ORDERING and not is_told(told)):
        return None
    return chosen(told, ordering=name in _ORDERING)


def _never_works(name: str, told: argparse.Namespace) -> str:
    """到点一定做不成的为什么；做得成的为空。子进程没有终端，问不了。

    Raises:
        EasytraderError: 账号的设置不对。
    """
    from easytrader.cli.rebalance_command import is_simulated

    profile = _profile_of(name, told)
    if profile is None or name not in _ORDERING or told.yes:
        return ""
    looking = name == "rebalance" and (told.dry_run or told.plan)
    if looking or is_simulated(profile):
        return ""
    return "真的账户要问一声，到点没有终端可以问：加上 --yes 就是确定"


def _doubts(lines: Sequence[Line], assume_open: bool) -> Iterator[str]:
    """多半写错了的，一样一句。"""
    seen = set()
    for line in lines:
        key = (line.which, line.weekday, line.at, line.arguments)
        if key in seen:
            yield f"{line.text}：写了两遍，到点做两次"
        seen.add(key)
        told = _parsed(line.arguments)
        for name in ("targets", "execute", "script"):
            file = getattr(told, name, None)
            if file is not None and not Path(file).expanduser().exists():
                yield f"{line.text}：现在还没有 {file}（从 {Path.cwd()} 算起）"
        if line.arguments[0] in ("rebalance", "run"):
            shut = _shut(line, told, assume_open)
            if shut:
                yield f"{line.text}：{line.at:%H:%M:%S} 不在交易时间（{shut}），每次都不会做"


def _shut(line: Line, told: argparse.Namespace, assume_open: bool) -> str:
    """这个时刻从来不开市：那时是什么；开市的日子开市的为空。"""
    from easytrader.cli.job_frame import gate_hours
    from easytrader.jobs.gate import account_gate
    from easytrader.profiles import AccountSpec, Profile

    at = line.next(beijing.beijing_now(), assume_open=assume_open)
    profile = _profile_of(line.arguments[0], told) or Profile("", AccountSpec("miniqmt"))
    if at is None or not gate_hours(profile, told):
        return ""
    gate = account_gate(profile.account, at.timestamp(), assume_open=True)
    return "" if gate.open or gate.state == "休市" else gate.state


def _list(lines: Sequence[Line], arguments: argparse.Namespace) -> int:
    from easytrader.jobs import schedule

    now = beijing.beijing_now()
    assume_open = arguments.assume_open
    found = schedule.upcoming(lines, now, _SHOWN, assume_open=assume_open)
    told = schedule.warning(now.date())
    if told:
        complain(f"警告：{told}")
    if arguments.json:
        say_json([
            {"at": int(at.timestamp()), "time": f"{at:%Y-%m-%d %H:%M:%S}", "command": line.command,
             "line": line.text, "known": not _unsure(line, at, assume_open)}
            for at, line in found
        ])  # fmt: skip
        return 0
    for at, line in found:
        say(f"{_moment(at)}  {line.command}{_unsure(line, at, assume_open)}")
    return 0


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d} 周{_WEEKDAYS[at.weekday()]} {at:%H:%M:%S}"


def _unsure(line: Line, at: datetime, assume_open: bool) -> str:
    due = line.is_due(at.date(), assume_open=assume_open)
    return "" if due is not None else "  （日历不知道这天是否开市）"


def _run(lines: Sequence[Line], arguments: argparse.Namespace) -> int:
    from easytrader.jobs import logfile, schedule
    from easytrader.jobs.lock import only_one
    from easytrader.jobs.notify import Notifier
    from easytrader.profiles import find

    profile = None if arguments.profile is None else find(arguments.profile)
    notifier = Notifier(job=_JOB) if profile is None else Notifier.of(profile, _JOB)

    def failed(line: Line, why: str) -> None:
        notifier.say("failure", f"排程：{line.command} 没有做成", [why], {"line": line.text})

    table = schedule.Schedule(
        lines,
        timeout_s=arguments.timeout,
        grace_s=arguments.grace,
        stop_s=arguments.stop_wait,
        assume_open=arguments.assume_open,
        failed=failed,
    )
    file = log_file_of(arguments, profile)
    same = "\n".join(sorted(line.text for line in lines))
    with (
        logfile.logging_to(file, debug=arguments.debug),
        only_one(_JOB, same, command=["easytrader", *arguments.given]),
        notifier,
        stopping.heard(table.ask),
    ):
        say(f"排好了 {len(lines)} 个任务，北京时间；停：Ctrl-C。进程 {os.getpid()}")
        for line in lines:
            at = line.next(beijing.beijing_now(), assume_open=arguments.assume_open)
            following = "一年之内没有" if at is None else f"下一次 {_moment(at)}"
            say(f"  {line.told}  {line.command}  {following}")
        clean = table.run()
    say("已停止" if clean else "已停止；还有任务在跑，它会自己跑完")
    return codes.DONE if clean else codes.FAILED
