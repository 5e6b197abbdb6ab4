"""动词表：交易口上的哪些名字可以从别的机器上用，各要什么权限。

参数、说明、返回都在交易口的方法上写着（`signature_of`）；这里只写方法自己不说的两样：
会改变什么、要什么权限。REST、WebSocket、OpenAPI、文档、远程的交易口都照这张表。
"""

from __future__ import annotations

import inspect
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ, TRADE, FUNDS = "read", "trade", "funds"
SCOPES: Final = (READ, TRADE, FUNDS)
"""权限：看、买卖、挪钱。``trade``、``funds`` 都包含 ``read``，互相不包含。"""

SERVER: Final = "server"
"""不在交易口上、由服务器自己做的动词，都叫 ``server.…``。"""


class Effect(Enum):
    """会改变什么。"""

    QUERY = "query"
    """什么也不改变：断了可以再问。"""
    ORDER = "order"
    """一笔委托，带 ``client_order_id``。"""
    CANCEL = "cancel"
    MOVE = "move"
    """没有客户编号的：转账、划拨、约券、智能算法、一批申购。"""

    @property
    def changes(self) -> bool:
        """要记下请求号，断了不能再发一次。"""
        return self is not Effect.QUERY


class Verb(NamedTuple):
    """一个动词。

    Attributes:
        name: ``buy``、``credit.fin_buy``、``server.settle``。
        effect: 会改变什么。
        scope: 要什么权限。
        is_async: 发出就先说序号，有结果再说一次（给回执的那一种）。
    """

    name: str
    effect: Effect
    scope: str
    is_async: bool = False

    @property
    def group(self) -> str:
        """哪一组；交易口自己的为空。"""
        return self.name.rpartition(".")[0]

    @property
    def method(self) -> str:
        """方法（或属性）的名字。"""
        return self.name.rpartition(".")[2]


def _rows(
    effect: Effect, scope: str, group: str, names: str, twins: bool = False
) -> Iterator[Verb]:
    for each in names.split():
        name = f"{group}.{each}" if group else each
        yield Verb(name, effect, scope, each.endswith("_async"))
        if twins:
            yield Verb(f"{name}_async", effect, scope, True)


TABLE: Final[tuple[Verb, ...]] = (
    *_rows(Effect.QUERY, READ, "", "balance position today_entrusts today_trades"),
    *_rows(Effect.QUERY, READ, "", "find_entrust quote history"),
    *_rows(Effect.ORDER, TRADE, "", "buy sell market_buy market_sell", twins=True),
    *_rows(Effect.CANCEL, TRADE, "", "cancel_entrust", twins=True),
    *_rows(Effect.CANCEL, TRADE, "", "cancel_all"),
    *_rows(
        Effect.ORDER, TRADE, "credit",
        "buy sell fin_buy slo_sell buy_secu_repay sell_secu_repay direct_secu_repay "
        "direct_cash_repay",
        twins=True,
    ),
    *_rows(Effect.QUERY, READ, "credit", "detail compacts subjects slo_codes assure"),
    *_rows(Effect.ORDER, TRADE, "after_hours", "buy sell", twins=True),
    *_rows(Effect.QUERY, READ, "ipo", "limits data"),
    *_rows(Effect.MOVE, TRADE, "ipo", "subscribe_all"),
    *_rows(Effect.QUERY, READ, "bank", "info transfer_stream"),
    *_rows(Effect.QUERY, FUNDS, "bank", "amount"),
    *_rows(Effect.MOVE, FUNDS, "bank", "transfer_in transfer_out", twins=True),
    *_rows(Effect.QUERY, READ, "transfer", "com_fund com_position"),
    *_rows(Effect.MOVE, FUNDS, "transfer", "fund secu"),
    *_rows(Effect.MOVE, FUNDS, "transfer", "option_to_future future_to_option", twins=True),
    *_rows(Effect.QUERY, READ, "lending", "quoters orders compacts"),
    *_rows(
        Effect.MOVE, TRADE, "lending",
        "negotiate_order_async appointment_order_async appointment_cancel_async "
        "compact_renewal_async compact_return_async",
    ),
    *_rows(Effect.QUERY, READ, "algo", "params tasks"),
    *_rows(Effect.MOVE, TRADE, "algo", "order_async cancel_task_async"),
    *_rows(
        Effect.QUERY, READ, "client",
        "account_infos account_status secu_accounts position_statistics",
    ),
    *_rows(Effect.CANCEL, TRADE, "client", "cancel_sysid", twins=True),
    # 核对只动自己的请求号：挪钱的、买卖的都要问得着
    *_rows(Effect.QUERY, READ, SERVER, "events status search settle"),
    *_rows(Effect.QUERY, TRADE, SERVER, "guard preview stop_orders allow_orders"),
)  # fmt: skip

LEFT_OUT: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("connect", "close", "stop_reconnect", "state", "status", "events", "wait", "guard"),
        "远程的交易口自己的",
    ),
    **dict.fromkeys(("trader", "account"), "厂商的对象只在跑它的那台机器上"),
    **dict.fromkeys(
        ("client.export_data", "client.query_data", "client.sync_transaction_from_external"),
        "读写的是跑客户端的那台机器上的文件",
    ),
    **dict.fromkeys(
        ("capabilities", "sim", "credit", "after_hours", "ipo", "bank", "transfer", "lending",
         "algo", "client"),
        "不是动词",
    ),
    **dict.fromkeys(
        ("portfolio", "adjust_weight", "adjust_weights"), "由别的动词做成，远程的也照样用"
    ),
}  # fmt: skip
"""交易口上有、这里没有的名字，为什么。"""

_BY_NAME: Final = {each.name: each for each in TABLE}


def find(name: object) -> Verb | None:
    """表里的动词；没有为 None（认不得的一律不做）。"""
    return _BY_NAME.get(name) if isinstance(name, str) else None


def member_of(trader: object, verb: Verb) -> tuple[object, Any]:
    """(在哪个对象上, 类里的成员)：属性是 `property`，方法是函数。

    Raises:
        AttributeError: 这个后端没有。
    """
    owner = getattr(trader, verb.group) if verb.group else trader
    return owner, inspect.getattr_static(type(owner), verb.method)


def offered(trader: object) -> list[Verb]:
    """这个交易口上有的动词，连同服务器自己的。"""
    return [each for each in TABLE if each.group == SERVER or _has(trader, each)]


def _has(trader: object, verb: Verb) -> bool:
    kind: Any = type(trader)
    if not verb.group:
        return hasattr(kind, verb.method)
    return hasattr(kind, verb.group) and hasattr(getattr(trader, verb.group), verb.method)


def invoke(trader: object, verb: Verb, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """在交易口上做这个动词；属性只在没有参数时才能读。"""
    owner, member = member_of(trader, verb)
    if isinstance(member, property):
        if args or kwargs:
            raise TypeError(f"{verb.name} 没有参数")
        return getattr(owner, verb.method)
    call: Callable[..., Any] = getattr(owner, verb.method)
    return call(*args, **kwargs)


def signature_of(trader: object, verb: Verb) -> tuple[inspect.Signature, str]:
    """(参数与返回, 说明)，从交易口的方法上读；OpenAPI 与文档用。"""
    owner, member = member_of(trader, verb)
    told = inspect.cleandoc(member.__doc__ or "")
    if isinstance(member, property):
        assert member.fget is not None
        returns = inspect.signature(member.fget).return_annotation
        return inspect.Signature(return_annotation=returns), told
    return inspect.signature(getattr(owner, verb.method)), told
