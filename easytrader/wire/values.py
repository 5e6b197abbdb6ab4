"""值在线上的样子：JSON，另加几种 JSON 说不出的，写成 ``{"$": 种类, "v": ...}``。

Decimal、日期、元组到了另一头还是自己；别的对象过不了线，到那头是一个写出来一样的 `Foreign`：
任何校验都不收它，说的话与在本机上给错时一样。
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import msgspec

from easytrader.basics import numbers
from easytrader.errors import shown

_MARK: Final = "$"
_MOST: Final = 100_000
"""一个列表最多这么多项。"""
_WIDEST: Final = 2**63
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_DEPTH: Final = 16

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

encode: Final = _encode
"""`to_plain` 过的 → 字节。"""


class Foreign:
    """过不了线的值，只剩它写出来的样子。"""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def decode(data: bytes | str) -> Any:
    """字节 → JSON 的值；还没有 `from_plain`。

    Raises:
        ValueError: 不是 JSON。
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(f"不是 JSON：{exc}") from None


def to_plain(value: Any, depth: int = 0) -> Any:
    """值 → 只有 JSON 的类型。"""
    kind = type(value)
    if kind is str:
        return value if _sendable(value) else _marked("foreign", repr(value))
    if kind in _PLAIN and (kind is not int or -_WIDEST <= value < _WIDEST):
        return value
    if kind is float:
        return value if math.isfinite(value) else _marked("float", repr(value))
    if depth >= _DEPTH:
        return _marked("foreign", shown(value))
    if isinstance(value, Mapping):
        return _mapping(value, depth + 1)
    return _other(value, depth + 1)


def from_plain(value: Any, depth: int = 0) -> Any:
    """`to_plain` 的反面。

    Raises:
        ValueError: 不认识的写法、套得太深。
    """
    if depth > 2 * _DEPTH:
        raise ValueError(f"套了 {2 * _DEPTH} 层以上")
    if isinstance(value, list):
        return [from_plain(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    if _MARK in value:
        return _unmarked(value, depth + 1)
    return {key: from_plain(each, depth + 1) for key, each in value.items()}


def _marked(kind: str, value: Any) -> dict[str, Any]:
    return {_MARK: kind, "v": value}


def _sendable(text: str) -> bool:
    """没有落单的代理字符。"""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mapping(value: Mapping[Any, Any], depth: int) -> Any:
    plain = all(type(key) is str and _sendable(key) for key in value)
    if plain and _MARK not in value:
        return {key: to_plain(each, depth) for key, each in value.items()}
    pairs = [[to_plain(key, depth), to_plain(each, depth)] for key, each in value.items()]
    return _marked("dict", pairs)


def _other(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [to_plain(each, depth) for each in value]
    if isinstance(value, tuple):
        return _marked("tuple", [to_plain(each, depth) for each in value])
    if isinstance(value, Decimal):
        return _marked("decimal", str(value))
    if isinstance(value, datetime):
        return _marked("datetime", value.isoformat())
    if isinstance(value, date):
        return _marked("date", value.isoformat())
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    if isinstance(value, str):
        return to_plain(str.__str__(value), depth)
    if isinstance(value, int):
        return int(value) if -_WIDEST <= value < _WIDEST else _marked("foreign", shown(value))
    return _number_or_many(value, depth)


def _number_or_many(value: Any, depth: int) -> Any:
    number = numbers.whole(value)
    if number is None:
        number = numbers.real(value)  # type: ignore[assignment]  # 浮点也行
    if number is not None:
        return number
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, str)):
        try:
            found = list(islice(value, _MOST))
        except Exception:  # noqa: BLE001  边界：用户的迭代器抛什么都可能
            return _marked("foreign", shown(value))
        return [to_plain(each, depth) for each in found]
    return _marked("foreign", shown(value))


def _unmarked(value: dict[str, Any], depth: int) -> Any:
    inner = value.get("v")
    try:
        return _READ[value[_MARK]](inner, depth)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as exc:
        raise ValueError(f"读不懂的值：{shown(value)}") from exc


def _pairs(inner: Any, depth: int) -> dict[Any, Any]:
    return {from_plain(key, depth): from_plain(each, depth) for key, each in inner}


_READ: Final[dict[Any, Any]] = {
    "decimal": lambda inner, _: Decimal(inner),
    "float": lambda inner, _: float(inner),
    "date": lambda inner, _: date.fromisoformat(inner),
    "datetime": lambda inner, _: datetime.fromisoformat(inner),
    "tuple": lambda inner, depth: tuple(from_plain(each, depth) for each in inner),
    "dict": _pairs,
    "foreign": lambda inner, _: Foreign(str(inner)),
}
