"""后端的记录 → 用户看到的字典。这里是资金、持仓、委托、成交、行情；其余的见各个文件。"""

from __future__ import annotations

from easytrader.rows.trading import (
    OrderRows,
    Row,
    account_status_row,
    asset_row,
    cancel_error_row,
    order_error_row,
    order_row,
    position_row,
    quote_row,
    tag_of,
    trade_row,
)

__all__ = [
    "OrderRows",
    "Row",
    "account_status_row",
    "asset_row",
    "cancel_error_row",
    "order_error_row",
    "order_row",
    "position_row",
    "quote_row",
    "tag_of",
    "trade_row",
]
