"""模拟文件夹里的 ``convertibles.json``：可转债的转股、回售、赎回（强赎与到期）。

没有这个文件就都不发生。写错了抛 `SimulatorError`，说出哪一只、哪一项、应当怎么写。
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from easytrader.market.rules.tables import STOCKS
from easytrader.market.symbols import Kind
from easytrader.sim.config import files
from easytrader.sim.config.files import EntryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "convertibles.json"
_EXAMPLE: Final = '{"stock": "600919.SH", "convert_from": "2026-05-20", "convert_price": 5.48}'
_PUT: Final = '{"from": "2026-11-18", "until": "2026-11-24", "pay": "2026-11-30", "price": 100.5}'
_REDEEM: Final = (
    '{"last_trade": "2026-11-20", "record": "2026-11-25", "pay": "2026-11-30", "price": 101.2}'
)
FACE_LI: Final = 100_000
"""一张的面值，厘。"""


@dataclass(frozen=True, slots=True)
class Window:
    """一段日子里做的事（序数），哪天到钱、一张多少钱（厘）；赎回的 ``start`` 是最后交易日。"""

    start: int
    end: int
    pay: int
    price_li: int


@dataclass(frozen=True, slots=True)
class Convertible:
    """一只可转债。

    ``convert``：转股期的（首日，末日），末日为 0 是没有写；不能转股为 None。
    ``price_li``：转股价，厘。
    ``put``：回售的申报期；``redeem``：赎回，``end`` 是赎回登记日。没有的为 None。
    """

    code: str
    stock: str
    convert: tuple[int, int] | None
    price_li: int
    put: Window | None
    redeem: Window | None

    def converts_on(self, day: int) -> bool:
        """这天能不能转股。"""
        if self.convert is None:
            return False
        start, end = self.convert
        end = min(filter(None, (end, self.redeem.end if self.redeem else 0)), default=day)
        return start <= day <= end


def load_convertibles(folder: Path) -> dict[str, Convertible]:
    """读 ``folder`` 里的可转债；没有文件为空；有一项写得不对抛 `SimulatorError`。"""
    return files.load(folder, FILE_NAME, _parse) or {}


def _parse(body: Any) -> dict[str, Convertible]:
    if not isinstance(body, dict):
        raise EntryError("最外层应为对象，可转债的代码作键。")
    return {code: _convertible(code, entry) for code, entry in body.items()}


def _convertible(code: str, entry: object) -> Convertible:
    security = files.security_named(code)
    if security.kind is not Kind.CONVERTIBLE or security.stock_code != code:
        raise EntryError(f"{code!r} 应为可转债的代码，如 113050.SH。")
    values = files.fields_of(code, entry, _READERS, _EXAMPLE)
    convert = None
    terms = {"stock", "convert_from", "convert_price"}
    if given := values.keys() & {*terms, "convert_until"}:
        if terms - given or not values["convert_price"]:
            raise EntryError(
                f"{code} 的转股要写齐 stock、convert_from、convert_price：{_EXAMPLE}。"
            )
        convert = values["convert_from"], values.get("convert_until", 0)
    if not values:
        raise EntryError(f"{code} 什么也没有写，如 {_EXAMPLE}。")
    return Convertible(
        code,
        values.get("stock", ""),
        convert,
        values.get("convert_price", 0) // 1000,
        values.get("put"),
        values.get("redeem"),
    )


def _window(first: str, last: str, example: str) -> Callable[[object], Window]:
    readers: dict[str, Callable[[object], Any]] = {
        first: files.day_of,
        last: files.day_of,
        "pay": files.day_of,
        "price": files.micro(1000, 3),
    }

    def read(value: object) -> Window:
        found = files.fields_of("它", value, readers, example)
        if readers.keys() - found.keys() or not found["price"]:
            raise EntryError(f"应写齐 {' '.join(readers)}，price 大于 0：{example}。")
        if not found[first] <= found[last] < found["pay"]:
            raise EntryError(f"日子应为 {first} ≤ {last} < pay：{example}。")
        return Window(found[first], found[last], found["pay"], found["price"] // 1000)

    return read


def _stock(value: object) -> str:
    security = files.security_named(value, "stock")
    if security.kind not in STOCKS:
        raise EntryError("应为正股的代码，如 600919.SH。")
    return security.stock_code


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "stock": _stock,
    "convert_from": files.day_of,
    "convert_until": files.day_of,
    "convert_price": files.micro(10_000, 3),
    "put": _window("from", "until", _PUT),
    "redeem": _window("last_trade", "record", _REDEEM),
}
