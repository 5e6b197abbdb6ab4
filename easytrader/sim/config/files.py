"""模拟文件夹里由使用者写的 JSON：读进来，逐项核对，错了说出哪一项、现在是什么、应当怎么写。"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.errors import SimulatorError, UsageError
from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from easytrader.market.symbols import Security


T = TypeVar("T")
_DATE: Final = "应为 2026-11-20 这样的日期。"
_SHOWN: Final = 60
_FIRST_YEAR: Final = 1990  # 两个交易所开市的那一年


class EntryError(Exception):
    """值不对；文字是正确的写法。由 `load` 换成 `SimulatorError`。"""


def load(folder: Path, name: str, parse: Callable[[Any], T]) -> T | None:
    """读 ``folder`` 里的 ``name``；没有这个文件为 None。小数按字面读，不经过 float。

    Raises:
        SimulatorError: 读不懂，或有一项写得不对。
    """
    path = folder / name
    try:
        body = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as exc:
        raise SimulatorError(f"{path} 读不出来：{exc}。应为 UTF-8 编码的 JSON 文件。") from exc
    try:
        return parse(_decoded(body))
    except EntryError as exc:
        raise SimulatorError(f"{path} 写得不对：{exc}") from exc


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins, parse_float=_decimal)
    except (ValueError, RecursionError) as exc:
        raise EntryError(f"不是合法的 JSON：{exc}") from exc


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise EntryError(f"{text} 的指数太大或太小，不是能用的数。") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise EntryError(f"{key} 出现了两次。")
        found[key] = value
    return found


def fields_of(
    what: str, entry: object, readers: Mapping[str, Callable[[object], Any]], example: str
) -> dict[str, Any]:
    """一个对象的各项，按 ``readers`` 读；多出来的、读不懂的都说清楚。"""
    if not isinstance(entry, dict):
        raise EntryError(f"{what} 应为对象，如 {example}。")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        read = readers.get(key)
        if read is None:
            raise EntryError(f"{what} 没有 {key!r} 这一项；有：{' '.join(readers)}。")
        try:
            values[key] = read(value)
        except EntryError as exc:
            raise EntryError(f"{what} 的 {key}：{shown(value)}。{exc}") from None
    return values


def shown(value: object) -> str:
    """写在错误里的值：照 JSON 的写法，小数照原样；太长的只留开头。"""
    text = _json(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _json(value: object, levels: int = 4) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if not isinstance(value, (dict, list)):
        text = json.dumps(value, ensure_ascii=False)
        return text if text.isprintable() else json.dumps(value)  # 编不了码的也印得出来
    if not levels:
        return "…"
    if isinstance(value, list):
        return "[" + ", ".join(_json(each, levels - 1) for each in value) + "]"
    pairs = (f"{_json(key)}: {_json(each, levels - 1)}" for key, each in value.items())
    return "{" + ", ".join(pairs) + "}"


def security_named(code: object, what: str = "证券代码") -> Security:
    """写在文件里的证券代码。"""
    try:
        return parse_security(code)
    except UsageError as exc:
        raise EntryError(f"{what} {code!r}。{exc.expected}") from None


def text(most_bytes: int) -> Callable[[object], str]:
    """至多 ``most_bytes`` 字节的字符串。"""

    def read(value: object) -> str:
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > most_bytes:
            raise EntryError(f"应为字符串，至多 {most_bytes} 字节。")
        return value

    return read


def day_of(value: object) -> int:
    """日期 → 序数。"""
    if not isinstance(value, str) or len(value) != 10:
        raise EntryError(_DATE)
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise EntryError(_DATE) from None
    if found.year < _FIRST_YEAR:
        raise EntryError(f"应为 {_FIRST_YEAR} 年以后的日期。")
    return found.toordinal()


def whole(least: int, most: int) -> Callable[[object], int]:
    """``least`` 到 ``most`` 的整数。"""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise EntryError(f"应为 {least}–{most} 的整数。")
        return value

    return read


def micro(most: int, places: int) -> Callable[[object], int]:
    """0 到 ``most``、至多 ``places`` 位小数的数 → 百万分之一。"""

    def read(value: object) -> int:
        right = f"应为 0–{most}、至多 {places} 位小数的数。"
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise EntryError(right)
        number = Decimal(value)
        if not (number.is_finite() and 0 <= number <= most):
            raise EntryError(right)
        if number != number.quantize(Decimal(1).scaleb(-places)):
            raise EntryError(right)
        return int(number * 1_000_000)

    return read
