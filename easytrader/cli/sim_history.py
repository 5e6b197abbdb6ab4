"""``sim history``：按日子看以前的委托、成交、收盘的资金与持仓。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.output import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from easytrader.cli.parser import Parser


def register_history(commands: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``sim history``。"""
    parser = commands.add_parser(
        "history",
        help="看以前某一天的委托、成交，和每天收盘的资金",
        description="正在服务着也能看。什么都不给就列出有记录的日子；只给日期是那天的委托。",
    )
    add = parser.add_argument
    add("path", metavar="PATH", help="模拟 MiniQMT 的文件夹")
    add("--date", metavar="YYYY-MM-DD", help="哪一天")
    add("--account", metavar="ID", help="只看这个资金账号")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--trades", action="store_true", help="成交")
    kinds.add_argument("--positions", action="store_true", help="那天收盘的持仓")
    kinds.add_argument("--assets", action="store_true", help="每天收盘的资金，不用给日期")
    add("--json", action="store_true", help="输出 JSON")
    parser.runs(_history)


def _history(arguments: argparse.Namespace) -> int:
    rows, line = _ask(arguments)
    if arguments.json:
        say(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        say(line(row))
    if not rows:
        say("没有")
    return 0


def _ask(arguments: argparse.Namespace) -> tuple[list[Any], Callable[[Any], str]]:
    """要的行，与一行怎样写出来。"""
    from easytrader.errors import UsageError
    from easytrader.sim.gateway import history

    path, day, account = arguments.path, arguments.date, arguments.account
    if arguments.assets:
        found = history.assets(path, account)
        return [row for row in found if day in (None, row["date"])], _asset
    if day is None:
        if arguments.trades or arguments.positions:
            raise UsageError("--date", None, "要说哪一天，例如 --date 2026-11-20")
        return history.days(path), str
    if arguments.trades:
        return history.trades(path, day, account), _trade
    if arguments.positions:
        return history.positions(path, day, account), _position
    return history.orders(path, day, account), _order


def _clock(stamp: int) -> str:
    from easytrader.basics.beijing import stamp as beijing_stamp

    return beijing_stamp(stamp, "%H:%M:%S")


_GAP: Final = "  "


def _order(row: dict[str, Any]) -> str:
    return _GAP.join(
        (
            _clock(row["order_time"]),
            str(row["order_id"]),
            row["stock_code"],
            row["offset_flag_name"],
            f"{row['price']:g} × {row['order_volume']}",
            f"成交 {row['traded_volume']}",
            row["order_status_name"],
            row["status_msg"],
        )
    ).rstrip()


def _trade(row: dict[str, Any]) -> str:
    return _GAP.join(
        (
            _clock(row["traded_time"]),
            str(row["order_id"]),
            row["stock_code"],
            row["offset_flag_name"],
            f"{row['traded_price']:g} × {row['traded_volume']}",
            f"{row['traded_amount']:.2f}",
        )
    )


def _position(row: dict[str, Any]) -> str:
    return _GAP.join(
        (
            row["account_id"],
            row["stock_code"],
            str(row["volume"]),
            f"成本 {row['avg_price']:g}",
            f"收盘 {row['last_price']:g}",
            f"市值 {row['market_value']:.2f}",
        )
    )


def _asset(row: dict[str, Any]) -> str:
    return _GAP.join(
        (
            row["date"],
            row["account_id"],
            f"总资产 {row['total_asset']:.2f}",
            f"可用 {row['cash']:.2f}",
            f"市值 {row['market_value']:.2f}",
            f"借出 {row['lent']:.2f}",
            f"负债 {row['debt']:.2f}",
            f"费用 {row['fees']:.2f}",
        )
    )
