"""``easytrader token add|list|revoke``：谁可以用 ``easytrader serve``。"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import beijing
from easytrader.cli.output import complain, say, say_json
from easytrader.cli.tables import drawn_text, plain_table, screen_width
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from easytrader.cli.parser import Parser
    from easytrader.server.tokens import Grant, Tokens

_SCOPES: Final = {"read": "查询", "trade": "买卖", "funds": "转账"}


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``token`` 的各个命令。"""
    token = rooms.add_parser(
        "token",
        description="令牌说谁能用这台机器上的 easytrader serve、能做什么。",
    )
    commands = token.add_commands()
    _register_add(commands)
    listing = commands.add_parser("list", help="有哪些令牌（不含令牌本身）")
    listing.add_argument("--json", action="store_true", help="输出 JSON")
    listing.runs(_list)
    revoke = commands.add_parser("revoke", help="吊销一个令牌；开着的连接马上断")
    revoke.add_argument("name", metavar="NAME", help="发的时候取的名字")
    revoke.runs(_revoke)


def _register_add(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "add",
        help="发一个令牌，单独印在标准输出的最后一行",
        description="例：easytrader token add 策略一 --scope trade --accounts 10001 "
        "--max-order 50000 --max-day 500000 --expires 30d\n"
        "令牌只印这一次；文件里只有它的摘要，丢了就吊销再发。",
    )
    parser.add_argument("name", metavar="NAME", help="取个名字，审计记录里写它")
    add = parser.add_argument
    add(
        "--scope",
        metavar="SCOPE",
        action="append",
        required=True,
        help="权限：read 查询、trade 买卖、funds 转账，可重复；后两种都含 read",
    )
    for option, metavar, told in (
        ("--accounts", "A,B", "只许用这些账号：服务器上的名字或资金账号，逗号隔开，可重复"),
        ("--codes", "C,D", "只许买卖这些证券：600036、51*、*.SZ，逗号隔开，可重复"),
    ):
        add(option, metavar=metavar, action="append", default=[], help=f"{told}（默认不限）")
    add("--max-order", metavar="YUAN", help="一笔委托最多多少元；市价按涨停价算（默认不限）")
    add("--max-day", metavar="YUAN", help="北京时间一天里合计最多多少元（默认不限）")
    add("--expires", metavar="WHEN", help="30d、12h、2026-12-31（含）为止（默认不过期）")
    parser.runs(_add)


def _add(arguments: argparse.Namespace) -> int:
    from easytrader.server.tokens import expiry

    with _by_option():
        expires = None if arguments.expires is None else expiry(arguments.expires)
        token = _tokens().add(
            arguments.name,
            _split(arguments.scope),
            accounts=_split(arguments.accounts),
            codes=_split(arguments.codes),
            max_order=arguments.max_order,
            max_day=arguments.max_day,
            expires=expires,
        )
    grant = _tokens().check(token)
    assert grant is not None
    complain(f"已发令牌 {grant.name}：{_told(grant)}。只印这一次，请收好：")
    say(token)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    grants = _tokens().grants()
    if arguments.json:
        say_json([_row(each) for each in grants])
    elif grants:
        _show(grants)
    else:
        complain("一个令牌也没有。发一个：easytrader token add NAME --scope trade")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with _by_option():
        _tokens().revoke(arguments.name)
    say(f"已吊销：{arguments.name}")
    return 0


def _tokens() -> Tokens:
    from easytrader.server.tokens import Tokens, default_file

    return Tokens(default_file())


@contextmanager
def _by_option() -> Iterator[None]:
    """错误里说的是命令行上的名字。"""
    try:
        yield
    except UsageError as exc:
        name = exc.argument
        option = "NAME" if name == "name" else f"--{name.replace('_', '-')}"
        raise UsageError(option, exc.value, exc.expected) from exc


def _split(values: Sequence[str]) -> list[str]:
    """可重复的、逗号隔开的（全角的也行）。"""
    return [each.strip() for text in values for each in text.replace("，", ",").split(",")]


# ---- 给人看的


def _show(grants: Sequence[Grant]) -> None:
    table = plain_table()
    for title in ("名字", "令牌", "权限与限制"):
        table.add_column(title, no_wrap=title != "权限与限制", overflow="fold")
    for each in grants:
        table.add_row(each.name, f"et_{each.id}_…", _told(each))
    say(drawn_text(table, width=screen_width()))


def _told(grant: Grant) -> str:
    told = ["、".join(_SCOPES[each] for each in grant.scopes)]
    told.append(f"账号 {'、'.join(grant.accounts)}" if grant.accounts else "所有账号")
    if grant.codes:
        told.append(f"只买卖 {'、'.join(grant.codes)}")
    if grant.max_order is not None:
        told.append(f"一笔 {grant.max_order:,} 元以内")
    if grant.max_day is not None:
        told.append(f"一天 {grant.max_day:,} 元以内")
    if grant.expires is None:
        told.append("不过期")
    else:
        over = "已过期" if grant.expires <= time.time() else "到"
        told.append(f"{over} {beijing.stamp(grant.expires, '%Y-%m-%d %H:%M')}")
    return "；".join(told)


def _row(grant: Grant) -> dict[str, Any]:
    return {
        "name": grant.name,
        "id": grant.id,
        "scopes": grant.scopes,
        "accounts": grant.accounts,
        "codes": grant.codes,
        "max_order": None if grant.max_order is None else float(grant.max_order),
        "max_day": None if grant.max_day is None else float(grant.max_day),
        "expires": grant.expires,
        "expired": grant.expires is not None and grant.expires <= time.time(),
    }
