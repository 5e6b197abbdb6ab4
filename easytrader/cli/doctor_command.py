"""``easytrader doctor``：体检，印成表格或 JSON。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.output import say, say_json
from easytrader.cli.tables import drawn_text, plain_table, screen_width
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Parser
    from easytrader.types import CheckResult

_UNHEALTHY: Final = 1
_CLIENTS: Final = ("miniqmt", "bigqmt")


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``doctor``。"""
    parser = rooms.add_parser(
        "doctor",
        description="什么都不改，不下单。退出码：0 没有「有问题」的，1 有，2 用法不对。",
    )
    add = parser.add_argument
    add(
        "path",
        metavar="PATH",
        nargs="?",
        help="userdata_mini，或完整版 QMT 的安装目录；不给就看默认的模拟文件夹。"
        "登记的柜台的是 connect_xxx.json，fleet 的是存储的地址",
    )
    add(
        "--broker",
        metavar="NAME",
        help="miniqmt 或 bigqmt；不给就看文件夹的样子。登记的柜台写它的名字，如 中泰XTP；"
        "一队账号写 fleet",
    )
    add("--profile", metavar="NAME", help="账号的设置：查它说的登记的柜台、它的字段")
    add("--account", metavar="ID", help="资金账号；给了才真的连一次。fleet 的是队里的名字")
    add("--type", metavar="TYPE", default="STOCK", help="账号类型（默认 STOCK；信用账号 CREDIT）")
    add("--timeout", metavar="S", type=float, default=10.0, help="连接的期限，秒（默认 10）")
    add("--fix-locale", action="store_true", help="Linux 上没有 zh_CN.GB18030 就做一个")
    add("--no-network", action="store_true", help="不上网核对时钟")
    add("--json", action="store_true", help="输出 JSON")
    parser.runs(_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from loguru import logger

    from easytrader.checkup import doctor
    from easytrader.miniqmt.diagnose.file_checks import BAD

    broker, path, config = _told(arguments)
    logger.disable("easytrader")  # 结果都在表里，不要日志
    try:
        rows = doctor(
            path,
            arguments.account,
            account_type=arguments.type,
            timeout=arguments.timeout,
            network=not arguments.no_network,
            broker=broker,
            config=config,
            fix_locale=arguments.fix_locale,
        )
    finally:
        logger.enable("easytrader")
    if arguments.json:
        say_json(rows)
    else:
        _show(rows)
    return _UNHEALTHY if any(row["status"] == BAD for row in rows) else 0


def _told(arguments: argparse.Namespace) -> tuple[str | None, str | None, Any]:
    """哪个后端、哪个文件夹、登记的柜台的字段。"""
    broker, path = arguments.broker, arguments.path
    if arguments.profile is not None:
        if broker is not None or path is not None:
            raise UsageError(
                "--profile", arguments.profile, "账号的设置里已经有后端与字段，去掉别的"
            )
        from easytrader.profiles import find

        profile = find(arguments.profile)
        broker = str(profile.account.use.get("gateway", profile.broker))
        options = profile.account.options(profile.told)
        if broker in _CLIENTS:
            return broker, options.get("miniqmt_path"), None
        return broker, None, options.pop("config", None) or options
    if broker is None or broker in _CLIENTS:
        return broker, path, None
    return broker, None, path


def _show(rows: list[CheckResult]) -> None:
    table = plain_table()
    for title in ("结果", "项目", "情况"):
        table.add_column(title, no_wrap=title != "情况", overflow="fold")
    for row in rows:
        table.add_row(row["status"], row["title"], row["detail"])
    say(drawn_text(table, width=screen_width()))
    # 因为别的项而跳过的，修法与那一项相同，只说一遍
    todo: dict[str, str] = {}
    for row in rows:
        if row["fix"]:
            todo.setdefault(row["fix"], row["title"])
    if todo:
        say("\n怎么办：")
    for number, (fix, title) in enumerate(todo.items(), 1):
        say(f"  {number}. {title}：{fix}")
