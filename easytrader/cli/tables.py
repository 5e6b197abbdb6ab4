"""给人看的表：终端里照它的宽，管道里一行不折；``--json``、``--csv`` 也在这里。"""

from __future__ import annotations

import io
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.output import is_terminal, say, say_json, speaks
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table

    from easytrader.cli.parser import Parser
    from easytrader.rows.titles import Column, Kind

_LEAST_WIDTH: Final = 60
_PIPE_WIDTH: Final = 1000
_SIGNED: Final = frozenset({"profit", "profit_ratio", "slippage_value", "slippage_bp"})
"""终端里涨红跌绿的键。"""


def add_output_options(parser: Parser, *, csv: bool = True) -> None:
    """加上 ``--json``；``csv``：还有 ``--csv``、``--names``、``--wide``、``--sort``。"""
    group = parser.add_argument_group("输出")
    ways = group.add_mutually_exclusive_group()
    ways.add_argument("--json", action="store_true", help="输出 JSON，键与 SDK 返回的一样")
    if not csv:
        return
    ways.add_argument("--csv", action="store_true", help="输出 CSV，全部的列")
    names = ("en", "zh")
    group.add_argument("--names", choices=names, default="en", help="CSV 的列名：en（默认）、zh")
    group.add_argument("--wide", action="store_true", help="表里列出全部的列")
    group.add_argument("--sort", metavar="KEY", help="按这一列排；-KEY 从大到小：--sort=-profit")


def show_rows(arguments: argparse.Namespace, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> None:
    """一些行，照命令行要的样子写到标准输出。

    Raises:
        UsageError: ``--sort`` 没有这一列。
    """
    if arguments.sort is not None:
        rows = _sorted(arguments.sort, kind, rows)
    if arguments.json:
        say_json(list(rows))
    elif arguments.csv:
        say_csv(kind, rows, chinese=arguments.names == "zh")
    elif rows:
        every = kind.columns_for(rows)
        brief = (*every[: len(every) - len(kind.columns)], *kind.brief_columns)
        say_table(every if arguments.wide else worth(brief, rows), rows)
    else:
        say(f"没有{kind.title}")


def say_csv(kind: Kind, rows: Sequence[Mapping[str, Any]], *, chinese: bool = False) -> None:
    """CSV：没有行也有列名；数照原样，不加逗号。"""
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = kind.columns_for(rows)
    writer.writerow([column.title if chinese else column.key for column in columns])
    for row in rows:
        writer.writerow([_bare(row.get(column.key)) for column in columns])
    say(text.getvalue().rstrip("\n"))


def say_table(
    columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], title: str | None = None
) -> None:
    """一张表，写到标准输出。"""
    say_drawn(table_of(columns, rows, title))


def table_of(
    columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], title: str | None = None
) -> Table:
    """一张表（rich 的）：数靠右，中文按两格算。"""
    table = plain_table(title)
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column.key)) for column in columns))
    return table


def plain_table(title: str | None = None) -> Table:
    """一张空表：80 列里放得下，只画表头下的一道线；写不出线的编码用减号。"""
    from rich.box import ASCII, SIMPLE_HEAD
    from rich.table import Table

    box = SIMPLE_HEAD if speaks("─", sys.stdout) else ASCII
    return Table(
        title=title, title_justify="left", box=box, show_edge=False, pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip


def say_drawn(*drawn: RenderableType) -> None:
    """Rich 画的东西，写到标准输出；不是终端就没有颜色，也不折行。"""
    if is_terminal(sys.stdout):
        console = terminal()
        for each in drawn:
            console.print(each)
        return
    say(drawn_text(*drawn))


def drawn_text(*drawn: RenderableType, width: int | None = None) -> str:
    """Rich 画的东西 → 文字，没有颜色；``width`` 不给就不折行。"""
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text, width=width or _PIPE_WIDTH, color_system=None, highlight=False, markup=False
    )
    for each in drawn:
        console.print(each)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def terminal(*, error: bool = False) -> Console:
    """终端：NO_COLOR 在的话没有颜色（rich 看它）。"""
    from rich.console import Console

    width = max(_LEAST_WIDTH, shutil.get_terminal_size((120, 24)).columns)
    return Console(stderr=error, width=width, highlight=False, markup=False)


def screen_width(most: int = 120) -> int:
    """给人看的长文字折在多宽：终端的宽，不超过 ``most``。"""
    return max(_LEAST_WIDTH, min(most, shutil.get_terminal_size((most, 24)).columns))


def _cell(column: Column, value: object) -> Any:
    text = column.text(value)
    if column.key not in _SIGNED or not isinstance(value, (int, float)) or not value:
        return text
    from rich.text import Text

    return Text(text, style="red" if value > 0 else "green")


def worth(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Sequence[Column]:
    """去掉哪一行都没有内容的列（不知道的名称、盈亏）。"""
    return [each for each in columns if any(row.get(each.key) not in ("", None) for row in rows)]


def _bare(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _sorted(
    wanted: str, kind: Kind, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """没有值的排在最后。"""
    name = wanted.removeprefix("-")
    keys = [column.key for column in kind.columns if name in (column.key, column.title)]
    if not keys:
        listed = "、".join(f"{column.key}（{column.title}）" for column in kind.columns)
        raise UsageError("--sort", wanted, f"没有这一列。有的是：{listed}")
    [key] = keys
    known = [row for row in rows if row.get(key) is not None]
    unknown = [row for row in rows if row.get(key) is None]
    return sorted(known, key=lambda row: row[key], reverse=wanted[:1] == "-") + unknown
