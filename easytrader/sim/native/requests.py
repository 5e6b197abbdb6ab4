"""厂商的请求对象 → 动作的参数。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import MARKET_CODES
from easytrader.sim.ledger.events import (
    AccountQuery,
    BusinessQuery,
    CancelOrder,
    OrdersQuery,
    SubmitOrder,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.gateway.verbs import Verb

__all__ = ["reader_of"]

_EXCHANGES: Final = {-1: "", **{code: str(name) for name, code in MARKET_CODES.items()}}
_NOWHERE: Final = "?"
"""不认识的市场代码：哪笔委托也不在那里。"""

_FIELDS: Final = {
    "transfer": (
        "direction=m_nOrderType price=m_dPrice "
        "stock_code=m_strStockCode1|m_strStockCode volume=m_nOrderVolume "
        "transfer_type=m_nCreditTransferType"
    ),
    "bank_transfer": "direction bank_no bank_account bank_pwd fund_pwd balance",
    "bank_amount": "bank_no bank_account bank_pwd",
    "bank_stream": "start_date end_date bank_no bank_account",
    "smt_negotiate": (
        "src_group_id=m_strSrcGroupID code=m_strOrderCode days=m_nDate "
        "amount=m_nAmount rate=m_dApplyRate preend_rate=m_dSubFareRate fine_rate=m_dFineRate"
    ),
    "smt_appointment": "code=m_strOrderCode days=m_nDate amount=m_nAmount rate=m_dApplyRate",
    "smt_cancel": "apply_id=m_strApplyID",
    "smt_renewal": (
        "compact_id=m_strCompactID code=m_strOrderCode defer_days=m_nDeferDays "
        "defer_num=m_nDeferNum apply_rate=m_dApplyRate"
    ),
    "smt_return": "compact_id=m_strCompactID code=m_strOrderCode amount=m_nOccurAmount",
}
"""`BusinessQuery` 的各项：写成 ``名字=厂商的字段``，老版本填别的再加 ``|老字段``。"""

_SNAKE: Final = frozenset(
    {"bank_transfer", "bank_info", "bank_amount", "bank_stream", "secu_accounts"}
)
"""银行的请求：字段名是小写的。"""


def reader_of(verb: Verb) -> Callable[[Any], tuple[Any, ...]]:
    """读这个动作的请求对象的函数。"""
    if verb.args is BusinessQuery:
        return _business(verb.name)
    return _OWN.get(verb.name) or _READERS[verb.args]


def _business(verb: str) -> Callable[[Any], BusinessQuery]:
    kind, account = ("m_nAccountType", "m_strAccountID")
    if verb in _SNAKE:
        kind, account = "account_type", "account_id"
    wanted = []
    for word in _FIELDS.get(verb, "").split():
        name, _, field = word.partition("=")
        field, _, older = (field or name).partition("|")
        wanted.append((name, field, older or field))

    def read(request: Any) -> BusinessQuery:
        body = {
            name: getattr(request, field) or getattr(request, older)
            for name, field, older in wanted
        }
        shown = json.dumps(body, ensure_ascii=False) if body else ""
        return BusinessQuery(getattr(request, kind), getattr(request, account), shown)

    return read


def _account(request: Any) -> AccountQuery:
    return AccountQuery(request.m_nAccountType, request.m_strAccountID)


def _position(request: Any) -> AccountQuery:
    code = request.m_strStockCode1 or request.m_strStockCode
    return AccountQuery(request.m_nAccountType, request.m_strAccountID, code)


def _orders(request: Any) -> OrdersQuery:
    return OrdersQuery(
        request.m_nAccountType, request.m_strAccountID, request.m_nOrderID, request.m_bCanCancel
    )


def _submit(request: Any) -> SubmitOrder:
    # 长缓冲区有内容就用长的，与厂商合并的读法相同
    return SubmitOrder(
        request.m_nAccountType,
        request.m_strAccountID1 or request.m_strAccountID,
        request.m_strStockCode1 or request.m_strStockCode,
        request.m_nOrderType,
        request.m_nOrderVolume,
        request.m_nPriceType,
        request.m_dPrice,
        _text(request, "m_strStrategyName"),
        _text(request, "m_strOrderRemarkNew") or _text(request, "m_strOrderRemark"),
    )


def _text(request: Any, name: str) -> str:
    """读文本；尾巴上截出半个字的（真实模块的请求对象会抛错），丢掉那半个。"""
    try:
        value: str = getattr(request, name)
    except UnicodeDecodeError as error:
        return error.object[: error.start].decode("utf-8", "ignore")
    return value


def _cancel(request: Any) -> CancelOrder:
    return CancelOrder(
        request.m_nAccountType,
        request.m_strAccountID,
        request.m_nOrderID,
        _EXCHANGES.get(request.m_nMarket, _NOWHERE),
        request.m_strOrderSysID,
    )


def _anyone(request: Any) -> AccountQuery:
    """不问账号的业务查询。"""
    return AccountQuery(0, "")


def _nothing(request: Any) -> tuple[()]:
    return ()


_OWN: Final[dict[str, Callable[[Any], tuple[Any, ...]]]] = {
    "positions": _position,
    "ipo_data": _anyone,
}
_READERS: Final[dict[Any, Callable[[Any], tuple[Any, ...]]]] = {
    None: _nothing,
    AccountQuery: _account,
    OrdersQuery: _orders,
    SubmitOrder: _submit,
    CancelOrder: _cancel,
}
