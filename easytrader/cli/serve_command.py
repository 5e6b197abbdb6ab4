"""``easytrader serve``、``serve --stop``、``serve init``、``serve audit``。"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.log import Log
from easytrader.cli.output import complain, say
from easytrader.cli.parser import Parser, whole_number
from easytrader.errors import EasytraderError, UsageError
from easytrader.server import check_installed
from easytrader.wire.words import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.profiles import AccountSpec
    from easytrader.server.config import ServerConfig
    from easytrader.server.serve import Serving
    from easytrader.server.tls import Pair

NOT_RUNNING: Final = 3
_FAILED: Final = 1
_STOP_S: Final = 30.0
"""叫它停，最多等这么久。"""


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``serve``。"""
    parser = rooms.add_parser(
        "serve",
        description="例：easytrader serve --broker sim --path my-qmt --account 10001\n"
        "退出码：0 停好了，1 没办成，2 用法不对，3（--stop）没有在跑的，130 第二次 Ctrl-C。",
    )
    add_account_options(parser)
    add_server_options(parser)
    parser.runs(_serve)
    inner = parser.add_subparsers(title="另外的命令", metavar="命令", required=False)
    _register_init(inner)
    told = "核对审计记录：少一行、改一个字都看得出"
    audit = inner.add_parser("audit", help=told, description="退出码：0 完好，1 不对。")
    audit.runs(_audit)


def add_account_options(parser: Parser) -> None:
    """账号的选项。"""
    group = parser.add_argument_group(
        "账号", "每个账号从 --broker 写起，再写一次 --broker 就是下一个账号"
    )
    add = group.add_argument
    parser.set_defaults(drafts=())
    add(
        "--broker", metavar="NAME", action=_Draft, help="后端：miniqmt、bigqmt、sim，或别的包登记的"
    )
    add("--path", metavar="PATH", action=_Draft, help="客户端的 userdata_mini，或模拟的文件夹")
    add("--account", metavar="ID", action=_Draft, help="资金账号")
    add("--type", metavar="TYPE", action=_Draft, help="账号类型（默认 STOCK；信用账号 CREDIT）")
    add("--name", metavar="NAME", action=_Draft, help="在服务器上的名字（默认就是资金账号）")
    add(
        "--guard",
        metavar="RULE=N",
        action="append",
        default=[],
        help="风控：on 只管笔数，或 max_order_value=50000 之类，可重复；命令行上的账号都用它",
    )


def add_server_options(parser: Parser) -> None:
    """服务器的选项。"""
    group = parser.add_argument_group("服务器")
    add = group.add_argument
    add("--config", metavar="FILE", help="TOML 文件：几个账号、别的后端、每个账号自己的风控")
    add("--host", metavar="ADDR", help="听在哪个地址（默认 127.0.0.1，只有本机连得到）")
    port_help = f"端口（默认 {DEFAULT_PORT}；0 由系统挑）"
    add("--port", metavar="N", type=whole_number(0), help=port_help)
    add("--qka", action="store_const", const=True, help="也给 QKA 的客户端用：POST /api/…")
    flag = argparse.BooleanOptionalAction
    add("--page", action=flag, default=None, help="要不要网页（默认要）")
    add("--page-connect", action="store_const", const=True, help="网页上也能填表连接（默认不能）")
    add(
        "--public-host",
        metavar="NAME",
        action="append",
        help="别人用什么域名、地址找到这台机器，可重复",
    )
    add(
        "--proxy",
        metavar="ADDR",
        action="append",
        help="前面有反向代理（Caddy 之类），它的地址，可重复",
    )
    add("--cert", metavar="FILE", help="TLS 证书（默认用 serve init 做的）")
    add("--key", metavar="FILE", help="证书的私钥")
    told = "也给出一队账号：存储的地址，或 env:变量名；自己可以一个账号也没有"
    add("--fleet", metavar="DSN", help=told)
    add("--log-file", metavar="FILE", help="日志也写进这个文件，写满 20 MB 换一个，留 10 个")
    add("--stop", action="store_true", help="停掉正在跑的；不止一个时用 --port 说是哪个")


class _Draft(argparse.Action):
    """一个账号的选项：每个账号从 ``--broker`` 写起。"""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        *before, last = [dict(each) for each in namespace.drafts] or [{}]
        if self.dest in last:
            if self.dest != "broker":
                parser.error(f"{option_string} 写了两次：下一个账号从 --broker 写起")
            before, last = [*before, last], {}
        last[self.dest] = values
        namespace.drafts = (*before, last)


# serve ----------------------------------------------------------------


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.stop:
        return stop(arguments)
    from pathlib import Path

    check_installed()
    from easytrader.jobs.logfile import logging_to
    from easytrader.server.serve import Serving, run

    config = config_of(arguments)
    if os.name != "nt":
        os.umask(0o077)  # 日志、审计、记录：这个进程建的都只给本人看
    file = None if config.log_file is None else Path(config.log_file).expanduser().absolute()
    with logging_to(file, debug=arguments.debug):
        try:
            failure = run(Serving(config, debug=arguments.debug), _announce)
        except EasytraderError as exc:
            if sys.stderr is None:  # pythonw：没有屏幕，只有日志能说为什么没有起来
                Log().error("没有起来：{}", exc)
            raise
    if failure is not None:
        complain(f"错误：{failure}")
        return _FAILED
    say("已停止")
    return 0


