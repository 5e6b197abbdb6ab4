"""账本的表、版本的升级，与柜台里的对象怎样变成行、再变回来。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.ledger.orders import SimOrder, SimTrade, security_of

if TYPE_CHECKING:
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.state import Progress

__all__ = [
    "APPLICATION_ID",
    "PUT_ACCOUNT",
    "PUT_CLOSING_ASSET",
    "PUT_CLOSING_POSITION",
    "PUT_ORDER",
    "PUT_POSITION",
    "PUT_PROGRESS",
    "PUT_QUEUE",
    "PUT_RECORD",
    "PUT_TRADE",
    "VERSION",
    "account_fields",
    "order_fields",
    "order_of",
    "position_fields",
    "progress_fields",
    "steps_from",
    "trade_fields",
    "trade_of",
]

APPLICATION_ID: Final = 0x45545349  # "ETSI"
VERSION: Final = 4

_SCHEMA: Final = """
CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 1), day INTEGER NOT NULL, tick INTEGER NOT NULL,
    now REAL NOT NULL, order_id INTEGER NOT NULL, sysid INTEGER NOT NULL,
    trade INTEGER NOT NULL, first_order_id INTEGER NOT NULL, first_trade INTEGER NOT NULL
);
CREATE TABLE accounts (
    account_id TEXT PRIMARY KEY, account_type INTEGER NOT NULL, cash_li INTEGER NOT NULL,
    frozen_li INTEGER NOT NULL, fees_li INTEGER NOT NULL, realized_li INTEGER NOT NULL,
    proceeds_li INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE positions (
    account_id TEXT NOT NULL, stock_code TEXT NOT NULL, volume INTEGER NOT NULL,
    yesterday INTEGER NOT NULL, locked INTEGER NOT NULL, frozen INTEGER NOT NULL,
    cost_li INTEGER NOT NULL, open_date TEXT NOT NULL,
    PRIMARY KEY (account_id, stock_code)
) WITHOUT ROWID;
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY, day INTEGER NOT NULL, account_id TEXT NOT NULL,
    account_type INTEGER NOT NULL, stock_code TEXT NOT NULL, order_type INTEGER NOT NULL,
    volume INTEGER NOT NULL, price_type INTEGER NOT NULL, price_li INTEGER NOT NULL,
    order_time INTEGER NOT NULL, strategy_name TEXT NOT NULL, order_remark TEXT NOT NULL,
    limit_li INTEGER NOT NULL, sysid TEXT NOT NULL, status INTEGER NOT NULL,
    status_msg TEXT NOT NULL, traded_volume INTEGER NOT NULL, traded_amount_li INTEGER NOT NULL,
    fees_li INTEGER NOT NULL, frozen_li INTEGER NOT NULL,
    ahead INTEGER NOT NULL DEFAULT 0, waiting INTEGER NOT NULL DEFAULT 0,
    off_book INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE trades (
    number INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, day INTEGER NOT NULL,
    traded_id TEXT NOT NULL, traded_time INTEGER NOT NULL, price_li INTEGER NOT NULL,
    volume INTEGER NOT NULL, fees_li INTEGER NOT NULL, tick INTEGER NOT NULL,
    passive INTEGER NOT NULL
);
"""
_QUEUES: Final = """
CREATE TABLE queues (
    stock_code TEXT NOT NULL, buy INTEGER NOT NULL, price_li INTEGER NOT NULL,
    day INTEGER NOT NULL, gone INTEGER NOT NULL, at_ppm INTEGER NOT NULL,
    PRIMARY KEY (stock_code, buy, price_li)
) WITHOUT ROWID;
"""
_RECORDS: Final = """
CREATE TABLE records (
    kind TEXT NOT NULL, account_id TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, account_id, key)
) WITHOUT ROWID;
"""
_CLOSINGS: Final = """
CREATE TABLE closing_assets (
    day INTEGER NOT NULL, account_id TEXT NOT NULL, account_type INTEGER NOT NULL,
    cash_li INTEGER NOT NULL, frozen_li INTEGER NOT NULL, market_li INTEGER NOT NULL,
    elsewhere_li INTEGER NOT NULL, fees_li INTEGER NOT NULL, realized_li INTEGER NOT NULL,
    owed_li INTEGER NOT NULL,
    PRIMARY KEY (day, account_id)
) WITHOUT ROWID;
CREATE TABLE closing_positions (
    day INTEGER NOT NULL, account_id TEXT NOT NULL, stock_code TEXT NOT NULL,
    volume INTEGER NOT NULL, cost_li INTEGER NOT NULL, price_li INTEGER NOT NULL,
    PRIMARY KEY (day, account_id, stock_code)
) WITHOUT ROWID;
"""
"""一天结束时的样子，见 `closing`。"""
_FROM_1: Final = (
    "ALTER TABLE orders ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;"
)
"""版本 1 没有排队的位置与静默期。"""
_FROM_2: Final = "ALTER TABLE orders ADD COLUMN off_book INTEGER NOT NULL DEFAULT 0;"
"""版本 2 没有不经过撮合的委托，也没有各项业务的记录。"""


PUT_PROGRESS: Final = "REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_ACCOUNT: Final = "REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?)"
PUT_POSITION: Final = "REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
PUT_ORDER: Final = (
    "REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?)"
)
PUT_QUEUE: Final = "REPLACE INTO queues VALUES (?, ?, ?, ?, ?, ?)"
PUT_RECORD: Final = "REPLACE INTO records VALUES (?, ?, ?, ?)"
PUT_CLOSING_ASSET: Final = "REPLACE INTO closing_assets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_CLOSING_POSITION: Final = "REPLACE INTO closing_positions VALUES (?, ?, ?, ?, ?, ?)"
PUT_TRADE: Final = "INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def steps_from(version: int) -> str:
    """从 ``version``（0 是空的）升级到现在要执行的。"""
    if version == 0:
        return _SCHEMA + _QUEUES + _RECORDS + _CLOSINGS
    steps = (_FROM_1 + _QUEUES, _FROM_2 + _RECORDS, _CLOSINGS)
    return "".join(steps[version - 1 :])


def order_of(row: tuple[Any, ...]) -> SimOrder:
    """委托表的一行 → 委托。"""
    fields: tuple[Any, ...] = (
        *row[:5],
        security_of(row[4]),
        *row[5:-2],
        bool(row[-2]),
        bool(row[-1]),
    )
    order = SimOrder(*fields)
    order.reason = order.reason.removeprefix("[COUNTER]")  # 0.33 以前连着客户端加的字
    return order


def trade_of(row: tuple[Any, ...], order: SimOrder) -> SimTrade:
    """成交表的一行 → 成交。"""
    number, _, _, traded_id, time, price, volume, fees, tick, passive = row
    return SimTrade(number, order, traded_id, time, price, volume, fees, tick, bool(passive))


def progress_fields(progress: Progress) -> tuple[int | float, ...]:
    """表里的次序。"""
    return (
        progress.day,
        progress.tick,
        progress.now,
        progress.order_id,
        progress.sysid,
        progress.trade,
        progress.first_order_id,
        progress.first_trade,
    )


def account_fields(account: Account) -> tuple[int | str, ...]:
    """表里的次序。"""
    return (
        account.account_id,
        account.account_type,
        account.cash_li,
        account.frozen_li,
        account.fees_li,
        account.realized_li,
        account.proceeds_li,
    )


def position_fields(held: Position) -> tuple[int | str, ...]:
    """表里的次序，账号以外的。"""
    return (
        held.stock_code,
        held.volume,
        held.yesterday,
        held.locked,
        held.frozen,
        held.cost_li,
        held.open_date,
    )


def order_fields(order: SimOrder) -> tuple[int | str, ...]:
    """表里的次序。"""
    return (
        order.order_id,
        order.day,
        order.account_id,
        order.account_type,
        order.stock_code,
        order.order_type,
        order.volume,
        order.price_type,
        order.price_li,
        order.order_time,
        order.strategy_name,
        order.order_remark,
        order.limit_li,
        order.sysid,
        int(order.status),
        order.reason,
        order.traded_volume,
        order.traded_amount_li,
        order.fees_li,
        order.frozen_li,
        order.ahead,
        int(order.waiting),
        int(order.off_book),
    )


def trade_fields(trade: SimTrade) -> tuple[int | str, ...]:
    """表里的次序。"""
    return (
        trade.number,
        trade.order.order_id,
        trade.order.day,
        trade.traded_id,
        trade.traded_time,
        trade.price_li,
        trade.volume,
        trade.fees_li,
        trade.tick,
        int(trade.passive),
    )
