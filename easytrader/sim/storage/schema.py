"""账本的表、版本的升级，与柜台里的对象怎样变成行、再变回来。"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.ledger.orders import SimOrder, SimTrade, security_of

if TYPE_CHECKING:
    from collections.abc import Callable


APPLICATION_ID: Final = 0x45545349  # "ETSI"
VERSION: Final = 5

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
    cost_li INTEGER NOT NULL, open_date TEXT NOT NULL, spent_li INTEGER NOT NULL DEFAULT 0,
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
    passive INTEGER NOT NULL, interest_li INTEGER NOT NULL DEFAULT 0
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
_FROM_4: Final = (
    "ALTER TABLE trades ADD COLUMN interest_li INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE positions ADD COLUMN spent_li INTEGER NOT NULL DEFAULT 0;"
    "UPDATE positions SET spent_li = cost_li;"
)
"""版本 4 没有债券的应计利息，没有为持仓净付出的钱（从买入成本起算）。"""


def _put(table: str, columns: int, verb: str = "REPLACE") -> str:
    return f"{verb} INTO {table} VALUES ({', '.join('?' * columns)})"


PUT_PROGRESS: Final = _put("progress", 9)
PUT_ACCOUNT: Final = _put("accounts", 7)
PUT_POSITION: Final = _put("positions", 9)
PUT_ORDER: Final = _put("orders", 23)
PUT_QUEUE: Final = _put("queues", 6)
PUT_RECORD: Final = _put("records", 4)
PUT_CLOSING_ASSET: Final = _put("closing_assets", 10)
PUT_CLOSING_POSITION: Final = _put("closing_positions", 6)
PUT_TRADE: Final = _put("trades", 11, "INSERT")


_STEP: Final = f"{PUT_ORDER}; {PUT_ACCOUNT}; {PUT_PROGRESS};".split("?")


def _step() -> str:
    """临时视图 ``step``：插一行就是写一笔委托、它的账户与走到哪里。"""
    columns = range(len(_STEP) - 1)
    blank = ", ".join(f"NULL AS c{each}" for each in columns)
    body = "".join(f"{_STEP[each]}NEW.c{each}" for each in columns) + _STEP[-1]
    return (
        f"CREATE TEMP VIEW step AS SELECT {blank};"
        f"CREATE TEMP TRIGGER put_step INSTEAD OF INSERT ON step BEGIN {body} END;"
    )


STEP_VIEW: Final = _step()
PUT_STEP: Final = _put("step", len(_STEP) - 1, "INSERT")
"""最常见的一步（收下一笔委托）一句话就是一个事务，比五句快；见 `STEP_VIEW`。"""


def steps_from(version: int) -> str:
    """从 ``version``（0 是空的）升级到现在要执行的。"""
    if version == 0:
        return _SCHEMA + _QUEUES + _RECORDS + _CLOSINGS
    steps = (_FROM_1 + _QUEUES, _FROM_2 + _RECORDS, _CLOSINGS, _FROM_4)
    return "".join(steps[version - 1 :])


def order_of(row: tuple[Any, ...]) -> SimOrder:
    """委托表的一行 → 委托。"""
    *plain, waiting, off_book = row
    plain.insert(5, security_of(row[4]))
    fields: tuple[Any, ...] = (*plain, bool(waiting), bool(off_book))
    order = SimOrder(*fields)
    order.reason = order.reason.removeprefix("[COUNTER]")  # 0.33 以前连着客户端加的字
    return order


def trade_of(row: tuple[Any, ...], order: SimOrder) -> SimTrade:
    """成交表的一行 → 成交。"""
    number, _, _, traded_id, time, price, volume, fees, tick, passive, interest = row
    shown = (traded_id, time, price, volume, fees, tick, bool(passive), interest)
    return SimTrade(number, order, *shown)


def _fields(names: str) -> Callable[[Any], tuple[Any, ...]]:
    """取出这些项，按表里的次序。"""
    return attrgetter(*names.split())


progress_fields: Final = _fields("day tick now order_id sysid trade first_order_id first_trade")
account_fields: Final = _fields(
    "account_id account_type cash_li frozen_li fees_li realized_li proceeds_li"
)
position_fields: Final = _fields(
    "stock_code volume yesterday locked frozen cost_li open_date spent_li"
)
"""账号以外的。"""
order_fields: Final = _fields(
    "order_id day account_id account_type stock_code order_type volume price_type price_li"
    " order_time strategy_name order_remark limit_li sysid status reason traded_volume"
    " traded_amount_li fees_li frozen_li ahead waiting off_book"
)
trade_fields: Final = _fields(
    "number order.order_id order.day traded_id traded_time price_li volume fees_li tick passive"
    " interest_li"
)
