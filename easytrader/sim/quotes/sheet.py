"""许多「证券 × 日」的走势一起算：与 `SyntheticMarket.path` 逐位相同的数组写法，快几十倍。

它照着合成行情的公式写；`Paths` 用之前先与 ``path`` 对一小段，对不上（公式改了）就不用。
停牌、封板、盘中停牌的日子，没有 numpy 时，照旧问 ``path``。`DayTape` 的成交量曲线也在这里。
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight
from easytrader.sim.exchange.depth import Level, Quote
from easytrader.sim.market import synthetic

if TYPE_CHECKING:
    from collections.abc import Sequence


Sections = tuple[tuple[int, int], ...]
"""一天里各交易时段，零点起的秒。"""
_LAYER: Final = 0xD1B54A32D192ED03
_MASK: Final = 0xFFFFFFFFFFFFFFFF


def is_calm(day: Any) -> bool:
    """这一天的价格只由公式定。"""
    fate = day.fate
    return not (fate.suspended or fate.seal is not None or fate.surge or day.halts)


def prices(np: Any, market: Any, seconds: Sections, days: Sequence[Any], ticks: Any) -> Any:
    """``days`` × ``ticks`` 的最近成交价，厘。

    ``days`` 都要平静；不是同一天的也行（见 `aligned`），``ticks`` 是其中第一天的。
    """
    columns = _columns(np, market, days)
    waves = noise(np, columns, synthetic._INTRADAY, ticks)  # noqa: SLF001  见模块说明
    done = progress(np, market, seconds, ticks, days[0].day)[None, :]
    _, found = _priced(np, columns, done, waves, ticks[None, :])
    return _still(market, days, columns, ticks, found)


def quotes(np: Any, market: Any, seconds: Sections, days: Sequence[Any], tick: int) -> list[Quote]:
    """`SyntheticMarket.quote`：同一天的许多只，在这一跳的盘口；``days`` 都要平静。"""
    columns, ticks = _columns(np, market, days), np.array([tick])
    waves = noise(np, columns, synthetic._INTRADAY, ticks)  # noqa: SLF001
    done = progress(np, market, seconds, ticks, days[0].day)[None, :]
    bid, last = _priced(np, columns, done, waves, ticks[None, :])
    last = _still(market, days, columns, ticks, last)[:, 0].tolist()
    gap = columns["gap"]
    sides = [_levels(np, days, columns, tick, bid + gap, gap, 0x51)]
    sides.append(_levels(np, days, columns, tick, bid, -gap, 0x52))
    return [
        Quote(tick, day.pre_close_li, now, day.limit_down_li, day.limit_up_li, asks, bids)
        for day, now, asks, bids in zip(days, last, *sides, strict=True)
    ]


def _levels(
    np: Any,
    days: Sequence[Any],
    columns: dict[str, Any],
    tick: int,
    start: Any,
    gap: Any,
    side: int,
) -> list[tuple[Level, ...]]:
    count = synthetic._DEPTH  # noqa: SLF001
    depth = np.arange(count)[None, :]
    price = start + depth * gap
    lattice = mix(np, columns["salt"] ^ np.uint64(side), tick * count + depth) >> np.uint64(11)
    share = 0.3 + 0.9 * (lattice.astype(np.float64) / 9007199254740992.0) + 0.1 * depth
    worth = np.array([day.depth_li for day in days])[:, None]
    unit = np.array([day.unit for day in days])[:, None]
    money = (worth * share).astype(np.int64)
    volume = np.maximum(money // np.maximum(price * unit, 1), 2) * unit
    most = ((price >= columns["low"]) & (price <= columns["high"])).sum(axis=1).tolist()
    return [
        tuple(map(Level, prices[:size], volumes[:size]))
        for prices, volumes, size in zip(price.tolist(), volume.tolist(), most, strict=True)
    ]


def _still(
    market: Any, days: Sequence[Any], columns: dict[str, Any], ticks: Any, found: Any
) -> Any:
    shifts = columns["shift"][:, 0].tolist()
    for row, day, shift in zip(found, days, shifts, strict=True):  # 收盘集合竞价里站着不动
        start, stop = day.closing
        still = (ticks + shift >= start) & (ticks + shift < stop)
        if still.any():
            row[still] = market._last_at(day, start - 1)  # noqa: SLF001
    return found


def aligned(market: Any) -> bool:
    """一天的跳数是各层噪声周期的倍数：不同的日子可以排在一张表里。"""
    ticks = _DAY_S / market._tick_s  # noqa: SLF001
    return all(ticks % period == 0 for period, _ in synthetic._INTRADAY)  # noqa: SLF001


def extremes(
    np: Any, market: Any, seconds: Sections, days: Sequence[Any], first: int, last: int
) -> tuple[Any, Any]:
    """``days`` 各自从 ``first`` 到 ``last`` 跳（同一时段）的最低与最高成交价；参数同 `prices`。

    与逐跳取极值相同，只是先看每一格（`_GRID` 跳）可能到哪里，够不着的不算。
    """
    if last - first < 2 * _GRID:
        found = prices(np, market, seconds, days, np.arange(first, last + 1))
        return found.min(axis=1), found.max(axis=1)
    columns = _columns(np, market, days)
    ends = np.arange(first // _GRID, last // _GRID + 2) * _GRID
    inside = np.clip(ends, first, last)
    done = progress(np, market, seconds, inside, days[0].day)[None, :]
    base, edge = _base(np, columns, done)
    least, most = _reach(np, columns, ends)
    sides = _sides(np, np.maximum(edge, 0.0)), _sides(np, base)
    rest = sum(amplitude for _, amplitude in synthetic._INTRADAY[_COARSE:])  # noqa: SLF001
    floor, top = _range(np, columns, sides, (least - rest, most + rest))
    edges = prices(np, market, seconds, days, np.array([first, last]))
    low, high = edges.min(axis=1), edges.max(axis=1)

    every_done = progress(np, market, seconds, np.arange(first, last + 1), days[0].day)

    def look(rows: Any, starts: Any, size: int) -> None:
        ticks = np.clip(starts[:, None] + np.arange(size), first, last)
        picked = {name: column[rows] for name, column in columns.items()}
        done = every_done[ticks - first]
        _, found = _priced(np, picked, done, _near(np, picked, ticks), ticks)
        np.minimum.at(low, rows, found.min(axis=1))
        np.maximum.at(high, rows, found.max(axis=1))

    every = np.arange(len(days))
    look(every, ends[top.argmax(axis=1)], _GRID)  # 先看最可能的一格，别的大多就够不着了
    look(every, ends[floor.argmin(axis=1)], _GRID)
    rows, cells = np.nonzero((top > high[:, None]) | (floor < low[:, None]))
    if len(rows):  # 够得着的分细了再看
        ticks = ends[cells][:, None] + np.arange(0, _GRID + 1, _PART)
        picked = {name: column[rows] for name, column in columns.items()}
        base, edge = _base(np, picked, every_done[np.clip(ticks, first, last) - first])
        sides = _sides(np, np.maximum(edge, 0.0)), _sides(np, base)
        floor, top = _range(np, picked, sides, _finer(np, picked, ticks))
        place, part = np.nonzero((top > high[rows][:, None]) | (floor < low[rows][:, None]))
        if len(place):
            look(rows[place], ticks[place, part], _PART)
    return low, high


def _range(np: Any, columns: dict[str, Any], sides: Any, reach: Any) -> tuple[Any, Any]:
    """各格的价格最低、最高可能到哪里；``sides``：展开几成、没有噪声的价格，两头的小的与大的。"""
    (thin, wide), (small, large) = sides
    least, most = reach
    swing = columns["swing"]
    top = large * (1.0 + swing * np.where(most > 0, wide * most, thin * most))
    floor = small * (1.0 + swing * np.where(least < 0, wide * least, thin * least))
    return _rounded(np, columns, floor), _rounded(np, columns, top) + columns["gap"]


def _finer(np: Any, columns: dict[str, Any], ends: Any) -> tuple[Any, Any]:
    """一格分成的几段里噪声的范围，``ends`` 是各段的头尾：只有最细的一层算到头。"""
    octaves = synthetic._INTRADAY  # noqa: SLF001
    rest = sum(amplitude for _, amplitude in octaves[_COARSE + 1 :]) + _SLACK
    least, most = -rest, rest
    for layer, (period, amplitude) in enumerate(octaves[: _COARSE + 1]):
        start = ends[:, :1] // period
        count = 2 if layer < _COARSE else _GRID // period + 3
        points = _points(np, columns, layer, start + columns["shift"] // period + np.arange(count))
        points *= amplitude
        place = np.minimum((ends - start * period) // period, count - 2)
        t = (ends - (start + place) * period) / period
        left, right = (np.take_along_axis(points, place + each, 1) for each in (0, 1))
        small, large = _sides(np, left + (right - left) * (t * t * (3.0 - 2.0 * t)))
        if layer == _COARSE:  # 一段里最多还有一个格点
            inside = place[:, 1:] > place[:, :-1]
            turn = np.take_along_axis(points, place[:, 1:], 1)
            small = np.where(inside, np.minimum(small, turn), small)
            large = np.where(inside, np.maximum(large, turn), large)
        least, most = least + small, most + large
    return least, most


def _points(np: Any, columns: dict[str, Any], layer: int, numbers: Any) -> Any:
    """一层噪声的格点。"""
    base = columns["salt"] ^ np.uint64(layer * _LAYER & _MASK)
    points = (mix(np, base, numbers) >> np.uint64(11)).astype(np.float64)
    return points / 4503599627370496.0 - 1.0


def volumes(np: Any, salts: Any, totals: Any, indexes: Any, shape: Sequence[int], lot: int) -> Any:
    """``DayTape`` 的累计成交量：各行的盐与全天的量 × 当天第几跳；``shape`` 见 `DayTape.shape`。"""
    count, opening, whole = shape
    lattice = mix(np, salts, indexes[None, :]) >> np.uint64(11)
    done = (indexes + lattice.astype(np.float64) / 9007199254740992.0 + opening) / whole
    done = np.where(indexes >= count - 1, 1.0, done)
    done = done + 0.85 * done * (1.0 - done) * (1.0 - 2.0 * done)
    return (totals * done).astype(np.int64) // lot * lot


_GRID: Final = 48
"""噪声的前三层的周期都是它的倍数：一格之内每一层都是单调的。"""
_PART: Final = 8
"""够得着的一格再分成这么长的几段；比第四层的周期短，是前三层周期的约数。"""
_COARSE: Final = 3
_SLACK: Final = 1e-9
_DAY_S: Final = 86400


def _sides(np: Any, ends: Any) -> tuple[Any, Any]:
    """一格两头的小的与大的。"""
    return np.minimum(ends[:, :-1], ends[:, 1:]), np.maximum(ends[:, :-1], ends[:, 1:])


def _reach(np: Any, columns: dict[str, Any], ends: Any) -> tuple[Any, Any]:
    """各格里粗的几层噪声的范围：看两头。"""
    octaves = synthetic._INTRADAY  # noqa: SLF001
    least = most = 0.0
    for layer in range(_COARSE):
        alone = tuple((p, a if at == layer else 0.0) for at, (p, a) in enumerate(octaves))
        small, large = _sides(np, noise(np, columns, alone, ends))
        least, most = least + small, most + large
    return least, most


@lru_cache(maxsize=16)
def _eased(np: Any, period: int) -> tuple[Any, Any]:
    """从一个格点起的各跳：插值的权重，过了几个格点。"""
    offset = np.arange(period + _GRID + 1)
    t = (offset % period) / period
    return t * t * (3.0 - 2.0 * t), offset // period


def _near(np: Any, columns: dict[str, Any], ticks: Any) -> Any:
    """各行自己的一格里的噪声。"""
    total = np.zeros(ticks.shape)
    for layer, (period, amplitude) in enumerate(synthetic._INTRADAY):  # noqa: SLF001
        start = ticks[:, :1] // period
        most = int((ticks[:, -1:] // period - start).max()) + 2
        numbers = start + columns["shift"] // period + np.arange(most)
        points = _points(np, columns, layer, numbers)
        offset = ticks - start * period
        rise = points[:, 1:] - points[:, :-1]
        eased, cell = _eased(np, period)
        if layer < _COARSE:  # 一格在它的一个周期之内
            left, wave = points[:, :1], rise[:, :1] * eased[offset]
        else:
            place = cell[offset]
            left = np.take_along_axis(points, place, 1)
            wave = np.take_along_axis(rise, place, 1) * eased[offset]
        wave += left
        wave *= amplitude
        total += wave
    return total


def _columns(np: Any, market: Any, days: Sequence[Any]) -> dict[str, Any]:
    def column(values: Any, kind: str = "int64") -> Any:
        return np.array(list(values), dtype=kind)[:, None]

    per_day = round(_DAY_S / market._tick_s)  # noqa: SLF001
    return {
        "salt": column((day.salt & _MASK for day in days), "uint64"),
        "shift": column((day.day - days[0].day) * per_day for day in days),
        "opened": column((day.open_li for day in days), "float64"),
        "close": column((day.close_li for day in days), "float64"),
        "end": column((day.end for day in days), "float64"),
        "swing": column((day.profile.swing for day in days), "float64"),
        "unit": column(day.rules.tick_li for day in days),
        "low": column(day.limit_down_li for day in days),
        "high": column(day.limit_up_li for day in days),
        "gap": column(day.gap_li for day in days),
        "before": column(day.pre_close_li for day in days),
        "opening": column(day.opening_li for day in days),
        "called": column(day.open_call for day in days),
    }


def _base(np: Any, columns: dict[str, Any], done: Any) -> tuple[Any, Any]:
    """没有噪声的价格；噪声在这里展开几成。"""
    base = columns["opened"] + (columns["close"] - columns["opened"]) * done
    return base, np.minimum(np.minimum(1.0, 48.0 * done), 48.0 * (columns["end"] - done))


def _rounded(np: Any, columns: dict[str, Any], base: Any) -> Any:
    unit = columns["unit"]
    bid = np.floor(base / unit + 0.5).astype(np.int64) * unit
    return np.clip(bid, columns["low"], columns["high"])


def _priced(np: Any, columns: dict[str, Any], done: Any, waves: Any, ticks: Any) -> tuple[Any, Any]:
    """买一价与最近成交价。"""
    base, edge = _base(np, columns, done)
    base = np.where(edge > 0.0, base * (1.0 + columns["swing"] * edge * waves), base)
    bid = _rounded(np, columns, base)
    ticks = ticks + columns["shift"]
    lifted = mix(np, columns["salt"] ^ np.uint64(0x3C), ticks) >> np.uint64(63) == 0
    found = np.where(lifted, np.minimum(bid + columns["gap"], columns["high"]), bid)
    early = np.where(ticks >= columns["called"], columns["opening"], columns["before"])
    found = np.where(done <= 0.0, early, found)
    return bid, np.where(done >= 1.0, columns["close"].astype(np.int64), found)


def progress(np: Any, market: Any, seconds: Sections, ticks: Any, day: int) -> Any:
    """各跳时一天走到了几分之几。"""
    at = ticks * market._tick_s - float(midnight(day))  # noqa: SLF001  见模块说明
    done = sum(np.clip(at - start, 0.0, end - start) for start, end in seconds)
    return done / sum(end - start for start, end in seconds)


def noise(np: Any, columns: dict[str, Any], octaves: Any, at: Any) -> Any:
    """`noise.values` 的数组写法：``columns`` 各行 × ``at`` 各列。"""
    salts, shift = columns["salt"], columns["shift"]
    total = np.zeros((len(salts), len(at)))
    for layer, (period, amplitude) in enumerate(octaves):
        if not amplitude:
            continue
        cell = at // period
        start = int(cell.min())
        wanted = np.arange(start, int(cell.max()) + 2)
        if len(wanted) > 2 * len(at):  # 隔得远的几跳：只散列用得着的格点
            wanted, place = np.unique(np.concatenate([cell, cell + 1]), return_inverse=True)
            here, there = place[: len(at)], place[len(at) :]
        else:
            here = cell - start
            there = here + 1
        points = _points(np, columns, layer, wanted + shift // period)
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
