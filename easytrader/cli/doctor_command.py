"""``easytrader doctor``：体检，印成表格或 JSON。"""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from easytrader.cli.output import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from easytrader.cli.parser import Parser
    from easytrader.types import CheckResult

_UNHEALTHY: Final = 1
_WIDTHS: Final = (60, 120)


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``doctor``。"""
    parser = rooms.add_parser(
        "doctor",
        description="什么都不改，不下单。退出码：0 没有「有问题」的，1 有，2 用法不对。",
    )
    add = parser.add_argument
    add("path", metavar="PATH", nargs="?", help="userdata_mini；不给就看默认的模拟文件夹")
    add("--account", metavar="ID", help="资金账号；给了才真的连一次")
    add("--type", metavar="TYPE", default="STOCK", help="账号类型（默认 STOCK；信用账号 CREDIT）")
    add("--timeout", metavar="S", type=float, default=10.0, help="连接的期限，秒（默认 10）")
    add("--no-network", action="store_true", help="不上网核对时钟")
    add("--json", action="store_true", help="输出 JSON")
    parser.runs(_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from easytrader.checkup import doctor
    from easytrader.miniqmt.diagnose.file_checks import BAD

    with _quiet_log():
        rows = doctor(
            arguments.path,
            arguments.account,
            account_type=arguments.type,
            timeout=arguments.timeout,
            network=not arguments.no_network,
        )
    if arguments.json:
        say(
            json.dumps(rows, ensure_ascii=not _speaks_chinese(json.dumps(rows, ensure_ascii=False)))
        )
    else:
        _show(rows)
    return _UNHEALTHY if any(row["status"] == BAD for row in rows) else 0


@contextmanager
def _quiet_log() -> Iterator[None]:
    """结果都在表里，不要日志。"""
    from loguru import logger

    logger.disable("easytrader")
    try:
        yield
    finally:
        logger.enable("easytrader")


def _show(rows: list[CheckResult]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("结果", no_wrap=True)
    table.add_column("项目", no_wrap=True)
    table.add_column("情况", overflow="fold")
    for row in rows:
        table.add_row(row["status"], row["title"], row["detail"])
    least, most = _WIDTHS
    width = max(least, min(most, shutil.get_terminal_size((most, 24)).columns))
    text = io.StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, markup=False)
    console.print(table)
    # 因为别的项而跳过的，修法与那一项相同，只说一遍
    todo: dict[str, str] = {}
    for row in rows:
        if row["fix"]:
            todo.setdefault(row["fix"], row["title"])
    if todo:
        console.print("\n怎么办：")
    for number, (fix, title) in enumerate(todo.items(), 1):
        console.print(f"  {number}. {title}：{fix}", soft_wrap=True)
    say("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def _speaks_chinese(text: str) -> bool:
    """标准输出的编码写得出这些字。"""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
