"""回放数据的一行：厂商的列名 → 整数厘与股数。写错的地方说出是哪一列、给的什么、应当怎样。"""

from __future__ import annotations

import math
from datetime import date
from functools import lru_cache, partial
from itertools import repeat
from operator import le, lt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import midnight
from easytrader.sim.exchange.depth import DISPLAYED, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_MS_DIGITS: Final = 13
_TEXT_DIGITS: Final = 14
_DAY_DIGITS: Final = 8


def seconds_of(value: object) -> int:
    """厂商的时间（毫秒、``YYYYMMDDHHMMSS``、``YYYYMMDD``）→ Unix 秒，不足一秒的进上去。

    Raises:
        ValueError: 看不懂。
    """
    text = str(value).strip()
    if len(text) == _DAY_DIGITS and text.isdecimal():
        return _day_of(text)
    if len(text) == _TEXT_DIGITS and text.isdecimal():
        return _day_of(text[:8]) + _clock_of(text[8:])
    milliseconds = int(text) if text.isdecimal() else int(float(text))
    if len(str(milliseconds)) != _MS_DIGITS:
        raise ValueError(text)
    return -(-milliseconds // 1000)


@lru_cache(maxsize=1024)
def _day_of(text: str) -> int:
    return midnight(date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal())


@lru_cache(maxsize=20_000)
def _clock_of(text: str) -> int:
    hour, minute, second = int(text[:2]), int(text[2:4]), int(text[4:])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    return hour * 3600 + minute * 60 + second


PERIODS: Final = {"tick": 0, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "1d": 86400}
"""周期 → 一根线多少秒；快照是 0。"""

VOLUME_UNITS: Final = ("hand", "share")
"""手（厂商的样子），股（张）。"""


CODE_COLUMNS: Final = ("code", "stock_code")
BAR_COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")
TICK_COLUMNS: Final = ("time", "lastPrice", "volume", "askPrice", "bidPrice", "askVol", "bidVol")
MOST_YUAN: Final = 10**7
MOST_VOLUME: Final = 10**13
_TIME: Final = "应为 13 位毫秒时间戳，或 YYYYMMDDHHMMSS（日线可以是 YYYYMMDD）"
_PRICE: Final = "应为大于 0 的价格（元）"
_VOLUME: Final = "应为不小于 0 的数量"
_LIST: Final = "应为五档的列表，例如 [35.51, 35.52, 35.53, 35.54, 35.55]"


class RowError(ValueError):
    """一行里的一处错。"""

    def __init__(self, column: str, value: object, expected: str) -> None:
        super().__init__(f"{column} 列：{value!r}；{expected}")


class Bar(NamedTuple):
    """一根线；``at`` 是它结束的时刻。"""

    at: int
    open_li: int
    high_li: int
    low_li: int
    close_li: int
    volume: int
    pre_close_li: int


class Tick(NamedTuple):
    """一个快照；``volume`` 是当日累计。"""

    at: int
    last_li: int
    volume: int
    pre_close_li: int
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]


class Columns(NamedTuple):
    """各列在第几个位置，一行一共几列，是不是快照。"""

    places: dict[str, int]
    width: int
    ticks: bool

    def get(self, row: Sequence[Any], name: str) -> Any:
        """一列的原文；没有这一列为空串。"""
        at = self.places.get(name, -1)
        return "" if at < 0 else row[at]


def columns_of(header: Sequence[str], *, ticks: bool) -> Columns:
    """表头 → 各列的位置；缺列抛 RowError。"""
    names = [name.strip().lstrip("\ufeff") for name in header]
    for name in TICK_COLUMNS if ticks else BAR_COLUMNS:
        if name not in names:
            need = " ".join(TICK_COLUMNS if ticks else BAR_COLUMNS)
            raise RowError(name, ",".join(names)[:80], f"表头里没有这一列；至少要有：{need}")
    return Columns({name: at for at, name in enumerate(names) if name}, len(names), ticks)


def bar_of(columns: Columns, row: Sequence[Any], unit: int) -> Bar | None:
    """一根线；停牌日补的空行（没有价格也没有量）为 None。"""
    _check_width(columns, row)
    get = columns.get
    at = time_of(columns, row)
    volume = _volume(get(row, "volume"), "volume") * unit
    if volume == 0 and _is_blank(get(row, "open")):
        return None
    opened, high, low, close = (
        _price(get(row, name), name) for name in ("open", "high", "low", "close")
    )
    if low > min(opened, close) or low > high:
        raise RowError("low", get(row, "low"), "应不高于 open、close、high")
    if high < max(opened, close):
        raise RowError("high", get(row, "high"), "应不低于 open、close")
    return Bar(at, opened, high, low, close, volume, _optional_price(get, row, "preClose"))


def tick_of(columns: Columns, row: Sequence[Any], unit: int) -> Tick | None:
    """一个快照；还没有成交过、也没有昨收的为 None。"""
    _check_width(columns, row)
    get = columns.get
    at = time_of(columns, row)
    before = _optional_price(get, row, "lastClose")
    volume = _volume(get(row, "volume"), "volume") * unit
    raw = get(row, "lastPrice")
    if _is_blank(raw) and not volume:
        if not before:
            return None
        last = before
    else:
        last = _price(raw, "lastPrice")
    asks = _levels(columns, row, "askPrice", "askVol", unit)
    bids = _levels(columns, row, "bidPrice", "bidVol", unit)
    return Tick(at, last, volume, before, asks, bids)


