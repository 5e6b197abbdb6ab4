"""用哪个账号：每个命令都认的 ``--profile``，或 ``--broker --path --account --type``。"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.cli import startup
from easytrader.cli.output import complain
from easytrader.cli.parser import seconds
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from easytrader.profiles import Profile
    from easytrader.trader import Trader

PROFILE_VARIABLE: Final = "EASYTRADER_PROFILE"
DEFAULT_PROFILE: Final = "default"
CONNECT_NAMES: Final = ("path", "account", "type")
"""说账号在哪里的选项；各是 ``connect()`` 的哪个参数，见 `profiles.account.short_names`。"""
_REMOTE: Final = ("remote", "远程")
_NEEDED: Final = {
    "miniqmt": ("path", "account"),
    "qmt": ("path", "account"),
    "bigqmt": ("path", "account"),
    "大qmt": ("path", "account"),
    **dict.fromkeys(_REMOTE, ("path",)),
    "fleet": ("path",),
}
_WAYS: Final = (
    "--profile NAME；--broker sim（模拟）；--broker miniqmt（或 bigqmt）--path 路径 "
    "--account 资金账号；"
    "--broker remote --path 网址 --account 名字；"
    "--broker fleet --path postgresql://… --account 名字"
)
_HERE: Final = "命令行"


def add_account_options(parser: argparse.ArgumentParser, *, timeout: bool = True) -> None:
    """加上账号的选项；用 `opened` 打开它们说的账号。

    Args:
        parser: 加在哪里。
        timeout: 也加 ``--timeout``；自己不连接的命令不要它。
    """
    group = parser.add_argument_group(
        "账号",
        f"--profile，或 --broker 与后面几项；都不给：环境变量 {PROFILE_VARIABLE} 说的设置，"
        f"再就是名叫 {DEFAULT_PROFILE} 的设置",
    )
    add = group.add_argument
    add("--profile", metavar="NAME", help="账号的设置：easytrader profile 列出有哪些")
    add(
        "--broker",
        metavar="NAME",
        help="后端：sim、miniqmt、bigqmt、remote、fleet，登记的柜台，或别的包登记的",
    )
    add(
        "--path",
        metavar="PATH",
        help="客户端的 userdata_mini（bigqmt 是安装目录）、模拟的文件夹；remote 是网址；"
        "fleet 是存储的地址；"
        "登记的柜台是 connect_xxx.json",
    )
    add("--account", metavar="ID", help="资金账号；单独给它就是 --profile")
    add("--type", metavar="TYPE", help="账号类型（默认 STOCK；信用账号 CREDIT）")
    if timeout:
        add("--timeout", metavar="S", type=seconds, help="每个调用的期限，秒（默认 10）")


def is_told(arguments: argparse.Namespace) -> bool:
    """说了是哪个账号：命令行上、环境变量里，或有默认的设置。"""
    given = (arguments.profile, *(getattr(arguments, name) for name in ("broker", *CONNECT_NAMES)))
    if any(each is not None for each in given) or os.environ.get(PROFILE_VARIABLE):
        return True
    return _default_profile() is not None


@contextmanager
def opened(
    arguments: argparse.Namespace,
    *,
    ordering: bool = False,
    wait: float | None = 0,
    **connect: Any,
) -> Iterator[Trader]:
    """连上命令行说的账号，离开 ``with`` 时关掉。

    Args:
        arguments: 有 `add_account_options` 的那几项。
        ordering: 见 `chosen`。
        wait: 连不上的最多再试多少秒，默认只试一次；None 照设置里的。
        **connect: 另外交给 ``connect()`` 的，例如 ``trader_callback``。

    Raises:
        UsageError: 没有说清是哪个账号，或选项不对；什么都没有做。
        ConnectFailedError: 没连上。
    """
    if arguments.timeout is not None:
        connect = {**connect, "timeout": arguments.timeout}
    with startup.quickly():
        profile = chosen(arguments, ordering=ordering)
        user = _open(profile, arguments.debug, wait, connect)
    with user:
        yield user


def _open(profile: Profile, debug: bool, wait: float | None, connect: dict[str, Any]) -> Trader:
    try:
        return profile.open(debug=debug, wait=wait, **connect)
    except UsageError as exc:
        if profile.name != _HERE:
            raise
        expected = exc.expected.removesuffix(f"（{profile.told}）")
        option = _option_of(exc.argument.removeprefix("connect."))
        raise UsageError(option, exc.value, expected) from exc


def chosen(arguments: argparse.Namespace, *, ordering: bool = False) -> Profile:
    """命令行说的账号的设置，不连接。

    Args:
        arguments: 有 `add_account_options` 的那几项。
        ordering: 要下单、撤单的命令：什么都没说时不许落到模拟账户上，免得以为报到了真的柜台。

    Raises:
        UsageError: 没有说清是哪个账号，没有这个设置，或写得不对。
    """
    from easytrader.profiles import AccountSpec, Profile, find

    name = _profile_name(arguments)
    if name is not None:
        return find(name)
    broker, connect = _told(arguments, ordering)
    return Profile(_HERE, AccountSpec(broker, connect=connect))


def _profile_name(arguments: argparse.Namespace) -> str | None:
    """设置的名字；命令行自己说了账号，或哪里都没有设置时为 None。"""
    given = [name for name in ("broker", *CONNECT_NAMES) if getattr(arguments, name) is not None]
    if arguments.profile is not None:
        if given:
            told = f"与 --{given[0]} 只能写一样：账号的设置里已经有这些"
            raise UsageError("--profile", arguments.profile, told)
        return str(arguments.profile)
    if given == ["account"]:
        return _profile_of_account(arguments.account)
    if given:
        return None
    return os.environ.get(PROFILE_VARIABLE) or _default_profile()


def _profile_of_account(name: str) -> str:
    from easytrader.profiles import names

    have = names()
    if name not in have:
        listed = f"有的设置是：{'、'.join(have)}" if have else "还没有任何设置"
        told = f"只给 --account 是账号设置的名字，没有这一个。{listed}；不用设置的写 {_WAYS}"
        raise UsageError("--account", name, told)
    return name


def _default_profile() -> str | None:
    from easytrader.profiles import names

    return DEFAULT_PROFILE if DEFAULT_PROFILE in names() else None


def _told(arguments: argparse.Namespace, ordering: bool) -> tuple[str, dict[str, Any]]:
    """后端，与 ``connect()`` 的参数。"""
    from easytrader.profiles.account import short_names

    broker = arguments.broker
    names = short_names(broker)
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
    return broker, {names[option]: value for option, value in given.items()}


def _option_of(argument: str) -> str:
    """错误里说的是命令行上的名字。"""
    from easytrader.profiles.account import short_names

    for broker in (None, *_REMOTE, "fleet"):
        for option, name in short_names(broker).items():
            if name == argument:
                return f"--{option}"
    return f"--{argument}" if argument in ("broker", "timeout") else argument
