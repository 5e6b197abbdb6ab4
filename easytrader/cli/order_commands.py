"""``easytrader buy|sell|cancel``：先给人看，真的账户上还要问一声，再发出。

结果未知的绝不再发：说出凭什么去核对。
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.cli.account_options import add_account_options, opened
from easytrader.cli.output import complain, confirmed, quiet_log, say, say_json
from easytrader.cli.parser import plain_number, seconds
from easytrader.cli.tables import add_output_options, say_table
from easytrader.codes import CANCELLABLE_STATUSES, FINAL_STATUSES
from easytrader.errors import (
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from easytrader.backend.records import OrderRequest
    from easytrader.cli.parser import Rooms
    from easytrader.orders.router import MarketView
    from easytrader.server.preview import Preview
    from easytrader.trader import Trader

_FAILED: Final = 1
_USAGE: Final = 2
_PARTLY: Final = 4
_MARKET: Final = ("market", "市价")
_OPTIONS: Final = {
    "security": "CODE",
    "price": "PRICE",
    "amount": "AMOUNT",
    "ttype": "--ttype",
    "client_order_id": "--client-order-id",
    "strategy_name": "--strategy",
    "remark": "--remark",
    "entrust_no": "ENTRUST_NO",
}
"""参数的名字 → 命令行上怎么写。"""
_JUNK: Final = "废单"
_CHECK: Final = "先核对，不要再下：easytrader entrusts"


def register(rooms: Rooms) -> None:
    """挂上 ``buy sell cancel``。"""
    _register_order(rooms, "buy", "买入")
    _register_order(rooms, "sell", "卖出")
    _register_cancel(rooms)


def _register_order(rooms: Rooms, side: str, told: str) -> None:
    parser = rooms.add_parser(
        side,
        description=f"例：easytrader {side} 600036 35.5 100 --profile main\n"
        f"　　easytrader {side} 600036 market 100 --profile main\n"
        "先印出要多少钱、哪里不对，真的账户上再问一声。退出码：0 已报（--wait 时是全部成交），\n"
        "1 没办成（被拒绝、结果未知、到期没有成交），2 用法不对、什么都没有发出，4 只成交一部分。",
    )
    add = parser.add_argument
    add("code", metavar="CODE", help="证券代码：600036、600036.SH、sh600036……")
    add("price", metavar="PRICE", type=_price, help=f"{told}价，元；market（或 市价）是市价委托")
    add("amount", metavar="AMOUNT", type=plain_number("股/份/张", "100"), help="数量，股/份/张")
    add("--ttype", metavar="TYPE", help="市价类型（默认 对手方最优价格委托）；只用于市价")
    add("--client-order-id", metavar="ID", help="自己取的委托 id：同一个 id 再下，只有一笔委托")
    add("--remark", metavar="TEXT", default="", help="备注，出现在委托里")
    add("--strategy", metavar="NAME", default="", help="策略名，不超过 23 字节")
    add("--wait", metavar="S", type=seconds, help="等到终态（已成、已撤、废单），最多这么多秒")
    add("--yes", action="store_true", help="不问（没有终端时必须写，模拟账户不用）")
    add_account_options(parser)
    add_output_options(parser, csv=False)
    parser.set_defaults(side=side)
    parser.runs(_order)


def _price(text: str) -> Decimal | None:
    """市价为 None。"""
    return None if text.lower() in _MARKET else plain_number("元", "35.5，或 market")(text)


# ---- 买卖


def _order(arguments: argparse.Namespace) -> int:
    if arguments.price is not None and arguments.ttype is not None:
        raise UsageError("--ttype", arguments.ttype, "只用于市价：PRICE 写 market")
    verb, wanted = _wanted(arguments)
    # 柜台可能会拒绝的理由，先看的那一步已经说过，日志里不必再说一遍
    with quiet_log(arguments.debug, "ERROR"), opened(arguments, ordering=True) as user:
        code = _looked(user, verb, wanted, arguments)
        if code is not None:
            return code
        try:
            placed: Mapping[str, Any] = getattr(user, verb)(**wanted)
        except OutcomeUnknownError as exc:
            return _unknown(exc, arguments.json)
        except KeyboardInterrupt:
            complain(f"打断了：这笔委托可能已经发出。{_CHECK}")
            raise
        return _placed(user, placed, arguments)


def _wanted(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """动词，与它的参数。"""
    amount = arguments.amount
    wanted: dict[str, Any] = {
        "security": arguments.code,
        "amount": int(amount) if amount == int(amount) else amount,
        "strategy_name": arguments.strategy,
        "remark": arguments.remark,
    }
    if arguments.client_order_id is not None:
        wanted["client_order_id"] = arguments.client_order_id
    if arguments.price is None:
        return f"market_{arguments.side}", {**wanted, "ttype": arguments.ttype}
    return arguments.side, {**wanted, "price": arguments.price}


def _looked(
    user: Trader, verb: str, wanted: dict[str, Any], arguments: argparse.Namespace
) -> int | None:
    """先看看、问一声；None 是可以发出，否则是退出码，什么都没有发出。"""
    live = not is_simulated(user)
    told = _preview(user, verb, wanted)
    if told is None:
        complain(
            f"{verb} {arguments.code} 数量 {arguments.amount}（账户 {user.status['account_id']}）"
        )
    elif "stock_code" not in told:  # 参数还不对
        for each in told["problems"]:
            name, text = each["rule"], each["text"]
            text = text.replace(name, _OPTIONS.get(name, name), 1)
            if isinstance(wanted.get(name), Decimal):
                text = text.replace(repr(wanted[name]), str(wanted[name]), 1)
            complain(f"错误：{text}")
        return _USAGE
    else:
        complain(_shown(user, told, live))
        for each in told["problems"]:
            complain(f"  {'不能下' if each['stops'] else '注意'}：{each['text']}")
        if not told["ok"]:
            complain("什么都没有发出")
            return _FAILED
    if live and not arguments.yes and not confirmed("下这一笔委托？"):
        complain("没有下单")
        return _FAILED
    return None


def _preview(user: Trader, verb: str, wanted: dict[str, Any]) -> Preview | None:
    """先看看；别的包的后端自己写了动词的看不了，为 None。"""
    from easytrader.server.preview import can_preview, preview

    server = getattr(user, "server", None)
    if server is not None:  # 远程的：服务器上看，令牌的限额也在那里
        return cast("Preview", server.preview(verb, wanted))
    return preview(user, verb, wanted, _NoGate()) if can_preview(user, verb) else None


def is_simulated(user: Trader) -> bool:
    """连的是自带的模拟账户：下单不必问。"""
    from easytrader.sim.config.folder import is_sim_folder
    from easytrader.trader import engine_of

    path = engine_of(user).path
    return bool(path) and is_sim_folder(Path(path))


class _NoGate:
    """命令行没有令牌：关口谁也不拦，风控照旧。"""

    def look(self, request: OrderRequest, view: MarketView, /) -> list[RiskRefusedError]:
        return []


def _shown(user: Trader, told: Preview, live: bool) -> str:
    """这一笔要做什么，几行字。"""
    from easytrader.rows.titles import cell

    def yuan(value: object) -> str:
        return cell("money", value)

    account = user.status["account_id"]
    at = told.get("price")
    price = "" if at is None else f"，{told.get('value_told', '')} {cell('price', at)} 元"
    lines = [
        f"{told['side_name']} {told['stock_code']} 数量 {cell('count', told['volume'])}{price}"
        f"（{'真的账户' if live else '模拟账户'} {account}）"
    ]
    if "value" in told:
        fees = told["fees"]
        cost = "" if fees is None else f"，费用约 {yuan(fees['total'])}"
        buys = told["side"] == "buy"
        lines.append(
            f"  金额约 {yuan(told['value'])} 元{cost}，{'要付' if buys else '到手'}"
            f"约 {yuan(told['net'])} 元"
        )
    limits = [
        f"{title} {cell('price', value)}"
        for title, value in (
            ("最新", told["last"]), ("跌停", told["limit_down"]), ("涨停", told["limit_up"])
        )
        if value is not None
    ]  # fmt: skip
    if limits:
        lines.append(f"  {'  '.join(limits)}")
    usable, cash = told["usable"], told["cash"]
    if usable is not None:
        whole = int(usable) if usable == int(usable) else usable
        lines.append(f"  可用数量 {cell('count', whole)}")
    elif cash is not None:
        lines.append(f"  可用资金 {yuan(cash)} 元")
    return "\n".join(lines)


def _unknown(exc: OutcomeUnknownError, as_json: bool) -> int:
    key = exc.client_order_id or exc.tag
    hint = f"{_CHECK} --find {key}" if key else _CHECK
    complain(f"结果未知：{exc}\n{hint}")
    if as_json:
        say_json(
            {
                "entrust_no": None,
                "outcome": "unknown",
                "message": str(exc),
                "tag": exc.tag,
                "client_order_id": exc.client_order_id,
            }
        )
    return _FAILED


def _refused(why: str) -> dict[str, Any]:
    """柜台拒绝了的，JSON 里另有的键：与别的没办成的一样。"""
    return {"result": "failed", "exit_code": _FAILED, "reason": f"被拒绝：{why}"}


def _placed(user: Trader, placed: Mapping[str, Any], arguments: argparse.Namespace) -> int:
    """有了编号，或当场被拒绝。"""
    number = placed["entrust_no"]
    if number == -1:
        if arguments.json:
            say_json({**placed, **_refused(placed.get("message", ""))})
        complain(f"被拒绝：{placed.get('message', '')}")
        return _FAILED
    row, late = _row_of(user, number, arguments.wait)
    junk = row is not None and row["order_status_name"] == _JUNK
    if arguments.json:
        known = {} if arguments.wait is None and not junk else {"entrust": row}
        why = _refused(row["status_msg"] or _JUNK) if row is not None and junk else {}
        say_json({**placed, **known, **why})
    else:
        say(f"委托编号 {number}{'' if row is None else f'  {_state(row)}'}")
    if row is not None and junk:
        complain(f"被拒绝：{row['status_msg'] or _JUNK}")
        return _FAILED
    if arguments.wait is None:
        return 0
    return _waited(row, late)


def _row_of(
    user: Trader, number: Any, wait_s: float | None
) -> tuple[Mapping[str, Any] | None, str]:
    """委托此刻（``wait_s``：终态）的样子，与没有等到的原因。"""
    try:
        if wait_s is None:
            return user.find_entrust(number), ""
        return user.wait(number, wait_s), ""
    except WaitTimeoutError as exc:
        return exc.row, f"{wait_s:g} 秒没有等到终态，委托还有效"
    except (QueryFailedError, ConnectionError) as exc:
        return None, f"委托已报，查不到它的样子：{exc}"
    except KeyboardInterrupt:
        complain(f"不等了：委托 {number} 还有效")
        raise


def _waited(row: Mapping[str, Any] | None, late: str) -> int:
    if late:
        complain(late)
    if row is None or not row["traded_volume"]:
        return _FAILED
    return 0 if row["traded_volume"] >= row["order_volume"] else _PARTLY


def _state(row: Mapping[str, Any]) -> str:
    from easytrader.rows.titles import cell

    told = f"{row['order_status_name']} {row['status_msg']}".rstrip()
    if row["traded_volume"]:
        told += f"  成交 {cell('count', row['traded_volume'])}/{cell('count', row['order_volume'])}"
        told += f"，均价 {cell('price', row['traded_price'])} 元"
    return told


# ---- 撤单


def _register_cancel(rooms: Rooms) -> None:
    parser = rooms.add_parser(
        "cancel",
        description="例：easytrader cancel 1082 --profile main\n"
        "退出码：0 收下了（--wait 时是已撤），1 没办成，2 用法不对，4 只撤掉一部分。",
    )
    add = parser.add_argument
    add("number", metavar="ENTRUST_NO", nargs="?", help="委托编号")
    add("--all", action="store_true", help="撤掉当日所有可撤的，真的账户上先问一声")
    add("--wait", metavar="S", type=seconds, help="等到终态，最多这么多秒；只用于一笔")
    add("--yes", action="store_true", help="不问")
    add_account_options(parser)
    add_output_options(parser, csv=False)
    parser.runs(_cancel)


def _cancel(arguments: argparse.Namespace) -> int:
    if (arguments.number is None) == (not arguments.all):
        raise UsageError("ENTRUST_NO", arguments.number, "写一个委托编号，或 --all，只写一样")
    if arguments.all and arguments.wait is not None:
        raise UsageError("--wait", arguments.wait, "只用于一笔，不能与 --all 同用")
    # 当场被拒的原因在日志里
    with quiet_log(arguments.debug), opened(arguments, ordering=True) as user:
        if arguments.all:
            return _cancel_all(user, arguments)
        return _cancel_one(user, arguments)


def _cancel_one(user: Trader, arguments: argparse.Namespace) -> int:
    number = number_of(user, arguments.number)
    why = _beyond_cancel(user, number)
    if why:
        complain(f"没有撤成：{why}")
        return _FAILED
    try:
        answer = user.cancel_entrust(number)
    except OutcomeUnknownError as exc:
        complain(f"结果未知：{exc}\n撤单可以放心再撤一次")
        return _FAILED
    if not answer["success"]:
        if arguments.json:
            say_json(answer)
        complain(f"没有撤成：{answer['message']}")
        return _FAILED
    if arguments.wait is None:
        say_json(answer) if arguments.json else say(f"已请求撤单：{number}")
        return 0
    row, late = _row_of(user, number, arguments.wait)
    if arguments.json:
        say_json({**answer, "entrust": row})
    else:
        say(f"委托 {number}{'' if row is None else f'  {_state(row)}'}")
    if late:
        complain(late)
    if row is None or late:
        return _FAILED
    return 0 if row["order_status_name"] == "已撤" else _PARTLY


def number_of(user: Trader, text: str) -> Any:
    """命令行上的委托编号。

    Raises:
        UsageError: 不是这个柜台的编号。
    """
    capabilities = user.capabilities
    found = int(text) if capabilities.id_type is int and text.isdecimal() else text
    try:
        return capabilities.check_id(found)
    except UsageError as exc:
        raise UsageError("ENTRUST_NO", text, exc.expected) from None


def _beyond_cancel(user: Trader, number: Any) -> str:
    """没有这笔委托、已经到了终态：柜台收下撤单，过一会儿才说撤不了。查不到的照样去撤。"""
    try:
        row = user.find_entrust(number)
    except QueryFailedError:
        return ""
    if row is None:
        return f"当日没有委托 {number}"
    return f"委托 {number} {_state(row)}" if row["order_status"] in FINAL_STATUSES else ""


def _cancel_all(user: Trader, arguments: argparse.Namespace) -> int:
    from easytrader.rows.titles import KINDS

    rows = [row for row in user.today_entrusts if row["order_status"] in CANCELLABLE_STATUSES]
    if rows and not arguments.yes and not is_simulated(user):
        say_table(KINDS["entrusts"].brief_columns, rows)
        if not confirmed(f"撤掉这 {len(rows)} 笔？"):
            complain("没有撤单")
            return _FAILED
    answers: Sequence[Mapping[str, Any]] = user.cancel_all() if rows else []
    if arguments.json:
        say_json(answers)
    elif not answers:
        say("没有可撤的委托")
    for each in answers:
        if each["success"]:
            if not arguments.json:
                say(f"已请求撤单：{each['entrust_no']}")
        else:
            complain(f"没有撤成：{each['entrust_no']} {each['message']}")
    done = sum(bool(each["success"]) for each in answers)
    if done == len(answers):
        return 0
    return _PARTLY if done else _FAILED