def config_of(arguments: argparse.Namespace) -> ServerConfig:
    """命令行（与 ``--config`` 的文件）→ 设置。

    Raises:
        UsageError: 哪一项不对。
    """
    from easytrader.server import config

    names = {each.name for each in fields(config.ServerConfig)} - {"accounts"}
    renamed = {"public_hosts": "public_host", "proxies": "proxy"}
    told = {name: getattr(arguments, renamed.get(name, name)) for name in names}
    given = {name: value for name, value in told.items() if value is not None}
    for name in renamed:
        if name in given:
            given[name] = tuple(given[name])
    accounts = _accounts(arguments)
    if arguments.config is not None:
        return config.read(arguments.config, accounts=accounts, **given)
    return config.ServerConfig(accounts, **given)


def _accounts(arguments: argparse.Namespace) -> tuple[AccountSpec, ...]:
    from easytrader.profiles import AccountSpec
    from easytrader.profiles.account import SHORT_NAMES, short_names

    guard = _guard(arguments.guard)
    if guard is not None and not arguments.drafts:
        told = "命令行上没有账号；--config 文件里的账号，风控写在它自己那一段"
        raise UsageError("--guard", arguments.guard[0], told)
    found = []
    for row in arguments.drafts:
        if "broker" not in row:
            raise UsageError("--broker", None, "还要说后端：--broker miniqmt，或 --broker sim")
        names = short_names(row["broker"])
        for option in SHORT_NAMES.keys() & row.keys() - names.keys():
            told = f"--broker {row['broker']} 没有这一项，去掉它"
            raise UsageError(f"--{option}", row[option], told)
        options = {name: row[option] for option, name in names.items() if option in row}
        found.append(AccountSpec(row["broker"], row.get("name"), options, guard))
    return tuple(found)


def _guard(rules: Sequence[str]) -> dict[str, Any] | bool | None:
    if not rules:
        return None
    found: dict[str, Any] = {}
    for each in rules:
        name, equals, text = each.partition("=")
        if each == "on":
            continue
        if not equals or not text:
            raise UsageError("--guard", each, "写成 on，或 规则=限额，例如 max_order_value=50000")
        found[name] = text.split(",") if name == "block" else _number(text)
    return found or True


def _number(text: str) -> int | float | str:
    """整数、小数，都不是的原样（开关文件的路径）。"""
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _announce(serving: Serving) -> None:
    say(f"已就绪：{serving.url}  进程 {os.getpid()}")
    for account in serving.accounts:
        say(f"  账号 {account.describe()}")
    if serving.fingerprint:
        say(f"  证书指纹 {serving.fingerprint}")
    if not serving.tokens.grants():
        only = (
            f" --accounts {serving.accounts[0].spec.name or '资金账号'}" if serving.accounts else ""
        )
        say(f"  还没有令牌：easytrader token add 起个名字 --scope trade{only}")
    say(f"  停：Ctrl-C，或 easytrader serve --stop --port {serving.port}")


def stop(arguments: argparse.Namespace) -> int:
    """``--stop``；退出码。"""
    from easytrader.server import control

    found = control.running(arguments.port)
    if not found:
        where = "" if arguments.port is None else f"端口 {arguments.port} 上"
        say(f"{where}没有在跑的 easytrader serve")
        return NOT_RUNNING
    which = control.only(found)
    control.stop(which, _STOP_S)
    say(f"已停止：进程 {which.pid} 端口 {which.port}")
    return 0


# audit ----------------------------------------------------------------


def _audit(arguments: argparse.Namespace) -> int:
    del arguments
    check_installed()
    from easytrader.server.audit import default_folder, verify, verify_told

    folder = default_folder()
    found = sorted(each for each in folder.glob("*") if each.is_dir())
    if not found:
        say(f"还没有审计记录：{folder}")
        return 0
    for each in found:
        say(verify_told(each))
    return 0 if all(verify(each).ok for each in found) else _FAILED


# init -----------------------------------------------------------------


def _register_init(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "init",
        help="做一张自己的 TLS 证书，印出它的指纹",
        description="客户端凭指纹认这台服务器：与令牌一起，当面或用别的办法交给用的人。\n"
        "例：easytrader serve init --public-host win-box --public-host 192.168.1.8",
    )
    add = parser.add_argument
    told = "写进证书的域名、地址，可重复；这台机器自己的名字与地址本来就写"
    # 与 serve 自己的同名选项分开放：外层的默认值会盖住里层的
    add("--public-host", metavar="NAME", action="append", dest="names", default=[], help=told)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--renew", action="store_true", help="另做一张备着，印出旧的与新的指纹")
    kinds.add_argument("--switch", action="store_true", help="换上备着的那一张，重新启动之后用它")
    parser.runs(_init)


def _init(arguments: argparse.Namespace) -> int:
    check_installed()
    from easytrader.server import tls

    folder = tls.default_folder()
    if arguments.renew:
        current, fresh = tls.renew(folder, arguments.names)
        say("备好了一张新的证书，正在用的还是旧的。先把两个指纹都给客户端：")
        say(f"  旧的 {current.fingerprint}")
        _say_pair("新的", fresh)
        say("都给到了就换上：easytrader serve init --switch，再重新启动服务器")
        return 0
    if arguments.switch:
        _say_pair("已换上，重新启动服务器之后用它", tls.switch(folder))
        return 0
    made = tls.make(folder, arguments.names)
    say(f"证书在 {made.cert}，里面有私钥，不要给别人")
    _say_pair("指纹（与令牌一起交给客户端）", made)
    return 0


def _say_pair(title: str, pair: Pair) -> None:
    from easytrader.basics import beijing

    until = beijing.stamp(pair.expires, "%Y-%m-%d")
    say(f"  {title} {pair.fingerprint}")
    say(f"    写着 {'、'.join(pair.names)}；到 {until} 为止")
