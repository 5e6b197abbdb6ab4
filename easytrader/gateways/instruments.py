"""证券的各种写法 → VeighNa 的合约，数量、价格照合约核对；不对的在发出之前拒绝。"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Instruments
from easytrader.backend.records import Side
from easytrader.basics.numbers import exact
from easytrader.errors import UsageError
from easytrader.gateways import convert
from easytrader.market.symbols import Board, Kind, Security, parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.basics.numbers import Number
    from easytrader.gateways.book import Book

_PREFIXED: Final = re.compile(r"(?:sh|sz|bj)\.?[0-9]{6}", re.IGNORECASE)
_FORM: Final = "写成 600036、600036.SH、600036.SSE、rb2510.SHFE、IF2512.CFFEX"
_SHARES: Final = frozenset(("EQUITY", "ETF", "FUND", "BOND"))
_ANY_STEP: Final = ("688", "689")
"""科创板 200 股起，多一股也行；北交所 100 股起。"""


def instruments_of(book: Callable[[], Book | None]) -> Instruments:
    """一个交易口的规矩；``book`` 给出此刻的账，没有连接为 None。"""
    return replace(
        ANY_INSTRUMENTS,
        security=lambda text: _parsed(text, book()),
        price=lambda value, _: arguments.quantity(value, "price"),
    )


def _parsed(text: object, book: Book | None) -> Security:
    """同 `parse`；写过的代码记得，来了新的合约才重看。"""
    if book is None or type(text) is not str:
        return parse(text, book)
    found = book.parsed.get(text)
    if found is None:
        found = book.parsed[text] = parse(text, book)
    return found


def parse(text: object, book: Book | None) -> Security:
    """用户写的代码 → 证券。

    Args:
        text: ``600036``、``600036.SH``、``600036.SSE``、``rb2510.SHFE``，合约里独一份的
            ``rb2510``；大小写不论。
        book: 推来过合约的账；没有连接、合约要订阅才有的，只看写法。

    Raises:
        UsageError: 写法不对，没有这个合约，或几个交易所都有。
    """
    given = arguments.symbol(text)
    known = None if book is None or not book.contracts else book
    prefixed = _PREFIXED.fullmatch(given.stock_code)  # sh600036
    if prefixed is not None:
        given = parse_security(given.stock_code)
    symbol, _, market = given.stock_code.rpartition(".")
    if not symbol:
        return _bare(given.stock_code, known)
    exchange = _exchange(market)
    if exchange in convert.STOCK_EXCHANGES and len(symbol) == 6 and symbol.isdigit():
        return _known(parse_security(f"{symbol}.{exchange}"), known, text)
    if known is not None:
        for each in known.spelled(symbol):
            if each.exchange.name == exchange:
                symbol = each.symbol
    code = convert.stock_code(symbol, exchange)
    return _known(Security(symbol, exchange, Board.OTHER, Kind.OTHER, code), known, text)


def check(security: Security, side: int, price: Number, volume: Number, contract: Any) -> None:
    """照合约核对价格与数量。

    Args:
        security: 证券。
        side: 方向；零股卖得出、买不进。
        price: 限价；市价为 0。
        volume: 数量。
        contract: ``ContractData``。

    Raises:
        UsageError: 不是最小变动价位的整数倍，或数量不对；什么都没有发出。
    """
    code, tick = security.stock_code, exact(convert.price(contract.pricetick))
    if price and tick > 0 and exact(price) % tick:
        raise UsageError(
            "price", price, f"{code} 的最小变动价位是 {_plain(tick)}，价格应是它的整数倍"
        )
    least, amount = exact(convert.number(contract.min_volume)), exact(volume)
    most = 0 if contract.max_volume is None else exact(convert.number(contract.max_volume))
    if most and amount > most:
        raise UsageError("amount", volume, f"{code} 一笔最多 {_plain(most)}")
    if convert.name_of(contract.product) in _SHARES:
        _check_shares(security, side, volume, least)
    elif least > 0 and (amount < least or amount % least):
        raise UsageError("amount", volume, f"{code} 的数量应是 {_plain(least)} 的整数倍")


def _check_shares(security: Security, side: int, volume: Number, least: Decimal | int) -> None:
    code, amount = security.stock_code, exact(volume)
    if amount % 1:
        raise UsageError("amount", volume, f"{code} 的数量应是整数")
    if side != Side.BUY or least <= 1:
        return
    loose = security.code.startswith(_ANY_STEP) or security.exchange == "BJ"
    if amount < least or (not loose and amount % least):
        form = f"至少 {_plain(least)}" if loose else f"是 {_plain(least)} 的整数倍"
        raise UsageError("amount", volume, f"{code} 买入的数量应{form}")


def _bare(symbol: str, book: Book | None) -> Security:
    """没有写交易所的。"""
    found = [] if book is None else book.spelled(symbol)
    shares = len(symbol) == 6 and symbol.isdigit()
    if shares and (book is None or len(found) != 1):
        return _known(parse_security(symbol), book, symbol)
    if not found:
        told = "" if book is None else f"没有叫这个的合约{_like(symbol, book)}。"
        raise UsageError("security", symbol, f"{told}请带上交易所：{_FORM}")
    if len(found) > 1:
        codes = "、".join(convert.stock_code(each.symbol, each.exchange.name) for each in found)
        raise UsageError("security", symbol, f"几个交易所都有：{codes}；请带上交易所")
    (contract,) = found
    exchange = contract.exchange.name
    code = convert.stock_code(contract.symbol, exchange)
    if shares and exchange in convert.STOCK_EXCHANGES:
        return parse_security(code)
    return Security(contract.symbol, exchange, Board.OTHER, Kind.OTHER, code)


def _known(security: Security, book: Book | None, text: object) -> Security:
    if book is not None and book.contract(*convert.vt_symbol(security)) is None:
        told = f"这个账号的合约里没有 {security.stock_code}{_like(security.code, book)}"
        raise UsageError("security", text, f"{told}；user.contracts() 列出有的")
    return security


def _like(symbol: str, book: Book) -> str:
    names = {each.symbol: each for each in list(book.contracts.values())}
    near = difflib.get_close_matches(symbol, names, 3, 0.7)
    codes = [convert.stock_code(each, names[each].exchange.name) for each in near]
    return f"，像的有 {'、'.join(codes)}" if codes else ""


def _exchange(market: str) -> str:
    """交易所的各种写法 → VeighNa 的名字；不认识的原样（境外的有几十个）。"""
    text = market.upper()
    own = {"SH": "SSE", "SS": "SSE", "XSHG": "SSE", "SZ": "SZSE", "XSHE": "SZSE", "BJ": "BSE",
           "BJSE": "BSE", "XBSE": "BSE", "CFE": "CFFEX", "SHF": "SHFE", "ZCE": "CZCE",
           "GFE": "GFEX", "DCE": "DCE", "HK": "SEHK", "EUX": "EUREX"}  # fmt: skip
    return own.get(text, text)


def _plain(value: Decimal | int) -> str:
    return f"{Decimal(value):f}"
