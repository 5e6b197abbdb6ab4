"""用哪个账号：每个命令都认的 ``--profile``，或 ``--broker --path --account --type``。"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.cli.output import complain
from easytrader.cli.parser import seconds
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from easytrader.cli.parser import Parser
    from easytrader.trader import Trader

PROFILE_VARIABLE: Final = "EASYTRADER_PROFILE"
DEFAULT_PROFILE: Final = "default"
CONNECT_NAMES: Final = {"path": "miniqmt_path", "account": "stock_account", "type": "account_type"}
"""命令行的选项 → ``connect()`` 的参数。"""
_REMOTE_NAMES: Final = {"path": "address", "account": "account"}
_REMOTE: Final = ("remote", "远程")
_NEEDED: Final = {
    "miniqmt": ("path", "account"),
    "qmt": ("path", "account"),
    **dict.fromkeys(_REMOTE, ("path",)),
}
_WAYS: Final = (
    "--profile NAME；--broker sim（模拟）；--broker miniqmt --path 路径 --account 资金账号；"
    "--broker remote --path 网址 --account 名字"
)


def add_account_options(parser: Parser) -> None:
    """加上账号的选项；用 `opened` 打开它们说的账号。"""
    group = parser.add_argument_group(
        "账号",
        f"--profile，或 --broker 与后面几项；都不给：环境变量 {PROFILE_VARIABLE} 说的设置，"
        f"再就是名叫 {DEFAULT_PROFILE} 的设置",
    )
    add = group.add_argument
    add("--profile", metavar="NAME", help="账号的设置：easytrader profile 列出有哪些")
    add("--broker", metavar="NAME", help="后端：sim、miniqmt、remote，或别的包登记的")
    add("--path", metavar="PATH", help="客户端的 userdata_mini、模拟的文件夹；remote 是网址")
    add("--account", metavar="ID", help="资金账号")
    add("--type", metavar="TYPE", help="账号类型（默认 STOCK；信用账号 CREDIT）")
    add("--timeout", metavar="S", type=seconds, help="每个调用的期限，秒（默认 10）")


@contextmanager
def opened(
    arguments: argparse.Namespace, *, ordering: bool = False, **connect: Any
) -> Iterator[Trader]:
    """连上命令行说的账号，离开 ``with`` 时关掉。

    Args:
        arguments: 有 `add_account_options` 的那几项。
        ordering: 要下单、撤单的命令：什么都没说时不许落到模拟账户上，免得以为报到了真的柜台。
        **connect: 另外交给 ``connect()`` 的，例如 ``trader_callback``。

    Raises:
        UsageError: 没有说清是哪个账号，或选项不对；什么都没有做。
        ConnectFailedError: 没连上。
    """
    if arguments.timeout is not None:
        connect = {**connect, "timeout": arguments.timeout}
    name = _profile_of(arguments)
    if name is not None:
        from easytrader.profiles import find  # type: ignore[attr-defined,unused-ignore]

        with find(name).open(**connect) as user:
            yield user
        return
    told = _told(arguments, ordering)
    from easytrader.api import use

    with use(told.broker) as user:
        with _by_option(told):
            user.connect(**told.values, **connect)
        yield user


class _Told(NamedTuple):
    broker: str
    values: dict[str, Any]
    """``connect()`` 的参数。"""
    options: dict[str, str]
    """``connect()`` 的参数 → 命令行上的名字。"""


def _profile_of(arguments: argparse.Namespace) -> str | None:
    """设置的名字；命令行自己说了账号，或哪里都没有设置时为 None。"""
    given = [name for name in ("broker", *CONNECT_NAMES) if getattr(arguments, name) is not None]
    if arguments.profile is not None:
        if given:
            told = f"与 --{given[0]} 只能写一样：账号的设置里已经有这些"
            raise UsageError("--profile", arguments.profile, told)
        return str(arguments.profile)
    if given:
        return None
    return os.environ.get(PROFILE_VARIABLE) or _default_profile()


def _default_profile() -> str | None:
    from easytrader.basics.paths import home

    return DEFAULT_PROFILE if (home() / "profiles" / f"{DEFAULT_PROFILE}.toml").is_file() else None


def _told(arguments: argparse.Namespace, ordering: bool) -> _Told:
    broker = arguments.broker
    names = _REMOTE_NAMES if broker in _REMOTE else CONNECT_NAMES
    given = {
        option: value
        for option in CONNECT_NAMES
        if (value := getattr(arguments, option)) is not None
    }
    if broker is None and (given or ordering):
        raise UsageError("--broker", None, f"要说是哪个账号：{_WAYS}")
    if broker is None:
        complain("没有说是哪个账号，用的是自带的模拟账户（自己的：--profile NAME）")
        broker = "sim"
    for option in _NEEDED.get(broker, ()):
        if option not in given:
            raise UsageError(f"--{option}", None, f"--broker {broker} 还要写 --{option}：{_WAYS}")
    for option in given:
        if option not in names:
            raise UsageError(f"--{option}", given[option], f"--broker {broker} 没有这一项，去掉它")
    values = {names[option]: value for option, value in given.items()}
    return _Told(broker, values, {names[option]: f"--{option}" for option in given})


@contextmanager
def _by_option(told: _Told) -> Iterator[None]:
    """错误里说的是命令行上的名字。"""
    try:
        yield
    except UsageError as exc:
        option = told.options.get(exc.argument)
        if option is None:
            raise
        raise UsageError(option, exc.value, exc.expected) from exc
