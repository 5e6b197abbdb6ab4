"""``easytrader history``：往日的委托、成交、资金。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.cli.account_options import add_account_options, opened
from easytrader.cli.output import complain, quiet_log
from easytrader.cli.tables import add_output_options, show_rows
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Rooms

_KINDS: Final = ("orders", "trades", "assets")
_OPTIONS: Final = {"start": "--from", "end": "--to"}


def register(rooms: Rooms) -> None:
    """挂上 ``history``。"""
    parser = rooms.add_parser(
        "history",
        description="往日（连同今天）的委托、成交、资金：这台机器上记下的，加上柜台还查得到的。"
        "时间是北京时间，金额是元。缺了什么写在标准错误里。",
    )
    add = parser.add_argument
    kinds = "orders 委托（默认），trades 成交，assets 资金"
    add("kind", metavar="KIND", nargs="?", choices=_KINDS, default="orders", help=kinds)
    add("--from", metavar="YYYY-MM-DD", dest="start", help="从哪天（默认 --to 之前 30 天）")
    add("--to", metavar="YYYY-MM-DD", dest="end", help="到哪天，含这一天（默认今天）")
    add_account_options(parser)
    add_output_options(parser)
    parser.runs(_history)


def _history(arguments: argparse.Namespace) -> int:
    from easytrader.rows.titles import KINDS

    with quiet_log(arguments.debug), opened(arguments) as user:
        try:
            found = cast("dict[str, Any]", user.history(arguments.start, arguments.end))
        except UsageError as exc:
            option = _OPTIONS.get(exc.argument, exc.argument)
            raise UsageError(option, exc.value, exc.expected.replace("start", "--from")) from exc
    for note in found["notes"]:
        complain(note)
    show_rows(arguments, KINDS[f"history_{arguments.kind}"], found[arguments.kind])
    return 0
