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
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.rules.repo import worth_li
from easytrader.market.symbols import Kind
from easytrader.sim.market.noise import hash01, salt_of
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes import sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Market, Printed
    from easytrader.sim.exchange.screen import Ticks


_WORTH: Final = 64
"""短于这么多跳的不值得。"""
_CHECKED: Final = 150
_BATCH: Final = 256


class Paths:
    """一个市场的走势；``seconds`` 是一天里各交易时段（零点起的秒），``late`` 是连续到 15:30 的。"""

    def __init__(
        self,
        market: Market,
        seconds: tuple[tuple[int, int], ...],
        late: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        self._market = market
        self._inner = getattr(market, "inner", market)
        # 回放的市场不必一跳一跳地看
        self._swing: Callable[[Security, int, int], tuple[int, int] | None] | None = getattr(
            market, "swing", None
        )
        self._seconds = seconds, late or seconds
        self._trusted: bool | None = None
        self._np: Any = None

    def _sections(self, day: Any) -> tuple[tuple[int, int], ...]:
        return self._seconds[day.rules.late_close]

    def of(self, security: Security, first: int, last: int) -> Any:
        """``first`` 到 ``last`` 跳（同一交易日）的最近成交价：列表或数组，厘。"""
        day = self._calm(security, last) if last - first >= _WORTH else None
        if day is None:
            return self._market.path(security, first, last)
        return sheet.prices(
            self._np, self._inner, self._sections(day), [day], self._np.arange(first, last + 1)
        )[0]

    def at(self, security: Security, ticks: list[int]) -> list[int]:
        """同一交易日的几跳的最近成交价。"""
        levels: Any = getattr(self._market, "levels", None)
        if security.kind is Kind.INDEX and levels is not None:
            return list(levels(security, ticks))
        day = self._calm(security, ticks[-1]) if len(ticks) > 1 else None
        if day is None:
            return [self._market.path(security, tick, tick)[0] for tick in ticks]
        at = self._np.array(ticks)
        found = sheet.prices(self._np, self._inner, self._sections(day), [day], at)
        return [int(each) for each in found[0]]

    def extremes(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """同一时段从 ``first`` 到 ``last`` 跳的最低与最高成交价。"""
        reached: Any = getattr(self._market, "extremes", None)
        if security.kind is Kind.INDEX and reached is not None:
            low, high = reached(security, first, last)
            return low, high
        if self._swing is not None:
            found = self._swing(security, first, last)
            if found is not None:
                return found
        day = self._calm(security, last) if last - first >= _WORTH else None
        if day is None:
            path = self._market.path(security, first, last)
            return min(path), max(path)
        low, high = sheet.extremes(self._np, self._inner, self._sections(day), [day], first, last)
        return int(low[0]), int(high[0])

    def prime(self, items: Iterable[tuple[DayTape, int]]) -> None:
        """许多「证券 × 日」一起走到各自的那一跳；算不快的留给它们自己。"""
        groups: dict[object, list[tuple[DayTape, int, Any]]] = {}
        together = None
        for tape, tick in items:
            day = self._calm(tape.security, tick)
            if day is None or tape.done >= tick:
                continue
            if together is None:
                together = sheet.aligned(self._inner)
            zero = tape.spans[0][0]
            spans = tuple((first - zero, last - zero) for first, last in tape.spans)
            key = spans, tape.done - zero, tick - zero, None if together else day.day
            groups.setdefault(key, []).append((tape, tick, day))
        for group in groups.values():
            for start in range(0, len(group), _BATCH):
                self._advance(group[start : start + _BATCH])

    def prime_quotes(self, securities: list[Security], tick: int) -> None:
        """许多只同一跳的盘口一起算；算不快的留给它们自己。"""
        market: Any = self._inner
        groups: dict[bool, list[tuple[str, Any]]] = {}
        for each in securities:
            day = self._calm(each, tick)
            if day is not None:
                groups.setdefault(day.rules.late_close, []).append((each.stock_code, day))
        for late, calm in groups.items():
            days = [day for _, day in calm]
            made = sheet.quotes(self._np, market, self._seconds[late], days, tick)
            for (code, _), quote in zip(calm, made, strict=True):
                market.remember(code, quote)

    def _advance(self, group: list[tuple[DayTape, int, Any]]) -> None:
        """一批停在一天里同一跳、走到同一跳的。"""
        np, tapes, tick = self._np, [tape for tape, _, _ in group], group[0][1]
        days = [day for _, _, day in group]
        seconds = self._sections(days[0])
        salts = np.array([tape.salt for tape in tapes], dtype="uint64")[:, None]
        totals = np.array([tape.total for tape in tapes])[:, None]
        face = np.array([worth_li(tape.security, 0, 1) for tape in tapes])[:, None]
        for first, last in tapes[0].ahead(tick):
            low, high = sheet.extremes(np, self._inner, seconds, days, first, last)
            marks = tapes[0].marks(first, last)
            cells: Any = [()] * len(tapes)
            if marks:
                now = sheet.prices(np, self._inner, seconds, days, np.array(marks))
                at = np.arange(tapes[0].cells, tapes[0].cells + len(marks)) * tapes[0].cell
                done = sheet.volumes(np, salts, totals, at, tapes[0].shape, _LOT)
                starts = np.array([tape.last_cell for tape in tapes])
                before = np.column_stack([starts[:, 0].astype(np.int64), done[:, :-1]])
                price = np.column_stack([starts[:, 2].astype(np.int64), now[:, :-1]])
                worth = np.where(face > 0, face, price) * (done - before) / 1000
                worth = np.cumsum(np.column_stack([starts[:, 1], worth]), axis=1)[:, 1:]
                cells = [
                    zip(*row, strict=True)
                    for row in zip(done.tolist(), worth.tolist(), now.tolist(), strict=True)
                ]
            for tape, least, most, each in zip(
                tapes, low.tolist(), high.tolist(), cells, strict=True
            ):
                shift = tape.spans[0][0] - tapes[0].spans[0][0]
                tape.move(first + shift, last + shift, (least, most), each)

    def _calm(self, security: Security, tick: int) -> Any:
        """这一跳那天的样子，可以照公式一起算；不可以为 None。"""
        market: Any = self._inner
        if self._trusted is False or type(market) is not SyntheticMarket:
            return None
        if security.kind is Kind.INDEX:
            return None
        day = market._day_at(security, market.tick_time(tick))  # noqa: SLF001  见模块说明
        if not sheet.is_calm(day):
            return None
        if self._trusted is None:
            try:
                self._np = importlib.import_module("numpy")
                self._trusted = self._check(security, day, tick)
            except (ImportError, AttributeError, TypeError):
                self._trusted = False
        return day if self._trusted else None

    def _check(self, security: Security, day: Any, tick: int) -> bool:
        """与 ``path`` 对一小段；收盘集合竞价里站着不动，极值不跨过去。"""
        start, stop = day.closing
        if start <= tick <= stop:
            tick = start - 1
        ask = self._np, self._inner, self._sections(day), [day]
        if sheet.quotes(*ask, tick) != [self._inner.quote(security, tick)]:
            return False
        first = tick - _CHECKED
        honest = self._market.path(security, first, tick)
        found = sheet.prices(*ask, self._np.arange(first, tick + 1))[0].tolist()
        low, high = sheet.extremes(*ask, first, tick)
        return bool(found == honest and (low[0], high[0]) == (min(honest), max(honest)))


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

    def joined(self, own: Printed, tick: int | None) -> Stats:
        """加上自己的成交；最近价只在 ``tick`` 这一跳里是自己的。"""
        return self._replace(
            high_li=max(self.high_li, own.high_li),
            low_li=min(self.low_li, own.low_li),
            last_li=own.last_li if own.tick == tick else self.last_li,
            volume=self.volume + own.volume,
            amount=self.amount + own.worth_li / 1000,
        )


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
        self.security = security
        self.salt = salt_of(day, security.stock_code)
        self.spans = tuple(spans)
        count = sum(last - first + 1 for first, last in spans)
        # 两次集合竞价（只有一跳的段）各成交多少，以跳计
        opening, closing = (
            count * _CALL_SHARE // 100 if first == last else 0
            for first, last in (spans[0], spans[-1])
        )
        self.shape = count, opening, count + opening + closing
        # 回放的市场说得出到哪一跳成交了多少
        self._traded: Callable[[Security, int], int] | None = getattr(market, "traded", None)
        at_open = spans[0][0]
        outline = getattr(market, "outline", None)
        told = None if outline is None else outline(security, at_open)
        self.total = 0.0 if self._traded is not None else self._whole(told)
        self._open = self._low = self._high = market.path(security, at_open, at_open)[0]
        self.done = at_open
        self._seen = 1
        step = market.tick_time(1) - market.tick_time(0)
        self.cell = max(1, round(getattr(market, "cell_s", _CELL_S) / step))
        # 每格开头的累计量、累计额与价格
        self._cells: list[tuple[int, float, int]] = [(0, 0.0, self._open)]
        self.pre_close_li = (
            market.quote(security, at_open).pre_close_li if told is None else told[0]
        )

    @property
    def opening_li(self) -> int | None:
        """开盘集合竞价的成交价；没有集合竞价为 None。"""
        first, last = self.spans[0]
        return self._open if first == last else None

    def called(self, tick: int) -> bool:
        """在收盘集合竞价里：没有成交，不是停牌。"""
        first, last = self.spans[-1]
        return first == last and self.spans[-2][1] < tick < first

    def at(self, tick: int, last: int | None = None) -> Stats:
        """走到 ``tick``（不早于开盘）时；``last`` 是那时的最近价，已经知道的话。"""
        volume, amount = self.turnover(tick)
        if last is None:
            last = self._market.path(self.security, tick, tick)[0]
        trades = volume // _LOT // _TRADE_LOTS
        return Stats(self._open, self._high, self._low, last, volume, amount, trades)

    def turnover(self, tick: int) -> tuple[int, float]:
        """到 ``tick`` 为止的成交量与成交额（元）。"""
        self._extend(tick)
        index = self._index(tick)
        before, amount, price = self._cells[index // self.cell]
        volume = self._volume(index)
        return volume, amount + worth_li(self.security, price, volume - before) / 1000

    def ahead(self, tick: int) -> list[tuple[int, int]]:
        """走到 ``tick`` 还要走的各段。"""
        found = [(max(first, self.done + 1), min(last, tick)) for first, last in self.spans]
        return [(first, last) for first, last in found if first <= last]

    def marks(self, first: int, last: int) -> list[int]:
        """从 ``first`` 走到 ``last`` 新碰到的各格的第一跳。"""
        end = self._seen + last - first + 1
        start = len(self._cells) * self.cell
        return [first + index - self._seen for index in range(start, end, self.cell)]

    @property
    def cells(self) -> int:
        """已经有几格。"""
        return len(self._cells)

    @property
    def last_cell(self) -> tuple[int, float, int]:
        """最后一格开头的累计量、累计额与价格。"""
        return self._cells[-1]

    def move(
        self,
        first: int,
        last: int,
        reached: tuple[int, int],
        cells: Iterable[tuple[int, float, int]],
    ) -> None:
        """走过一段：最低、最高，新碰到的各格。"""
        low, high = reached
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._cells.extend(cells)
        self._seen += last - first + 1
        self.done = last

    def _new_cells(self, prices: list[int]) -> list[tuple[int, float, int]]:
        """`marks` 各跳的价格 → 各格；上一格的量按它开头的价格计。"""
        found = []
        before, amount, price = self._cells[-1]
        for index, now in enumerate(prices, len(self._cells)):
            volume = self._volume(index * self.cell)
            amount += worth_li(self.security, price, volume - before) / 1000
            before, price = volume, now
            found.append((volume, amount, now))
        return found

    def _extend(self, tick: int) -> None:
        """走到 ``tick``。"""
        if tick <= self.done:
            return
        for first, last in self.ahead(tick):
            marks = self.marks(first, last)
            prices = self._paths.at(self.security, marks) if marks else []
            reached = self._paths.extremes(self.security, first, last)
            self.move(first, last, reached, self._new_cells(prices))

    def _whole(self, told: tuple[int, float | None] | None) -> float:
        """全天成交量：市场说得出一跳平均多少就照它，否则抽几跳看平均。"""
        if told is None or told[1] is None:
            return self._sampled_total()
        return self.shape[0] * told[1]

    def _sampled_total(self) -> float:
        """全天成交量：抽几跳看平均。"""
        step = max(1, self.shape[0] // _SAMPLES)
        ticks = [self._tick(index) for index in range(step // 2, self.shape[0], step)]
        seen = [self._market.prints(self.security, tick).volume for tick in ticks]
        return self.shape[0] * sum(seen) / max(1, len(seen))

    def _volume(self, index: int) -> int:
        """累计成交量，只增不减：每跳在自己那一份里随机地多一点少一点。"""
        if self._traded is not None:
            return self._traded(self.security, self._tick(index))
        count, opening, whole = self.shape
        last = index >= count - 1
        done = 1.0 if last else (index + hash01(self.salt, index) + opening) / whole
        done += 0.85 * done * (1.0 - done) * (1.0 - 2.0 * done)  # 早晚多，中间少
        return int(self.total * done) // _LOT * _LOT

    def _index(self, tick: int) -> int:
        """这是当天第几跳（休市时是休市前的最后一跳）。"""
        index = 0
        for first, last in self.spans:
            if tick < first:
                break
            index += min(tick, last) - first + 1
        return max(0, index - 1)

    def _tick(self, index: int) -> int:
        for first, last in self.spans:
            size = last - first + 1
            if index < size:
                return first + index
            index -= size
        return self.spans[-1][1]
