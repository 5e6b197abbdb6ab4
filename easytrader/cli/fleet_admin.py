"""``easytrader fleet init|migrate|login|maintain``：管理员的命令，只有 PostgreSQL 要。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.cli.output import complain, say, say_json
from easytrader.cli.parser import whole_number
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from easytrader.cli.parser import Parser, Rooms


def register(commands: Rooms) -> None:
    """挂上管理员的几个命令。"""
    init = commands.add_parser(
        "init",
        help="在一个 PostgreSQL 的库里建好身份、表、权限；已经有的只升级",
        description="要 PostgreSQL 14 以上；登录名要有 CREATEROLE 与这个库上的 CREATE，不必是超级"
        "用户，托管的也行。\n例：easytrader fleet init env:FLEET_ADMIN",
    )
    _add_dsn(init, bare=True)
    init.runs(_init)
    migrate = commands.add_parser(
        "migrate",
        help="把表升到这里的版本；几台机器同时跑也只做一次",
        description="先升级表，再一台一台换机器上的 easytrader：新的表旧一版的照样用。",
    )
    _add_dsn(migrate, bare=True)
    migrate.runs(_migrate)
    _register_login(commands)
    _register_maintain(commands)


def _register_login(commands: Rooms) -> None:
    login = commands.add_parser("login", help="登录名：一台机器、一个策略一个，管得到哪些账号")
    rooms = login.add_commands()
    add = rooms.add_parser(
        "add",
        help="加一个，密码单独印在标准输出的最后一行",
        description="例：easytrader fleet login add win1 --role agent --account A --account B\n"
        "    easytrader fleet login add alpha --role strategy --account A --may read,trade\n"
        "密码只印这一次；服务器上只有它的摘要（SCRAM），丢了就 --update --password 换一个。",
    )
    add.add_argument("name", metavar="NAME", help="小写字母、数字、下划线")
    add.add_argument(
        "--role", metavar="ROLE", required=True,
        help="agent 有客户端的机器、strategy 策略、operator 管的人、audit 只看",
    )  # fmt: skip
    add.add_argument(
        "--account", metavar="A,B", action="append", default=[],
        help="管得到哪些账号，逗号隔开，可重复",
    )  # fmt: skip
    add.add_argument("--all", action="store_true", help="管得到全部账号，以后才有的也在内")
    add.add_argument(
        "--may", metavar="SCOPES", action="append", default=[],
        help="策略的权限：read 查询、trade 买卖、funds 转账；后两种都含 read",
    )  # fmt: skip
    add.add_argument("--password", metavar="REF", help="env:变量名、keyring:…（默认取一个新的）")
    add.add_argument("--update", action="store_true", help="改一个已经有的：账号、权限、密码")
    _add_dsn(add)
    add.runs(_add)
    listing = rooms.add_parser("list", help="有哪些登录名（没有密码）")
    _add_dsn(listing, bare=True)
    listing.add_argument("--json", action="store_true", help="输出 JSON")
    listing.runs(_list)
    remove = rooms.add_parser("remove", help="去掉一个；开着的连接马上断")
    remove.add_argument("name", metavar="NAME")
    _add_dsn(remove)
    remove.runs(_remove)


def _register_maintain(commands: Rooms) -> None:
    from easytrader.fleets import upkeep

    maintain = commands.add_parser(
        "maintain",
        help="建好后面几个月的分区，去掉太旧的；给 cron 用，每天一次",
        description=f"事件留 {upkeep.MONTHS} 个月，命令留 {upkeep.DAYS} 天：一个编号在这之内不会"
        "再发第二次。\n写了 --export 的，去掉之前先存成 Parquet（要 pyarrow），存不下就不去掉。\n"
        "最后印出昨天的事件与留底的 SHA-256：存到别的地方，以后就看得出有没有人改过。",
    )
    maintain.add_argument("--export", metavar="DIR", help="去掉的事件先存到这个文件夹")
    maintain.add_argument("--dry-run", action="store_true", help="只说要做什么")
    maintain.add_argument(
        "--ahead", metavar="N", type=whole_number(1), default=3, help="建好后面几个月（默认 3）"
    )
    _add_dsn(maintain, bare=True)
    maintain.add_argument("--json", action="store_true", help="输出 JSON")
    maintain.runs(_maintain)


def _add_dsn(parser: Parser, *, bare: bool = False) -> None:
    from easytrader.cli.fleet_command import add_dsn

    add_dsn(parser, as_json=False, bare=bare)


def _init(arguments: argparse.Namespace) -> int:
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import migrate

    if migrate.prepare(dsn_of(arguments), tell=say):
        say("接着发登录名：easytrader fleet login add win1 --role agent --account A")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import migrate

    migrate.upgrade(dsn_of(arguments), tell=say)
    return 0


def _add(arguments: argparse.Namespace) -> int:
    from easytrader.basics.references import is_reference, resolved
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import admin, roles

    given = arguments.password
    if given is not None and not is_reference(given):
        told = "密码不写在命令行上（别人看得见）：写 env:变量名 或 keyring:服务/用户名"
        raise UsageError("--password", "…", told)
    password = "" if given is None else str(resolved(given, "--password", "命令行"))
    accounts = [roles.EVERY] if arguments.all else _split(arguments.account)
    if arguments.all and arguments.account:
        raise UsageError("--all", arguments.account, "与 --account 只写一样")
    dsn = dsn_of(arguments)
    with admin.opened(dsn) as connection:
        made = roles.add(
            connection, arguments.name, arguments.role, accounts,
            _split(arguments.may), password=password, update=arguments.update,
        )  # fmt: skip
    told = f"{'已改' if arguments.update else '已加'}登录名 {arguments.name}（{arguments.role}）"
    if given is None and made:
        complain(f"{told}。密码只印这一次，请收好；地址：{admin.address_for(dsn, arguments.name)}")
        say(made)
    else:
        say(told)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import admin, roles

    with admin.opened(dsn_of(arguments)) as connection:
        found = roles.listed(connection)
    if arguments.json:
        say_json([each._asdict() for each in found])
    elif found:
        from easytrader.cli.fleet_command import say_rows

        say_rows("登录名 身份 账号与权限 连接", [
            (each.name, each.role or "（角色没有了）", _told(each.accounts),
             f"{each.connections}/{each.most}")
            for each in found
        ])  # fmt: skip
    else:
        complain("一个登录名也没有：easytrader fleet login add NAME --role …")
    return 0


def _told(accounts: dict[str, tuple[str, ...]]) -> str:
    told = {"*": "全部账号"}
    return "；".join(f"{told.get(each, each)} {' '.join(may)}" for each, may in accounts.items())


def _remove(arguments: argparse.Namespace) -> int:
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import admin, roles

    with admin.opened(dsn_of(arguments)) as connection:
        roles.remove(connection, arguments.name)
    say(f"已去掉：{arguments.name}")
    return 0


def _maintain(arguments: argparse.Namespace) -> int:
    from easytrader.cli.fleet_command import dsn_of
    from easytrader.fleets import admin, upkeep

    said: list[str] = []
    with admin.opened(dsn_of(arguments)) as connection:
        report = upkeep.maintain(
            connection, ahead=arguments.ahead, export=arguments.export, dry_run=arguments.dry_run,
            tell=said.append if arguments.json else say,
        )  # fmt: skip
    if arguments.json:
        say_json({**report, "told": said})
    return 0


def _split(values: Sequence[str]) -> list[str]:
    """可重复的、逗号隔开的（全角的也行）。"""
    found = [each.strip() for text in values for each in text.replace("，", ",").split(",")]
    return [each for each in found if each]
