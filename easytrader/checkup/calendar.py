"""今天开不开市，现在是一天里的哪一段。"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Final

from easytrader.basics.beijing import BEIJING, beijing_now
from easytrader.miniqmt.diagnose.file_checks import NOTE, OK, Verdict
from easytrader.sim.config.folder import SimFolder

if TYPE_CHECKING:
    from easytrader.checkup.case import Case

_PHASES: Final = (
    (time(9, 15), "盘前"),
    (time(9, 25), "开盘集合竞价"),
    (time(9, 30), "开盘前的等待"),
    (time(11, 30), "连续竞价（上午）"),
    (time(13, 0), "午间休市"),
    (time(14, 57), "连续竞价（下午）"),
    (time(15, 0), "收盘集合竞价"),
    (time(15, 5), "收盘"),
    (time(15, 30), "盘后（固定价格交易）"),
)


def look_trading_day(case: Case, *, now: datetime | None = None) -> Verdict:
    """是不是交易日；不是的话下一个是哪天。

    Args:
        case: 这次体检。
        now: 现在。
    """
    from easytrader.market import calendar

    moment = (now or beijing_now()).astimezone(BEIJING)
    today = moment.date()
    told = f"北京时间 {moment:%Y-%m-%d %H:%M}"
    if case.simulated and _is_always_open(case):
        return Verdict(OK, f"{told}；这个模拟文件夹全天可交易")
    trading = calendar.is_trading_day(today)
    if trading is None:
        fix = "照上面说的改好这个文件" if calendar.trouble() else calendar.remedy()
        return Verdict(NOTE, f"{told}；不知道是不是交易日：{calendar.explain(today)}", fix)
    last = calendar.ending(today)
    ends = "" if last is None else f"；日历只到 {last}"
    if not trading:
        following = calendar.next_trading_day(today)
        shown = f"，下一个交易日 {following}" if following else ""
        fix = "客户端这时常常关着；委托等开市再下"
        fix = f"{fix}；{calendar.remedy()}" if ends else fix
        return Verdict(NOTE, f"{told}；今天不是交易日{shown}{ends}", fix)
    if ends:
        return Verdict(NOTE, f"{told}；交易日，{phase(moment)}{ends}", calendar.remedy())
    return Verdict(OK, f"{told}；交易日，{phase(moment)}")


def phase(moment: datetime) -> str:
    """交易日里的这一刻属于哪一段。"""
    clock = moment.timetz().replace(tzinfo=None)
    return next((name for end, name in _PHASES if clock < end), "收盘后")


def _is_always_open(case: Case) -> bool:
    assert case.folder is not None
    return SimFolder.open(case.folder).config.clock != "exchange"
