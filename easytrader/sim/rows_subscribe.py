"""新股申购的两个查询，字段与次序同厂商的结构。"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["IPODataRow", "NewPurchaseLimitRow"]


class NewPurchaseLimitRow(NamedTuple):
    """NewPurchaseLimitInfo：``KCB``、``SH``、``SZ`` 与能申购的股数。"""

    new_purchase_limit_key: str
    new_purchase_limit_value: int


class IPODataRow(NamedTuple):
    """IPOData。``ipo_type``：``STOCK`` 或 ``BOND``；``purchase_date``：``YYYYMMDD``。"""

    ipo_code: str
    ipo_name: str
    ipo_type: str
    max_purchase_num: int
    min_purchase_num: int
    purchase_date: str
    issue_price: float
