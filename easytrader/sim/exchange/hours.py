"""一天怎么开市：全天开放，或按交易所的时间。日期一律是上海时间（UTC+8，1991 年后无夏令时）。

交易日在内部用公历序数（``date.toordinal()``）表示，行情噪声与前一日的推算都直接用它。
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple, Protocol

from easytrader.basics.beijing import day_of, midnight
from easytrader.errors import SimulatorError
from easytrader.market import calendar
from easytrader.market.rules import phases
from easytrader.market.rules.phases import Phase

_DAY: Final = 86400
_OPEN_CALL_START: Final = 33300
_OPEN_CALL_END: Final = 33900
_LATE_WINDOWS: Final = (
    phases.CONTINUOUS[0],
    (phases.CONTINUOUS[-1][0], phases.LATE_CLOSE),
)


class Bells(NamedTuple):
    """一天里的几个时刻：集合竞价各从什么时候起、什么时候撮合，连续竞价的起止，午休。"""

    call_start: float
    open_call: float
    continuous: float
    lunch: float
    afternoon: float
    closing_start: float
    close_call: float
    late_close: float


def day_code(day: int) -> str:
    """序数 → ``YYYYMMDD``。"""
    return f"{date.fromordinal(day):%Y%m%d}"


def day_number(day: int) -> int:
    """序数 → ``20261120``。"""
    return int(day_code(day))


class MarketHours(Protocol):
    """交易时间：交易日、是否开市、一天走到了哪里。"""

    def day(self, ts: float) -> int:
        """``ts`` 所属的交易日（非交易日算上一个交易日）。"""
        ...

    def previous(self, day: int) -> int:
        """上一个交易日。"""
        ...

    def following(self, day: int) -> int:
        """下一个交易日。"""
        ...

    def is_open(self, ts: float, closing_call: bool = False, late: bool = False) -> bool:
        """此刻是否连续交易；问的是有收盘集合竞价的、或连续到 15:30 的（``late``）证券。"""
        ...

    def phase(
        self, ts: float, closing_call: bool = False, after_hours: bool = False, late: bool = False
    ) -> Phase:
        """此刻是哪个时段；问的是有没有收盘集合竞价、盘后固定价格、连续到 15:30 的证券。"""
        ...

    def bells(self, day: int) -> Bells | None:
        """``day`` 的集合竞价与开盘在什么时候；没有集合竞价为 None。"""
        ...

    def progress(self, ts: float, day: int, late: bool = False) -> float:
        """``day`` 这一天的交易走到了几分之几：0 未开盘，1 已收盘；``late``：连续到 15:30 的。"""
        ...

    def day_end(self, day: int, late: bool = False) -> float:
        """``day`` 停止撮合的时刻；``late``：还有连续到 15:30 的证券。"""
        ...

    def next_change(self, ts: float) -> float:
        """下一次开市、休市或换日的时刻。"""
        ...

    def closed_reason(self, ts: float) -> str:
        """休市的特别原因；平常的休市为空。"""
        ...


class AlwaysOpen:
    """每个日历日都是交易日，从零点到零点连续交易。模拟盘的默认时间。"""

    def day(self, ts: float) -> int:
        """日历日。"""
        return day_of(ts)

    def previous(self, day: int) -> int:
        """前一个日历日。"""
        return day - 1

    def following(self, day: int) -> int:
        """后一个日历日。"""
        return day + 1

    def is_open(self, ts: float, closing_call: bool = False, late: bool = False) -> bool:
        """总是开市。"""
        return True

    def phase(
        self, ts: float, closing_call: bool = False, after_hours: bool = False, late: bool = False
    ) -> Phase:
        """总是连续竞价。"""
        return Phase.CONTINUOUS

    def bells(self, day: int) -> Bells | None:
        """没有集合竞价。"""
        return None

    def progress(self, ts: float, day: int, late: bool = False) -> float:
        """一天过去了几分之几。"""
        return min(max((ts - midnight(day)) / _DAY, 0.0), 1.0)

    def day_end(self, day: int, late: bool = False) -> float:
        """次日零点。"""
        return midnight(day + 1)

    def next_change(self, ts: float) -> float:
        """次日零点。"""
        return midnight(day_of(ts) + 1)

    def closed_reason(self, ts: float) -> str:
        """从不休市。"""
        return ""


class ExchangeHours:
    """交易所的日历与时间；日历的末日之后，周一至周五都当作交易日。"""

    _known = 0, 0
    """上次问的是哪一天，答的是哪个交易日：一步里要问许多遍。"""

    def day(self, ts: float) -> int:
        """当天或之前最近的交易日。"""
        number = day_of(ts)
        known, answer = self._known
        if number == known:
            return answer
        asked = date.fromordinal(number)
        found = calendar.last_trading_day(asked, past_end=True)
        if found is None:
            raise SimulatorError(
                f"没有可用的交易日历，不能按交易所时间运行：{calendar.explain(asked)}；"
                "改好它，或改用 clock=always。"
            )
        self._known = number, found.toordinal()
        return found.toordinal()

    def previous(self, day: int) -> int:
        """上一个交易日；日历的第一天之前按日历日退一天。"""
        found = calendar.last_trading_day(date.fromordinal(day - 1), past_end=True)
        return day - 1 if found is None else found.toordinal()

    def following(self, day: int) -> int:
        """下一个交易日。"""
        asked = date.fromordinal(day)
        found = calendar.next_trading_day(asked, past_end=True)
        if found is None:
            raise SimulatorError(f"不知道 {asked} 之后哪天开市：{calendar.explain(asked)}。")
        return found.toordinal()

    def is_open(self, ts: float, closing_call: bool = False, late: bool = False) -> bool:
        """交易日的连续交易时段。"""
        day = day_of(ts)
        second = ts - midnight(day)
        if closing_call and second >= phases.CLOSING_CALL:
            return False
        opened = any(start <= second < end for start, end in phases.CONTINUOUS)
        if not (opened or (late and _is_late(second))):
            return False
        return _is_open(day)

    def phase(
        self, ts: float, closing_call: bool = False, after_hours: bool = False, late: bool = False
    ) -> Phase:
        """`phases` 的表；没有收盘集合竞价的证券那时还是连续竞价。"""
        day = day_of(ts)
        second = ts - midnight(day)
        found = Phase.CONTINUOUS if late and _is_late(second) else phases.clock_phase(second)
        if found is Phase.CLOSED or not _is_open(day):
            return Phase.CLOSED
        if found is Phase.CLOSE_CALL and not closing_call:
            return Phase.CONTINUOUS
        if found is Phase.AFTER_HOURS and not after_hours:
            return Phase.CLOSED
        return found

    def bells(self, day: int) -> Bells | None:
        """9:15、9:25、9:30、11:30、13:00、14:57、15:00、15:30。"""
        start = midnight(day)
        return Bells(
            start + _OPEN_CALL_START,
            start + _OPEN_CALL_END,
            start + phases.CONTINUOUS[0][0],
            start + phases.CONTINUOUS[0][1],
            start + phases.CONTINUOUS[1][0],
            start + phases.CLOSING_CALL,
            start + phases.CONTINUOUS[-1][1],
            start + phases.LATE_CLOSE,
        )

    def progress(self, ts: float, day: int, late: bool = False) -> float:
        """连续交易时间走过的比例。"""
        second = ts - midnight(day)
        windows = _LATE_WINDOWS if late else phases.CONTINUOUS
        total = sum(end - start for start, end in windows)
        done = sum(min(max(second - start, 0.0), end - start) for start, end in windows)
        return done / total

    def day_end(self, day: int, late: bool = False) -> float:
        """15:00，或 15:30。"""
        return midnight(day) + (phases.LATE_CLOSE if late else phases.CONTINUOUS[-1][1])

    def next_change(self, ts: float) -> float:
        """当天下一个时段边界，或次日零点。"""
        start = midnight(day_of(ts))
        return start + next((edge for edge in phases.EDGES if start + edge > ts), _DAY)

    def closed_reason(self, ts: float) -> str:
        """日历还没有开始，或读不懂时说明白。"""
        day = date.fromordinal(day_of(ts))
        known = calendar.coverage()
        return "" if known is not None and day > known[1] else calendar.explain(day)


def _is_late(second: float) -> bool:
    """15:00–15:30。"""
    return phases.CONTINUOUS[-1][1] <= second < phases.LATE_CLOSE


def _is_open(day: int) -> bool:
    return calendar.is_trading_day(date.fromordinal(day), past_end=True) is True


def hours_for(clock: str) -> MarketHours:
    """配置里的 ``clock`` → 交易时间。"""
    return AlwaysOpen() if clock == "always" else ExchangeHours()


def trading_time(hours: MarketHours, start: float, length_s: float) -> float:
    """从 ``start`` 起走 ``length_s`` 秒的交易时间，走到哪一刻；午休、夜里不算。"""
    day = hours.day(start)
    while True:
        for begin, end in phases.CONTINUOUS:
            opened = max(start, float(midnight(day) + begin))
            room = midnight(day) + end - opened
            if room <= 0:
                continue
            if length_s <= room:
                return opened + length_s
            length_s -= room
        day = hours.following(day)


def later_open(hours: MarketHours, now: float) -> float:
    """下一个交易日的 09:30。"""
    return float(midnight(hours.following(hours.day(now))) + phases.CONTINUOUS[0][0])
