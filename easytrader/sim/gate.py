"""这个时段收不收：委托与撤单在什么时候被柜台退回，用什么话。依据见 `phases`。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.sim.checks import LIMIT_TYPES
from easytrader.sim.events import Reject
from easytrader.sim.phases import CALL_PHASES, CANCEL_PHASES, PRE_OPEN_EXCHANGES, Phase

if TYPE_CHECKING:
    from easytrader.symbols import Exchange

__all__ = ["CLOSED", "NO_CANCEL", "cancel_refused", "order_refused"]

CLOSED: Final = Reject(12313, "当前时间不允许此类证券交易")
_NO_MARKET: Final = Reject(1224, "当前时段不支持市价委托")
NO_CANCEL: Final = Reject(-990297020, "当前时间不允许做该项业务")
"""公开记录里「时间不对」的一种原话；撤单被拒的原话各家不同，没有见过 QMT 的样本。"""


def order_refused(phase: Phase, exchange: Exchange, price_type: int, reason: str) -> Reject | None:
    """这个时段不收这笔委托的理由；收为 None。``reason`` 是休市的特别原因。"""
    if phase is Phase.CONTINUOUS:
        return None
    waits = phase is Phase.PRE_OPEN and exchange in PRE_OPEN_EXCHANGES
    if phase in CALL_PHASES or waits:
        return None if price_type in LIMIT_TYPES else _NO_MARKET
    if phase is Phase.AFTER_HOURS:
        reason = "盘后请用1043、1044"
    return CLOSED._replace(detail=reason) if reason else CLOSED


def cancel_refused(phase: Phase, exchange: Exchange) -> Reject | None:
    """这个时段不接受撤单的理由；接受（或 9:30 再处理）为 None。"""
    if phase in CANCEL_PHASES:
        return None
    if phase is Phase.PRE_OPEN and exchange in PRE_OPEN_EXCHANGES:
        return None
    detail = f"{phase.value.partition('（')[0]}不接受撤单" if phase in CALL_PHASES else ""
    return NO_CANCEL._replace(detail=detail)
