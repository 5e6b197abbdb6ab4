"""厂商的样子：合约信息、品种（看不出来的留 0），快照，除权数据。"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight
from easytrader.errors import UsageError
from easytrader.market.rules import Size, rules_for, scope_of
from easytrader.market.rules.exrights import reference_price
from easytrader.market.rules.phases import Phase
from easytrader.market.rules.tables import ETFS, STOCKS
from easytrader.market.symbols import Board, Kind, Security, parse_security
from easytrader.sim.exchange.depth import DISPLAYED
from easytrader.sim.market import universe
from easytrader.sim.quotes.indices import INDICES

if TYPE_CHECKING:
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.config.ipo import Issue
    from easytrader.sim.exchange.depth import Level, Quote
    from easytrader.sim.quotes.tape import Stats


_NEVER: Final = 99999999


@lru_cache(maxsize=65536)
def known(code: str) -> Security | None:
    """厂商写法的代码 → 证券；不是代码、模拟行情里没有的为 None（厂商的接口当它不存在）。"""
    security = _parsed(code)
    if security is None or security.stock_code in INDICES:
        return security
    return None if scope_of(security) is None else security


def name_of(security: Security) -> str:
    """证券名称。"""
    index = INDICES.get(security.stock_code)
    return universe.instrument_name(security.stock_code) if index is None else index.name


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
        "stock": kind in (*STOCKS, Kind.B_SHARE),
        "fund": security.board is Board.FUND,
        "etf": kind in ETFS,
        "bond": security.board is Board.BOND,
    }


def to_detail(
    security: Security, quote: Quote, day: int, seed: int, listed: date, gone: date | None
) -> dict[str, Any]:
    """`get_instrument_detail` 的原始回答（厂商的 Python 层再挑字段、换类型）。

    ``listed``、``gone``：上市日，摘牌日（没有为 None）。
    """
    today = date.fromordinal(day)
    rules = rules_for(security, today)
    total, floating = universe.shares(security, seed) if rules else (0, 0)
    lot = rules.lot.minimum if rules else 0
    size = rules.size if rules else Size(0, 0)
    pre_close = quote.pre_close_li / 1000
    return {
        "ExchangeID": security.exchange,
        "InstrumentID": security.code,
        "InstrumentName": name_of(security),
        "ProductID": "",
        "ProductName": "",
        "ProductType": -1,
        "ExchangeCode": security.code,
        "UniCode": security.code,
        "CreateDate": 0,
        "OpenDate": int(f"{listed:%Y%m%d}"),
        "ExpireDate": _NEVER if gone is None else int(f"{gone:%Y%m%d}"),
        "TradingDay": int(f"{today:%Y%m%d}"),
        "PreClose": pre_close,
        "SettlementPrice": pre_close,
        "UpStopPrice": quote.limit_up_li / 1000,
        "DownStopPrice": quote.limit_down_li / 1000,
        "FloatVolume": float(floating),
        "TotalVolume": float(total),
        "LongMarginRatio": 0.0,
        "ShortMarginRatio": 0.0,
        "PriceTick": rules.tick_li / 1000 if rules else 0.01,
        "VolumeMultiple": 1,
        "MainContract": 0,
        "LastVolume": 0,
        "InstrumentStatus": int(quote.suspended),
        "IsTrading": not quote.suspended,
        "IsRecent": False,
        "ExtendInfo": {
            "MaxMarketOrderVolume": size.market,
            "MinMarketOrderVolume": lot,
            "MaxLimitOrderVolume": size.limit,
            "MinLimitOrderVolume": lot,
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


PRE_OPEN: Final = 11
CONTINUOUS: Final = 13
CLOSED: Final = 15
HALTED: Final = 17
SUSPENDED: Final = 20
AFTER_DONE: Final = 23
"""盘后固定价格也完了。"""
STATUSES: Final = {
    Phase.CLOSED: CLOSED,
    Phase.OPEN_CALL: 12,
    Phase.OPEN_CALL_FIXED: 12,
    Phase.PRE_OPEN: 12,
    Phase.CONTINUOUS: CONTINUOUS,
    Phase.LUNCH: 14,
    Phase.CLOSE_CALL: 18,
    Phase.AFTER_HOURS: 22,
}
"""证券状态，厂商放在 ``openInt`` 里（厂商文档「证券状态」）。"""

_TRADING: Final = 3  # 厂商示例里盘中的 stockStatus


def to_tick(
    security: Security, quote: Quote, stats: Stats | None, time_ms: int, status: int
) -> dict[str, Any]:
    """一只证券的快照；``stats`` 是当日走到此刻的开高低与成交，开盘以前为 None。"""
    lot = lot_of(security)
    pre_close = quote.pre_close_li / 1000
    volume = 0 if stats is None else stats.volume
    return {
        "time": time_ms,
        "lastPrice": (quote.last_li if stats is None else stats.last_li) / 1000,
        "open": 0.0 if stats is None else stats.open_li / 1000,
        "high": 0.0 if stats is None else stats.high_li / 1000,
        "low": 0.0 if stats is None else stats.low_li / 1000,
        "lastClose": pre_close,
        "amount": 0.0 if stats is None else round(stats.amount, 2),
        "volume": volume // lot,
        "pvolume": volume,
        "stockStatus": _TRADING if status == CONTINUOUS else 0,
        "openInt": status,
        "transactionNum": 0 if stats is None else stats.trades,
        "lastSettlementPrice": pre_close,
        "settlementPrice": 0.0,
        "pe": 0.0,
        "askPrice": _prices(quote.asks),
        "bidPrice": _prices(quote.bids),
        "askVol": _lots(quote.asks, lot),
        "bidVol": _lots(quote.bids, lot),
        "volRatio": 0.0,
        "speed1Min": 0.0,
        "speed5Min": 0.0,
    }


def _prices(levels: tuple[Level, ...]) -> list[float]:
    found = [each.price_li / 1000 for each in levels[:DISPLAYED]]
    return found + [0.0] * (DISPLAYED - len(found))


def _lots(levels: tuple[Level, ...], lot: int) -> list[int]:
    found = [each.volume // lot for each in levels[:DISPLAYED]]
    return found + [0] * (DISPLAYED - len(found))


_SHARE = 10_000_000


def to_factor(action: Action, close_li: int, tick_li: int) -> tuple[str, dict[str, float]]:
    """除权除息日与它的各项；``dr`` 是前一天的收盘价除以参考价。"""
    after, before = action.split or (_SHARE, _SHARE)
    gift = (
        action.gift - action.bonus if action.split is None else (after - before) * _SHARE / before
    )
    return f"{date.fromordinal(action.ex):%Y%m%d}", {
        "time": midnight(action.ex) * 1000.0,
        "interest": action.cash_micro / 1_000_000,
        "stockBonus": action.bonus / _SHARE,
        "stockGift": gift / _SHARE,
        "allotNum": action.rights / _SHARE,
        "allotPrice": action.rights_li / 1000,
        "gugai": 0.0,
        "dr": round(close_li / reference_price(close_li, action.change, tick_li), 6),
    }


def to_issue(issue: Issue) -> dict[str, Any]:
    """`get_ipo_info` 的一行；``ipo.json`` 没有说的几项厂商的 Python 层补 None。"""
    return {
        "securityCode": issue.listed.code,
        "codeName": issue.name,
        "market": issue.listed.exchange,
        "onlineSubCode": issue.code[:6],
        "onlineSubMaxQty": issue.most,
        "onlineSubMinQty": issue.least,
        "publishPrice": issue.price_li / 1000,
        "startDate": f"{date.fromordinal(issue.day):%Y%m%d}",
        "listedDate": f"{date.fromordinal(issue.listing):%Y%m%d}",
        "paymentDate": f"{date.fromordinal(issue.pay):%Y%m%d}" if issue.pay else None,
    }
