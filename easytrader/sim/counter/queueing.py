"""先收下、到点再报的委托：什么时候报给交易所。

哪家柜台这样做见 `profile`；15:00 到 15:30 柜台在清算，不收，与不存着的柜台一样。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.basics.beijing import midnight
from easytrader.market.rules.phases import CONTINUOUS, LATE_CLOSE, PRE_OPEN_EXCHANGES

if TYPE_CHECKING:
    from easytrader.sim.exchange.hours import MarketHours


def report_time(hours: MarketHours, now: float, exchange: str) -> float | None:
    """``now`` 收下的委托什么时候报：当天 9:15、9:30、13:00，或下一个交易日的 9:15。

    None 是不先收：交易所此刻就在收（或柜台在清算），或者没有开市、收市之分（``clock=always``）。
    """
    if hours.closed_reason(now):
        return None
    day = hours.day(now)
    bells = hours.bells(day)
    if bells is None:
        return None
    second = now - midnight(day)
    lunch, back = CONTINUOUS[0][1], CONTINUOUS[1][0]
    if now < bells.call_start:
        return bells.call_start
    if bells.open_call <= now < bells.continuous:
        return None if exchange in PRE_OPEN_EXCHANGES else bells.continuous
    if lunch <= second < back:
        return float(midnight(day) + back)
    if second < LATE_CLOSE:
        return None
    following = hours.bells(hours.following(day))
    return None if following is None else following.call_start
