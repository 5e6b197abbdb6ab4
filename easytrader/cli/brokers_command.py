"""``easytrader brokers``：登记的柜台，一张表；写了名字就是那一家的全部。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader.cli.output import say, say_json
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Parser
    from easytrader.counters.shape import Counter


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``brokers``。"""
    parser = rooms.add_parser(
        "brokers",
        description="登记的三十四家柜台：各是什么，在这台机器上能不能用，字段叫什么。不连接，不导入。\n"
        "例：easytrader brokers XTP",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="哪一家；不写就列出全部")
    parser.add_argument("--status", metavar="STATUS", help="只列这一种：works、loads、elsewhere……")
    parser.add_argument("--json", action="store_true", help="输出 JSON")
    parser.runs(_brokers)


def _brokers(arguments: argparse.Namespace) -> int:
    from easytrader import counters
    from easytrader.counters.status import NAMES, status_of, summary

    if arguments.name is not None:
        found = counters.find(arguments.name)
        if found is None:
            near = "、".join(counters.close_to(arguments.name))
            asked = f"是不是 {near}？" if near else ""
            told = f"没有登记这一家。{asked}easytrader brokers 列出全部"
            raise UsageError("NAME", arguments.name, told)
        if arguments.json:
            say_json(summary(found))
        else:
            _say_one(found)
        return 0
    wanted = arguments.status
    states = {**{each: each for each in NAMES}, **{told: each for each, told in NAMES.items()}}
    if wanted is not None and wanted not in states:
        raise UsageError("--status", wanted, f"可选：{'、'.join(NAMES)}")
    rows = [
        each for each in counters.everyone() if wanted is None or status_of(each) == states[wanted]
    ]
    if arguments.json:
        say_json([summary(each) for each in rows])
    else:
        _say_all(rows)
    return 0


def _say_all(rows: list[Counter]) -> None:
    from easytrader.cli.tables import plain_table, say_drawn
    from easytrader.counters.status import NAMES, is_installed, status_of

    table = plain_table()
    for title in ("名字", "柜台", "状态", "装了", "品种"):
        table.add_column(title, no_wrap=title != "品种", overflow="fold")
    for each in rows:
        table.add_row(
            each.name, each.seed, NAMES[status_of(each)], "是" if is_installed(each) else "",
            "、".join(each.products),
        )  # fmt: skip
    say_drawn(table)
    told = "；".join(f"{NAMES[name]} {meaning}" for name, meaning in _meanings().items())
    say(f"\n{told}。\n一家的全部：easytrader brokers XTP")


def _meanings() -> dict[str, str]:
    return {
        "works": "对着假柜台走过一笔",
        "loads": "导入得了，没有登录过",
        "elsewhere": "要别的系统或别的 Python",
    }


def _say_one(counter: Counter) -> None:
    from easytrader.counters.status import here, summary

    told = summary(counter)
    place = here()
    say(f"{counter.seed}（{counter.name}）：{told['status_name']}")
    say(f"  这里是 {place.system} {place.machine}、Python {place.python}")
    for title, text in _lines(counter, told):
        if text:
            say(f"  {title}：{text}")
    say("  字段：")
    for field in counter.fields:
        say(f"    {field.name}{_field_told(field)}")
    for each in counter.dropped:
        say(f"    {each.name}（文档里有，现在不用；收下）")
    if counter.defects:
        say("  已知的毛病：")
    for defect in counter.defects:
        say(f"    {defect.what}。这里：{defect.answer}")
    for each_install in _list(told["install"]):
        say(f"  安装：{each_install}")
    say(f"  依据：{'；'.join(counter.sources)}")


def _lines(counter: Counter, told: dict[str, Any]) -> list[tuple[str, str]]:
    from easytrader.counters.page import FLAGS, POSITIONS
    from easytrader.counters.status import told_of

    return [
        ("打开", told["use"]),
        ("说明", told["note"]),
        ("别的叫法", "、".join(counter.aliases)),
        ("哪里能用", "；".join(map(told_of, counter.runs))),
        ("装了", "是" if told["installed"] else "没有"),
        ("品种", "、".join(counter.products)),
        ("交易所", "、".join(counter.exchanges)),
        ("持仓", POSITIONS[counter.positions]),
        ("开平", FLAGS[counter.offset]),
        ("价格类型", "、".join(counter.order_types)),
        ("不能同时加载", "、".join(counter.conflicts)),
        ("一个进程一个账号", "是" if counter.one_per_process else ""),
        ("Linux 上要", "zh_CN.GB18030" if counter.locale else ""),
    ]


def _field_told(field: Any) -> str:
    told = []
    if field.choices:
        told.append("可选 " + "、".join(map(str, field.choices)))
    elif field.default != "":
        told.append(f"默认 {field.default}")
    if field.required:
        told.append("必要")
    if field.secret:
        told.append("密码")
    if field.aliases:
        told.append("也叫 " + "、".join(field.aliases))
    return f"（{'；'.join(told)}）" if told else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
