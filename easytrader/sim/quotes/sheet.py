"""许多「证券 × 日」的走势一起算：与 `SyntheticMarket.path` 逐位相同的数组写法，快几十倍。

它照着合成行情的公式写；`Paths` 用之前先与 ``path`` 对一小段，对不上（公式改了）就不用。
停牌、封板、盘中停牌的日子，没有 numpy 时，照旧问 ``path``。
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight
from easytrader.sim.market import synthetic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.market.synthetic import SyntheticMarket


Sections = tuple[tuple[int, int], ...]
"""一天里各交易时段，零点起的秒。"""
_LAYER: Final = 0xD1B54A32D192ED03
_MASK: Final = 0xFFFFFFFFFFFFFFFF


class Sheet:
    """``days`` 是各证券同一天的 `synthetic._Day`。"""

    def __init__(
        self,
        market: SyntheticMarket,
        seconds: Sections,
        days: Sequence[Any],
        securities: Sequence[Security],
    ) -> None:
        self._market = market
        self._seconds = seconds
        self._days = days
        self._securities = securities

    def prices(self, ticks: Sequence[int]) -> list[list[int]]:
        """各跳各证券的最近成交价，厘；一跳一行。"""
        calm = [index for index, day in enumerate(self._days) if is_calm(day)]
        found = [[0] * len(self._days) for _ in ticks]
        try:
            table = self._fast(calm, ticks) if len(ticks) > 1 else None
        except ImportError:
            table = None
        for index, security in enumerate(self._securities):
            column = (
                table[calm.index(index)].tolist()
                if table is not None and index in calm
                else [self._market.path(security, tick, tick)[0] for tick in ticks]
            )
            for row, price in zip(found, column, strict=True):
                row[index] = price
        return found

    def _fast(self, calm: list[int], ticks: Sequence[int]) -> Any:
        np: Any = importlib.import_module("numpy")
        days = [self._days[index] for index in calm]
        return prices(np, self._market, self._seconds, days, np.asarray(ticks)) if days else None


def is_calm(day: Any) -> bool:
    """这一天的价格只由公式定。"""
    fate = day.fate
    return not fate.suspended and fate.seal is None and fate.halt is None


def prices(np: Any, market: Any, seconds: Sections, days: Sequence[Any], ticks: Any) -> Any:
    """``days``（同一天、都平静）× ``ticks`` 的最近成交价，厘。"""

    def column(values: Any, kind: str = "float64") -> Any:
        return np.array(list(values), dtype=kind)[:, None]

    salts = np.array([day.salt & _MASK for day in days], dtype="uint64")[:, None]
    opened = column(day.open_li for day in days)
    close = column(day.close_li for day in days)
    done = progress(np, market, seconds, ticks, days[0].day)[None, :]
    base = opened + (close - opened) * done
    end = column(day.end for day in days)
    edge = np.minimum(np.minimum(1.0, 48.0 * done), 48.0 * (end - done))
    swing = column(day.profile.swing for day in days)
    wave = noise(np, salts, synthetic._INTRADAY, ticks)  # noqa: SLF001  见模块说明
    base = np.where(edge > 0.0, base * (1.0 + swing * edge * wave), base)
    unit = column((day.rules.tick_li for day in days), "int64")
    low = column((day.limit_down_li for day in days), "int64")
    high = column((day.limit_up_li for day in days), "int64")
    gap = column((day.gap_li for day in days), "int64")
    bid = np.clip(np.floor(base / unit + 0.5).astype(np.int64) * unit, low, high)
    lifted = mix(np, salts ^ np.uint64(0x3C), ticks[None, :]) >> np.uint64(63) == 0
    found = np.where(lifted, np.minimum(bid + gap, high), bid)
    called = ticks[None, :] >= column((day.open_call for day in days), "int64")
    opening = column((day.opening_li for day in days), "int64")
    before = column((day.pre_close_li for day in days), "int64")
    found = np.where(done <= 0.0, np.where(called, opening, before), found)
    found = np.where(done >= 1.0, close.astype(np.int64), found)
    for row, day in zip(found, days, strict=True):  # 收盘集合竞价里站着不动
        start, stop = day.closing
        still = (ticks >= start) & (ticks < stop)
        if still.any():
            row[still] = market._last_at(day, start - 1)  # noqa: SLF001
    return found


def progress(np: Any, market: Any, seconds: Sections, ticks: Any, day: int) -> Any:
    """各跳时一天走到了几分之几。"""
    at = ticks * market._tick_s - float(midnight(day))  # noqa: SLF001  见模块说明
    done = sum(np.clip(at - start, 0.0, end - start) for start, end in seconds)
    return done / sum(end - start for start, end in seconds)


def noise(np: Any, salts: Any, octaves: Any, at: Any) -> Any:
    """`noise.values` 的数组写法：``salts`` 各行 × ``at`` 各列。"""
    total = np.zeros((len(salts), len(at)))
    for layer, (period, amplitude) in enumerate(octaves):
        base = salts ^ np.uint64(layer * _LAYER & _MASK)
        cell = at // period
        start = int(cell.min())
        wanted = np.arange(start, int(cell.max()) + 2)
        if len(wanted) > 2 * len(at):  # 隔得远的几跳：只散列用得着的格点
            wanted, place = np.unique(np.concatenate([cell, cell + 1]), return_inverse=True)
            here, there = place[: len(at)], place[len(at) :]
        else:
            here = cell - start
            there = here + 1
        lattice = mix(np, base, wanted[None, :]) >> np.uint64(11)
        points = lattice.astype(np.float64) / 4503599627370496.0 - 1.0
        t = (at % period) / period
        left = points[:, here]
        total += amplitude * (left + (points[:, there] - left) * (t * t * (3.0 - 2.0 * t)))
    return total


def mix(np: Any, salt: Any, numbers: Any) -> Any:
    """`noise.mix` 的数组写法：64 位整数自然回绕。"""
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = z + salt
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