def time_of(columns: Columns, row: Sequence[Any]) -> int:
    """一行的时刻。"""
    value = row[columns.places["time"]] if len(row) > columns.places["time"] else ""
    try:
        return seconds_of(value)
    except (ValueError, OverflowError):
        raise RowError("time", value, _TIME) from None


def _check_width(columns: Columns, row: Sequence[Any]) -> None:
    if len(row) != columns.width:
        raise RowError("最后一", ",".join(map(str, row))[:60], f"应有 {columns.width} 列")


def _is_blank(value: Any) -> bool:
    return str(value).strip().lower() in ("", "0", "0.0", "nan", "none")


def _price(value: Any, name: str) -> int:
    try:
        yuan = float(value)
    except (TypeError, ValueError):
        raise RowError(name, value, _PRICE) from None
    if not 0 < yuan < MOST_YUAN:
        raise RowError(name, value, _PRICE)
    return max(round(yuan * 1000), 1)


def _optional_price(get: Callable[[Sequence[Any], str], Any], row: Sequence[Any], name: str) -> int:
    value = get(row, name)
    return 0 if _is_blank(value) else _price(value, name)


def _volume(value: Any, name: str) -> int:
    try:
        amount = float(value)
    except (TypeError, ValueError):
        raise RowError(name, value, _VOLUME) from None
    if not (math.isfinite(amount) and 0 <= amount <= MOST_VOLUME):
        raise RowError(name, value, _VOLUME)
    return int(amount)


def _levels(
    columns: Columns, row: Sequence[Any], prices: str, volumes: str, unit: int
) -> tuple[Level, ...]:
    """一侧的盘口；价格或数量为 0 的档位是空的。"""
    found = []
    left, right = (_list(columns.get(row, name), name) for name in (prices, volumes))
    if len(left) != len(right):
        raise RowError(volumes, columns.get(row, volumes), f"应与 {prices} 一样多档")
    for price, volume in zip(left[:DISPLAYED], right[:DISPLAYED], strict=True):
        if not _is_blank(price) and (amount := _volume(volume, volumes) * unit):
            found.append(Level(_price(price, prices), amount))
    return tuple(found)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, str):
        try:
            return list(value)
        except TypeError:
            raise RowError(name, value, _LIST) from None
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise RowError(name, value, _LIST)
    return text[1:-1].replace(",", " ").split()


_PRICES: Final = ("open", "high", "low", "close")
_BAR: Final = partial(tuple.__new__, Bar)
"""``Bar._make``，但每根线不经过一次 Python 的函数。"""


class _Prices(dict[str, int]):
    """价格的原文 → 厘；同一个价格出现许多次。"""

    def __missing__(self, text: str) -> int:
        if len(self) >= _MOST_PRICES:
            self.clear()
        found = self[text] = round(float(text) * 1000)
        return found


_MOST_PRICES: Final = 50_000
_LI: Final = _Prices()


def quick_bars(columns: Columns, text: str, unit: int) -> list[Bar] | None:
    """全部的行；空的、排错的、读不懂的、停牌补的空行，为 None。"""
    table = _table(text, columns.width)
    if table is None:
        return None
    places = columns.places
    li = _LI.__getitem__
    try:
        times = _times(tuple(table[places["time"]]))
        volumes = _volumes(table[places["volume"]], unit)
        opens, highs, lows, closes = (list(map(li, table[places[name]])) for name in _PRICES)
        place = places.get("preClose", -1)  # 空着的读不懂，交给逐行的
        before = [0] * len(volumes) if place < 0 else list(map(li, table[place]))
    except (ValueError, OverflowError):
        return None
    if not (
        times is not None
        and min(lows) > 0
        and max(highs) < MOST_YUAN * 1000
        and min(volumes) >= 0
        and max(volumes) <= MOST_VOLUME * unit
        and all(map(le, lows, opens))
        and all(map(le, opens, highs))
        and all(map(le, lows, closes))
        and all(map(le, closes, highs))
    ):
        return None
    rows = zip(times, opens, highs, lows, closes, volumes, before, strict=True)
    return list(map(_BAR, rows))


def _table(text: str, width: int) -> list[list[str]] | None:
    """一列一列的原文；有引号的、哪一行不是 ``width`` 列的，为 None。"""
    lines = text.splitlines()
    if '"' in text or set(map(str.count, lines, repeat(","))) != {width - 1}:
        return None
    cells = ",".join(lines).split(",")
    return [cells[at::width] for at in range(width)]


@lru_cache(maxsize=16)
def _times(column: tuple[str, ...]) -> list[int] | None:
    """时刻；不是一个比一个晚为 None。同一天的各只证券多半是同样的一列，只读一遍。"""
    times = list(map(seconds_of, column))
    return times if all(map(lt, times, times[1:])) else None


def _volumes(column: Sequence[str], unit: int) -> list[int]:
    try:
        return [volume * unit for volume in map(int, column)]
    except ValueError:  # 写成小数的
        return [int(float(each)) * unit for each in column]
