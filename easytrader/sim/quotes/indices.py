"""指数：有哪些、成分是谁、此刻多少点。

成分按流通市值排出来（见 `universe`），点数由其中市值最大的 `BASKET` 只算：
基点 × Σ 权重 × 价格 ÷ 锚价，每 `EVERY` 跳报一次，收盘报收盘价。
写明了除权除息、上市、停牌的证券不进篮子，所以不必修正除数。
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.rules.tables import STOCKS
from easytrader.market.symbols import Board, Kind, Security, parse_security
from easytrader.sim.exchange.depth import Market, Prints, Quote
from easytrader.sim.market import universe
from easytrader.sim.market.anchors import profile_of
from easytrader.sim.market.noise import hash01, salt_of
from easytrader.sim.quotes import sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from easytrader.sim.exchange.depth import Halt
    from easytrader.sim.market.synthetic import SyntheticMarket


BASKET: Final = 20
EVERY: Final = 20
_TICK_LI: Final = 10
_CURVES: Final = 512
"""记住这么多个「指数 × 日」。"""
_SHARES: Final = 11_000
"""一只成分一跳平均成交多少股。"""


class Index(NamedTuple):
    """一个指数：名称、基点（厘）、成分的范围，市值从第几名到第几名（None 为全部）。"""

    name: str
    points_li: int
    exchanges: tuple[str, ...]
    boards: tuple[Board, ...] = ()
    start: int = 0
    stop: int | None = None


_BOTH: Final = ("SH", "SZ")
_SH, _SZ, _BJ = ("SH",), ("SZ",), ("BJ",)

INDICES: Final = {
    "000001.SH": Index("上证指数", 3_900_000, _SH),
    "000002.SH": Index("A股指数", 4_090_000, _SH),
    "000009.SH": Index("上证380", 6_200_000, _SH, (), 180, 560),
    "000010.SH": Index("上证180", 9_800_000, _SH, (), 0, 180),
    "000016.SH": Index("上证50", 3_000_000, _SH, (), 0, 50),
    "000300.SH": Index("沪深300", 4_500_000, _BOTH, (), 0, 300),
    "000510.SH": Index("中证A500", 5_400_000, _BOTH, (), 0, 500),
    "000688.SH": Index("科创50", 1_350_000, _SH, (Board.STAR,), 0, 50),
    "000698.SH": Index("科创100", 1_450_000, _SH, (Board.STAR,), 50, 150),
    "000852.SH": Index("中证1000", 7_300_000, _BOTH, (), 800, 1800),
    "000903.SH": Index("中证A100", 4_300_000, _BOTH, (), 0, 100),
    "000905.SH": Index("中证500", 7_000_000, _BOTH, (), 300, 800),
    "000906.SH": Index("中证800", 4_900_000, _BOTH, (), 0, 800),
    "399001.SZ": Index("深证成指", 13_000_000, _SZ, (), 0, 500),
    "399005.SZ": Index("中小100", 7_800_000, _SZ, (Board.SZ_MAIN,), 0, 100),
    "399006.SZ": Index("创业板指", 3_000_000, _SZ, (Board.CHINEXT,), 0, 100),
    "399102.SZ": Index("创业板综", 3_800_000, _SZ, (Board.CHINEXT,)),
    "399106.SZ": Index("深证综指", 2_450_000, _SZ),
    "399300.SZ": Index("沪深300", 4_500_000, _BOTH, (), 0, 300),
    "399330.SZ": Index("深证100", 5_600_000, _SZ, (), 0, 100),
    "399673.SZ": Index("创业板50", 3_050_000, _SZ, (Board.CHINEXT,), 0, 50),
    "399852.SZ": Index("中证1000", 7_300_000, _BOTH, (), 800, 1800),
    "399905.SZ": Index("中证500", 7_000_000, _BOTH, (), 300, 800),
    "899050.BJ": Index("北证50", 1_450_000, _BJ, (), 0, 50),
}


@lru_cache(maxsize=4)
def _ranked(seed: int) -> tuple[Security, ...]:
    """全部股票，流通市值由大到小。"""
    stocks = [parse_security(code) for code in universe.codes()]
    stocks = [each for each in stocks if each.kind in STOCKS]
    return tuple(sorted(stocks, key=lambda each: -universe.float_cap(each, seed)))


@lru_cache(maxsize=256)
def members(code: str, seed: int) -> tuple[str, ...]:
    """成分，权重由大到小；没有这个指数为空。"""
    index = INDICES.get(code)
    if index is None:
        return ()
    found = [
        each.stock_code
        for each in _ranked(seed)
        if each.exchange in index.exchanges and (not index.boards or each.board in index.boards)
    ]
    return tuple(found[index.start : index.stop])


class IndexedMarket(Market):
    """合成的市场，加上指数；别的都照原来的市场。

    Args:
        market: 合成行情。
        seed: 它的种子。
        seconds: 一天里各交易时段，零点起的秒。
        edges: 交易日（序数）→ 首跳与末跳。
        shunned: 不进篮子的代码。
    """

    def __init__(
        self,
        market: SyntheticMarket,
        seed: int,
        seconds: sheet.Sections,
        edges: Callable[[int], tuple[int, int]],
        shunned: Collection[str],
    ) -> None:
        self.inner = market
        self._tick_s = market._tick_s  # noqa: SLF001  `Market` 的约定
        self._seed = seed
        self._seconds = seconds
        self._edges = edges
        self._shunned = frozenset(shunned)
        self._baskets: dict[str, list[tuple[Security, float]]] = {}
        self._curves: dict[tuple[str, int], dict[int, int]] = {}
        self._trusted: bool | None = None
        """一起算的与一只一只问的对过一小段：是否相同（公式改了就不同）。"""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def quote(self, security: Security, tick: int) -> Quote:
        """指数没有盘口，也没有涨跌停。"""
        if security.kind is not Kind.INDEX:
            return self.inner.quote(security, tick)
        days = self._days(security, tick)
        before = self._level(security, [day.pre_close_li for day in days])
        return Quote(tick, before, self.path(security, tick, tick)[0], 0, 0, (), ())

    def path(self, security: Security, first: int, last: int) -> list[int]:
        """各跳的点数；都按 ``last`` 那一天算。"""
        if security.kind is not Kind.INDEX:
            return self.inner.path(security, first, last)
        return self.levels(security, range(first, last + 1))

    def levels(self, security: Security, ticks: Sequence[int]) -> list[int]:
        """同一天的几跳的点数。"""
        number = self.inner._hours.day(self.tick_time(ticks[-1]))  # noqa: SLF001
        opening, closing = self._edges(number)
        keys = [self._key(tick, opening, closing) for tick in ticks]
        known = self._curve(security, number) if keys[-1] >= opening else {}
        wanted = sorted({key for key in keys if key not in known})
        if wanted:
            levels = self._levels(security, self._one_by_one(security, wanted))
            known = {**known, **dict(zip(wanted, levels, strict=True))}
        return [known[key] for key in keys]

    def extremes(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """``first`` 到 ``last`` 跳（同一天，开盘以后）最低与最高的点数。"""
        number = self.inner._hours.day(self.tick_time(last))  # noqa: SLF001
        edges = self._edges(number)
        start, stop = (self._key(tick, *edges) for tick in (first, last))
        curve = self._curve(security, number)
        found = [level for key, level in curve.items() if start <= key <= stop]
        found = found or self.levels(security, range(first, last + 1))
        return min(found), max(found)

    @staticmethod
    def _key(tick: int, opening: int, closing: int) -> int:
        """这一跳看到的是哪一跳报的。"""
        if tick < opening:
            return tick
        return closing if tick >= closing else max(tick // EVERY * EVERY, opening)

    def _curve(self, security: Security, number: int) -> dict[int, int]:
        """一天里报的各个点数；一天一起算，缓存只为快。"""
        key = security.stock_code, number
        found = self._curves.get(key)
        if found is None:
            if len(self._curves) >= _CURVES:
                self._curves.clear()
            opening, closing = self._edges(number)
            ticks = [opening, *range((opening // EVERY + 1) * EVERY, closing, EVERY), closing]
            days = self._days(security, closing)
            rows = self._together(security, days, ticks) or self._one_by_one(security, ticks)
            levels = self._levels(security, rows)
            found = self._curves[key] = dict(zip(ticks, levels, strict=True))
        return found

    def _one_by_one(self, security: Security, ticks: list[int]) -> list[list[int]]:
        """篮子里各只在各跳的价格，一只一行。"""
        path = self.inner.path
        basket = self._securities(security)
        return [[path(each, tick, tick)[0] for tick in ticks] for each in basket]

    def _together(self, security: Security, days: list[Any], ticks: list[int]) -> Any:
        """同 `_one_by_one`，一起算的；不能一起算为 None。"""
        if not all(sheet.is_calm(day) for day in days) or (np := _numpy()) is None:
            return None
        found = sheet.prices(np, self.inner, self._seconds, days, np.array(ticks))
        sample = ticks[:: max(1, len(ticks) // 4)]
        if self._trusted is None:
            honest = self._one_by_one(security, sample)
            self._trusted = found[:, :: max(1, len(ticks) // 4)].tolist() == honest
        return found.tolist() if self._trusted else None

    def _levels(self, security: Security, rows: list[list[int]]) -> list[int]:
        """一只一行的价格 → 各跳的点数。"""
        shares = [share for _, share in self._basket(security)]
        return [_points(shares, prices) for prices in zip(*rows, strict=True)]

    def printed(self, security: Security, tick: int, before_li: int, now_li: int) -> Prints:
        """这一跳的成交。"""
        if security.kind is not Kind.INDEX:
            return self.inner.printed(security, tick, before_li, now_li)
        count = len(members(security.stock_code, self._seed))
        share = 0.6 + 0.8 * hash01(salt_of(self._seed, security.stock_code), tick)
        return Prints(now_li, now_li, int(count * _SHARES * share) // 100 * 100)

    def span(self, security: Security, first: int, last: int) -> tuple[int, int]:
        """成交价的范围。"""
        if security.kind is not Kind.INDEX:
            return self.inner.span(security, first, last)
        path = self.path(security, first - 1, last)
        return min(path), max(path)

    def halts(self, security: Security, tick: int) -> tuple[Halt, ...]:
        """``tick`` 那一天的各次盘中停牌；指数不停。"""
        return () if security.kind is Kind.INDEX else self.inner.halts(security, tick)

    def outline(self, security: Security, tick: int) -> tuple[int, float | None]:
        """见 `SyntheticMarket.outline`。"""
        if security.kind is not Kind.INDEX:
            return self.inner.outline(security, tick)
        days = self._days(security, tick)
        before = self._level(security, [day.pre_close_li for day in days])
        salt = salt_of(self._seed, security.stock_code)
        busy = 0.7 + 0.6 * hash01(salt, days[0].day)  # 天天一样的量，程序里的标准差就是零
        return before, len(members(security.stock_code, self._seed)) * _SHARES * busy

    def closing(self, security: Security, number: int) -> int:
        """``number`` 这一天的收盘。"""
        if security.kind is not Kind.INDEX:
            return self.inner.closing(security, number)
        closes = [self.inner.closing(each, number) for each in self._securities(security)]
        return self._level(security, closes)

    def _days(self, security: Security, tick: int) -> list[Any]:
        at = self.tick_time(tick)
        return [self.inner._day_at(each, at) for each in self._securities(security)]  # noqa: SLF001

    def _securities(self, security: Security) -> list[Security]:
        return [each for each, _ in self._basket(security)]

    def _level(self, security: Security, prices: Any) -> int:
        return _points([share for _, share in self._basket(security)], prices)

    def _basket(self, security: Security) -> list[tuple[Security, float]]:
        """成分与它的一厘值多少点（厘）。"""
        code = security.stock_code
        found = self._baskets.get(code)
        if found is None:
            names = [each for each in members(code, self._seed) if each not in self._shunned]
            chosen = [parse_security(each) for each in names[:BASKET]]
            caps = [universe.float_cap(each, self._seed) for each in chosen]
            points = INDICES[code].points_li / sum(caps)
            found = self._baskets[code] = [
                (each, points * cap / _anchor(each, self._seed))
                for each, cap in zip(chosen, caps, strict=True)
            ]
        return found


def _points(shares: list[float], prices: Any) -> int:
    points = 0.0
    for share, price in zip(shares, prices, strict=True):
        points += share * price  # 不用 sum：它从 3.12 起带补偿，与数组加出来的差末位
    return round(points / _TICK_LI) * _TICK_LI


def _anchor(security: Security, seed: int) -> int:
    return profile_of(security, salt_of(seed, security.stock_code)).anchor_li


def _numpy() -> Any:
    """numpy；没有为 None。"""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None
