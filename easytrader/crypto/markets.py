"""一家交易所的交易对：认得哪些写法，数量、价格怎样才对。都是十进制的算术，一点也不替人凑整。"""

from __future__ import annotations

import math
import re
import time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, Security

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.basics.numbers import Number

_PLAIN: Final = re.compile(r"[^0-9A-Za-z]")
_KINDS: Final = {"spot": "现货", "swap": "永续", "future": "交割"}
_STALE_S: Final = 3600.0
_DIGITS: Final = 80
"""取余要除得尽：10^15 的数，最小变动 10^-18。"""
_SIGNIFICANT: Final = 3
_PLACES: Final = 2
"""ccxt 的 ``precisionMode``：2 是几位小数，3 是几位有效数字，4 是最小变动。"""


class Shelf:
    """读好的交易对放在这里；断线重连不必再读，过了一小时的再读一遍。

    引擎拿着它认代码，所以它不拿着交易口：没有人要的交易口会自己断开。
    """

    def __init__(self) -> None:
        self.loaded: Loaded | None = None

    def fresh(self) -> Loaded | None:
        """还不旧的。"""
        loaded = self.loaded
        if loaded is None or time.monotonic() - loaded.at > _STALE_S:
            return None
        return loaded

    def security(self, text: object) -> Security:
        """同 `Markets.security`；还没有连过的，什么都收。"""
        if self.loaded is None:
            return arguments.symbol(text)
        return self.loaded.markets.security(text)


class Loaded(NamedTuple):
    """读好的：我们的，ccxt 的，什么时候读的（``time.monotonic``）。"""

    markets: Markets
    raw: Mapping[str, Any]
    at: float


