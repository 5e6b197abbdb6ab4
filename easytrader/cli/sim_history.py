"""``sim history``：按日子看以前的委托、成交、收盘的资金与持仓。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.output import say

if TYPE_CHECKING:
    import argparse

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
    from easytrader.errors import UsageError
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
