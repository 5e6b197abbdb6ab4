"""从厂商的记录（对象或字典）里按名单取字段，成为用户看到的字典。

名单一行一个字段，写成 ``键`` 或 ``键=厂商的字段``。老版本没有的字段为 None，解不出的文字为空串。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields = tuple[tuple[str, str], ...]


def fields(text: str) -> Fields:
    """名单 → （键, 厂商的字段）。"""
    found = []
    for word in text.split():
        key, _, source = word.partition("=")
        found.append((key, source or key))
    return tuple(found)


def pick(record: Any, wanted: Fields) -> dict[str, Any]:
    """按名单取。"""
    if isinstance(record, dict):
        return {key: record.get(source) for key, source in wanted}
    return {key: _read(record, source) for key, source in wanted}


def named(row: dict[str, Any], key: str, names: Mapping[Any, str], unknown: str = "未知") -> None:
    """给代码 ``key`` 添上 ``key_name``，紧跟在它后面；没见过的代码是「未知」，没有值为空串。"""
    code = row[key]
    shown = "" if code in (None, "") else names.get(code, unknown)
    items = list(row.items())
    row.clear()
    for name, value in items:
        row[name] = value
        if name == key:
            row[f"{key}_name"] = shown


def failure(record: Any) -> str:
    """带 ``success`` 的记录说的失败原因；成功、没有这一项都为空。"""
    if isinstance(record, dict):
        success, message = record.get("success", True), record.get("error")
    else:
        success = _read(record, "success", True)
        message = _read(record, "error_msg", "")
    return "" if success else str(message or "没有说明原因")


def _read(record: Any, name: str, default: Any = None) -> Any:
    try:
        return getattr(record, name, default)
    except UnicodeDecodeError:
        return ""
