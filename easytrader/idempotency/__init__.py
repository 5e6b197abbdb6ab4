"""恰好一次：同一个 ``client_order_id`` 只成为一笔委托。

发出之前先在委托记录（`records`）里占住这个 id；结果未知的先核对（`reconcile`），绝不盲目重发。
"""

from easytrader.idempotency.submit import Noted, Once
from easytrader.records.storage import Intent

__all__ = ["Intent", "Noted", "Once"]
