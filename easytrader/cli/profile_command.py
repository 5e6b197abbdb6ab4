"""``easytrader profile``：账号的设置文件。列出、看、检查、新建；密码哪里都不写出来。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.log import masked
from easytrader.cli.output import complain, quiet_log, say, say_json
from easytrader.errors import EasytraderError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Parser
    from easytrader.counters.shape import Counter, Field
    from easytrader.profiles import Profile

_FAILED: Final = 1
_ACCOUNTS: Final = ("stock_account", "account", "账号", "用户名", "交易用户名", "交易账号")
_CONNECT: Final = {
    "miniqmt": r"""miniqmt_path = 'D:\国金证券QMT交易端\userdata_mini'   # 路径用单引号
stock_account = "你的资金账号"
# account_type = "CREDIT"               # 信用账号
# timeout = 10                          # 每个调用的期限，秒""",
    "bigqmt": r"""miniqmt_path = 'D:\国金证券QMT交易端'                  # 路径用单引号
stock_account = "你的资金账号"            # 先 easytrader bigqmt agent 装一次中转
# account_type = "CREDIT"               # 信用账号
# row_wait = 10                         # 下单之后最慢几秒看得到委托，秒
# timeout = 10                          # 每个调用的期限，秒""",
    "sim": """# miniqmt_path = '模拟的文件夹'          # 不写就用默认的，第一次用时开户
# stock_account = "10001\"""",
    "remote": """address = "https://192.168.1.8:7788"
token = "env:EASYTRADER_TOKEN"          # 或 "keyring:easytrader/token"
fingerprint = "服务器印出的指纹"
# account = "main"                      # 账号在服务器上的名字""",
    "fleet": """dsn = "env:EASYTRADER_FLEET"            # postgresql://用户:密码@主机/库
account = "main"                        # 账号在队里的名字
# strategy = "z"                        # 策略名，停单开关、额度可以按它设""",
}
_OWN: Final = ("ccxt", "okx", "htx", "ib", "futu", "tiger", "mt5")
_COMMON: Final = (
    "wait", "reconnect_interval", "max_reconnect_attempts", "heartbeat_interval",
)  # fmt: skip
_USE: Final = {
    "vnpy": '\n[use]                                   # use() 的选项\ngateway = "XTP"\n',
    "ccxt": '\n[use]                                   # use() 的选项\nexchange = "okx"\n',
}
_TEMPLATE: Final = """\
# 账号的设置。密码不必写在这里：写 "env:变量名" 或 "keyring:服务/用户名"。
broker = "{broker}"
# wait = 30                             # 连不上时最多等多少秒
# guard = {{ max_order_value = 50000 }}   # 风控
# log_file = "{name}.log"              # 任务的日志，从这个文件夹算起
{use}
[connect]                               # connect() 的参数
{connect}

# [job]                                 # 没有人看着的任务的默认值
# price = "对手价"
# timeout = 1800                        # 整个任务最多多少秒

# [[notify]]                            # 通知；可以写好几段
# kind = "企业微信"                      # 钉钉、飞书、webhook、命令
# url = "env:WECOM_URL"
# on = ["failure", "finish", "fill", "disconnect"]
"""


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``profile``。"""
    parser = rooms.add_parser(
        "profile",
        description="账号的设置：一个名字一个 TOML 文件，每个命令的 --profile 用它。\n"
        "例：easytrader profile init main --broker miniqmt",
    )
    _register_list(parser)
    inner = parser.add_subparsers(title="另外的命令", metavar="命令", required=False)
    listing = inner.add_parser("list", help="有哪些设置（不写命令就是它）")
    _register_list(listing)
    show = inner.add_parser("show", help="一个设置里写了什么；密码换成星号")
    _add_name(show)
    show.add_argument("--json", action="store_true", dest="as_json", help="输出 JSON")
    show.runs(_show)
    path = inner.add_parser("path", help="设置文件在哪里")
    path.add_argument("name", metavar="NAME", nargs="?", help="不写就是放设置的文件夹")
    path.runs(_path)
    check = inner.add_parser(
        "check", help="写得对不对、密码取不取得到", description="退出码：0 对，1 没办成，2 不对。"
    )
    _add_name(check)
    check.add_argument("--connect", action="store_true", help="也连一次")
    check.add_argument("--notify", action="store_true", help="也给每个通知发一条试的")
    check.runs(_check)
    init = inner.add_parser("init", help="新建一个，里面有说明；已经有的不动")
    init.add_argument("name", metavar="NAME", help="名字：字母、数字、汉字、- 或 _")
    init.add_argument(
        "--broker", metavar="NAME", default="miniqmt",
        help="后端：miniqmt（默认）、bigqmt、sim、remote、fleet，或别的包登记的",
    )  # fmt: skip
    init.runs(_init)


def _register_list(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json", help="输出 JSON")
    parser.runs(_list)


def _add_name(parser: Parser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="名字，或 .toml 文件；不写就是平常用的那一个"
    )


def _list(arguments: argparse.Namespace) -> int:
    from easytrader import profiles

    rows = [_row(name) for name in profiles.names()]
    if arguments.as_json:
        say_json(rows)
    elif not rows:
        complain(f"一个设置也没有（{profiles.folder()}）。新建：easytrader profile init main")
    else:
        from easytrader.cli.tables import plain_table, say_drawn

        table = plain_table()
        for title in ("名字", "后端", "账号", "说明"):
            table.add_column(title, overflow="fold")
        for each in rows:
            table.add_row(each["name"], each["broker"], each["account"], each["error"])
        say_drawn(table)
    return 0


def _row(name: str) -> dict[str, Any]:
    from easytrader import profiles

    file = profiles.file_of(name)
    row = {"name": name, "broker": "", "account": "", "file": str(file), "error": ""}
    try:
        found = profiles.find(name)
    except EasytraderError as exc:
        row["error"] = str(exc)
        return row
    row["broker"], row["account"] = found.broker, _account(found)
    return row


def _account(profile: Profile) -> str:
    """账号：直接写着的只露末四位，``env:…`` 照写。"""
    from easytrader.basics.references import is_reference

    told = next((profile.connect[each] for each in _ACCOUNTS if profile.connect.get(each)), "")
    return str(told) if is_reference(told) else masked(str(told))


def _show(arguments: argparse.Namespace) -> int:
    from easytrader import profiles

    shown = profiles.find(arguments.name).shown()
    if arguments.as_json:
        say_json(shown)
        return 0
    for name, value in shown.items():
        if isinstance(value, dict):
            say(f"{name}：")
            for key, each in value.items():
                say(f"  {key} = {_written(each)}")
        elif isinstance(value, list):
            say(f"{name}：{len(value)} 个")
            for each in value:
                say("  " + "  ".join(f"{key} = {_written(one)}" for key, one in each.items()))
        elif value is not None:
            say(f"{name}：{_written(value)}")
    return 0


def _written(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _path(arguments: argparse.Namespace) -> int:
    from easytrader import profiles

    say(str(profiles.folder() if arguments.name is None else profiles.file_of(arguments.name)))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from easytrader import profiles
    from easytrader.jobs.notify import Notifier

    profile = profiles.find(arguments.name)
    say(f"文件：{profile.file}")
    trader = profile.account.make(guard=False)
    trader.close()
    profile.check_options(trader)
    profile.account.options(profile.told)
    say(f"后端 {profile.broker}：连接的选项、密码都对")
    with quiet_log(arguments.debug), Notifier.of(profile, "check") as notifier:
        say(f"通知：{len(profile.notify)} 个，都写得对")
        if arguments.notify and not notifier.test():
            complain("有的通知没有送到，原因见上面")
            return _FAILED
    if arguments.connect:
        with quiet_log(arguments.debug), profile.open(debug=arguments.debug) as user:
            say(f"连上了：账号 {user.status['account_id']}，{user.state}")
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from easytrader import counters, profiles
    from easytrader.brokers import installed
    from easytrader.profiles.profile import create

    broker = arguments.broker
    have = [each.name for each in installed()]
    counter = counters.find(broker)
    if broker not in (*have, *_CONNECT) and counter is None:
        near = "、".join(counters.close_to(broker))
        asked = f"是不是 {near}？" if near else ""
        told = f"{asked}装着的后端：{'、'.join(have)}；登记的柜台见 easytrader brokers"
        raise UsageError("--broker", broker, told)
    connect = _CONNECT.get(broker) or _fields(broker, counter)
    stem = profiles.file_of(arguments.name).stem
    text = _TEMPLATE.format(broker=broker, name=stem, connect=connect, use=_USE.get(broker, ""))
    file = create(arguments.name, text)
    say(f"建好了：{file}")
    complain(f"改好之后：easytrader profile check {arguments.name} --connect")
    return 0


def _fields(broker: str, counter: Counter | None) -> str:
    """登记的柜台的字段，必要的写出来，别的注释着；自己的后端是 ``connect()`` 的参数。"""
    own = counter.own if counter is not None else broker
    if own in _OWN:
        return _own_fields(own)
    if counter is None:
        return "# 见这个后端的说明"
    return "\n".join(map(_field_line, counter.fields))


def _own_fields(broker: str) -> str:
    import inspect

    from easytrader.api import use
    from easytrader.errors import is_secret

    options: dict[str, Any] = {"exchange": "okx"} if broker == "ccxt" else {}
    try:
        with use(broker, **options) as user:
            parameters = inspect.signature(user.connect).parameters.values()
    except MissingDependencyError as exc:
        return f"# 见这个后端的说明；{exc}".replace("\n", " ")
    lines = []
    for each in parameters:
        plain = isinstance(each.default, (str, int, float)) and each.kind is not each.VAR_KEYWORD
        if not plain or isinstance(each.default, bool) or each.name in _COMMON:
            continue
        secret = is_secret(each.name) or each.name.endswith("key")
        value = "env:TRADE_SECRET" if secret else each.default
        lines.append(f"# {each.name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _field_line(field: Field) -> str:
    value = "env:TRADE_SECRET" if field.secret else field.default
    told = "、".join(map(str, field.choices))
    note = f"   # {told}" if told else "   # 必要" if field.required else ""
    key = field.name if field.name.isascii() and field.name.isidentifier() else f'"{field.name}"'
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}{note}"
    return line if field.required else f"# {line}"
