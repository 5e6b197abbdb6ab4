"""K 线：一分钟线由各跳的成交价合成，长的由短的合成，周期更长的由日线合成。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import OFFSET_S
from easytrader.market.rules.repo import worth_li

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.quotes.tape import DayTape, Paths


MINUTES: Final = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60}
DAILY: Final = "1d"
_DAY_S: Final = 86400

LONG: Final[dict[str, Callable[[date], object]]] = {
    "1w": lambda day: day.isocalendar()[:2],
    "1mon": lambda day: (day.year, day.month),
    "1q": lambda day: (day.year, (day.month - 1) // 3),
    "1hy": lambda day: (day.year, (day.month - 1) // 6),
    "1y": lambda day: day.year,
}
"""长周期：同一组的日线合成一根。"""


class Bar(NamedTuple):
    """一根。价格厘，量为股/份/张，额为元；``time`` 是 Unix 秒：分钟线为结束的时刻，日线为零点。"""

    time: int
    open_li: int
    high_li: int
    low_li: int
    close_li: int
    volume: int
    amount: float
    pre_close_li: int
    suspended: bool = False


class Adjustment(NamedTuple):
    """一次除权除息：哪一天（序数），每股派现（厘），每股送转，前收盘除以参考价。"""

    ex: int
    cash_li: float
    gift: float
    ratio: float

    def forward(self, price_li: float) -> float:
        """除权前的价格换到除权后的口径。"""
        return (price_li - self.cash_li) / (1 + self.gift)

    def backward(self, price_li: float) -> float:
        """除权后的价格换到除权前的口径。"""
        return price_li * (1 + self.gift) + self.cash_li


def bar_row(bar: Bar, lot: int) -> dict[str, Any]:
    """一根 K 线，厂商的口径：毫秒、元、手。"""
    return {
        "time": bar.time * 1000,
        "open": bar.open_li / 1000,
        "high": bar.high_li / 1000,
        "low": bar.low_li / 1000,
        "close": bar.close_li / 1000,
        "volume": bar.volume // lot,
        "amount": round(bar.amount, 2),
        "settelementPrice": 0.0,
        "openInterest": 0,
        "preClose": bar.pre_close_li / 1000,
        "suspendFlag": int(bar.suspended),
    }


def adjusted(bar: Bar, day: int, actions: list[Adjustment], dividend: str | None) -> Bar:
    """复权：``front`` 按派现、送转倒推，``front_ratio`` 按比例；``back`` 相反。量不变。"""
    if not actions or dividend in (None, "none"):
        return bar
    front = str(dividend).startswith("front")
    # 前收盘已经是除权除息后的口径，与当天的价格一起换
    chosen = [each for each in actions if (each.ex > day) is front]

    def moved(price_li: float) -> int:
        for each in chosen if front else reversed(chosen):
            if str(dividend).endswith("ratio"):
                price_li = price_li / each.ratio if front else price_li * each.ratio
            else:
                price_li = each.forward(price_li) if front else each.backward(price_li)
        return round(price_li)

    return bar._replace(
        open_li=moved(bar.open_li),
        high_li=moved(bar.high_li),
        low_li=moved(bar.low_li),
        close_li=moved(bar.close_li),
        pre_close_li=moved(bar.pre_close_li),
    )


def merge(bars: list[Bar], time: int) -> Bar:
    """几根相连的并成一根。"""
    return Bar(
        time,
        bars[0].open_li,
        max(bar.high_li for bar in bars),
        min(bar.low_li for bar in bars),
        bars[-1].close_li,
        sum(bar.volume for bar in bars),
        sum(bar.amount for bar in bars),
        bars[0].pre_close_li,
        all(bar.suspended for bar in bars),
    )


def regroup(daily: Iterable[Bar], day_of: Callable[[Bar], date], period: str) -> list[Bar]:
    """日线 → 周、月、季、半年、年线；时间是组里最后一个交易日。"""
    key = LONG[period]
    groups: dict[object, list[Bar]] = {}
    for bar in daily:
        groups.setdefault(key(day_of(bar)), []).append(bar)
    return [merge(bars, bars[-1].time) for bars in groups.values()]


def minute_bars(
    market: Market,
    paths: Paths,
    security: Security,
    tape: DayTape,
    sections: list[tuple[int, int, int, int]],
    upto: int,
    minutes: int,
) -> list[Bar]:
    """一天的分钟线，到 ``upto`` 跳为止（最后一根可以没走完）。

    ``sections``：各段 ``(起秒, 止秒, 首跳, 末跳)``；``minutes``：一根几分钟。
    """
    found: list[Bar] = []
    previous, volume, amount = tape.pre_close_li, 0, 0.0
    tape.turnover(upto)  # 先一口气走到头：一分钟一分钟地走，每一步都短得不值得一起算
    opening = tape.opening_li
    for start, end, first, last in sections:
        if first > upto:
            break
        last = min(last, upto)
        path = paths.of(security, first, last)
        path = path if isinstance(path, list) else path.tolist()
        for edge in range(start, end, minutes * 60):
            stop = min(edge + minutes * 60, end)
            a = max(market.tick_at(edge) + 1, first)
            b = min(market.tick_at(stop), last)
            if a > last:
                break
            prices = path[a - first : b - first + 1] or [previous]
            if not found and opening is not None:
                prices.insert(0, opening)
            done, money = tape.turnover(max(b, first))
            low, high = min(prices), max(prices)
            size = done - volume
            least, most = worth_li(security, low, size), worth_li(security, high, size)
            worth = min(max(money - amount, least / 1000), most / 1000)
            still = size == 0 and not tape.called(b)
            found.append(
                Bar(_label(stop), prices[0], high, low, prices[-1], size, worth, previous, still)
            )
            previous, volume, amount = prices[-1], done, money
    return found


def _label(stop: int) -> int:
    """结束的时刻；全天开市的最后一根记在 23:59:59，仍是这一天的。"""
    return stop - 1 if (stop + OFFSET_S) % _DAY_S == 0 else stop
