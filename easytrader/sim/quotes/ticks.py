"""快照：厂商 ``get_full_tick`` 里一只证券的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.exchange.depth import DISPLAYED
from easytrader.sim.exchange.hours import Phase
from easytrader.sim.quotes.details import lot_of

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Level, Quote
    from easytrader.sim.quotes.tape import Stats

__all__ = ["CLOSED", "CONTINUOUS", "HALTED", "PRE_OPEN", "STATUSES", "SUSPENDED", "to_tick"]

PRE_OPEN: Final = 11
CONTINUOUS: Final = 13
CLOSED: Final = 15
HALTED: Final = 17
SUSPENDED: Final = 20
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
    """一只证券的快照。

    Args:
        security: 证券。
        quote: 盘口。
        stats: 当日走到此刻的开高低与成交；开盘以前为 None。
        time_ms: 快照的时刻，毫秒。
        status: 证券状态。
    """
    lot = lot_of(security)
    pre_close = quote.pre_close_li / 1000
    asks, bids = (quote.asks, quote.bids) if stats is not None else ((), ())
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
        "askPrice": _prices(asks),
        "bidPrice": _prices(bids),
        "askVol": _lots(asks, lot),
        "bidVol": _lots(bids, lot),
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
