"""一只证券的一天：开高低、成交量、成交额走到任何一跳时是多少。

最高、最低就是市场各跳成交价的最高、最低。合成行情的成交量不逐跳加总（一天几万跳），而是由抽样的
平均每跳成交量推出一条只增不减的曲线，早晚多、中间少；回放的取自数据。成交额按五分钟一格的价格
累计，所以均价总在最低与最高之间。

一段时间里各跳的成交价用 numpy 一次算（`Paths`），与 `Market.path` 逐位相同，只是快几十倍。它照着
合成行情的公式写；用之前先与 ``path`` 对一小段，对不上（公式改了）、停牌与封板的日子、别的市场、
没有 numpy，都照旧问 ``path``。
"""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.symbols import Kind
from easytrader.sim.market.noise import hash01, salt_of
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes import sheet
from easytrader.sim.rules.repo import worth_li

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.exchange.screen import Ticks


_WORTH: Final = 64
"""短于这么多跳的不值得。"""
_CHECKED: Final = 24


class Paths:
    """一个市场的走势；``seconds`` 是一天里各交易时段（零点起的秒）。"""

    def __init__(self, market: Market, seconds: tuple[tuple[int, int], ...]) -> None:
        self._market = market
        self._seconds = seconds
        self._trusted: bool | None = None
        self._np: Any = None

    def of(self, security: Security, first: int, last: int) -> Any:
        """``first`` 到 ``last`` 跳（同一交易日）的最近成交价：列表或数组，厘。"""
        if last - first < _WORTH or self._trusted is False:
            return self._market.path(security, first, last)
        try:
            found = self._fast(security, first, last)
            if found is not None and self._trusted is None:
                check = self._market.path(security, last - _CHECKED, last)
                self._trusted = found[-len(check) :].tolist() == check
        except (ImportError, AttributeError, TypeError):
            self._trusted, found = False, None
        if found is None or not self._trusted:
            return self._market.path(security, first, last)
        return found

    def _fast(self, security: Security, first: int, last: int) -> Any:
        market: Any = getattr(self._market, "inner", self._market)
        if type(market) is not SyntheticMarket or security.kind is Kind.INDEX:
            return None
        day = market._day_at(security, market.tick_time(last))  # noqa: SLF001  见模块说明
        if not sheet.is_calm(day):
            return None
        np = self._np = self._np or importlib.import_module("numpy")
        return sheet.prices(np, market, self._seconds, [day], np.arange(first, last + 1))[0]


_CELL_S: Final = 300.0
_SAMPLES: Final = 16
_LOT: Final = 100
_CALL_SHARE: Final = 1
"""合成行情里一次集合竞价约成交全天的百分之几。"""
_TRADE_LOTS: Final = 20
"""平均一笔成交多少手，用来给出成交笔数。"""


class Stats(NamedTuple):
    """当日走到某一跳时的样子。价格厘，数量股/份/张，金额元。"""

    open_li: int
    high_li: int
    low_li: int
    last_li: int
    volume: int
    amount: float
    trades: int


def ranges(
    market: Market, segments: tuple[tuple[int, int], ...], day_of_end: bool
) -> list[tuple[int, int]]:
    """各段的跳号范围：一段是（起，止］，与 K 线一样时间标在结束。

    ``day_of_end``：收盘那一刻还属于这一天（全天开市时它是次日的零点）。
    """
    found = []
    for index, (start, end) in enumerate(segments):
        last = market.tick_at(end)
        if index == len(segments) - 1 and not day_of_end and market.tick_time(last) >= end:
            last -= 1
        first = market.tick_at(start) + 1
        if last >= first:
            found.append((first, last))
    return found


def with_calls(
    spans: list[tuple[int, int]], ticks: Ticks | None, closing_call: bool
) -> list[tuple[int, int]]:
    """各段的跳号，加上两次集合竞价：一次只有撮合的那一跳。"""
    if ticks is None:
        return spans
    found = [(ticks.open_call, ticks.open_call), *spans]
    first, last = found[-1]
    if closing_call and first < ticks.closing_start <= last:
        found[-1:] = [(first, ticks.closing_start - 1), (ticks.close_call, ticks.close_call)]
    return found


