"""``easytrader sim replay``：把一年的行情放给一字不改的脚本看。"""

from __future__ import annotations

import io
import json
import os
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from easytrader.cli.output import complain, say
from easytrader.errors import MissingDependencyError, SimulatorError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from easytrader.cli.parser import Parser
    from easytrader.replay.data import Data
    from easytrader.replay.report import Results
    from easytrader.replay.year import Options

_USAGE: Final = 2
_PARTLY: Final = 4
_PERIODS: Final = ("tick", "1m", "5m", "15m", "30m", "1h", "1d")
_FAILURES: Final = 3


def register(commands: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``sim replay``。"""
    parser = commands.add_parser(
        "replay",
        help="把一段日子的行情放给 cron 脚本看，脚本一字不改",
        description="每个交易日到点跑一遍脚本，像 cron 那样；时间、账户、行情都是回放的，"
        "真的柜台够不着。退出码：0 每天都好，1 没有放成、每天都出错或 --stop-on-error 停下，"
        "2 用法不对，4 有的日子出错。",
    )
    add = parser.add_argument
    add("--data", metavar="PATH", required=True, help="行情：CSV、Parquet，或一只一个文件的文件夹")
    add("--from", dest="first", metavar="DAY", required=True, help="从哪天，YYYY-MM-DD")
    add("--to", dest="last", metavar="DAY", required=True, help="到哪天（含）")
    add("--at", metavar="HH:MM", default="14:50", help="每天几点跑（默认 14:50）")
    add("--period", choices=_PERIODS, metavar="P", help="周期；不写自己认")
    units = ("hand", "share")
    add("--volume", choices=units, default="hand", help="数量的单位：手（默认），或股")
    add("--cash", metavar="N", default="1000000", help="开始时的现金，元（默认 1000000）")
    add("--account", metavar="ID", help="资金账号；脚本写的是哪个，脚本里看到的就是哪个")
    add(
        "--position",
        metavar="CODE:VOLUME[:COST]",
        action="append",
        default=[],
        help="开始时的持仓，可重复",
    )
    add("--benchmark", metavar="CODE|FILE", help="基准：数据里的一只，或有 time、close 列的文件")
    add("--actions", metavar="FILE", help="除权除息（corporate_actions.json）")
    add("--seed", metavar="N", type=int, help="柜台的种子")
    add("--report", metavar="DIR", help="结果写进这个文件夹")
    add("--day-timeout", metavar="S", type=float, default=60.0, help="一天真的最多跑几秒（60）")
    add("--stop-on-error", action="store_true", help="哪天出错就停")
    add("--json", action="store_true", help="汇总输出 JSON")
    add("script", metavar="SCRIPT", help="脚本文件")
    add("arguments", metavar="ARGS", nargs="*", help="原样交给脚本的参数，写在「--」之后")
    parser.runs(_replay)


def _replay(arguments: argparse.Namespace) -> int:
    try:
        return _played(arguments)
    except MissingDependencyError as error:
        complain(f"错误：{error}")
        return _USAGE


def _played(arguments: argparse.Namespace) -> int:
    from easytrader.cli.progress import progress
    from easytrader.replay.data import Data
    from easytrader.replay.report import Results
    from easytrader.replay.year import replay

    first, last = _day("--from", arguments.first), _day("--to", arguments.last)
    _check_timeout(arguments.day_timeout)
    data = Data(arguments.data, arguments.period, arguments.volume)
    options = _options(arguments, data, data.days(first, last))
    folder = None if arguments.report is None else _folder(arguments.report)
    with (
        _log(folder) as output,
        _quiet(arguments.debug),
        progress("回放", len(options.days)) as step,
    ):
        number = count(1)
        done = replay(
            options,
            data,
            output,
            on_day=lambda run: step(next(number), run.day.isoformat()),
            stuck=_stuck,
        )
    results = Results(done)
    written = [] if folder is None else _save(results, folder)
    if arguments.json:
        files = [str(each) for each in written]
        say(json.dumps({**results.summary, "files": files}, ensure_ascii=False))
    else:
        _print(results, written)
    failed = len(results.failures)
    stopped = failed and options.stop_on_error
    return 1 if stopped or failed == results.summary["days_run"] else _PARTLY if failed else 0


def _options(arguments: argparse.Namespace, data: Data, days: list[date]) -> Options:
    from easytrader.cli.opening import held_of, yuan_of
    from easytrader.replay.year import Options
    from easytrader.sim.config.folder import DEFAULT_ACCOUNT

    script_arguments: list[str] = arguments.arguments
    settings: dict[str, Any] = {} if arguments.seed is None else {"seed": arguments.seed}
    return Options(
        arguments.script,
        days,
        at=arguments.at,
        arguments=script_arguments,
        cash=yuan_of(arguments.cash),
        account_id=arguments.account or DEFAULT_ACCOUNT,
        positions=held_of(arguments.position, data.library),
        benchmark=arguments.benchmark,
        actions=arguments.actions,
        day_timeout=arguments.day_timeout,
        stop_on_error=arguments.stop_on_error,
        settings=settings,
    )


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(name, text, "应为 YYYY-MM-DD，例如 2025-01-02") from None


def _check_timeout(seconds: float) -> None:
    if not 0 < seconds <= 86400:
        raise UsageError("--day-timeout", seconds, "应为大于 0、至多一天的秒数")


def _folder(given: str) -> Path:
    folder = Path(given).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("--report", given, f"建不了这个文件夹：{error}") from None
    return folder


@contextmanager
def _log(folder: Path | None) -> Iterator[TextIO]:
    """脚本写到屏幕上的：写进 ``script.log``，没有要报告的不留。"""
    if folder is None:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            yield nowhere
        return
    path = folder / "script.log"
    try:
        file = path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError("--report", str(folder), f"写不进 {path.name}：{error}") from None
    with file:
        yield file


@contextmanager
def _quiet(debug: bool) -> Iterator[None]:
    """每天都要连一次，本库自己的日志不必一天一遍。"""
    from loguru import logger

    if debug:
        yield
        return
    logger.disable("easytrader")
    try:
        yield
    finally:
        logger.enable("easytrader")


def _stuck() -> None:
    """叫不停的脚本：没有别的办法，进程退出。"""
    complain("脚本跑得太久，又停不下来：回放到此为止。看 --day-timeout")
    os._exit(1)


def _save(results: Results, folder: Path) -> list[Path]:
    picture: list[Path] = []
    try:
        try:
            picture = [results.plot().save_png(folder / "equity.png")]
        except MissingDependencyError as error:
            complain(f"没有画图：{error}")
        written = results.save(folder, picture[0].name if picture else "") + picture
    except OSError as error:
        raise SimulatorError(f"结果写不进 {folder}：{error}") from error
    return written


def _print(results: Results, written: list[Path]) -> None:
    from easytrader.replay.report import plotted

    start = results.summary["start"] * 1000 or 1
    out = io.StringIO()
    for line in plotted([1.0, *(row["total_asset"] / start for row in results.equity)]):
        out.write(line + "\n")
    for name, value in results.rows():
        out.write(f"{name}\t{value}\n")
    for each in results.failures[:_FAILURES]:
        out.write(f"出错\t{each['date']} {each['why']}\n")
    if len(results.failures) > _FAILURES:
        out.write(f"　　\t还有 {len(results.failures) - _FAILURES} 天\n")
    for path in written:
        out.write(f"写好\t{path}\n")
    say(out.getvalue().rstrip("\n"))
