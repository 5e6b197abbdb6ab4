"""直接读柜台的账本：不经过客户端，也不经过服务进程。"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from chaos_check import LedgerOrder, LedgerTrade

from easytrader.basics import tags
from easytrader.codes import FINAL_STATUSES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ledger", "read_ledger"]

_ORDERS = (
    "SELECT order_id, order_remark, status, traded_volume FROM orders"
    " WHERE account_id = ? ORDER BY order_id"
)
_TRADES = (
    "SELECT t.traded_id, o.stock_code, t.order_id, t.volume"
    " FROM trades t JOIN orders o USING (order_id) WHERE o.account_id = ? ORDER BY t.number"
)


class Ledger(NamedTuple):
    """某一刻的账。"""

    orders: list[LedgerOrder]
    trades: list[LedgerTrade]

    @property
    def open_orders(self) -> list[int]:
        """还没有到终态的。"""
        return [each.order_id for each in self.orders if each.status not in FINAL_STATUSES]


def read_ledger(folder: Path, account_id: str) -> Ledger:
    """只读地打开，读完就关：同一个事务里读两张表。"""
    address = f"{(folder / 'easytrader_sim.sqlite3').as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5, isolation_level=None)) as db:
        db.execute("BEGIN")
        orders = [
            LedgerOrder(number, *tags.split(remark), status, volume)
            for number, remark, status, volume in db.execute(_ORDERS, (account_id,))
        ]
        trades = [LedgerTrade(*row) for row in db.execute(_TRADES, (account_id,))]
        db.execute("COMMIT")
    return Ledger(orders, trades)
