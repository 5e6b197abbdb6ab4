"""今天开不开市，现在是一天里的哪一段。"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from easytrader.basics.beijing import BEIJING
from easytrader.miniqmt.file_checks import NOTE, OK, Verdict
from easytrader.sim.config.folder import SimFolder

if TYPE_CHECKING:
    from easytrader.checkup.case import Case

_LONGEST_BREAK: Final = 30
_SOON: Final = 15
_UPGRADE: Final = "pip install -U exchange_calendars"
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


def look_trading_day(
    case: Case, *, now: datetime | None = None, known: tuple[date, date] | None = None
) -> Verdict:
    """是不是交易日；不是的话下一个是哪天。

    Args:
        case: 这次体检。
        now: 现在。
        known: 日历知道的第一个与最后一个交易日。
    """
    from easytrader.trading_days import coverage, explain, is_trading_day, trouble

    moment = (now or datetime.now(BEIJING)).astimezone(BEIJING)
    today = moment.date()
    told = f"北京时间 {moment:%Y-%m-%d %H:%M}"
    if case.simulated and _is_always_open(case):
        return Verdict(OK, f"{told}；这个模拟文件夹全天可交易")
    trading = is_trading_day(today)
    known = known or coverage()
    if trading is None:
        fix = "照上面说的改好这个文件" if trouble() else _UPGRADE
        return Verdict(NOTE, f"{told}；不知道是不是交易日：{explain(today)}", fix)
    if not trading:
        following = _next_trading_day(today)
        shown = f"，下一个交易日 {following}" if following else ""
        fix = "客户端这时常常关着；委托等开市再下"
        return Verdict(NOTE, f"{told}；今天不是交易日{shown}", fix)
    if known is not None and (known[1] - today).days < _SOON:
        return Verdict(NOTE, f"{told}；交易日，{phase(moment)}；日历只到 {known[1]}", _UPGRADE)
    return Verdict(OK, f"{told}；交易日，{phase(moment)}")


def phase(moment: datetime) -> str:
    """交易日里的这一刻属于哪一段。"""
    clock = moment.timetz().replace(tzinfo=None)
    return next((name for end, name in _PHASES if clock < end), "收盘后")


def _is_always_open(case: Case) -> bool:
    assert case.folder is not None
    return SimFolder.open(case.folder).config.clock != "exchange"


def _next_trading_day(today: date) -> date | None:
    from easytrader.trading_days import is_trading_day

    later = (today + timedelta(days=n) for n in range(1, _LONGEST_BREAK))
    return next((day for day in later if is_trading_day(day)), None)
