"""厂商 Python 代码里几处写错的地方，在子类里补上；厂商的文件一行不改。

xtquant 240119–250807 都有（原生模块是好的，错在 ``xttrader.py``）：

- ``query_com_position``：忘了绑定它的应答，永远等不到；
- ``smt_appointment_cancel_async``：用了不存在的变量 ``applyId``；
- ``smt_compact_renewal_async``、``smt_compact_return_async``：字段名的大小写与原生结构不符，
  赋值就抛 ``AttributeError``。
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def mended(base: type[Any]) -> type[Any]:
    """厂商类的子类；厂商没有的方法不添。"""

    class Mended(base):  # type: ignore[misc]  # 基类在运行时才知道
        """见模块说明。"""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            _bind_com_position(self)

    for name, fixed in _FIXED.items():
        if hasattr(base, name) and _native(base) is not None:
            setattr(Mended, name, fixed)
    return Mended


def _native(kind: type[Any]) -> Any:
    """厂商类所在的模块引用的原生模块；同形模块没有。"""
    for each in kind.__mro__:
        module = sys.modules.get(each.__module__)
        for name in ("_XTQC_", "XTQC"):  # 后一个是 240329 以前的写法
            if hasattr(module, name):
                return getattr(module, name)
    return None


def _bind_com_position(trader: Any) -> None:
    client = getattr(trader, "async_client", None)
    bind = getattr(client, "bindOnQueryComPositionRespCallback", None)
    if bind is None or not hasattr(trader, "cbs"):
        return
    held = weakref.ref(trader)

    def answered(seq: int, rows: Any) -> None:
        alive = held()
        if alive is None:
            return
        callback = alive.cbs.pop(seq, None)
        if callback is not None:
            alive.resp_executor.submit(callback, rows)

    bind(answered)


def _put(request: Any, value: Any, *names: str) -> None:
    """按原生结构认得的那个名字赋值。"""
    for name in names[:-1]:
        try:
            setattr(request, name, value)
        except AttributeError:
            continue
        return
    setattr(request, names[-1], value)


def _send(trader: Any, send: Callable[[int, Any], Any], request: Any) -> int:
    seq: int = trader.async_client.nextSeq()
    trader.cbs[seq] = trader.callback.on_smt_appointment_async_response
    send(seq, request)
    return seq


def _request(trader: Any, kind: str, account: Any) -> Any:
    request = getattr(_native(type(trader)), kind)()
    request.m_nAccountType = account.account_type
    request.m_strAccountID = account.account_id
    return request


def _appointment_cancel(self: Any, account: Any, apply_id: str) -> int:
    """撤销约券申请；返回请求序号。"""
    request = _request(self, "SmtAppointmentCancelReq", account)
    _put(request, apply_id, "m_strApplyID", "m_strApplyId")
    return _send(self, self.async_client.smtAppointmentCancelWithSeq, request)


def _compact_renewal(
    self: Any,
    account: Any,
    cash_compact_id: str,
    order_code: str,
    defer_days: int,
    defer_num: int,
    apply_rate: float,
) -> int:
    """约券合约展期；返回请求序号。"""
    request = _request(self, "SmtCompactRenewalReq", account)
    _put(request, cash_compact_id, "m_strCompactID", "m_strCompactId")
    request.m_strOrderCode = order_code
    request.m_nDeferDays = defer_days
    request.m_nDeferNum = defer_num
    request.m_dApplyRate = apply_rate
    return _send(self, self.async_client.smtCompactRenewalWithSeq, request)


def _compact_return(
    self: Any,
    account: Any,
    src_group_id: str,
    cash_compact_id: str,
    order_code: str,
    occur_amount: int,
) -> int:
    """约券合约归还；返回请求序号。"""
    request = _request(self, "SmtCompactReturnReq", account)
    _put(request, src_group_id, "m_strSrcGroupID", "m_strSrcGroupId")
    _put(request, cash_compact_id, "m_strCompactID", "m_strCompactId")
    request.m_strOrderCode = order_code
    request.m_nOccurAmount = occur_amount
    return _send(self, self.async_client.smtCompactReturnWithSeq, request)


_FIXED = {
    "smt_appointment_cancel_async": _appointment_cancel,
    "smt_compact_renewal_async": _compact_renewal,
    "smt_compact_return_async": _compact_return,
}
