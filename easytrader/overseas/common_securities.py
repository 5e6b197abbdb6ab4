"""境外券商都用的证券代码、货币、一天：``00700.HK``、``AAPL.US``、``600519.SH``。"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from easytrader import arguments
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Instruments
from easytrader.basics.days import A_SHARES, DayBoundary
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, Security, parse_security

_FORMS: Final = {
    "HK": re.compile(r"(?=0*[1-9])[0-9]{1,5}"),
    "US": re.compile(r"[A-Z][A-Z0-9]{0,9}([.\-][A-Z]{1,2})?"),
    "SH": re.compile(r"[0-9]{6}"),
    "SZ": re.compile(r"[0-9]{6}"),
}
"""市场 → 代码的样子。"""

_BARE_US: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}([.\-][A-Z])?")
"""没有写市场的美股：点后面多于一个字母的，多半是别的市场。"""

MARKETS: Final = frozenset(_FORMS)
CURRENCIES: Final = {"HK": "HKD", "US": "USD", "SH": "CNH", "SZ": "CNH"}
"""市场 → 那里的证券用什么货币；沪深股通是离岸人民币。"""

_FORM: Final = "应为 'AAPL.US'、'00700.HK'、'600519.SH' 这样的代码；'US.AAPL'、'AAPL'、'00700' 也认"


def parse(text: object) -> Security:
    """用户写的代码 → 证券；港股补足五位。

    没有市场的：字母是美股，一到五位数字是港股，六位数字按沪深的号段。

    Raises:
        UsageError: 不认得。
    """
    if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable():
        raise UsageError("security", text, _FORM)
    upper = text.upper()
    code, _, market = upper.rpartition(".")
    if _is(code, market):
        return made(code, market)
    market, _, code = upper.partition(".")
    if _is(code, market):
        return made(code, market)
    if _is(upper, "HK"):
        return made(upper, "HK")
    if _is(upper, "SH"):
        found = parse_security(upper)
        if found.exchange in _FORMS:
            return made(found.code, found.exchange)
    if _BARE_US.fullmatch(upper):
        return made(upper, "US")
    raise UsageError("security", text, _FORM)


def _is(code: str, market: str) -> bool:
    form = _FORMS.get(market)
    return form is not None and form.fullmatch(code) is not None


def made(code: str, market: str) -> Security:
    """代码与市场 → 证券；不核对样子（柜台说的都收）。"""
    code = code.zfill(5) if market == "HK" and code.isdigit() else code
    return Security(code, market, Board.OTHER, Kind.OTHER, f"{code}.{market}")


def _market_type(ttype: object, target: Security) -> int:
    """沪深股通没有市价委托；别的市场各只有一种。"""
    if target.exchange in ("SH", "SZ"):
        raise UsageError("ttype", ttype, f"{target.stock_code} 没有市价委托；请用 buy / sell")
    return arguments.only_market_type(ttype, target)


INSTRUMENTS: Final[Instruments] = replace(
    ANY_INSTRUMENTS, security=parse, amount=arguments.amount, market_type=_market_type
)
"""整数股；价格是大于 0 的数。"""


def day_at(market: str) -> DayBoundary:
    """这个市场的一天。美股从纽约晚上八点起：夜盘是下一天的。"""
    if market != "US":
        return A_SHARES  # 香港与北京同一个时间，没有夏令时
    try:
        return DayBoundary(ZoneInfo("America/New_York"), begins=20)
    except ZoneInfoNotFoundError:  # Windows 上没有 tzdata：不分夏令时，夏天晚一小时
        return DayBoundary(timezone(timedelta(hours=-5)), begins=20)
