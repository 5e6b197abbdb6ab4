"""这些动词共用的参数校验：不对就抛 `UsageError`，什么都没有发出。"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Final

from easytrader import arguments
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_MONEY: Final = 1e12
_DATE: Final = "应为日期，写成 '20261120'、'2026-11-20' 或 date"
_MOMENT: Final = f"{_DATE}；要写到秒的，写成 '20261120093000' 或 datetime"
_CLOCK: Final = "应为一天里的时刻，写成 '09:30:00'"


def money(argument: str, value: object) -> float:
    """一笔钱，元，至多两位小数。"""
    form = "应为大于 0 的金额（元），至多两位小数，如 1000.5"
    if isinstance(value, (bool, str, bytes)) or not isinstance(value, (Real, Decimal)):
        raise UsageError(argument, value, form)
    try:
        amount = float(value)
    except (OverflowError, ValueError):  # 过大的 Decimal、sNaN
        raise UsageError(argument, value, form) from None
    if not math.isfinite(amount) or not 0 < amount <= _MOST_MONEY:
        raise UsageError(argument, value, form)
    cents = Decimal(repr(amount)) * 100  # 按写出来的样子，不按二进制的零头
    if cents != cents.to_integral_value():
        raise UsageError(argument, value, form)
    return amount


def rate(argument: str, value: object) -> float:
    """一个利率。"""
    form = "应为不小于 0、不大于 1 的利率，如 0.05（即 5%）"
    if isinstance(value, (bool, str, bytes)) or not isinstance(value, (Real, Decimal)):
        raise UsageError(argument, value, form)
    try:
        number = float(value)
    except (OverflowError, ValueError):
        raise UsageError(argument, value, form) from None
    if not 0 <= number <= 1:
        raise UsageError(argument, value, form)
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
    if isinstance(value, datetime):
        return f"{value:%Y%m%d}"
    if isinstance(value, date):
        return f"{value:%Y%m%d}"
    if isinstance(value, str):
        for form in ("%Y%m%d", "%Y-%m-%d"):
            if len(value) != len(f"{date(2000, 1, 1):{form}}"):
                continue
            try:
                return f"{datetime.strptime(value, form):%Y%m%d}"  # noqa: DTZ007  只要日期
            except ValueError:
                break
    raise UsageError(argument, value, _DATE)


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
    if isinstance(value, datetime):
        return f"{value:%Y%m%d%H%M%S}"
    if isinstance(value, str) and len(value) == 14 and value.isascii() and value.isdigit():
        try:
            datetime.strptime(value, "%Y%m%d%H%M%S")  # noqa: DTZ007  只看写得对不对
        except ValueError:
            raise UsageError(argument, value, _MOMENT) from None
        return value
    try:
        return day(argument, value)
    except UsageError:
        raise UsageError(argument, value, _MOMENT) from None


def clock(argument: str, value: object) -> str:
    """一天里的时刻 ``HH:MM:SS``。"""
    if not isinstance(value, str) or len(value) != 8:
        raise UsageError(argument, value, _CLOCK)
    try:
        datetime.strptime(value, "%H:%M:%S")  # noqa: DTZ007  只看写得对不对
    except ValueError:
        raise UsageError(argument, value, _CLOCK) from None
    return value


def choice(argument: str, value: object, names: Mapping[int, str]) -> int:
    """代码或它的中文名 → 代码。"""
    if isinstance(value, str):
        for code, name in names.items():
            if name == value:
                return code
    elif isinstance(value, int) and not isinstance(value, bool) and value in names:
        return int(value)
    shown = "、".join(f"{code} {name}" for code, name in names.items())
    raise UsageError(argument, value, f"可用的（写代码或中文名）：{shown}")
