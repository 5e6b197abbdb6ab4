"""柜台与客户端之间说的话：请求、应答、推送的形状（进程内直接传，跨进程转成 JSON 数组）。"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

PROTOCOL_VERSION: Final = 3

MARKET_TIME: Final = "@now"
BOOKS: Final = "@books"
"""`QuoteArgs` 里代替代码的记号。"""

_QUOTE_SESSIONS: Final = -(1 << 32)

QUERY_FAILED: Final = "query_failed"
"""列表查询失败时的应答是 ``(QUERY_FAILED, 原因)``：空列表只表示没有。"""


def quote_session(number: int) -> int:
    """行情连接的会话号：客户端的会话号是 32 位，这些都在它之外。"""
    return _QUOTE_SESSIONS - number


def is_quote_session(session_id: int) -> bool:
    """是不是行情连接：它不占客户端的会话号，也不算在连接失败的故障里。"""
    return session_id <= _QUOTE_SESSIONS


class Request(NamedTuple):
    """客户端 → 柜台。``args`` 的类见 `verbs`。"""

    verb: str
    seq: int
    args: tuple[Any, ...]


class Message(NamedTuple):
    """柜台 → 客户端。

    ``kind``：``answer``（对 seq 的应答），或推送的种类：
    ``order trade order_error cancel_error account_status asset position``。
    ``seq``：应答对应的请求序号；推送为 0。
    ``payload``：见 `rows`；列表查询的应答是行的列表。
    """

    kind: str
    seq: int
    payload: Any


class QuoteArgs(NamedTuple):
    """quote：厂商没有的请求，问最新价。应答是元（float），说不出来为 None。

    代码为 `MARKET_TIME` 是问行情走到了几点，应答是 Unix 秒（float）：行情由它和设置算得出来。
    代码为 `BOOKS` 另问各证券上自己挂着的与吃掉的（`screen.Own`），应答是 JSON 文字：
    ``[几点, {代码: Own}]``。
    """

    stock_code: str


class Push(NamedTuple):
    """一条推送，尚未指明送给谁。``row`` 见 `rows`。

    ``lag_s``：离应答、离发生，至少隔多少秒再送。``order_id``：属于哪笔委托，同一笔的次序不变；
    0 为不属于。
    """

    kind: str
    account_type: int
    account_id: str
    row: tuple[Any, ...]
    lag_s: float = 0.0
    order_id: int = 0
