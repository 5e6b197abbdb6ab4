"""老虎的对象 → 我们的记录。"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from easytrader.backend import records
from easytrader.backend.records import Side
from easytrader.codes import FINAL_STATUSES, Direction, OrderStatus, OtherAccountType
from easytrader.overseas.common_securities import made

_STATUSES: Final = {
    "PENDING_NEW": OrderStatus.WAIT_REPORTING,
    "NEW": OrderStatus.WAIT_REPORTING,
    "HELD": OrderStatus.REPORTED,
    "PARTIALLY_FILLED": OrderStatus.PART_SUCC,
    "FILLED": OrderStatus.SUCCEEDED,
    "CANCELLED": OrderStatus.CANCELED,
    "PENDING_CANCEL": OrderStatus.REPORTED_CANCEL,
    "REJECTED": OrderStatus.JUNK,  # Inactive
    "EXPIRED": OrderStatus.JUNK,  # Invalid
}
"""``OrderStatus`` 的名字 → 我们的；SDK 认不得的状态它都说成 PENDING_NEW。"""

_PARTLY: Final = {
    OrderStatus.WAIT_REPORTING: OrderStatus.PART_SUCC,
    OrderStatus.REPORTED: OrderStatus.PART_SUCC,
    OrderStatus.CANCELED: OrderStatus.PART_CANCEL,
    OrderStatus.JUNK: OrderStatus.PART_CANCEL,
    OrderStatus.REPORTED_CANCEL: OrderStatus.PARTSUCC_CANCEL,
}
"""有成交而没有全成的；撤了的、失效的也可能有部分成交（老虎文档「订单状态说明」）。"""

_MARKETS: Final = {"US": "US", "HK": "HK", "USD": "US", "HKD": "HK"}
_SHANGHAI: Final = ("5", "6", "9")
_TAG: Final = re.compile("[0-9a-z]{9}")


def scaled(value: Any, scale: Any = 0) -> int | Decimal:
    """数量：碎股是整数另带小数位数。"""
    number = Decimal(str(value or 0))
    if scale:
        number = number.scaleb(-int(scale))
    return int(number) if number == number.to_integral_value() else number


def finite(value: Any) -> float:
    """SDK 用无穷大表示没有。"""
    number = float(value or 0)
    return number if math.isfinite(number) else 0.0


def code_of(contract: Any) -> str:
    """合约 → 代码；期权等不是股票的，是它自己的标识。"""
    symbol = str(contract.symbol or "")
    if contract.sec_type not in (None, "STK"):
        return str(contract.identifier or symbol)
    market = _MARKETS.get(contract.market or "") or _MARKETS.get(contract.currency or "")
    if market is None and len(symbol) == 6 and symbol.isdecimal():
        market = "SH" if symbol.startswith(_SHANGHAI) else "SZ"
    return made(symbol, market).stock_code if market else symbol


def order(found: Any, account_id: str) -> records.Order:
    """委托。"""
    volume = scaled(found.quantity, found.quantity_scale)
    traded = scaled(found.filled, found.filled_scale)
    status = _STATUSES.get(found.status.name, OrderStatus.UNKNOWN)
    if 0 < traded < volume:
        status = _PARTLY.get(status, status)
    mark = str(found.user_mark or "")
    return records.Order(
        stock_code=code_of(found.contract),
        order_id=str(found.id),
        side=Side.BUY if found.action == "BUY" else Side.SELL,
        order_volume=volume,
        order_status=status,
        order_time=int(found.order_time or 0) // 1000,
        price=None if found.order_type == "MKT" else finite(found.limit_price),
        traded_volume=traded,
        traded_price=finite(found.avg_fill_price),
        order_remark=f"~{mark}~" if _TAG.fullmatch(mark) else mark,
        status_msg=str(found.reason or ""),
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=str(found.contract.currency or ""),
    )


def changed_at(found: Any) -> int:
    """委托最近一次变化的时刻，Unix 秒。"""
    return int(found.trade_time or found.update_time or found.order_time or 0) // 1000


def is_of_day(found: Any, began_s: int) -> bool:
    """这一天下的、变过的，或还没有完的。"""
    status = _STATUSES.get(found.status.name, OrderStatus.UNKNOWN)
    at_s = max(changed_at(found), int(found.order_time or 0) // 1000)
    return at_s >= began_s or status not in FINAL_STATUSES


def position(found: Any, account_id: str) -> records.Position:
    """持仓。"""
    volume = scaled(found.quantity, found.position_scale)
    size = -volume if volume < 0 else volume
    usable = size if found.salable_qty is None else scaled(abs(found.salable_qty))
    return records.Position(
        stock_code=code_of(found.contract),
        volume=size,
        can_use_volume=usable,
        frozen_volume=max(size - usable, 0),
        open_price=finite(found.average_cost),
        avg_price=finite(found.average_cost),
        market_value=finite(found.market_value),
        direction=(Direction.SHORT if volume < 0 else Direction.LONG).value,
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=str(found.contract.currency or ""),
    )


def asset(segment: Any, account_id: str) -> records.Asset:
    """综合、模拟账户的证券那一份。"""
    return _asset(
        account_id,
        segment.currency,
        segment.net_liquidation,
        segment.cash_available_for_trade,
        segment.gross_position_value,
        segment.locked_funds,
    )


def global_asset(summary: Any, account_id: str) -> records.Asset:
    """环球账户。"""
    return _asset(
        account_id,
        summary.currency,
        summary.net_liquidation,
        summary.available_funds,
        summary.gross_position_value,
        0,
    )


def _asset(
    account_id: str, currency: Any, total: Any, cash: Any, value: Any, frozen: Any
) -> records.Asset:
    most = max(finite(total), 0.0)
    return records.Asset(
        total_asset=finite(total),
        cash=min(max(finite(cash), 0.0), most),
        market_value=finite(value),
        frozen_cash=finite(frozen),
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=str(currency or "USD"),
    )
