"""一天怎么开市：全天开放，或按交易所的时间。日期一律是上海时间（UTC+8，1991 年后无夏令时）。

交易日在内部用公历序数（``date.toordinal()``）表示，行情噪声与前一日的推算都直接用它。
"""

from __future__ import annotations

from datetime import date
from typing import Final, Protocol

from easytrader.errors import SimulatorError
from easytrader.trading_days import coverage, is_trading_day, last_trading_day

__all__ = ["AlwaysOpen", "ExchangeHours", "MarketHours", "day_code", "hours_for"]

_OFFSET: Final = 8 * 3600
_DAY: Final = 86400
_EPOCH: Final = date(1970, 1, 1).toordinal()

CONTINUOUS: Final = ((34200, 41400), (46800, 54000))
"""连续交易的时段（当日零点起的秒）：09:30–11:30、13:00–15:00。

SSE26 2.4.2、SZSE26 2.3.2、BSE26 2.3.2，2026-07-06 起施行。集合竞价与盘后固定价格不在此列，
那些时段的委托目前一律按「当前时间不允许」拒绝。
"""

CLOSING_CALL: Final = 53820
"""14:57：有收盘集合竞价的证券到此为止。哪些证券、从哪天起，见 `rules` 的表。"""


def _calendar_day(ts: float) -> int:
    return int((ts + _OFFSET) // _DAY) + _EPOCH


def _midnight(day: int) -> float:
    return float((day - _EPOCH) * _DAY - _OFFSET)


def day_code(day: int) -> str:
    """序数 → ``YYYYMMDD``。"""
    return f"{date.fromordinal(day):%Y%m%d}"


class MarketHours(Protocol):
    """交易时间：交易日、是否开市、一天走到了哪里。"""

    def day(self, ts: float) -> int:
        """``ts`` 所属的交易日（非交易日算上一个交易日）。"""
        ...

    def previous(self, day: int) -> int:
        """上一个交易日。"""
        ...

    def is_open(self, ts: float, closing_call: bool = False) -> bool:
        """此刻是否连续交易；``closing_call``：问的是有收盘集合竞价的证券。"""
        ...

    def progress(self, ts: float, day: int) -> float:
        """``day`` 这一天的交易走到了几分之几：0 未开盘，1 已收盘。"""
        ...

    def day_end(self, day: int) -> float:
        """``day`` 停止撮合的时刻。"""
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
        return _calendar_day(ts)

    def previous(self, day: int) -> int:
        """前一个日历日。"""
        return day - 1

    def is_open(self, ts: float, closing_call: bool = False) -> bool:
        """总是开市。"""
        return True

    def progress(self, ts: float, day: int) -> float:
        """一天过去了几分之几。"""
        return min(max((ts - _midnight(day)) / _DAY, 0.0), 1.0)

    def day_end(self, day: int) -> float:
        """次日零点。"""
        return _midnight(day + 1)

    def next_change(self, ts: float) -> float:
        """次日零点。"""
        return _midnight(_calendar_day(ts) + 1)

    def closed_reason(self, ts: float) -> str:
        """从不休市。"""
        return ""


class ExchangeHours:
    """交易所的日历与时间；日历没有覆盖到的日子一律不开市。"""

    def day(self, ts: float) -> int:
        """当天或之前最近的交易日。"""
        found = last_trading_day(date.fromordinal(_calendar_day(ts)))
        if found is None:
            raise SimulatorError(
                "没有可用的交易日历（exchange_calendars 未安装，或日期早于日历），"
                "不能按交易所时间运行；请 pip install exchange_calendars，或改用 clock=always。"
            )
        return found.toordinal()

    def previous(self, day: int) -> int:
        """上一个交易日；日历的第一天之前按日历日退一天。"""
        found = last_trading_day(date.fromordinal(day - 1))
        return day - 1 if found is None else found.toordinal()

    def is_open(self, ts: float, closing_call: bool = False) -> bool:
        """交易日的连续交易时段。"""
        day = _calendar_day(ts)
        second = ts - _midnight(day)
        if closing_call and second >= CLOSING_CALL:
            return False
        if not any(start <= second < end for start, end in CONTINUOUS):
            return False
        return is_trading_day(date.fromordinal(day)) is True

    def progress(self, ts: float, day: int) -> float:
        """连续交易时间走过的比例。"""
        second = ts - _midnight(day)
        total = sum(end - start for start, end in CONTINUOUS)
        done = sum(min(max(second - start, 0.0), end - start) for start, end in CONTINUOUS)
        return done / total

    def day_end(self, day: int) -> float:
        """15:00。"""
        return _midnight(day) + CONTINUOUS[-1][1]

    def next_change(self, ts: float) -> float:
        """当天下一个时段边界，或次日零点。"""
        start = _midnight(_calendar_day(ts))
        edges = (start + edge for phase in (*CONTINUOUS, (CLOSING_CALL,)) for edge in phase)
        return min((edge for edge in edges if edge > ts), default=start + _DAY)

    def closed_reason(self, ts: float) -> str:
        """日历不知道这一天时说明白，不去猜。"""
        day = date.fromordinal(_calendar_day(ts))
        if is_trading_day(day) is not None:
            return ""
        known = coverage()
        until = f"只到 {known[1]:%Y-%m-%d}" if known else "没有安装"
        return f"交易日历{until}，不知道 {day:%Y-%m-%d} 是否开市"


def hours_for(clock: str) -> MarketHours:
    """配置里的 ``clock`` → 交易时间。"""
    return ExchangeHours() if clock == "exchange" else AlwaysOpen()
