"""柜台的应答长什么样。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes import MARKET_CODES
from easytrader.sim.wire import CancelAnswer, CancelArgs, OrderAnswer, SubmitArgs

if TYPE_CHECKING:
    from easytrader.sim.orders import SimOrder

__all__ = ["CANCEL_ERROR_ID", "market_of", "not_yet", "order_answer"]

CANCEL_ERROR_ID: Final = -54
_LAGGING: Final = "模拟柜台正在补撮合没有人看的时候的行情，还没有做完；没有受理，稍后再试"


def market_of(order: SimOrder) -> int:
    """厂商的市场代码；不是证券为 -1。"""
    exchange = order.security.exchange if order.security else ""
    return next((code for name, code in MARKET_CODES.items() if name == exchange), -1)


def not_yet(args: SubmitArgs | CancelArgs) -> OrderAnswer | CancelAnswer:
    """还没有追上现在，不受理的应答。"""
    if isinstance(args, SubmitArgs):
        return order_answer(args, -1, _LAGGING)
    return CancelAnswer(
        args.account_type,
        args.account_id,
        -1,
        args.order_id,
        args.order_sysid,
        CANCEL_ERROR_ID,
        _LAGGING,
    )


def order_answer(args: SubmitArgs, order_id: int, refused: str) -> OrderAnswer:
    """下单的应答；``refused`` 为拒绝的理由，空为收下。"""
    return OrderAnswer(
        args.account_type,
        args.account_id,
        order_id,
        args.strategy_name,
        args.order_remark,
        -1 if refused else 0,
        refused,
    )
