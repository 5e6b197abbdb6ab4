"""盈透的证券：用户写的代码 → 向 TWS 问的合约；TWS 说的合约 → 代码。

``AAPL.US`` 美股，``00700.HK`` 港股，``600519.SH``、``000001.SZ`` 沪深股通，``EURUSD.FX`` 外汇，
``265598`` 是 conId，``ESZ6.CME.USD.FUT`` 是 ``代码.交易所.货币.种类``（期货写 localSymbol）。
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.backend.capabilities import ANY_INSTRUMENTS
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, Security
from easytrader.overseas import common_securities as common

if TYPE_CHECKING:
    from easytrader.backend.capabilities import Instruments

_PLACES: Final = {
    "US": ("SMART", "USD"), "HK": ("SEHK", "HKD"),
    "SH": ("SEHKNTL", "CNH"), "SZ": ("SEHKSZSE", "CNH"),
}  # fmt: skip
"""市场 → 交易所、货币；沪深股通的两个出自 vnpy_ib 的交易所表。"""
_AMERICAN: Final = frozenset(
    {"", "SMART", "NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "ISLAND", "IEX", "PINK"}
)
"""美股在哪里上市；空的、SMART 是没有说，当作美股。"""
_FOREX: Final = re.compile(r"([A-Z]{3})([A-Z]{3})\.FX")
_FULL: Final = re.compile(
    r"([A-Z0-9][A-Z0-9 .\-]{0,30})\.([A-Z0-9]{2,12})\.([A-Z]{3})\."
    r"(STK|FUT|CASH|CFD|CMDTY|CRYPTO|IND)"
)
_LOCAL: Final = re.compile("0[0-9]{3,5}|(60|68|30)[0-9]{4}")
_BY_LOCAL: Final = frozenset({"FUT"})
_FORM: Final = (
    "应为 'AAPL.US'、'00700.HK'、'600519.SH'、'EURUSD.FX'、conId（'265598'），"
    "或 '代码.交易所.货币.种类'（'ESZ6.CME.USD.FUT'）"
)


def parse(text: object) -> Security:
    """用户写的代码 → 证券；只看样子，有没有由 TWS 说。

    Raises:
        UsageError: 不认得。
    """
    if not isinstance(text, str) or not text.isprintable() or text != text.strip():
        raise UsageError("security", text, _FORM)
    upper = text.upper()
    parts = upper.split(".")
    if upper.isascii() and upper.isdigit() and int(upper):
        return _numbered(upper)
    if _FOREX.fullmatch(upper):
        return _made(upper[:6], "FX", upper)
    if full := _FULL.fullmatch(upper):
        return _made(full[1], full[2], upper)
    listed = parts[0] in _PLACES or parts[-1] in _PLACES or upper.isalpha()
    try:
        if upper.isascii() and listed:
            return common.parse(text)
    except UsageError:
        pass
    raise UsageError("security", text, _FORM)


def _numbered(digits: str) -> Security:
    """全是数字的是 conId；像港股、沪深的代码的不猜：猜错了，买的是不相干的一样。"""
    if _LOCAL.fullmatch(digits):
        told = (
            f"像港股、沪深的代码，也可能是 conId，不猜：股票写上市场（{digits}.HK、{digits}.SH），"
            "conId 改写成 '代码.交易所.货币.种类'"
        )
        raise UsageError("security", digits, told)
    return _made(str(int(digits)), "", str(int(digits)))


def _made(code: str, market: str, stock_code: str) -> Security:
    return Security(code, market, Board.OTHER, Kind.OTHER, stock_code)


INSTRUMENTS: Final[Instruments] = replace(
    ANY_INSTRUMENTS, security=parse, market_type=arguments.only_market_type
)
"""数量、价格是大于 0 的数：碎股、外汇可以有小数，步长由 TWS 说。"""


def wanted(stock_code: str) -> dict[str, Any]:
    """代码 → 问合约时填的几项（``ib_async.Contract`` 的）。"""
    if stock_code.isdigit():
        return {"conId": int(stock_code)}
    if forex := _FOREX.fullmatch(stock_code):
        return _asked(symbol=forex[1], currency=forex[2], secType="CASH", exchange="IDEALPRO")
    if full := _FULL.fullmatch(stock_code):
        name = "localSymbol" if full[4] in _BY_LOCAL else "symbol"
        return _asked(**{name: full[1]}, exchange=full[2], currency=full[3], secType=full[4])
    code, _, market = stock_code.rpartition(".")
    exchange, currency = _PLACES[market]
    symbol = code.lstrip("0") if market == "HK" else code
    if market == "US":
        symbol = code.replace(".", " ").replace("-", " ")  # 盈透写 BRK B
    return _asked(symbol=symbol, exchange=exchange, currency=currency, secType="STK")


def _asked(**given: str) -> dict[str, Any]:
    return given


def code_of(contract: Any) -> str:
    """TWS 说的合约 → 代码；说不出别的样子的是 conId。"""
    kind, symbol, currency = contract.secType, str(contract.symbol), contract.currency
    place = contract.primaryExchange or contract.exchange
    if kind == "CASH":
        return f"{symbol}{currency}.FX"
    if kind == "STK" and currency == "USD" and place in _AMERICAN:
        return f"{symbol.replace(' ', '.')}.US"
    if kind == "STK" and currency == "HKD" and symbol.isdigit():
        return f"{symbol.zfill(5)}.HK"
    if kind == "STK" and currency == "CNH" and symbol.isdigit():
        return f"{symbol}.{'SZ' if place == 'SEHKSZSE' else 'SH'}"
    if kind == "FUT" and contract.localSymbol and contract.exchange:
        return f"{contract.localSymbol}.{contract.exchange}.{currency}.FUT"
    if (
        kind == "STK"
        and place not in ("", "SMART")
        and _FULL.fullmatch(full := f"{symbol}.{place}.{currency}.STK")
    ):
        return full
    return str(contract.conId)


def told(contract: Any, name: str = "") -> str:
    """一个候选，给人看的。"""
    place = contract.primaryExchange or contract.exchange
    kind = f"{contract.secType} {contract.localSymbol or contract.symbol}"
    return f"{contract.conId}（{kind} {place} {contract.currency} {name}）".replace(" ）", "）")
