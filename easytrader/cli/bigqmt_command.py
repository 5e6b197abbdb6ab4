"""``easytrader bigqmt agent|probe``：写出要贴进完整版 QMT 的文件。

文件写在标准输出（或 ``-o``），给人看的写在标准错误。文件是 ASCII，字节原样写出：不带 BOM，
Windows 上也不换换行。
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from easytrader.basics.log import masked
from easytrader.cli.output import complain, say
from easytrader.cli.parser import plain_number, whole_number
from easytrader.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from easytrader.bigqmt.agentfile import Settings
    from easytrader.cli.parser import Parser

_LEAVE: Final = "「启动本地python」「独立python进程」「原生python」都不要勾"

_CLICKS: Final = f"""装进客户端，点五下：
  1. 「模型研究」→ 新建 Python 模型，清空编辑器，把整个文件贴进去；{_LEAVE}。
  2. 起个名字（如 easytrader），保存、编译。
  3. 「模型交易」→ 新建，选这个模型；账号选 {{account}}（{{kind}}），
     主图随便一只（如 000300.SH），周期 1 分钟。
  4. 运行模式选「实盘」：选「模拟」的话，委托全都悄悄地没了。
  5. 点「运行」。策略日志里出现 easytrader agent … wires {{{{'tcp': 'ok'}}}} 就好了。
之后在这台电脑上：easytrader.use("bigqmt").connect(客户端的文件夹, "{{account}}")"""

_PROBE_CLICKS: Final = f"""装法：「模型研究」→ 新建 Python 模型，整个贴进去（{_LEAVE}），
在「模型交易」里选「模拟」运行。
半分钟之后策略日志里印出一段 BEGIN … END，整段复制出来就行：里面没有账号、没有金额、没有持仓。
它什么委托都不发。看完停掉、删掉这个模型。"""


def register(rooms: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``bigqmt`` 的各个命令。"""
    commands = rooms.add_parser("bigqmt", description="完整版 QMT 的内置 Python。").add_commands()
    _register_agent(commands)
    probe = commands.add_parser(
        "probe",
        help="写出一个只看不动的模型，看这个客户端允许什么",
        description="例：easytrader bigqmt probe -o probe.py\n"
        "贴进客户端运行，印出来的一段可以发给别人看：不含账号、金额、持仓，不发任何委托。",
    )
    probe.add_argument("-o", "--output", metavar="FILE", help="写进这个文件（默认标准输出）")
    probe.runs(_probe)


def _register_agent(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "agent",
        help="写出中转文件：贴进客户端，脚本就能从外面用这个账号",
        description="例：easytrader bigqmt agent --account 1000000365 --allow-orders -o agent.py\n"
        "文件里有令牌，谁拿到它（又能登录这台电脑）谁就能用这个账号，不要发给别人。",
    )
    add = parser.add_argument
    add("--account", metavar="ID", required=True, help="资金账号")
    add(
        "--type",
        metavar="TYPE",
        choices=("STOCK", "CREDIT"),
        default="",
        help="账号类型：STOCK 普通、CREDIT 信用（默认照上次，第一次是 STOCK）",
    )
    add("--allow-orders", action="store_true", help="许下单、撤单（默认只许查）")
    add("--new-token", action="store_true", help="换一个令牌与一组端口：以前贴进去的从此连不上")
    add(
        "--max-value",
        metavar="YUAN",
        type=plain_number("元", "50000"),
        help="一笔委托最多多少元；没有限价的按涨停价算（默认不限）",
    )
    add(
        "--max-per-minute",
        metavar="N",
        type=whole_number(1),
        help="一分钟最多几笔委托（默认不限）",
    )
    add("-o", "--output", metavar="FILE", help="写进这个文件，只给本人看（默认标准输出）")
    parser.runs(_agent)


def _agent(arguments: argparse.Namespace) -> int:
    from easytrader.bigqmt.agentfile import render, settings_for

    try:
        settings = settings_for(
            arguments.account, arguments.type, new_token=arguments.new_token
        )._replace(allow_orders=arguments.allow_orders, caps=_caps(arguments))
    except UsageError as exc:
        raise UsageError(f"--{exc.argument}", exc.value, exc.expected) from exc
    _write(arguments.output, render(settings))
    kind = {"STOCK": "普通", "CREDIT": "信用"}[settings.account_type]
    complain(_told(settings))
    complain(_CLICKS.format(account=masked(settings.account), kind=kind))
    return 0


def _caps(arguments: argparse.Namespace) -> dict[str, float]:
    caps: dict[str, float] = {}
    if arguments.max_value is not None:
        caps["max_value"] = float(arguments.max_value)
    if arguments.max_per_minute is not None:
        caps["max_per_minute"] = arguments.max_per_minute
    return caps


def _told(settings: Settings) -> str:
    if not settings.allow_orders:
        return "这一份只许查：要下单、撤单，加上 --allow-orders 再写一份。"
    limits = [
        f"一笔 {settings.caps['max_value']:,.0f} 元以内" if "max_value" in settings.caps else "",
        f"一分钟 {settings.caps['max_per_minute']} 笔以内"
        if "max_per_minute" in settings.caps
        else "",
    ]
    told = "，".join(filter(None, limits)) or "笔数、金额不限"
    return f"这一份可以下单、撤单：{told}。"


def _probe(arguments: argparse.Namespace) -> int:
    from easytrader.bigqmt.agentfile import probe_text

    _write(arguments.output, probe_text())
    complain(_PROBE_CLICKS)
    return 0


def _write(output: str | None, text: str) -> None:
    data = text.encode("ascii")
    if output is None:
        raw = getattr(sys.stdout, "buffer", None)
        if raw is None:  # 没有输出，或换成了只收文字的
            say(text.rstrip("\n"))
            return
        with suppress(OSError, ValueError):  # 对方不读了（``| head``）
            sys.stdout.flush()
            raw.write(data)
            raw.flush()
        return
    from easytrader.basics.private import replace_file

    path = Path(output).expanduser()
    if path.is_dir():
        raise UsageError("-o", output, "这是文件夹，应是要写的文件")
    try:
        replace_file(path, data)
    except OSError as exc:
        raise UsageError("-o", output, f"写不了：{exc.strerror or exc}") from exc
    complain(f"已写好 {path}")
