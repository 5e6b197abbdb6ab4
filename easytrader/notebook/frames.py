"""查询的结果 → pandas、polars 的 DataFrame。"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, overload

from easytrader.errors import MissingDependencyError, UsageError
from easytrader.rows import empties, titles
from easytrader.rows.titles import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

    from easytrader.rows.titles import Measure

Names = Literal["en", "zh"]
Engine = Literal["pandas", "polars"]
Rows: TypeAlias = "Sequence[Mapping[str, Any]]"
Storage = Literal["text", "int", "float", "flag", "moment", "date", "object"]

_INDEX: Final = Column("code", "查询的代码")
_ZONE: Final = "Asia/Shanghai"
_LARGEST: Final = 2**63
_STORED: Final[dict[str, Storage]] = {
    "text": "text", "number": "int", "count": "int", "price": "float", "money": "float",
    "ratio": "float", "bp": "float", "flag": "flag", "side": "text",
}  # fmt: skip
"""一列装的是什么 → 存成什么。"""


@overload
def frame(
    rows: object,
    *,
    names: Names = ...,
    kind: str | None = ...,
    engine: Literal["pandas"] | None = ...,
) -> pd.DataFrame: ...
@overload
def frame(
    rows: object, *, names: Names = ..., kind: str | None = ..., engine: Literal["polars"]
) -> pl.DataFrame: ...
def frame(
    rows: object,
    *,
    names: Names = "en",
    kind: str | None = None,
    engine: Engine | None = None,
) -> Any:
    """查询的结果做成 DataFrame：``easytrader.frame(user.position, names="zh")``。

    列与字典的键一一对应，次序也一样，空的列表也有全部的列。代码是文字（``000001`` 的零还在），
    编号、数量是整数，价格、金额是浮点数（元），时刻是北京时间，日期是日期；没有的是缺失值。

    Args:
        rows: `balance`、`position`、`today_entrusts`、`today_trades` 等的结果，`quote` 的字典
            （代码成为索引，polars 的在第一列），`history()` 的一份，`find_entrust` 的一个字典，
            调仓的 ``plan``、``report``，``plan.orders``、``plan.skipped``、``report.rows``；
            一队账号的各张表、各种报告。
        names: ``"en"`` 列名就是键，``"zh"`` 中文列名。
        kind: 是哪种表，一般不用写；自己造的、留了很久的空列表要写，如 ``"position"``。
        engine: ``"pandas"`` 或 ``"polars"``；不写是 pandas，只装了 polars 的是 polars。

    Raises:
        UsageError: 不是这些结果，或 ``names``、``kind``、``engine`` 不对。
        MissingDependencyError: pandas、polars 都没有装。
    """
    if names not in ("en", "zh"):
        raise UsageError("names", names, '应为 "en"（列名是字典的键）或 "zh"（中文列名）')
    if engine not in (None, "pandas", "polars"):
        raise UsageError("engine", engine, '应为 "pandas" 或 "polars"')
    rows, kind = _inside(rows, kind)
    found, codes = _listed(rows)
    table = _kind_of(rows, found, kind)
    columns = _columns(table, found)
    missing = None
    for name, build in _BUILDERS.items():
        if engine in (None, name):
            try:
                return build(columns, found, codes, names)
            except ImportError as exc:
                missing = exc
    told = f"没有装 {engine or 'pandas，也没有装 polars'}"
    pip = "pip install polars" if engine == "polars" else 'pip install "easytrader[frame]"'
    raise MissingDependencyError(f"{told}：{pip}") from missing


def _inside(rows: object, kind: str | None) -> tuple[object, str | None]:
    """调仓的报告、计划里的各行，与是哪种表。"""
    for part, name in (("rows", "report"), ("orders", "plan")):
        inside = getattr(rows, part, None)
        if isinstance(inside, list):
            own = titles.of_row(inside[0]) if inside else None
            return inside, kind or (own.name if own else name)
    return rows, kind


def _listed(rows: object) -> tuple[Rows, list[str] | None]:
    """各行；行情的字典另有写的代码。"""
    codes = None
    if isinstance(rows, Mapping):
        if titles.of_row(rows) is not None:
            rows = [rows]
        else:
            codes, rows = [str(code) for code in rows], list(rows.values())
    form = (
        "应为查询的结果：字典的列表、行情的字典，或调仓的计划、报告；"
        'user.history() 的要取一份，如 history["orders"]'
    )
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, Mapping) for row in rows):
        raise UsageError("rows", rows, form)
    return cast("Rows", rows), codes


def _kind_of(given: object, found: Rows, kind: str | None) -> Kind:
    if kind is not None:
        return titles.of(kind)
    if found:
        known = titles.of_row(found[0])
        told = "认不出是哪种表，请写 kind"
    else:
        known = titles.named(empties.kind_of(given))
        told = '空的，看不出是哪种表，请写 kind，如 kind="position"'
    if known is None:
        raise UsageError("rows", given, f"{told}；有这些：{titles.choices()}")
    return known


def _columns(kind: Kind, found: Rows) -> list[Column]:
    """这种表的列，再加上行里多出来的键。"""
    listed = kind.columns_for(found)
    known = {column.key for column in listed}
    extra = dict.fromkeys(key for row in found for key in row if key not in known)
    guessed = [Column(str(key), str(key), _guess([row.get(key) for row in found])) for key in extra]
    return [*listed, *guessed]


def _guess(values: list[Any]) -> Measure:
    kinds = {type(value) for value in values if value is not None}
    measures: dict[type, Measure] = {bool: "flag", int: "number", float: "price", str: "text"}
    if kinds == {int, float}:
        return "price"
    return measures.get(kinds.pop(), "list") if len(kinds) == 1 else "list"


def _stored(column: Column, values: list[Any]) -> tuple[Storage, list[Any]]:
    """一列存成什么；装着意料之外的东西（文字的编号等），照装着的存。"""
    held = [value for value in values if value is not None and value == value]  # NaN 不等于自己
    if column.measure == "moment" and all(map(_is_number, held)):
        return "moment", [round(v * 1_000_000) if _is_number(v) and v > 0 else None for v in values]
    if column.measure == "date" and all(_day(value) for value in held):
        return "date", [None if value is None else _day(value) for value in values]
    wanted = _STORED.get(column.measure, "object")
    if wanted == "int" and all(type(v) is int and -_LARGEST <= v < _LARGEST for v in held):
        return "int", [v if type(v) is int else None for v in values]
    if wanted in ("int", "float") and all(map(_is_number, held)):
        return "float", [None if v is None else float(v) for v in values]
    if wanted == "flag" and all(type(value) is bool for value in held):
        return "flag", values
    if all(type(value) is str for value in held) and (held or wanted == "text"):
        return "text", values
    return "object", values


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and type(value) is not bool


def _day(value: object) -> date | None:
    """``2026-11-30``、``20261130`` → 日期；不是日期为 None。"""
    text = str(value).replace("-", "")
    try:
        return datetime.strptime(text, "%Y%m%d").date() if len(text) == 8 else None  # noqa: DTZ007
    except ValueError:
        return None


def _titled(columns: Sequence[Column], names: Names) -> list[str]:
    """各列的名字，不重复。"""
    used: dict[str, None] = {}
    for column in columns:
        name = column.title if names == "zh" else column.key
        while name in used:
            name += "_"
        used[name] = None
    return list(used)


def _pandas(columns: list[Column], found: Rows, codes: list[str] | None, names: Names) -> Any:
    import pandas as pd

    text = pd.Series([""]).dtype  # 这一版 pandas 的文字：object 或 str

    def series(column: Column) -> Any:
        stored, values = _stored(column, [row.get(column.key) for row in found])
        if stored == "moment":
            moments = pd.to_datetime(pd.Series(values, dtype="Int64"), unit="us", utc=True)
            return moments.dt.tz_convert(_ZONE).dt.as_unit("us")
        if stored == "date":
            return pd.to_datetime(pd.Series(values, dtype=object)).dt.as_unit("us")
        lacking = any(value is None for value in values)
        dtypes = {
            "int": "Int64" if lacking else "int64",
            "flag": "boolean" if lacking else "bool",
            "float": "float64",
            "text": text,
        }
        return pd.Series(values, dtype=dtypes.get(stored, object))

    titled = _titled(columns, names)
    made = pd.DataFrame({name: series(each) for name, each in zip(titled, columns, strict=True)})
    if codes is not None:
        made.index = pd.Index(codes, name=_titled([_INDEX], names)[0], dtype=text)
    return made


def _polars(columns: list[Column], found: Rows, codes: list[str] | None, names: Names) -> Any:
    import polars as pl

    dtypes: dict[Storage, Any] = {
        "int": pl.Int64, "float": pl.Float64, "flag": pl.Boolean, "text": pl.String,
        "date": pl.Date, "moment": pl.Int64,
    }  # fmt: skip

    levels = pl.List(pl.Struct({"price": pl.Float64, "volume": pl.Int64}))

    def series(name: str, column: Column) -> pl.Series:
        stored, values = _stored(column, [row.get(column.key) for row in found])
        if column.measure == "levels" and stored == "object":
            values = [
                None if each is None else [{"price": p, "volume": v} for p, v in each]
                for each in values
            ]
            return pl.Series(name, values, dtype=levels)
        made: pl.Series = pl.Series(name, values, dtype=dtypes.get(stored, pl.Object))
        if stored == "moment":
            made = made.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(_ZONE)
        return made

    everything = [*([_INDEX] if codes is not None else []), *columns]
    titled = dict(zip(everything, _titled(everything, names), strict=True))
    head = [pl.Series(titled[_INDEX], codes, dtype=pl.String)] if codes is not None else []
    return pl.DataFrame([*head, *(series(titled[each], each) for each in columns)])


_BUILDERS: Final = {"pandas": _pandas, "polars": _polars}
