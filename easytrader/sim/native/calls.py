"""原生客户端的全部请求：请求对象怎样读成参数，应答的形状，不模拟的请求怎么回答。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.codes import MARKET_CODES
from easytrader.errors import SimulatorError
from easytrader.sim.gateway import verbs
from easytrader.sim.gateway.fields import ZEROS, structs
from easytrader.sim.gateway.verbs import Verb
from easytrader.sim.gateway.wire import QUERY_FAILED
from easytrader.sim.ledger import events
from easytrader.sim.native.structs import STRUCTS, build, build_many

if TYPE_CHECKING:
    from collections.abc import Callable


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
    if verb.args is events.BusinessQuery:
        return _business(verb.name)
    return _OWN.get(verb.name) or _READERS[verb.args]


def _business(verb: str) -> Callable[[Any], events.BusinessQuery]:
    kind, account = ("m_nAccountType", "m_strAccountID")
    if verb in _SNAKE:
        kind, account = "account_type", "account_id"
    wanted = []
    for word in _FIELDS.get(verb, "").split():
        name, _, field = word.partition("=")
        field, _, older = (field or name).partition("|")
        wanted.append((name, field, older or field))

    def read(request: Any) -> events.BusinessQuery:
        body = {
            name: getattr(request, field) or getattr(request, older)
            for name, field, older in wanted
        }
        shown = json.dumps(body, ensure_ascii=False) if body else ""
        return events.BusinessQuery(getattr(request, kind), getattr(request, account), shown)

    return read


def _account(request: Any) -> events.AccountQuery:
    return events.AccountQuery(request.m_nAccountType, request.m_strAccountID)


def _position(request: Any) -> events.AccountQuery:
    code = request.m_strStockCode1 or request.m_strStockCode
    return events.AccountQuery(request.m_nAccountType, request.m_strAccountID, code)


def _orders(request: Any) -> events.OrdersQuery:
    return events.OrdersQuery(
        request.m_nAccountType, request.m_strAccountID, request.m_nOrderID, request.m_bCanCancel
    )


def _submit(request: Any) -> events.SubmitOrder:
    # 长缓冲区有内容就用长的，与厂商合并的读法相同
    return events.SubmitOrder(
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


def _cancel(request: Any) -> events.CancelOrder:
    return events.CancelOrder(
        request.m_nAccountType,
        request.m_strAccountID,
        request.m_nOrderID,
        _EXCHANGES.get(request.m_nMarket, _NOWHERE),
        request.m_strOrderSysID,
    )


def _anyone(request: Any) -> events.AccountQuery:
    """不问账号的业务查询。"""
    return events.AccountQuery(0, "")


def _nothing(request: Any) -> tuple[()]:
    return ()


_OWN: Final[dict[str, Callable[[Any], tuple[Any, ...]]]] = {
    "positions": _position,
    "ipo_data": _anyone,
}
_READERS: Final[dict[Any, Callable[[Any], tuple[Any, ...]]]] = {
    None: _nothing,
    events.AccountQuery: _account,
    events.OrdersQuery: _orders,
    events.SubmitOrder: _submit,
    events.CancelOrder: _cancel,
}


_PUSH_BINDERS: Final = (
    "Disconnected",
    "StockAsset",
    "StockOrder",
    "StockTrade",
    "StockPosition",
    "OrderError",
    "CancelError",
    "UpdateAccountStatus",
    "ProductNetValue",
)

COMMON_BINDER: Final = "QueryStockAsset"
"""厂商给这个绑定的是通用应答处理；它自己忘了绑的（query_com_position）借道于此，不致无声无息。"""


class FailedList(list[Any]):
    """没查成（或不模拟）的查询的应答：不是「没有数据」，谁去看就在谁的线程里抛 SimulatorError。"""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def _refuse(self, *_: object) -> Any:
        raise SimulatorError(self.message)

    __len__ = __bool__ = __iter__ = __reversed__ = _refuse
    __getitem__ = __contains__ = __eq__ = __ne__ = _refuse
    __hash__ = None

    def __repr__(self) -> str:
        return f"<{self.message}>"


class Call(Verb):
    """一个请求，与它的应答怎么造。"""

    __slots__ = ()

    def answer(self, payload: Any) -> Any:
        """柜台的应答 → 厂商的对象。"""
        if self.shape in ("list", "one") and payload and payload[0] == QUERY_FAILED:
            if self.shape == "one":
                return self._with_message(str(payload[1]))
            return FailedList(f"{self.vendor} 失败：{payload[1]}")
        if self.shape == "list":
            return build_many(self.struct, payload)
        if self.shape == "one":
            return build(self.struct, payload)
        return payload

    def default(self) -> Any:
        """没有连接时的应答（facts：委托 -1、撤单 -1、订阅 -1、列表为空、其余零值）。"""
        return self._blank(-1, -1)

    def expired(self) -> Any:
        """set_timeout 到期的应答：委托 0、撤单 0（即「成功」）、订阅 -2、列表为空。"""
        return self._blank(-2, 0)

    def _blank(self, number: int, result: int) -> Any:
        if self.shape == "int":
            return number
        if self.shape == "list":
            return []
        if self.shape == "json":
            return _json_error(self.struct, "没有连接到模拟 MiniQMT，或等待应答超时", "")
        made: Any = STRUCTS[self.struct]()
        if self.struct == "OrderStockResp":
            made.order_id = result
        elif self.struct == "CancelOrderStockResp":
            made.cancel_result = result
        return made

    def not_simulated(self, request: Any) -> Any:
        """这个请求不模拟：按它自己的应答形状说清楚。"""
        message = f"模拟 MiniQMT 暂不支持 {self.vendor}"
        if self.shape == "int":
            logger.warning("{}", message)
            return -1
        if self.shape == "json":
            return _json_error(self.struct, message, _bson_text(request, b"account_id"))
        if self.shape == "one":
            return self._with_message(message)
        if any(field.name in _SUCCESS_FIELDS for field in structs()[self.struct]):
            return [self._with_message(message)]
        return FailedList(message)

    def _with_message(self, message: str) -> Any:
        blank: dict[str, Any] = dict.fromkeys(_MESSAGE_FIELDS, message)
        blank |= {"order_id": -1, "cancel_result": -1, "task_id": -1}
        row = [
            blank[field.name] if field.name in blank else ZEROS[field.code]
            for field in structs()[self.struct]
        ]
        return build(self.struct, row)


_SUCCESS_FIELDS: Final = ("m_bSuccess", "success")
_MESSAGE_FIELDS: Final = ("m_strMsg", "msg", "error_msg")


def _json_error(kind: str, message: str, account_id: str) -> str:
    """厂商代码解析之后能看到错误、又不抛 KeyError 的文本。"""
    error = {"error": {"msg": message}}
    shapes: dict[str, Any] = {
        "export": {"error": {"errorMsg": message}},
        "params": {"datas": error},
        "tasks": {"error": {"msg": message, "datas": error}},
        "order": {
            "error": {
                "account_id": account_id,
                "task_id": -1,
                "strategy_name": "",
                "order_remark": "",
                "error_msg": message,
            }
        },
    }
    return json.dumps(shapes[kind], ensure_ascii=False)


def _bson_text(document: Any, key: bytes) -> str:
    """从 BSON 文档里取一个字符串字段；没有为空。"""
    if not isinstance(document, bytes):
        return ""
    _, found, rest = document.partition(b"\x02" + key + b"\0")
    size = int.from_bytes(rest[:4], "little")
    return rest[4 : 3 + size].decode("utf-8", "replace") if found and size > 0 else ""


CALLS: Final = {name: Call(*verb) for name, verb in verbs.CALLS.items()}
"""全部 55 个请求。"""

BINDERS: Final = tuple(dict.fromkeys([*_PUSH_BINDERS, *(call.binder for call in CALLS.values())]))
"""全部 56 个绑定（``bindOn<名字>Callback``）。"""
