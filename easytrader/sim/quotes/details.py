"""合约信息、品种、板块：代码看得出来的都给，看不出来的（股本、上市日）留 0。"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError, UsageError
from easytrader.market.symbols import Board, Kind, Security, parse_security
from easytrader.sim.market.anchors import ANCHORS_LI, instrument_name
from easytrader.sim.rules import rules_for

if TYPE_CHECKING:
    from easytrader.sim.exchange.depth import Quote

__all__ = ["SECTORS", "kinds_of", "known", "lot_of", "sector", "to_detail", "universe"]

_NEVER: Final = 99999999
_SHARES: Final = (Kind.STOCK, Kind.CDR)
_ETFS: Final = (
    Kind.ETF,
    Kind.BOND_ETF,
    Kind.MONEY_ETF,
    Kind.GOLD_ETF,
    Kind.CROSS_BORDER_ETF,
    Kind.COMMODITY_ETF,
)

SECTORS: Final[dict[str, tuple[tuple[str, ...], tuple[Board, ...], tuple[Kind, ...]]]] = {
    "沪深A股": (("SH", "SZ"), (), _SHARES),
    "上证A股": (("SH",), (), _SHARES),
    "深证A股": (("SZ",), (), _SHARES),
    "科创板": (("SH",), (Board.STAR,), _SHARES),
    "创业板": (("SZ",), (Board.CHINEXT,), _SHARES),
    "京市A股": (("BJ",), (), _SHARES),
    "沪深基金": (("SH", "SZ"), (Board.FUND,), ()),
    "沪深ETF": (("SH", "SZ"), (Board.FUND,), _ETFS),
    "沪市ETF": (("SH",), (Board.FUND,), _ETFS),
    "深市ETF": (("SZ",), (Board.FUND,), _ETFS),
    "沪深转债": (("SH", "SZ"), (Board.BOND,), (Kind.CONVERTIBLE,)),
}


@lru_cache(maxsize=65536)
def known(code: str) -> Security | None:
    """厂商写法的代码 → 证券；不是代码、没有这样的品种为 None（厂商的接口当它不存在）。

    Raises:
        SimulatorError: 是真有的品种，但模拟行情里没有（指数、B 股等）。
    """
    security = _parsed(code)
    if security is None or security.kind is Kind.OTHER:
        return None
    if rules_for(security, date.max) is None:
        raise SimulatorError(
            f"模拟行情没有 {security.stock_code}（{security.kind.value}）；"
            "有的是沪深北的股票、基金、可转债、债券，沪深的逆回购。"
        )
    return security


def lot_of(security: Security) -> int:
    """一手是多少股/份/张：厂商的成交量、盘口数量以手为单位。"""
    return 10 if security.board in (Board.BOND, Board.REPO) else 100


def kinds_of(code: object) -> dict[str, bool]:
    """`get_instrument_type` 的回答；不认识的代码为空。"""
    security = _parsed(code)
    if security is None or security.kind is Kind.OTHER:
        return {}
    kind = security.kind
    return {
        "index": kind is Kind.INDEX,
        "stock": kind in (*_SHARES, Kind.B_SHARE),
        "fund": security.board is Board.FUND,
        "etf": kind in _ETFS,
        "bond": security.board is Board.BOND,
    }


def universe() -> list[str]:
    """板块与全推里有哪些代码：放在真实价格附近的那几十只。别的代码直接问也有行情。"""
    return sorted(ANCHORS_LI)


def sector(name: str, codes: list[str]) -> list[str]:
    """``codes`` 里属于这个板块（也可以是市场代码）的。

    Raises:
        SimulatorError: 没有这个板块。
    """
    if name in ("SH", "SZ", "BJ"):
        return [code for code in codes if code.endswith(name)]
    if name not in SECTORS:
        raise SimulatorError(f"模拟行情没有板块 {name!r}；有：{'、'.join(SECTORS)}。")
    exchanges, boards, kinds = SECTORS[name]
    return [
        code
        for code in codes
        if (each := parse_security(code)).exchange in exchanges
        and (not boards or each.board in boards)
        and (not kinds or each.kind in kinds)
    ]


def to_detail(security: Security, quote: Quote, day: int) -> dict[str, Any]:
    """`get_instrument_detail` 的原始回答（厂商的 Python 层再挑字段、换类型）。"""
    today = date.fromordinal(day)
    rules = rules_for(security, today)
    assert rules is not None  # known() 已经拦下
    pre_close = quote.pre_close_li / 1000
    return {
        "ExchangeID": security.exchange,
        "InstrumentID": security.code,
        "InstrumentName": instrument_name(security.stock_code),
        "ProductID": "",
        "ProductName": "",
        "ProductType": -1,
        "ExchangeCode": security.code,
        "UniCode": security.code,
        "CreateDate": 0,
        "OpenDate": 0,
        "ExpireDate": _NEVER,
        "TradingDay": int(f"{today:%Y%m%d}"),
        "PreClose": pre_close,
        "SettlementPrice": pre_close,
        "UpStopPrice": quote.limit_up_li / 1000,
        "DownStopPrice": quote.limit_down_li / 1000,
        "FloatVolume": 0.0,
        "TotalVolume": 0.0,
        "LongMarginRatio": 0.0,
        "ShortMarginRatio": 0.0,
        "PriceTick": rules.tick_li / 1000,
        "VolumeMultiple": 1,
        "MainContract": 0,
        "LastVolume": 0,
        "InstrumentStatus": int(quote.suspended),
        "IsTrading": not quote.suspended,
        "IsRecent": False,
        "ExtendInfo": {
            "MaxMarketOrderVolume": rules.size.market,
            "MinMarketOrderVolume": rules.lot.minimum,
            "MaxLimitOrderVolume": rules.size.limit,
            "MinLimitOrderVolume": rules.lot.minimum,
            "OptionType": -1,
        },
    }


def _parsed(code: object) -> Security | None:
    """厂商只认「六位代码.交易所」这一种写法。"""
    try:
        security = parse_security(code)
    except UsageError:
        return None
    return security if security.stock_code == code else None
