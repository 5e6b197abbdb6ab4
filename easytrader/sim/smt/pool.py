"""模拟文件夹里的 ``smt.json``：有哪些券源。没有这个文件就没有券源。

::

    {
        "quoters": [
            {
                "code": "600036.SH",
                "amount": 10000,
                "rate": 0.08,
                "days": 28,
                "src_group_id": "G1",
                "apply_mode": "1",
            }
        ]
    }
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import SimulatorError, UsageError
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FILE_NAME", "MODES", "SPECIAL", "STOCK", "Quoter", "load_pool"]

FILE_NAME: Final = "smt.json"
STOCK: Final = "1"
SPECIAL: Final = "2"
MODES: Final = (STOCK, SPECIAL)
_ID_BYTES: Final = 23


class Quoter(NamedTuple):
    """一条券源。

    Attributes:
        code: 证券代码，厂商写法。
        amount: 多少股。
        rate: 资券占用利率（年）。
        days: 期限天数，也是最长能约多少天。
        low_days: 最短能约多少天。
        src_group_id: 来源组编号。
        apply_mode: ``1`` 库存券，``2`` 专项券。
        fine_rate: 罚息利率。
        preend_rate: 提前归还利率。
    """

    code: str
    amount: int
    rate: float
    days: int
    low_days: int = 1
    src_group_id: str = "G1"
    apply_mode: str = STOCK
    fine_rate: float = 0.18
    preend_rate: float = 0.0

    @property
    def key(self) -> str:
        """在记录里的名字。"""
        return f"{self.src_group_id} {self.apply_mode} {self.code} {self.days}"


def load_pool(folder: Path) -> tuple[Quoter, ...]:
    """读券源。

    Raises:
        SimulatorError: 读不懂，或有一项写得不对。
    """
    path = folder / FILE_NAME
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as exc:
        raise SimulatorError(f"{path} 读不出来：{exc}") from exc
    try:
        return _parse(body)
    except (ValueError, TypeError) as exc:
        raise SimulatorError(f"{path} 写得不对：{exc}") from exc


def _parse(body: Any) -> tuple[Quoter, ...]:
    if not isinstance(body, dict) or set(body) != {"quoters"} or not _is_list(body["quoters"]):
        raise TypeError('应为 {"quoters": [一条券源一个对象, …]}')
    found = tuple(_quoter(each) for each in body["quoters"])
    if len({each.key for each in found}) != len(found):
        raise ValueError("有两条一样的券源（来源组、方式、代码、期限都相同）")
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _quoter(value: Any) -> Quoter:
    if not isinstance(value, dict):
        raise TypeError("quoters 里应为对象")
    for key in value:
        if key not in _READERS:
            raise ValueError(f"券源没有 {key!r} 这一项；有：{' '.join(_READERS)}")
    for key in ("code", "amount", "rate", "days"):
        if key not in value:
            raise ValueError(f"券源少了 {key}")
    found = Quoter(**{key: _READERS[key](key, each) for key, each in value.items()})
    if found.low_days > found.days:
        raise ValueError(f"low_days：{found.low_days}，不能大于 days（{found.days}）")
    return found


def _code(key: str, value: Any) -> str:
    try:
        return parse_security(value).stock_code
    except UsageError as exc:
        raise ValueError(f"{key}：{value!r}，{exc.expected}") from None


def _group(key: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= _ID_BYTES:
        raise ValueError(f"{key}：{value!r}，应为字符串，至多 {_ID_BYTES} 字节")
    return value


def _mode(key: str, value: Any) -> str:
    if value not in MODES:
        raise ValueError(f"{key}：{value!r}，应为 '1' 库存券、'2' 专项券")
    return str(value)


def _whole(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise TypeError(f"{key}：{value!r}，应为正整数")
    return value


def _rate(key: str, value: Any) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not 0 <= value <= 1:
        raise TypeError(f"{key}：{value!r}，应为 0–1 的利率，0.08 是 8%")
    return float(value)


_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "code": _code,
    "amount": _whole,
    "rate": _rate,
    "days": _whole,
    "low_days": _whole,
    "src_group_id": _group,
    "apply_mode": _mode,
    "fine_rate": _rate,
    "preend_rate": _rate,
}
