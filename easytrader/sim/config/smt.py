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

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.sim.config.files import EntryError, fields_of, load, security_named, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "smt.json"
STOCK: Final = "1"
SPECIAL: Final = "2"
MODES: Final = (STOCK, SPECIAL)
_ID_BYTES: Final = 23


class Quoter(NamedTuple):
    """一条券源。

    ``amount`` 以股计；``days`` 是期限，也是最长能约多少天，``low_days`` 是最短；利率都是年利率：
    ``rate`` 占用，``fine_rate`` 罚息，``preend_rate`` 提前归还。
    ``apply_mode``：``1`` 库存券，``2`` 专项券。
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
    """读券源；有一项写得不对抛 `SimulatorError`。"""
    return load(folder, FILE_NAME, _parse) or ()


def _parse(body: object) -> tuple[Quoter, ...]:
    values = fields_of("最外层", body, {"quoters": _quoters}, '{"quoters": [一条券源一个对象, …]}')
    found: tuple[Quoter, ...] = values.get("quoters", ())
    if len({each.key for each in found}) != len(found):
        raise EntryError("有两条一样的券源（来源组、方式、代码、期限都相同）。")
    return found


def _quoters(value: object) -> tuple[Quoter, ...]:
    if not isinstance(value, list):
        raise EntryError("应为列表，一条券源一个对象。")
    return tuple(_quoter(each) for each in value)


def _quoter(value: object) -> Quoter:
    values = fields_of("券源", value, _READERS, '{"code": "600036.SH", …}')
    for key in ("code", "amount", "rate", "days"):
        if key not in values:
            raise EntryError(f"券源少了 {key}。")
    found = Quoter(**values)
    if found.low_days > found.days:
        raise EntryError(f"low_days：{found.low_days}，不能大于 days（{found.days}）。")
    return found


def _group(value: object) -> str:
    if not value:
        raise EntryError("不能是空的。")
    return text(_ID_BYTES)(value)


def _mode(value: object) -> str:
    if value not in MODES:
        raise EntryError("应为 '1' 库存券、'2' 专项券。")
    return str(value)


def _rate(value: object) -> float:
    good = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    if not good or not 0 <= value <= 1:  # type: ignore[operator]
        raise EntryError("应为 0–1 的利率，0.08 是 8%。")
    return float(value)  # type: ignore[arg-type]


_count: Final = whole(1, 2**31 - 1)
_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "code": lambda value: security_named(value).stock_code,
    "amount": _count,
    "rate": _rate,
    "days": _count,
    "low_days": _count,
    "src_group_id": _group,
    "apply_mode": _mode,
    "fine_rate": _rate,
    "preend_rate": _rate,
}
