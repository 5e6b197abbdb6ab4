"""这些动词共用的参数校验：不对就抛 `UsageError`，什么都没有发出。"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from easytrader import arguments
from easytrader.basics import numbers
from easytrader.errors import UsageError

_MOST_MONEY: Final = 1e12
_DATE: Final = "应为日期，写成 '20261120'、'2026-11-20' 或 date"
_MOMENT: Final = f"{_DATE}；要写到秒的，写成 '20261120093000' 或 datetime"
_CLOCK: Final = "应为一天里的时刻，写成 '09:30:00'"


def money(argument: str, value: object) -> float:
    """一笔钱，元，至多两位小数。"""
    form = "应为大于 0 的金额（元），至多两位小数，如 1000.5"
    amount = numbers.real(value)
    if amount is None or not 0 < amount <= _MOST_MONEY:
        raise UsageError(argument, value, form)
    cents = Decimal(repr(amount)) * 100  # 按写出来的样子，不按二进制的零头
    if cents != cents.to_integral_value():
        raise UsageError(argument, value, form)
    return amount


def rate(argument: str, value: object) -> float:
    """一个利率。"""
    number = numbers.real(value)
    if number is None or not 0 <= number <= 1:
        raise UsageError(argument, value, "应为不小于 0、不大于 1 的利率，如 0.05（即 5%）")
    return number


def text(argument: str, value: object, what: str, limit: int = 63, *, empty: bool = False) -> str:
    """一段文字，不超过 ``limit`` 字节（厂商的缓冲区）。"""
    form = f"应为{what}（字符串，至多 {limit} 字节）"
    if not isinstance(value, str) or not value.isprintable() or value != value.strip():
        raise UsageError(argument, value, f"{form}，前后没有空白")
    if not value and not empty:
        raise UsageError(argument, value, form)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:  # 半个代理对
        size = limit + 1
    if size > limit:
        raise UsageError(argument, value, form)
    return value


def sendable(value: str) -> bool:
    """能交给厂商的文字：编得成 UTF-8（半个代理对不行），没有空字符。"""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def secret(argument: str, value: object) -> str:
    """密码：错误里不带它的内容。"""
    if not isinstance(value, str) or not value.isprintable() or len(value.encode()) > 63:
        raise UsageError(argument, "（不显示）", "应为字符串，至多 63 字节；没有密码用空串")
    return value


def number(argument: str, value: object, unit: str = "") -> int:
    """不超过 32 位的正整数。"""
    found = arguments.whole(argument, value, unit)
    if found > arguments.MAX_VOLUME:
        raise UsageError(argument, value, f"至多 {arguments.MAX_VOLUME}")
    return found


def day(argument: str, value: object) -> str:
    """日期 → ``20261120``。"""
    found = _written(value, "%Y%m%d") if isinstance(value, date) else None
    if isinstance(value, str):
        for form in ("%Y%m%d", "%Y-%m-%d"):
            if len(value) == len(f"{date(2000, 1, 1):{form}}"):
                found = found or _read(value, form, "%Y%m%d")
    if found is None:
        raise UsageError(argument, value, _DATE)
    return found


def _written(value: date, form: str) -> str | None:
    """写成数字；写不出来的（``NaT`` 也算 datetime）为 None。"""
    try:
        text = f"{value:{form}}"
    except (TypeError, ValueError):
        return None
    return text if len(text) == len(f"{datetime(2000, 1, 1):{form}}") and text.isdigit() else None  # noqa: DTZ001  只量长短


def _read(value: str, form: str, want: str) -> str | None:
    """按 ``form`` 读，写成 ``want``；读不出来为 None。"""
    try:
        return f"{datetime.strptime(value, form):{want}}"  # noqa: DTZ007  只要写的样子
    except ValueError:
        return None


def days(start: object, end: object) -> tuple[str, str]:
    """一段日期，含两头。"""
    found = day("start_date", start), day("end_date", end)
    if found[0] > found[1]:
        raise UsageError("end_date", end, f"不能早于 start_date（{found[0]}）")
    return found


def moment(argument: str, value: object) -> str | None:
    """日期，或写到秒的时刻；None 为不限。"""
    if value is None:
        return None
    found = None
    if isinstance(value, datetime):
        found = _written(value, "%Y%m%d%H%M%S")
    elif isinstance(value, str) and len(value) == 14:
        found = _read(value, "%Y%m%d%H%M%S", "%Y%m%d%H%M%S")
    else:
        try:
            found = day(argument, value)
        except UsageError:
            found = None
    if found is None:
        raise UsageError(argument, value, _MOMENT)
    return found


def clock(argument: str, value: object) -> str:
    """一天里的时刻 ``HH:MM:SS``。"""
    found = _read(value, "%H:%M:%S", "%H:%M:%S") if isinstance(value, str) else None
    if found is None or found != value:
        raise UsageError(argument, value, _CLOCK)
    return found


def choice(argument: str, value: object, names: Mapping[int, str]) -> int:
    """代码或它的中文名 → 代码。"""
    number = numbers.whole(value)
    for code, name in names.items():
        if code == number or (isinstance(value, str) and name == value):
            return code
    shown = "、".join(f"{code} {name}" for code, name in names.items())
    raise UsageError(argument, value, f"可用的（写代码或中文名）：{shown}")


def plain(argument: str, value: object, form: str) -> dict[str, Any]:
    """只有简单的值的字典：要编成 BSON 交给客户端，它还会往里写东西，所以给它一份自己的。"""
    if not isinstance(value, Mapping):
        raise UsageError(argument, value, form)
    found: dict[str, Any] = {}
    for key, each in value.items():
        if not isinstance(key, str) or not key or not sendable(key):
            raise UsageError(argument, {key: each}, form)
        if isinstance(each, str) and sendable(each):
            found[key] = str(each)
        elif each is None or isinstance(each, bool):
            found[key] = each
        elif isinstance(each, int) and (number := numbers.whole(each)) is not None:
            found[key] = number
        elif isinstance(each, float):
            found[key] = float(each)
        else:
            raise UsageError(argument, {key: each}, form)
    return found
