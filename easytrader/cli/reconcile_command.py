"""``easytrader reconcile``：收盘之后对账，一页 Markdown，放得进 cron 的邮件。"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader.cli.account_options import add_account_options, chosen, opened
from easytrader.cli.output import complain, quiet_log, say, say_json
from easytrader.cli.tables import add_output_options
from easytrader.errors import EasytraderError, UsageError

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from easytrader.cli.parser import Rooms
    from easytrader.history.statement import Statement
    from easytrader.market.rules.fees import FeeSchedule

_DIFFERENT: Final = 4
"""有说不清的。"""
_CODES: Final = "退出码：0 都对得上，1 没办成，2 用法不对，3 不是交易日，4 有要看的。"


def register(rooms: Rooms) -> None:
    """挂上 ``reconcile``。"""
    parser = rooms.add_parser(
        "reconcile",
        description="收盘之后对一天的账：委托、成交、持仓、资金与记录对不对得上，一页 Markdown。"
        + _CODES,
    )
    add = parser.add_argument
    add("--date", metavar="YYYY-MM-DD", help="哪一天（默认今天）；往日的只按记录")
    add("--output", metavar="FILE", help="写到这个文件里（标准输出只剩一行结论）")
    add("--commission", metavar="RATE", help="佣金费率，例如 0.0001 是万分之一")
    add("--commission-min", metavar="YUAN", help="一笔委托最低的佣金，元（默认 5）")
    add("--assume-open", action="store_true", help="日历不知道的那一天当作交易日")
    add_account_options(parser)
    add_output_options(parser, csv=False)
    parser.runs(_reconcile)


def _reconcile(arguments: argparse.Namespace) -> int:
    fees = _fees(arguments.commission, arguments.commission_min)
    day = _day(arguments.date)
    if closed := _closed(arguments, day):
        return closed
    from easytrader import history

    with quiet_log(arguments.debug), opened(arguments) as user:
        try:
            statement = history.reconcile(user, day, fees=fees)
        except UsageError as exc:
            if exc.argument != "day":
                raise
            raise UsageError("--date", arguments.date, exc.expected) from exc
    _tell(arguments, statement)
    return 0 if statement.clean else _DIFFERENT


def _day(text: str | None) -> date | None:
    from easytrader import arguments as check

    return None if text is None else check.day("--date", text)


def _closed(arguments: argparse.Namespace, day: date | None) -> int:
    """不是交易日的退出码；可以对账为 0。"""
    from easytrader.basics.beijing import moment
    from easytrader.jobs import codes
    from easytrader.jobs.gate import profile_gate

    profile = chosen(arguments)
    now = None if day is None else moment(f"{day} 15:30")
    gate = profile_gate(profile, now, assume_open=arguments.assume_open, hours=False)
    if gate.open:
        return 0
    if not gate.known:
        raise EasytraderError(gate.reason)
    complain(gate.reason)
    return codes.CLOSED


def _tell(arguments: argparse.Namespace, statement: Statement) -> None:
    if arguments.json:
        say_json(statement.to_dict())
        return
    page = statement.to_markdown()
    if arguments.output is None:
        say(page.rstrip("\n"))
        return
    try:
        Path(arguments.output).write_text(page, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as exc:
        raise UsageError("--output", arguments.output, f"写不进去：{exc}") from exc
    say(f"{statement.day} {statement.verdict}：{arguments.output}")


def _fees(rate: str | None, least: str | None) -> FeeSchedule | None:
    """收费标准；都没有给为 None。"""
    from easytrader.market.rules.fees import COMMISSION_CAP, FeeSchedule

    if rate is None and least is None:
        return None
    most = Decimal(COMMISSION_CAP.value) / 10**6
    ppm = _number("--commission", rate or "0.00025", most, f"应为 0 到 {most} 的费率，如 0.0001")
    yuan = _number("--commission-min", least or "5", Decimal(10000), "应为不小于 0 的金额，元")
    return FeeSchedule(int(ppm * 10**6), int(yuan * 1000))


def _number(option: str, text: str, most: Decimal, expected: str) -> Decimal:
    try:
        found = Decimal(text)
    except ArithmeticError:
        found = Decimal(-1)
    if not found.is_finite() or not 0 <= found <= most:
        raise UsageError(option, text, expected)
    return found