class Markets:
    """一种市场（``spot``、``swap``……）的全部交易对。

    Args:
        found: ccxt 的 ``markets``。
        kind: 哪一种市场。
        mode: ccxt 的 ``precisionMode``。
    """

    def __init__(self, found: Mapping[str, Any], kind: str, mode: int) -> None:
        self.kind, self._mode = kind, mode
        self.all = {each["symbol"]: each for each in found.values() if each["type"] == kind}
        self._others = {each["symbol"] for each in found.values()} - self.all.keys()
        self._names: dict[str, list[str]] = {}
        for symbol, each in self.all.items():
            for name in {_key(symbol), _key(each["id"])}:
                self._names.setdefault(name, []).append(symbol)

    def security(self, text: object) -> Security:
        """用户写的 → 证券；``stock_code`` 是 ccxt 的统一写法。

        Raises:
            UsageError: 没有这个交易对、停了，或说不清是哪一个。
        """
        arguments.symbol(text)
        assert isinstance(text, str)
        symbol = text if text in self.all else self._one(text)
        if self.all[symbol].get("active") is False:
            raise UsageError("security", text, f"{symbol} 此刻不开放交易")
        return security_of(symbol)

    def _one(self, text: str) -> str:
        found = self._names.get(_key(text), [])
        if len(found) == 1 and text not in self._others:
            return found[0]
        near = found or [
            symbol
            for name in get_close_matches(_key(text), self._names, 3, 0.75)
            for symbol in self._names[name]
        ]
        near += [each for each in self.all if each.startswith(f"{text.upper()}:")]
        asked = f"，是不是 {'、'.join(sorted(set(near))[:5])}？" if near else ""
        raise UsageError(
            "security", text, f"没有这个{_KINDS.get(self.kind, self.kind)}交易对{asked}"
        )

    def check(self, symbol: str, amount: Number, price: Number | None) -> tuple[Decimal, Decimal]:
        """数量、价格对不对（市价的价格是 None）；返回十进制的 (数量, 价格)，市价的价格是 0。

        Raises:
            UsageError: 不是最小变动的整数倍，或不在允许的范围里；说出最近的两个。
        """
        with localcontext() as context:
            context.prec = _DIGITS
            return self._checked(symbol, amount, price)

    def _checked(
        self, symbol: str, amount: Number, price: Number | None
    ) -> tuple[Decimal, Decimal]:
        market = self.all[symbol]
        limits, precision = market.get("limits") or {}, market.get("precision") or {}
        number = decimal(amount)
        self._check(symbol, "amount", "数量", number, precision.get("amount"), limits.get("amount"))
        if price is None:
            return number, Decimal(0)
        value = decimal(price)
        self._check(symbol, "price", "价格", value, precision.get("price"), limits.get("price"))
        least = decimal((limits.get("cost") or {}).get("min"))
        cost = self.value(symbol, value, number)
        if least and not market.get("inverse") and cost < least:
            raise UsageError(
                "amount", amount, f"{symbol} 一笔至少 {plain(least)}，这一笔是 {plain(cost)}"
            )
        return number, value

    def _check(
        self, symbol: str, argument: str, name: str, value: Decimal, precision: Any, limits: Any
    ) -> None:
        step = self.step(precision, value)
        if step and value % step:
            near = sorted({(value / step).to_integral_value(way) * step
                           for way in (ROUND_FLOOR, ROUND_CEILING)} - {Decimal(0)})  # fmt: skip
            told = " 或 ".join(map(plain, near))
            form = f"{symbol} 的{name}要是 {plain(step)} 的整数倍，最近的是 {told}"
            raise UsageError(argument, value, form)
        low, high = (decimal((limits or {}).get(each)) for each in ("min", "max"))
        if (low and value < low) or (high and value > high):
            form = f"{symbol} 的{name}" + (
                f"至少 {plain(low)}" if value < low else f"最多 {plain(high)}"
            )
            raise UsageError(argument, value, form)

    def value(self, symbol: str, price: Decimal, amount: Decimal) -> Decimal:
        """这么多值多少计价货币；反向合约是结算的币。"""
        market = self.all[symbol]
        size = decimal(market.get("contractSize")) or Decimal(1)
        if market.get("inverse"):
            return amount * size / price if price else Decimal(0)
        return amount * size * price

    def step(self, precision: Any, value: Decimal = Decimal(0)) -> Decimal:
        """最小变动；没有说的为 0。有几位有效数字的，看是多大的数。"""
        if precision is None:
            return Decimal(0)
        if self._mode == _PLACES:
            return Decimal(1).scaleb(-int(precision))
        if self._mode == _SIGNIFICANT:
            return Decimal(1).scaleb(value.adjusted() + 1 - int(precision)) if value else value
        return decimal(precision)

    def rows(self, text: str = "") -> list[dict[str, Any]]:
        """`user.contracts` 的行。"""
        wanted = _key(text)
        return [self._row(each) for symbol, each in self.all.items() if wanted in _key(symbol)]

    def _row(self, market: Mapping[str, Any]) -> dict[str, Any]:
        limits, precision = market.get("limits") or {}, market.get("precision") or {}
        size = decimal(market.get("contractSize"))
        return {
            "stock_code": market["symbol"],
            "exchange_code": market["id"],
            "product": market["type"],
            "currency": currency_of(market),
            "contract_size": size or Decimal(1),
            "price_step": self.step(precision.get("price")),
            "amount_step": self.step(precision.get("amount")),
            "min_amount": decimal((limits.get("amount") or {}).get("min")),
            "min_value": decimal((limits.get("cost") or {}).get("min")),
            "active": market.get("active") is not False,
        }


def decimal(value: Any) -> Decimal:
    """一个数，照写出来的样子；没有的为 0。"""
    if isinstance(value, Decimal):
        return value
    if value is None:
        return Decimal(0)
    number = Decimal(repr(float(value)) if isinstance(value, float) else str(value))
    return number if math.isfinite(number) else Decimal(0)


def plain(value: Decimal) -> str:
    """一个数的文字：不用科学记数，末尾没有零。"""
    return format(value.normalize(), "f")


def security_of(symbol: str) -> Security:
    """证券，从 ccxt 的统一写法。"""
    return Security(symbol, "", Board.OTHER, Kind.OTHER, symbol)


def currency_of(market: Mapping[str, Any]) -> str:
    """计价的货币：现货是后一个，合约是结算的。"""
    return str(market.get("settle") or market.get("quote") or "")


def _key(text: str) -> str:
    return _PLAIN.sub("", text).upper()