class DayTape:
    """一天的走势；``at`` 可以一跳一跳往后问，也可以隔很久问一次，答案相同。

    ``spans``：各段的跳号范围，见 `with_calls`。
    """

    def __init__(
        self,
        market: Market,
        paths: Paths,
        security: Security,
        day: int,
        spans: list[tuple[int, int]],
    ) -> None:
        self._market = market
        self._paths = paths
        self._security = security
        self._spans = spans
        self._salt = salt_of(day, security.stock_code)
        self._count = sum(last - first + 1 for first, last in spans)
        # 两次集合竞价（只有一跳的段）各成交多少，以跳计
        self._opening, self._closing = (
            self._count * _CALL_SHARE // 100 if first == last else 0
            for first, last in (spans[0], spans[-1])
        )
        # 回放的市场说得出到哪一跳成交了多少
        self._traded: Callable[[Security, int], int] | None = getattr(market, "traded", None)
        self._total = 0.0 if self._traded is not None else self._sampled_total()
        opening = spans[0][0]
        self._open = self._low = self._high = market.path(security, opening, opening)[0]
        self._done = opening
        self._seen = 1
        step = market.tick_time(1) - market.tick_time(0)
        self._cell = max(1, round(_CELL_S / step))
        # 每格开头的累计量、累计额与价格
        self._cells: list[tuple[int, float, int]] = [(0, 0.0, self._open)]
        self.pre_close_li = market.quote(security, opening).pre_close_li

    @property
    def opening_li(self) -> int | None:
        """开盘集合竞价的成交价；没有集合竞价为 None。"""
        first, last = self._spans[0]
        return self._open if first == last else None

    def called(self, tick: int) -> bool:
        """在收盘集合竞价里：没有成交，不是停牌。"""
        first, last = self._spans[-1]
        return first == last and self._spans[-2][1] < tick < first

    def at(self, tick: int) -> Stats:
        """走到 ``tick``（不早于开盘）时。"""
        volume, amount = self.turnover(tick)
        last = self._market.path(self._security, tick, tick)[0]
        trades = volume // _LOT // _TRADE_LOTS
        return Stats(self._open, self._high, self._low, last, volume, amount, trades)

    def turnover(self, tick: int) -> tuple[int, float]:
        """到 ``tick`` 为止的成交量与成交额（元）。"""
        self._extend(tick)
        index = self._index(tick)
        before, amount, price = self._cells[index // self._cell]
        volume = self._volume(index)
        return volume, amount + worth_li(self._security, price, volume - before) / 1000

    def _extend(self, tick: int) -> None:
        """走到 ``tick``。"""
        for first, last in self._spans:
            start, stop = max(first, self._done + 1), min(last, tick)
            if start > stop:
                continue
            path = self._paths.of(self._security, start, stop)
            low, high = (path.min(), path.max()) if hasattr(path, "min") else (min(path), max(path))
            self._low, self._high = min(self._low, int(low)), max(self._high, int(high))
            self._fill(path)
            self._done = stop

    def _fill(self, path: Any) -> None:
        """记下新的一格：上一格的量按它开头的价格计。"""
        end = self._seen + len(path)
        while (index := len(self._cells) * self._cell) < end:
            before, amount, price = self._cells[-1]
            volume = self._volume(index)
            amount += worth_li(self._security, price, volume - before) / 1000
            self._cells.append((volume, amount, int(path[index - self._seen])))
        self._seen = end

    def _sampled_total(self) -> float:
        """全天成交量：抽几跳看平均。"""
        step = max(1, self._count // _SAMPLES)
        ticks = [self._tick(index) for index in range(step // 2, self._count, step)]
        seen = [self._market.prints(self._security, tick).volume for tick in ticks]
        return self._count * sum(seen) / max(1, len(seen))

    def _volume(self, index: int) -> int:
        """累计成交量，只增不减：每跳在自己那一份里随机地多一点少一点。"""
        if self._traded is not None:
            return self._traded(self._security, self._tick(index))
        if index >= self._count - 1:
            done = 1.0
        else:
            whole = self._count + self._opening + self._closing
            done = (index + hash01(self._salt, index) + self._opening) / whole
        done += 0.5 * math.sin(2 * math.pi * done) / (2 * math.pi)
        return int(self._total * done) // _LOT * _LOT

    def _index(self, tick: int) -> int:
        """这是当天第几跳（休市时是休市前的最后一跳）。"""
        index = 0
        for first, last in self._spans:
            if tick < first:
                break
            index += min(tick, last) - first + 1
        return max(0, index - 1)

    def _tick(self, index: int) -> int:
        for first, last in self._spans:
            size = last - first + 1
            if index < size:
                return first + index
            index -= size
        return self._spans[-1][1]
