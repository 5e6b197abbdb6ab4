"""``sim init`` 里关于行情的选项，与 ``sim step``。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.cli.output import say

if TYPE_CHECKING:
    import argparse

    from easytrader.cli.parser import Parser

_SHARES: Final = {
    "gap_days": "隔夜跳空的日子",
    "limit_days": "涨停、跌停的日子",
    "halt_days": "停牌的日子",
    "thin_books": "盘口稀薄的日子",
}
_TEXTS: Final = ("start", "replay", "replay_period", "replay_volume")


def register_market(parser: Parser) -> None:
    """``sim init`` 的行情选项。"""
    add = parser.add_argument
    for name, title in _SHARES.items():
        text = f"合成行情里{title}占多少，0–1（默认 0）"
        add(f"--{name.replace('_', '-')}", metavar="R", type=float, help=text)
    add("--start", metavar="WHEN", help="--clock step 从哪一刻开始，例如 '2026-03-02 09:30'")
    add("--replay", metavar="PATH", help="回放数据的文件夹或文件；要配 --clock step")
    periods = ("tick", "1m", "5m", "15m", "30m", "1h")
    add("--replay-period", choices=periods, metavar="P", help=f"周期：{'、'.join(periods)}")
    units = ("hand", "share")
    add("--replay-volume", choices=units, help="数量单位：手（默认），或股")


def market_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """命令行 → 文件夹的设置；没有给的为 None。"""
    return {name: getattr(arguments, name) for name in (*_SHARES, *_TEXTS)}


def register_step(commands: argparse._SubParsersAction[Parser]) -> None:
    """挂上 ``sim step``。"""
    parser = commands.add_parser(
        "step",
        help="让单步的时钟走一步",
        description="文件夹要用 --clock step 建，并且正被服务着；什么都不给就只看现在。",
    )
    add = parser.add_argument
    add("path", metavar="PATH", help="模拟 MiniQMT 的文件夹")
    add("--minutes", type=float, metavar="N", help="走几分钟交易时间")
    add("--to", metavar="WHEN", help="走到哪一刻，例如 '2026-03-02 14:30'")
    add("--next-day", action="store_true", help="走到下一个交易日的 09:30")
    parser.runs(_step)


def _step(arguments: argparse.Namespace) -> int:
    from easytrader.sim.host.stepping import Stepper

    stepper = Stepper(arguments.path)
    if arguments.next_day:
        now = stepper.next_day()
    elif arguments.to is not None:
        now = stepper.goto(arguments.to)
    elif arguments.minutes is not None:
        now = stepper.step(minutes=arguments.minutes)
    else:
        now = stepper.now()
    say(f"{now:%Y-%m-%d %H:%M:%S}")
    return 0
