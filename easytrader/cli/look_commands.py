"""``easytrader balance|position|entrusts|trades|quote|status``：只看，什么都不发出。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.account_options import add_account_options, opened
from easytrader.cli.output import complain, quiet_log, say, say_json
from easytrader.cli.tables import add_output_options, say_drawn, show_rows
from easytrader.errors import ConnectFailedError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.table import Table

    from easytrader.cli.parser import Rooms
    from easytrader.trader import Trader

_FAILED: Final = 1
_CONNECTED: Final = "已连接"
_ENTRUSTS_TOLD: Final = "时间是北京时间，价格是元，数量是股/份/张。"


def register(rooms: Rooms) -> None:
    """挂上这几个命令。"""
    for name, told in (
        ("balance", "金额是元。"),
        ("position", "价格、市值是元，数量是股/份/张。"),
        ("entrusts", _ENTRUSTS_TOLD),
        ("trades", _ENTRUSTS_TOLD),
    ):
        parser = rooms.add_parser(name, description=told)
        if name != "balance":
            parser.add_argument(
                "--code", metavar="CODE", action="append", default=[], help="只看这些证券，可重复"
            )
        if name == "entrusts":
            parser.add_argument("--open", action="store_true", help="只看还可以撤的")
            found = "只看这一笔：委托编号、client_order_id，或结果未知时给的标记"
            parser.add_argument("--find", metavar="KEY", help=found)
        add_account_options(parser)
        add_output_options(parser)
        parser.set_defaults(kind=name)
        parser.runs(_look)
    quote = rooms.add_parser("quote", description="只给一只时画出五档。价格是元，数量是股/份/张。")
    quote.add_argument("codes", metavar="CODE", nargs="+", help="证券代码：600036、510300.SH……")
    add_account_options(quote)
    add_output_options(quote)
    quote.runs(_quote)
    status = rooms.add_parser(
        "status", description="连一次，说出连接的健康状况。退出码：0 连得上，1 连不上。"
    )
    add_account_options(status)
    add_output_options(status, csv=False)
    status.runs(_status)


# ---- 资金、持仓、委托、成交


def _look(arguments: argparse.Namespace) -> int:
    with quiet_log(arguments.debug), opened(arguments) as user:
        rows = look(user, arguments.kind, getattr(arguments, "find", None))
        if getattr(arguments, "code", None):
            rows = _of_codes(user, arguments.code, rows)
    if getattr(arguments, "open", False):
        from easytrader.codes import CANCELLABLE_STATUSES

        rows = [row for row in rows if row["order_status"] in CANCELLABLE_STATUSES]
    from easytrader.rows.titles import KINDS

    show_rows(arguments, KINDS[arguments.kind], rows)
    return _FAILED if getattr(arguments, "find", None) is not None and not rows else 0


def look(user: Trader, kind: str, find: str | None = None) -> list[Mapping[str, Any]]:
    """``balance position entrusts trades`` 的行。"""
    if find is not None:
        id_type = user.capabilities.id_type
        row = user.find_entrust(int(find) if id_type is int and find.isdecimal() else find)
        return [] if row is None else [row]
    ask: Mapping[str, Callable[[], Iterable[Mapping[str, Any]]]] = {
        "balance": lambda: user.balance,
        "position": lambda: user.position,
        "entrusts": lambda: user.today_entrusts,
        "trades": lambda: user.today_trades,
    }
    return list(ask[kind]())


def _of_codes(
    user: Trader, codes: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    parse = user.capabilities.instruments.security
    try:
        wanted = {parse(text).stock_code for text in codes}
    except UsageError as exc:
        raise UsageError("--code", exc.value, exc.expected) from None
    return [row for row in rows if row["stock_code"] in wanted]


# ---- 行情


def _quote(arguments: argparse.Namespace) -> int:
    with quiet_log(arguments.debug), opened(arguments) as user:
        try:
            found = user.quote(arguments.codes)
        except UsageError as exc:
            raise UsageError("CODE", exc.value, exc.expected) from exc
    from easytrader.rows.titles import KINDS

    rows = list(found.values())
    if arguments.json:
        say_json(found)
    elif len(rows) == 1 and not (arguments.csv or arguments.wide):
        say_drawn(_five_levels(rows[0]))
    else:
        show_rows(arguments, KINDS["quote"], rows)
    return 0


def _five_levels(row: Mapping[str, Any]) -> Table:
    """卖五到买五，最新价在中间。"""
    from easytrader.cli.tables import plain_table
    from easytrader.rows.titles import KINDS

    columns = {column.key: column for column in KINDS["quote"].columns}
    table = plain_table(f"{row['stock_code']}  {columns['time'].text(row['time'])}")
    table.add_column("")
    for title in ("价格", "数量"):
        table.add_column(title, justify="right")
    price, volume = columns["last"].text, columns["volume"].text
    for number, (at, size) in reversed(list(enumerate(row["asks"][:5]))):
        table.add_row(f"卖{_LEVELS[number]}", price(at), volume(size))
    table.add_section()
    table.add_row("最新", price(row["last"]), volume(row["volume"]))
    table.add_section()
    for number, (at, size) in enumerate(row["bids"][:5]):
        table.add_row(f"买{_LEVELS[number]}", price(at), volume(size))
    table.add_section()
    for key in ("pre_close", "open", "high", "low", "limit_up", "limit_down"):
        table.add_row(columns[key].title, price(row[key]), "")
    return table


_LEVELS: Final = "一二三四五"


# ---- 健康状况

_STATUS: Final = {
    "state": "状态",
    "since": "从何时起",
    "account_id": "账号",
    "path": "在哪里",
    "session_id": "会话",
    "attempts": "这次重连了几次",
    "reconnects": "一共重连过几次",
    "last_error": "最近一次没连上",
    "last_answer": "最近一次应答",
    "unanswered": "连续没有应答",
    "heartbeat_failures": "连续没有应答的心跳",
    "latency_ms": "应答要多久",
    "open_intents": "结果未知的委托",
    "guard": "风控",
}


def _status(arguments: argparse.Namespace) -> int:
    try:
        with quiet_log(arguments.debug), opened(arguments) as user:
            status = dict(user.status)
    except ConnectFailedError as exc:
        if not arguments.json:
            raise
        complain(f"错误：{exc}")
        say_json({"state": "未连接", "last_error": str(exc)})
        return _FAILED
    if arguments.json:
        say_json(status)
    else:
        for key, title in _STATUS.items():
            told = _told(key, status.get(key))
            if told:
                say(f"{title}：{told}")
    return 0 if status["state"] == _CONNECTED else _FAILED


def _told(key: str, value: Any) -> str:
    from easytrader.basics.beijing import stamp

    if key in ("since", "last_answer"):
        return stamp(value, "%Y-%m-%d %H:%M:%S") if value else ""
    if isinstance(value, dict):
        return "  ".join(f"{name} {each}" for name, each in value.items())
    return str(value) if value else ""
