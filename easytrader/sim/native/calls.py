"""原生客户端的全部请求：请求类型、应答走哪个绑定、应答的形状，以及不模拟的请求怎么回答。"""

from __future__ import annotations

import json
from typing import Any, Final

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.gateway import verbs
from easytrader.sim.gateway.fields import ZEROS, structs
from easytrader.sim.gateway.verbs import Verb
from easytrader.sim.gateway.wire import QUERY_FAILED
from easytrader.sim.native.structs import STRUCTS, build, build_many

__all__ = ["BINDERS", "CALLS", "COMMON_BINDER", "Call", "FailedList"]

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
        "export": error,
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
