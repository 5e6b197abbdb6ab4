"""柜台不给成交的：按委托的累计成交推出来。"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from easytrader.backend import records
from easytrader.basics.numbers import exact

if TYPE_CHECKING:
    from collections.abc import Iterable


class Fills:
    """推出来的成交：两次看到之间的几笔合成一笔，编号是 ``委托编号:累计成交``，价格是这一段的均价。

    一个交易口一个，重连之后接着用；换一个进程，之前的合成一笔。
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[records.Trade]] = {}
        self._lock = threading.Lock()

    def of(self, found: records.Order, at_s: int) -> list[records.Trade]:
        """这笔委托多出来的成交，没有为空。"""
        with self._lock:
            rows = self._seen.setdefault(str(found.order_id), [])
            before = sum(exact(each.traded_volume) for each in rows)
            paid = sum(exact(each.traded_volume) * exact(each.traded_price) for each in rows)
            total = exact(found.traded_volume)
            more = total - before
            if more <= 0:
                return []
            price = (total * exact(found.traded_price) - paid) / Decimal(more)
            row = records.Trade(
                stock_code=found.stock_code,
                order_id=found.order_id,
                side=found.side,
                traded_id=f"{found.order_id}:{total}",
                traded_time=at_s,
                traded_price=float(round(price, 6)),
                traded_volume=int(more) if more == int(more) else more,
                order_remark=found.order_remark,
                account_type=found.account_type,
                account_id=found.account_id,
                currency=found.currency,
            )
            rows.append(row)
            return [row]

    def all(self, orders: Iterable[tuple[records.Order, int]]) -> list[records.Trade]:
        """这些（委托，最近一次变化的时刻）的全部成交。"""
        found: list[records.Trade] = []
        for order, at_s in orders:
            self.of(order, at_s)
            with self._lock:
                found += self._seen[str(order.order_id)]
        return found
