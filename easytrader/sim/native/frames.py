"""历史行情 → 厂商 Python 层等着的数组。numpy 是厂商这几个函数自己要的，用到才导入。"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.beijing import day_of, midnight, stamp
from easytrader.sim.quotes.bars import DAILY, LONG

if TYPE_CHECKING:
    from collections.abc import Sequence


_PRICES: Final = ("open", "high", "low", "close")
BAR_FIELDS: Final = {
    "time": "int64",
    **dict.fromkeys(_PRICES, "float64"),
    "volume": "int64",
    "amount": "float64",
    "settelementPrice": "float64",
    "openInterest": "int64",
    "preClose": "float64",
    "suspendFlag": "int32",
}
"""K 线的字段与类型；``settelementPrice`` 是厂商的拼法。"""

TICK_FIELDS: Final = {
    "time": "int64",
    **dict.fromkeys(("lastPrice", "open", "high", "low", "lastClose", "amount"), "float64"),
    **dict.fromkeys(("volume", "pvolume"), "int64"),
    **dict.fromkeys(("stockStatus", "openInt", "transactionNum"), "int32"),
    **dict.fromkeys(("lastSettlementPrice", "settlementPrice", "pe"), "float64"),
    **dict.fromkeys(("askPrice", "bidPrice", "askVol", "bidVol"), "object"),
    **dict.fromkeys(("volRatio", "speed1Min", "speed5Min"), "float64"),
}

_ALIASES: Final = {"settle": "settelementPrice"}


def label_of(period: str) -> str:
    """时间写成什么样：日线以上只有日期。"""
    return "%Y%m%d" if period == DAILY or period in LONG else "%Y%m%d%H%M%S"


def labels_of(times: Sequence[int], form: str) -> list[str]:
    """``[stamp(each, form) for each in times]``：一天的日期只写一次。"""
    days = {day: stamp(midnight(day), "%Y%m%d") for day in {day_of(each) for each in times}}
    if form == "%Y%m%d":
        return [days[day_of(each)] for each in times]
    found = []
    for each in times:
        day = day_of(each)
        minute, second = divmod(int(each) - midnight(day), 60)
        found.append(f"{days[day]}{minute // 60:02}{minute % 60:02}{second:02}")
    return found


def without_suspended(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """不填充：没有成交的日子没有这一根。"""
    return [row for row in rows if not row["suspendFlag"]]


def _chosen(fields: list[str], known: dict[str, str]) -> list[str]:
    """要哪几个字段，空为全部；没有的字段答案里就没有，只在日志里说一声。"""
    missing = [field for field in fields if _ALIASES.get(field, field) not in known]
    if missing:
        logger.warning(
            "模拟行情没有字段 {}；有：{}。", " ".join(map(repr, missing)), " ".join(known)
        )
    return [field for field in fields if field not in missing] or ([] if fields else list(known))


def _kind(field: str, known: dict[str, str]) -> str:
    return known[_ALIASES.get(field, field)]


def structured(rows: list[dict[str, Any]], fields: list[str], known: dict[str, str]) -> Any:
    """行 → 结构数组，一行一个元素。"""
    np: Any = importlib.import_module("numpy")
    names = _chosen(fields, known)
    made = np.empty(len(rows), dtype=[(name, _kind(name, known)) for name in names])
    for index, row in enumerate(rows):
        made[index] = tuple(row[_ALIASES.get(name, name)] for name in names)
    return made


def columns(
    rows: list[dict[str, Any]], fields: list[str], form: str
) -> tuple[list[str], list[tuple[str, str, bytes]]]:
    """K 线 → ``(时间文字, [(字段, 类型, 字节)])``。"""
    np: Any = importlib.import_module("numpy")
    packed = []
    for name in _chosen(fields, BAR_FIELDS):
        kind = _kind(name, BAR_FIELDS)
        values = np.array([row[_ALIASES.get(name, name)] for row in rows], dtype=kind)
        packed.append((name, kind, values.tobytes()))
    return labels_of([row["time"] // 1000 for row in rows], form), packed


def matrix(
    found: dict[str, list[dict[str, Any]]], fields: list[str], form: str, fill: bool = True
) -> tuple[tuple[list[str], list[str]], dict[str, Any]]:
    """各证券的 K 线 → ``((代码, 时间文字), {字段: 代码 × 时间})``；没有的那一格是 NaN。

    ``fill``：中间缺的照前一根的收盘填，量为 0（厂商的 ``fill_data``）。
    """
    np: Any = importlib.import_module("numpy")
    times = sorted({row["time"] for rows in found.values() for row in rows})
    if fill:
        found = {code: _filled(rows, times) for code, rows in found.items()}
    column = {time: index for index, time in enumerate(times)}
    data = {}
    for name in _chosen(fields, BAR_FIELDS):
        full = all(len(rows) == len(times) for rows in found.values())
        kind = _kind(name, BAR_FIELDS) if full else "float64"
        values = np.full((len(found), len(times)), 0 if full else np.nan, dtype=kind)
        for line, rows in enumerate(found.values()):
            for row in rows:
                values[line, column[row["time"]]] = row[_ALIASES.get(name, name)]
        data[name] = values
    labels = labels_of([time // 1000 for time in times], form)
    return (list(found), labels), data


def _filled(rows: list[dict[str, Any]], times: list[int]) -> list[dict[str, Any]]:
    """第一根以后缺的那几根补上。"""
    if not rows or len(rows) == len(times):
        return rows
    known = {row["time"]: row for row in rows}
    made: list[dict[str, Any]] = []
    for time in times:
        row = known.get(time)
        if row is None and made:
            close = made[-1]["close"]
            row = {
                **made[-1],
                **dict.fromkeys(_PRICES, close),
                "time": time,
                "volume": 0,
                "amount": 0.0,
                "preClose": close,
                "suspendFlag": 1,
            }
        if row is not None:
            made.append(row)
    return made


def arrow(found: dict[str, list[dict[str, Any]]], fields: list[str]) -> Any:
    """K 线 → Arrow 流：``symbol``、``time`` 与各字段，一行一根。"""
    pa: Any = importlib.import_module("pyarrow")
    names = list(dict.fromkeys(["time", *_chosen(fields, BAR_FIELDS)]))
    rows = [(code, row) for code, each in found.items() for row in each]
    table = {"symbol": pa.array([code for code, _ in rows], pa.string())}
    for name in names:
        values = [row[_ALIASES.get(name, name)] for _, row in rows]
        kind = _kind(name, BAR_FIELDS)
        table[name] = pa.array(values, getattr(pa, kind)())
    made = pa.table(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return sink.getvalue().to_pybytes()
